"""Scores of a reading against its prediction, checked by hand and by simulation."""

from math import inf, isfinite, log, nan

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import kstest, norm

from experiments.scoring import Score, score, scores_frame, summary
from features.properties import property_of

GPA = property_of("youngs_modulus")
SIGMA = property_of("ionic_conductivity")


def reading(lower, upper, name="youngs_modulus", specimen="R01-G1-P1"):
    return {"specimen": specimen, "property": name, "lower": lower, "upper": upper}


def prediction(mean, reading_sd, name="youngs_modulus"):
    entry = property_of(name)
    centre = float(entry.to_scale(mean))
    half = 1.6448536269514722 * reading_sd
    low, high = (float(entry.from_scale(centre + sign * half)) for sign in (-1, 1))
    return {"mean": mean, "reading_sd": reading_sd, "reading_lower": low, "reading_upper": high}


def test_an_exact_reading_is_scored_as_by_hand():
    found = score(reading(21.0, 21.0), prediction(20.0, 2.0))
    assert found.z == pytest.approx(0.5)
    assert found.error == pytest.approx(1.0)
    assert found.pit == pytest.approx(norm.cdf(0.5))
    assert found.log_score == pytest.approx(norm.logpdf(21.0, 20.0, 2.0))
    assert not found.censored


def test_a_property_on_a_log_scale_errs_in_decades():
    found = score(
        reading(1e-3, 1e-3, "ionic_conductivity"), prediction(1e-4, 0.5, "ionic_conductivity")
    )
    assert found.error == pytest.approx(1.0)
    assert found.z == pytest.approx(2.0)
    assert found.log_score == pytest.approx(norm.logpdf(-3.0, -4.0, 0.5))
    assert found.predicted == 1e-4


@pytest.mark.parametrize(
    ("z", "inside_50", "inside_90"),
    [
        pytest.param(0.0, True, True, id="centre"),
        pytest.param(0.67, True, True, id="just-inside-50"),
        pytest.param(-0.68, False, True, id="just-outside-50"),
        pytest.param(1.64, False, True, id="just-inside-90"),
        pytest.param(-1.65, False, False, id="just-outside-90"),
        pytest.param(40.0, False, False, id="far-away"),
    ],
)
def test_flags_say_which_interval_holds_the_reading(z, inside_50, inside_90):
    value = 20.0 + 2.0 * z
    found = score(reading(value, value), prediction(20.0, 2.0))
    assert (found.inside_50, found.inside_90) == (inside_50, inside_90)
    assert found.inside_90 == (found.reading_lower <= value <= found.reading_upper)


def test_a_narrow_interval_is_scored_by_its_middle():
    width = 0.29 * GPA.noise_sd
    found = score(reading(20.0, 20.0 + width), prediction(20.0, 2.0))
    assert found.error == pytest.approx(width / 2)
    assert not found.censored


@pytest.mark.parametrize(
    ("low", "high"),
    [
        pytest.param(18.0, 21.0, id="wide"),
        pytest.param(nan, 17.0, id="below"),
        pytest.param(24.0, nan, id="above"),
        pytest.param(19.9, 20.4, id="inside"),
        pytest.param(26.0, 28.0, id="right-tail"),
        pytest.param(12.0, 14.0, id="left-tail"),
        pytest.param(None, 17.0, id="none-is-open-too"),
    ],
)
def test_a_censored_reading_scores_the_probability_of_its_interval(low, high):
    found = score(reading(low, high), prediction(20.0, 2.0))
    start, end = (10.0 if low in (None,) or low != low else low), (40.0 if high != high else high)
    start = 20.0 - 12 * 2.0 if start == 10.0 else start
    end = 20.0 + 12 * 2.0 if end == 40.0 else end
    mass, _ = quad(norm(20.0, 2.0).pdf, start, end, epsabs=1e-14)
    assert found.log_score == pytest.approx(log(mass), rel=1e-7)
    assert found.censored
    assert (found.z, found.error) == (None, None)
    below, _ = quad(norm(20.0, 2.0).pdf, -4.0, start, epsabs=1e-14)
    assert below - 1e-9 <= found.pit <= below + mass + 1e-9


@pytest.mark.parametrize("away", [30.0, 300.0, 3e4], ids=["30-sd", "300-sd", "30000-sd"])
@pytest.mark.parametrize("side", [-1, 1], ids=["left", "right"])
@pytest.mark.parametrize("open_end", [True, False], ids=["open", "closed"])
def test_far_tails_stay_finite(away, side, open_end):
    ends = [20.0 + side * away, inf if open_end else 20.0 + side * (away + 2.0)]
    ends = [ends[0], nan if ends[1] == inf else ends[1]]
    low, high = ends if side > 0 else ends[::-1]
    found = score(reading(low, high), prediction(20.0, 1.0))
    assert isfinite(found.log_score)
    assert found.log_score == pytest.approx(norm.logcdf(-away), rel=1e-4)
    assert 0.0 <= found.pit <= 1.0
    assert not found.inside_90


def test_far_tails_agree_on_both_sides():
    left = score(reading(2.0, 4.0), prediction(20.0, 1.0))
    right = score(reading(36.0, 38.0), prediction(20.0, 1.0))
    assert left.log_score == pytest.approx(right.log_score)


def simulated(rng, n):
    """Readings of a model that is right: exact, in coarse steps, and cut at a floor."""
    found = []
    for index in range(n):
        centre, spread = rng.uniform(-6, -4), rng.uniform(0.05, 1.0)
        value = rng.normal(centre, spread)
        kind = index % 3
        if kind == 0:
            low = high = 10.0**value
        elif kind == 1:
            step = np.floor(value / 0.5) * 0.5
            low, high = 10.0**step, 10.0 ** (step + 0.5)
        else:
            floor = centre + rng.normal(0.0, 0.5)  # set without looking at the value
            low, high = (nan, 10.0**floor) if value < floor else (10.0**value, 10.0**value)
        found.append(
            score(
                reading(low, high, "ionic_conductivity", f"P{index}"),
                prediction(10.0**centre, spread, "ionic_conductivity"),
            )
        )
    return found


def test_pits_of_a_right_model_are_uniform_whatever_is_censored():
    scores = simulated(np.random.default_rng(0), 3000)
    censored = [s.pit for s in scores if s.censored]
    assert 1000 < len(censored) < 2000
    assert kstest([s.pit for s in scores], "uniform").pvalue > 0.05
    assert kstest([s.pit for s in scores[1::3]], "uniform").pvalue > 0.05  # the coarse steps
    totals = summary(scores)["coverage"]
    assert totals["50"] == pytest.approx(0.5, abs=0.03)
    assert totals["90"] == pytest.approx(0.9, abs=0.02)


def test_pits_of_a_wrong_model_are_not_uniform():
    rng = np.random.default_rng(0)
    values = rng.normal(20.0, 2.0, 1000)
    narrow = [score(reading(v, v), prediction(20.0, 1.0)) for v in values]
    assert kstest([s.pit for s in narrow], "uniform").pvalue < 1e-6
    assert summary(narrow)["coverage"]["90"] < 0.7


def test_the_right_model_has_the_best_mean_log_score():
    values = np.random.default_rng(0).normal(20.0, 2.0, 400)
    means = {
        spread: summary([score(reading(v, v), prediction(20.0, spread)) for v in values])[
            "mean_log_score"
        ]
        for spread in (1.0, 2.0, 4.0)
    }
    assert max(means, key=means.__getitem__) == 2.0


def test_a_pit_within_an_interval_is_drawn_the_same_every_time():
    first, second = (score(reading(18.0, 22.0), prediction(20.0, 2.0)) for _ in range(2))
    other = score(reading(18.0, 22.0, specimen="R01-G2-P1"), prediction(20.0, 2.0))
    assert first == second
    assert first.pit != other.pit


def test_what_was_made_and_what_was_proposed_are_both_scored():
    found = score(reading(21.0, 21.0), prediction(20.0, 2.0), as_proposed=prediction(24.0, 3.0))
    assert found.z == pytest.approx(0.5)
    assert found.z_as_proposed == pytest.approx(-1.0)


def test_a_censored_reading_has_no_z_as_proposed():
    found = score(reading(nan, 21.0), prediction(20.0, 2.0), as_proposed=prediction(24.0, 3.0))
    assert found.z_as_proposed is None


def test_a_summary_counts_and_averages():
    scores = [
        score(reading(21.0, 21.0), prediction(20.0, 2.0)),
        score(reading(17.0, 17.0), prediction(20.0, 2.0)),
        score(reading(nan, 30.0), prediction(20.0, 2.0)),
        score(reading(1e-4, 1e-4, "ionic_conductivity"),
              prediction(1e-5, 0.2, "ionic_conductivity")),
    ]  # fmt: skip
    totals = summary(scores)
    assert (totals["n"], totals["n_censored"]) == (4, 1)
    assert totals["coverage"]["n"] == 4
    assert totals["properties"]["youngs_modulus"] == {
        "rmse": pytest.approx(np.sqrt((1 + 9) / 2)),
        "unit": "GPa",
        "n": 2,
    }
    assert totals["properties"]["ionic_conductivity"]["unit"] == "dex"
    assert totals["mean_log_score"] == pytest.approx(np.mean([s.log_score for s in scores]))
    assert list(scores_frame(scores)["z"].isna()) == [False, False, True, False]


def test_nothing_scored_is_said_as_nothing():
    assert summary([]) == {"n": 0}


def test_a_score_goes_through_json_and_back():
    from dataclasses import asdict
    from json import dumps, loads

    found = score(reading(nan, 21.0), prediction(20.0, 2.0))
    assert Score(**loads(dumps(asdict(found)))) == found


def test_a_reading_that_states_a_larger_error_is_scored_with_it():
    prediction = {"mean": 20.0, "reading_sd": 1.0, "reading_lower": 18.4, "reading_upper": 21.6}
    reading = {"specimen": "P", "property": "youngs_modulus", "lower": 23.0, "upper": 23.0}
    usual = score({**reading, "se": None}, prediction)
    stated = score({**reading, "se": 2.0}, prediction)
    careful = score({**reading, "se": 0.01}, prediction)
    assert usual.z == careful.z == pytest.approx(3.0)
    assert stated.z == pytest.approx(3.0 / np.sqrt(1 + 2.0**2 - 0.25**2))
    assert stated.inside_90
    assert not usual.inside_90
