"""What surrogates foresee, set out so that the worth of any further row can be read off it.

A scene holds S joint scenarios of the rows that stand: made, in the making, chosen. It tells what
a new row is expected to add to them, and takes a row in.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, NamedTuple, Protocol, final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.errors import TableError
from models.evidence import Points
from models.gp import GaussianProcess
from models.scenarios import GPScenarios
from optimizer.cells import is_front
from optimizer.hurdle import Hurdle, Inputs
from optimizer.improvement import Improvement
from optimizer.limits import Range, utility_ranges
from optimizer.objectives import Objective
from optimizer.rows import stacked
from optimizer.scalarised import LineImprovement

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Success = Callable[[pd.DataFrame], Array]
"""n rows to n probabilities that the row can be made."""

Ask = Callable[[pd.DataFrame], Sequence[Array | Points]]
"""n rows to what they ask of each process."""

Plain = Callable[[Array], Sequence[tuple[Array | Points, Array | None]]]
"""Rows of the unit cube to what they ask of each process, and the slope of its basis."""

Draw = Callable[[pd.DataFrame, int, np.random.Generator], NDArray[np.float64]]
"""``draw(rows, n, rng)``: joint draws of shape (n, len(rows), k), physical units."""

N_SCENARIOS: Final = 48

MOST_OBJECTIVES: Final = 5
"""With more the front has too many boxes, and nearly every row is on it."""

MOST_ON_FRONT: Final = {4: 40, 5: 16}
"""Number of objectives to the most rows on a front that is cut into boxes: there are thousands of
boxes then, and lines tell as much in a tenth of the time."""

N_SKETCH: Final = 16
"""Scenarios by which many rows are sieved."""

N_SHORT: Final = 64
"""Rows that a sieve leaves."""


class Look(NamedTuple):
    """What is foreseen of N rows.

    Attributes:
        log_gain: Shape (N,), log of the expected improvement in products of utility units.
        promise: Shape (N,), by how many standard deviations the worst objective lies above the
            reference: orders rows that are expected to add nothing.
    """

    log_gain: Array
    promise: Array


class Scene(Protocol):
    """Scenarios of the rows that stand."""

    @property
    def context(self) -> pd.DataFrame:
        """The rows that stand, as far as they matter."""
        ...

    @property
    def values(self) -> Array:
        """Shape (S, C, m): utilities of the context; minus infinity where a row does not count."""
        ...

    @property
    def rough(self) -> "Scene":
        """The scene as far as it is needed to compare whole batches; itself where that is quick."""
        ...

    def look(self, rows: pd.DataFrame) -> Look:
        """What N further rows would add, each for itself."""
        ...

    def joined(self, rows: pd.DataFrame) -> "Scene":
        """The scene with more rows standing."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """What counts as an improvement.

    Attributes:
        outcomes: m objectives, then outcomes of limits.
        reference: Shape (m,), utilities.
        success: Probability that a row can be made; ``None`` if all can.
    """

    outcomes: Sequence[Objective]
    reference: Array
    success: Success | None = None

    @property
    def ranges(self) -> list[Range]:
        """Where each outcome's utility must lie."""
        return utility_ranges(self.outcomes)

    def standing(self, values: Array, is_made: Mask) -> Array:
        """Utilities of m objectives; minus infinity where a row does not count.

        Args:
            values: Shape (S, C, m + c), utilities of all outcomes.
            is_made: Shape (S, C), whether the row could be made.

        Returns:
            Shape (S, C, m).
        """
        counts = is_made.copy()
        for j, (low, high) in enumerate(self.ranges):
            counts &= (values[..., j] >= low) & (values[..., j] <= high)
        return np.where(counts[..., None], values[..., : len(self.reference)], -np.inf)

    def gain(self, standing: Array) -> Improvement | LineImprovement:
        """What further rows would add: exact where the front has few boxes, else along lines."""
        on_front = is_front(standing, self.reference).sum(axis=1)
        most = int(on_front.max()) if on_front.size else 0
        exact = most <= MOST_ON_FRONT.get(len(self.reference), 0 if self.is_many else most)
        return (Improvement if exact else LineImprovement)(standing, self.reference, self.ranges)

    @property
    def is_many(self) -> bool:
        """Whether there are more objectives than boxes can be cut for."""
        return len(self.reference) > MOST_OBJECTIVES

    def promise(self, mean: Array, sd: Array) -> Array:
        """How many standard deviations above the reference (and within limits) each row lies."""
        centre = mean.mean(axis=0)
        spread = np.sqrt(mean.var(axis=0) + (sd**2).mean(axis=0))
        spread = np.where(spread > 0, spread, 1e-12)
        margins = []
        for j, (low, high) in enumerate(self.ranges):
            if j < len(self.reference):
                low = max(low, float(self.reference[j]))
            margins += [(centre[:, j] - low) / spread[:, j], (high - centre[:, j]) / spread[:, j]]
        return np.asarray(np.min([np.minimum(margin, 1e9) for margin in margins], axis=0))

    def log_success(self, rows: pd.DataFrame) -> Array:
        """Log probability that each row can be made."""
        if self.success is None:
            return np.zeros(len(rows))
        with np.errstate(divide="ignore"):
            return np.log(self.success(rows))

    def to_utility(self, mean: Array, sd: Array) -> tuple[Array, Array]:
        """Means and spreads on the outcomes' scales, shape (S, N, k), as utilities."""
        sign = np.array([outcome.sign for outcome in self.outcomes], dtype=float)
        width = np.array([outcome.width for outcome in self.outcomes])
        return mean * sign / width, sd / width


@final
@dataclass(frozen=True, eq=False)
class GaussianScene:
    """A scene of independent Gaussian processes, where everything but the context is exact.

    Attributes:
        aim: What counts.
        ask: What rows ask of each process.
        scenarios: One an outcome.
        context: The rows that stand and are, in some scenario, on the front.
        is_made: Shape (S, C).
        rng: Draws what joins.
        plain: What encoded rows ask of each process, with the slope of their basis, for a climb;
            by default they are the inputs themselves.
        hurdles: What rows must pass to be made.
    """

    aim: Aim
    ask: Ask
    scenarios: tuple[GPScenarios, ...]
    context: pd.DataFrame
    is_made: Mask
    rng: np.random.Generator
    plain: Plain | None = None
    hurdles: tuple[Hurdle, ...] = ()

    @classmethod
    def of(
        cls,
        processes: Sequence[GaussianProcess],
        *,
        aim: Aim,
        ask: Ask,
        made: pd.DataFrame,
        pending: pd.DataFrame,
        rng: np.random.Generator,
        n: int = N_SCENARIOS,
        plain: Plain | None = None,
        hurdles: Sequence[tuple[GaussianProcess, Inputs, float]] = (),
    ) -> "GaussianScene":
        """Scenarios of the rows made and in the making.

        Args:
            processes: Fitted, one an outcome.
            aim: What counts.
            ask: What rows ask of each process.
            made: Rows that could be made.
            pending: Rows in the making: they may fail.
            rng: Source of randomness.
            n: S.
            plain: See the attribute.
            hurdles: Fitted process of a margin, what rows ask of it, and the spread of luck.

        Returns:
            The scene.
        """
        context = stacked([made, pending], list(made.columns))
        asked = ask(context)
        scenarios = tuple(
            GPScenarios.of(process, points, n, rng)
            for process, points in zip(processes, asked, strict=True)
        )
        is_made = np.ones((n, len(context)), dtype=bool)
        waiting = np.arange(len(context)) >= len(made)
        if len(pending) and aim.success is not None:
            is_made[:, waiting] = _thrown(aim.success(pending), n, rng)
        ahead = []
        for process, inputs, luck in hurdles:
            hurdle, passes = Hurdle.of(process, inputs, luck, context, n=n, rng=rng)
            is_made &= passes | ~waiting
            ahead.append(hurdle)
        return cls(aim, ask, scenarios, context, is_made, rng, plain, tuple(ahead)).relevant()

    @property
    def values(self) -> Array:
        """Shape (S, C, m): utilities of the context; minus infinity where a row does not count."""
        return self._gain.standing

    @property
    def rough(self) -> "GaussianScene":
        """Itself."""
        return self

    def look(self, rows: pd.DataFrame) -> Look:
        """What N further rows would add, each for itself."""
        mean, sd = self.forecast(rows)
        chance = np.ones(mean.shape[:2])
        for hurdle in self.hurdles:
            chance *= hurdle.chance(rows)
        log_gain = self._log_gain(mean, sd, chance) + self.aim.log_success(rows)
        return Look(log_gain, self.aim.promise(mean, sd))

    def forecast(self, rows: pd.DataFrame) -> tuple[Array, Array]:
        """Utilities of N rows in each scenario: means and spreads, shape (S, N, m + c)."""
        parts = [
            scenario.forecast(points)
            for scenario, points in zip(self.scenarios, self.ask(rows), strict=True)
        ]
        return self.aim.to_utility(
            np.stack([mean for mean, _ in parts], axis=-1),
            np.stack([sd for _, sd in parts], axis=-1),
        )

    @property
    def can_climb(self) -> bool:
        """Whether there are gradients."""
        return isinstance(self._gain, Improvement)

    def log_gain_and_slopes(self, x: Array) -> tuple[Array, Array]:
        """Log expected improvement at plain rows of the unit cube, and its gradient.

        Args:
            x: Shape (P, d), encoded rows; the probability of success is left out.

        Returns:
            Shape (P,) and shape (P, d).

        Raises:
            TableError: With more than five objectives, where there is none.
        """
        if not isinstance(self._gain, Improvement):
            raise TableError(
                f"gradient: there is one up to {MOST_OBJECTIVES} objectives, got "
                f"{len(self.aim.reference)}; ask can_climb first"
            )
        asked = [(x, None)] * len(self.scenarios) if self.plain is None else self.plain(x)
        parts = [
            scenario.forecast_and_slopes(points, slope)
            for scenario, (points, slope) in zip(self.scenarios, asked, strict=True)
        ]
        mean, sd, mean_slope, sd_slope = (
            np.stack([part[i] for part in parts], axis=2) for i in range(4)
        )
        value, by_mean, by_sd = self._gain.log_expected_and_slopes(*self.aim.to_utility(mean, sd))
        mean_slope, sd_slope = self.aim.to_utility(
            np.moveaxis(mean_slope, 2, -1), np.moveaxis(sd_slope, 2, -1)
        )
        gradient = np.einsum("spm,spdm->pd", by_mean, mean_slope)
        gradient += np.einsum("spm,spdm->pd", by_sd, sd_slope)
        return value, gradient

    def _log_gain(self, mean: Array, sd: Array, chance: Array) -> Array:
        """Log expected improvement; of many rows only the best by a sketch get it in full."""
        if mean.shape[1] <= 2 * N_SHORT:
            return self._gain.log_expected(mean, sd, chance)
        few = min(N_SKETCH, len(mean))
        rough = self._sketch.log_expected(mean[:few], sd[:few], chance[:few])
        short = np.argsort(-rough, kind="stable")[:N_SHORT]
        full = self._gain.log_expected(mean[:, short], sd[:, short], chance[:, short])
        log_gain: Array = np.minimum(rough, full.min())
        log_gain[short] = full
        return log_gain

    def joined(self, rows: pd.DataFrame) -> "GaussianScene":
        """The scene with more rows standing, whose values are drawn in each scenario."""
        n, scene = len(self.is_made), self
        for position in range(len(rows)):
            row = rows.iloc[[position]]
            scenarios = tuple(
                scenario.extended(points, self.rng.standard_normal(n))
                for scenario, points in zip(scene.scenarios, self.ask(row), strict=True)
            )
            success = self.aim.success
            made = np.ones((n, 1), bool) if success is None else _thrown(success(row), n, self.rng)
            ahead = []
            for hurdle in scene.hurdles:
                further, passes = hurdle.extended(row, self.rng)
                made &= passes
                ahead.append(further)
            scene = replace(
                scene,
                hurdles=tuple(ahead),
                scenarios=scenarios,
                context=stacked([scene.context, row], list(scene.context.columns)),
                is_made=np.hstack([scene.is_made, made]),
            )
        return scene.relevant()

    def relevant(self) -> "GaussianScene":
        """Only rows that are on the front in some scenario; the others change nothing."""
        keep = np.flatnonzero(is_front(self.values, self.aim.reference).any(axis=0))
        if len(keep) == len(self.context):
            return self
        return replace(
            self,
            scenarios=tuple(scenario.restricted(keep) for scenario in self.scenarios),
            context=self.context.iloc[keep].reset_index(drop=True),
            is_made=self.is_made[:, keep],
            hurdles=tuple(hurdle.restricted(keep) for hurdle in self.hurdles),
        )

    @cached_property
    def _gain(self) -> Improvement | LineImprovement:
        held = np.stack([scenario.values for scenario in self.scenarios], axis=-1)
        values, _ = self.aim.to_utility(held, held)
        return self.aim.gain(self.aim.standing(values, self.is_made))

    @cached_property
    def _sketch(self) -> Improvement | LineImprovement:
        return self.aim.gain(self._gain.standing[:N_SKETCH])


class Forecast(NamedTuple):
    """Joint scenarios of rows that stand and of new ones, on the outcomes' scales.

    Attributes:
        values: Shape (S, C, k), of the rows that stand.
        mean: Shape (S, N, k), of new rows.
        sd: Shape (S, N, k), 0 where the scenario knows the value.
    """

    values: Array
    mean: Array
    sd: Array


Foresee = Callable[[pd.DataFrame, pd.DataFrame, int, np.random.Generator], Forecast]
"""``foresee(context, rows, n, rng)``: n joint scenarios."""


def foreseen_by_draws(draw: Draw, outcomes: Sequence[Objective]) -> Foresee:
    """Scenarios of any surrogate that can draw jointly.

    Args:
        draw: Joint draws, physical units.
        outcomes: k of them, whose scales are used.

    Returns:
        Foresees with standard deviations of 0.
    """

    def foresee(
        context: pd.DataFrame, rows: pd.DataFrame, n: int, rng: np.random.Generator
    ) -> Forecast:
        drawn = draw(stacked([context, rows], list(rows.columns)), n, rng)
        scaled = np.stack(
            [outcome.to_scale(drawn[..., j]) for j, outcome in enumerate(outcomes)], axis=-1
        )
        if not np.isfinite(scaled).all():
            raise TableError(
                "acquisition: draws must be finite, got NaN or infinity in shape "
                f"{scaled.shape}; leave out objectives without a surrogate"
            )
        mean = scaled[:, len(context) :]
        return Forecast(scaled[:, : len(context)], mean, np.zeros_like(mean))

    return foresee


@final
@dataclass(frozen=True, eq=False)
class SampledScene:
    """A scene of surrogates that give joint scenarios of given rows only.

    Every look draws context and rows afresh.

    Attributes:
        aim: What counts.
        foresee: Gives the scenarios.
        context: The rows that stand.
        n_made: How many of them were made; the others may fail.
        n: S.
        rng: Source of randomness.
    """

    aim: Aim
    foresee: Foresee
    context: pd.DataFrame
    n_made: int
    n: int
    rng: np.random.Generator

    @cached_property
    def values(self) -> Array:
        """Shape (S, C, m): utilities of the context; minus infinity where a row does not count."""
        return self._standing(self.foresee(self.context, self.context.iloc[:0], self.n, self.rng))

    @property
    def rough(self) -> "SampledScene":
        """Itself."""
        return self

    def look(self, rows: pd.DataFrame) -> Look:
        """What N further rows would add, each for itself."""
        forecast = self.foresee(self.context, rows, self.n, self.rng)
        mean, sd = self.aim.to_utility(forecast.mean, forecast.sd)
        standing = self._standing(forecast)
        on_front = is_front(standing, self.aim.reference).any(axis=0)
        gain = self.aim.gain(standing[:, on_front])
        log_gain = gain.log_expected(mean, sd) + self.aim.log_success(rows)
        return Look(log_gain, self.aim.promise(mean, sd))

    def joined(self, rows: pd.DataFrame) -> "SampledScene":
        """The scene with more rows standing."""
        return replace(self, context=stacked([self.context, rows], list(rows.columns)))

    def relevant(self) -> "SampledScene":
        """Of the rows made those on the first or second front in some scenario, all others too."""
        values = self.values.copy()
        keep = np.arange(len(self.context)) >= self.n_made
        for _ in range(2):
            front = is_front(values, self.aim.reference)
            keep |= front.any(axis=0)
            values[front] = -np.inf
        n_made = int(keep[: self.n_made].sum())
        context = self.context.iloc[np.flatnonzero(keep)].reset_index(drop=True)
        return replace(self, context=context, n_made=n_made)

    def _standing(self, forecast: Forecast) -> Array:
        is_made = np.ones(forecast.values.shape[:2], dtype=bool)
        waiting = self.context.iloc[self.n_made :]
        if len(waiting) and self.aim.success is not None:
            is_made[:, self.n_made :] = _thrown(self.aim.success(waiting), self.n, self.rng)
        values, _ = self.aim.to_utility(forecast.values, forecast.values)
        return self.aim.standing(values, is_made)


def _thrown(probability: Array, n: int, rng: np.random.Generator) -> Mask:
    """Shape (n, N): n throws of each coin, as even as can be."""
    steps = (rng.permuted(np.tile(np.arange(n), (len(probability), 1)), axis=1).T + 0.5) / n
    return np.asarray(steps < probability)
