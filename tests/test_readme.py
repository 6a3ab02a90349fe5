"""README and docs say what is so: code runs, lists are complete, links lead on."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import typer
from pydantic import BaseModel

from experiments.cli import app
from experiments.config import CampaignConfig
from experiments.made_file import REASONS, STATUSES
from experiments.round_folder import MADE_COLUMNS, RESULT_COLUMNS
from features.milling import MEDIA
from features.properties import CATALOGUE

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").rglob("*.md"))]
DECISIONS = sorted((ROOT / "docs/decisions").glob("*.md"))
NOT_RUN = "# not run here"

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
        if block.language == "bash":
            lines += block.text.replace("\\\n", " ").splitlines()
        elif block.language == "console":
            lines += [line[2:] for line in block.text.splitlines() if line.startswith("$ ")]
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
    [page for page in PAGES if any(block.language == "python" for block in blocks(page))],
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
