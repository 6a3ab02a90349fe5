"""A file of literature: what it takes, what it refuses, what recording it again does."""

import gzip
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from experiments.ledger import Ledger
from experiments.ledger_schema import LITERATURE
from experiments.literature_file import EXAMPLE_NAME, LITERATURE_COLUMNS, write_example
from experiments.literature_record import record_literature
from features.errors import InputError, LedgerError

GOOD = {
    "source": "Tsuji 2021", "doi": "https://doi.org/10.1039/d0ma00777c", "specimen": "glass",
    "x": "0", "milling_time_h": "20", "milling_media": "Agate", "milling_speed_rpm": "500",
    "pressing_pressure_mpa": "450", "property": "ionic conductivity", "value": "<0.011",
    "unit": "mS/cm", "se": "", "temperature_c": "25", "note": "milling assumed",
}  # fmt: skip


@pytest.fixture
def ledger(tmp_path):
    with Ledger.create(tmp_path / "ledger.db", campaign="first") as made:
        yield made


def written(tmp_path, *changes, name="literature.csv", columns=LITERATURE_COLUMNS):
    lines = [";".join(columns)]
    lines += [";".join({**GOOD, **change}[name] for name in columns) for change in changes]
    path = tmp_path / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def record(ledger, tmp_path, *changes):
    return record_literature(ledger, written(tmp_path, *changes), by="me")


def problems(ledger, tmp_path, *changes, **options):
    before = len(ledger.literature(current=False)), len(ledger.files())
    with pytest.raises(InputError, match="nothing was written") as caught:
        record_literature(ledger, written(tmp_path, *changes, **options))
    assert (len(ledger.literature(current=False)), len(ledger.files())) == before
    return caught.value.problems


def test_a_value_is_kept_with_its_source_recipe_and_words(ledger, tmp_path):
    report = record(ledger, tmp_path, {})
    assert (report.specimens, report.readings_added, report.warnings) == (1, 1, ())
    row = ledger.literature().iloc[0]
    assert row["upper"] == 1.1e-5
    assert row[["lower", "se"]].isna().all()
    names = ["source", "doi", "specimen", "milling_media", "property", "note", "text"]
    assert row[names].tolist() == [
        "Tsuji 2021", "10.1039/d0ma00777c", "glass", "agate", "ionic_conductivity",
        "milling assumed", "<0.011 mS/cm",
    ]  # fmt: skip
    assert row[["temperature_c", "recorded_by"]].tolist() == [25.0, "me"]
    assert ledger.files()["name"].tolist() == ["literature.csv"]
    assert ledger.verify() == []


def test_it_is_no_specimen_no_reading_and_no_stock(ledger, tmp_path):
    record(ledger, tmp_path, {})
    assert ledger.jars().empty
    assert ledger.pellets().empty
    assert ledger.readings().empty
    assert ledger.stock().empty


def test_a_ledger_with_literature_can_still_become_simulated(ledger, tmp_path):
    record(ledger, tmp_path, {})
    with ledger.transaction() as tx:
        tx.set_kind("simulated")
    assert ledger.kind == "simulated"


BAD = {
    "no source": ({"source": ""}, "column source (glass): is blank; write who made it"),
    "no specimen": ({"specimen": ""}, "column specimen: is blank; write what the source says"),
    "bad doi": ({"doi": "arXiv 123"}, "must be a DOI such as 10.1039/d0ma00777c, got 'arXiv 123'"),
    "x": ({"x": "15"}, "column x (glass): x: 15 is above the usual 0 to 0.6"),
    "no number": ({"milling_time_h": "long"}, "column milling_time_h (glass): needs a number, got"),
    "medium": ({"milling_media": "glass"}, "milling_media (glass): must be one of stainless_steel"),
    "property": ({"property": "CCD"}, "the catalogue lacks 'CCD'"),
    "cell": (
        {"property": "critical_current_density"},
        "critical current density is measured on cells, and the literature is of glasses; use one",
    ),
    "no value": ({"value": ""}, "column value (glass): is blank; write the value of the source"),
    "value": ({"value": "250"}, "column value (glass): ionic conductivity: 0.25 S/cm is above any"),
    "unit": ({"unit": "ohm"}, "column unit (glass): "),
    "se": ({"value": "0.01", "se": "0.5"}, "is a standard error of 0.0005 S/cm, above the value"),
    "no temperature": ({"temperature_c": ""}, "ionic conductivity needs the temperature it was"),
    "kelvin": ({"temperature_c": "333"}, "did you mean 333 K (60 °C)?"),
    "nothing to take back": (
        {"value": "withdrawn"},
        "takes ionic conductivity of glass at 25 °C (Tsuji 2021) back, but there is none",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("change", "message"), BAD.values(), ids=BAD.keys())
def test_what_cannot_be_is_refused_with_its_place(ledger, tmp_path, change, message):
    found = problems(ledger, tmp_path, change)
    assert any(message in line for line in found), found
    assert all(line.startswith("literature.csv, row 2") for line in found)


@pytest.mark.parametrize(
    "column",
    ["x", "milling_time_h", "milling_media", "milling_speed_rpm", "pressing_pressure_mpa"],
)
def test_a_glass_whose_recipe_is_not_known_is_refused(ledger, tmp_path, column):
    assert problems(ledger, tmp_path, {column: ""}) == (
        f"literature.csv, row 2, column {column} (glass): is blank; a glass whose recipe is not "
        "known lies outside the space of recipes and cannot be used: look it up in the source, or "
        "write what you assume and say so in the note",
    )


def test_a_file_without_a_recipe_column_is_refused(ledger, tmp_path):
    columns = [name for name in LITERATURE_COLUMNS if name != "milling_time_h"]
    (problem,) = problems(ledger, tmp_path, {}, columns=columns)
    assert problem.startswith("literature.csv: lacks the column milling_time_h; got source, doi")


CONTRADICTIONS = {
    "copy": ({"value": "0.02"}, "is of the same as literature.csv, row 2; remove one, or say in"),
    "two recipes": (
        {"milling_time_h": "3", "temperature_c": "60"},
        "column milling_time_h (glass): got 3.0, but 20.0 in literature.csv, row 2; one specimen",
    ),
    "two spellings": (
        {"source": "tsuji  2021", "specimen": "other"},
        "column source: got 'tsuji  2021', but 'Tsuji 2021' in literature.csv, row 2; one source",
    ),
    "two papers": (
        {"doi": "10.1038/ncomms1843", "specimen": "other"},
        "column doi: got 10.1038/ncomms1843, but 10.1039/d0ma00777c in literature.csv, row 2",
    ),
}


@pytest.mark.parametrize(("second", "message"), CONTRADICTIONS.values(), ids=CONTRADICTIONS.keys())
def test_rows_that_contradict_one_another_are_refused(ledger, tmp_path, second, message):
    (problem,) = problems(ledger, tmp_path, {}, second)
    assert problem.startswith("literature.csv, row 3")
    assert message in problem


def test_all_problems_come_at_once(ledger, tmp_path):
    assert len(problems(ledger, tmp_path, {"x": "15"}, {"specimen": "b", "value": "?"})) == 2


def test_a_missing_doi_is_warned_of(ledger, tmp_path):
    assert record(ledger, tmp_path, {"doi": ""}).warnings == (
        "literature.csv, row 2, column doi (glass): is blank; nobody can look the value up",
    )


def test_recording_the_same_file_again_changes_nothing(ledger, tmp_path):
    record(ledger, tmp_path, {}, {"temperature_c": "60", "value": "3e-5 S/cm", "unit": ""})
    before = ledger.literature(current=False)
    again = record(ledger, tmp_path, {}, {"temperature_c": "60", "value": "3e-5", "unit": "S/cm"})
    assert (again.specimens, again.readings_added, again.readings_corrected) == (0, 0, 0)
    assert again.unchanged == 2
    assert ledger.literature(current=False).equals(before)


def test_another_value_of_the_same_corrects_and_the_old_one_stays(ledger, tmp_path):
    record(ledger, tmp_path, {})
    report = record(ledger, tmp_path, {"value": "<0.02"})
    assert (report.readings_added, report.readings_corrected) == (0, 1)
    assert report.warnings == (
        "literature.csv, row 2: <0.011 mS/cm was recorded before; corrected",
    )
    assert ledger.literature()["upper"].tolist() == [2e-5]
    assert len(ledger.literature(current=False)) == 2
    assert ledger.verify() == []


def test_another_note_is_the_same_value_or_a_second_measurement(ledger, tmp_path):
    record(ledger, tmp_path, {})
    same = record(ledger, tmp_path, {"note": "better words"})
    assert (same.readings_added, same.readings_corrected) == (0, 1)
    second = record(ledger, tmp_path, {"note": "second pellet", "value": "<0.02"})
    assert second.readings_added == 1
    assert second.warnings == (
        "literature.csv, row 2: the ledger has ionic conductivity of glass at 25 °C (Tsuji 2021) "
        "with another note; taken as a second measurement",
    )


def test_a_value_can_be_taken_back(ledger, tmp_path):
    record(ledger, tmp_path, {})
    assert record(ledger, tmp_path, {"value": "withdrawn"}).readings_corrected == 1
    assert ledger.literature().empty
    assert len(ledger.literature(current=False)) == 2


def test_a_specimen_keeps_the_recipe_the_ledger_has(ledger, tmp_path):
    record(ledger, tmp_path, {}, {"temperature_c": "60"})
    (problem,) = problems(ledger, tmp_path, {"milling_time_h": "3"})
    assert "column milling_time_h (glass): got 3.0, but the ledger has 20.0 with ionic" in problem
    both = record(
        ledger, tmp_path, {"milling_time_h": "3"}, {"milling_time_h": "3", "temperature_c": "60"}
    )
    assert both.readings_corrected == 2
    assert set(ledger.literature()["milling_time_h"]) == {3.0}


def test_a_source_is_spelled_as_in_the_ledger(ledger, tmp_path):
    record(ledger, tmp_path, {})
    (problem,) = problems(ledger, tmp_path, {"source": "TSUJI 2021", "specimen": "b"})
    assert "got 'TSUJI 2021', but the ledger has 'Tsuji 2021'; one source has one bias" in problem


def test_the_shipped_example_is_a_bound_that_says_what_is_assumed(ledger, tmp_path):
    write_example(tmp_path)
    assert record_literature(ledger, tmp_path / EXAMPLE_NAME).warnings == ()
    row = ledger.literature().iloc[0]
    assert (row["doi"], row["upper"], row["temperature_c"]) == ("10.1039/d0ma00777c", 1.1e-5, 25.0)
    assert row[["lower"]].isna().all()
    assert row["note"].startswith("assumed: milling and pressing, which the abstract does not give")


def test_a_ledger_that_had_no_literature_takes_it_once_it_was_migrated(tmp_path):
    path = tmp_path / "ledger.db"
    old = Path(__file__).parent / "old_ledgers" / "schema_1.sql.gz"
    with closing(sqlite3.connect(path)) as raw:
        raw.executescript(gzip.decompress(old.read_bytes()).decode())
    Ledger.migrate(path)
    with Ledger.open(path) as ledger:
        assert ledger.literature().empty
        record(ledger, tmp_path, {})
    with Ledger.open(path) as again:
        assert len(again.literature()) == 1
        assert again.verify() == []
        with (
            pytest.raises(LedgerError, match="literature is append-only"),
            again._connection(write=True) as connection,
        ):
            connection.execute(LITERATURE.delete())
