"""Complaints are sentences that know their place, whoever makes them."""

import json
import pickle
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from experiments.complaint import Complaint
from experiments.csv_files import Row
from experiments.literature_record import record_literature
from experiments.notebook_file import read_notebook
from experiments.recording import bench
from features.errors import InputError

pytest_plugins = ["tests.experiments.planned_round"]

Place = tuple[str, int | None, str | None, str]


def place_of(problem: str) -> Place:
    assert isinstance(problem, Complaint)
    assert problem.endswith(f": {problem.said}")
    return problem.file, problem.row, problem.column, problem.specimen


def test_a_complaint_is_its_sentence() -> None:
    row = Row("made.csv", 3, {"specimen": "G1", "x": "a"}, {"x": "O-Gehalt"})
    found = row.complaint("x", "is odd", specimen="G1")
    assert found == "made.csv, row 3, column O-Gehalt (G1): is odd"
    assert place_of(found) == ("made.csv", 3, "O-Gehalt", "G1")
    whole = row.complaint(None, "is odd")
    assert whole == "made.csv, row 3: is odd"
    assert place_of(whole) == ("made.csv", 3, None, "G1")
    assert json.loads(json.dumps([found])) == [str(found)]


def test_a_copy_of_a_complaint_keeps_its_place() -> None:
    found = Row("made.csv", 3, {"specimen": "G1"}).complaint("x", "is odd", specimen="G1")
    for copy in (deepcopy(found), pickle.loads(pickle.dumps(found))):
        assert copy == found
        assert place_of(copy) == place_of(found)


def test_a_shortage_points_to_the_first_row_that_takes(lab: Any) -> None:
    (problem,) = lab.refused(lab.changed(lab.made, 4, recovered_mass_mg="180"))
    assert problem.startswith("made.csv, row 5 (R01-G2-P1); made.csv, row 6 (R01-C1); made.csv")
    assert place_of(problem) == ("made.csv", 5, None, "R01-G2-P1")
    assert problem.said.startswith("200 mg of R01-G2 are taken")


def test_a_row_twice_knows_its_row(lab: Any) -> None:
    (problem,) = lab.refused(results=[*lab.results, lab.results[1]])
    assert place_of(problem) == ("results.csv", 6, None, "R01-G1-P1")
    twin = {**lab.made[1], "pressing_pressure_mpa": "300"}
    (problem,) = lab.refused([*lab.made, twin])
    assert place_of(problem) == ("made.csv", 7, "specimen", "R01-G1-P1")


def test_what_cannot_be_withdrawn_knows_its_row(lab: Any) -> None:
    (problem,) = lab.refused(results=lab.changed(lab.results, 3, value="withdrawn"))
    assert place_of(problem) == ("results.csv", 3, "value", "R01-G1-P1")
    assert problem.said.startswith("there is no reading to withdraw")


def test_a_correction_is_a_warning_with_its_row(lab: Any) -> None:
    lab.record()
    report = lab.record(results=lab.changed(lab.results, 3, value="2.5e-4"))
    (warning,) = report.warnings
    assert place_of(warning) == ("results.csv", 3, None, "R01-G1-P1")
    assert warning.said.startswith("2.5e-4 S/cm replaces 2.6e-4 S/cm")


def test_a_suspicious_pair_is_a_warning_with_its_row(lab: Any) -> None:
    ionic = lab.changed(lab.results, 3, value="1.1e-6", se="")
    electronic = {**ionic[1], "property": "electronic_conductivity", "value": "1.5e-8"}
    report = lab.record(results=[*ionic, electronic])
    (warning,) = [warning for warning in report.warnings if "% of" in warning]
    assert place_of(warning) == ("results.csv", 6, None, "R01-G1-P1")


def test_a_notebook_s_complaint_names_its_own_column(lab: Any) -> None:
    path = Path(lab.folder / "old.csv")
    path.write_text(
        "Probe,jar,x,milling_time_h,milling_media,pressing_pressure_mpa\n"
        "A1,K,0.15,20,agate,450\n"
        "A2,K,0.30,20,agate,450\n"
        "A3,L,0.15,20,agatt,450\n"
    )
    found, _, _ = read_notebook(path, {"Probe": "specimen"}, bench(lab.ledger, lab.config))
    places = [place_of(problem) for problem in found.problems]
    assert places == [
        ("old.csv", 3, "x", "K"),
        ("old.csv", 4, "milling_media", "L"),
        *places[2:],
    ]


LITERATURE = (
    "source,doi,specimen,x,milling_time_h,milling_media,milling_speed_rpm,pressing_pressure_mpa,"
    "property,value,unit,temperature_c,note\n"
)
GLASS = "Tsuji 2021,10.1039/abcd,T1,0.2,20,zirconia,370,360,ionic_conductivity,1e-5,S/cm,25,\n"


@pytest.mark.parametrize(
    ("second", "column", "said"),
    [
        (GLASS, None, "is of the same as l.csv, row 2; remove one"),
        (GLASS.replace("0.2,", "0.3,").replace(",25,", ",60,"), "x", "got 0.3, but 0.2 in l.csv"),
        (GLASS.replace("Tsuji", "tsuji"), "source", "got 'tsuji 2021', but 'Tsuji 2021' in"),
        (
            GLASS.replace("abcd", "efgh").replace("25,", "60,"),
            "doi",
            "got 10.1039/efgh, but 10.1039/ab",
        ),
        (GLASS.replace("1e-5", "withdrawn").replace("T1", "T2"), None, "takes ionic conductivity"),
    ],
)
def test_a_contradiction_of_the_literature_knows_its_row(
    lab: Any, second: str, column: str | None, said: str
) -> None:
    path = Path(lab.folder / "l.csv")
    path.write_text(LITERATURE + GLASS + second)
    with pytest.raises(InputError, match="nothing was written") as caught:
        record_literature(lab.ledger, path)
    problem = next(p for p in caught.value.problems if said in p)
    assert place_of(problem)[:3] == ("l.csv", 3, column)
    assert place_of(problem)[3] in {"T1", "T2"}
    assert isinstance(problem, Complaint)
    assert problem.said.startswith(said)
