"""What was made, as a chemist fills it in: also something else than was asked for."""

from typing import Any

import pytest

from experiments.recording import record_files
from features.stoichiometry import masses_for

pytest_plugins = ["tests.experiments.planned_round"]


def test_a_round_made_as_asked_is_taken_in(lab: Any) -> None:
    report = lab.record(results=[])
    assert (report.specimens, report.rounds, report.warnings) == (5, ("R01",), ())
    jar, pellet, cell = (
        lab.ledger.jar("R01-G1"),
        lab.ledger.pellet("R01-G2-P1"),
        lab.ledger.cell("R01-C1"),
    )
    assert (jar.status, jar.origin, jar.round_id, jar.recovered_mass_mg) == (
        "made", "lab", "R01", 1800.0,
    )  # fmt: skip
    assert (pellet.status, pellet.reason, pellet.mass_mg) == ("failed", "cracked", 150.0)
    assert (cell.core, cell.skin, cell.temperature_c) == ("R01-G1", "R01-G2", 60.0)


def test_x_comes_from_the_weighed_masses(lab: Any) -> None:
    """One mg more of P2O5 in 2 g is 0.0037 in x (domain notes 3.2)."""
    lab.record(lab.changed(lab.made, 2, p2o5_mg="39.7"), [])
    assert lab.ledger.jar("R01-G1").x == pytest.approx(0.15 + 2 * 0.0037, abs=1e-4)


def test_x_follows_the_assay_of_the_lot(lab: Any) -> None:
    rows = lab.changed(lab.made, 2, assay_p2o5="0.97")
    report = lab.record(rows, [])
    jar = lab.ledger.jar("R01-G1")
    assert jar.x == pytest.approx(0.1457, abs=1e-4)
    assert (jar.assay_na2s, jar.assay_p2o5) == (1.0, 0.97)
    assert report.warnings == ()


def test_new_assays_leave_jars_of_the_old_lot_as_they_were(lab: Any) -> None:
    lab.record(results=[])
    text = (lab.folder / "campaign.yaml").read_text()
    (lab.folder / "campaign.yaml").write_text(text.replace("  p2o5: 1.0", "  p2o5: 0.95"))
    assert lab.config.assays.p2o5 == 0.95
    assert lab.record(results=[]).specimens == 0


def test_something_else_than_asked_is_taken_in_and_said(lab: Any) -> None:
    masses = masses_for(0.3, 2.0)
    other = lab.changed(
        lab.made,
        2,
        x="",
        na2s_mg=f"{masses.na2s_mg:.1f}",
        p2s5_mg=f"{masses.p2s5_mg:.1f}",
        p2o5_mg=f"{masses.p2o5_mg:.1f}",
        milling_media="Zirconia",
        milling_time_h="5",
    )
    report = lab.record(other, [])
    jar = lab.ledger.jar("R01-G1")
    assert (round(jar.x, 3), jar.milling_media, jar.milling_time_h) == (0.300, "zirconia", 5.0)
    assert report.warnings == (
        "made.csv, row 2, column x (R01-G1): x = 0.15 was asked for, the weighed masses give 0.300",
    )


def test_blank_cells_take_what_was_asked_for(lab: Any) -> None:
    rows = [
        {"specimen": "R01-G1", "kind": "jar", "status": "made"},
        {"specimen": "R01-G1-P1", "kind": "pellet", "status": "made"},
    ]
    lab.record(rows, [])
    assert lab.ledger.jar("R01-G1").x == 0.15
    assert lab.ledger.pellet("R01-G1-P1").pressing_pressure_mpa == 450.0


def test_rows_without_a_status_wait(lab: Any) -> None:
    report = lab.record(lab.changed(lab.made[:2], 3, status=""), [])
    assert report.specimens == 1
    assert lab.ledger.pellet("R01-G1-P1").status == "planned"


def test_a_later_file_with_fewer_cells_forgets_nothing(lab: Any) -> None:
    lab.record(lab.changed(lab.made, 2, note="yellow", operator="me"), [])
    before = lab.ledger.jar("R01-G1")
    bare = [{"specimen": "R01-G1", "kind": "jar", "status": "made", "x": "0.15"}]
    assert lab.record(bare, []).specimens == 0
    assert lab.ledger.jar("R01-G1") == before


def test_a_corrected_mass_supersedes_and_the_history_stays(lab: Any) -> None:
    lab.record(results=[])
    report = lab.record(lab.changed(lab.made, 2, p2o5_mg="38.7"), [])
    assert report.specimens == 1
    history = lab.ledger.history("R01-G1")
    assert list(history["p2o5_mg"].dropna()) == [37.7, 38.7]
    assert list(history["status"]) == ["planned", "made", "made"]


def test_a_failure_found_later_is_a_correction(lab: Any) -> None:
    lab.record(results=[])
    rows = lab.changed(lab.made, 6, status="Failed", reason="leaked air", note="lid")
    lab.record(rows, [])
    cell = lab.ledger.cell("R01-C1")
    assert (cell.status, cell.reason, cell.note) == ("failed", "leaked_air", "lid")


def test_more_pellets_of_a_known_jar_are_welcome(lab: Any) -> None:
    extra = {
        "specimen": "mine-1", "kind": "pellet", "status": "made", "jar": "R01-G1",
        "pressing_pressure_mpa": "300", "mass_mg": "120",
    }  # fmt: skip
    assert lab.record([*lab.made, extra], []).specimens == 6
    pellet = lab.ledger.pellet("mine-1")
    assert (pellet.jar, pellet.round_id) == ("R01-G1", None)
    assert lab.ledger.stock_left("R01-G1") == 1800 - 150 - 120 - 150


@pytest.mark.parametrize(
    ("recovered", "origin", "left_mg"), [("1700", "stock", 1550.0), ("", "history", 0.0)]
)
def test_a_jar_nobody_asked_for_is_stock_when_its_powder_was_weighed(
    lab: Any, recovered: str, origin: str, left_mg: float
) -> None:
    rows = [
        {
            **lab.made[0], "specimen": "old-7", "x": "", "recovered_mass_mg": recovered,
            "na2s_mg": "1048.1", "p2s5_mg": "875.6", "p2o5_mg": "76.3", "milling_media": "agate",
        },
        {**lab.made[1], "specimen": "old-7-P", "jar": "old-7"},
    ]  # fmt: skip
    lab.record(rows, [])
    jar = lab.ledger.jar("old-7")
    assert (jar.origin, round(jar.x, 3), jar.round_id) == (origin, 0.300, None)
    assert lab.ledger.stock_left("old-7") == left_mg


def test_history_becomes_stock_once_its_powder_is_weighed(lab: Any) -> None:
    old = {**lab.made[0], "specimen": "old-7", "recovered_mass_mg": ""}
    lab.record([old], [])
    lab.record([{**old, "recovered_mass_mg": "900"}], [])
    assert lab.ledger.jar("old-7").origin == "stock"


def test_the_same_line_twice_is_one_specimen(lab: Any) -> None:
    assert lab.record([*lab.made, lab.made[0]], []).specimens == 5


def test_what_is_planned_may_exceed_the_powder_but_it_is_said(lab: Any) -> None:
    rows = lab.changed(lab.made[:1], 2, recovered_mass_mg="250")
    report = lab.record(rows, [])
    assert [w.partition(": ")[2] for w in report.warnings] == [
        "250 mg are less than 80% of 2000 mg; the caked rest may have another composition",
        "300 mg of R01-G1 are taken, 250 mg were recovered, counting what is planned; make less "
        "of it",
    ]


def test_unusual_numbers_are_warned_about_with_their_place(lab: Any) -> None:
    rows = lab.changed(lab.made, 3, thickness_um="2500", pressing_pressure_mpa="15")
    pressure, thickness = lab.record(rows, []).warnings
    assert pressure.startswith(
        "made.csv, row 3, column pressing_pressure_mpa (R01-G1-P1): pressing pressure: 15 MPa is "
        "below the usual 75 to 450 MPa"
    )
    assert thickness.startswith("made.csv, row 3, column thickness_um (R01-G1-P1): ")


def test_both_files_as_a_german_spreadsheet_saves_them_simply_work(lab: Any) -> None:
    made, results = lab.files()
    plain = lab.content()
    for path in (made, results):
        text = path.read_text(encoding="utf-8").replace("ohm cm2", "Ohm·cm²").replace(";", ",")
        german = text.replace(",", ";").replace("2.30..2.35", "2,30..2,35")
        lines = [
            line.replace(".", ",") if "2,30" not in line else line for line in german.splitlines()
        ]
        path.write_bytes("".join(f"{line};;;\r\n" for line in lines).encode("cp1252"))
    report = record_files(lab.ledger, lab.config, made, results)
    assert (report.specimens, report.readings_added, report.warnings) == (5, 4, ())
    assert lab.ledger.jar("R01-G1").p2o5_mg == 37.7
    assert set(lab.ledger.readings()["lower"]) >= {0.81, 2.6e-4, 424.0, 2.3}
    assert lab.content() != plain
    again = lab.record()
    assert (again.specimens, again.readings_added, again.readings_corrected) == (0, 0, 0)
