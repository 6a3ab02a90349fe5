"""What a plain mean and a straight line expect of a round, frozen beside the surrogates' word."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd

from experiments.config import CampaignConfig
from experiments.knowledge import (
    CELL_PROPERTIES,
    GLASS_COLUMNS,
    PELLET_PROPERTIES,
    Knowledge,
    feature_ranges,
    sound_cells,
    sound_pellets,
)
from models.baseline_cells import CELL_LINES, linear_of_cells
from models.baseline_ridge import RidgeSurrogate
from models.baselines import MeanSurrogate

MEAN: Final = "mean"
LINEAR: Final = "linear"
AS_MEAN: Final = "as_mean"
"""Key that is true where too few readings show a trend and the line is the mean."""

_KEPT: Final = ("mean", "reading_sd", "reading_lower", "reading_upper")

Baselines = dict[str, dict[str, dict[str, Any]]]
"""By property, by baseline, the predicted numbers."""


def with_baselines(
    config: CampaignConfig, knowledge: Knowledge, round_: Mapping[str, Any]
) -> dict[str, Any]:
    """A planned round whose specimens also say what the baselines expect.

    Baselines learn from the same readings as the surrogates, at the campaign's temperature.

    Args:
        config: Ranges and temperature.
        knowledge: Specimens and readings.
        round_: The round as plain data.

    Returns:
        The round; each specimen has ``baselines``: by property, by ``mean`` and ``linear``, the
        ``mean``, ``reading_sd``, ``reading_lower`` and ``reading_upper``.
    """
    glasses = _of_glasses(config, knowledge, round_["glasses"])
    cells = _of_cells(config, knowledge, round_["trilayers"])
    return {
        **round_,
        "glasses": [
            {**item, "baselines": found}
            for item, found in zip(round_["glasses"], glasses, strict=True)
        ],
        "trilayers": [
            {**item, "baselines": found}
            for item, found in zip(round_["trilayers"], cells, strict=True)
        ],
    }


def _of_glasses(
    config: CampaignConfig, knowledge: Knowledge, items: Sequence[Mapping[str, Any]]
) -> list[Baselines]:
    if not items:
        return []
    asked = pd.DataFrame([item["recipe"] for item in items])[list(GLASS_COLUMNS)]
    made, read = knowledge.literature.beside(sound_pellets(knowledge.pellets), knowledge.fitted)
    ranges = feature_ranges(config)
    tables = {}
    for name in PELLET_PROPERTIES:
        line = RidgeSurrogate(name, ranges, config.temperature_c).fit(made, read)
        mean = line.mean or MeanSurrogate(name, config.temperature_c).fit(made, read)
        has_trend = line.learned is not None
        tables[name] = (mean.predict(asked), line.predict(asked) if has_trend else None)
    return _by_item(tables, len(items))


def _of_cells(
    config: CampaignConfig, knowledge: Knowledge, items: Sequence[Mapping[str, Any]]
) -> list[Baselines]:
    if not items:
        return []
    asked = pd.DataFrame([_plain_cell(item["recipe"]) for item in items])
    made = sound_cells(knowledge.cells)
    read = knowledge.fitted.loc[knowledge.fitted["specimen"].isin(made.index)]
    tables = {}
    for name in CELL_PROPERTIES:
        mean = MeanSurrogate(name, config.temperature_c).fit(made, read).predict(asked)
        line = linear_of_cells(
            name, cells=made, readings=read, asked=asked, temperature_c=config.temperature_c
        )
        tables[name] = (mean, line)
    return _by_item(tables, len(items))


def _plain_cell(recipe: Mapping[str, Any]) -> dict[str, float]:
    layers = {f"{layer}_x": recipe[f"{layer}_recipe"]["x"] for layer in ("core", "skin")}
    return {name: float({**recipe, **layers}[name]) for name in CELL_LINES}


def _by_item(
    tables: Mapping[str, tuple[pd.DataFrame, pd.DataFrame | None]], n: int
) -> list[Baselines]:
    return [
        {
            name: {
                MEAN: _row(mean, place),
                LINEAR: (
                    {**_row(mean, place), AS_MEAN: True} if line is None else _row(line, place)
                ),
            }
            for name, (mean, line) in tables.items()
        }
        for place in range(n)
    ]


def _row(table: pd.DataFrame, place: int) -> dict[str, Any]:
    return {key: float(table[key].iloc[place]) for key in _KEPT}
