"""What each row of a batch is in it for: small cases that can be worked out by hand."""

import numpy as np
import pandas as pd
import pytest

from models.gp import GaussianProcess
from optimizer.contribution import contributions, nearest
from optimizer.joint import Joint, foreseen_by_processes, joint_scenarios
from optimizer.limits import Limit
from optimizer.objectives import Objective
from optimizer.scene import Aim, foreseen_by_draws

TWO = [Objective("a", "maximize", reference=0.0), Objective("b", "minimize", reference=0.0)]
AIM = Aim(outcomes=TWO, reference=np.zeros(2))


def joint_of(outcomes, *, n_made=1, n_standing=1, aim=AIM, is_made=None):
    """Scenarios of utilities, rows made first."""
    array = np.array(outcomes, dtype=float)
    made = np.ones(array.shape[:2], dtype=bool) if is_made is None else np.array(is_made)
    return Joint(aim=aim, outcomes=array, is_made=made, n_made=n_made, n_standing=n_standing)


def test_the_loss_of_a_row_is_what_only_it_brings():
    # all: 2 x 2 and 1 more of b; without a: 1 x 3 and 0.5 x 1.5 of c
    joint = joint_of([[[1, 1], [2, 2], [1, 3], [1.5, 1.5]]])
    a, b, c = contributions(joint)
    assert joint.gains.tolist() == [4.0]
    assert (a.loss, b.loss, c.loss) == (pytest.approx(1.25), pytest.approx(1.0), 0.0)
    assert (a.loss_share, b.loss_share) == (pytest.approx(1.25 / 4), pytest.approx(0.25))


def test_losses_are_means_over_scenarios_with_their_error():
    (part,) = contributions(joint_of([[[1, 1], [2, 1]], [[1, 1], [1, 1]]]))
    assert part.loss == pytest.approx(0.5)
    assert part.loss_error == pytest.approx(np.std([1.0, 0.0], ddof=1) / np.sqrt(2))


def test_how_far_beyond_the_best_made_a_row_lies_counts_only_where_it_does():
    (part,) = contributions(joint_of([[[1, 5], [3, 4]], [[1, 5], [0.5, 6]]]))
    assert part.beyond == (pytest.approx(1.0), pytest.approx(0.5))
    assert part.better == (0.5, 0.5)


def test_gains_are_told_in_units_of_the_scale():
    wide = [Objective("a", "maximize", reference=1e-6, best=1e-2, scale="log10")]
    aim = Aim(outcomes=wide, reference=np.array([-1.5]))
    (part,) = contributions(joint_of([[[-1.0], [-0.5]]], aim=aim))
    assert part.beyond == (pytest.approx(2.0),)  # half of four decades


def test_a_row_that_is_dominated_is_not_on_the_front():
    inner, outer = contributions(joint_of([[[0.1, 0.1], [1, 1], [2, 2]]]))
    assert (inner.on_front, outer.on_front) == (0.0, 1.0)


def test_a_row_that_fails_gains_nothing():
    (part,) = contributions(joint_of([[[1, 1], [3, 3]]] * 2, is_made=[[True, True], [True, False]]))
    assert (part.on_front, part.better) == (0.5, (0.5, 0.5))
    assert part.loss == pytest.approx(4.0)


def test_a_row_beyond_a_limit_gains_nothing():
    aim = Aim(outcomes=[*TWO, Limit("c", at_most=1.0).outcome], reference=np.zeros(2))
    (part,) = contributions(joint_of([[[1, 1, 0], [3, 3, 2]]], aim=aim))
    assert (part.on_front, part.loss, part.better) == (0.0, 0.0, (0.0, 0.0))


@pytest.mark.parametrize(
    ("new", "share"),
    [
        pytest.param([[2, 2], [2, 2]], 0.0, id="all-known"),
        pytest.param([[1, 1], [0, 0]], 1.0, id="nothing-to-gain-by-the-means"),
        pytest.param([[3, 1], [0, 1]], 1 - 0.5 / 1.0, id="half-of-it"),
    ],
)
def test_exploration_is_the_share_of_gain_that_the_means_lack(new, share):
    outcomes = [[[1, 1], row] for row in new]
    (part,) = contributions(joint_of(outcomes))
    assert part.exploration == pytest.approx(share)
    assert part.explores == (share >= 0.5)


def test_a_failure_is_no_exploration():
    (part,) = contributions(joint_of([[[1, 1], [2, 2]]] * 2, is_made=[[True, True], [True, False]]))
    assert part.exploration == pytest.approx(0.0)


def test_rows_in_the_making_are_no_best_made_but_stand():
    joint = joint_of([[[1, 1], [4, 4], [3, 3]]], n_made=1, n_standing=2)
    (part,) = contributions(joint)
    assert part.loss == 0.0
    assert part.beyond == (2.0, 2.0)


def test_with_nothing_made_the_reference_is_what_is_beaten():
    (part,) = contributions(joint_of([[[1, 2]]], n_made=0, n_standing=0))
    assert part.beyond == (1.0, 2.0)
    assert part.loss_share == pytest.approx(1.0)


def test_processes_are_foreseen_as_they_are():
    x = np.array([[0.1], [0.5], [0.9]])
    processes = [
        GaussianProcess(0.0, 1.0, 0.05).fit(x, y, np.full(3, 1e-3))
        for y in ([1.0, 2.0, 1.0], [-1.0, -2.0, -1.0])
    ]
    joint = joint_scenarios(
        foreseen_by_processes(processes, lambda rows: [rows[["x"]].to_numpy(dtype=float)] * 2),
        AIM,
        made=pd.DataFrame({"x": [0.1, 0.5, 0.9, 0.5]}),
        pending=pd.DataFrame({"x": [0.9, 0.3]}),
        rows=pd.DataFrame({"x": [0.7, 0.5]}),
        rng=np.random.default_rng(0),
    )
    assert (joint.n_made, joint.n_standing, joint.n_batch) == (3, 4, 2)
    assert joint.outcomes.mean(axis=0)[:3] == pytest.approx(
        np.array([[1.0, 1.0], [2.0, 2.0], [1.0, 1.0]]), abs=0.15
    )
    new, again = contributions(joint)
    assert again.loss < 0.02 < new.better[0]


def test_failures_are_drawn_for_all_that_is_not_made():
    def draw(rows, n, rng):
        return np.ones((n, len(rows), 2)) * [1.0, -1.0]

    aim = Aim(outcomes=TWO, reference=np.zeros(2), success=lambda rows: np.full(len(rows), 0.25))
    joint = joint_scenarios(
        foreseen_by_draws(draw, TWO),
        aim,
        made=pd.DataFrame({"x": [0.0]}),
        pending=pd.DataFrame({"x": [1.0]}),
        rows=pd.DataFrame({"x": [2.0]}),
        rng=np.random.default_rng(0),
    )
    assert joint.counts.mean(axis=0) == pytest.approx([1.0, 0.25, 0.25], abs=0.06)


def test_nearest_are_told_nearest_first():
    assert nearest([[0.0, 0.0]], [[1.0, 0.0], [0.5, 0.0], [0.0, 0.25]]) == [[(2, 0.25), (1, 0.5)]]


def test_with_nothing_made_nothing_is_near():
    assert nearest([[0.0], [1.0]], np.empty((0, 1))) == [[], []]
