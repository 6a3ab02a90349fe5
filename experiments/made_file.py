"""``made.csv`` read back: what was really made, checked against what was asked for."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

import pandas as pd

from experiments.config import CampaignConfig
from experiments.csv_files import Row, read_rows
from experiments.ledger_rows import CellRow, JarRow, Origin, PelletRow, SpecimenRow, Status
from features.errors import GlassError, TableError
from features.plausibility import FIELDS, check_field
from features.recipe import GlassRecipe, PelletRecipe, TrilayerRecipe
from features.stoichiometry import Assays, Masses, composition_from

STATUSES: Final[tuple[Status, ...]] = ("made", "failed", "not_made")
REASONS: Final = (
    "unreacted", "crystallised", "caked", "cracked", "short", "leaked_air", "handling",
    "instrument", "other",
)  # fmt: skip
"""Why a specimen failed. With ``other`` the note says what happened."""

X_MISMATCH: Final = 0.03
"""Difference between the x column and the x of the weighed masses that is a slip (about 10 mg of
P2O5 in 2 g; domain notes 3.2)."""

NA_PER_P_RANGE: Final = (2.7, 3.3)
"""Na/P outside this means a mass was swapped or mistyped (3 is meant; domain notes 3.2)."""

_FIELD: Final = {
    "mass_mg": "pellet_mass_mg",
    "thickness_um": "pellet_thickness_um",
    "precompaction_pressure_mpa": "pressing_pressure_mpa",
}
"""Sanity range of a column, where it is not called like the column."""

_ROUND_ID: Final = re.compile(r"^R\d+-")
_GLASS: Final = ("x", "milling_time_h", "milling_media", "milling_speed_rpm")
_MASSES: Final = ("na2s_mg", "p2s5_mg", "p2o5_mg")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What is known before a file is read.

    Attributes:
        jars: Current jars, index specimen.
        pellets: Current pellets, index specimen.
        cells: Current cells, index specimen.
        config: The campaign's configuration.
        origin: What new specimens are: ``lab`` or ``simulated``.
    """

    jars: pd.DataFrame
    pellets: pd.DataFrame
    cells: pd.DataFrame
    config: CampaignConfig
    origin: Origin

    def kind_of(self, specimen: str) -> str | None:
        """``jar``, ``pellet`` or ``cell``; ``None`` when unknown."""
        for kind, frame in (("jar", self.jars), ("pellet", self.pellets), ("cell", self.cells)):
            if specimen in frame.index:
                return kind
        return None

    def status_of(self, specimen: str) -> str:
        """How far a specimen of the ledger got."""
        frames = (self.jars, self.pellets, self.cells)
        return next(str(f.loc[specimen, "status"]) for f in frames if specimen in f.index)

    def nearest(self, specimen: str) -> str:
        """A hint at the specimen that was perhaps meant; empty when none is near."""
        known = [*self.jars.index, *self.pellets.index, *self.cells.index]
        near = get_close_matches(specimen, known, n=1, cutoff=0.6)
        return f"; did you mean {near[0]}?" if near else ""


@dataclass(slots=True)
class Findings:
    """What the check of a file found.

    Attributes:
        rows: Rows fit to be written.
        problems: What forbids writing, one sentence each.
        warnings: What is unusual but allowed, one sentence each.
    """

    rows: list[SpecimenRow] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def read_made(path: Path, bench: Bench) -> Findings:
    """Read and check ``made.csv``; writes nothing.

    Rows with a blank status are not decided yet and are left out.

    Args:
        path: The file.
        bench: What is known so far.

    Returns:
        Rows to write, problems and warnings. When there are problems the rows are not to be
        written.
    """
    try:
        rows = read_rows(path, ("specimen", "kind", "status"))
    except TableError as error:
        return Findings(problems=[str(error)])
    return read_made_rows(rows, bench)


def read_made_rows(rows: Sequence[Row], bench: Bench) -> Findings:
    """Check rows of ``made.csv``; see ``read_made``."""
    found = Findings()
    decided = _decided(rows, bench, found)
    for kind, read in (("jar", _jar), ("pellet", _pellet), ("cell", _cell)):
        for row in decided:
            if row["kind"] == kind:
                _collect(row, read, bench, found)
    return found


def _decided(rows: Sequence[Row], bench: Bench, found: Findings) -> list[Row]:
    """Rows with a status, each complaint about id, kind, status or reason being noted."""
    seen: dict[str, Row] = {}
    decided = []
    for row in rows:
        complaint = _complaint(row, bench)
        specimen = row["specimen"]
        if complaint is None and specimen in seen:
            if dict(seen[specimen].cells) != dict(row.cells):
                complaint = (
                    f"{row.place('specimen')}: {specimen} stands in row {seen[specimen].number} "
                    "already with other values; keep one row a specimen"
                )
            else:
                continue
        if complaint:
            found.problems.append(complaint)
            continue
        seen[specimen] = row
        if row["status"]:
            decided.append(row)
    return decided


def _complaint(row: Row, bench: Bench) -> str | None:
    specimen, kind, status = row["specimen"], row["kind"], row["status"]
    if not specimen:
        return f"{row.place('specimen')}: is blank; give the specimen an id"
    if kind not in ("jar", "pellet", "cell"):
        return f"{row.place('kind')}: must be jar, pellet or cell, got {kind!r}"
    if status and status not in STATUSES:
        return (
            f"{row.place('status')}: must be {', '.join(STATUSES)} or blank (not known yet), "
            f"got {status!r}"
        )
    known = bench.kind_of(specimen)
    if known is None and _ROUND_ID.match(specimen):
        return (
            f"{row.place('specimen')}: no round proposed {specimen}{bench.nearest(specimen)}; "
            "give what you made besides a name that does not start with R and a number"
        )
    if known is not None and known != kind:
        return f"{row.place('kind')}: {specimen} is a {known}, got {kind!r}"
    return _reason_complaint(row) if status == "failed" else None


def _reason_complaint(row: Row) -> str | None:
    reason = row["reason"].lower().replace(" ", "_")
    if reason not in REASONS:
        return (
            f"{row.place('reason')}: a failed specimen needs a reason "
            f"({', '.join(REASONS)}), got {row['reason']!r}"
        )
    if reason == "other" and not row["note"]:
        return f"{row.place('note')}: reason 'other' needs a note saying what happened"
    return None


def _collect(
    row: Row, read: Callable[[Row, Bench, Findings], SpecimenRow], bench: Bench, found: Findings
) -> None:
    try:
        found.rows.append(read(row, bench, found))
    except TableError as error:
        found.problems.append(str(error))
    except GlassError as error:
        found.problems.append(f"{row.place()} ({row['specimen']}): {error}")


class _Values:
    """Values of a row, falling back to what was planned where a cell is blank."""

    def __init__(self, row: Row, planned: Mapping[str, Any] | None, found: Findings) -> None:
        self.row = row
        self.planned = planned
        self.found = found

    def text(self, column: str) -> str:
        """Text of a column.

        Raises:
            TableError: If it is blank and nothing was planned.
        """
        if self.row[column]:
            return self.row[column]
        if self.planned is not None and self.planned.get(column) is not None:
            return str(self.planned[column])
        raise TableError(f"{self.row.place(column)}: is blank; {self.row['specimen']} needs it")

    def number(self, column: str) -> float:
        """Number of a column, its plausibility checked.

        Raises:
            TableError: If it is blank with nothing planned, no number, or impossible.
        """
        value = self.optional(column)
        if value is None and self.planned is not None:
            planned = self.planned.get(column)
            value = float(str(planned)) if planned is not None and planned == planned else None
        if value is None:
            raise TableError(f"{self.row.place(column)}: is blank; {self.row['specimen']} needs it")
        return value

    def optional(self, column: str) -> float | None:
        """Number of a column or ``None``; unusual ones are noted as warnings.

        Raises:
            TableError: If it is no number, or impossible.
        """
        value = self.row.number_of(column)
        if value is not None and _FIELD.get(column, column) in FIELDS:
            verdict = check_field(_FIELD.get(column, column), value)
            if verdict.level == "reject":
                raise TableError(f"{self.row.place(column)}: {verdict.message}")
            if verdict.level == "warn":
                self.found.warnings.append(f"{self.row.place(column)}: {verdict.message}")
        return value


def _planned(frame: pd.DataFrame, specimen: str) -> Mapping[str, Any] | None:
    if specimen not in frame.index:
        return None
    return {str(name): value for name, value in frame.loc[specimen].items()}


def _status(row: Row) -> Status:
    return STATUSES[STATUSES.index(row["status"])]


def _reason(row: Row) -> str:
    return row["reason"].lower().replace(" ", "_") if row["status"] == "failed" else ""


def _jar(row: Row, bench: Bench, found: Findings) -> JarRow:
    planned = _planned(bench.jars, row["specimen"])
    values = _Values(row, planned, found)
    assays = Assays(**bench.config.assays.model_dump())
    masses = _masses(row, values)
    x = values.number("x") if masses is None else _weighed_x(row, masses, assays)
    recovered = values.optional("recovered_mass_mg")
    recipe = GlassRecipe(
        x,
        values.number("milling_time_h"),
        values.text("milling_media"),
        values.number("milling_speed_rpm"),
    )
    batch_g = masses.total_mg / 1000 if masses else bench.config.glasses.batch_mass_g
    if recovered is not None and recovered > 1000 * batch_g * 1.02:
        raise TableError(
            f"{row.place('recovered_mass_mg')}: {recovered:g} mg recovered from "
            f"{1000 * batch_g:.0f} mg; give mg of powder taken out of the jar"
        )
    if recovered is not None and recovered < 800 * batch_g:
        found.warnings.append(
            f"{row.place('recovered_mass_mg')}: less than 80 % came out of {row['specimen']}; "
            "the caked rest may have another composition"
        )
    return JarRow(
        id=row["specimen"],
        round_id=_round_of(planned),
        origin=_origin(planned, recovered, bench),
        x=recipe.x,
        milling_time_h=recipe.milling_time_h,
        milling_media=recipe.milling_media,
        milling_speed_rpm=recipe.milling_speed_rpm,
        na2s_mg=masses.na2s_mg if masses else None,
        p2s5_mg=masses.p2s5_mg if masses else None,
        p2o5_mg=masses.p2o5_mg if masses else None,
        assay_na2s=assays.na2s if masses else None,
        assay_p2s5=assays.p2s5 if masses else None,
        assay_p2o5=assays.p2o5 if masses else None,
        batch_mass_g=batch_g,
        recovered_mass_mg=recovered,
        operator=row["operator"],
        status=_status(row),
        reason=_reason(row),
        note=row["note"],
    )


def _origin(planned: Mapping[str, Any] | None, recovered: float | None, bench: Bench) -> Origin:
    """Where a jar comes from: one with powder that no round asked for is stock."""
    if bench.origin == "simulated":
        return "simulated"
    if planned is None:
        return "history" if recovered is None else "stock"
    origin: Origin = planned["origin"]
    return origin


def _round_of(planned: Mapping[str, Any] | None) -> str | None:
    round_id = None if planned is None else planned.get("round_id")
    return round_id if isinstance(round_id, str) else None


def _masses(row: Row, values: _Values) -> Masses | None:
    given = [row.number_of(name) for name in _MASSES]
    missing = [name for name, value in zip(_MASSES, given, strict=True) if value is None]
    if len(missing) == len(_MASSES):
        return None
    if missing:
        raise TableError(
            f"{row.place(missing[0])}: is blank while other masses are given; weigh all three "
            "(0 for none) or leave all three blank"
        )
    return Masses(*(value for value in given if value is not None))


def _weighed_x(row: Row, masses: Masses, assays: Assays) -> float:
    """X of the weighed masses; the column x must agree with it.

    Raises:
        TableError: If the masses contradict the column x, or Na/P is far from 3.
    """
    made = composition_from(masses, assays)
    low, high = NA_PER_P_RANGE
    if not low <= made.na_per_p <= high:
        raise TableError(
            f"{row.place('na2s_mg')}: the weighed masses give Na/P = {made.na_per_p:.2f}, "
            "3 is meant; is a mass mistyped or swapped?"
        )
    written = row.number_of("x")
    if written is not None and abs(written - made.x) > X_MISMATCH:
        raise TableError(
            f"{row.place('x')}: the weighed masses give x = {made.x:.3f}, the column says "
            f"{written:g}; correct the masses, or clear x if you meant to make something else"
        )
    return made.x


def _within_rating(row: Row, pressure_mpa: float, bench: Bench, column: str) -> None:
    rating = bench.config.equipment.die_rating_mpa
    if pressure_mpa > rating:
        raise TableError(
            f"{row.place(column)}: {pressure_mpa:g} MPa is above the die's rating of "
            f"{rating:g} MPa; "
            "check the number, or the rating in campaign.yaml"
        )


def _known_jar(row: Row, column: str, jar: str, bench: Bench, found: Findings) -> None:
    in_file = {made.id for made in found.rows if isinstance(made, JarRow)}
    if jar not in in_file and jar not in bench.jars.index:
        raise TableError(f"{row.place(column)}: there is no jar {jar!r}{bench.nearest(jar)}")


def _glass(jar: str, bench: Bench, found: Findings) -> GlassRecipe:
    made = next((r for r in found.rows if isinstance(r, JarRow) and r.id == jar), None)
    if made is None:
        recipe: dict[str, Any] = {name: bench.jars[name].loc[jar] for name in _GLASS}
    else:
        recipe = {name: getattr(made, name) for name in _GLASS}
    return GlassRecipe(**recipe)


def _pellet(row: Row, bench: Bench, found: Findings) -> PelletRow:
    planned = _planned(bench.pellets, row["specimen"])
    values = _Values(row, planned, found)
    jar = values.text("jar")
    _known_jar(row, "jar", jar, bench, found)
    recipe = PelletRecipe(
        _glass(jar, bench, found), values.number("pressing_pressure_mpa"), values.number("mass_mg")
    )
    _within_rating(row, recipe.pressing_pressure_mpa, bench, "pressing_pressure_mpa")
    return PelletRow(
        id=row["specimen"],
        round_id=_round_of(planned),
        jar=jar,
        pressing_pressure_mpa=recipe.pressing_pressure_mpa,
        mass_mg=recipe.mass_mg,
        thickness_um=values.optional("thickness_um"),
        operator=row["operator"],
        status=_status(row),
        reason=_reason(row),
        note=row["note"],
    )


def _cell(row: Row, bench: Bench, found: Findings) -> CellRow:
    planned = _planned(bench.cells, row["specimen"])
    values = _Values(row, planned, found)
    core, skin = values.text("core"), values.text("skin")
    _known_jar(row, "core", core, bench, found)
    _known_jar(row, "skin", skin, bench, found)
    recipe = TrilayerRecipe(
        core=_glass(core, bench, found),
        skin=_glass(skin, bench, found),
        **{
            name: values.number(name)
            for name in (
                "core_mass_mg",
                "skin_mass_mg",
                "precompaction_pressure_mpa",
                "pressing_pressure_mpa",
                "stack_pressure_mpa",
                "temperature_c",
            )
        },
    )
    _within_rating(row, recipe.pressing_pressure_mpa, bench, "pressing_pressure_mpa")
    return CellRow(
        id=row["specimen"],
        round_id=_round_of(planned),
        core=core,
        skin=skin,
        core_mass_mg=recipe.core_mass_mg,
        skin_mass_mg=recipe.skin_mass_mg,
        precompaction_pressure_mpa=recipe.precompaction_pressure_mpa,
        pressing_pressure_mpa=recipe.pressing_pressure_mpa,
        stack_pressure_mpa=recipe.stack_pressure_mpa,
        temperature_c=recipe.temperature_c,
        operator=row["operator"],
        status=_status(row),
        reason=_reason(row),
        note=row["note"],
    )
