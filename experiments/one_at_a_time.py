"""The way of many laboratories: vary one thing at a time, keep the best, go on with the next."""

from typing import Any, Final

import numpy as np
import pandas as pd

from experiments.cell_batch import CellBatch, CellProblem
from experiments.cell_stock import CONTEXT, Powder
from experiments.config import CampaignConfig, extremes
from experiments.first_round import owned_media
from experiments.glass_batch import GlassBatch, GlassProblem
from experiments.knowledge import GLASS_COLUMNS, Knowledge
from experiments.ledger import Ledger
from experiments.proposed import Proposed
from experiments.round_plan import Choice, choice_of
from features.cell_limits import Limits
from features.errors import SpaceError
from features.properties import property_of

STEPS: Final[tuple[tuple[str, tuple[float, ...]], ...]] = (
    ("x", (0.0, 0.15, 0.30, 0.60, 0.08, 0.22, 0.45, 0.52)),
    ("milling_media", ()),
    ("milling_time_h", (6.0, 10.0, 15.0, 20.0)),
    ("pressing_pressure_mpa", (300.0, 375.0, 500.0, 200.0)),
    ("x", (0.12, 0.18, 0.25, 0.35, 0.40, 0.48, 0.56, 0.04)),
)
"""Order in which things are varied, and the values tried, as domain notes 7.1 begin: oxygen first
by the paper's recipe, then medium, time and pressure at the best oxygen, then oxygen finely."""

SKIN_MASSES_MG: Final = (25.0, 15.0, 35.0, 20.0, 30.0, 40.0)
CELL_PRESSURES_MPA: Final = (450.0, 300.0, 500.0, 375.0)

Row = dict[str, Any]


class OneAtATime:
    """One variable at a time from the paper's recipe, by the best readings and no model.

    The best core is the glass of the highest ionic conductivity read, the best skin that of the
    lowest electronic conductivity read among those that may touch sodium. Cells are built of the
    two: first the skin's mass is varied, then the pressure, from the best cell so far.

    Args:
        seed: Unused: there is nothing to draw.
    """

    def __init__(self, seed: int) -> None:
        del seed

    def __call__(
        self,
        ledger: Ledger,
        config: CampaignConfig,
        knowledge: Knowledge,
        *,
        glasses: int,
        trilayers: int,
        budget_h: float | None = None,
    ) -> Choice:
        """As ``choose_round``."""
        core, skin = _best_layers(ledger, config)
        rows = _next_glasses(ledger, config, core, skin, glasses)
        batch = GlassBatch(
            glasses=tuple(
                Proposed(recipe=row, role="explore", why="one variable at a time") for row in rows
            ),
            run_why="one variable at a time",
        )
        return choice_of(
            ledger, config, batch, lambda powder: _cells(ledger, config, powder, trilayers)
        )


def _best_layers(ledger: Ledger, config: CampaignConfig) -> tuple[Row, Row]:
    """Recipes of the best core and the best skin by their readings; the paper's before any."""
    control = GlassProblem.of(config).control()
    pellets, readings = ledger.pellets(), ledger.readings()
    own = pellets.loc[pellets["round_id"].notna() & (pellets["status"] == "made")]
    value = {
        name: _values(readings, name).reindex(own.index).dropna()
        for name in ("ionic_conductivity", "electronic_conductivity")
    }
    sodium = own["x"] >= Limits().min_skin_x_against_sodium
    tight = value["electronic_conductivity"]
    tight = tight[sodium.reindex(tight.index)]
    core = control if value["ionic_conductivity"].empty else _recipe(
        own.loc[[value["ionic_conductivity"].idxmax()]]
    )  # fmt: skip
    skin = {**control, "x": config.control.skin_x} if tight.empty else _recipe(
        own.loc[[tight.idxmin()]]
    )  # fmt: skip
    return core, skin


def _next_glasses(
    ledger: Ledger, config: CampaignConfig, core: Row, skin: Row, q: int
) -> list[Row]:
    """The next recipes of the order that were not made yet; one milling time a run."""
    pellets = ledger.pellets()
    own = pellets.loc[pellets["round_id"].notna(), list(GLASS_COLUMNS)]
    done = {_key(row) for row in own.to_dict("records")}
    rows: list[Row] = []
    for row in _order(config, core, skin):
        near_done = _key(row) in done or _key(row) in {_key(other) for other in rows}
        if near_done or (rows and row["milling_time_h"] != rows[0]["milling_time_h"]):
            continue
        rows.append(row)
        if len(rows) == q:
            return rows
    if not rows:
        raise SpaceError("one at a time: every value of its order was made; nothing is left")
    return rows


def _order(config: CampaignConfig, core: Row, skin: Row) -> list[Row]:
    found: list[Row] = []
    for name, values in STEPS:
        setting: Any = getattr(config.glasses, name, None)
        tried: tuple[Any, ...] = values or tuple(owned_media(config))
        if values:
            low, high = extremes(setting)
            high = min(high, config.equipment.die_rating_mpa) if "pressure" in name else high
            tried = tuple(v for v in values if low <= v <= high)
        control = GlassProblem.of(config).control()
        bases: tuple[Row, ...] = (core, skin) if found else (control,)
        if name == "x":
            bases = bases[:1]
        elif name == "milling_time_h":  # the run's other jars: the same glasses, another medium
            bases = tuple(
                {**base, "milling_media": media} for media in owned_media(config)[:2]
                for base in bases
            )  # fmt: skip
        found += [{**base, name: value} for value in tried for base in bases]
    return found


def _cells(ledger: Ledger, config: CampaignConfig, powder: Powder, k: int) -> CellBatch:
    """Cells of the best core and skin there is powder of, one thing varied at a time."""
    made = ledger.cells()
    own = made.loc[made["round_id"].notna() & (made["status"] != "not_made")]
    tried = {(row["skin_mass_mg"], row["pressing_pressure_mpa"]) for row in own.to_dict("records")}
    mass_mg, pressure_mpa = _best_cell(ledger, own)
    order = [(m, pressure_mpa) for m in SKIN_MASSES_MG] + [(mass_mg, p) for p in CELL_PRESSURES_MPA]
    order = [pair for pair in order if pair not in tried] or [(mass_mg, pressure_mpa)]
    rows: list[Proposed] = []
    for mass, pressure in [*order, *order * k]:
        row = _cell(ledger, config, powder, mass, pressure)
        if row is not None:
            rows.append(Proposed(recipe=row, role="explore", why="one variable at a time"))
            powder = powder.after(row)
        if len(rows) == k:
            break
    return CellBatch(cells=tuple(rows))


def _best_cell(ledger: Ledger, own: pd.DataFrame) -> tuple[float, float]:
    """Skin mass (mg) and pressure (MPa) of the cell of the highest critical current read."""
    read = _values(ledger.readings(), "critical_current_density").reindex(own.index).dropna()
    if read.empty:
        return SKIN_MASSES_MG[0], CELL_PRESSURES_MPA[0]
    best = own.loc[[read.idxmax()]]
    return float(best["skin_mass_mg"].iloc[0]), float(best["pressing_pressure_mpa"].iloc[0])


def _cell(
    ledger: Ledger, config: CampaignConfig, powder: Powder, mass_mg: float, pressure_mpa: float
) -> Row | None:
    """A cell of the best core and skin in stock; ``None`` where rules or powder allow none."""
    try:
        problem = CellProblem(config, powder)
    except SpaceError:
        return None
    low, high = extremes(config.cells.skin_mass_mg)
    held = {name: float(getattr(config.cells, name)) for name in CONTEXT}
    core_mg = extremes(config.cells.core_mass_mg)[0]
    mass, most = min(max(mass_mg, low), high), config.equipment.die_rating_mpa
    control = config.control
    cores = _ranked(ledger, powder, "ionic_conductivity", near_x=control.x)
    skins = _ranked(ledger, powder, "electronic_conductivity", near_x=control.skin_x)
    for core in cores:
        for skin in skins:
            row: Row = {
                "core": core, "skin": skin, "core_mass_mg": core_mg, "skin_mass_mg": mass,
                "pressing_pressure_mpa": min(pressure_mpa, most), **held,
            }  # fmt: skip
            if problem.possible(pd.DataFrame([row]))[0]:
                return row
    return None


def _ranked(ledger: Ledger, powder: Powder, name: str, *, near_x: float) -> list[str]:
    """Jars with powder, best reading first; those not read yet last, nearest to an x first."""
    jars = [jar for jar, left in powder.left_mg.items() if left > 0]
    pellets, read = ledger.pellets(), _values(ledger.readings(), name)
    by_jar = read.groupby(pellets["jar"].reindex(read.index)).mean()
    sign = 1.0 if property_of(name).direction == "minimize" else -1.0
    gap = (powder.jars["x"].reindex(jars).astype(float) - near_x).abs()
    order = pd.DataFrame({"worth": sign * by_jar.reindex(jars), "gap": gap})
    return [str(jar) for jar in order.sort_values(["worth", "gap"], na_position="last").index]


def _values(readings: pd.DataFrame, name: str) -> "pd.Series[float]":
    """What was read of a property by specimen; a bound counts as its end, as in a notebook."""
    rows = readings.loc[readings["property"] == name]
    log = property_of(name).scale == "log10"
    low, high = (rows[end].fillna(rows[other]).astype(float) for end, other in
                 (("lower", "upper"), ("upper", "lower")))  # fmt: skip
    middle = pd.Series(np.sqrt(low * high) if log else 0.5 * (low + high), index=rows.index)
    return middle.groupby(rows["specimen"]).mean()


def _recipe(one: pd.DataFrame) -> Row:
    found: Row = {name: one[name].iloc[0] for name in GLASS_COLUMNS}
    return found | {"x": round(float(found["x"]), 2)}


def _key(row: Any) -> tuple[Any, ...]:
    """What tells two recipes apart on a sheet; oxygen to a hundredth, since it is weighed."""
    return (round(float(row["x"]), 2), *(row[name] for name in GLASS_COLUMNS[1:]))
