"""Cells from their layers: resistance as a series sum, critical current learned from layers.

The layers are known only roughly, so nothing is computed from their mean: every draw takes one
value for every glass, describes all cells with it, the measured ones too, and lets the process
of the critical current speak given those descriptions. Measured resistances say which draws of
the layers are right.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any, Final, final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

from features.errors import NotFittedError
from features.properties import property_of
from features.table import column
from features.trilayer import CELL_DESCRIPTORS, cell_descriptors, void_limited_current
from models.assimilation import corrected_draws
from models.cholesky import stable_cholesky
from models.critical_current_physics import (
    CCD_CONSTANTS,
    central_constants,
    critical_current_prior,
)
from models.evidence import Evidence, Points
from models.exact import readings_covariance
from models.gp import GaussianProcess
from models.hyper_posterior import MANY_READINGS, HyperPosterior
from models.hyperparameters import (
    CONSTANT_SHARE,
    Hyperparameters,
    prior_covariance,
    prior_variance,
)
from models.interval_rows import interval_rows
from models.layers import CELL_COLUMNS, central_layers, checked_layers, drawn_layers
from models.property_gp import DISCREPANCY, PropertyGP
from models.scaling import Ranges, checked_ranges, in_unit_cube
from models.scatter import Scatter
from models.scenarios import LEAST_VARIANCE
from models.standing_cells import StandingCells, StandingResistances
from models.surrogate import predictions_table
from models.training import rows_of_specimens
from models.wording import limits_in_words, state_in_words

Array = NDArray[np.float64]

CCD: Final = "critical_current_density"
ASR: Final = "area_specific_resistance"

N_DRAWS: Final = 512
"""Layer draws behind a prediction, and the fewest that measured resistances are weighed with."""

SERIES_SUM_SD: Final = 0.15
"""How far a resistance may lie from the series sum, in decades: reaction layers and contacts are
not in it, and they differ from skin to skin (assigned)."""

OFF_SERIES_SUM: Final = Hyperparameters(
    lengthscales=np.full(len(CELL_DESCRIPTORS), 0.9),
    amplitude=(1 - CONSTANT_SHARE) ** 0.5,
    scatter=np.zeros(1),
)
"""How that deviation varies over the central descriptors: cells alike deviate alike."""

N_STANDING: Final = 128
"""Layer draws where measured cells stand (see below): little is not known of the layers then."""

MOST_AT_ONCE: Final = 8192
"""Cells, each as one draw describes it, that are predicted together: what fits into memory."""

MANY_CELLS: Final = 100
"""With more readings of critical current than these, in a campaign of more than ``MANY_READINGS``,
measured cells stand at the centre of their layers (``models.standing_cells``): drawing them anew
for every prediction would cost the cube of their number each time."""

_ASR_COLUMN: Final = CELL_DESCRIPTORS.index("log10_asr")
_POROSITY_COLUMN: Final = CELL_DESCRIPTORS.index("skin_porosity")
_CONSTANT_STEP: Final = 1e-4

_UNFITTED: Final = (
    "TrilayerSurrogate: cells were asked for before fit, got no readings; "
    "call fit first, with an empty table if nothing was measured"
)


def _log10_range(property_id: str) -> tuple[float, float]:
    low, high = property_of(property_id).typical
    return float(np.log10(low)), float(np.log10(high))


DESCRIPTOR_RANGES: Final[Ranges] = MappingProxyType(
    {
        "log10_interface_resistance": _log10_range("charge_transfer_resistance"),
        "skin_porosity": (0.0, 0.3),
        "skin_youngs_modulus_gpa": property_of("youngs_modulus").typical,
        "log10_skin_electronic_conductivity": _log10_range("electronic_conductivity"),
        "log10_void_current": (
            float(np.log10(void_limited_current(1.0, 25.0))),
            float(np.log10(void_limited_current(15.0, 90.0))),
        ),
        "skin_thickness_um": (40.0, 150.0),
        "log10_asr": _log10_range(ASR),
        "skin_x": (0.0, 0.6),
        "core_x": (0.0, 0.6),
    }
)
"""What becomes 0 to 1: the typical ranges of domain notes 5.6; void current from 1 MPa at 25 °C to
15 MPa at 90 °C; thickness of 12 to 40 mg of skin."""


@final
@dataclass(frozen=True, eq=False)
class TrilayerSurrogate:
    """Critical current density and area specific resistance of cells, layers' doubt included.

    The critical current is a Gaussian process on ``CELL_DESCRIPTORS``. Its hyperparameters are
    learned once, at the layers' central values; each draw of the layers then describes measured
    and new cells alike. A programme that ended without a short is a bound: it is replaced by
    draws beyond it. The resistance is the series sum of the drawn layers, off by an unknown
    factor that is alike for cells alike; measured resistances correct it and the layers together.
    With no reading the critical current has the catalogue's prior. Above ``MANY_CELLS`` measured
    cells are taken at the centre of their layers, and resistances correct the series sum only.

    Attributes:
        layers: Fitted surrogate by property: ionic_conductivity, relative_density,
            charge_transfer_resistance, youngs_modulus, electronic_conductivity.
        ranges: Low and high end by descriptor; those not given keep ``DESCRIPTOR_RANGES``.
        physics: Whether the prior mean of the critical current is the smaller of a flaw limit
            and a void limit (``models.critical_current_physics``).
        process: The fitted process, ``None`` before ``fit``.
        measured: What was measured, one row a reading of critical current, then of resistance.
        resistance: Values and errors of the resistances, shape (2, k), decades.
        n_readings: Readings of critical current used.
        waiting: Number of readings it could not use, by reason.
        is_standing: Whether measured cells stand at the centre of their layers.

    Raises:
        TableError: If a layer surrogate is missing.
        SpaceError: If a range is of an unknown descriptor, or empty.

    Examples:
        >>> from models.layers import LAYER_PROPERTIES
        >>> none = pd.DataFrame(columns=["specimen", "property", "lower", "upper", "se"])
        >>> glass = {"x": 0.6, "milling_time_h": 3, "milling_media": "zirconia",
        ...          "milling_speed_rpm": 500}
        >>> pellets = pd.DataFrame({**glass, "pressing_pressure_mpa": 450}, index=["P1"])
        >>> layers = {name: PropertyGP(name).fit(pellets, none) for name in LAYER_PROPERTIES}
        >>> sides = {f"{side}_{name}": value for side in ("core", "skin")
        ...          for name, value in glass.items()}
        >>> cells = pd.DataFrame({**sides, "core_mass_mg": 150, "skin_mass_mg": 25,
        ...     "pressing_pressure_mpa": 450, "stack_pressure_mpa": 7, "temperature_c": 60},
        ...     index=["C1"])
        >>> predicted = TrilayerSurrogate(layers).fit(cells, none).predict(cells)
        >>> round(float(predicted["critical_current_density"].loc["C1", "sd"]), 2)
        0.53
    """

    layers: Mapping[str, PropertyGP]
    ranges: Ranges = field(default_factory=dict)
    physics: bool = False
    process: GaussianProcess | None = None
    measured: pd.DataFrame | None = None
    resistance: Array = field(default_factory=lambda: np.zeros((2, 0)))
    n_readings: int = 0
    waiting: Mapping[str, int] = field(default_factory=dict)
    is_standing: bool = False

    def __post_init__(self) -> None:
        """Refuse missing layers; complete the ranges."""
        object.__setattr__(self, "layers", checked_layers(self.layers))
        complete = checked_ranges(CELL_DESCRIPTORS, {**DESCRIPTOR_RANGES, **self.ranges})
        object.__setattr__(self, "ranges", complete)

    def fit(self, cells: pd.DataFrame, readings: pd.DataFrame) -> "TrilayerSurrogate":
        """A copy fitted to the readings of critical current density and of resistance.

        Args:
            cells: One row a cell, index = specimen id; columns ``CELL_COLUMNS``.
            readings: Columns specimen, property, lower, upper, se, physical units; optional
                temperature_c, else the cell's.

        Returns:
            The fitted copy; the layers stay as they are.

        Raises:
            NotFittedError: If a layer surrogate was not fitted.
            TableError: If a column is missing, a reading is nonsense or its specimen unknown.
            RecipeError: If a medium is unknown.
        """
        entry = property_of(CCD)
        rows = interval_rows(readings, entry)
        rows_of_specimens(cells, [*map(str, rows.set_aside["specimen"])], "cells")
        # Sorted, so that the order of the table does not change which draw meets which cell.
        order = sorted(
            range(len(rows.specimen)), key=lambda i: (rows.specimen[i], rows.low[i], rows.high[i])
        )
        specimens = [rows.specimen[index] for index in order]
        measured = _at(
            _needed(rows_of_specimens(cells, specimens, "cells")), rows.temperature_c[order]
        )
        points = self.points(self.central(measured))
        told = Evidence.of(
            points,
            lower=rows.low[order],
            upper=rows.high[order],
            noise_sd=rows.noise_sd[order],
            groups={"cell": np.array(specimens, dtype=str)},
        )
        process = GaussianProcess(
            prior_centre=entry.prior_centre,
            prior_sd=entry.prior_sd * (DISCREPANCY if self.physics else 1.0),
            scatter_sd=entry.scatter_sd,
            levels={"cell": 1.0},
            reading_sd=entry.default_se,
        ).fit_evidence(told, crowded=len(readings) > MANY_READINGS)
        reduction, is_standing = process.reduction, False
        process = process.condition(told)
        if len(order) > MANY_CELLS and len(readings) > MANY_READINGS:
            best = process.inner[2].best
            learned = replace(process.inner[2], points=(best,), weights=np.ones(1))
            process, is_standing = replace(process, learned=learned), True
        if reduction is not None:  # learned from few, but all are told
            process = replace(process, reduction=replace(reduction, n_used=reduction.n_readings))
        resisting, resistance, waiting = _resistances(cells, readings)
        return replace(
            self,
            process=process,
            measured=pd.concat([measured, resisting]) if len(resisting) else measured,
            resistance=resistance,
            n_readings=len(order),
            waiting={**rows.waiting, **waiting},
            is_standing=is_standing,
        )

    def sample(self, cells: pd.DataFrame, n: int, rng: np.random.Generator) -> dict[str, Array]:
        """Joint draws of the true values, across cells and across both properties.

        Args:
            cells: N cells.
            n: Number of draws.
            rng: Source of randomness.

        Returns:
            By property, shape (n, N), physical units.

        Raises:
            NotFittedError: Before ``fit``.
            TableError: If a column is missing or holds no number.
            RecipeError: If a medium is unknown.
        """
        current, resistance = np.empty((n, len(cells))), np.empty((n, len(cells)))
        for draw, (process, new) in enumerate(self._drawn(cells, n, rng)):
            current[draw] = process.sample(self.points(new), 1, rng)[0]
            resistance[draw] = new[:, _ASR_COLUMN]
        return {
            CCD: property_of(CCD).from_scale(current),
            ASR: property_of(ASR).from_scale(resistance),
        }

    def foresee(
        self, standing: pd.DataFrame, cells: pd.DataFrame, n: int, rng: np.random.Generator
    ) -> tuple[Array, Array, Array]:
        """Scenarios of cells that stand, and what each leaves open of further cells.

        In a scenario the layers of all cells, the hyperparameters, the readings within their
        bounds and the values of the standing cells are drawn; the critical current of each
        further cell is then normal, its resistance known.

        Args:
            standing: C cells.
            cells: N further cells.
            n: S, number of scenarios.
            rng: Source of randomness.

        Returns:
            Values of the standing cells, shape (S, C, 2); means and standard deviations of the
            further ones, shape (S, N, 2). Critical current first, then resistance, decades.

        Raises:
            NotFittedError: If the surrogate was not fitted.
            TableError: If a column is missing or holds no number.
            RecipeError: If a medium is unknown.
        """
        c = len(standing)
        both = pd.concat([_needed(standing), _needed(cells)]) if c else _needed(cells)
        values = np.empty((n, c, 2))
        mean, sd = (np.zeros((n, len(cells), 2)) for _ in range(2))
        for draw, (process, described) in enumerate(self._drawn(both, n, rng)):
            normal, points = rng.standard_normal(c), self.points(described)
            values[draw, :, 0], mean[draw, :, 0], sd[draw, :, 0] = (
                self._standing_cells.scenario(draw, points, normal)
                if self.is_standing
                else _one_scenario(process, points, normal)
            )
            values[draw, :, 1] = described[:c, _ASR_COLUMN]
            mean[draw, :, 1] = described[c:, _ASR_COLUMN]
        return values, mean, sd

    def predict(self, cells: pd.DataFrame, seed: int = 0) -> dict[str, pd.DataFrame]:
        """Centre, spread and 90 % intervals for each cell, from draws of the layers.

        Args:
            cells: N cells.
            seed: Of the draws; the same seed gives the same table.

        Returns:
            By property, N rows with the index of ``cells``; columns ``PREDICTION_COLUMNS``.

        Raises:
            NotFittedError: Before ``fit``.
            TableError: If a column is missing or holds no number.
            RecipeError: If a medium is unknown.
        """
        n = N_STANDING if self.is_standing else N_DRAWS
        drawn = self._drawn(cells, n, np.random.default_rng(seed))
        if self.is_standing:  # one process: all draws at once
            process, step = self._fitted[0], max(1, MOST_AT_ONCE // max(1, len(cells)))
            standing: list[list[Array]] = []
            for first in range(0, n, step):
                some = np.concatenate([new for _, new in drawn[first : first + step]])
                both = process.marginal(self.points(some))
                standing.append([part.reshape(-1, len(cells)) for part in both])
            means, sds = (np.concatenate(part) for part in zip(*standing, strict=True))
        else:
            parts = [process.marginal(self.points(new)) for process, new in drawn]
            means = np.array([mean for mean, _ in parts])
            sds = np.array([sd for _, sd in parts])
        resistance = np.array([new[:, _ASR_COLUMN] for _, new in drawn])
        return {
            CCD: _table(
                CCD,
                cells.index,
                mean=means.mean(axis=0),
                sd=np.sqrt((sds**2).mean(axis=0) + means.var(axis=0)),
                residual_sd=self._fitted[0].residual_sd,
                error_sd=self._fitted[0].error_sd,
            ),
            ASR: _table(
                ASR,
                cells.index,
                mean=resistance.mean(axis=0),
                sd=resistance.std(axis=0),
                residual_sd=property_of(ASR).scatter_sd,
                error_sd=property_of(ASR).default_se,
            ),
        }

    def scatter(self) -> tuple[Scatter, ...]:
        """Standard deviation of the critical current between cells, and of its readings.

        Returns:
            One entry a level, decades.

        Raises:
            NotFittedError: Before ``fit``.
        """
        return self._fitted[0].scatter()

    def in_words(self) -> str:
        """What the critical current rests on, and a caution when that is little.

        Returns:
            One line.
        """
        clauses = [limits_in_words(self.process)]
        clauses += ["measured cells taken at the centre of their layers"] * self.is_standing
        limits = "; ".join(filter(None, clauses))
        return state_in_words(self.n_readings, self.waiting, CCD, limits)

    def to_dict(self) -> dict[str, Any]:
        """Everything needed to predict again, in plain JSON types, layers included.

        Returns:
            Layers, ranges, counts and, once fitted, cells and process.
        """
        return {
            "layers": {name: layer.to_dict() for name, layer in self.layers.items()},
            "ranges": {name: list(ends) for name, ends in self.ranges.items()},
            "physics": self.physics,
            "process": None if self.process is None else self.process.to_dict(),
            "resistance": self.resistance.tolist(),
            "measured": None if self.measured is None else _plain_cells(self.measured),
            "n_readings": self.n_readings,
            "waiting": dict(self.waiting),
            **({"is_standing": True} if self.is_standing else {}),
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "TrilayerSurrogate":
        """The surrogate that ``to_dict`` wrote.

        Args:
            plain: What ``to_dict`` returned, perhaps through JSON.

        Returns:
            The surrogate.
        """
        process, measured = plain["process"], plain["measured"]
        return cls(
            layers={name: PropertyGP.from_dict(layer) for name, layer in plain["layers"].items()},
            ranges={name: (low, high) for name, (low, high) in plain["ranges"].items()},
            physics=plain["physics"],
            process=None if process is None else GaussianProcess.from_dict(process),
            resistance=np.array(plain["resistance"], dtype=float).reshape(2, -1),
            measured=None if measured is None else pd.DataFrame(**measured),
            n_readings=plain["n_readings"],
            waiting=plain["waiting"],
            is_standing=plain.get("is_standing", False),
        )

    def central(self, cells: pd.DataFrame) -> Array:
        """What decides the critical current of each cell, by the centres of its layers.

        Args:
            cells: N cells.

        Returns:
            Shape (N, 9), in the order of ``CELL_DESCRIPTORS``.

        Raises:
            NotFittedError: If a layer surrogate was not fitted.
            TableError: If a column is missing or holds no number.
            RecipeError: If a medium is unknown.
        """
        centre: Array = cell_descriptors(cells, **central_layers(self.layers, cells))[0]
        return centre

    @property
    def stepped(self) -> pd.DataFrame:
        """Cells whose critical current was read, one row a reading.

        Raises:
            NotFittedError: Before ``fit``.
        """
        _, _, evidence, measured = self._fitted
        return measured.iloc[: len(evidence)]

    @property
    def resisting(self) -> pd.DataFrame:
        """Cells whose resistance was read, one row a reading, in the order of ``resistance``.

        Raises:
            NotFittedError: Before ``fit``.
        """
        _, _, evidence, measured = self._fitted
        return measured.iloc[len(evidence) :]

    def described_as(self, descriptors: Array, rng: np.random.Generator) -> GaussianProcess:
        """The process of the critical current under one draw of all it rests on.

        Args:
            descriptors: Shape (k, 9), of ``stepped`` as a draw of the layers describes them.
            rng: Draws the hyperparameters, and readings within their bounds.

        Returns:
            The process, of certain hyperparameters and exact readings.

        Raises:
            NotFittedError: Before ``fit``.
        """
        process, learned, evidence, _ = self._fitted
        value = process.readings(1, rng)[0]
        told = replace(evidence, points=self.points(descriptors), lower=value, upper=value)
        point = learned.points[rng.choice(len(learned.points), p=learned.weights)]
        return process.condition(told, HyperPosterior.certain(point))

    @property
    def _fitted(self) -> tuple[GaussianProcess, HyperPosterior, Evidence, pd.DataFrame]:
        """The process, its hyperparameters and readings, and the rows they were taken on."""
        process, measured = self.process, self.measured
        if process is None or measured is None:
            raise NotFittedError(_UNFITTED)
        if process.learned is None or process.evidence is None:
            raise NotFittedError(_UNFITTED)
        return process, process.learned, process.evidence, measured

    def points(self, descriptors: Array) -> Points:
        """Descriptors as points of the process, with the laws if switched on.

        Args:
            descriptors: Shape (N, 9), in the order of ``CELL_DESCRIPTORS``.

        Returns:
            N points.
        """
        x = in_unit_cube(descriptors, self.ranges)
        if not self.physics:
            return Points.of(x)
        centre = central_constants()
        steps = _CONSTANT_STEP * np.diag([constant.sd for constant in CCD_CONSTANTS])
        basis = [
            critical_current_prior(descriptors, centre + step)
            - critical_current_prior(descriptors, centre - step)
            for step in steps
        ]
        return Points.of(
            x,
            offset=critical_current_prior(descriptors, centre),
            basis=np.column_stack(basis) / (2 * _CONSTANT_STEP),
        )

    def _drawn(
        self, cells: pd.DataFrame, n: int, rng: np.random.Generator
    ) -> list[tuple[GaussianProcess, Array]]:
        """A list of n draws of the layers.

        Each is the process given the measured cells as that draw describes them, at one point of
        its hyperparameters, and the descriptors of the new cells, shape (N, d), not scaled.
        """
        if self.is_standing:
            new = _needed(cells)
            drawn = cell_descriptors(new, **drawn_layers(self.layers, new, n, rng))
            at = Points.of(in_unit_cube(self.central(new), self.ranges))
            drawn[..., _ASR_COLUMN] += self._standing_resistances.draws(at, n, rng)
            return [(self._fitted[0], one) for one in drawn]
        process, learned, evidence, measured = self._fitted
        everything = pd.concat([measured, _needed(cells)]) if len(measured) else _needed(cells)
        described = self._described(everything, n, rng)
        points = rng.choice(len(learned.points), size=n, p=learned.weights)
        values = process.readings(n, rng)
        n_old = len(evidence)
        return [
            (
                process.condition(
                    replace(
                        evidence,
                        points=self.points(description[:n_old]),
                        lower=value,
                        upper=value,
                    ),
                    HyperPosterior.certain(learned.points[point]),
                ),
                description[len(measured) :],
            )
            for description, point, value in zip(described, points, values, strict=True)
        ]

    @cached_property
    def _standing_cells(self) -> StandingCells:
        return StandingCells(self._fitted[0])

    @cached_property
    def _standing_resistances(self) -> StandingResistances:
        """How measured resistances lie off the series sum of their layers' centres."""
        cells, (value, error) = self.resisting, self.resistance
        if not len(cells):
            empty = Points.of(np.zeros((0, len(CELL_DESCRIPTORS))))
            return StandingResistances(OFF_SERIES_SUM, SERIES_SUM_SD, empty, value, error)
        centre = self.central(cells)
        rng = np.random.default_rng(0)
        layers = drawn_layers(self.layers, cells, N_DRAWS // 4, rng)
        doubt = cell_descriptors(cells, **layers)[..., _ASR_COLUMN].std(axis=0)
        return StandingResistances(
            OFF_SERIES_SUM,
            SERIES_SUM_SD,
            Points.of(in_unit_cube(centre, self.ranges)),
            value - centre[:, _ASR_COLUMN],
            np.hypot(error, doubt),
        )

    def _off_series_sum(self, rows: pd.DataFrame, n: int, rng: np.random.Generator) -> Array:
        """Draws of how far each cell lies from the series sum, shape (n, N), decades."""
        points = Points.of(in_unit_cube(self.central(rows), self.ranges))
        root = stable_cholesky(prior_covariance(OFF_SERIES_SUM, points, points))
        drawn: Array = SERIES_SUM_SD * rng.standard_normal((n, len(rows))) @ root.T
        return drawn

    def _described(self, rows: pd.DataFrame, n: int, rng: np.random.Generator) -> Array:
        """Descriptors of measured and new cells by n draws, resistances taken into account."""
        value, error = self.resistance
        k = len(value)
        n_drawn = max(n, N_DRAWS) if k else n
        described = cell_descriptors(rows, **drawn_layers(self.layers, rows, n_drawn, rng))
        described[..., _ASR_COLUMN] += self._off_series_sum(rows, n_drawn, rng)
        if k:
            first = len(self._fitted[2])  # resistances stand behind the critical currents
            foretold = described[:, first : first + k, _ASR_COLUMN]
            described = corrected_draws(described, foretold, value, error, rng)
            np.maximum(described[..., _POROSITY_COLUMN], 0.0, out=described[..., _POROSITY_COLUMN])
        return described[:n]


def _one_scenario(
    process: GaussianProcess, points: Points, normal: Array
) -> tuple[Array, Array, Array]:
    """Values of the first rows, and mean and standard deviation of the others given these.

    Args:
        process: Of exact readings, with one point of its hyperparameters.
        points: C + N rows.
        normal: Shape (C,), standard normal: where the values of the first rows lie.
    """
    units, told, learned = process.inner
    hyperparameters, inner, known = learned.best, units.standard(points), units.known(points)
    n, c = len(told), len(normal)
    standing, further = inner.take(np.arange(c)), inner.take(np.arange(c, len(points)))
    cross = prior_covariance(hyperparameters, told.points, inner)
    held = np.empty((n + c, n + c))
    held[:n, :n] = readings_covariance(hyperparameters, told)
    held[:n, n:], held[n:, :n] = cross[:, :c], cross[:, :c].T
    held[n:, n:] = prior_covariance(hyperparameters, standing, standing)
    held[n:, n:][np.diag_indices(c)] += LEAST_VARIANCE
    factor = stable_cholesky(held)
    white = np.concatenate([_solved(factor[:n, :n], told.low), normal])
    between = prior_covariance(hyperparameters, standing, further)
    half = _solved(factor, np.vstack([cross[:, c:], between]))
    prior = prior_variance(hyperparameters, further)
    left = np.maximum(prior - (half**2).sum(axis=0), LEAST_VARIANCE * prior)
    value = known[:c] + units.sd * (factor[n:] @ white)
    return value, known[c:] + units.sd * (white @ half), units.sd * np.sqrt(left)


def _solved(factor: Array, right: Array) -> Array:
    if not len(factor):
        return right
    solved: Array = solve_triangular(factor, right, lower=True, check_finite=False)
    return solved


def _resistances(
    cells: pd.DataFrame, readings: pd.DataFrame
) -> tuple[pd.DataFrame, Array, dict[str, int]]:
    """Cells whose resistance was read, values and errors in decades, and what was left out."""
    entry = property_of(ASR)
    rows = interval_rows(readings, entry)
    exact = rows.low == rows.high
    order = [
        index
        for index in sorted(range(len(exact)), key=lambda i: (rows.specimen[i], rows.low[i]))
        if exact[index]
    ]
    specimens = [rows.specimen[index] for index in order]
    measured = rows_of_specimens(cells, specimens, "cells")
    noise = rows.noise_sd[order]
    error = np.hypot(np.where(np.isnan(noise), entry.default_se, noise), entry.scatter_sd)
    n_bounds = int((~exact).sum())
    return (
        _at(_needed(measured), rows.temperature_c[order]),
        np.array([rows.low[order], error]),
        {"bound of a resistance": n_bounds} if n_bounds else {},
    )


def _at(cells: pd.DataFrame, temperature_c: Array) -> pd.DataFrame:
    """The cells at the temperature of the reading, where it gives one."""
    own = cells["temperature_c"].to_numpy(dtype=float)
    return cells.assign(temperature_c=np.where(np.isnan(temperature_c), own, temperature_c))


def _needed(cells: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({name: column(cells, name, where="cells") for name in CELL_COLUMNS})


def _table(
    property_id: str,
    index: pd.Index,
    *,
    mean: Array,
    sd: Array,
    residual_sd: float,
    error_sd: float,
) -> pd.DataFrame:
    entry = property_of(property_id)
    reading_sd = np.sqrt(sd**2 + residual_sd**2 + error_sd**2)
    return predictions_table(entry, index, mean=mean, sd=sd, reading_sd=reading_sd)


def _plain_cells(cells: pd.DataFrame) -> dict[str, Any]:
    return {
        "index": [str(name) for name in cells.index],
        "columns": list(cells.columns),
        "data": [
            [value if isinstance(value, str) else float(value) for value in row]
            for row in cells.itertuples(index=False)
        ],
    }
