"""Bayesian ridge regression: straight lines in every feature."""

from dataclasses import dataclass
from itertools import product
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from models.baseline_table import Answer, BaselineTable, TableSurrogate

Array = NDArray[np.float64]

SHARES: Final = (0.0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6)
"""Variances of slopes and of misfit that are tried, in parts of the catalogue's prior variance;
all pairs are equally probable before the data."""


@final
@dataclass(frozen=True, eq=False)
class RidgeSurrogate(TableSurrogate):
    r"""Linear in the features, with slopes shrunk to zero and a misfit of each specimen.

    .. math:: y_i = m_0 + c + \sum_j w_j (2 u_{ij} - 1) + b_i + r_i + e_i,\quad
              c \sim N(0, v_0),\; w_j \sim N(0, s v_0),\; b_i \sim N(0, t v_0)

    with m_0 and v_0 the catalogue's prior, r its usual scatter, e the reading's own error. s and
    t are averaged over a grid by their evidence, because a point estimate of them is
    overconfident with ten glasses; offset and slopes have a closed form.

    References:
        MacKay, Neural Comput. 4 (1992) 415, doi:10.1162/neco.1992.4.3.415.

    Examples:
        >>> RidgeSurrogate("youngs_modulus").in_words()
        "0 Young's modulus readings: too few to learn from; the prior decides"
    """

    def learn(self, table: BaselineTable) -> dict[str, Any]:
        """Offset and slopes with their covariance, and the misfit: moments over the grid.

        Args:
            table: Readings that show a trend.

        Returns:
            ``coefficients`` (7), ``covariance`` (7 x 7) and ``misfit_variance``.
        """
        prior_variance = self.entry.prior_sd**2
        design, residual = _design(table.x), table.y - self.entry.prior_centre
        noise = table.noise_sd**2 + self.entry.scatter_sd**2
        means, covariances, misfits, evidences = [], [], [], []
        for slope_share, misfit_share in product(SHARES, SHARES):
            prior = prior_variance * np.array([1.0, *[slope_share] * table.x.shape[1]])
            misfit = misfit_share * prior_variance
            mean, covariance, evidence = _posterior(design, residual, noise + misfit, prior)
            means.append(mean)
            covariances.append(covariance)
            misfits.append(misfit)
            evidences.append(evidence)
        weights = np.exp(np.array(evidences) - max(evidences))
        weights /= weights.sum()
        centre = weights @ np.array(means)
        apart = np.array(means) - centre
        covariance = np.einsum("k,kij->ij", weights, np.array(covariances))
        return {
            "coefficients": centre.tolist(),
            "covariance": (covariance + (weights[:, None] * apart).T @ apart).tolist(),
            "misfit_variance": float(weights @ np.array(misfits)),
        }

    def answer(self, x: Array) -> Answer:
        """The straight lines, their doubt, and an own misfit of each row.

        Args:
            x: Shape (N, 6), in the unit cube.

        Returns:
            Moments on the property's scale; the noise is the catalogue's.
        """
        learned = self.fitted_numbers
        design = _design(x)
        covariance = design @ np.array(learned["covariance"]) @ design.T
        return Answer(
            mean=self.entry.prior_centre + design @ np.array(learned["coefficients"]),
            covariance=covariance + learned["misfit_variance"] * np.eye(len(x)),
            noise_variance=self.entry.noise_sd**2,
        )


def _design(x: Array) -> Array:
    """A column of ones and the features from -1 to 1."""
    return np.column_stack([np.ones(len(x)), 2 * x - 1])


def _posterior(
    design: Array, residual: Array, noise: Array, prior: Array
) -> tuple[Array, Array, float]:
    """Mean, covariance and log evidence of coefficients; a prior variance of zero is allowed."""
    root = np.sqrt(prior)
    scaled = design * root
    inner = np.eye(len(prior)) + (scaled / noise[:, None]).T @ scaled
    pull = scaled.T @ (residual / noise)
    inverse = np.linalg.inv(inner)
    solved = inverse @ pull
    evidence = -0.5 * float(
        np.log(noise).sum()
        + np.linalg.slogdet(inner)[1]
        + (residual**2 / noise).sum()
        - pull @ solved
    )
    return root * solved, root[:, None] * inverse * root, evidence
