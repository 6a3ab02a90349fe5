"""Bad input through the command line: a clear message, exit code 1, nothing written."""

import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from experiments import cli
from experiments.csv_files import Complaint
from experiments.recording import record_files
from features.errors import LedgerError

pytest_plugins = ["tests.experiments.planned_round"]

Cells = Mapping[str, str]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """The command line; gives what it says on stderr and insists on exit code 1."""

    def run(*words: object) -> str:
        monkeypatch.setattr(sys, "argv", ["glassloop", *map(str, words)])
        with pytest.raises(SystemExit, match=r"^1$"):
            cli.main()
        said = capsys.readouterr()
        assert said.out == ""
        assert "Traceback" not in said.err
        return str(said.err)

    return run


def case(file: str, row: int, cells: Cells, place: str, said: str) -> tuple[Any, ...]:
    return file, row, cells, f"{file}.csv, row {row}, {place}", said


CELLS = {
    "x outside the route": case(
        "made", 2, {"x": "15", "na2s_mg": "", "p2s5_mg": "", "p2o5_mg": ""},
        "column x (R01-G1)", "x: 15 is above the usual 0 to 0.6; 15 % of the anions is x = 0.60",
    ),
    "x below the route": case(
        "made", 2, {"x": "-0.15"}, "column x (R01-G1)", "-0.15 is below the usual 0 to 0.6",
    ),
    "unknown medium": case(
        "made", 2, {"milling_media": "zircona"}, "column milling_media (R01-G1)",
        "got 'zircona'; did you mean zirconia?",
    ),
    "milling time in minutes": case(
        "made", 2, {"milling_time_h": "180"}, "column milling_time_h (R01-G1)",
        "180 h is above the usual 1 to 20 h; did you mean 180 min (3 h)?",
    ),
    "pressure of a pellet above the die": case(
        "made", 3, {"pressing_pressure_mpa": "700"}, "column pressing_pressure_mpa (R01-G1-P1)",
        "700 MPa is above the die's rating of 500 MPa; check the number, or the rating in",
    ),
    "pressure of a cell above the die": case(
        "made", 6, {"pressing_pressure_mpa": "501"}, "column pressing_pressure_mpa (R01-C1)",
        "501 MPa is above the die's rating of 500 MPa",
    ),
    "precompaction above the die": case(
        "made", 6, {"precompaction_pressure_mpa": "750"},
        "column precompaction_pressure_mpa (R01-C1)", "750 MPa is above the die's rating",
    ),
    "pellet mass in grams": case(
        "made", 3, {"mass_mg": "0.15"}, "column mass_mg (R01-G1-P1)",
        "did you mean 0.15 g (150 mg)?",
    ),
    "thickness in millimetres": case(
        "made", 3, {"thickness_um": "0.62"}, "column thickness_um (R01-G1-P1)",
        "did you mean 0.62 mm (620 µm)?",
    ),
    "cell hotter than sodium bears": case(
        "made", 6, {"temperature_c": "95"}, "column temperature_c (R01-C1)",
        "95 °C with sodium; sodium melts at 97.8 °C",
    ),
    "cell in kelvin": case(
        "made", 6, {"temperature_c": "333"}, "column temperature_c (R01-C1)",
        "333 °C is above the usual 25 to 90 °C; did you mean 333 K (60 °C)?",
    ),
    "text in a number": case(
        "made", 2, {"milling_time_h": "three"}, "column milling_time_h (R01-G1)",
        "needs a number, got 'three'; write only the number",
    ),
    "unit in a number": case(
        "made", 3, {"mass_mg": "150 mg"}, "column mass_mg (R01-G1-P1)",
        "needs a number, got '150 mg'; write only the number, the unit is in the column's name",
    ),
    "thousands separator": case(
        "made", 2, {"na2s_mg": "1.037,0"}, "column na2s_mg (R01-G1)",
        "got '1.037,0'; write it without thousands separators",
    ),
    "negative mass": case(
        "made", 2, {"p2o5_mg": "-37.7"}, "column p2o5_mg (R01-G1)",
        "must not be below zero, got -37.7; check the sign",
    ),
    "one mass left out": case(
        "made", 2, {"p2o5_mg": ""}, "column p2o5_mg (R01-G1)",
        "is blank while other masses are given; weigh all three (0 for none)",
    ),
    "masses swapped": case(
        "made", 2, {"na2s_mg": "925.3", "p2s5_mg": "1037.0"}, "column na2s_mg (R01-G1)",
        "925.3 / 1037 / 37.7 mg give Na/P = 2.40, 3 is meant; did you swap na2s and p2s5?",
    ),
    "masses in grams": case(
        "made", 2, {"na2s_mg": "1.0370", "p2s5_mg": "0.9253", "p2o5_mg": "0.0377"},
        "column na2s_mg (R01-G1)", "add up to 0.002 g; write milligrams",
    ),
    "decimal shift of P2O5": case(
        "made", 2, {"p2o5_mg": "3.77"}, "column x (R01-G1)",
        "give x = 0.016, the column says 0.15; correct the masses: x = 0.15 needs about",
    ),
    "no phosphorus": case(
        "made", 2, {"p2s5_mg": "0", "p2o5_mg": "0"}, "column p2s5_mg (R01-G1)",
        "masses must hold phosphorus",
    ),
    "more recovered than milled": case(
        "made", 2, {"recovered_mass_mg": "2500"}, "column recovered_mass_mg (R01-G1)",
        "2500 mg recovered from 2000 mg; give mg of powder taken out of the jar",
    ),
    "specimen that does not exist": case(
        "made", 5, {"specimen": "R01-G2-P7"}, "column specimen (R01-G2-P7)",
        "round R01 proposed no R01-G2-P7; did you mean R01-G2-P1? What you made besides "
        "needs a name that is not R and a number",
    ),
    "round that does not exist": case(
        "made", 5, {"specimen": "R09-G2-P1"}, "column specimen (R09-G2-P1)",
        "there is no round R09; rounds: R01",
    ),
    "specimen in other letters": case(
        "made", 5, {"specimen": "r01 g2 p1"}, "column specimen (r01 g2 p1)",
        "there is no r01 g2 p1; did you mean R01-G2-P1?",
    ),
    "specimen left out": case(
        "made", 5, {"specimen": ""}, "column specimen", "is blank; give the specimen an id",
    ),
    "specimen of the paper": case(
        "made", 5, {"specimen": "CHI-015-P"}, "column specimen (CHI-015-P)",
        "is the paper's, not yours to change; give yours another id",
    ),
    "unknown kind": case(
        "made", 2, {"kind": "glass"}, "column kind (R01-G1)",
        "must be jar, pellet or cell, got 'glass'",
    ),
    "another kind": case(
        "made", 2, {"kind": "pellet"}, "column kind (R01-G1)", "R01-G1 is a jar, got 'pellet'",
    ),
    "unknown status": case(
        "made", 2, {"status": "done"}, "column status (R01-G1)",
        "must be made, failed, not_made or blank (not known yet), got 'done'",
    ),
    "failure without a reason": case(
        "made", 5, {"reason": ""}, "column reason (R01-G2-P1)",
        "must say why it failed, got ''; use unreacted, crystallised",
    ),
    "failure for another reason": case(
        "made", 5, {"reason": "other"}, "column note (R01-G2-P1)",
        "reason 'other' needs a note saying what happened",
    ),
    "pellet of an unknown jar": case(
        "made", 3, {"jar": "R01-G3"}, "column jar (R01-G1-P1)",
        "there is no jar 'R01-G3'; did you mean R01-G",
    ),
    "cell of a pellet": case(
        "made", 6, {"core": "R01-G1-P1"}, "column core (R01-C1)",
        "needs a jar, but R01-G1-P1 is a pellet; name the jar",
    ),
    "cell of the paper's powder": case(
        "made", 6, {"skin": "CHI-060"}, "column skin (R01-C1)",
        "CHI-060 is the paper's, there is no powder of it; name your own jar",
    ),
    "formula for a mass": case(
        "made", 3, {"mass_mg": "=150*1.0"}, "column mass_mg (R01-G1-P1)",
        "looks like a formula, got '=150*1.0'; write the value as plain text",
    ),
    "command for a note": case(
        "results", 3, {"note": "=cmd|' /C calc'!A0"}, "column note (R01-G1-P1)",
        "looks like a formula",
    ),
    "conductivity off by a unit": case(
        "results", 3, {"value": "0.27"}, "column value (R01-G1-P1)",
        "0.27 S/cm is above any known sodium sulfide; did you mean 0.27 mS/cm?",
    ),
    "logarithm as a value": case(
        "results", 3, {"value": "-3.57"}, "column value (R01-G1-P1)",
        "did you enter log10? 10^-3.57 is 0.000269 S/cm",
    ),
    "about": case(
        "results", 3, {"value": "~2.6e-4"}, "column value (R01-G1-P1)",
        "must be stated without 'about', got '~2.6e-4'",
    ),
    "text as a value": case(
        "results", 3, {"value": "good"}, "column value (R01-G1-P1)",
        "value must be a number, bound or range, got 'good'",
    ),
    "value with its error": case(
        "results", 3, {"value": "2.6e-4 ± 1e-5"}, "column value (R01-G1-P1)",
        "put the error in the se column",
    ),
    "unit of something else": case(
        "results", 3, {"unit": "S"}, "column unit (R01-G1-P1)",
        "got 'S'; multiply by the thickness and divide by the electrode area",
    ),
    "density in percent": case(
        "results", 2, {"value": "92"}, "column value (R01-G1-P1)", "did you mean 92 %?",
    ),
    "current for current density": case(
        "results", 5, {"unit": "mA"}, "column unit (R01-C1)", "divide by the electrode area",
    ),
    "critical current beyond the programme": case(
        "results", 5, {"value": "3.95..4.00"}, "column value (R01-C1)",
        "3.95 mA/cm2 was passed, but the programme ended at 3",
    ),
    "critical current without its step": case(
        "results", 5, {"value": "2.30", "step_ma_cm2": ""}, "column step_ma_cm2 (R01-C1)",
        "is blank; one number, 2.3 mA/cm2, needs the step that failed next",
    ),
    "programme that runs backwards": case(
        "results", 5, {"start_ma_cm2": "3", "end_ma_cm2": "0.05", "value": "<0.05"},
        "column end_ma_cm2 (R01-C1)",
        "end_ma_cm2 must not be below start_ma_cm2, got 0.05 and 3; swap them",
    ),
    "reading in kelvin": case(
        "results", 3, {"temperature_c": "333"}, "column temperature_c (R01-G1-P1)",
        "333 °C is above the usual 25 to 90 °C; did you mean 333 K (60 °C)?",
    ),
    "test with sodium above 90 °C": case(
        "results", 4, {"temperature_c": "95"}, "column temperature_c (R01-C1)",
        "95 °C with sodium; sodium melts at 97.8 °C",
    ),
    "transfer resistance above 90 °C": case(
        "results", 3,
        {"property": "charge_transfer_resistance", "unit": "ohm cm2", "value": "30", "se": "",
         "temperature_c": "92"},
        "column temperature_c (R01-G1-P1)", "92 °C with sodium",
    ),
    "reading without its temperature": case(
        "results", 3, {"temperature_c": ""}, "column temperature_c (R01-G1-P1)",
        "is blank; ionic conductivity needs the temperature it was measured at, in °C",
    ),
    "sd without n": case(
        "results", 3, {"sd": "1e-5", "se": ""}, "column sd (R01-G1-P1)",
        "an sd needs n, got sd 1e-05 alone; give the number of measurements",
    ),
    "sd and se": case(
        "results", 3, {"sd": "1e-5", "n": "3"}, "column sd (R01-G1-P1)",
        "give sd with n, or se, got both",
    ),
    "half a measurement": case(
        "results", 3, {"n": "2.5"}, "column n (R01-G1-P1)",
        "counts measurements, got 2.5; give 1, 2, 3, ...",
    ),
    "sd in another unit than the value": case(
        "results", 3, {"value": "0.26 mS/cm", "sd": "0.02", "se": "", "n": "3"},
        "column value (R01-G1-P1)",
        "is in mS/cm, the unit column says S/cm: the unit of sd and se is not clear; write mS/cm "
        "into the unit column and only the number into value",
    ),
    "error above the value": case(
        "results", 3, {"se": "0.005"}, "column se (R01-G1-P1)",
        "0.005 is a standard error of 0.005 S/cm, above the value itself; check its unit",
    ),
    "property the catalogue lacks": case(
        "results", 3, {"property": "conductivity"}, "column property (R01-G1-P1)",
        "the catalogue lacks 'conductivity'; did you mean ionic_conductivity?",
    ),
    "result of a specimen that does not exist": case(
        "results", 3, {"specimen": "G1-P1"}, "column specimen (G1-P1)",
        "no specimen 'G1-P1'; did you mean R01-G1-P1? A new one needs a row in made.csv",
    ),
    "result of a round that does not exist": case(
        "results", 3, {"specimen": "R09-G1-P1"}, "column specimen (R09-G1-P1)",
        "there is no round R09; rounds: R01",
    ),
    "result of the paper's specimen": case(
        "results", 3, {"specimen": "CHI-015-P"}, "column specimen (CHI-015-P)",
        "CHI-015-P is the paper's; give yours another id",
    ),
    "result on the wrong kind": case(
        "results", 3, {"specimen": "R01-C1"}, "column specimen (R01-C1)",
        "ionic conductivity is measured on a pellet, but R01-C1 is a cell; name the pellet",
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("file", "row", "cells", "place", "said"), CELLS.values(), ids=CELLS.keys()
)
def test_a_bad_cell_is_named_with_what_to_do_and_nothing_is_written(
    lab: Any,
    run: Callable[..., str],
    file: str,
    row: int,
    cells: Cells,
    place: str,
    said: str,
) -> None:
    made, results = lab.made, lab.results
    if file == "made":
        made = lab.changed(made, row, **cells)
    else:
        results = lab.changed(results, row, **cells)
    before = lab.content()
    message = run("record", *lab.files(made, results), "-c", lab.folder)
    assert "1 problem found, nothing was written:" in message
    assert place in message
    assert said in message
    assert lab.content() == before
    assert not (lab.folder / "rounds").exists()


@pytest.mark.parametrize(
    ("file", "row", "cells", "place", "said"), CELLS.values(), ids=CELLS.keys()
)
def test_a_complaint_keeps_its_sentence_and_knows_its_place(
    lab: Any, file: str, row: int, cells: Cells, place: str, said: str
) -> None:
    changed = {file: lab.changed(getattr(lab, file), row, **cells)}
    (problem,) = problems(lab, **changed)
    assert isinstance(problem, Complaint)
    column, _, specimen = place.partition("column ")[2].rstrip(")").partition(" (")
    assert (problem.file, problem.row) == (f"{file}.csv", row)
    assert (problem.column, problem.specimen) == (column, specimen)
    assert said in problem.said
    assert str(problem) == f"{place}: {problem.said}"


def problems(lab: Any, made: Any = None, results: Any = None) -> list[str]:
    return list(lab.refused(made, results))


def test_a_pellet_or_cell_of_a_jar_nobody_made_is_refused(lab: Any) -> None:
    made = lab.changed(lab.made, 2, status="")
    assert [p.partition(":")[0] for p in problems(lab, made)] == [
        "made.csv, row 3, column jar (R01-G1-P1)",
        "made.csv, row 6, column core (R01-C1)",
    ]
    assert "nothing says that jar R01-G1 was made (it is planned)" in problems(lab, made)[0]


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("", "has a result, but is not made yet; fill its status in made.csv"),
        ("not_made", "has a result, but is not_made; correct the one or the other"),
    ],
)
def test_a_result_of_what_was_not_made_is_refused(lab: Any, status: str, said: str) -> None:
    first, second = problems(lab, lab.changed(lab.made, 3, status=status))
    assert first == f"results.csv, row 2, column specimen (R01-G1-P1): {said}"
    assert second == f"results.csv, row 3, column specimen (R01-G1-P1): {said}"


def test_one_specimen_twice_with_different_recipes_is_refused(lab: Any) -> None:
    twin = {**lab.made[1], "pressing_pressure_mpa": "300"}
    (problem,) = problems(lab, [*lab.made, twin])
    assert problem == (
        "made.csv, row 7, column specimen (R01-G1-P1): stands in row 3 already with another "
        "pressing_pressure_mpa; keep one row a specimen"
    )


def test_the_same_result_twice_is_refused(lab: Any) -> None:
    (problem,) = problems(lab, results=[*lab.results, lab.results[1]])
    assert problem == (
        "results.csv, row 6 (R01-G1-P1): is the same as row 3; remove the copy, or say in the "
        "note what makes it a second measurement"
    )


def test_a_cell_that_needs_more_powder_than_there_is_is_refused(lab: Any) -> None:
    made = lab.changed(lab.made, 4, recovered_mass_mg="180")
    (problem,) = problems(lab, made)
    assert problem == (
        "made.csv, row 5 (R01-G2-P1); made.csv, row 6 (R01-C1); made.csv, row 4 (R01-G2): 200 mg "
        "of R01-G2 are taken, 180 mg were recovered; correct a mass or the recovered mass of the "
        "jar"
    )


def test_powder_taken_by_an_earlier_file_counts(lab: Any) -> None:
    lab.record(results=[])
    more = {**lab.made[1], "specimen": "mine-1", "mass_mg": "900"}
    extra = {**lab.made[1], "specimen": "mine-2", "mass_mg": "700"}
    (problem,) = problems(lab, [more, extra], [])
    assert "1900 mg of R01-G1 are taken, 1800 mg were recovered" in problem


def test_powder_nobody_weighed_counts_as_expected(lab: Any) -> None:
    made = lab.changed(lab.made, 2, recovered_mass_mg="")
    more = [{**lab.made[1], "specimen": f"mine-{n}", "mass_mg": "710"} for n in range(2)]
    (problem,) = problems(lab, [*made, *more])
    assert "1720 mg of R01-G1 are taken, 1700 mg were expected" in problem


FILES = {
    "empty": (b"", "made.csv: is empty; expected a header with specimen, kind, status"),
    "missing column": (
        b"specimen,kind\nR01-G1,jar\n",
        "made.csv: lacks the column status; got specimen, kind",
    ),
    "damaged workbook": (b"PK\x03\x04", "made.csv: is a damaged workbook (File is not a zip file)"),
    "open quote": (
        b'specimen,kind,status\n"R01-G1,jar,made\n',
        "made.csv, row 2: quotation marks do not match",
    ),
}


@pytest.mark.parametrize(("content", "said"), FILES.values(), ids=FILES.keys())
def test_a_file_that_cannot_be_read_is_named_with_the_other_s_problems(
    lab: Any, run: Callable[..., str], content: bytes, said: str
) -> None:
    made, results = lab.files(results=lab.changed(lab.results, 3, unit="S"))
    made.write_bytes(content)
    before = lab.content()
    message = run("record", made, results, "-c", lab.folder)
    assert said in message
    assert "results.csv, row 3, column unit" in message
    assert lab.content() == before


def test_a_file_that_does_not_exist_is_named(lab: Any, run: Callable[..., str]) -> None:
    made, _ = lab.files()
    message = run("record", made, lab.folder / "nine.csv", "-c", lab.folder)
    assert "nine.csv: no such file; check the name" in message


def test_a_bad_notebook_is_refused_whole(lab: Any, run: Callable[..., str]) -> None:
    path = lab.write("old.csv", [{"Probe": "A", "x": "15", "Zeit": "3"}])
    before = lab.content()
    message = run("record", path, "--map", "Zeit=milling_tim_h", "-c", lab.folder)
    assert "mapping of column 'Zeit': there is no 'milling_tim_h'; did you mean" in message
    assert "--map needs 'column=target', got 'Zeit'" in run(
        "record", path, "--map", "Zeit", "-c", lab.folder
    )
    assert lab.content() == before


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("seed: 0", "sed: 0", "sed: unknown key; did you mean seed?"),
        ("low: 0.0\n    high: 0.6", "low: 0.6\n    high: 0.0", "low must be below high, got low"),
    ],
    ids=["unknown-key", "reversed-bounds"],
)
def test_a_bad_configuration_stops_every_command(
    lab: Any, run: Callable[..., str], old: str, new: str, said: str
) -> None:
    path = lab.folder / "campaign.yaml"
    path.write_text(path.read_text().replace(old, new, 1))
    before = lab.content()
    for command in (["status"], ["propose"], ["record", *lab.files()]):
        assert said in run(*command, "-c", lab.folder)
    assert lab.content() == before


def test_a_folder_that_is_no_campaign_is_named(tmp_path: Path, run: Callable[..., str]) -> None:
    said = run("status", "-c", tmp_path)
    assert f"{tmp_path} is not a campaign: it holds no campaign.yaml; make one with" in said
    assert list(tmp_path.iterdir()) == []


def test_a_ledger_of_a_newer_version_is_left_alone(lab: Any, run: Callable[..., str]) -> None:
    with closing(sqlite3.connect(lab.folder / "ledger.db")) as connection, connection:
        connection.execute("UPDATE meta SET value = '99' WHERE key = 'schema_version'")
    before = lab.content()
    said = run("record", *lab.files(), "-c", lab.folder)
    assert "ledger.db: was written with ledger schema 99" in said
    assert "upgrade glassloop" in said
    assert lab.content() == before


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """No file may grow beyond a size, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)


def test_a_disk_that_lets_no_file_grow_leaves_the_ledger_as_it_was(lab: Any) -> None:
    made, results = lab.files()
    before = lab.content()
    ledger, config = lab.ledger, lab.config
    with largest_file(4096), pytest.raises(LedgerError, match=r"ledger\.db: .*(full|disk)"):
        record_files(ledger, config, made, results)
    assert lab.content() == before
    assert lab.ledger.verify() == []
    assert lab.record().specimens == 5


@contextmanager
def small_disk(folder: Path, *options: str) -> Iterator[Path]:
    """A file system of its own; the test is skipped where none may be mounted."""
    folder.mkdir()
    mount = shutil.which("mount")
    command = [mount or "", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(folder)]
    if mount is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small disk needs root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)


def fill(path: Path) -> None:
    with path.open("wb", buffering=0) as filler:
        while True:
            filler.write(b"\0" * 4096)


def test_a_full_disk_is_named_and_nothing_is_written(
    lab: Any, tmp_path: Path, run: Callable[..., str]
) -> None:
    files = lab.files()
    with small_disk(tmp_path / "disk", "size=2m") as disk:
        campaign = disk / "c"
        shutil.copytree(lab.folder, campaign)
        before = type(lab)(campaign).content()
        with pytest.raises(OSError, match="No space left"):
            fill(disk / "filler")
        said = run("record", *files, "-c", campaign)
        assert str(campaign) in said
        assert "full" in said or "disk" in said
        (disk / "filler").unlink()
        full = type(lab)(campaign)
        assert full.content() == before
        assert full.record().specimens == 5


def test_a_disk_that_may_only_be_read_is_named_and_nothing_is_written(
    lab: Any, tmp_path: Path, run: Callable[..., str]
) -> None:
    files = lab.files()
    with small_disk(tmp_path / "disk", "size=4m") as disk:
        shutil.copytree(lab.folder, disk / "c")
        before = type(lab)(disk / "c").content()
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        said = run("record", *files, "-c", disk / "c")
        assert "ledger.db" in said
        assert "may be written to" in said
        assert "cannot be written (Read-only file system)" in run("init", disk / "new")
        subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
        assert type(lab)(disk / "c").content() == before
