"""The sampler in Optuna: the cases Optuna ships for any sampler, and what this one promises."""

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler
from optuna.study import Study
from optuna.testing.pytest_samplers import (
    BasicSamplerTestCase,
    MultiObjectiveSamplerTestCase,
    RelativeSamplerTestCase,
)
from optuna.trial import Trial, TrialState

from features.errors import SpaceError
from optimizer.optuna_sampler import GlassSampler
from optimizer.optuna_space import LogInteger, TrialSpace
from optimizer.optuna_trials import TrialsSoFar
from optimizer.optuna_values import Standard, informative

SPACE = {"x": FloatDistribution(0.0, 1.0), "y": FloatDistribution(0.0, 1.0)}


class TestShippedCases(
    BasicSamplerTestCase, RelativeSamplerTestCase, MultiObjectiveSamplerTestCase
):
    """Optuna's own; the model leads as soon as it can."""

    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        return lambda: GlassSampler(n_startup_trials=0, seed=0)


class TestShippedCasesWithinTheUsualStart(BasicSamplerTestCase, RelativeSamplerTestCase):
    """Optuna's own, while the Sobol sequence leads."""

    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        return lambda: GlassSampler(seed=0)


@pytest.fixture(autouse=True)
def _quiet() -> Any:
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    yield
    optuna.logging.set_verbosity(before)


def bowl(trial: Trial) -> float:
    x, y = (trial.suggest_float(name, 0, 1) for name in ("x", "y"))
    return (x - 0.3) ** 2 + (y - 0.7) ** 2


def two_bowls(trial: Trial) -> tuple[float, float]:
    x, y = (trial.suggest_float(name, 0, 1) for name in ("x", "y"))
    return (x - 0.2) ** 2 + (y - 0.5) ** 2, (x - 0.8) ** 2 + (y - 0.5) ** 2


def told(sampler: GlassSampler, objective: Any = bowl, n: int = 6, **given: Any) -> Study:
    study = optuna.create_study(sampler=sampler, **given)
    study.optimize(objective, n_trials=n)
    return study


def lesson_of(study: Study, **given: Any) -> Any:
    space = TrialSpace(SPACE)
    return TrialsSoFar.of(space, study.directions, study.get_trials()).lesson(**given)


def test_it_comes_closer_to_the_optimum_than_chance() -> None:
    found = told(GlassSampler(n_startup_trials=5, seed=0), n=14).best_value
    by_chance = told(optuna.samplers.RandomSampler(seed=0), n=14).best_value
    assert found < 1e-3 < by_chance


def test_the_same_seed_gives_the_same_trials() -> None:
    first, again, other = (
        [t.params for t in told(GlassSampler(n_startup_trials=4, seed=seed), n=7).trials]
        for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


def test_a_study_taken_up_by_a_new_sampler_goes_on_as_if_it_had_not_been_left() -> None:
    whole = told(GlassSampler(n_startup_trials=4, seed=0), n=8)
    left = told(GlassSampler(n_startup_trials=4, seed=0), n=6)
    left.sampler = GlassSampler(n_startup_trials=4, seed=0)
    left.optimize(bowl, n_trials=2)
    assert [t.params for t in left.trials] == [t.params for t in whole.trials]


def test_another_seed_is_drawn_on_request_and_the_start_stays() -> None:
    sampler = GlassSampler(n_startup_trials=4, seed=0)
    study = told(sampler, n=2)
    sampler.reseed_rng()
    study.optimize(bowl, n_trials=2)
    usual = told(GlassSampler(n_startup_trials=4, seed=0), n=6)
    assert [t.params for t in study.trials] == [t.params for t in usual.trials[:4]]
    study.optimize(bowl, n_trials=2)
    assert study.trials[5].params != usual.trials[5].params


def test_it_can_be_pickled() -> None:
    sampler = pickle.loads(pickle.dumps(GlassSampler(n_startup_trials=3, seed=0)))
    assert len(told(sampler, n=4).trials) == 4


def test_trials_asked_together_differ() -> None:
    study = told(GlassSampler(n_startup_trials=5, seed=0), n=6)
    asked = [study.ask(SPACE).params for _ in range(4)]
    points = np.array([[values["x"], values["y"]] for values in asked])
    distance = np.linalg.norm(points[:, None] - points[None], axis=-1)
    assert distance[np.triu_indices(4, 1)].min() > 1e-3


def test_a_running_trial_is_seen_whole_before_it_asked_for_all_parameters() -> None:
    study = told(GlassSampler(n_startup_trials=5, seed=0), n=6)
    silent = study.ask()
    silent.suggest_float("x", 0, 1)
    assert set(silent.params) == {"x"}
    so_far = TrialsSoFar.of(TrialSpace(SPACE), study.directions, study.get_trials())
    assert len(so_far.pending) == 1
    assert so_far.running[0] == {name: silent.suggest_float(name, 0, 1) for name in "xy"}


def test_long_proposals_are_shared_in_parts() -> None:
    names = [f"a parameter with a long name, number {i}" for i in range(120)]
    space = {name: FloatDistribution(0.0, 1.0) for name in names}
    study = optuna.create_study(sampler=GlassSampler(seed=0))
    study.tell(study.ask(space), 1.0)
    silent = study.ask()
    silent.suggest_float(names[0], 0, 1)
    so_far = TrialsSoFar.of(TrialSpace(space), study.directions, study.get_trials())
    assert so_far.running[0] == {name: silent.suggest_float(name, 0, 1) for name in names}


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_no_point_is_tried_twice(n_jobs: int) -> None:
    study = optuna.create_study(sampler=GlassSampler(n_startup_trials=4, seed=0))
    study.optimize(bowl, n_trials=9, n_jobs=n_jobs)
    assert len({tuple(t.params.values()) for t in study.trials}) == 9


def test_a_small_space_is_tried_in_full_before_anything_is_repeated() -> None:
    study = optuna.create_study(sampler=GlassSampler(n_startup_trials=3, seed=0))

    def objective(trial: Trial) -> float:
        a = trial.suggest_categorical("a", [None, True, "x", 2.5])
        return {None: 3.0, True: 2.0, "x": 1.0, 2.5: 4.0}[a] + trial.suggest_int("b", 0, 1)

    study.optimize(objective, n_trials=11)
    tried = [tuple(t.params.values()) for t in study.trials]
    assert len(set(tried[:8])) == 8
    assert set(tried[8:]) == {("x", 0)}


def test_choices_of_any_type_come_back_as_they_were_given() -> None:
    choices = [None, True, 1.5, "1.5", 7]
    space = TrialSpace({"a": CategoricalDistribution(choices)})
    rows = space.rows([{"a": choice} for choice in choices])
    back = [space.values(row)["a"] for _, row in rows.iterrows()]
    assert [(type(a), a) for a in back] == [(type(a), a) for a in choices]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (FloatDistribution(-3, 7), 1.25),
        (FloatDistribution(1e-200, 1e200, log=True), 1e-7),
        (FloatDistribution(-10.2, 10.2, step=0.1), 0.3),
        (FloatDistribution(1.0, 1.0 + 1e-13), 1.0 + 5e-14),
        (IntDistribution(-3, 9, step=4), 5),
        (IntDistribution(1, 10**9, log=True), 123_456_789),
        (FloatDistribution(2.0, 2.0), 2.0),
    ],
    ids=["float", "log", "step", "narrow", "int step", "int log", "held"],
)
def test_values_survive_the_way_to_the_engine_and_back(kind: Any, value: float) -> None:
    space = TrialSpace({"a": kind})
    back = space.values(space.rows([{"a": value}]).iloc[0])["a"]
    assert type(back) is type(value)
    assert back == pytest.approx(value, rel=1e-12)


def test_a_log_integer_moves_at_least_one_step_and_stays_inside() -> None:
    parameter = LogInteger("n", 1, 1000)
    reach, rng = np.array([-0.001, 0.001, -3.0, 3.0]), np.random.default_rng(0)
    moved = parameter.at(parameter.moved(parameter.place_of(10), reach, rng))
    assert moved.tolist() == [9, 11, 1, 1000]


def test_a_log_integer_must_have_a_logarithm() -> None:
    with pytest.raises(SpaceError, match="low must be at least 1 on a log scale, got 0"):
        LogInteger("n", 0, 9)


def test_conditional_parameters_are_drawn_by_the_independent_sampler() -> None:
    class Fixed(optuna.samplers.RandomSampler):
        def sample_independent(self, study: Any, trial: Any, name: str, kind: Any) -> Any:
            return 0.125 if name == "only b" else super().sample_independent(
                study, trial, name, kind
            )  # fmt: skip

    def objective(trial: Trial) -> float:
        x = trial.suggest_float("x", 0, 1)
        if trial.suggest_categorical("kind", "ab") == "b":
            return x + trial.suggest_float("only b", 0, 1)
        return x + 0.5

    sampler = GlassSampler(n_startup_trials=4, independent_sampler=Fixed(seed=0), seed=0)
    study = told(sampler, objective, n=9)
    drawn = {t.params["only b"] for t in study.trials if "only b" in t.params}
    assert drawn == {0.125}
    assert list(sampler.infer_relative_search_space(study, study.trials[-1])) == ["kind", "x"]


def test_constraints_are_kept_once_they_are_known() -> None:
    def objective(trial: Trial) -> float:
        x, y = (trial.suggest_float(name, 0, 1) for name in ("x", "y"))
        return x + y

    sampler = GlassSampler(
        n_startup_trials=6, constraints_func=lambda t: [1.0 - sum(t.params.values())], seed=0
    )
    study = told(sampler, objective, n=16)
    late = [sum(t.params.values()) for t in study.trials[-4:]]
    assert min(late) > 0.95
    assert min(s for t in study.trials if (s := sum(t.params.values())) >= 1.0) < 1.05


def test_constraints_set_by_the_trial_count_as_well() -> None:
    def objective(trial: Trial) -> float:
        value = bowl(trial)
        trial.set_constraint("late", 0.5 - trial.params["x"])
        return value

    lesson = lesson_of(told(GlassSampler(seed=0), objective, n=6))
    assert [limit.at_most for limit in lesson.limits] == [0.0]
    x = lesson.table["p0"].to_numpy()
    assert ((lesson.table["constraint_0"] <= 0) == (x >= 0.5)).all()


def test_a_failed_trial_is_told_as_a_failure_and_not_repeated() -> None:
    def objective(trial: Trial) -> float:
        value = bowl(trial)
        return float("nan") if trial.params["x"] < 0.5 else value

    study = told(GlassSampler(n_startup_trials=5, seed=0), objective, n=14)
    lesson = lesson_of(study)
    n_failed = sum(t.state is TrialState.FAIL for t in study.trials)
    assert n_failed > 0
    assert lesson.table["failed"].sum() == n_failed
    assert lesson.table.loc[lesson.table["failed"], "value_0"].isna().all()


def test_a_pruned_trial_is_told_as_no_better_than_the_median() -> None:
    def objective(trial: Trial) -> float:
        value = bowl(trial)
        trial.report(value, step=0)
        if trial.number % 3 == 2:
            raise optuna.TrialPruned
        return value

    lesson = lesson_of(told(GlassSampler(n_startup_trials=4, seed=0), objective, n=9))
    bounds = [v for v in lesson.table["value_0"] if isinstance(v, str)]
    values = [v for v in lesson.table["value_0"] if not isinstance(v, str)]
    assert bounds == [f">{np.median(values):.17g}"] * 3


def test_infinite_values_count_as_the_worst_and_best_finite_ones() -> None:
    standard = Standard.of(np.array([[1.0], [3.0], [np.inf], [-np.inf]])).standard.ravel()
    assert standard[2] == standard[1] > standard[0] == standard[3]


@pytest.mark.parametrize(
    "values",
    [[1e308, -1e308, 0.0], [np.inf, np.inf, -np.inf], [0.1, 0.1, 0.1], [5e-324, 0.0, 0.0]],
    ids=["huge", "infinite", "constant", "tiny"],
)
def test_values_of_any_size_become_finite_ones(values: list[float]) -> None:
    assert np.isfinite(Standard.of(np.array(values)[:, None]).standard).all()


def test_a_study_with_infinite_values_goes_on() -> None:
    def objective(trial: Trial) -> float:
        value = bowl(trial)
        return float("inf") if trial.params["x"] > 0.8 else value

    study = told(GlassSampler(n_startup_trials=4, seed=0), objective, n=9)
    assert all(t.state is TrialState.COMPLETE for t in study.trials)


def test_the_front_is_approached_from_both_ends() -> None:
    sampler = GlassSampler(n_startup_trials=6, seed=0)
    study = told(sampler, two_bowls, n=16, directions=["minimize", "minimize"])
    best = np.array([t.values for t in study.best_trials])
    assert (best.min(axis=0) < 0.02).all()


def test_the_reference_point_lies_beyond_every_trial_unless_it_is_given() -> None:
    study = told(GlassSampler(seed=0), two_bowls, n=6, directions=["minimize", "minimize"])
    values = np.array([t.values for t in study.trials])
    usual, given = lesson_of(study), lesson_of(study, reference_point=values.mean(axis=0))
    worst = values.max(axis=0) + 0.1 * np.ptp(values, axis=0)
    expected = Standard.of(values).at(worst)
    assert [o.reference for o in usual.objectives] == pytest.approx(expected.tolist())
    assert [o.reference for o in given.objectives] == pytest.approx([0.0, 0.0])


def test_a_reference_point_needs_a_value_for_each_objective() -> None:
    study = told(GlassSampler(seed=0), two_bowls, n=2, directions=["minimize", "minimize"])
    with pytest.raises(SpaceError, match="one finite number for each of 2 objectives, got"):
        lesson_of(study, reference_point=[1.0])


def test_of_many_trials_the_best_and_the_latest_are_kept() -> None:
    utility = np.random.default_rng(0).normal(size=(500, 2))
    broken = np.zeros(500)
    utility[3], utility[4], broken[4] = [9.0, 9.0], [10.0, 10.0], 1.0
    kept = informative(utility, broken, 100)
    assert len(set(kept.tolist())) == 100
    assert 3 in kept
    assert 4 not in kept
    assert set(range(460, 500)) <= set(kept.tolist())


def test_where_all_break_a_constraint_those_that_nearly_keep_it_stay() -> None:
    kept = informative(np.zeros((6, 1)), np.array([1.0, 5.0, 5.0, 5.0, 5.0, 5.0]), 2)
    assert kept.tolist() == [0, 5]
