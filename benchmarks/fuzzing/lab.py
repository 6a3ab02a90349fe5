"""A small campaign to record into: paper's data, one planned round, thrown away after some use."""

import atexit
import shutil
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from experiments.assumptions import plant_paper
from experiments.bench import Bench
from experiments.config import CampaignConfig, write_config
from experiments.entry import record_rows
from experiments.ledger import Ledger
from experiments.ledger_rows import CellRow, JarRow, PelletRow
from experiments.recording import bench

CONFIG: Final = CampaignConfig(name="lab")

MADE: Final[tuple[Mapping[str, str], ...]] = (
    {
        "specimen": "R01-G1", "kind": "jar", "status": "made", "x": "0.15", "na2s_mg": "1037.0",
        "p2s5_mg": "925.3", "p2o5_mg": "37.7", "milling_media": "stainless_steel",
        "milling_time_h": "3", "milling_speed_rpm": "500", "recovered_mass_mg": "1800",
    },
    {
        "specimen": "R01-G1-P1", "kind": "pellet", "status": "made", "jar": "R01-G1",
        "pressing_pressure_mpa": "450", "mass_mg": "150", "thickness_um": "620",
    },
    {
        "specimen": "R01-C1", "kind": "cell", "status": "made", "core": "R01-G1",
        "skin": "R01-G1", "core_mass_mg": "150", "skin_mass_mg": "25",
        "precompaction_pressure_mpa": "75", "pressing_pressure_mpa": "450",
        "stack_pressure_mpa": "7", "temperature_c": "60",
    },
)  # fmt: skip
RESULTS: Final[tuple[Mapping[str, str], ...]] = (
    {
        "specimen": "R01-G1-P1", "property": "ionic_conductivity", "value": "2.6e-4",
        "unit": "S/cm", "se": "5e-6", "temperature_c": "60", "method": "EIS",
    },
    {
        "specimen": "R01-G1-P1", "property": "relative_density", "value": "0.81", "unit": "1",
        "temperature_c": "25", "sd": "0.01", "n": "3",
    },
    {
        "specimen": "R01-C1", "property": "critical_current_density", "value": "2.30..2.35",
        "unit": "mA/cm2", "temperature_c": "60", "start_ma_cm2": "0.05", "step_ma_cm2": "0.05",
        "half_cycle_h": "0.5", "end_ma_cm2": "3", "stack_pressure_mpa": "7",
    },
    {
        "specimen": "R01-C1", "property": "area_specific_resistance", "value": "424",
        "unit": "ohm cm2", "temperature_c": "60", "note": "first",
    },
)  # fmt: skip

_MOST_CASES: Final = 40
"""Cases that share one ledger: it grows, and looking through it takes longer."""


@cache
def workroom() -> Path:
    """A folder for this process, gone when it ends."""
    folder = Path(tempfile.mkdtemp(prefix="glassloop-fuzz-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@cache
def template() -> Path:
    """A campaign's folder to be copied."""
    folder = workroom() / "template"
    folder.mkdir()
    write_config(CONFIG, folder)
    with Ledger.create(folder / "ledger.db", campaign="lab") as ledger:
        plant_paper(ledger, CONFIG)
        with ledger.transaction() as tx:
            tx.add_round("R01", number=1, seed=0, config={})
            tx.add_jar(
                JarRow(
                    id="R01-G1", origin="lab", round_id="R01", status="planned", x=0.15,
                    milling_time_h=3, milling_media="stainless_steel", milling_speed_rpm=500,
                    batch_mass_g=2,
                )
            )  # fmt: skip
            tx.add_pellet(
                PelletRow(
                    id="R01-G1-P1", jar="R01-G1", round_id="R01", status="planned",
                    pressing_pressure_mpa=450, mass_mg=150,
                )
            )  # fmt: skip
            tx.add_cell(
                CellRow(
                    id="R01-C1", core="R01-G1", skin="R01-G1", core_mass_mg=150, skin_mass_mg=25,
                    precompaction_pressure_mpa=75, pressing_pressure_mpa=450, stack_pressure_mpa=7,
                    temperature_c=60, round_id="R01", status="planned",
                )
            )  # fmt: skip
    return folder


@cache
def known(*, made: bool = False) -> Bench:
    """What that campaign knows, read once: while its round is planned, or when it was made."""
    folder = template()
    if made:
        folder = Path(shutil.copytree(folder, workroom() / "made"))
    with Ledger.open(folder / "ledger.db") as ledger:
        if made:
            record_rows(ledger, CONFIG, folder, specimens=MADE, by="Ana")
        return bench(ledger, CONFIG)


class Desk:
    """A ledger that is recorded into, a fresh one every few cases."""

    def __init__(self) -> None:
        self._ledger: Ledger | None = None
        self._cases = 0

    @property
    def folder(self) -> Path:
        """Where the campaign lies."""
        return workroom() / "desk"

    def ledger(self) -> Ledger:
        """The ledger of this case."""
        if self._ledger is None or self._cases >= _MOST_CASES:
            self.renew()
        self._cases += 1
        assert self._ledger is not None  # noqa: S101 - for mypy
        return self._ledger

    def renew(self) -> None:
        """Begin with a fresh ledger."""
        if self._ledger is not None:
            self._ledger.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(template(), self.folder)
        self._ledger, self._cases = Ledger.open(self.folder / "ledger.db"), 0


def as_file(name: str, raw: bytes) -> Path:
    """A file with this content, in the workroom."""
    path = workroom() / name
    path.write_bytes(raw)
    return path


def plain(value: Any) -> Any:
    """A value of a frame; ``None`` where it is missing."""
    return None if value is None or value != value else value
