"""Which surrogate to believe: each predicts glasses it has not seen, and is scored by readings."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from joblib import Parallel, delayed

from models.baselines import MeanSurrogate
from models.comparison_problem import problem_of
from models.curves import curve_data
from models.folds import Folds
from models.held_out import by_jar, score_table
from models.paired_differences import BASELINE, differences_of, verdict_of, winner_of
from models.reference_temperature import REFERENCE_TEMPERATURE_C
from models.surrogate import Surrogate

Progress = Callable[[], object]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Comparison:
    """Surrogates compared on the readings of one property.

    Attributes:
        property_id: Id in the catalogue.
        surrogates: Names in the order given; ``mean`` is always among them.
        folds: What was left out together, ``glass`` or ``source``.
        n_folds: Groups left out in turn.
        n_readings: Readings scored: those at the reference temperature.
        n_censored: Of these, bounds and wide intervals.
        predictions: One row a surrogate and held-out reading; columns surrogate, fold, jar,
            specimen, measured_lower, measured_upper, centre, reading_sd, error (NaN when
            censored), log_score, crps (NaN when censored), pit, inside_50, inside_90, censored;
            on the property's scale.
        scores: Index surrogate; n, rmse, mae, nlpd, crps, coverage_50, coverage_90, sharpness
            (mean width of the 90 % interval of a reading). Each jar counts once.
        differences: surrogate, against, score, difference (negative: better), lower, upper
            (95 %, paired bootstrap over folds).
        curves: surrogate, variable, value, mean, lower, upper, reading_lower, reading_upper of
            the fit to all readings, physical.
        data: Readings to draw beside the curves: specimen, variable, value, lower, upper,
            censored; physical.
        winner: Better in log score than every other with 95 %; ``None`` when there is none, or
            below eight glasses.
        verdict: The same in plain words.
    """

    property_id: str
    surrogates: tuple[str, ...]
    folds: Folds
    n_folds: int
    n_readings: int
    n_censored: int
    predictions: pd.DataFrame
    scores: pd.DataFrame
    differences: pd.DataFrame
    curves: pd.DataFrame
    data: pd.DataFrame
    winner: str | None
    verdict: str


def compare(
    property_id: str,
    recipes: pd.DataFrame,
    readings: pd.DataFrame,
    surrogates: Mapping[str, Surrogate],
    *,
    folds: Folds = "glass",
    variables: Sequence[str] = ("x",),
    n_jobs: int | None = None,
    seed: int = 0,
    temperature_c: float = REFERENCE_TEMPERATURE_C,
    progress: Progress | None = None,
) -> Comparison:
    """Leaves every group out in turn, fits each surrogate to the rest, scores it on the group.

    All readings of a group are left out, of other properties too, and all pellets of its jars.
    Readings at other temperatures may be learned from, and are not scored.

    Args:
        property_id: Id in the catalogue.
        recipes: One row a pellet, index = specimen id; recipe columns, and ``jar`` and
            ``source`` where known.
        readings: Columns specimen, property, lower, upper, se, physical; ``temperature_c``
            where known.
        surrogates: Unfitted surrogates of that property by name; ``mean`` is added first where
            it is lacking.
        folds: Leave out all jars of a ``glass`` recipe, or all that one ``source`` made.
        variables: Columns along which the fit to all readings is drawn.
        n_jobs: Processes; what ``joblib.parallel_config`` says when left out, else one. The
            result is the same for any number.
        seed: Of randomised transforms and of the bootstrap.
        temperature_c: Reference temperature of the surrogates, °C.
        progress: Called once after each fit; there are ``n_fits`` of them.

    Returns:
        Predictions, scores and what they say.

    Raises:
        ReadingError: If the catalogue lacks the property.
        TableError: If a column is missing or malformed, a reading is nonsense, its specimen is
            unknown, or there are fewer than three glasses or two sources.

    References:
        Gneiting & Raftery, J. Am. Stat. Assoc. 102 (2007) 359, doi:10.1198/016214506000001437.
    """
    problem = problem_of(
        property_id,
        recipes,
        readings,
        folds=folds,
        variables=variables,
        seed=seed,
        temperature_c=temperature_c,
    )
    asked = _with_baseline(property_id, surrogates, temperature_c)
    names = tuple(asked)
    tasks = [(name, fold) for name in names for fold in (*problem.groups, None)]
    results = Parallel(n_jobs=n_jobs, return_as="generator")(
        delayed(problem.result)(name, asked[name], fold) for name, fold in tasks
    )
    done = list(_counted(results, progress))
    of_folds = [table for table, (_, fold) in zip(done, tasks, strict=True) if fold is not None]
    of_all = [table for table, (_, fold) in zip(done, tasks, strict=True) if fold is None]
    predictions = pd.concat(of_folds, ignore_index=True)
    differences = differences_of(by_jar(predictions), names, seed)
    n_groups, of_what = problem.what_counts
    winner = winner_of(differences, names, n_groups)
    verdict = verdict_of(differences, names, winner=winner, n_groups=n_groups, of_what=of_what)
    n_censored = int(problem.held.censored.sum())
    return Comparison(
        property_id=property_id,
        surrogates=names,
        folds=folds,
        n_folds=len(problem.groups),
        n_readings=len(problem.held.specimen),
        n_censored=n_censored,
        predictions=predictions,
        scores=score_table(predictions, names),
        differences=differences,
        curves=pd.concat(of_all, ignore_index=True),
        data=curve_data(problem.held, problem.recipes, variables, problem.entry),
        winner=winner,
        verdict=verdict + _caution(n_censored, len(problem.held.specimen)),
    )


def n_fits(
    property_id: str,
    recipes: pd.DataFrame,
    readings: pd.DataFrame,
    surrogates: Mapping[str, Surrogate],
    *,
    folds: Folds = "glass",
    temperature_c: float = REFERENCE_TEMPERATURE_C,
) -> int:
    """How often ``compare`` will call ``progress``.

    Args:
        property_id: Id in the catalogue.
        recipes: As for ``compare``.
        readings: As for ``compare``.
        surrogates: As for ``compare``.
        folds: As for ``compare``.
        temperature_c: As for ``compare``.

    Returns:
        One fit a surrogate and group, and one a surrogate with all readings.

    Raises:
        ReadingError: As ``compare``.
        TableError: As ``compare``.
    """
    problem = problem_of(property_id, recipes, readings, folds=folds, temperature_c=temperature_c)
    return len(_with_baseline(property_id, surrogates, temperature_c)) * (len(problem.groups) + 1)


def _with_baseline(
    property_id: str, surrogates: Mapping[str, Surrogate], temperature_c: float
) -> dict[str, Surrogate]:
    if BASELINE in surrogates:
        return dict(surrogates)
    return {BASELINE: MeanSurrogate(property_id, temperature_c), **surrogates}


def _counted(results: Iterator[pd.DataFrame], progress: Progress | None) -> Iterator[pd.DataFrame]:
    for result in results:
        if progress is not None:
            progress()
        yield result


def _caution(n_censored: int, n_readings: int) -> str:
    """What bounds do to the scores, so that an empty RMSE is explained."""
    if not n_censored:
        return ""
    if n_censored == n_readings:
        return (
            "; all readings are bounds or wide intervals: there is no RMSE, MAE or CRPS, only "
            "the probability each surrogate gave them"
        )
    verb = "is a bound or wide interval" if n_censored == 1 else "are bounds or wide intervals"
    return (
        f"; {n_censored} of {n_readings} readings {verb} and "
        f"{'counts' if n_censored == 1 else 'count'} in NLPD and coverage, not in RMSE, MAE or CRPS"
    )
