"""A campaign with one planned round, and the files a chemist hands back for it.

Test modules that need it name it in ``pytest_plugins``; PYTEST_DONT_REWRITE, since by then the
search for doctests has imported it.
"""

import csv
import shutil
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from experiments.assumptions import plant_paper
from experiments.config import CampaignConfig, read_config, write_config
from experiments.ledger import Ledger
from experiments.ledger_rows import CellRow, JarRow, PelletRow
from experiments.recording import Report, record_files
from features.errors import InputError

Rows = Sequence[Mapping[str, str]]

MADE: Rows = (
    {
        "specimen": "R01-G1", "kind": "jar", "status": "made", "x": "0.15",
        "na2s_mg": "1037.0", "p2s5_mg": "925.3", "p2o5_mg": "37.7",
        "milling_media": "stainless_steel", "milling_time_h": "3", "milling_speed_rpm": "500",
        "recovered_mass_mg": "1800",
    },
    {
        "specimen": "R01-G1-P1", "kind": "pellet", "status": "made", "jar": "R01-G1",
        "pressing_pressure_mpa": "450", "mass_mg": "150", "thickness_um": "620",
    },
    {
        "specimen": "R01-G2", "kind": "jar", "status": "made", "x": "0.6",
        "na2s_mg": "1071.3", "p2s5_mg": "772.9", "p2o5_mg": "155.9",
        "milling_media": "stainless_steel", "milling_time_h": "3", "milling_speed_rpm": "500",
        "recovered_mass_mg": "1800",
    },
    {
        "specimen": "R01-G2-P1", "kind": "pellet", "status": "failed", "reason": "cracked",
        "jar": "R01-G2", "pressing_pressure_mpa": "450", "mass_mg": "150",
    },
    {
        "specimen": "R01-C1", "kind": "cell", "status": "made", "core": "R01-G1",
        "skin": "R01-G2", "core_mass_mg": "150", "skin_mass_mg": "25",
        "precompaction_pressure_mpa": "75", "pressing_pressure_mpa": "450",
        "stack_pressure_mpa": "7", "temperature_c": "60",
    },
)  # fmt: skip
"""Rows 2 to 6 of a good made.csv."""

RESULTS: Rows = (
    {
        "specimen": "R01-G1-P1", "property": "relative_density", "value": "0.81", "unit": "1",
        "temperature_c": "25", "method": "geometric",
    },
    {
        "specimen": "R01-G1-P1", "property": "ionic_conductivity", "value": "2.6e-4",
        "unit": "S/cm", "se": "5e-6", "temperature_c": "60", "method": "EIS",
    },
    {
        "specimen": "R01-C1", "property": "area_specific_resistance", "value": "424",
        "unit": "ohm cm2", "temperature_c": "60", "method": "EIS",
    },
    {
        "specimen": "R01-C1", "property": "critical_current_density", "value": "2.30..2.35",
        "unit": "mA/cm2", "temperature_c": "60", "method": "steps", "start_ma_cm2": "0.05",
        "step_ma_cm2": "0.05", "half_cycle_h": "0.5", "end_ma_cm2": "3", "stack_pressure_mpa": "7",
    },
)  # fmt: skip
"""Rows 2 to 5 of a good results.csv."""

_NO_MADE: Rows = ({"specimen": "", "kind": "", "status": ""},)
_NO_RESULTS: Rows = ({"specimen": "", "property": "", "value": ""},)


class Lab:
    """A campaign's folder and what a chemist does with it.

    Round R01 asks for jar and pellet R01-G1 (x = 0.15) and R01-G2 (x = 0.6), and for the cell
    R01-C1 of both.
    """

    made: Rows = MADE
    results: Rows = RESULTS

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def config(self) -> CampaignConfig:
        return read_config(self.folder / "campaign.yaml")

    @property
    def ledger(self) -> Ledger:
        """The ledger; every piece of reading opens and closes the file by itself."""
        return Ledger.open(self.folder / "ledger.db")

    def write(self, name: str, rows: Rows) -> Path:
        """A CSV file with these rows and a column for everything in them."""
        columns = list(dict.fromkeys(column for row in rows for column in row))
        path = self.folder / name
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(rows)
        return path

    def files(self, made: Rows | None = None, results: Rows | None = None) -> tuple[Path, Path]:
        """Both files; the good rows where left out, none where empty."""
        made, results = MADE if made is None else made, RESULTS if results is None else results
        return (
            self.write("made.csv", made or _NO_MADE),
            self.write("results.csv", results or _NO_RESULTS),
        )

    def record(self, made: Rows | None = None, results: Rows | None = None) -> Report:
        """Record rows; the good ones where left out, none where empty."""
        return record_files(self.ledger, self.config, *self.files(made, results), by="me")

    def refused(self, made: Rows | None = None, results: Rows | None = None) -> tuple[str, ...]:
        """Problems of rows that must be refused; nothing may have been written."""
        before = self.content()
        with pytest.raises(InputError, match="nothing was written") as caught:
            self.record(made, results)
        assert self.content() == before
        return caught.value.problems

    def content(self) -> dict[str, list[tuple[Any, ...]]]:
        """All rows of all tables of the ledger."""
        with closing(sqlite3.connect(self.folder / "ledger.db")) as connection:
            names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            return {
                name: sorted(connection.execute(f'SELECT * FROM "{name}"'), key=repr)
                for (name,) in names.fetchall()
            }

    @staticmethod
    def changed(rows: Rows, number: int, **cells: str) -> list[dict[str, str]]:
        """Rows of a file with cells of one spreadsheet row changed; the header is row 1."""
        return [
            {**row, **cells} if position == number else dict(row)
            for position, row in enumerate(rows, start=2)
        ]


@pytest.fixture(scope="session")
def planned_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("campaign") / "c"
    folder.mkdir()
    config = CampaignConfig(name="c")
    write_config(config, folder)
    with Ledger.create(folder / "ledger.db", campaign="c") as ledger:
        plant_paper(ledger, config)
        with ledger.transaction() as tx:
            tx.add_round("R01", number=1, seed=0, config={})
            for jar, x in (("R01-G1", 0.15), ("R01-G2", 0.6)):
                tx.add_jar(
                    JarRow(
                        id=jar,
                        origin="lab",
                        round_id="R01",
                        status="planned",
                        x=x,
                        milling_time_h=3,
                        milling_media="stainless_steel",
                        milling_speed_rpm=500,
                        batch_mass_g=2,
                    )
                )
                tx.add_pellet(
                    PelletRow(
                        id=f"{jar}-P1",
                        jar=jar,
                        round_id="R01",
                        status="planned",
                        pressing_pressure_mpa=450,
                        mass_mg=150,
                    )
                )
            tx.add_cell(
                CellRow(
                    id="R01-C1",
                    core="R01-G1",
                    skin="R01-G2",
                    core_mass_mg=150,
                    skin_mass_mg=25,
                    precompaction_pressure_mpa=75,
                    pressing_pressure_mpa=450,
                    stack_pressure_mpa=7,
                    temperature_c=60,
                    round_id="R01",
                    status="planned",
                )
            )
    return folder


@pytest.fixture
def lab(planned_folder: Path, tmp_path: Path) -> Lab:
    shutil.copytree(planned_folder, tmp_path / "c")
    return Lab(tmp_path / "c")
