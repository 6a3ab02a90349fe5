"""The paper's data as ledger rows: Chi et al. 2022, under the assumptions in force.

Chi, X. et al., Nat. Commun. 13, 2854 (2022), DOI 10.1038/s41467-022-30517-y. The paper leaves two
things open that matter: the temperature of 2.7e-4 S/cm (A1 of the domain notes) and whether 25 mg
of skin is each side or both together (A3). ``paper_data`` derives the rows for either answer.
"""

import csv
from dataclasses import dataclass, replace
from importlib.resources import files
from math import log
from typing import Final

from experiments.config import AssumptionConfig
from experiments.ledger_rows import CellRow, JarRow, NoteRow, PelletRow, ReadingRow
from features.properties import CATALOGUE
from features.reading import parse_value, standard_error

STATED_SKIN_MASS_MG: Final = 25.0

_SHIFTED: Final = ("S01", "S03")
"""Readings whose temperature the paper does not state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperData:
    """What the paper gives, ready for the ledger.

    Attributes:
        jars: The paper's glasses; never stock.
        pellets: Their pellets.
        cells: The tri-layer.
        readings: Values that are readings, trained or only shown.
        notes: Ratios and order statements: shown, never readings.
        assumptions: What was assumed, one sentence each.
    """

    jars: tuple[JarRow, ...]
    pellets: tuple[PelletRow, ...]
    cells: tuple[CellRow, ...]
    readings: tuple[ReadingRow, ...]
    notes: tuple[NoteRow, ...]
    assumptions: tuple[str, ...]


def paper_data(assumptions: AssumptionConfig) -> PaperData:
    """The paper's rows under these assumptions.

    Args:
        assumptions: Temperature of the x = 0.15 conductivity, and what 25 mg of skin means.

    Returns:
        Rows in the order they must be written.

    References:
        Chi et al. 2022, DOI 10.1038/s41467-022-30517-y; domain notes 1.9 and 2.1.

    Examples:
        >>> data = paper_data(AssumptionConfig())
        >>> sorted(r.source for r in data.readings if r.trained)
        ['S01', 'S02', 'S03', 'S04', 'S09', 'S20']
    """
    rows = _rows()
    readings = [_reading(row) for row in rows if row["use"] in ("train", "show")]
    if assumptions.paper_temperature_c == 25:
        readings = [replace(r, temperature_c=25.0) if r.source in _SHIFTED else r for r in readings]
        readings = [replace(r, note=_S05_IF_25) if r.source == "S05" else r for r in readings]
    return PaperData(
        jars=_JARS,
        pellets=_PELLETS,
        cells=(_cell(assumptions),),
        readings=tuple(readings),
        notes=tuple(_note(row) for row in rows if row["use"] == "note"),
        assumptions=_sentences(assumptions),
    )


_S05_IF_25: Final = "under the 25 °C reading S01 itself is the value at 25 °C; this row is void"

_PAPER_NOTE: Final = "Chi et al. 2022"


def _jar(jar_id: str, x: float, time_h: float, media: str) -> JarRow:
    return JarRow(
        id=jar_id,
        origin="paper",
        x=x,
        milling_time_h=time_h,
        milling_media=media,
        milling_speed_rpm=500.0,
        batch_mass_g=2.0,
        note=_PAPER_NOTE,
    )


_JARS: Final = (
    _jar("CHI-000", 0.0, 20.0, "agate"),
    _jar("CHI-015", 0.15, 3.0, "stainless_steel"),
    _jar("CHI-030", 0.30, 3.0, "stainless_steel"),
    _jar("CHI-060", 0.60, 3.0, "stainless_steel"),
)
"""The four glasses of the paper (Results 1, Methods); x nominal."""

_PELLETS: Final = (
    *(
        PelletRow(id=f"{jar.id}-P", jar=jar.id, pressing_pressure_mpa=450.0, note=_PAPER_NOTE)
        for jar in _JARS
    ),
    PelletRow(
        id="CHI-060-P150",
        jar="CHI-060",
        pressing_pressure_mpa=150.0,
        note=f"{_PAPER_NOTE}, density against pressure",
    ),
)


def _cell(assumptions: AssumptionConfig) -> CellRow:
    share = 1.0 if assumptions.paper_skin_mass == "per_side" else 0.5
    return CellRow(
        id="CHI-TRI",
        core="CHI-015",
        skin="CHI-060",
        core_mass_mg=150.0,
        skin_mass_mg=STATED_SKIN_MASS_MG * share,
        precompaction_pressure_mpa=75.0,
        pressing_pressure_mpa=450.0,
        stack_pressure_mpa=7.0,
        temperature_c=60.0,
        note=f"{_PAPER_NOTE}; 25 mg of skin taken as {assumptions.paper_skin_mass}",
    )


def _rows() -> list[dict[str, str]]:
    text = files("experiments").joinpath("data/chi2022.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def _reading(row: dict[str, str]) -> ReadingRow:
    interval = parse_value(row["value"], row["property"], row["unit"])
    return ReadingRow(
        specimen=row["specimen"],
        property=row["property"],
        lower=interval.lower,
        upper=interval.upper,
        se=_standard_error(row),
        n=int(row["n"]),
        temperature_c=float(row["temperature_c"]) if row["temperature_c"] else None,
        method=row["source"],
        protocol=_PAPER_PROTOCOL if row["id"] == "S20" else None,
        source=row["id"],
        trained=row["use"] == "train",
        derived_from=row["derived_from"],
        note="; ".join(part for part in (row["assumption"], row["note"]) if part),
        text=f"{row['value']} {row['unit']}",
    )


_PAPER_PROTOCOL: Final = (
    '{"start_ma_cm2": null, "step_ma_cm2": 0.05, "half_cycle_h": 0.5, "end_ma_cm2": null, '
    '"stack_pressure_mpa": 7.0}'
)


def _standard_error(row: dict[str, str]) -> float | None:
    """Standard error of the stated value in its own unit."""
    if not row["error"]:
        return None
    error, value = float(row["error"]), float(row["value"])
    if row["error_unit"] == "dex":
        return error * value * log(10.0)
    if row["error_unit"] == "SD":
        return standard_error(sd=error, n=int(row["n"]))
    return error


def _note(row: dict[str, str]) -> NoteRow:
    at = f" at {row['temperature_c']} °C" if row["temperature_c"] else ""
    text = f"{row['property'].replace('_', ' ')} {row['value']} {row['unit']}{at}: {row['note']}"
    return NoteRow(
        id=row["id"],
        text=text if not row["assumption"] else f"{text} ({row['assumption']})",
        source=f"Chi et al. 2022, {row['source']}",
        specimen=row["specimen"],
        property=row["property"] if row["property"] in CATALOGUE else "",
    )


def _sentences(assumptions: AssumptionConfig) -> tuple[str, ...]:
    temperature = assumptions.paper_temperature_c
    other = 25 if temperature == 60 else 60
    side = assumptions.paper_skin_mass == "per_side"
    return (
        f"A1: 2.7e-4 S/cm (x = 0.15) and the six times lower value of x = 0 are taken at "
        f"{temperature} °C; the paper does not state it ({other} °C is the other reading)",
        f"A3: 25 mg of skin is taken as {'each side' if side else 'both sides together'}; the "
        f"paper leaves it open ({'both together' if side else 'each side'} is the other reading)",
        "A5: Young's modulus 20.9 GPa is taken from a pellet pressed at 450 MPa; the paper does "
        "not state it",
    )
