"""README and docs say what is so: code runs, lists are complete, links lead on."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import typer
import yaml
from pydantic import BaseModel

from experiments.cli import app, main
from experiments.config import CampaignConfig
from experiments.made_file import REASONS, STATUSES
from experiments.round_folder import MADE_COLUMNS, RESULT_COLUMNS
from features.milling import MEDIA
from features.properties import CATALOGUE

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").rglob("*.md"))]
DECISIONS = sorted((ROOT / "docs/decisions").glob("*.md"))
TUTORIALS = sorted((ROOT / "docs/tutorials").glob("[0-9]*.md"))
NOT_RUN = "# not run here"
REFUSED = "# refused"
"""Beside a command that ends with an error."""

_BLOCK = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\((?!https?:)(?P<target>[^)#]+)")


class Block(NamedTuple):
    """A fenced block: its language, what else stands beside it, its text."""

    language: str
    name: str
    text: str


def blocks(page: Path) -> list[Block]:
    found = []
    for match in _BLOCK.finditer(page.read_text(encoding="utf-8")):
        language, _, name = match["info"].strip().partition(" ")
        found.append(Block(language, name, match["text"]))
    return found


def commands(page: Path) -> list[list[str]]:
    """The glassloop commands of a page as argument lists, in order."""
    lines = []
    for block in blocks(page):
        joined = block.text.replace("\\\n", " ").splitlines()
        if block.language == "bash":
            lines += joined
        elif block.language == "console":
            lines += [line[2:] for line in joined if line.startswith("$ ")]
    wanted = [line for line in lines if line.startswith("glassloop ") and NOT_RUN not in line]
    return [shlex.split(line, comments=True) for line in wanted]


def relative(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def clean_environment() -> dict[str, str]:
    """This environment with our programs first on the path and no MLflow server."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW_TRACKING")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{environment.get('PATH', '')}"
    return environment | {"PATH": path, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


def run(arguments: list[str], folder: Path) -> str:
    """Standard output; a command that fails fails the test with all it said."""
    done = subprocess.run(
        arguments, cwd=folder, env=clean_environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{shlex.join(arguments)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.parametrize(
    "page",
    [
        page
        for page in PAGES
        if page not in TUTORIALS and any(block.language == "python" for block in blocks(page))
    ],
    ids=relative,
)
def test_the_python_blocks_of_a_page_run_one_after_the_other(page: Path, tmp_path: Path) -> None:
    code = "\n".join(block.text for block in blocks(page) if block.language == "python")
    run([sys.executable, "-c", code], tmp_path)


def test_the_commands_of_the_readme_run_in_order(tmp_path: Path) -> None:
    for block in blocks(README):
        if block.language == "csv" and block.name:
            (tmp_path / block.name).write_text(block.text, encoding="utf-8")
    said = [run(arguments, tmp_path) for arguments in commands(README)]
    assert len(said) >= 8
    assert (tmp_path / "na3pso/rounds/R02/batch_sheet.html").exists()
    assert any("6 specimens, 3 new readings" in text for text in said)
    assert any(text.startswith("SIMULATED") for text in said)


class Follower:
    """Does what a tutorial says; in this process, as importing for each command takes seconds."""

    def __init__(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.folder = folder
        self.monkeypatch = monkeypatch
        self.capsys = capsys
        self.names: dict[str, Any] = {"__name__": "tutorial"}
        self.said = ""

    def follow(self, block: Block) -> None:
        """Write a named file, or run a block and compare what is shown with what was said."""
        if block.language == "yaml" and block.name:
            merge_into(self.folder / block.name, block.text)
        elif block.name:
            file = self.folder / block.name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text, encoding="utf-8")
        elif block.language == "python":
            exec(compile(block.text, "tutorial", "exec"), self.names)
            self.said = self.capsys.readouterr().out
        elif block.language == "console":
            for part in re.split(r"^\$ ", block.text.replace("\\\n", " "), flags=re.MULTILINE)[1:]:
                command, _, shown = part.partition("\n")
                if NOT_RUN not in command:
                    self.command(command)
                    self.compare(shown)
        elif block.language == "text":
            self.compare(block.text)
        elif block.language == "bash":
            assert NOT_RUN in block.text, f"nobody runs this:\n{block.text}"

    def command(self, line: str) -> None:
        """Run one command; it fails just when the page says that it is refused."""
        self.monkeypatch.setattr(sys, "argv", shlex.split(line, comments=True))
        code: Any = 0
        try:
            main()
        except SystemExit as ended:
            code = ended.code or 0
        told = self.capsys.readouterr()
        self.said = told.out + told.err
        assert bool(code) is (REFUSED in line), f"{line}\n{self.said}"

    def compare(self, shown: str) -> None:
        """Lines shown without figures were said as they are; of the others, all their words."""
        said = " ".join(self.said.split())
        for line in (" ".join(line.split()) for line in shown.splitlines()):
            parts = re.findall(r"[^\W\d_]{3,}", line) if re.search(r"\d", line) else [line]
            missing = [part for part in parts if part.strip(".─ ") and part not in said]
            assert missing == [], f"{line!r} is shown, this was said:\n{self.said}"


def merge_into(file: Path, text: str) -> None:
    """Set the keys shown in a file of settings, as a reader would by hand."""
    settings = yaml.safe_load(file.read_text(encoding="utf-8"))
    for section, shown in yaml.safe_load(text).items():
        if isinstance(shown, dict):
            settings[section] |= shown
        else:
            settings[section] = shown
    file.write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")


@pytest.mark.parametrize("page", TUTORIALS, ids=relative)
def test_a_tutorial_does_what_it_shows(
    page: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("MLFLOW_TRACKING")]:
        monkeypatch.delenv(name)
    follower = Follower(tmp_path, monkeypatch, capsys)
    for block in blocks(page):
        follower.follow(block)


def command_names() -> set[str]:
    """Of the program, those of the parts it is put together from included."""
    return set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


def test_the_commands_of_all_pages_exist() -> None:
    known = command_names()
    assert {"propose", "study"} <= known
    for page in PAGES:
        for arguments in commands(page):
            assert arguments[1] in known, f"{relative(page)}: {shlex.join(arguments)}"


def test_every_command_is_in_the_readme_or_the_docs() -> None:
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    for name in command_names():
        assert f"glassloop {name}" in text


def keys(model: type[BaseModel]) -> Iterator[str]:
    """Every key of a configuration, those of its sections included."""
    for name, field in model.model_fields.items():
        yield name
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from keys(field.annotation)


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("docs/configuration.md", tuple(keys(CampaignConfig))),
        ("docs/files.md", (*MADE_COLUMNS, *RESULT_COLUMNS)),
        ("docs/files.md", (*STATUSES, *REASONS)),
        ("docs/files.md", tuple(CATALOGUE)),
        ("docs/files.md", tuple(MEDIA)),
    ],
    ids=["keys of campaign.yaml", "columns", "statuses and reasons", "properties", "media"],
)
def test_a_page_names_everything_it_should(page: str, words: tuple[str, ...]) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    assert [word for word in words if f"`{word}`" not in text] == []


@pytest.mark.parametrize("page", DECISIONS, ids=relative)
def test_a_decision_record_has_all_its_parts(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"# {int(page.name[:4])}. ")
    for part in ("Status: ", "Context: ", "Decision: ", "Consequences: "):
        assert f"\n{part}" in text


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_links_lead_to_files_that_exist(page: Path) -> None:
    targets = [match["target"] for match in _LINK.finditer(page.read_text(encoding="utf-8"))]
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_no_file_names_a_place_on_somebodys_machine() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    place = re.compile(rf"(?<![\w.-])/(?:{'|'.join(('work', 'root', 'home', 'Users'))})/")
    found = []
    for name in filter(None, listed.stdout.split("\0")):
        file = ROOT / name
        if file.is_file() and b"\0" not in (raw := file.read_bytes()):
            found += [f"{name}: {hit[0]}" for hit in place.finditer(raw.decode(errors="replace"))]
    assert found == []
