"""Whether choosing a property's settings from its data pays on glasses that had no say in it."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from optuna.storages import BaseStorage

from features.errors import TableError
from features.properties import property_of
from models.comparison_problem import Problem, problem_of
from models.held_out import by_jar
from models.paired_differences import FEWEST_GLASSES, differences_of
from models.settings import GPSettings
from models.settings_search import (
    SettingsSearch,
    settings_in_words,
    settings_of,
    trials_table,
)

Progress = Callable[[], object]

_TUNED: Final = "tuned"
_DEFAULT: Final = "default"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tuning:
    """Settings chosen on all data, and what such a choice was worth on glasses left out.

    Attributes:
        property_id: Id in the catalogue.
        study: Name of the stored study.
        chosen: Best settings of the search.
        settings: What to use: ``chosen`` if choosing helped beyond doubt, else the default.
        in_sample: Mean log density of a jar given the others with ``chosen``: what the search
            made as large as it could, hence too good; all readings of a jar together.
        default_in_sample: The same with the default settings.
        nested_nlpd: Mean negative log density of readings of glasses that neither the choice nor
            the fit had seen; every jar counts once; lower is better.
        default_nested_nlpd: The same with the default settings.
        difference: ``nested_nlpd`` less ``default_nested_nlpd``; negative: choosing helped.
        difference_lower: Its 95 % interval, paired bootstrap over glasses.
        difference_upper: The other end.
        helped: Whether that interval lies below zero, with eight glasses or more.
        n_glasses: Glasses left out in turn.
        n_jars: Jars with readings that were scored.
        trials: Settings tried on all data with their ``log_density``.
        chosen_by_fold: Settings chosen without each glass; one row a glass.
        verdict: In plain words.
    """

    property_id: str
    study: str
    chosen: GPSettings
    settings: GPSettings
    in_sample: float
    default_in_sample: float
    nested_nlpd: float
    default_nested_nlpd: float
    difference: float
    difference_lower: float
    difference_upper: float
    helped: bool
    n_glasses: int
    n_jars: int
    trials: pd.DataFrame
    chosen_by_fold: pd.DataFrame
    verdict: str

    def in_words(self) -> str:
        """The verdict, and what to write into ``campaign.yaml`` where choosing helped.

        Returns:
            One or two lines.
        """
        line = f"Settings of {property_of(self.property_id).label}: {self.verdict}"
        if not self.helped:
            return line
        default = GPSettings().to_dict()
        changed = [
            f"{name}: {format(value, '.3g') if isinstance(value, float) else str(value).lower()}"
            for name, value in self.settings.to_dict().items()
            if value != default[name]
        ]
        entry = f"surrogates: {{{self.property_id}: {{{', '.join(changed)}}}}}"
        return f"{line}\n  in campaign.yaml:  {entry}"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; what is not known is null."""
        plain = {name: getattr(self, name) for name in self.__dataclass_fields__}
        for name in ("chosen", "settings"):
            plain[name] = asdict(plain[name])
        for name in ("trials", "chosen_by_fold"):
            table = plain[name].reset_index()
            plain[name] = table.astype(object).where(table.notna(), None).to_dict("records")
        return plain


def tune(
    search: SettingsSearch,
    recipes: pd.DataFrame,
    readings: pd.DataFrame,
    *,
    storage: BaseStorage | str | None = None,
    n_jobs: int | None = None,
    progress: Progress | None = None,
) -> Tuning:
    """Chooses settings, then asks by nested folds whether choosing helps.

    Each glass is left out in turn with all its jars. On the other glasses the whole search is run
    anew, and the settings it picks are fitted there and scored on the glass left out, beside the
    default settings. The score of the search itself would be too good: the best of many tries is
    partly luck.

    Args:
        search: Property, number of trials, seed.
        recipes: One row a pellet, as for ``compare``.
        readings: As for ``compare``.
        storage: Where Optuna keeps the search on all data; those of the folds are not kept.
        n_jobs: Processes; what ``joblib.parallel_config`` says when left out, else one. The
            result is the same for any number.
        progress: Called once after each fold, and once after the search on all data.

    Returns:
        The choice and its worth.

    Raises:
        ReadingError: If the catalogue lacks the property.
        TableError: If a table is malformed, or there are fewer than three glasses.

    References:
        Varma & Simon, BMC Bioinformatics 7 (2006) 91, doi:10.1186/1471-2105-7-91; Cawley &
        Talbot, J. Mach. Learn. Res. 11 (2010) 2079.
    """
    try:
        problem = problem_of(
            search.property_id,
            recipes,
            readings,
            seed=search.seed,
            temperature_c=search.temperature_c,
        )
    except TableError as error:
        raise TableError(f"choosing settings: {error}") from error
    folds = Parallel(n_jobs=n_jobs, return_as="generator")(
        delayed(_scored_fold)(search, problem, fold) for fold in problem.groups
    )
    tables, by_fold = [], []
    for table, settings in folds:
        tables.append(table)
        by_fold.append(settings)
        if progress is not None:
            progress()
    jars = by_jar(pd.concat(tables, ignore_index=True))
    study = search.study(problem.recipes, problem.readings, storage=storage)
    if progress is not None:
        progress()
    trials = trials_table(study)
    nlpd = jars.groupby("surrogate")["nlpd"].mean()
    difference, lower, upper = _difference(jars, search.seed)
    n_glasses, _ = problem.what_counts
    helped = bool(upper < 0 and n_glasses >= FEWEST_GLASSES)
    chosen = settings_of(study.best_params)
    tuning = Tuning(
        property_id=search.property_id,
        study=study.study_name,
        chosen=chosen,
        settings=chosen if helped else GPSettings(),
        in_sample=float(study.best_value),
        default_in_sample=float(trials["log_density"].iloc[0]),
        nested_nlpd=float(nlpd[_TUNED]),
        default_nested_nlpd=float(nlpd[_DEFAULT]),
        difference=difference,
        difference_lower=lower,
        difference_upper=upper,
        helped=helped,
        n_glasses=n_glasses,
        n_jars=int((jars["surrogate"] == _TUNED).sum()),
        trials=trials,
        chosen_by_fold=pd.DataFrame(
            [settings.to_dict() for settings in by_fold],
            index=pd.Index(problem.groups, name="left_out"),
        ).astype({"oxygen_scale": float}),
        verdict="",
    )
    return replace(tuning, verdict=_verdict(tuning))


def n_steps(search: SettingsSearch, recipes: pd.DataFrame, readings: pd.DataFrame) -> int:
    """How often ``tune`` will call ``progress``.

    Args:
        search: As for ``tune``.
        recipes: As for ``tune``.
        readings: As for ``tune``.

    Returns:
        One a glass and one more.

    Raises:
        TableError: As ``tune``.
    """
    return len(problem_of(search.property_id, recipes, readings, seed=search.seed).groups) + 1


def _scored_fold(
    search: SettingsSearch, problem: Problem, fold: str
) -> tuple[pd.DataFrame, GPSettings]:
    """Scores on the glass left out, with settings chosen without it and with the default ones."""
    left_out = problem.left_out_with.index[problem.left_out_with == fold]
    others = problem.recipes.loc[~problem.recipes.index.isin(left_out)]
    known = problem.readings.loc[~problem.readings["specimen"].map(str).isin(left_out).to_numpy()]
    chosen = search.chosen(others, known)
    default = problem.result(_DEFAULT, search.surrogate(GPSettings()), fold)
    tuned = problem.result(_TUNED, search.surrogate(chosen), fold)
    return pd.concat([tuned, default], ignore_index=True), chosen


def _difference(jars: pd.DataFrame, seed: int) -> tuple[float, float, float]:
    table = differences_of(jars, (_TUNED, _DEFAULT), seed)
    row = table.loc[(table["surrogate"] == _TUNED) & (table["score"] == "nlpd")].iloc[0]
    return float(row["difference"]), float(row["lower"]), float(row["upper"])


def _verdict(tuning: Tuning) -> str:
    promised = tuning.in_sample - tuning.default_in_sample
    numbers = (
        f"NLPD {tuning.difference:+.2f} against the default settings on glasses left out of the "
        f"choice (95 % {tuning.difference_lower:+.2f} to {tuning.difference_upper:+.2f}; lower is "
        f"better), where the search itself promised {-promised:+.2f} a jar"
    )
    if tuning.helped:
        return f"choosing helped: {numbers}; use {settings_in_words(tuning.chosen)}"
    kept = "the default settings are kept"
    if tuning.n_glasses < FEWEST_GLASSES:
        return (
            f"{tuning.n_glasses} glasses: too few to tell whether choosing helps "
            f"({FEWEST_GLASSES} needed); {kept}; {numbers}"
        )
    if not np.isfinite(tuning.difference):
        return f"choosing could not be scored; {kept}"
    if tuning.difference_lower > 0:
        return f"choosing made it worse: {numbers}; {kept}"
    return f"choosing did not help: {numbers}; {kept}"
