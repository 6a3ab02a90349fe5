"""A lab's old table as history, whatever its columns are called."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from experiments.campaign import Campaign
from experiments.recording import Report
from features.errors import InputError

pytest_plugins = ["tests.experiments.planned_round"]

GERMAN = (
    "Probe;O-Gehalt;Mahlzeit h;Becher;Druck MPa;sigma mS/cm;T °C;E GPa;Bemerkung\r\n"
    'A1;0,15;20;agate;450;"0,25";60;19,5;;;\r\n'
    "A2;0,30;20;Stainless Steel;450;<0,01;60;;gelb;;\r\n"
)
MAPPING = {
    "Probe": "specimen",
    "O-Gehalt": "x",
    "Mahlzeit h": "milling_time_h",
    "Becher": "milling_media",
    "Druck MPa": "pressing_pressure_mpa",
    "sigma mS/cm": "ionic_conductivity:mS/cm",
    "T °C": "temperature_c",
    "E GPa": "youngs_modulus",
    "Bemerkung": "note",
}


def notebook(lab: Any, text: str, encoding: str = "cp1252") -> Path:
    path = Path(lab.folder / "notebook.csv")
    path.write_bytes(text.encode(encoding))
    return path


def record(
    lab: Any, text: str, mapping: Mapping[str, str] | None = None, encoding: str = "cp1252"
) -> Report:
    with Campaign.open(lab.folder) as campaign:
        return campaign.record_notebook(
            notebook(lab, text, encoding), MAPPING if mapping is None else mapping, by="me"
        )


def refused(lab: Any, text: str, mapping: Mapping[str, str] | None = None) -> tuple[str, ...]:
    before = lab.content()
    with pytest.raises(InputError, match="nothing was written") as caught:
        record(lab, text, mapping)
    assert lab.content() == before
    return caught.value.problems


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8-sig"])
def test_a_german_notebook_becomes_history(lab: Any, encoding: str) -> None:
    report = record(lab, GERMAN, encoding=encoding)
    assert (report.specimens, report.readings_added) == (4, 3)
    assert report.warnings == (
        "notebook.csv: has no column for milling_speed_rpm; 500 rpm is assumed",
    )
    ledger = lab.ledger
    jar, pellet = ledger.jar("A1"), ledger.pellet("A2-P")
    assert (jar.origin, jar.x, jar.milling_media, jar.milling_speed_rpm) == (
        "history", 0.15, "agate", 500.0,
    )  # fmt: skip
    assert (pellet.jar, pellet.note, pellet.mass_mg) == ("A2", "gelb", None)
    own = ledger.readings().query("specimen in ('A1-P', 'A2-P')")
    assert list(own["property"]) == ["ionic_conductivity", "youngs_modulus", "ionic_conductivity"]
    assert list(own["upper"]) == [2.5e-4, 19.5, 1e-5]
    assert list(own["lower"].isna()) == [False, False, True]
    assert set(own["temperature_c"]) == {60.0}


def test_recording_a_notebook_again_changes_nothing(lab: Any) -> None:
    record(lab, GERMAN)
    before = lab.content()
    again = record(lab, GERMAN)
    assert (again.specimens, again.readings_added, again.unchanged) == (0, 0, 7)
    assert lab.content() == before


def test_columns_named_as_ours_need_no_mapping(lab: Any) -> None:
    text = (
        "specimen,x,milling_time_h,milling_media,milling_speed_rpm,pressing_pressure_mpa,"
        "relative_density\nB1,0,3,zirconia,400,300,0.85\n"
    )
    report = record(lab, text, {})
    assert (report.specimens, report.readings_added, report.warnings) == (2, 1, ())
    assert lab.ledger.jar("B1").milling_speed_rpm == 400.0


def test_a_row_without_a_name_is_named_after_the_file_and_row(lab: Any) -> None:
    record(lab, GERMAN.replace("A1;", ";"))
    assert lab.ledger.pellet("notebook-2-P").jar == "notebook-2"


def test_one_specimen_read_at_two_temperatures_is_one_specimen(lab: Any) -> None:
    extra = 'A1;0,15;20;agate;450;"0,05";25;;\r\n'
    report = record(lab, GERMAN + extra)
    assert (report.specimens, report.readings_added) == (4, 4)


def test_two_columns_of_one_property_are_two_readings(lab: Any) -> None:
    text = GERMAN.replace("E GPa", "sigma 2").replace("19,5", "0,25")
    mapping = {
        **{k: v for k, v in MAPPING.items() if k != "E GPa"},
        "sigma 2": "ionic_conductivity:mS/cm",
    }
    assert record(lab, text, mapping).readings_added == 3
    own = lab.ledger.readings().query("specimen == 'A1-P'")
    assert list(own["method"]) == ["column sigma mS/cm", "column sigma 2"]


def test_history_is_no_stock(lab: Any) -> None:
    record(lab, GERMAN)
    assert "A1" not in set(lab.ledger.stock()["jar"])


def test_every_bad_cell_is_named_by_the_notebook_s_own_column(lab: Any) -> None:
    bad = (
        GERMAN.replace("A1;0,15;20;agate;450", "A1;15;zwanzig;Glas;900")
        .replace('"0,25";60', '"0,25";333')
        .replace("<0,01", "250")
    )
    assert [problem.partition(":")[0] for problem in refused(lab, bad)] == [
        "notebook.csv, row 2, column O-Gehalt (A1)",
        "notebook.csv, row 2, column Mahlzeit h (A1)",
        "notebook.csv, row 2, column Becher (A1)",
        "notebook.csv, row 2, column Druck MPa (A1-P)",
        "notebook.csv, row 2, column T °C (A1-P)",
        "notebook.csv, row 2, column T °C (A1-P)",
        "notebook.csv, row 3, column sigma mS/cm (A2-P)",
    ]


REFUSED = {
    "unknown target": (
        {"Probe": "sample"},
        r"mapping of column 'Probe': there is no 'sample'; use one of specimen, x",
    ),
    "misspelled target": (
        {"E GPa": "young_modulus"},
        r"mapping of column 'E GPa': there is no 'young_modulus'; did you mean youngs_modulus\?",
    ),
    "no such column": (
        {"Sigma": "ionic_conductivity"},
        r"notebook\.csv: lacks the column Sigma; got Probe, O-Gehalt",
    ),
    "unit of something else": (
        {"E GPa": "youngs_modulus:S/cm"},
        r"mapping of column 'E GPa': Young's modulus: the unit must .*got 'S/cm'",
    ),
    "unit of a recipe column": (
        {"O-Gehalt": "x:%"},
        r"mapping of column 'O-Gehalt': x takes no unit, got '%'; the unit is in the name",
    ),
    "two columns for one": (
        {"E GPa": "x"},
        r"mapping of columns 'O-Gehalt', 'E GPa': all are x; map one",
    ),
}


@pytest.mark.parametrize(("entry", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_a_mapping_that_cannot_be_meant_is_refused(
    lab: Any, entry: dict[str, str], message: str
) -> None:
    problems = refused(lab, GERMAN, {**MAPPING, **entry})
    with pytest.raises(InputError, match=message):
        raise InputError(problems)


def test_all_faults_of_a_mapping_come_at_once(lab: Any) -> None:
    entries = {"Probe": "sample", "E GPa": "youngs_modulus:S/cm"}
    assert len(refused(lab, GERMAN, {**MAPPING, **entries})) == 2


def test_what_no_column_tells_is_asked_for_once(lab: Any) -> None:
    rest = {k: v for k, v in MAPPING.items() if k not in {"Becher", "T °C"}}
    media, temperature = refused(lab, GERMAN, rest)
    assert media.startswith(
        "notebook.csv: no column tells milling_media; name one with --map "
        "'its column=milling_media', or add it; got Probe, O-Gehalt"
    )
    assert "no column tells temperature_c" in temperature


def test_a_notebook_without_rows_is_refused(lab: Any) -> None:
    header = GERMAN.partition("\r\n")[0]
    (problem,) = refused(lab, header + "\r\n")
    assert problem == "notebook.csv: has a header, but no rows; add a row for each specimen"


def test_two_recipes_under_one_name_are_refused(lab: Any) -> None:
    problems = refused(lab, GERMAN.replace("A2;", "A1;"))
    assert "notebook.csv, row 3, column Probe (A1): stands in row 2 already" in problems[0]
    assert "another O-Gehalt, Becher, Bemerkung" in problems[0]
