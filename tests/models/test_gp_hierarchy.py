"""Jars, pellets, readings and sources: who shares luck with whom."""

import numpy as np
import pandas as pd
import pytest
from sklearn.gaussian_process.kernels import Matern

from models.evidence import Evidence, Points
from models.gp import GaussianProcess
from models.hyper_posterior import HyperPosterior
from models.hyperparameters import CONSTANT_SHARE, Hyperparameters
from models.property_gp import LEVELS, PropertyGP
from models.told import READING

JAR, PELLET, ERROR = 0.08, 0.05, 0.03
NEW = np.array([[0.2, 0.3], [0.6, 0.6]])


def process(**changes):
    return GaussianProcess(0.0, 1.0, 0.1, levels=LEVELS, **changes)


def evidence(x, y, jar, pellet, noise_sd):
    return Evidence.of(
        Points.of(x), lower=y, upper=y, noise_sd=noise_sd, groups={"jar": jar, "pellet": pellet}
    )


def known(*scatter):
    return HyperPosterior.certain(Hyperparameters(np.array([0.5, 0.7]), 0.6, np.array(scatter)))


class TestCovariance:
    def test_readings_of_one_pellet_and_pellets_of_one_jar_share_their_luck(self):
        rng = np.random.default_rng(0)
        recipe = np.array([0, 0, 0, 0, 1, 1])
        jar, pellet = np.array([0, 0, 0, 1, 2, 2]), np.array([0, 0, 1, 2, 3, 4])
        x, y = rng.random((2, 2))[recipe], rng.standard_normal(6)
        noise = rng.uniform(0.02, 0.05, 6)
        prior = CONSTANT_SHARE + 0.36 * Matern([0.5, 0.7], nu=2.5)(np.vstack([x, NEW]))
        readings = prior[:6, :6] + np.diag(noise**2)
        for row in range(6):
            for other in range(6):
                readings[row, other] += JAR**2 * (jar[row] == jar[other])
                readings[row, other] += PELLET**2 * (pellet[row] == pellet[other])
        gain = np.linalg.solve(readings, prior[:6, 6:])
        told = evidence(x, y, jar, pellet, noise)
        mean, covariance = process().condition(told, known(JAR, PELLET)).joint(NEW)
        np.testing.assert_allclose(mean, y @ gain, atol=1e-10)
        np.testing.assert_allclose(covariance, prior[6:, 6:] - prior[:6, 6:].T @ gain, atol=1e-10)

    def test_a_pellet_of_no_jar_is_left_out_of_that_level(self):
        x, y = np.zeros((2, 2)), np.array([1.0, 1.0])
        alone = evidence(x, y, ["", ""], ["a", "b"], [0.1, 0.1])
        tiny = process().condition(alone, known(1e-8, PELLET)).marginal(x[:1])
        ours = process().condition(alone, known(JAR, PELLET)).marginal(x[:1])
        np.testing.assert_allclose(ours, tiny, rtol=1e-9)

    def test_without_groups_each_reading_is_its_own_jar_and_pellet(self):
        x, y = np.array([[0.1, 0.1], [0.1, 0.1]]), [0.3, 0.5]
        one = process().condition(Evidence.exact(x, y, [0.1, 0.1]), known(JAR, PELLET))
        told = evidence(x, y, ["a", "b"], ["c", "d"], [0.1, 0.1])
        other = process().condition(told, known(JAR, PELLET))
        np.testing.assert_allclose(one.marginal(NEW), other.marginal(NEW), rtol=1e-12)


class TestThreePelletsAreNotThreeExperiments:
    def sd(self, jar):
        x, y = np.zeros((3, 2)), np.zeros(3)
        told = evidence(x, y, jar, ["a", "b", "c"], np.full(3, ERROR))
        return process().condition(told, known(JAR, PELLET)).marginal(x[:1])[1][0]

    def test_the_jars_scatter_stays(self):
        prior = CONSTANT_SHARE + 0.36
        of_one_jar = JAR**2 + (PELLET**2 + ERROR**2) / 3
        assert self.sd(["a", "a", "a"]) == pytest.approx((1 / prior + 1 / of_one_jar) ** -0.5)
        assert self.sd(["a", "a", "a"]) > 0.95 * JAR

    def test_three_jars_say_more(self):
        of_three = (JAR**2 + PELLET**2 + ERROR**2) / 3
        assert self.sd(["a", "b", "c"]) == pytest.approx(of_three**0.5, rel=0.01)
        assert self.sd(["a", "b", "c"]) < 0.75 * self.sd(["a", "a", "a"])

    def test_property_gp_reads_the_jar_from_the_recipes(self):
        recipes = pd.DataFrame(
            {
                "x": 0.15,
                "milling_time_h": 3,
                "milling_media": "stainless_steel",
                "milling_speed_rpm": 500,
                "pressing_pressure_mpa": 450,
            },
            index=["P1", "P2", "P3"],
        )
        readings = pd.DataFrame(
            {"specimen": recipes.index, "property": "ionic_conductivity", "se": np.nan}
        ).assign(lower=2e-4, upper=2e-4)

        def sd(jars):
            told = recipes.assign(jar=jars)
            return PropertyGP("ionic_conductivity").fit(told, readings).predict(told)["sd"].iloc[0]

        assert sd(["J1", "J1", "J1"]) > 1.2 * sd(["J1", "J2", "J3"])
        absent = PropertyGP("ionic_conductivity").fit(recipes, readings).predict(recipes)
        assert absent["sd"].iloc[0] == pytest.approx(sd(["J1", "J2", "J3"]), rel=1e-9)


def campaign(seed, *, n_jars=40, n_pellets=2, n_readings=2, noise_sd=np.nan):
    """Two jars a recipe; truth, jars, pellets and errors drawn as the process believes."""
    rng = np.random.default_rng(seed)
    shape = (n_jars, n_pellets, n_readings)
    x = np.repeat(rng.random((n_jars // 2, 2)), 2, axis=0)
    truth = np.sin(3 * x[:, 0]) + x[:, 1]
    y = (
        truth[:, None, None]
        + JAR * rng.standard_normal((n_jars, 1, 1))
        + PELLET * rng.standard_normal((n_jars, n_pellets, 1))
        + ERROR * rng.standard_normal(shape)
    )
    jar, pellet = np.indices(shape)[0], np.indices(shape)[0] * n_pellets + np.indices(shape)[1]
    rows = np.repeat(x, n_pellets * n_readings, axis=0)
    return evidence(
        rows, y.reshape(-1), jar.reshape(-1), pellet.reshape(-1), np.full(y.size, noise_sd)
    )


@pytest.fixture(scope="module")
def learned():
    return [process(reading_sd=0.05).fit_evidence(campaign(seed)).scatter() for seed in range(8)]


class TestScatter:
    def test_three_standard_deviations_are_recovered_within_their_intervals(self, learned):
        truth = {"jar": JAR, "pellet": PELLET, READING: ERROR}
        inside = [
            level.lower < truth[level.level] < level.upper for levels in learned for level in levels
        ]
        assert len(inside) == 24
        assert sum(inside) >= 19  # 21.6 are expected of 90 %
        assert all(level.determined for levels in learned for level in levels)

    def test_the_more_jars_the_narrower_the_interval(self, learned):
        (few, *_) = process(reading_sd=0.05).fit_evidence(campaign(0, n_jars=8)).scatter()
        assert few.upper / few.lower > 1.2 * learned[0][0].upper / learned[0][0].lower

    def test_values_do_not_depend_on_the_unit(self):
        told = campaign(0, n_jars=10)
        scaled = Evidence.of(
            told.points,
            lower=1000 * told.lower,
            upper=1000 * told.upper,
            noise_sd=told.noise_sd,
            groups=told.groups,
        )
        large = GaussianProcess(0.0, 1000.0, 100.0, levels=LEVELS, reading_sd=50.0)
        for one, other in zip(
            process(reading_sd=0.05).fit_evidence(told).scatter(),
            large.fit_evidence(scaled).scatter(),
            strict=True,
        ):
            assert other.sd == pytest.approx(1000 * one.sd, rel=1e-4)
            assert other.lower == pytest.approx(1000 * one.lower, rel=1e-3)

    def test_the_words_give_value_interval_and_repeats(self, learned):
        jar, pellet, reading = learned[0]
        assert jar.in_words("dex").endswith("; 20 recipes made in two jars or more")
        assert "(90 %: 0.0" in pellet.in_words("dex")
        assert "80 specimens read twice or more" in reading.in_words("dex")

    def test_errors_that_are_stated_are_not_learned(self):
        fitted = process().fit_evidence(campaign(0, n_jars=8, noise_sd=ERROR))
        assert [level.level for level in fitted.scatter()] == ["jar", "pellet"]
        assert fitted.error_sd == 0


class TestNothingRepeated:
    def test_says_that_the_data_do_not_determine_it(self):
        rng = np.random.default_rng(0)
        x = rng.random((10, 2))
        told = evidence(x, np.sin(x[:, 0]), np.arange(10), np.arange(10), np.full(10, np.nan))
        for level in process(reading_sd=0.05).fit_evidence(told).scatter():
            assert not level.determined
            assert "not determined by these data: 0 " in level.in_words("dex")

    def test_pellets_of_one_jar_do_not_tell_jars_apart(self):
        told = campaign(1, n_jars=20)
        x = told.points.x + 0.03 * told.groups["jar"][:, None]
        jar, pellet, _ = process(reading_sd=0.05).fit_evidence(told.moved(Points.of(x))).scatter()
        assert jar.in_words("dex") == (
            "jar: not determined by these data: 0 recipes made in two jars or more"
        )
        assert pellet.determined

    def test_without_a_reading_the_interval_is_the_priors(self):
        for level in process(reading_sd=0.05).fit(np.zeros((0, 2)), [], []).scatter():
            assert (level.lower, level.upper) == pytest.approx(
                (level.prior_lower, level.prior_upper), rel=1e-6
            )
            assert not level.determined


class TestSources:
    def fit(self, source):
        rng = np.random.default_rng(0)
        n = 8
        recipes = pd.DataFrame(
            {
                "x": rng.uniform(0, 0.5, n),
                "milling_time_h": 5,
                "milling_media": "zirconia",
                "milling_speed_rpm": 500,
                "pressing_pressure_mpa": 400,
                "source": source,
            },
            index=[f"P{i}" for i in range(n)],
        )
        value = 10 ** (-4.5 + recipes["x"].to_numpy())
        value[4:] *= 3
        readings = pd.DataFrame(
            {"specimen": recipes.index, "property": "ionic_conductivity", "se": np.nan}
        ).assign(lower=value, upper=value)
        own = recipes.iloc[:4].drop(columns="source")
        return PropertyGP("ionic_conductivity").fit(recipes, readings), own

    def test_what_a_foreign_source_shares_is_not_taken_for_the_truth(self):
        fitted, own = self.fit([""] * 4 + ["paper"] * 4)
        levels = [level.level for level in fitted.scatter()]
        assert levels[:4] == ["jar", "pellet", "source", "foreign_jar"]
        alone, _ = self.fit([None] * 8)
        expected = -4.5 + own["x"].to_numpy()
        with_source = np.abs(np.log10(fitted.predict(own)["mean"]) - expected).max()
        without = np.abs(np.log10(alone.predict(own)["mean"]) - expected).max()
        assert with_source < without
        assert with_source < 0.06

    def test_one_source_only_leaves_the_levels_as_they_are(self):
        fitted, _ = self.fit([""] * 8)
        assert [level.level for level in fitted.scatter()] == ["jar", "pellet", READING]

    def test_the_scatter_of_a_new_sample_is_that_of_this_laboratory(self):
        fitted, own = self.fit([""] * 4 + ["paper"] * 4)
        jar, pellet, *_, error = fitted.scatter()
        predicted = fitted.predict(own)
        expected = np.sqrt(predicted["sd"] ** 2 + jar.sd**2 + pellet.sd**2 + error.sd**2)
        np.testing.assert_allclose(predicted["reading_sd"], expected)
