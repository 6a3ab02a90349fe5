"""What fuzzing found, one small case each: all of it was a crash, a hang or a silent change."""

import json
import re
import zipfile
from pathlib import Path
from typing import Final

import pytest

from experiments.archive_zip import MANIFEST, open_archive
from experiments.backtest_objectives import objective_of
from experiments.complaint import got, one_line
from experiments.config import CampaignConfig, read_config, write_config
from experiments.csv_files import csv_text, read_table, read_table_bytes
from experiments.draft_edits import edited
from experiments.literature_file import read_literature
from experiments.literature_record import record_literature
from experiments.naming import no_name
from experiments.new_folder import new_folder
from experiments.notebook_columns import mapped
from experiments.plan_options import options_of
from experiments.study_spec import Batch, numbers_in
from experiments.sweep import MOST_ROWS, sweep_recipes
from experiments.table_limits import cell_fault
from experiments.targets import Target
from experiments.web.api import models
from experiments.web.forms import EntryForm, FormRow, typed_form
from experiments.web.sliders import glass_sliders
from features.errors import (
    CampaignError,
    GlassError,
    InputError,
    ReadingError,
    RecipeError,
    SpaceError,
    TableError,
)
from features.reading import parse_value
from features.units import to_catalogue_unit, to_unit

pytest_plugins = ["tests.experiments.planned_round"]

USUAL = {
    "x": "0.15", "milling_time_h": "3", "milling_speed_rpm": "500", "pressing_pressure_mpa": "450",
}  # fmt: skip
DIGITS = "9" * 4301
"""More than Python makes a whole number of."""


def refusal(text: str | bytes, folder: Path) -> str:
    """Why a configuration is refused, without its path."""
    path = folder / "campaign.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(CampaignError, match=r"campaign\.yaml") as caught:
        read_config(path)
    said = str(caught.value)
    assert "\n" not in said
    return said.removeprefix(str(path))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("? [a]\n: 1", "line 1: not readable as YAML (a key must be", id="list"),
        pytest.param("? {a: b}\n: 1", "a key must be a word", id="mapping-as-a-key"),
        pytest.param("name: !!int abc", "'abc' is no int, leave the tag out", id="int-tag"),
        pytest.param("name: !!bool abc", "'abc' is no bool", id="bool-tag"),
        pytest.param("name: !!timestamp abc", "is no timestamp", id="timestamp-tag"),
        pytest.param("name: !!set {a, b}", "could not determine a constructor", id="set-tag"),
        pytest.param("name: " + "[" * 3000, "nested more than 20 deep", id="deep"),
        pytest.param("name: lab\nseed: " + DIGITS, "seed: ", id="digits"),
        pytest.param("name: lab\nseed: 2147483648", "less than or equal to 2147483647", id="seed"),
        pytest.param('name: "a\\0b"', "holds the control character U+0000", id="nul"),
        pytest.param('name: "a\\uD800b"', "holds a lost character (U+D800)", id="half-a-letter"),
        pytest.param('name: "a\\nb"', "name: must be one line", id="two-lines"),
        pytest.param("name: lab\nseed: yes", "seed must not be true or false", id="yes-for-1"),
        pytest.param("name: lab\nglasses: {x: true}", "x must not be true or", id="true-for-1"),
        pytest.param("name: lab\nglasses: {jars_owned: {agate: on}}", "valid integer", id="on"),
        pytest.param("name: lab\nglasses: {milling_time_h: 1:30}", "got '1:30'", id="90-hours"),
        pytest.param("name: lab\n<<: {seed: 1}", "<<: unknown key", id="merge"),
        pytest.param(
            "name: lab\nglasses: {x: {low: 0, high: 0.5, step: 1.0e-300}}",
            "step 1e-300 is finer than anything can be weighed", id="endless-steps",
        ),
        pytest.param("#" * 100_001, "has more than 100,000 bytes", id="large"),
    ],
)  # fmt: skip
def test_a_configuration_is_refused_in_a_sentence(text: str, said: str, tmp_path: Path) -> None:
    assert said in refusal(text, tmp_path)


def test_a_small_configuration_that_means_a_huge_one_is_refused_shortly(tmp_path: Path) -> None:
    levels = [f"  - &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 9)]
    text = "name:\n  - &a0 [1, 1]\n" + "\n".join(levels)
    assert len(refusal(text, tmp_path)) < 400


@pytest.mark.parametrize("name", ["2026-05-02", "1:30", "010", "0x10", "1_0", "yes", "~", "1e5"])
def test_a_name_that_yaml_takes_for_something_else_comes_back(name: str, tmp_path: Path) -> None:
    write_config(CampaignConfig(name=name), tmp_path)
    assert read_config(tmp_path / "campaign.yaml").name == name


def test_an_octal_number_of_yaml_is_what_a_person_means(tmp_path: Path) -> None:
    path = tmp_path / "campaign.yaml"
    path.write_text("name: lab\nseed: 010\n")
    assert read_config(path).seed == 10


@pytest.mark.parametrize(
    "text", ["-1e308:1e308:1", "0:1:5e-324", "0:1e999:1", "1_0", "٣", "0:0.6:1_0", DIGITS]
)
def test_a_sweep_without_end_is_refused(text: str) -> None:
    with pytest.raises(RecipeError, match=f"at most {MOST_ROWS} values"):
        sweep_recipes(USUAL | {"x": text}, "agate")


def test_the_values_of_a_fine_sweep_are_not_rounded_away() -> None:
    values = sweep_recipes(USUAL | {"x": "0:1e-9:2.5e-10"}, "agate")["x"].tolist()
    assert values == [0.0, 2.5e-10, 5e-10, 7.5e-10, 1e-9]


def test_a_bound_that_becomes_nothing_in_its_unit_is_refused() -> None:
    with pytest.raises(CampaignError, match="must be a number above zero"):
        Target.of(["ionic_conductivity>1e-320 µS/cm"])


@pytest.mark.parametrize("text", ["²+1", "4+²", f"{DIGITS}+1", "٣+1"])
def test_a_batch_of_signs_that_are_no_digits_is_refused(text: str) -> None:
    with pytest.raises(CampaignError, match="such as 4\\+2"):
        Batch.of(text)
    with pytest.raises(CampaignError, match="such as 4\\+2"):
        options_of(CampaignConfig(name="c"), Target.of(["youngs_modulus>1"]), batches=[text])


def test_blanks_that_only_python_knows_are_blanks() -> None:
    assert Batch.of("\x1c4 + 2") == Batch(glasses=4, trilayers=2)


@pytest.mark.parametrize("text", ["²", DIGITS, "0-999999999999", "0-99999999"])
def test_seeds_without_end_are_refused(text: str) -> None:
    with pytest.raises(CampaignError, match="seeds: "):
        numbers_in([text])


def test_an_objective_is_repeated_in_one_line() -> None:
    with pytest.raises(SpaceError, match="direction must be") as caught:
        objective_of("a\r\n:\x1b[31m")
    assert str(caught.value).isprintable()
    with pytest.raises(SpaceError, match="got '1_0'"):
        objective_of("a:maximize:1_0")


@pytest.mark.parametrize("unit", ["m°C", "kdegC", "m°C/cm"])
def test_a_unit_that_has_no_dimension_is_refused(unit: str) -> None:
    with pytest.raises(ReadingError, match="must be a product of known symbols"):
        to_catalogue_unit(1.0, unit, "ionic_conductivity")
    with pytest.raises(ReadingError, match="must be a product of known symbols"):
        to_unit(1.0, unit, "degC")


@pytest.mark.parametrize("unit", ["dB", "Np", "°", "rad", "bit", "decade"])
def test_a_ratio_is_no_angle_and_no_logarithm(unit: str) -> None:
    with pytest.raises(ReadingError, match="must be a product of known symbols"):
        to_catalogue_unit(0.5, unit, "relative_density")
    with pytest.raises(ReadingError, match="must measure the same as 1"):
        to_catalogue_unit(0.5, "cycles", "relative_density")
    assert to_catalogue_unit(81.0, "%", "relative_density") == 0.81


@pytest.mark.parametrize("text", [">0", "<0 GPa", "> 1e-400"])
def test_a_bound_that_says_nothing_is_refused(text: str) -> None:
    with pytest.raises(ReadingError, match=r"a bound must be above zero, got [<>]0\.0 GPa"):
        parse_value(text, "youngs_modulus")


def test_a_unit_that_is_none_is_not_repeated_as_it_came() -> None:
    with pytest.raises(ReadingError, match="must be a product of known symbols") as caught:
        parse_value("-1 mS/cm\u202eã", "cycling_life")
    assert str(caught.value).isprintable()


def test_a_column_is_mapped_once() -> None:
    with pytest.raises(TableError, match="column 'a' is mapped twice"):
        mapped(["a=x", "a=mass_mg"])


class TestTables:
    """Cells and names of columns."""

    def test_a_lost_character_is_refused(self) -> None:
        table = read_table_bytes("t.csv", "a,b\nM�ller,1\n".encode(), ("a",))
        (problem,) = table.problems
        assert problem.startswith("t.csv, row 2, column a: holds a lost character (U+FFFD)")
        broken = read_table_bytes("t.csv", b"a,b\n\x81,1\n", ("a",))
        assert "holds a lost character" in broken.problems[0]

    def test_half_a_letter_is_refused(self) -> None:
        assert "holds a lost character (U+D800)" in cell_fault("a\ud800", is_workbook=False)

    def test_a_carriage_return_ends_no_row(self) -> None:
        text = csv_text(("a", "b"), [{"a": "one\rtwo", "b": "1"}])
        (row,) = read_table_bytes("t.csv", text.encode(), ("a",)).rows
        assert row["a"] == "one\ntwo"
        assert row["b"] == "1"

    def test_a_name_of_a_column_may_be_broken_into_lines(self) -> None:
        raw = b'"sigma\r\n(S/cm)",b\n1,x\n'
        (row,) = read_table_bytes("t.csv", raw, ("sigma (S/cm)",)).rows
        assert row["sigma (S/cm)"] == "1"

    def test_a_header_with_tabs_is_repeated_in_one_line(self) -> None:
        table = read_table_bytes("t.csv", b"a\tb,c,d\n1,2,3\n", ("z",))
        assert table.problems == ("t.csv: lacks the column z; got a b, c, d",)

    @pytest.mark.parametrize("name", ["a\nb.csv", "a\udcffb.csv", "a\x1bb.csv"])
    def test_a_file_whose_name_cannot_be_said_is_refused(self, name: str, tmp_path: Path) -> None:
        (tmp_path / name).write_text("a\n1\n")
        (problem,) = read_table(tmp_path / name, ("a",)).problems
        assert "the name of the file holds characters" in problem
        assert problem.isprintable()
        problem.encode()


class TestRecording:
    """Rows of a round."""

    @pytest.mark.parametrize("n", ["1e300", "1000001", "2147483648"])
    def test_more_measurements_than_a_database_counts_are_refused(self, lab, n: str) -> None:
        rows = lab.changed(lab.results, 3, se="", sd="1e-5", n=n)
        (problem,) = lab.refused(results=rows)
        assert "results.csv, row 3, column n" in problem
        assert "counts measurements" in problem

    def test_a_step_too_small_to_be_seen_is_refused(self, lab) -> None:
        rows = lab.changed(lab.results, 5, value="2.30000000049", step_ma_cm2="1e-12")
        (problem,) = lab.refused(results=rows)
        assert "column step_ma_cm2" in problem
        assert "is no step from 2.3 mA/cm2" in problem

    @pytest.mark.parametrize("name", ["a\nb", "a\u200bb", "x" * 101])
    def test_a_specimen_has_a_name_of_one_line(self, lab, name: str) -> None:
        rows = lab.changed(lab.made, 2, specimen=name, jar="")
        problems = lab.refused(made=rows[:1], results=())
        assert "column specimen" in problems[0]
        assert all("\n" not in problem for problem in problems)

    def test_only_the_first_names_of_a_wrong_file_are_guessed_at(self, lab) -> None:
        rows = [lab.results[0] | {"specimen": f"R01-G1-Q{i}"} for i in range(150)]
        problems = lab.refused(made=(), results=rows)
        assert len(problems) == 150
        assert sum("did you mean" in problem for problem in problems) == 100

    def test_who_records_has_a_name(self, lab) -> None:
        made, results = lab.files()
        from experiments.recording import record_files

        before = lab.content()
        for by in ("a\0b", "a\ud800", "x" * 101):
            with pytest.raises(InputError, match="who records: "):
                record_files(lab.ledger, lab.config, made, results, by=by)
            with pytest.raises(InputError, match="who records: "):
                record_literature(lab.ledger, made, by=by)
        assert lab.content() == before

    def test_a_source_has_a_name_of_one_line(self, tmp_path: Path) -> None:
        path = tmp_path / "lit.csv"
        header = ("source,doi,specimen,x,milling_time_h,milling_media,milling_speed_rpm,"
                  "pressing_pressure_mpa,property,value\n")  # fmt: skip
        path.write_text(header + '"a\nb",,s,0.2,20,agate,500,360,youngs_modulus,20\n')
        (problem,) = read_literature(path).problems
        assert "column source (s): must be one line" in problem

    def test_a_version_of_a_form_is_short(self) -> None:
        blank = EntryForm([FormRow({"specimen": "a", "kind": "jar"})], [])
        typed = {"specimens-0-specimen": "a", "specimens-0-replaces": DIGITS}
        (row,) = typed_form(blank, typed).specimens
        assert row.replaces is None


def test_edits_are_repeated_in_one_line() -> None:
    from benchmarks.fuzzing.bodies import sheet

    deep: list[object] = []
    for _ in range(900):
        deep = [deep]
    edits = [
        {"row": "G1", "\0\n": 1}, {"row": "G1", "set": {"x": deep}}, {"run": {"a\nb": 10**5000}},
    ]  # fmt: skip
    _, problems = edited(sheet(), edits, person="Ana", jars=[])
    assert len(problems) == 3
    assert all(problem.isprintable() and len(problem) < 500 for problem in problems)


def test_a_slider_takes_numbers_as_people_write_them() -> None:
    sliders = glass_sliders(CampaignConfig(name="c"))
    slider = next(one for one in sliders if one.id == "milling_time_h")
    assert slider.read("1_0")[0] is None
    assert slider.read("٣")[0] is None
    assert slider.read("3,5") == (3.5, "")


def test_a_key_that_stands_twice_in_a_body_is_refused(tmp_path: Path) -> None:
    from fastapi import APIRouter, FastAPI
    from starlette.testclient import TestClient

    from experiments.web.api.strict import StrictRoute

    router = APIRouter(route_class=StrictRoute)

    @router.post("/")
    def echo(body: models.NewCampaign) -> models.NewCampaign:
        return body

    app = FastAPI()
    app.include_router(router)
    with TestClient(app) as client:
        json_type = {"content-type": "application/json"}
        answer = client.post("/", content=b'{"name": "a", "name": "b"}', headers=json_type)
        assert answer.status_code == 400
        assert answer.json()["detail"].startswith("the body has the key 'name' twice")
        assert client.post("/", json={"name": "a"}).json()["name"] == "a"


@pytest.mark.parametrize("address", ["/rounds/a%00b", "/rounds?after=a%00"])
def test_an_address_that_no_database_can_hold_is_refused(address: str) -> None:
    from starlette.applications import Starlette
    from starlette.testclient import TestClient

    from experiments.web.armour import Armour, RateGuard, Rates

    guarded = Armour(Starlette(), rates=RateGuard(Rates()), is_open=lambda: False)
    answer = TestClient(guarded).get(address)
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith("the address holds a NUL")


class TestArchives:
    """A zip that is not what it says."""

    FILES: Final = {"ledger.db": b"x", "campaign.yaml": b"y"}

    def packed(self, path: Path, manifest: bytes, files: dict[str, bytes]) -> Path:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(MANIFEST, manifest)
            for name, raw in files.items():
                archive.writestr(name, raw)
        return path

    def manifest(self, files: dict[str, bytes]) -> bytes:
        from benchmarks.fuzzing.files import manifest_of

        return json.dumps(manifest_of(files, "id")).encode()

    def refused(self, path: Path, folder: Path) -> str:
        with pytest.raises(CampaignError, match=r"\.zip: ") as caught, open_archive(path) as opened:
            opened.unpack(folder, ("ledger.db", "rounds"))
        said = str(caught.value).removeprefix(str(path))
        assert said.isprintable()
        assert str(folder) not in said
        return said

    def test_a_manifest_nested_without_end(self, tmp_path: Path) -> None:
        path = self.packed(tmp_path / "a.zip", b"[" * 100_000, {})
        assert "its manifest.json cannot be read" in self.refused(path, tmp_path)

    def test_a_name_that_is_a_file_and_a_folder(self, tmp_path: Path) -> None:
        files = {"rounds": b"x", "rounds/R01": b"y"}
        path = self.packed(tmp_path / "a.zip", self.manifest(files), files)
        (tmp_path / "out").mkdir()
        assert "cannot be written (" in self.refused(path, tmp_path / "out")

    def test_names_of_two_lines(self, tmp_path: Path) -> None:
        manifest = self.manifest({"a\nb": b""} | self.FILES)
        path = self.packed(tmp_path / "a.zip", manifest, self.FILES)
        assert ": lacks a b; get" in self.refused(path, tmp_path)

    @pytest.mark.parametrize("flags", [0x20, 0x40])
    def test_ways_of_packing_that_are_not_known(self, tmp_path: Path, flags: int) -> None:
        path = self.packed(tmp_path / "a.zip", self.manifest(self.FILES), self.FILES)
        raw = bytearray(path.read_bytes())
        at = raw.index(b"PK\x01\x02", raw.index(b"PK\x01\x02") + 4)  # of the first file
        raw[at + 8] |= flags
        path.write_bytes(raw)
        assert "is damaged (" in self.refused(path, tmp_path)

    def test_a_place_before_the_beginning_of_the_file(self, tmp_path: Path) -> None:
        path = self.packed(tmp_path / "a.zip", self.manifest(self.FILES), self.FILES)
        raw = path.read_bytes()
        at = raw.index(b"ledger.db")
        path.write_bytes(raw[:at] + raw[at + 40 :])
        assert re.search("damaged|is not unpacked", self.refused(path, tmp_path))

    def test_bytes_that_are_lost_at_the_front(self, tmp_path: Path) -> None:
        path = self.packed(tmp_path / "a.zip", self.manifest(self.FILES), self.FILES)
        raw = path.read_bytes()
        path.write_bytes(raw[-60:])
        assert "is no zip archive, or damaged" in self.refused(path, tmp_path)

    def test_a_complaint_does_not_name_the_draft(self, tmp_path: Path) -> None:
        with (
            pytest.raises(GlassError, match=r"^campaign\.yaml: unreadable$"),
            new_folder(tmp_path / "new") as draft,
        ):
            raise CampaignError(f"{draft / 'campaign.yaml'}: unreadable")


def test_what_is_repeated_is_short_and_printable() -> None:
    assert got(10**5000) == "a number of thousands of digits"
    assert one_line("a\t\x00b\u00a0c") == "a ?b c"
    assert no_name("Jörg") == ""
