"""What was made and what is planned, as pairs of objectives with what is known of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.config import CampaignConfig
from experiments.contenders import contenders
from experiments.knowledge import GLASS_COLUMNS, Knowledge
from experiments.progress import HYPERVOLUME_SEED, objectives_of
from experiments.report_recipes import cell_text, glass_text
from experiments.report_slices import NOT_MADE_HERE
from models.layers import CELL_COLUMNS
from optimizer.cells import unbeaten_by_few
from optimizer.objectives import Objective, reference_utilities, utilities

Array = NDArray[np.float64]

N_DRAWS: Final = 256
N_GRID: Final = 120
_ENDS: Final = (0.05, 0.5, 0.95)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A specimen and what is known of it now.

    Attributes:
        specimen: Its id.
        recipe: In a few words.
        is_own: Whether this campaign made it.
        values: By objective: mean, lower, upper (90 % of the true value), physical, and ``read``,
            how many readings of it are in the fit.
        on_front: Probability that no other specimen made beats it in everything; 0 to 1.
        is_planned: Whether it is still to be made.
        medium: Milling medium of a glass; empty for a cell.
    """

    specimen: str
    recipe: str
    is_own: bool
    values: Mapping[str, Mapping[str, float]]
    on_front: float
    is_planned: bool = False
    medium: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Front:
    """Two objectives against each other.

    Attributes:
        across: Objective on the abscissa, catalogue id.
        up: Objective on the ordinate.
        directions: Of both.
        made: Glasses made, with all they are known by.
        planned: Glasses of open rounds.
        grid: Shape (n,), values of ``across``, physical.
        attained: Shape (3, n), best of ``up`` that a glass made reaches at this much of
            ``across`` or better: 5 %, median and 95 % over joint draws; NaN where none does.
    """

    across: str
    up: str
    directions: tuple[str, str]
    made: tuple[Standing, ...]
    planned: tuple[Standing, ...]
    grid: Array
    attained: Array


def standing_glasses(knowledge: Knowledge, config: CampaignConfig) -> tuple[Standing, ...]:
    """Glasses with a reading of any objective, most likely on the front first.

    Args:
        knowledge: Specimens and fitted surrogates.
        config: Objectives.

    Returns:
        One a pellet.
    """
    names = tuple(config.glasses.objectives)
    made = _sound(knowledge.measured(knowledge.pellets, names), "jar_status")
    made = made.dropna(subset=list(GLASS_COLUMNS))
    if made.empty:
        return ()
    draws = knowledge.draw_pellets(made, names, N_DRAWS, np.random.default_rng(HYPERVOLUME_SEED))
    tables = {name: knowledge.layers[name].predict(made) for name in names}
    return _standings(
        knowledge, made, tables, front_shares(objectives_of(config.glasses.objectives), draws),
        [glass_text(row) for row in made.to_dict("records")],
        (~made["origin"].isin(NOT_MADE_HERE)).tolist(),
    )  # fmt: skip


def standing_cells(knowledge: Knowledge, config: CampaignConfig) -> tuple[Standing, ...]:
    """Cells with a reading of any objective, most likely on the front first.

    Args:
        knowledge: Specimens and fitted surrogates.
        config: Objectives.

    Returns:
        One a cell.
    """
    names = tuple(config.cells.objectives)
    made = _sound(knowledge.measured(knowledge.cells, names), "core_status", "skin_status")
    made = made.dropna(subset=list(CELL_COLUMNS))
    if made.empty:
        return ()
    objectives = objectives_of(config.cells.objectives)
    few, reference = made, reference_utilities(objectives)
    if knowledge.is_crowded and reference is not None:  # the others are hardly ever on the front
        few = contenders(made, knowledge.draw_cells, objectives, reference)
    draws = knowledge.draw_cells(few, names, N_DRAWS, np.random.default_rng(HYPERVOLUME_SEED))
    shares = pd.Series(front_shares(objectives, draws), index=few.index)
    return _standings(
        knowledge, made, knowledge.predict_cells(made),
        np.asarray(shares.reindex(made.index).fillna(0.0), dtype=np.float64),
        [cell_text(row) for row in made.to_dict("records")],
        (~made["core_origin"].isin(NOT_MADE_HERE)).tolist(),
    )  # fmt: skip


def fronts(
    knowledge: Knowledge,
    config: CampaignConfig,
    made: Sequence[Standing],
) -> tuple[Front, ...]:
    """The first objective of the glasses against each other one.

    Args:
        knowledge: Specimens and fitted surrogates.
        config: Objectives.
        made: What ``standing_glasses`` gave.

    Returns:
        One a pair; empty with a single objective.
    """
    wanted = config.glasses.objectives
    first, *others = wanted
    planned = _planned_glasses(knowledge, tuple(wanted))
    specimens = [part.specimen for part in made]
    rows = knowledge.pellets.loc[specimens]
    found = []
    for other in others:
        names = (first, other)
        grid = _grid(objectives_of({first: wanted[first]})[0], [*made, *planned])
        attained = np.full((len(_ENDS), len(grid)), np.nan)
        if len(rows):
            rng = np.random.default_rng(HYPERVOLUME_SEED)
            draws = knowledge.draw_pellets(rows, names, N_DRAWS, rng)
            pair = objectives_of({name: wanted[name] for name in names})
            attained = attained_surface(pair, draws, grid)
        found.append(
            Front(
                across=first,
                up=other,
                directions=(wanted[first].direction, wanted[other].direction),
                made=tuple(made),
                planned=planned,
                grid=grid,
                attained=attained,
            )
        )
    return tuple(found)


def front_shares(objectives: Sequence[Objective], draws: Array) -> Array:
    """Share of draws in which no other specimen is at least as good in everything.

    Args:
        objectives: m of them.
        draws: Shape (n, N, m), physical.

    Returns:
        Shape (N,), 0 to 1.

    Examples:
        >>> from optimizer.objectives import Objective
        >>> more = [Objective("a", "maximize"), Objective("b", "maximize")]
        >>> front_shares(more, np.array([[[1.0, 2.0], [2.0, 1.0], [0.5, 0.5]]])).tolist()
        [1.0, 1.0, 0.0]
    """
    best = utilities(objectives, draws)
    free = unbeaten_by_few(best)
    places = np.flatnonzero(free.any(axis=0))
    rivals = best[:, places]  # whoever beats somebody is beaten by one of these, or is one
    for place in places:  # one specimen a time: n x N x N x m would be large
        here = best[:, place : place + 1]
        beaten = np.all(rivals >= here, axis=-1) & np.any(rivals > here, axis=-1)
        free[:, place] &= ~np.any(beaten, axis=1)
    return np.asarray(free.mean(axis=0), dtype=float)


def attained_surface(objectives: Sequence[Objective], draws: Array, grid: Array) -> Array:
    """Best of the second objective that goes with so much of the first, over the draws.

    Args:
        objectives: Two.
        draws: Shape (n, N, 2), physical.
        grid: Shape (k,), values of the first, physical.

    Returns:
        Shape (3, k): worst 5 %, median and best 5 % of the second, physical; NaN where less than
        that share of the draws reaches it at all.

    References:
        Empirical attainment function: Grunert da Fonseca, Fonseca & Hall, EMO 2001,
        doi:10.1007/3-540-44719-9_15.
    """
    across, up = objectives
    have = across.sign * across.to_scale(draws[..., 0])
    best = up.sign * up.to_scale(draws[..., 1])
    asked = across.sign * across.to_scale(grid)
    reached = np.stack(
        [np.where(have >= value, best, -np.inf).max(axis=1) for value in asked], axis=1
    )
    ends = np.quantile(reached, _ENDS, axis=0, method="lower")
    return up.from_scale(up.sign * np.where(np.isfinite(ends), ends, np.nan))


def _standings(
    knowledge: Knowledge,
    made: pd.DataFrame,
    tables: Mapping[str, pd.DataFrame],
    shares: Array,
    recipes: Sequence[str],
    own: Sequence[bool],
) -> tuple[Standing, ...]:
    counts = knowledge.fitted.groupby(["specimen", "property"]).size().to_dict()
    media = made["milling_media"] if "milling_media" in made else pd.Series("", index=made.index)
    found = [
        Standing(
            specimen=str(name),
            recipe=recipes[place],
            is_own=bool(own[place]),
            values={
                key: {**_known(table, name), "read": float(counts.get((name, key), 0))}
                for key, table in tables.items()
            },
            on_front=float(shares[place]),
            medium=str(media.iloc[place]),
        )
        for place, name in enumerate(made.index)
    ]
    return tuple(sorted(found, key=lambda part: -part.on_front))


def _planned_glasses(knowledge: Knowledge, names: Sequence[str]) -> tuple[Standing, ...]:
    rows = knowledge.pellets.loc[knowledge.pellets["status"] == "planned"]
    rows = rows.dropna(subset=list(GLASS_COLUMNS))
    tables = {name: knowledge.layers[name].predict(rows) for name in names} if len(rows) else {}
    return tuple(
        Standing(
            specimen=str(name),
            recipe=glass_text(row.to_dict()),
            is_own=True,
            values={key: {**_known(table, name), "read": 0.0} for key, table in tables.items()},
            on_front=0.0,
            is_planned=True,
            medium=str(row["milling_media"]),
        )
        for name, row in rows.iterrows()
    )


def _known(table: pd.DataFrame, name: Any) -> dict[str, float]:
    return {key: float(table.loc[name, key]) for key in ("mean", "lower", "upper")}


def _sound(rows: pd.DataFrame, *jars: str) -> pd.DataFrame:
    kept = rows["status"] == "made"
    for column in jars:
        kept &= rows[column] != "failed"
    return rows.loc[kept]


def _grid(objective: Objective, shown: Sequence[Standing]) -> Array:
    """From the least to the most of the first objective that is drawn, on its scale."""
    if not shown:
        return np.zeros(0)
    ends = [part.values[objective.name][end] for part in shown for end in ("lower", "upper")]
    scaled = objective.to_scale(np.array(ends))
    return objective.from_scale(np.linspace(scaled.min(), scaled.max(), N_GRID))
