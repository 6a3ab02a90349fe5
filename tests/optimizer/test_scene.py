"""Scenes: what stands, what may fail, what joins."""

import numpy as np
import pandas as pd
import pytest

from features.errors import TableError
from models.gp import GaussianProcess
from optimizer.ascent import ascended
from optimizer.hurdle import Hurdle
from optimizer.limits import Limit, utility_ranges
from optimizer.objectives import Objective
from optimizer.scene import Aim, GaussianScene, SampledScene, foreseen_by_draws
from optimizer.success import SuccessModel

OBJECTIVES = [Objective("a", "maximize", reference=-1.0), Objective("b", "minimize", reference=1.0)]
ROWS = pd.DataFrame({"x": [0.1, 0.5, 0.9]})
NONE = ROWS.head(0)
NEW = pd.DataFrame({"x": np.linspace(0, 1, 7)})


def processes():
    x = ROWS.to_numpy()
    return [
        GaussianProcess(0.0, 1.0, 0.1).fit(x, values, np.full(3, 0.05))
        for values in (np.array([0.0, 1.0, 0.2]), np.array([0.5, 0.1, -0.4]))
    ]


def scene(*, success=None, made=ROWS, pending=NONE, n=256, outcomes=OBJECTIVES, seed=0):
    reference = np.array([-1.0, -1.0])
    return GaussianScene.of(
        processes(),
        aim=Aim(outcomes=outcomes, reference=reference, success=success),
        ask=lambda rows: [rows.to_numpy(dtype=float)] * 2,
        made=made,
        pending=pending,
        rng=np.random.default_rng(seed),
        n=n,
    )


def by_draws(made, seed=0):
    pair = processes()

    def draw(rows, n, rng):
        return np.stack([p.sample(rows.to_numpy(dtype=float), n, rng) for p in pair], axis=-1)

    aim = Aim(outcomes=OBJECTIVES, reference=np.array([-1.0, -1.0]))
    rng = np.random.default_rng(seed)
    return SampledScene(aim, foreseen_by_draws(draw, OBJECTIVES), made, len(made), 4096, rng)


def test_closed_forms_and_plain_draws_agree():
    exact = np.exp(scene(n=1024).look(NEW).log_gain)
    drawn = np.exp(by_draws(ROWS).look(NEW).log_gain)
    assert drawn == pytest.approx(exact, abs=0.08 * exact.max())


def test_a_row_that_joins_takes_its_own_gain_away():
    before = scene()
    best = NEW.iloc[[int(np.argmax(before.look(NEW).log_gain))]]
    after = before.joined(best)
    assert np.exp(after.look(best).log_gain[0]) < 0.02 * np.exp(before.look(best).log_gain[0])
    assert (after.look(NEW).log_gain <= before.look(NEW).log_gain + 0.2).all()


def test_pending_rows_count_as_standing():
    waiting = pd.DataFrame({"x": [1.0]})
    assert np.exp(scene(pending=waiting).look(waiting).log_gain[0]) < 1e-3


def test_rows_that_may_fail_gain_less_and_block_less():
    def chance(rows):
        return np.full(len(rows), 0.25)

    sure, doubtful = scene().look(NEW).log_gain, scene(success=chance).look(NEW).log_gain
    assert doubtful == pytest.approx(sure + np.log(0.25))
    waiting = pd.DataFrame({"x": [1.0]})
    # a pending row that fails in three of four scenarios leaves most of its gain to others
    left = np.mean(
        [
            np.exp(scene(success=chance, pending=waiting, seed=seed).look(waiting).log_gain[0])
            for seed in range(8)
        ]
    )
    assert left / np.exp(doubtful[-1]) == pytest.approx(0.75, abs=0.1)


def test_a_row_beyond_its_limit_does_not_stand():
    limited = [OBJECTIVES[0], Objective("b", "minimize", reference=1.0, at_most=0.3)]
    free, tight = scene(), scene(outcomes=limited)
    x = free.context["x"].tolist()
    assert 0.5 in x
    assert np.isinf(tight.values[:, tight.context["x"].tolist().index(0.5)]).any() or (
        tight.values.shape[1] <= free.values.shape[1]
    )
    assert (tight.look(NEW).log_gain <= free.look(NEW).log_gain + 0.7).all()


def test_rows_never_on_the_front_are_dropped():
    poor = pd.DataFrame({"x": [0.1, 0.5, 0.9, 0.12]})
    standing = scene(made=poor)
    assert standing.values.shape[1] <= 4
    assert np.isfinite(standing.values).all()


def test_promise_orders_what_cannot_gain():
    far = [
        Objective("a", "maximize", reference=50.0),
        Objective("b", "minimize", reference=-50.0),
    ]
    hopeless = GaussianScene.of(
        processes(),
        aim=Aim(outcomes=far, reference=np.array([50.0, 50.0])),
        ask=lambda rows: [rows.to_numpy(dtype=float)] * 2,
        made=ROWS,
        pending=NONE,
        rng=np.random.default_rng(0),
    )
    look = hopeless.look(NEW)
    assert np.isneginf(look.log_gain).all()
    assert (look.promise < -4).all()
    assert len(set(look.promise.round(6))) == 7


def test_draws_that_are_not_finite_are_refused():
    aim = Aim(outcomes=OBJECTIVES, reference=np.array([-1.0, -1.0]))
    foresee = foreseen_by_draws(lambda rows, n, rng: np.full((n, len(rows), 2), np.nan), OBJECTIVES)
    sampled = SampledScene(aim, foresee, ROWS, 3, 8, np.random.default_rng(0))
    with pytest.raises(TableError, match=r"draws must be finite, got NaN"):
        sampled.look(NEW)


def test_a_climb_ends_uphill_and_keeps_what_is_held():
    def hill(x):
        return -((x - [0.2, 0.7]) ** 2).sum(axis=1), -2 * (x - [0.2, 0.7])

    end = ascended(hill, np.array([[0.9, 0.1], [0.0, 1.0]]), np.array([1]))
    assert end == pytest.approx(np.array([[0.9, 0.7], [0.0, 0.7]]), abs=1e-4)


def test_a_climb_that_falls_off_stays_where_it_was():
    def cliff(x):
        return np.where(x[:, 0] > 0.5, -np.inf, x[:, 0]), np.ones_like(x)

    end = ascended(cliff, np.array([[0.4]]), np.array([0]))
    assert 0.4 <= end[0, 0] <= 0.5


def test_success_is_learned_from_failures():
    x = np.linspace(0, 1, 12)[:, None]
    learned = SuccessModel.of(x, x[:, 0] < 0.6)
    low, high = learned.probability(np.array([[0.1], [0.95]]))
    assert low > 0.8
    assert high < 0.4


def test_a_row_that_fails_takes_its_neighbours_with_it():
    x = np.linspace(0, 1, 12)[:, None]
    model = SuccessModel.of(x, x[:, 0] < 0.6)
    hurdle, _ = Hurdle.of(
        model.process,
        lambda rows: rows.to_numpy(dtype=float),
        model.luck,
        NONE.astype(float),
        n=256,
        rng=np.random.default_rng(0),
    )
    row, twin = pd.DataFrame({"x": [0.60]}), pd.DataFrame({"x": [0.62]})
    joined, passes = hurdle.extended(row, np.random.default_rng(1))
    chance = joined.chance(twin)[:, 0]
    assert 0.2 < passes.mean() < 0.9
    assert chance[passes[:, 0]].mean() > chance[~passes[:, 0]].mean() + 0.1


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (Objective("y", "maximize", reference=0.0, at_least=1.0), (1.0, np.inf)),
        (Objective("y", "minimize", reference=9.0, at_least=1.0, at_most=4.0), (-4.0, -1.0)),
        (Limit("y", at_most=1e-8, scale="log10").outcome, (-np.inf, -8.0)),
    ],
    ids=["maximised", "minimised", "only limited"],
)
def test_limits_are_ranges_of_utility(outcome, expected):
    assert utility_ranges([outcome])[0] == pytest.approx(expected)
