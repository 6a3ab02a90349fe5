"""The gain foreseen of a round is the gain that comes true, on the average, with its doubt."""

import numpy as np
import pandas as pd
import pytest

from features.errors import SpaceError
from models.gp import GaussianProcess
from optimizer.hypervolume import hypervolume
from optimizer.objectives import Objective
from optimizer.scene import Aim, GaussianScene, SampledScene, foreseen_by_draws
from optimizer.stopping import WORTH, gain_in_short, next_round_gain

NOISE_SD = 0.05
REFERENCE = np.array([-2.0, -2.0])
OBJECTIVES = [
    Objective("a", "maximize", reference=-2.0),
    Objective("b", "minimize", reference=2.0),
]
NOTHING = pd.DataFrame({"x": []}, dtype=float)


def scene_of(processes, made, *, n=64, seed=0, success=None):
    return GaussianScene.of(
        processes,
        aim=Aim(outcomes=OBJECTIVES, reference=REFERENCE, success=success),
        ask=lambda rows: [rows[["x"]].to_numpy(dtype=float)] * 2,
        made=made,
        pending=NOTHING,
        rng=np.random.default_rng(seed),
        n=n,
    )


def fitted(x, values, rng):
    """Processes that were told noisy values, a prior that the truth was drawn from."""
    prior = GaussianProcess(0.0, 1.0, NOISE_SD)
    read = values + NOISE_SD * rng.standard_normal(values.shape)
    return [prior.fit(x[:, None], y, np.full(len(x), 1e-3)) for y in read.T]


def best_batch(scene, grid, q):
    chosen = []
    for _ in range(q):
        chosen.append(int(scene.look(grid).log_gain.argmax()))
        scene = scene.joined(grid.iloc[chosen[-1:]])
    return chosen


@pytest.fixture(scope="module")
def problems():
    """Gains foreseen and come true of 40 problems, chances of a gain and whether it came."""
    rng = np.random.default_rng(0)
    grid = np.linspace(0.0, 1.0, 41)
    rows = pd.DataFrame({"x": grid})
    nature = GaussianProcess(0.0, 1.0, NOISE_SD).fit(np.empty((0, 1)), [], [])
    found = []
    for number in range(40):
        truth = np.stack([nature.sample(grid[:, None], 1, rng)[0] for _ in range(2)], axis=-1)
        made = rng.choice(len(grid), size=4, replace=False)
        processes = fitted(grid[made], truth[made], rng)
        standing = rows.iloc[made].reset_index(drop=True)
        batch = best_batch(scene_of(processes, standing, seed=number), rows, 2)
        told = next_round_gain(
            scene_of(processes, standing, n=256, seed=1000 + number),
            rows.iloc[batch],
            reference=REFERENCE,
            more_than=0.5,
        )
        utility = truth * [1.0, -1.0]
        gain = hypervolume(utility[[*made, *batch]], REFERENCE)
        gain -= hypervolume(utility[made], REFERENCE)
        found.append((told.expected_gain, gain, told.probability, gain > 0.5))
    return np.array(found, dtype=float)


def test_the_mean_gain_foreseen_comes_true(problems):
    foreseen, came, _, _ = problems.T
    surprise = came - foreseen
    error = surprise.std(ddof=1) / np.sqrt(len(surprise))
    assert abs(surprise.mean()) < 2 * error
    assert error < 0.5 * foreseen.mean()  # else the test could not fail
    assert np.corrcoef(foreseen, came)[0, 1] > 0.2


def test_the_chance_of_a_gain_is_how_often_it_comes(problems):
    _, _, chance, came = problems.T
    error = np.sqrt((chance * (1 - chance)).sum()) / len(chance)
    assert abs(came.mean() - chance.mean()) < 2 * error + 0.01
    assert came[chance > np.median(chance)].mean() > came[chance <= np.median(chance)].mean()


@pytest.fixture
def two_made():
    rng = np.random.default_rng(1)
    x = np.array([0.2, 0.4])
    made = pd.DataFrame({"x": x})
    return fitted(x, np.array([[0.0, 0.5], [0.3, 0.6]]), rng), made


def test_rows_made_already_add_nothing(two_made):
    processes, made = two_made
    told = next_round_gain(scene_of(processes, made), made, reference=REFERENCE, more_than=0.01)
    assert told.expected_gain == pytest.approx(0.0, abs=1e-3)
    assert told.probability == 0.0
    assert told.probability_error > 0


def test_a_batch_that_cannot_be_made_gains_nothing(two_made):
    processes, made = two_made
    sure, never = (
        next_round_gain(
            scene_of(processes, made, n=256, success=lambda rows, p=p: np.full(len(rows), p)),
            pd.DataFrame({"x": [0.7, 0.9]}),
            reference=REFERENCE,
        )
        for p in (1.0, 0.0)
    )
    assert sure.expected_gain > 0.1
    assert never.expected_gain == never.upper == 0.0


def test_left_out_one_percent_of_what_stands_is_wanted(two_made):
    processes, made = two_made
    scene = scene_of(processes, made, n=256)
    told = next_round_gain(scene, pd.DataFrame({"x": [0.9]}), reference=REFERENCE)
    stands = hypervolume([[0.0, -0.5], [0.3, -0.6]], REFERENCE)
    assert told.more_than == pytest.approx(WORTH * stands, rel=0.15)


def test_a_scene_that_draws_afresh_is_understood_too():
    def draw(rows, n, rng):
        level = rng.standard_normal((n, 1, 1))
        return np.repeat(rows[["x"]].to_numpy(dtype=float)[None] + level, 2, axis=2) * [1.0, -1.0]

    aim = Aim(outcomes=OBJECTIVES, reference=REFERENCE - 8.0)
    made = pd.DataFrame({"x": [0.0]})
    scene = SampledScene(
        aim, foreseen_by_draws(draw, OBJECTIVES), made, 1, 64, np.random.default_rng(0)
    )
    better, worse = (
        next_round_gain(scene, pd.DataFrame({"x": [x]}), reference=aim.reference, more_than=1.0)
        for x in (1.0, -1.0)
    )
    assert (better.probability, worse.probability) == (1.0, 0.0)


def test_a_gain_is_told_with_its_interval():
    told = gain_in_short(np.linspace(0.0, 1.0, 1001), 0.25)
    assert (told.lower, told.upper) == pytest.approx((0.05, 0.95))
    assert told.probability == pytest.approx(0.75, abs=0.001)
    assert told.error == pytest.approx(np.sqrt(1 / 12 / 1001), rel=0.01)


@pytest.mark.parametrize(
    "more_than",
    [pytest.param(-0.1, id="negative"), pytest.param(float("nan"), id="not-a-number")],
)
def test_an_impossible_wish_is_refused(more_than):
    with pytest.raises(SpaceError, match="stopping: more_than must be a finite gain of at least 0"):
        gain_in_short(np.zeros(4), more_than)
