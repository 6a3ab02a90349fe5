"""One joint draw of all that a campaign's surrogates hold to be true: a world to plan in.

It is a set of functions of the recipe. Whatever is asked of it, in whatever order, it gives the
same answer; over many draws the answers are spread as the surrogates predict.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtr

from features.properties import property_of
from features.trilayer import CELL_DESCRIPTORS, cell_descriptors
from models.batch_success import Feasibility
from models.cholesky import stable_cholesky
from models.evidence import Evidence, Points
from models.exact import readings_covariance
from models.feasibility import FeasibilitySurrogate, Level
from models.gp import GaussianProcess
from models.hyper_posterior import HyperPosterior
from models.layers import DENSITY_LIMITS, LAYER_PROPERTIES, layers_by
from models.path import Path, settled, with_values
from models.property_gp import PropertyGP
from models.scaling import in_unit_cube
from models.told import READING
from models.trilayer import ASR, CCD, OFF_SERIES_SUM, SERIES_SUM_SD, TrilayerSurrogate

Array = NDArray[np.float64]

N_CANDIDATES: Final = 512
"""Draws of the layers among which one is taken by how well it explains measured resistances."""

_ASR_COLUMN: Final = CELL_DESCRIPTORS.index("log10_asr")


@final
@dataclass(frozen=True, eq=False)
class DrawnTruth:
    """True values of every pellet and cell, and chances of success, in one possible world.

    Attributes:
        surrogates: What it was drawn from.
        layers: Path of each pellet property, over recipes.
        current: Path of the critical current density, over descriptors of cells.
        off_series_sum: Path of how far a cell's resistance lies from the sum of its layers.
        success: Path of the latent of success, by level.
    """

    surrogates: TrilayerSurrogate
    feasibility: Feasibility
    layers: Mapping[str, Path]
    current: Path
    off_series_sum: Path
    success: Mapping[Level, Path]

    @classmethod
    def of(
        cls, surrogates: TrilayerSurrogate, feasibility: Feasibility, rng: np.random.Generator
    ) -> "DrawnTruth":
        """Draw a world.

        Measured resistances choose among draws of the layers, by importance; critical currents
        and outcomes condition their own paths.

        Args:
            surrogates: Fitted, layers included.
            feasibility: Fitted.
            rng: Source of randomness.

        Returns:
            The world.

        Raises:
            NotFittedError: If a surrogate was not fitted.
        """
        layers, deviation = _layers_and_deviation(surrogates, rng)
        stepped = surrogates.stepped
        described = _described(surrogates, layers, deviation, stepped, surrogates.central(stepped))
        current = Path.of(surrogates.described_as(described, rng), rng)
        levels: dict[Level, Path] = {
            level: Path.of(_latent(surrogate), rng)
            for level, surrogate in _by_level(feasibility).items()
        }
        return cls(surrogates, feasibility, layers, current, deviation, levels)

    def pellets(self, property_id: str, recipes: pd.DataFrame) -> Array:
        """True values of a property of pellets.

        Args:
            property_id: One of ``LAYER_PROPERTIES``.
            recipes: N recipes, columns as for ``PropertyGP.predict``; optional temperature_c.

        Returns:
            Shape (N,), physical units; a density is held within what a layer can have.

        Raises:
            TableError: If a column is missing or holds no number.
            RecipeError: If a medium is unknown.
        """
        return _pellets(self.surrogates.layers, self.layers, property_id, recipes)

    def cells(self, cells: pd.DataFrame, central: Array | None = None) -> dict[str, Array]:
        """True critical current density and resistance of cells.

        Args:
            cells: N cells, columns as for ``TrilayerSurrogate``.
            central: What ``TrilayerSurrogate.central`` gives for them, where it is known already.

        Returns:
            By property, shape (N,), physical units.

        Raises:
            TableError: If a column is missing or holds no number.
            RecipeError: If a medium is unknown.
        """
        known = self.surrogates.central(cells) if central is None else central
        described = _described(self.surrogates, self.layers, self.off_series_sum, cells, known)
        return {
            CCD: property_of(CCD).from_scale(self.current(self.surrogates.points(described))),
            ASR: property_of(ASR).from_scale(described[:, _ASR_COLUMN]),
        }

    def chance(self, level: Level, specimens: pd.DataFrame) -> Array:
        """True probability that each specimen succeeds, given that what it is made of did.

        Args:
            level: ``jar``, ``pellet`` or ``cell``.
            specimens: N rows, columns as for ``FeasibilitySurrogate``.

        Returns:
            Shape (N,).

        Raises:
            TableError: If a column is missing or holds no number.
            RecipeError: If a medium is unknown.
        """
        surrogate = _by_level(self.feasibility)[level]
        latent = self.success[level](surrogate.inputs(specimens))
        chance: Array = ndtr(latent / surrogate.luck)
        return chance

    def scatter(self, property_id: str) -> Mapping[str, float]:
        """Standard deviation of each level between the truth and a reading, on the scale.

        Args:
            property_id: Of a pellet: levels jar, pellet and reading; of a cell: cell and reading.

        Returns:
            By level.
        """
        if property_id == CCD:
            return self.current.scatter
        if property_id == ASR:
            entry = property_of(ASR)
            return {"cell": entry.scatter_sd, READING: entry.default_se}
        return self.layers[property_id].scatter


def _by_level(feasibility: Feasibility) -> dict[Level, FeasibilitySurrogate]:
    return {"jar": feasibility.jar, "pellet": feasibility.pellet, "cell": feasibility.cell}


def _latent(surrogate: FeasibilitySurrogate) -> GaussianProcess:
    surrogate.luck  # noqa: B018 - refuses one that was not fitted
    return surrogate.process  # type: ignore[return-value]


def _layers_and_deviation(
    surrogates: TrilayerSurrogate, rng: np.random.Generator
) -> tuple[dict[str, Path], Path]:
    """Paths of the layers, and that of the deviation given what these leave of the resistances."""
    processes = {name: settled(_process(surrogates.layers[name]), rng) for name in LAYER_PROPERTIES}
    cells, (measured, error) = surrogates.resisting, surrogates.resistance
    points = Points.of(in_unit_cube(surrogates.central(cells), surrogates.ranges))
    foretold = np.zeros(0)
    if len(cells):
        processes, foretold = _layers_that_explain(surrogates, processes, points, rng)
    deviation = _off_series_sum(points, measured - foretold, error)
    return {name: Path.of(process, rng) for name, process in processes.items()}, Path.of(
        deviation, rng
    )


def _layers_that_explain(
    surrogates: TrilayerSurrogate,
    processes: Mapping[str, GaussianProcess],
    points: Points,
    rng: np.random.Generator,
) -> tuple[dict[str, GaussianProcess], Array]:
    """Layers given one draw of theirs in the cells whose resistance is known, and its series sum.

    The draw is taken from many by how likely it makes the resistances.
    """
    asked: dict[str, Points] = {}
    drawn: dict[str, Array] = {}

    def sampled(name: str, states: pd.DataFrame) -> Array:
        surrogate = surrogates.layers[name]
        asked[name] = surrogate.asked(states)
        drawn[name] = processes[name].sample(asked[name], N_CANDIDATES, rng)
        value = surrogate.entry.from_scale(drawn[name])
        return np.clip(value, *DENSITY_LIMITS) if name == "relative_density" else value

    cells, (measured, error) = surrogates.resisting, surrogates.resistance
    foretold = cell_descriptors(cells, **layers_by(cells, sampled))[..., _ASR_COLUMN]
    _, told, learned = _off_series_sum(points, measured, error).inner
    factor = stable_cholesky(readings_covariance(learned.best, told))
    white = np.linalg.solve(factor, (measured - foretold).T[told.row] / SERIES_SUM_SD)
    log_weights = -0.5 * (white**2).sum(axis=0)
    weights = np.exp(log_weights - log_weights.max())
    taken = rng.choice(N_CANDIDATES, p=weights / weights.sum())
    known = {
        name: with_values(process, asked[name], drawn[name][taken])
        for name, process in processes.items()
    }
    return known, foretold[taken]


def _off_series_sum(points: Points, deviation: Array, error: Array) -> GaussianProcess:
    """The process of the deviation given what is known of it, decades."""
    return GaussianProcess(
        prior_centre=0.0, prior_sd=SERIES_SUM_SD, scatter_sd=SERIES_SUM_SD, levels={"cell": 1.0}
    ).condition(Evidence.exact(points, deviation, error), HyperPosterior.certain(OFF_SERIES_SUM))


def _described(
    surrogates: TrilayerSurrogate,
    layers: Mapping[str, Path],
    deviation: Path,
    cells: pd.DataFrame,
    central: Array,
) -> Array:
    """Shape (N, 9), descriptors of cells in this world."""
    described = _descriptors(surrogates.layers, layers, cells)
    described[:, _ASR_COLUMN] += deviation(in_unit_cube(central, surrogates.ranges))
    return described


def _descriptors(
    surrogates: Mapping[str, PropertyGP], layers: Mapping[str, Path], cells: pd.DataFrame
) -> Array:
    """The same by the layers alone."""
    values = layers_by(
        cells, lambda name, states: _pellets(surrogates, layers, name, states)[None, :]
    )
    described: Array = cell_descriptors(cells, **values)[0]
    return described


def _pellets(
    surrogates: Mapping[str, PropertyGP],
    layers: Mapping[str, Path],
    property_id: str,
    recipes: pd.DataFrame,
) -> Array:
    surrogate = surrogates[property_id]
    value = surrogate.entry.from_scale(layers[property_id](surrogate.asked(recipes)))
    return np.clip(value, *DENSITY_LIMITS) if property_id == "relative_density" else value


def _process(surrogate: PropertyGP) -> GaussianProcess:
    surrogate.scatter()  # refuses one that was not fitted
    return surrogate.process  # type: ignore[return-value]
