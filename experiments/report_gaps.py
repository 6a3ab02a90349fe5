"""What the data cannot tell: effects that hang together, regions without data, few readings."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, Final

import pandas as pd
from scipy.stats import spearmanr

from experiments.config import CampaignConfig, extremes
from experiments.display import FEW_READINGS, counted
from experiments.knowledge import (
    CELL_PROPERTIES,
    GLASS_COLUMNS,
    PELLET_PROPERTIES,
    Knowledge,
    sound_cells,
    sound_pellets,
)
from experiments.report_gap import Gap, capital, holes, level_text, listed, medium_label
from experiments.report_gaps_cells import cell_gaps
from experiments.report_recipes import VARIABLES, glass_text, usual_recipe
from experiments.report_slices import NOT_MADE_HERE
from features.properties import property_of
from optimizer.confounds import Confound, confound_breakers, confounds

TOGETHER: Final = 0.8
"""Rank correlation from which two variables are said to move together."""

FEWEST_RECIPES: Final = 6
"""With fewer recipes a rank correlation is luck."""


SUM_OF_LAYERS: Final = "area_specific_resistance"

_NUMBERS: Final = ("x", "milling_time_h", "milling_speed_rpm", "pressing_pressure_mpa")


def gaps(
    knowledge: Knowledge, config: CampaignConfig, scatter: Mapping[str, Mapping[str, Any]]
) -> tuple[Gap, ...]:
    """What the specimens made so far leave open, and the experiment that would close it.

    Args:
        knowledge: What was made, what is planned, what was read.
        config: What is searched, and the control.
        scatter: By property and level, as ``status`` has it.

    Returns:
        Confounds first, then few readings, variables never varied, regions, scatter.
    """
    told = _rounded(sound_pellets(knowledge.pellets))
    planned = _rounded(knowledge.pellets.loc[knowledge.pellets["status"] == "planned"])
    if told.empty:
        return ()
    constant = [name for name in GLASS_COLUMNS if told[name].nunique() == 1]
    varied = [name for name in GLASS_COLUMNS if name not in constant]
    return (
        *_confounds(told, planned, varied, config),
        *_together(told, planned, varied),
        *_few(knowledge),
        *_constant(told, planned, constant, config),
        *_media(told, planned, config),
        *_regions(told, planned, config),
        *cell_gaps(knowledge, config),
        *_scatter(scatter),
    )


def _confounds(
    told: pd.DataFrame, planned: pd.DataFrame, varied: Sequence[str], config: CampaignConfig
) -> Iterator[Gap]:
    """Levels that occur only together, such as agate with x = 0 in the paper."""
    if not varied:
        return
    anchor = pd.Series(usual_recipe(config))[list(varied)]
    later = {_key(found) for found in confounds(pd.concat([told, planned]), varied)}
    for found in confounds(told, varied):
        rows = confound_breakers(told[list(varied)], anchor, [found])
        would = " or ".join(
            f"make {glass_text({**usual_recipe(config), **row})}" for row in rows.to_dict("records")
        )
        a, b = level_text(found.a, found.level_a), level_text(found.b, found.level_b)
        yield Gap(
            kind="confound",
            unknown=f"The effect of {a}, apart from that of {b}",
            because=f"{capital(a)} was used only with {b}, and {b} only with {a}",
            experiment=capital(would) or "make the one without the other",
            planned=_key(found) not in later,
        )


def _together(told: pd.DataFrame, planned: pd.DataFrame, varied: Sequence[str]) -> Iterator[Gap]:
    """Numbers that rose and fell together."""
    recipes = told.drop_duplicates(list(GLASS_COLUMNS))
    if len(recipes) < FEWEST_RECIPES:
        return
    both = pd.concat([told, planned]).drop_duplicates(list(GLASS_COLUMNS))
    for a, b in combinations([name for name in _NUMBERS if name in varied], 2):
        now, later = _rank_correlation(recipes, a, b), _rank_correlation(both, a, b)
        if abs(now) < TOGETHER:
            continue
        corner = "high" if now < 0 else "low"
        yield Gap(
            kind="together",
            unknown=f"The effect of {VARIABLES[a]}, apart from that of {VARIABLES[b]}",
            because=f"The two moved together over {len(recipes)} recipes "
            f"(rank correlation {now:+.2f})",
            experiment=f"Make one glass with high {VARIABLES[a]} and {corner} {VARIABLES[b]}, and "
            "one the other way round",
            planned=abs(later) < TOGETHER,
        )


def _few(knowledge: Knowledge) -> Iterator[Gap]:
    """Properties whose ranges are mostly the prior."""
    counts = knowledge.fitted["property"].value_counts()
    own = sound_pellets(knowledge.pellets)
    cells = sound_cells(knowledge.cells)
    here = {
        "pellet": own.index[~own["origin"].isin(NOT_MADE_HERE)],
        "cell": cells.index[~cells["core_origin"].isin(NOT_MADE_HERE)],
    }
    groups: dict[tuple[str, int, bool], list[str]] = {}
    for name in (*PELLET_PROPERTIES, *CELL_PROPERTIES):
        n = int(counts.get(name, 0))
        if n < FEW_READINGS:
            key = (property_of(name).carrier, n, name == SUM_OF_LAYERS)
            groups.setdefault(key, []).append(name)
    for (carrier, n, _), names in sorted(groups.items()):
        read = set(knowledge.fitted.loc[knowledge.fitted["property"].isin(names), "specimen"])
        unread = [str(specimen) for specimen in here[carrier] if specimen not in read]
        where = f"on {listed(unread)}" if unread else f"on the next {carrier}s"
        labels = [property_of(name).label for name in names]
        yield Gap(
            kind="few",
            unknown=f"How {listed(labels)} depend{'s' if len(names) == 1 else ''} on the recipe",
            because=f"{n} reading{'' if n == 1 else 's'} {'each ' if len(names) > 1 else ''}in the "
            f"fit: what is drawn is {_drawn_from(names, n)}",
            experiment=f"Read {'it' if len(names) == 1 else 'them'} {where}",
        )


def _drawn_from(names: Sequence[str], n: int) -> str:
    if n == 0 and names == [SUM_OF_LAYERS]:
        return "summed up from what is thought of the layers"
    return "the prior alone" if n == 0 else "the prior for the most part"


def _constant(
    told: pd.DataFrame, planned: pd.DataFrame, constant: Sequence[str], config: CampaignConfig
) -> Iterator[Gap]:
    for name in constant:
        level = told[name].iloc[0]
        if name == "milling_media":
            others = [m for m, count in config.glasses.jars_owned.items() if count and m != level]
            would = f"Make the control in {medium_label(others[0])}" if others else _free(name)
        else:
            low, high = extremes(getattr(config.glasses, name))
            other = high if abs(high - level) > abs(low - level) else low
            would = f"Make the control at {level_text(name, other)}" if low < high else _free(name)
        yield Gap(
            kind="constant",
            unknown=f"Whether {VARIABLES[name]} matters",
            because=f"{counted(len(told), 'sound pellet')}, all: {level_text(name, level)}",
            experiment=would,
            planned=bool((planned[name] != level).any()),
        )


def _media(told: pd.DataFrame, planned: pd.DataFrame, config: CampaignConfig) -> Iterator[Gap]:
    """Media that wait in the cupboard."""
    if told["milling_media"].nunique() == 1:
        return  # said above
    for medium, count in config.glasses.jars_owned.items():
        if count and medium not in set(told["milling_media"]):
            yield Gap(
                kind="region",
                unknown=f"What {medium_label(medium)} does",
                because=f"No sound glass was milled in {medium_label(medium)}",
                experiment=f"Make the control in {medium_label(medium)}",
                planned=bool((planned["milling_media"] == medium).any()),
            )


def _regions(told: pd.DataFrame, planned: pd.DataFrame, config: CampaignConfig) -> Iterator[Gap]:
    """Wide holes in what is searched, one variable at a time."""
    for name in _NUMBERS:
        low, high = extremes(getattr(config.glasses, name))
        if told[name].nunique() > 1:
            yield from holes(
                told[name], planned[name], (low, high), name, VARIABLES[name], "sound pellet"
            )


def _scatter(scatter: Mapping[str, Mapping[str, Any]]) -> Iterator[Gap]:
    """Levels of scatter that no repeat tells apart, all in one line."""
    lacking: dict[str, list[str]] = {}
    asked: dict[str, int] = {}
    for name, levels in scatter.items():
        for level, part in levels.items():
            asked[level] = asked.get(level, 0) + 1
            if not part["determined"]:
                lacking.setdefault(level, []).append(property_of(name).label)
    would = {
        "jar": "mill one recipe in two jars of one round",
        "pellet": "press two pellets from one jar",
        "reading": "read one pellet twice",
        "cell": "build one cell twice",
    }
    named = [level for level in would if level in lacking]
    if named:
        yield Gap(
            kind="scatter",
            unknown="How much " + listed([f"{level}s" for level in named])
            + " of one recipe differ",
            because="Not determined: " + "; ".join(
                f"{level}s for "
                + ("any property" if len(lacking[level]) == asked[level]
                   else listed(lacking[level]))
                for level in named
            ),
            experiment=capital("; ".join(would[level] for level in named)),
        )  # fmt: skip


def _rounded(pellets: pd.DataFrame) -> pd.DataFrame:
    """Recipes as they were meant: x to the two digits a balance allows, whole rows only."""
    rows = pellets[list(GLASS_COLUMNS)].dropna()
    return rows.assign(x=rows["x"].astype(float).round(2))


def _rank_correlation(rows: pd.DataFrame, a: str, b: str) -> float:
    if min(rows[a].nunique(), rows[b].nunique()) < 2:
        return 0.0
    return float(spearmanr(rows[a], rows[b]).statistic)


def _key(found: Confound) -> tuple[str, str, str, str]:
    return found.a, found.b, str(found.level_a), str(found.level_b)


def _free(name: str) -> str:
    return f"Free {name} in campaign.yaml: it is held, so no round will vary it"
