"""Intervals of shares and skills hold their level when readings come in clusters."""

import numpy as np
import pytest
from scipy.stats import beta

from models.cluster_share import share_interval
from models.cluster_skill import FEWEST_CLUSTERS, skill_over


@pytest.mark.parametrize("correlation", [0.01, 0.2, 0.4])
@pytest.mark.parametrize("jars", [4, 12])
def test_the_interval_holds_the_share_as_often_as_it_says(correlation, jars):
    rng = np.random.default_rng(0)
    concentration = (1 - correlation) / correlation
    held = 0
    for _ in range(200):
        share = rng.uniform(0.6, 0.98)
        own = rng.beta(share * concentration, (1 - share) * concentration, size=jars)
        low, high = share_interval([*rng.binomial(6, own)], [6] * jars)
        held += low <= share <= high
    assert 0.91 <= held / 200 <= 1.0


def test_single_readings_of_many_jars_give_the_usual_interval():
    low, high = share_interval([1] * 90 + [0] * 10, [1] * 100)
    assert (low, high) == pytest.approx(beta(91, 11).ppf([0.025, 0.975]), abs=0.005)


def test_readings_of_one_jar_say_less_than_those_of_many():
    together = share_interval([18], [24])
    apart = share_interval([3, 4, 4, 4, 3], [5, 5, 5, 5, 4])
    assert together[1] - together[0] > 1.5 * (apart[1] - apart[0])


@pytest.mark.parametrize("hits", [0, 6], ids=["none", "all"])
def test_all_or_none_still_leaves_doubt(hits):
    low, high = share_interval([hits] * 4, [6] * 4)
    assert high - low > 0.1


def test_nothing_read_leaves_everything_open():
    assert share_interval([], []) == pytest.approx((0.025, 0.975), abs=0.01)


def test_a_better_prediction_has_skill_beyond_doubt():
    rng = np.random.default_rng(0)
    theirs = rng.uniform(1.0, 2.0, 60)
    jars = [f"G{i // 5}" for i in range(60)]
    value, low, high = skill_over(0.5 * theirs, theirs, jars)
    assert value == pytest.approx(0.5)
    assert low == pytest.approx(0.5)
    assert high == pytest.approx(0.5)  # paired: what is hard for both cancels


def test_the_skill_of_equals_holds_zero_as_often_as_it_says():
    rng = np.random.default_rng(0)
    jars = [f"G{i // 4}" for i in range(80)]
    held = 0
    for _ in range(200):
        luck = np.repeat(rng.gamma(2.0, 1.0, (2, 20)), 4, axis=1)
        ours, theirs = luck * rng.gamma(2.0, 1.0, (2, 80))
        _, low, high = skill_over(ours, theirs, jars)
        held += low <= 0 <= high
    assert 0.88 <= held / 200 <= 0.99


@pytest.mark.parametrize(("jars", "known"), [(FEWEST_CLUSTERS - 1, False), (FEWEST_CLUSTERS, True)])
def test_few_jars_have_no_interval(jars, known):
    _, low, high = skill_over([1.0] * jars, [2.0] * jars, [f"G{i}" for i in range(jars)])
    assert (low is not None, high is not None) == (known, known)


def test_a_perfect_rival_leaves_no_skill_to_compute():
    assert skill_over([1.0, 2.0], [0.0, 0.0], ["G1", "G2"]) == (0.0, None, None)
