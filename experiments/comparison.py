"""Which surrogate to believe: all of them on what a campaign measured, property by property."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isnan
from typing import Any

import pandas as pd
from joblib import Parallel, delayed

from experiments.assumptions import assumption_sentences
from experiments.comparison_task import LEARNED_AS_SLOPE, NO_SURROGATE, Task, task_of
from experiments.config import CampaignConfig
from experiments.knowledge import CELL_PROPERTIES, PELLET_PROPERTIES, Knowledge
from experiments.ledger import Ledger
from experiments.workers import default_jobs as default_jobs
from experiments.workers import workers
from features.errors import CampaignError, TableError
from features.properties import CATALOGUE, property_of
from features.reading import scale_error
from models.compare import Comparison, compare, n_fits
from models.folds import Folds
from models.paired_differences import BASELINE
from models.property_gp import ENERGY
from models.registry import SURROGATES
from models.surrogate import Surrogate

Progress = Callable[[int, int], None]
"""Told after each fit: how many are done, of how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignComparison:
    """Surrogates compared on the readings of one campaign.

    Attributes:
        campaign: Its name.
        simulated: Whether the readings come from the virtual laboratory.
        created: When, ISO 8601 in UTC.
        folds: What was left out together, ``glass`` or ``source``.
        seed: Of bootstrap and randomised transforms.
        temperature_c: Temperature of the campaign, °C.
        comparisons: By property.
        not_compared: Why not, in words, by property that has readings.
        fitted: Surrogates fitted to all readings, by property and name.
        errors: Standard error of a specimen's readings on the property's scale, the largest one
            stated or the usual one; by property and specimen.
        unused: Readings that no surrogate was given, in words.
        assumptions: What the readings rest on, in words.
    """

    campaign: str
    simulated: bool
    created: str
    folds: Folds
    seed: int
    temperature_c: float
    comparisons: Mapping[str, Comparison]
    not_compared: Mapping[str, str]
    fitted: Mapping[str, Mapping[str, Surrogate]]
    errors: Mapping[str, Mapping[str, float]]
    unused: tuple[str, ...]
    assumptions: tuple[str, ...]


def compare_campaign(
    ledger: Ledger,
    config: CampaignConfig,
    knowledge: Knowledge,
    *,
    properties: Sequence[str] = (),
    surrogates: Sequence[str] = (),
    folds: Folds = "glass",
    n_jobs: int | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> CampaignComparison:
    """Every surrogate scored on readings it has not seen, for each property of a campaign.

    Args:
        ledger: The campaign's ledger.
        config: Search ranges the surrogates scale by.
        knowledge: Its specimens and readings.
        properties: Catalogue ids; those with readings when empty.
        surrogates: Names of the registry; all when empty. The mean always takes part.
        folds: What is left out together: all jars of a ``glass``, or all of a ``source``.
        n_jobs: Processes, as for ``workers``; inside one of a cluster, the cluster.
        seed: Of bootstrap and randomised transforms.
        progress: Called once a finished fit.

    Returns:
        Comparisons, and the reasons where there is none.

    Raises:
        CampaignError: If nothing can be compared; says why.
        ReadingError: If a property is unknown.
        SpaceError: If a surrogate is unknown.
    """
    names = _names(surrogates)
    tasks: dict[str, Task] = {}
    reasons: dict[str, str] = {}
    total = 0
    for property_id in _wanted(properties, knowledge):
        if property_id not in (*PELLET_PROPERTIES, *CELL_PROPERTIES):
            why = LEARNED_AS_SLOPE if property_id == ENERGY else NO_SURROGATE
            reasons[property_id] = f"{property_of(property_id).label}: {why}"
            continue
        task = task_of(property_id, names, config, knowledge)
        try:
            total += n_fits(
                property_id, task.recipes, task.readings, task.unfitted,
                folds=folds, temperature_c=config.temperature_c,
            )  # fmt: skip
        except TableError as error:
            reasons[property_id] = str(error)
        else:
            tasks[property_id] = task
    if not tasks:
        raise CampaignError(_nothing(reasons))
    count = _Count(total, progress)
    compared: dict[str, Comparison] = {}
    fitted: dict[str, Mapping[str, Surrogate]] = {}
    with workers(n_jobs):
        for property_id, task in tasks.items():
            compared[property_id] = compare(
                property_id, task.recipes, task.readings, task.unfitted,
                folds=folds, variables=task.variables, seed=seed,
                temperature_c=config.temperature_c, progress=count.one_more,
            )  # fmt: skip
            fits = Parallel()(
                delayed(surrogate.fit)(task.recipes, task.readings)
                for surrogate in task.unfitted.values()
            )
            fitted[property_id] = dict(zip(task.unfitted, fits, strict=True))
    readings = knowledge.fitted
    return CampaignComparison(
        campaign=ledger.campaign,
        simulated=ledger.kind == "simulated",
        created=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        folds=folds,
        seed=seed,
        temperature_c=config.temperature_c,
        comparisons=compared,
        not_compared=reasons,
        fitted=fitted,
        errors={name: _errors(_of(readings, name), name) for name in compared},
        unused=unused_in_words(knowledge, tuple(compared)),
        assumptions=tuple(assumption_sentences(ledger, config)),
    )


def unused_in_words(knowledge: Knowledge, properties: Sequence[str]) -> tuple[str, ...]:
    """Readings of these properties that are kept and shown but given to no surrogate.

    Args:
        knowledge: Readings of the campaign.
        properties: Catalogue ids.

    Returns:
        One clause a property and reason.
    """
    held: dict[tuple[str, str], list[str]] = {}
    for row in knowledge.waiting.to_dict("records"):
        if row["property"] in properties:
            held.setdefault((row["property"], row["why_not"]), []).append(str(row["specimen"]))
    return tuple(
        f"{property_of(name).label}, {len(specimens)} "
        f"reading{'' if len(specimens) == 1 else 's'} "
        f"({', '.join(dict.fromkeys(specimens))}): {why}"
        for (name, why), specimens in held.items()
    )


class _Count:
    """Fits done, told to whoever wants to know."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self._done, self._total, self._progress = 0, total, progress

    def one_more(self) -> None:
        """One fit is finished."""
        self._done += 1
        if self._progress is not None:
            self._progress(self._done, self._total)


def _of(readings: pd.DataFrame, property_id: str) -> pd.DataFrame:
    return readings.loc[readings["property"] == property_id]


def _errors(readings: pd.DataFrame, property_id: str) -> dict[str, float]:
    """Standard error by specimen, on the scale: as stated with a value, else the usual one."""
    found: dict[str, float] = {}
    for row in readings.to_dict("records"):
        name = str(row["specimen"])
        found[name] = max(found.get(name, 0.0), _error(row, property_id))
    return found


def _error(row: Mapping[Any, Any], property_id: str) -> float:
    value, se = float(row["upper"]), float(row["se"])
    if isnan(value) or isnan(se):
        return property_of(property_id).default_se
    return scale_error(value, se, property_id)


def _names(surrogates: Sequence[str]) -> tuple[str, ...]:
    """Names of the registry, the baseline among them, each once."""
    asked = tuple(dict.fromkeys(surrogates)) or tuple(SURROGATES)
    return asked if BASELINE in asked else (BASELINE, *asked)


def _wanted(properties: Sequence[str], knowledge: Knowledge) -> list[str]:
    """Properties asked for, or those with readings, in catalogue order."""
    if properties:
        return [property_of(name).id for name in dict.fromkeys(properties)]
    read = {*knowledge.fitted["property"], *knowledge.waiting["property"]}
    return [name for name in CATALOGUE if name in read]


def _nothing(reasons: Mapping[str, str]) -> str:
    if not reasons:
        return "compare: needs readings of 3 glasses or more, got no readings; record results first"
    return "compare: no property can be compared. " + " ".join(f"{r}." for r in reasons.values())
