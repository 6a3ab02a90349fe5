import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern

from features.errors import NotFittedError, TableError
from models.cholesky import stable_cholesky
from models.evidence import Evidence
from models.gp import GaussianProcess
from models.hyper_posterior import HyperPosterior
from models.hyperparameters import CONSTANT_SHARE, Hyperparameters, hyper_prior
from models.matern import correlation

CENTRE, SD, SCATTER = -4.8, 1.1, 0.06


@pytest.fixture
def process():
    return GaussianProcess(CENTRE, SD, SCATTER)


def table(n=12, d=3, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.random((n, d))
    y = CENTRE + np.sin(4 * x[:, 0]) + 0.05 * rng.standard_normal(n)
    return x, y, rng.uniform(0.01, 0.1, n)


class TestAgainstScikitLearn:
    @pytest.fixture
    def both(self):
        x, y, noise = table()
        known = Hyperparameters(np.array([0.3, 0.8, 2.0]), amplitude=0.9, scatter=np.array([0.1]))
        ours = GaussianProcess(0.0, 1.0, 0.1).condition(
            Evidence.exact(x, y, noise), HyperPosterior.certain(known)
        )
        kernel = ConstantKernel(CONSTANT_SHARE, "fixed") + ConstantKernel(0.81, "fixed") * Matern(
            known.lengthscales, "fixed", nu=2.5
        )
        theirs = GaussianProcessRegressor(kernel, alpha=0.01 + noise**2, optimizer=None).fit(x, y)
        return ours, theirs, np.random.default_rng(1).random((7, 3))

    def test_mean_and_covariance_agree(self, both):
        ours, theirs, new = both
        mean, covariance = ours.joint(new)
        expected_mean, expected = theirs.predict(new, return_cov=True)
        np.testing.assert_allclose(mean, expected_mean, atol=1e-8)
        np.testing.assert_allclose(covariance, expected, atol=1e-8)

    def test_log_marginal_likelihood_agrees(self, both):
        ours, theirs, _ = both
        assert ours.log_marginal_likelihood == pytest.approx(
            theirs.log_marginal_likelihood_value_, abs=1e-8
        )


class TestInvariances:
    def test_order_of_rows_changes_nothing(self, process):
        x, y, noise = table()
        order = np.random.default_rng(3).permutation(len(y))
        new = np.random.default_rng(4).random((5, 3))
        straight = process.fit(x, y, noise).marginal(new)
        shuffled = process.fit(x[order], y[order], noise[order]).marginal(new)
        np.testing.assert_array_equal(straight, shuffled)

    def test_shifting_readings_and_prior_together_shifts_the_mean(self, process):
        x, y, noise = table()
        mean, sd = process.fit(x, y, noise).marginal(x)
        moved = GaussianProcess(CENTRE + 7, SD, SCATTER).fit(x, y + 7, noise)
        np.testing.assert_allclose(moved.marginal(x), (mean + 7, sd), atol=1e-6)

    def test_scaling_everything_scales_the_prediction(self, process):
        x, y, noise = table()
        mean, sd = process.fit(x, y, noise).marginal(x)
        scaled = GaussianProcess(1e3 * CENTRE, 1e3 * SD, 1e3 * SCATTER)
        scaled = scaled.fit(x, 1e3 * y, 1e3 * noise)
        np.testing.assert_allclose(scaled.marginal(x), (1e3 * mean, 1e3 * sd), rtol=1e-6)

    def test_log_marginal_likelihood_counts_the_unit(self, process):
        x, y, noise = table()
        scaled = GaussianProcess(10 * CENTRE, 10 * SD, 10 * SCATTER).fit(x, 10 * y, 10 * noise)
        expected = process.fit(x, y, noise).log_marginal_likelihood - len(y) * np.log(10)
        assert scaled.log_marginal_likelihood == pytest.approx(expected, abs=1e-6)


class TestFewReadings:
    def test_without_reading_the_prior_is_exact(self, process):
        fitted = process.fit(np.zeros((0, 3)), [], [])
        mean, sd = fitted.marginal(np.random.default_rng(0).random((6, 3)))
        np.testing.assert_allclose(mean, CENTRE, rtol=1e-14)
        np.testing.assert_allclose(sd, SD, rtol=1e-14)
        assert fitted.residual_sd == pytest.approx(SCATTER)
        assert fitted.log_marginal_likelihood == 0

    @pytest.mark.parametrize("d", [1, 3, 6, 9])
    @pytest.mark.parametrize("offset", [0.0, 1.0, -2.0], ids=["at-centre", "above", "below"])
    def test_one_reading_is_known_where_it_is_and_leaves_the_rest_open(self, process, d, offset):
        fitted = process.fit(np.zeros((1, d)), [CENTRE + offset], [0.02])
        _, (near, far) = fitted.marginal(np.array([np.zeros(d), np.ones(d)]))
        assert 0.5 * SCATTER < near < 1.5 * np.hypot(fitted.residual_sd, 0.02)
        assert far > 0.6 * SD

    @pytest.mark.parametrize("n", [2, 3])
    def test_equal_readings_at_one_place_do_not_make_the_rest_certain(self, process, n):
        fitted = process.fit(np.zeros((n, 3)), np.full(n, CENTRE), np.full(n, 0.02))
        assert fitted.marginal(np.ones((1, 3)))[1][0] > 0.6 * SD
        assert fitted.amplitude > 0.8 * SD * np.sqrt(1 - CONSTANT_SHARE)

    def test_length_scale_of_a_column_that_never_varied_stays_at_its_median(self, process):
        x, y, noise = table()
        x[:, 1] = 0.4
        scales = process.fit(x, y, noise).lengthscales
        assert scales[1] == pytest.approx(0.6, rel=1e-12)
        assert scales[0] != pytest.approx(0.6, rel=0.02)

    def test_length_scale_median_grows_beyond_four_dimensions(self):
        def median(d):
            prior = hyper_prior(n_dimensions=d, lengthscale_median=0.6, scatter_medians=[0.1])
            return prior.medians.lengthscales[0]

        assert [median(1), median(4), median(9)] == pytest.approx([0.6, 0.6, 0.9])

    def test_90_percent_intervals_hold_the_truth_about_as_often_as_they_say(self):
        rng, inside = np.random.default_rng(0), []
        prior = hyper_prior(n_dimensions=3, lengthscale_median=0.6, scatter_medians=[SCATTER])
        for _ in range(150):
            theta = prior.medians.theta + prior.ln_sd * rng.standard_normal(5)
            x = rng.random((8 + 12, 3))
            varying = np.exp(2 * theta[3]) * correlation(x, x, np.exp(theta[:3]))
            truth = stable_cholesky(CONSTANT_SHARE + varying) @ rng.standard_normal(20)
            y = truth[:8] + np.hypot(np.exp(theta[4]), 0.02) * rng.standard_normal(8)
            fitted = GaussianProcess(0, 1, SCATTER).fit(x[:8], y, np.full(8, 0.02))
            mean, sd = fitted.marginal(x[8:])
            inside.append(np.abs(truth[8:] - mean) < 1.645 * sd)
        assert 0.85 < np.mean(inside) < 0.95


class TestOddTables:
    @pytest.mark.parametrize(
        ("x", "y", "noise"),
        [
            pytest.param(np.full((10, 2), 0.5), np.zeros(10), np.zeros(10), id="all-the-same"),
            pytest.param(np.full((2, 2), 0.5), [-9.0, 1.0], [0.0, 0.0], id="contradiction"),
            pytest.param([[0.1], [0.2]], [-5.0, -4.0], [1e-9, 1e3], id="widely-differing-noise"),
            pytest.param([[0.1], [0.1 + 1e-13]], [-5.0, -5.0], [0.0, 0.0], id="nearly-duplicate"),
            pytest.param([[-30.0], [50.0]], [-5.0, 400.0], [0.1, 0.1], id="far-out"),
        ],
    )
    def test_are_fitted_with_finite_predictions(self, process, x, y, noise):
        mean, sd = process.fit(x, y, noise).marginal(x)
        assert np.isfinite(mean).all()
        assert (np.isfinite(sd) & (sd > 0)).all()

    def test_two_hundred_readings_are_fitted(self, process):
        x, y, noise = table(n=200, d=3)
        mean, sd = process.fit(x, y, noise).marginal(x)
        np.testing.assert_allclose(mean, CENTRE + np.sin(4 * x[:, 0]), atol=0.15)
        assert (sd > 0).all()

    @settings(max_examples=40, deadline=None)
    @given(data=st.data())
    def test_any_table_gives_finite_predictions_with_some_doubt(self, data):
        n, d = data.draw(st.integers(0, 6)), data.draw(st.integers(1, 4))
        grid = st.sampled_from([0.0, 0.25, 0.5, 1.0, 1.7])
        x = [[data.draw(grid) for _ in range(d)] for _ in range(n)]
        y = [data.draw(st.floats(-12, 3)) for _ in range(n)]
        noise = [data.draw(st.sampled_from([0.0, 1e-6, 0.02, 1.0, 50.0])) for _ in range(n)]
        process = GaussianProcess(CENTRE, SD, SCATTER).fit(np.reshape(x, (n, d)), y, noise)
        mean, sd = process.marginal([[0.25] * d, [1.0] * d])
        assert np.isfinite(mean).all()
        assert (np.isfinite(sd) & (sd > 0)).all()


class TestJointAndSamples:
    def test_joint_and_marginal_agree(self, process):
        fitted = process.fit(*table())
        new = np.random.default_rng(1).random((6, 3))
        mean, covariance = fitted.joint(new)
        np.testing.assert_allclose(mean, fitted.marginal(new)[0], rtol=1e-10)
        np.testing.assert_allclose(np.sqrt(np.diag(covariance)), fitted.marginal(new)[1], rtol=1e-8)

    def test_moments_of_many_draws_are_those_of_the_joint(self, process):
        fitted = process.fit(*table(n=4))
        new = np.array([[0.1, 0.1, 0.1], [0.15, 0.1, 0.1], [1.0, 1.0, 1.0]])
        draws = fitted.sample(new, 40_000, np.random.default_rng(0))
        mean, covariance = fitted.joint(new)
        assert draws.shape == (40_000, 3)
        np.testing.assert_allclose(draws.mean(axis=0), mean, atol=0.02)
        np.testing.assert_allclose(np.cov(draws.T), covariance, atol=0.02)

    def test_one_recipe_asked_twice_has_one_true_value(self, process):
        draws = process.fit(*table()).sample(np.full((2, 3), 0.3), 50, np.random.default_rng(0))
        np.testing.assert_allclose(draws[:, 0], draws[:, 1], atol=1e-3 * SD)

    def test_a_new_jar_adds_the_residual(self, process):
        fitted = process.fit(*table())
        (_, sd), (_, wider) = fitted.marginal([[0.5] * 3]), fitted.predictive([[0.5] * 3])
        assert wider[0] == pytest.approx(np.hypot(sd[0], fitted.residual_sd))


class TestKeeping:
    @pytest.mark.parametrize("n", [0, 1, 12])
    def test_predictions_survive_json_to_the_last_bit(self, process, n):
        fitted = process.fit(*table(n=n))
        again = GaussianProcess.from_dict(json.loads(json.dumps(fitted.to_dict())))
        new = np.random.default_rng(1).random((5, 3))
        np.testing.assert_array_equal(fitted.marginal(new), again.marginal(new))
        assert again.residual_sd == fitted.residual_sd
        assert again.log_marginal_likelihood == fitted.log_marginal_likelihood

    def test_an_unfitted_process_survives_json(self, process):
        again = GaussianProcess.from_dict(json.loads(json.dumps(process.to_dict())))
        np.testing.assert_array_equal(
            again.fit(*table()).marginal(table()[0]), process.fit(*table()).marginal(table()[0])
        )


class TestComplaints:
    def test_fit_returns_a_copy_and_leaves_the_original_unfitted(self, process):
        process.fit(*table())
        with pytest.raises(NotFittedError, match="before fit, got no readings; call fit first"):
            process.marginal([[0.5] * 3])

    def test_condition_needs_hyperparameters(self, process):
        with pytest.raises(NotFittedError, match="before fit"):
            process.condition(Evidence.exact(*table()))

    @pytest.mark.parametrize(
        ("x", "y", "noise", "message"),
        [
            pytest.param(
                [0.5], [1.0], [0.1], r"x must have shape \(n, d\), got \(1,\)", id="flat-x"
            ),
            pytest.param([[0.5]], [1.0, 2.0], [0.1], r"shape \(1,\) .* got \(2,\)", id="extra-y"),
            pytest.param([[0.5]], [np.nan], [0.1], r"must be finite, or .* in row 0", id="nan-y"),
            pytest.param([[np.nan]], [1.0], [0.1], r"x must be finite, got .* row 0", id="nan-x"),
            pytest.param([[0.5]], [1.0], [-0.1], r"not negative, .* = -0\.1", id="negative-noise"),
            pytest.param([[0.5]], [1.0], [np.nan], "or reading_sd to learn them", id="no-noise"),
            pytest.param([[0.5]], [np.inf], [0.1], "open on one side", id="infinite-y"),
        ],
    )
    def test_fit_names_what_is_wrong_with_the_table(self, process, x, y, noise, message):
        with pytest.raises(TableError, match=message):
            process.fit(x, y, noise)

    def test_predicting_with_other_columns_names_the_shapes(self, process):
        with pytest.raises(TableError, match=r"shape \(N, 3\) as in fit, got \(1, 2\)"):
            process.fit(*table()).marginal([[0.5, 0.5]])

    @pytest.mark.parametrize(
        ("prior", "message"),
        [
            pytest.param((np.nan, 1, 1), "prior_centre must be finite, got nan", id="centre"),
            pytest.param((0, 0, 1), "prior_sd must be positive and finite, got 0", id="sd"),
            pytest.param((0, 1, -1), "scatter_sd must be positive and fin", id="scatter"),
        ],
    )
    def test_a_prior_that_is_none_is_refused(self, prior, message):
        with pytest.raises(TableError, match=message):
            GaussianProcess(*prior)
