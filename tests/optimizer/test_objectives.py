"""Objectives and their utilities."""

import numpy as np
import pytest

from features.errors import SpaceError
from optimizer.objectives import Objective, reference_utilities, utilities


def test_larger_utility_is_better_whatever_the_direction():
    up = Objective("a", "maximize").utility([1.0, 2.0])
    down = Objective("a", "minimize").utility([1.0, 2.0])
    assert up[1] > up[0]
    assert down[0] > down[1]


def test_best_makes_the_way_from_the_reference_one():
    leak = Objective("leak", "minimize", reference=1e-7, scale="log10", best=1e-12)
    assert np.diff(leak.utility([1e-7, 1e-12]))[0] == pytest.approx(1.0)


def test_scale_and_back_is_the_value():
    sigma = Objective("sigma", "maximize", scale="log10")
    np.testing.assert_allclose(sigma.from_scale(sigma.to_scale([1e-6, 3e-4])), [1e-6, 3e-4])


def test_several_objectives_are_stacked_along_the_last_axis():
    objectives = [Objective("a", "maximize", at_most=1), Objective("b", "minimize", at_least=0)]
    physical = np.array([[[1.0, 2.0], [3.0, -4.0]]])
    np.testing.assert_allclose(utilities(objectives, physical), [[[1, -2], [3, 4]]])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param({"direction": "max"}, r"'y': direction must be .* got 'max'", id="direction"),
        pytest.param({"scale": "log"}, r"scale must be 'linear' or 'log10', got 'log'", id="scale"),
        pytest.param({"name": ""}, r"name must be a non-empty text, got ''", id="name"),
        pytest.param({"prior": (0, 0)}, r"prior must be \(centre, sd\) with sd > 0", id="prior"),
        pytest.param(
            {"scale": "log10", "reference": 0.0},
            r"reference must be finite and positive on a log10 scale, got 0.0",
            id="log",
        ),
        pytest.param({"at_least": np.nan}, r"at_least must be finite, got nan", id="nan"),
        pytest.param(
            {"at_least": 2, "at_most": 1}, r"must not exceed at_most, got 2 and 1", id="lim"
        ),
        pytest.param({"best": 2}, r"best needs a reference, got best 2 alone", id="best"),
        pytest.param(
            {"best": 2, "reference": 3}, r"best 2 and reference 3 to maximize; swap", id="worse"
        ),
    ],
)
def test_an_objective_that_contradicts_itself_is_refused(arguments, message):
    with pytest.raises(SpaceError, match=message):
        Objective(**{"name": "y", "direction": "maximize", **arguments})


@pytest.mark.parametrize(
    ("names", "message"),
    [
        pytest.param([], r"at least one and each name once, got none", id="none"),
        pytest.param(["a", "a"], r"each name once, got a, a", id="twice"),
        pytest.param(["a", "b"], r"each of several needs a reference, got none for a, b", id="ref"),
    ],
)
def test_objectives_that_do_not_fit_together_are_refused(names, message):
    with pytest.raises(SpaceError, match=message):
        reference_utilities([Objective(name, "maximize") for name in names])


def test_a_single_objective_needs_no_reference():
    assert reference_utilities([Objective("a", "maximize")]) is None
