"""A row of ``made.csv`` as a jar, a pellet or a cell, each value checked in its column."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from experiments.bench import Bench
from experiments.ledger_rows import STATUSES, CellRow, JarRow, Origin, PelletRow, SpecimenRow
from experiments.row_values import RowValues
from features.errors import GlassError
from features.milling import MEDIA
from features.plausibility import check_field, check_masses
from features.recipe import MAX_TEMPERATURE_WITH_SODIUM_C, ROUTE_LIMIT_X
from features.stoichiometry import Assays, Masses, composition_from, masses_for

X_MISMATCH: Final = 0.03
"""Difference between the x column and the x of the weighed masses that is a slip (about 10 mg of
P2O5 in 2 g; domain notes 3.2)."""

NA_PER_P_RANGE: Final = (2.75, 3.25)
"""Na/P outside this means a mass was swapped or mistyped (3 is meant; domain notes 3.2)."""

LEAST_RECOVERY: Final = 0.80
"""Below this the caked rest may have another composition (domain notes 3.3)."""

ROUNDING: Final = 0.02
"""By this fraction more may come out of a jar than went in, for balances differ."""

ASSAY_COLUMNS: Final = ("assay_na2s", "assay_p2s5", "assay_p2o5")
"""May be added to the file when a jar was made of another lot than ``campaign.yaml`` says."""

_MASSES: Final = ("na2s_mg", "p2s5_mg", "p2o5_mg")


@dataclass(frozen=True, slots=True)
class Sources:
    """Where a pellet's or a cell's powder may come from.

    Attributes:
        bench: What is known so far.
        made: Specimens of the same file.
        refused: Specimens of the same file whose rows have problems of their own.
    """

    bench: Bench
    made: Sequence[SpecimenRow]
    refused: Collection[str]

    def state(self, jar: str) -> Mapping[str, Any]:
        """Kind, status and origin of a specimen, as in the file or else in the ledger."""
        for row in self.made:
            if row.id == jar:
                origin = row.origin if isinstance(row, JarRow) else None
                return {"kind": row.kind, "status": row.status, "origin": origin}
        held = self.bench.held(jar)
        return {"kind": self.bench.kind_of(jar), **held}


def jar_row(values: RowValues, sources: Sources) -> JarRow | None:
    """The jar of a row; ``None`` when it cannot be written."""
    bench = sources.bench
    masses = _masses(values)
    assays = _assays(values, bench, masses)
    x = values.number("x") if masses is None else _weighed_x(values, masses, assays)
    batch_g = _batch_g(values, bench, masses)
    recovered = _recovered(values, batch_g if values.is_sound else None)
    time_h, speed_rpm = values.number("milling_time_h"), values.number("milling_speed_rpm")
    media = media_of(values)
    if not values.is_sound:
        return None
    return JarRow(
        id=values.row["specimen"],
        round_id=values.held.get("round_id"),
        origin=_origin(values, recovered, bench),
        x=x,
        milling_time_h=time_h,
        milling_media=media,
        milling_speed_rpm=speed_rpm,
        na2s_mg=masses.na2s_mg if masses else None,
        p2s5_mg=masses.p2s5_mg if masses else None,
        p2o5_mg=masses.p2o5_mg if masses else None,
        assay_na2s=assays.na2s if masses else None,
        assay_p2s5=assays.p2s5 if masses else None,
        assay_p2o5=assays.p2o5 if masses else None,
        batch_mass_g=batch_g,
        recovered_mass_mg=recovered,
        **_fate(values),
    )


def pellet_row(values: RowValues, sources: Sources) -> PelletRow | None:
    """The pellet of a row; ``None`` when it cannot be written."""
    jar = _jar(values, "jar", sources)
    # How much powder an old pellet took is often unknown, and nobody counts what is left of it.
    may_be_unknown = jar in sources.refused or sources.state(jar).get("origin") == "history"
    mass = values.optional("mass_mg") if may_be_unknown else values.number("mass_mg")
    pressure = _pressure(values, "pressing_pressure_mpa", sources.bench)
    thickness = values.optional("thickness_um")
    if not values.is_sound:
        return None
    return PelletRow(
        id=values.row["specimen"],
        round_id=values.held.get("round_id"),
        jar=jar,
        pressing_pressure_mpa=pressure,
        mass_mg=mass,
        thickness_um=thickness,
        **_fate(values),
    )


def cell_row(values: RowValues, sources: Sources) -> CellRow | None:
    """The cell of a row; ``None`` when it cannot be written."""
    core, skin = _jar(values, "core", sources), _jar(values, "skin", sources)
    core_mass, skin_mass = values.number("core_mass_mg"), values.number("skin_mass_mg")
    precompaction = _pressure(values, "precompaction_pressure_mpa", sources.bench)
    pressing = _pressure(values, "pressing_pressure_mpa", sources.bench)
    stack = values.number("stack_pressure_mpa")
    temperature = values.number("temperature_c")
    if temperature > MAX_TEMPERATURE_WITH_SODIUM_C:
        values.refuse("temperature_c", too_hot_for_sodium(temperature))
    if not values.is_sound:
        return None
    return CellRow(
        id=values.row["specimen"],
        round_id=values.held.get("round_id"),
        core=core,
        skin=skin,
        core_mass_mg=core_mass,
        skin_mass_mg=skin_mass,
        precompaction_pressure_mpa=precompaction,
        pressing_pressure_mpa=pressing,
        stack_pressure_mpa=stack,
        temperature_c=temperature,
        **_fate(values),
    )


def too_hot_for_sodium(temperature_c: float) -> str:
    """Why no cell is tested at that temperature."""
    return (
        f"{temperature_c:g} °C with sodium; sodium melts at 97.8 °C and nothing with sodium is "
        f"tested above {MAX_TEMPERATURE_WITH_SODIUM_C:g} °C; check the temperature"
    )


def _fate(values: RowValues) -> dict[str, Any]:
    """Operator, status, reason and note; what is blank stays as recorded with that status."""
    row = values.row
    word = row["status"].lower().replace(" ", "_")
    status = STATUSES[STATUSES.index(word)]
    held = values.held if values.held.get("status") == status else {}
    reason = row["reason"].lower().replace(" ", "_") or held.get("reason", "")
    return {
        "operator": row["operator"] or held.get("operator", ""),
        "status": status,
        "reason": reason if status == "failed" else "",
        "note": row["note"] or held.get("note", ""),
    }


def _origin(values: RowValues, recovered: float | None, bench: Bench) -> Origin:
    """Where a jar comes from: one with powder that no round asked for is stock."""
    if bench.origin == "simulated":
        return "simulated"
    if values.held.get("origin") in {None, "history"}:
        return "history" if recovered is None else "stock"
    origin: Origin = values.held["origin"]
    return origin


def media_of(values: RowValues) -> str:
    """Medium of a row by its id, however it is spelled; refused when there is none such."""
    text = values.text("milling_media")
    media = text.lower().replace(" ", "_")
    if text and media not in MEDIA:
        near = get_close_matches(media, MEDIA, n=1, cutoff=0.5)
        remedy = f"did you mean {near[0]}?" if near else "use one of these"
        values.refuse("milling_media", f"must be one of {', '.join(MEDIA)}, got {text!r}; {remedy}")
    return media


def _masses(values: RowValues) -> Masses | None:
    given = {name: values.optional(name) for name in _MASSES}
    if not any(values.row[name] for name in _MASSES) and None in given.values():
        return None
    for name, value in given.items():
        if value is None and not values.row[name]:
            values.refuse(
                name,
                "is blank while other masses are given; weigh all three (0 for none) or leave "
                "all three blank",
            )
    known = [value for value in given.values() if value is not None]
    return Masses(*known) if len(known) == len(_MASSES) else None


def _assays(values: RowValues, bench: Bench, masses: Masses | None) -> Assays:
    """Assays of the lot: as in the row, as recorded with these masses, or as configured."""
    configured = bench.config.assays.model_dump()
    written = {name: values.written(name) for name in ASSAY_COLUMNS}
    is_recorded = masses is not None and all(
        values.held.get(name) == getattr(masses, name) for name in _MASSES
    )
    recorded = values.held if is_recorded else {}
    parts = {}
    for name, value in written.items():
        reagent = name.removeprefix("assay_")
        parts[reagent] = recorded.get(name, configured[reagent]) if value is None else value
        try:
            Assays(**{reagent: parts[reagent]})
        except GlassError as error:
            values.refuse(name, error)
            parts[reagent] = 1.0
    return Assays(**parts)


def _weighed_x(values: RowValues, masses: Masses, assays: Assays) -> float:
    """X of the weighed masses; the column x must agree with it."""
    try:
        made = composition_from(masses, assays)
    except GlassError as error:
        values.refuse("p2s5_mg", error)
        return float("nan")
    asked = values.held.get("x") if values.held.get("status") == "planned" else None
    written = values.written("x")
    low, high = NA_PER_P_RANGE
    if not low <= made.na_per_p <= high:
        values.refuse(
            "na2s_mg",
            f"the weighed masses {_in_words(masses)} give Na/P = {made.na_per_p:.2f}, 3 is meant; "
            + _slip(masses, asked if written is None else written, assays),
        )
    elif written is not None and abs(written - made.x) > X_MISMATCH:
        values.refuse(
            "x",
            f"the weighed masses {_in_words(masses)} give x = {made.x:.3f}, the column says "
            f"{written:g}; {_slip(masses, written, assays)}, or clear x if you meant to make "
            "something else",
        )
    elif asked is not None and abs(asked - made.x) > X_MISMATCH:
        values.warn("x", f"x = {asked:g} was asked for, the weighed masses give {made.x:.3f}")
    return made.x


def _in_words(masses: Masses) -> str:
    return f"{masses.na2s_mg:g} / {masses.p2s5_mg:g} / {masses.p2o5_mg:g} mg"


def _slip(masses: Masses, x: float | None, assays: Assays) -> str:
    """What was probably mistyped, given the x that was meant."""
    if x is None or not 0 <= x <= ROUTE_LIMIT_X or not 0.1 <= masses.total_mg / 1000 <= 50:
        return "correct the masses"
    meant = masses_for(x, masses.total_mg / 1000, assays)
    target = {"na2s": meant.na2s_mg, "p2s5": meant.p2s5_mg, "p2o5": meant.p2o5_mg}
    weighed = {"na2s": masses.na2s_mg, "p2s5": masses.p2s5_mg, "p2o5": masses.p2o5_mg}
    said = [verdict.message for verdict in check_masses(weighed, target).values()]
    questions = [message.partition("; ")[2] for message in said if "did you swap" in message]
    hint = f"{questions[0]} " if questions else "correct the masses: "
    return f"{hint}x = {x:g} needs about " + " / ".join(f"{mg:.1f}" for mg in target.values())


def _batch_g(values: RowValues, bench: Bench, masses: Masses | None) -> float:
    if masses is None:
        return float(values.held.get("batch_mass_g", bench.config.glasses.batch_mass_g))
    batch_g = masses.total_mg / 1000
    verdict = check_field("batch_mass_g", batch_g)
    if verdict.level == "reject":
        values.refuse(
            "na2s_mg",
            f"the weighed masses {_in_words(masses)} add up to {batch_g:g} g; write milligrams",
        )
    elif verdict.level == "warn":
        values.warn("na2s_mg", verdict.message)
    return batch_g


def _recovered(values: RowValues, batch_g: float | None) -> float | None:
    """Powder taken out of the jar, compared with what went in where that is not in doubt."""
    recovered = values.optional("recovered_mass_mg")
    if recovered is None or batch_g is None:
        return recovered
    put_in = 1000 * batch_g
    if recovered > put_in * (1 + ROUNDING):
        values.refuse(
            "recovered_mass_mg",
            f"{recovered:g} mg recovered from {put_in:.0f} mg; give mg of powder taken out of "
            "the jar, tare off",
        )
    elif recovered < LEAST_RECOVERY * put_in and values.row["recovered_mass_mg"]:
        values.warn(
            "recovered_mass_mg",
            f"{recovered:g} mg are less than {LEAST_RECOVERY:.0%} of {put_in:.0f} mg; the caked "
            "rest may have another composition",
        )
    return recovered


def _pressure(values: RowValues, column: str, bench: Bench) -> float:
    pressure = values.number(column)
    rating = bench.config.equipment.die_rating_mpa
    if pressure > rating:
        values.refuse(
            column,
            f"{pressure:g} MPa is above the die's rating of {rating:g} MPa; check the number, or "
            "the rating in campaign.yaml",
        )
    return pressure


def _jar(values: RowValues, column: str, sources: Sources) -> str:
    """The jar a column names; it must have been made, here."""
    jar = values.text(column)
    if not jar or jar in sources.refused:  # its own row says what is wrong
        return jar
    state = sources.state(jar)
    if state["kind"] is None:
        values.refuse(column, f"there is no jar {jar!r}{sources.bench.meant(jar)}")
    elif state["kind"] != "jar":
        values.refuse(column, f"needs a jar, but {jar} is a {state['kind']}; name the jar")
    elif state["origin"] == "paper":
        values.refuse(column, f"{jar} is the paper's, there is no powder of it; name your own jar")
    elif values.row["status"].lower() in {"made", "failed"} and state["status"] in {
        "planned",
        "not_made",
    }:
        values.refuse(
            column,
            f"nothing says that jar {jar} was made (it is {state['status']}); fill in its status",
        )
    return jar
