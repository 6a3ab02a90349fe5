import numpy as np
import pytest

from models import gp
from models.evidence import Evidence, Points
from models.gp import GaussianProcess
from models.hyperparameters import LogLikelihood
from models.pooling import pooled
from models.reduction import reduced
from models.thinning import spread_groups

LEVELS = ["jar", "pellet"]
N_PELLETS = 20


def process():
    return GaussianProcess(
        0.0,
        1.0,
        0.1,
        levels={"jar": 0.8, "pellet": 0.6},
        reading_sd=0.1,
        slope=(40.0, 5.0),
    )


def readings(*, stated=0.5, n_bounds=2, repeats=6, seed=0):
    """Pellets of ten jars, read up to ``repeats`` times at several temperatures."""
    rng = np.random.default_rng(seed)
    pellet = np.repeat(np.arange(N_PELLETS), rng.integers(1, repeats + 1, N_PELLETS))
    x = rng.random((N_PELLETS, 2))[pellet]
    tilt = rng.choice([0.0, 0.02, -0.03], len(pellet))
    points = Points.of(x, tilt=tilt, basis=0.2 * x[:, :1], offset=x[:, 0])
    y = np.sin(3 * x[:, 0]) + 40 * tilt + 0.1 * rng.standard_normal(len(pellet))
    upper = y.copy()
    upper[:n_bounds] = np.inf
    noise = np.where(
        rng.random(len(pellet)) < stated, 0.05 + 0.05 * rng.random(len(pellet)), np.nan
    )
    groups = {"jar": pellet // 2, "pellet": pellet}
    return Evidence.of(points, lower=y, upper=upper, noise_sd=noise, groups=groups)


def asked():
    rng = np.random.default_rng(1)
    return Points.of(
        rng.random((6, 2)), tilt=[0, 0, 0.02, 0, -0.03, 0], basis=rng.random((6, 1)) * 0.2,
        offset=rng.random(6),
    )  # fmt: skip


@pytest.mark.parametrize("stated", [0.0, 0.5, 1.0])
def test_together_repeats_give_the_posterior_of_all_readings(stated):
    evidence = readings(stated=stated).canonical()
    whole = pooled(evidence, levels=LEVELS, prior_sd=1.0)
    assert len(whole.evidence) < 0.8 * len(evidence)
    assert whole.counts.sum() == len(evidence)
    fitted = process().fit_evidence(evidence)
    one, other = fitted.condition(evidence), fitted.condition(whole.evidence)
    for alone, together in zip(one.joint(asked()), other.joint(asked()), strict=True):
        np.testing.assert_allclose(alone, together, rtol=1e-9, atol=1e-11)


def test_the_likelihood_of_what_is_left_over_makes_up_for_the_rows_that_went():
    evidence = readings(stated=0.3).canonical()
    whole = pooled(evidence, levels=LEVELS, prior_sd=1.0)
    assert whole.leftover.n > 5
    fitted = process().fit_evidence(evidence)
    told = [fitted.condition(one).inner[1] for one in (evidence, whole.evidence)]
    plain = LogLikelihood(told[0])
    quick = LogLikelihood(told[1], leftover=whole.leftover)
    theta = fitted.inner[2].best.theta
    steps = [theta + step * np.arange(1, len(theta) + 1) for step in (0.0, 0.03, -0.05)]
    values = [plain(step)[0] - quick(step)[0] for step in steps]
    np.testing.assert_allclose(values, values[0], rtol=1e-6)  # a constant apart
    for step in steps:
        np.testing.assert_allclose(plain(step)[1], quick(step)[1], rtol=1e-4, atol=1e-5)


def test_readings_that_are_samples_of_their_own_stay_as_they_are():
    evidence = Evidence.exact([[0.5]] * 4, [1.0, 1.1, 0.9, 1.0], [0.1] * 4)
    assert pooled(evidence, levels=["sample"], prior_sd=1.0).evidence is evidence


def test_of_energies_alone_one_row_is_left():
    points = Points.of([[0.5]] * 3, level=[0.0] * 3, tilt=[1.0] * 3)
    evidence = Evidence.of(
        points, lower=[40, 41, 42], upper=[40, 41, 42], noise_sd=[1.0, 1.0, 1.0],
        groups={"jar": [0] * 3, "pellet": [0] * 3},
    )  # fmt: skip
    whole = pooled(evidence, levels=LEVELS, prior_sd=1.0).evidence
    assert (whole.points.level.tolist(), whole.points.tilt.tolist()) == ([0.0], [1.0])
    np.testing.assert_allclose([whole.lower[0], whole.noise_sd[0]], [41.0, 3**-0.5])


def test_a_part_is_taken_jar_by_jar():
    evidence = readings(repeats=8).canonical()
    found = reduced(evidence, levels=LEVELS, prior_sd=1.0, most=1000, taught=20)
    jars = found.taught.groups["jar"]
    for jar in np.unique(jars):
        assert (jars == jar).sum() == (found.used.groups["jar"] == jar).sum()
    assert 10 < len(found.taught) <= 20 < len(found.used)
    assert found.reduction.n_used == len(evidence) > found.reduction.n_taught


def test_one_group_larger_than_allowed_is_cut():
    x = np.linspace(0, 1, 6)[:, None]
    assert spread_groups(x, np.zeros(6, dtype=int), 4).tolist() == [0, 1, 2, 3]


class TestOfAProcess:
    @pytest.fixture(autouse=True)
    def fewer(self, monkeypatch):
        monkeypatch.setattr(gp, "MANY_READINGS", 60)
        monkeypatch.setattr(gp, "CROWDED", 40)
        monkeypatch.setattr(gp, "TAUGHT_ROWS", 30)

    def test_the_answer_is_near_that_of_the_slow_way(self, monkeypatch):
        evidence = readings(repeats=8)
        quick = process().fit_evidence(evidence)
        monkeypatch.setattr(gp, "MANY_READINGS", 1000)
        slow = process().fit_evidence(evidence)
        assert quick.reduction is not None
        assert slow.reduction is None
        (mean, sd), (slow_mean, slow_sd) = quick.marginal(asked()), slow.marginal(asked())
        assert (np.abs(mean - slow_mean) < 0.5 * slow_sd).all()
        assert ((sd > 0.5 * slow_sd) & (sd < 2 * slow_sd)).all()

    def test_it_says_how_many_it_learned_from_and_so_does_its_copy(self):
        fitted = process().fit_evidence(readings(repeats=8))
        copy = GaussianProcess.from_dict(fitted.to_dict())
        n, n_read = fitted.reduction.n_taught, len(readings(repeats=8))
        assert copy.reduction.in_words == f"length scales and scatter learned from {n} of {n_read}"
        assert [part.n_repeated for part in copy.scatter()] == [
            part.n_repeated for part in fitted.scatter()
        ]
        np.testing.assert_array_equal(copy.marginal(asked())[0], fitted.marginal(asked())[0])

    def test_a_crowded_campaign_takes_the_short_way_sooner(self):
        evidence = readings(repeats=4)
        assert 40 < len(evidence) <= 60
        assert process().fit_evidence(evidence).reduction is None
        assert process().fit_evidence(evidence, crowded=True).reduction is not None
