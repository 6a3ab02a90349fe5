"""A sampler of Optuna that proposes what this engine would make next."""

from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import Any, Final, final

import numpy as np
import pandas as pd
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.samplers._base import _process_constraints_after_trial  # noqa: PLC2701 stores them
from optuna.search_space import intersection_search_space
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from optimizer.ask_tell import Optimizer
from optimizer.initial import too_little
from optimizer.optuna_space import TrialSpace
from optimizer.optuna_trials import Lesson, TrialsSoFar, attributes_of_proposal
from optimizer.rows import Key, is_among, row_keys
from optimizer.space import SearchSpace

N_STARTUP: Final = 10

Constraints = Callable[[FrozenTrial], Sequence[float]]


@final
class GlassSampler(BaseSampler):
    """Bayesian optimisation of an Optuna study: expected (hyper)volume improvement on joint draws.

    The first trial is drawn by ``independent_sampler``, for no parameter is known before it; the
    next ones, until ``n_startup_trials`` are complete, follow a scrambled Sobol sequence. From
    then on each trial is the one that promises most, given all completed ones and those still
    running. Parameters that not every trial has are drawn by ``independent_sampler``.

    A trial that failed is learned from as a failure, a pruned one as no better than the median.
    Of more than 200 completed trials the best hundred and the latest hundred are learned from.

    Args:
        n_startup_trials: Completed trials before the model leads; never fewer than parameters, or
            than three.
        reference_point: With several objectives, the worst value of each that still counts; when
            left out, the worst of any trial so far, moved out by a tenth of the range.
        constraints_func: A trial to numbers, each at most 0 where a constraint is kept. Those set
            with ``trial.set_constraint`` count as well.
        independent_sampler: Uniform when left out.
        seed: The same seed and trials give the same proposal; drawn when left out.

    Examples:
        >>> import optuna
        >>> optuna.logging.set_verbosity(optuna.logging.WARNING)
        >>> study = optuna.create_study(sampler=GlassSampler(n_startup_trials=4, seed=0))
        >>> study.optimize(lambda trial: (trial.suggest_float("x", -1, 1) - 0.3) ** 2, n_trials=8)
        >>> study.best_value < 0.01
        True
    """

    def __init__(
        self,
        *,
        n_startup_trials: int = N_STARTUP,
        reference_point: Sequence[float] | None = None,
        constraints_func: Constraints | None = None,
        independent_sampler: BaseSampler | None = None,
        seed: int | None = None,
    ) -> None:
        self._n_startup_trials = n_startup_trials
        self._reference_point = reference_point
        self._constraints_func = constraints_func
        self._independent_sampler = independent_sampler or RandomSampler(seed=seed)
        self._seed = _entropy() if seed is None else seed
        self._start_seed = self._seed
        # one proposal at a time: the next one then sees the last as running
        self._lock = Lock()

    def __getstate__(self) -> dict[str, Any]:
        """Everything but the lock, which cannot be pickled."""
        return {name: part for name, part in self.__dict__.items() if name != "_lock"}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        """With a lock of its own."""
        self.__dict__.update(state, _lock=Lock())

    def reseed_rng(self) -> None:
        """Draw another seed; all workers keep the same start."""
        self._seed = _entropy()
        self._independent_sampler.reseed_rng()

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Parameters that all completed trials have in common, with more than one value."""
        shared = intersection_search_space(study.get_trials(deepcopy=False))
        return {name: kind for name, kind in shared.items() if not kind.single()}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Values of the shared parameters; none where all combinations have been tried."""
        if not search_space:
            return {}
        space = TrialSpace(search_space)
        with self._lock:
            others = [
                other for other in study.get_trials(deepcopy=False) if other.number != trial.number
            ]
            so_far = TrialsSoFar.of(space, study.directions, others)
            values = self._proposal(so_far, trial.number)
            if values:
                _announce(study, trial, space, values)
        return values

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """A value of a parameter that not every trial has."""
        return self._independent_sampler.sample_independent(
            study, trial, param_name, param_distribution
        )

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Let the independent sampler prepare."""
        self._independent_sampler.before_trial(study, trial)

    def after_trial(
        self,
        study: Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        """Store the constraints of a trial that has ended."""
        if self._constraints_func is not None:
            _process_constraints_after_trial(self._constraints_func, study, trial, state)
        self._independent_sampler.after_trial(study, trial, state, values)

    def _proposal(self, so_far: TrialsSoFar, number: int) -> dict[str, Any]:
        space, tried = so_far.space.engine(), so_far.tried
        keys = row_keys(tried, space.columns)
        lesson = so_far.lesson(self._reference_point) if so_far.complete else None
        if _is_exhausted(space, tried):
            return so_far.space.values(_again(lesson, keys, space, number))
        if (
            lesson is None
            or len(so_far.complete) < self._n_startup_trials
            or too_little(lesson.table, lesson.objectives, space)
        ):
            rows = space.spread(len(set(keys)) + 1, np.random.default_rng(self._start_seed))
            fresh = rows[~is_among(rows, space.columns, set(keys))]
            return so_far.space.values(fresh.iloc[0])
        seed = int(np.random.SeedSequence([self._seed, number]).generate_state(1)[0])
        engine = Optimizer(space, lesson.objectives, seed=seed, limits=lesson.limits)
        engine.tell(lesson.table)
        engine.pending = so_far.pending
        return so_far.space.values(engine.ask(1).iloc[0])


def _is_exhausted(space: SearchSpace, tried: pd.DataFrame) -> bool:
    """Whether every combination of a finite space has been tried."""
    if space.size is None or len(tried) < space.size:
        return False
    return len(set(row_keys(tried[space.allows(tried)], space.columns))) >= space.size


def _again(lesson: Lesson | None, keys: Sequence[Key], space: SearchSpace, seed: int) -> pd.Series:
    """The combination of the front tried least often; any, before one is complete."""
    front = lesson.front[space.allows(lesson.front)] if lesson else pd.DataFrame()
    if front.empty:
        return space.spread(1, np.random.default_rng(seed)).iloc[0]
    counts = [keys.count(key) for key in row_keys(front, space.columns)]
    return front.iloc[int(np.argmin(counts))]


def _entropy() -> int:
    return int(np.random.SeedSequence().generate_state(1)[0])


def _announce(
    study: Study, trial: FrozenTrial, space: TrialSpace, values: Mapping[str, Any]
) -> None:
    """Tell other workers what this trial is about, before it has asked for every parameter."""
    numbers = {
        name: kind.to_internal_repr(values[name]) for name, kind in space.distributions.items()
    }
    for name, text in attributes_of_proposal(numbers).items():
        # a study hands its trials to samplers frozen, and has no public way to write to one
        study._storage.set_trial_system_attr(trial._trial_id, name, text)  # noqa: SLF001
