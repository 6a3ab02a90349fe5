"""Rounds to a goal: censored runs count as such, pairs are compared, a loss is a loss."""

from collections.abc import Sequence

import numpy as np
import pytest

from benchmarks.optimizer.survival import Rounds, kaplan_meier, paired_rounds

GEHAN_WEEKS = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
GEHAN_EVENTS = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
"""Remissions under 6-mercaptopurine (Gehan 1965), the example of many textbooks."""


def runs(rounds: Sequence[float], reached: Sequence[bool]) -> Rounds:
    return Rounds(np.array(rounds, dtype=float), np.array(reached, dtype=bool))


def until(*rounds: float, horizon: float = 8.0) -> Rounds:
    """Runs that got there after so many rounds; infinite: never."""
    values = np.array(rounds)
    return Rounds(np.minimum(values, horizon), np.isfinite(values))


def test_the_curve_is_that_of_the_textbook() -> None:
    curve = kaplan_meier(runs(GEHAN_WEEKS, [bool(e) for e in GEHAN_EVENTS]))
    assert curve.rounds.tolist() == [6, 7, 10, 13, 16, 22, 23]
    np.testing.assert_allclose(
        curve.share, [0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448], atol=5e-4
    )
    np.testing.assert_allclose(curve.lower[[0, -1]], [0.620, 0.188], atol=5e-4)
    np.testing.assert_allclose(curve.upper[[0, -1]], [0.952, 0.680], atol=5e-4)
    assert curve.median == (23, 13, np.inf)


def test_without_censoring_the_curve_is_the_share_left() -> None:
    rounds = np.random.default_rng(0).integers(1, 9, 40).astype(float)
    curve = kaplan_meier(Rounds(rounds, np.ones(40, dtype=bool)))
    left = [(rounds > t).mean() for t in curve.rounds]
    np.testing.assert_allclose(curve.share, left, atol=1e-12)
    assert ((curve.lower <= curve.share) & (curve.share <= curve.upper)).all()


def test_a_curve_that_nobody_steps_down_has_no_median() -> None:
    curve = kaplan_meier(runs([8, 8], [False, False]))
    assert curve.rounds.size == 0
    assert curve.median == (np.inf, np.inf, np.inf)


def test_where_all_got_there_the_band_still_says_how_few_they_were() -> None:
    curve = kaplan_meier(runs([2, 2, 2], [True, True, True]))
    assert curve.share.tolist() == [0]
    assert curve.upper[0] == pytest.approx(1 - 0.025 ** (1 / 3))  # Clopper-Pearson of 0 in 3


def test_no_run_is_refused() -> None:
    with pytest.raises(ValueError, match="needs at least one run"):
        kaplan_meier(runs([], []))


def test_the_first_round_at_the_goal_counts_even_if_the_share_is_at_it_from_the_start() -> None:
    found = Rounds.until([[0.91, 0.95], [0.5, 0.9], [0.5, 0.89]], 0.9)
    assert found.rounds.tolist() == [0, 1, 1]
    assert found.reached.tolist() == [True, True, False]


def test_half_the_rounds_are_found_and_support_the_hypothesis() -> None:
    found = paired_rounds(until(1, 2, 3, 2), until(2, 5, 7, 4), ["E", "E", "F", "F"])
    assert found.saved[0] == pytest.approx(2.5)
    assert found.ratio[0] == pytest.approx(8 / 18)
    assert (found.sooner, found.level, found.later) == (4, 0, 0)
    assert found.verdict == "above"
    assert found.at_most(0.5) == "supported"


def test_a_loss_is_reported_as_a_loss() -> None:
    found = paired_rounds(until(2, 5, 7, np.inf), until(1, 2, 3, 2), ["E", "E", "F", "F"])
    assert found.saved[2] < 0
    assert (found.sooner, found.level, found.later) == (0, 0, 4)
    assert found.verdict == "below"
    assert found.at_most(0.5) == "refuted"


def test_level_and_undecided_are_words_for_what_is_not_known() -> None:
    found = paired_rounds(until(1, 5, 1, 6), until(4, 2, 6, 3), ["E"] * 4)
    assert found.verdict == "level"
    assert found.at_most(0.5) == "undecided"


def test_reaching_in_the_last_round_beats_never_reaching() -> None:
    found = paired_rounds(until(8, np.inf), until(np.inf, np.inf), ["E", "E"])
    assert (found.sooner, found.level, found.later) == (1, 1, 0)
    assert found.saved[0] == 0  # how many more the rival needed is not known


def test_each_world_keeps_its_weight_in_the_bootstrap() -> None:
    groups = ["E"] * 5 + ["F"] * 5
    found = paired_rounds(until(*[1.0] * 10), until(*[2.0] * 5, *[4.0] * 5), groups)
    assert found.saved == pytest.approx((2, 2, 2))


def test_interval_of_the_saving_covers_the_truth_about_as_often_as_it_says() -> None:
    rng, covered = np.random.default_rng(0), 0
    for _ in range(60):
        ours, rival = rng.integers(1, 5, 24), rng.integers(1, 8, 24)  # means 2.5 and 4
        found = paired_rounds(until(*ours), until(*rival), ["E"] * 24)
        covered += found.saved[1] <= 1.5 <= found.saved[2]
    assert 51 <= covered <= 60


@pytest.mark.parametrize(
    ("ours", "rival", "message"),
    [
        pytest.param(until(1, 2), until(1), "give pairs only", id="a run without its rival"),
        pytest.param(until(), until(), "give pairs only", id="nothing"),
        pytest.param(
            runs([3], [False]), until(np.inf), "make them equally long", id="stopped early"
        ),
    ],
)
def test_what_is_no_pair_is_refused(ours: Rounds, rival: Rounds, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        paired_rounds(ours, rival, ["E"] * len(ours))
