"""The drift warning: seldom when ranges are right, soon when they are not."""

from collections.abc import Sequence

import numpy as np
import pytest
from scipy.stats import norm

from experiments.drift import ALARM, drift_of, misses, sides
from experiments.scoring import Score

PELLET = ("ionic_conductivity", "youngs_modulus", "electronic_conductivity", "relative_density")
CELL = ("critical_current_density", "area_specific_resistance")


def scored(specimen: str, name: str, z: float) -> Score:
    place = float(norm.cdf(z))
    return Score(
        specimen=specimen, property=name, predicted=1.0, reading_lower=0.5, reading_upper=2.0,
        measured_lower=1.0, measured_upper=1.0, error=z, z=z, inside_50=abs(place - 0.5) <= 0.25,
        inside_90=abs(place - 0.5) <= 0.45, log_score=0.0, pit=place, censored=False,
    )  # fmt: skip


def campaign(
    rng: np.random.Generator,
    *,
    n_rounds: int = 8,
    jar: float = 0.0,
    batch: float = 0.0,
    narrow: float = 1.0,
    since: int = 0,
    shift: float = 0.0,
) -> tuple[list[tuple[str, list[Score]]], dict[str, str]]:
    """Rounds of four jars and two cells; variances shared by a jar, and by a round."""
    rounds, clusters = [], {}
    for number in range(n_rounds):
        common = {name: rng.standard_normal() for name in (*PELLET, *CELL)}
        scores = []
        for index in range(4):
            luck, name = rng.standard_normal(), f"R{number}-G{index}"
            asked = [(f"{name}-P1", prop) for prop in PELLET]
            asked += [(f"{name}-C", prop) for prop in CELL if index < 2]
            for specimen, prop in asked:
                clusters[specimen] = name
                own = np.sqrt(1 - jar - batch) * rng.standard_normal()
                z = np.sqrt(jar) * luck + np.sqrt(batch) * common[prop] + own
                z = narrow * z if number >= since else z
                scores.append(scored(specimen, prop, z + shift * (prop == PELLET[0])))
        rounds.append((f"R{number + 1:02d}", scores))
    return rounds, clusters


def first_warning(rounds: Sequence[tuple[str, list[Score]]], clusters: dict[str, str]) -> int:
    """Round after which drift is first said, looking after each; 99 for never."""
    for seen in range(1, len(rounds) + 1):
        if drift_of(rounds[:seen], clusters) is not None:
            return seen
    return 99


@pytest.mark.parametrize(
    ("jar", "batch"),
    [pytest.param(0.0, 0.0, id="independent"), pytest.param(0.5, 0.0, id="jars-have-luck"),
     pytest.param(0.0, 0.5, id="rounds-share-errors"), pytest.param(0.3, 0.3, id="both")],
)  # fmt: skip
def test_right_ranges_are_blamed_in_at_most_one_campaign_of_twenty(jar, batch):
    rng = np.random.default_rng(0)
    blamed = [first_warning(*campaign(rng, jar=jar, batch=batch)) < 99 for _ in range(100)]
    assert np.mean(blamed) <= 0.05


@pytest.mark.parametrize(
    ("narrow", "by"), [pytest.param(1.5, 6, id="1.5"), pytest.param(2.0, 3, id="2")]
)
def test_ranges_that_are_too_narrow_are_found_soon(narrow, by):
    rng = np.random.default_rng(0)
    found = [first_warning(*campaign(rng, narrow=narrow, jar=0.2)) for _ in range(30)]
    assert np.quantile(found, 0.9) <= by


def test_a_fall_of_coverage_later_is_dated():
    rng = np.random.default_rng(0)
    rounds, clusters = campaign(rng, narrow=3.0, since=4)
    assert drift_of(rounds[:4], clusters) is None
    found = drift_of(rounds, clusters)
    assert found["since"] == "R05"
    later = [score for _, scores in rounds[4:] for score in scores]
    assert (found["n"], found["inside"]) == (len(later), sum(s.inside_90 for s in later))
    assert f"since R05, {found['inside']} of {found['n']} readings lie in" in found["in_words"]
    assert "make the control again" in found["in_words"]


def test_a_property_that_reads_high_is_named():
    rng = np.random.default_rng(0)
    rounds, clusters = campaign(rng, shift=2.5)
    found = drift_of(rounds, clusters)
    assert found["properties"] == ["ionic_conductivity higher"]
    assert "ionic conductivity reads higher than predicted in" in found["in_words"]


def test_one_bad_jar_is_no_drift():
    rounds, clusters = campaign(np.random.default_rng(1))
    bad = [scored("R7-G0-P1", name, -6.0) for name in PELLET]
    rounds[-1] = ("R08", [*bad, *(s for s in rounds[-1][1] if s.specimen != "R7-G0-P1")])
    assert drift_of(rounds, clusters) is None


def test_bets_are_fair():
    rng = np.random.default_rng(0)
    games = [campaign(rng, jar=0.5, n_rounds=2)[0] for _ in range(800)]
    clusters = {s.specimen: s.specimen[:5] for _, scores in games[0] for s in scores}
    assert np.mean([misses(game, clusters).value for game in games]) == pytest.approx(1, abs=0.2)
    one_side = [sides(game)["youngs_modulus", "higher"].value for game in games]
    assert np.mean(one_side) == pytest.approx(1, abs=0.05)


def test_without_scores_there_is_no_drift():
    assert drift_of([], {}) is None
    assert drift_of([("R01", [])], {}) is None
    assert ALARM == 20.0
