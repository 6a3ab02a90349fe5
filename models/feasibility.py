r"""Whether a jar, a pellet or a cell will succeed: a probit Gaussian process on made and failed.

.. math:: P(\text{success}) = \Phi(f(\text{recipe}) + b_\text{jar})

A success says that f plus a standard normal luck was above zero, a failure that it was below: a
bound, which the process of ``models.gp`` takes as it is. One process a level, not one a reason:
ten jars hold two or three failures, which split by reason would be one or two. (On the virtual
lab, at 12 jars, one process a reason and their product score the same within 0.005 of Brier.)
Which reasons there were is counted and said.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from types import MappingProxyType
from typing import Any, Final, Literal, final, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from features.errors import NotFittedError, TableError
from features.milling import relative_dose
from features.table import numbers
from features.transformers import GLASS_FEATURES
from models.evidence import Evidence, Points
from models.gp import GaussianProcess
from models.inputs import DEFAULT_RANGES, glass_inputs
from models.scaling import Ranges, checked_ranges, in_unit_cube
from models.settings import GPSettings
from models.surrogate import Z_90
from models.training import rows_of_specimens
from models.wording import limits_in_words

Array = NDArray[np.float64]
Level = Literal["jar", "pellet", "cell"]

MADE: Final = "made"
"""Outcome of a specimen that succeeded; any other outcome is the reason of its failure."""

SUCCESS_COLUMNS: Final = ("probability", "lower", "upper")

REASONS: Final[Mapping[Level, tuple[str, ...]]] = MappingProxyType(
    {
        "jar": ("unreacted", "crystallised", "caked"),
        "pellet": ("cracked",),
        "cell": ("short",),
    }
)
"""Failures that composition or processing cause, by the level they belong to. A leaking glovebox
says nothing of the recipe: such a specimen counts neither as failed nor as made."""

NOT_COUNTED: Final = ("leaked_air", "handling", "instrument", "other")
"""Failures that are never the recipe's."""

UNSAID: Final = "unknown"
"""Outcome of a failure of which nobody said why; it does not count either."""

BASE_RATE: Final[Mapping[Level, float]] = MappingProxyType(
    {"jar": 0.90, "pellet": 0.97, "cell": 0.95}
)
"""Success that is expected of a recipe before anything was tried (assigned): sensible recipes
mostly work, and no paper says how many did not."""

LATENT_SD: Final = 2.0
"""How far f may lie from its prior centre, in units of the luck of one specimen (assigned): failure
has a boundary (too little milling, too much) more than it is chance. The 90 % range of a jar's
success before any data is then 34 to 100 %."""

EVEN_ODDS_DOSE: Final = 0.5
"""Share of the paper's milling dose (3 h in steel) at which a jar is given even odds before any
data. That shorter milling leaves reagents Chi et al. (2022, Results) say in words; where that
begins to matter is assigned, and a jar or two that were milled shorter overrule it."""

LEAST_DOSE: Final = 0.1
"""Below this share of the paper's dose the odds stay as bad as they are there."""

JAR_LUCK_SD: Final = 0.5
"""Median of what pellets of one jar share, in the same units (assigned): three cracked pellets of
one jar are not three failures of the recipe."""

CELL_RANGES: Final[Ranges] = MappingProxyType(
    {
        "stack_pressure_mpa": (1.0, 25.0),
        "pressing_pressure_mpa": (150.0, 500.0),
        "core_mass_mg": (100.0, 200.0),
        "skin_mass_mg": (10.0, 40.0),
    }
)
"""What becomes 0 to 1 for cells: stack pressure beyond the usual 2 to 14 MPa, since sodium is
squeezed through above; masses stand for the thickness of the layers (domain notes 5.4, 5.6)."""

ENOUGH_OUTCOMES: Final = 5
"""With fewer specimens it is said that the prior decides."""

_PRESSURE: Final = GLASS_FEATURES.index("pressing_pressure_mpa")


@final
@dataclass(frozen=True, eq=False)
class FeasibilitySurrogate:
    """Probability that a jar, a pellet of a sound jar, or a cell of sound layers succeeds.

    Attributes:
        level: ``jar``, ``pellet`` or ``cell``.
        ranges: Low and high end by feature; those not given keep the shipped ones.
        process: The fitted latent process, ``None`` before ``fit``.
        n_made: Successes learned from.
        failed: Failures learned from, by reason.
        left_out: Failures of other causes, not learned from.

    Raises:
        TableError: If the level is unknown.
        SpaceError: If a range is of an unknown feature, or empty.

    Examples:
        >>> jars = pd.DataFrame({"x": [0.15, 0.3], "milling_time_h": [3, 1],
        ...     "milling_media": "stainless_steel", "milling_speed_rpm": 500}, index=["G1", "G2"])
        >>> outcomes = pd.Series({"G1": "made", "G2": "unreacted"})
        >>> surrogate = FeasibilitySurrogate("jar").fit(jars, outcomes)
        >>> surrogate.in_words()
        '2 jars, 1 failed (1 unreacted): too few to learn from; the prior decides'
        >>> chance = surrogate.predict(jars)["probability"]
        >>> bool(chance["G1"] > chance["G2"])
        True
    """

    level: Level
    ranges: Ranges = field(default_factory=dict)
    process: GaussianProcess | None = None
    n_made: int = 0
    failed: Mapping[str, int] = field(default_factory=dict)
    left_out: int = 0

    def __post_init__(self) -> None:
        """Refuse an unknown level; complete the ranges."""
        if self.level not in get_args(Level):
            raise TableError(
                f"FeasibilitySurrogate: level must be {', '.join(get_args(Level))}, "
                f"got {self.level!r}; use one of these"
            )
        shipped = CELL_RANGES if self.level == "cell" else DEFAULT_RANGES
        complete = checked_ranges(tuple(shipped), {**shipped, **self.ranges})
        object.__setattr__(self, "ranges", complete)

    def fit(
        self, specimens: pd.DataFrame, outcomes: "pd.Series[Any]", *, crowded: bool = False
    ) -> "FeasibilitySurrogate":
        """A copy fitted to what was made and what failed.

        Args:
            specimens: One row a specimen, index = its id. Jars: x, milling_time_h, milling_media,
                milling_speed_rpm; pellets: pressing_pressure_mpa besides, and optionally ``jar``;
                cells: the names of ``CELL_RANGES``.
            outcomes: ``made`` or the reason of the failure, index = specimen id: one of
                ``REASONS``, ``NOT_COUNTED`` or ``UNSAID``. Reasons that do not belong to the
                level are left out.
            crowded: As for ``GaussianProcess.fit_evidence``.

        Returns:
            The fitted copy; with no outcome it predicts the prior.

        Raises:
            TableError: If a specimen is unknown, an outcome empty or no known reason, or a
                column missing.
            RecipeError: If a medium is unknown.
        """
        words = _words(outcomes)
        counted = words[words.isin([MADE, *REASONS[self.level]])]
        told = rows_of_specimens(specimens, [str(name) for name in counted.index], "specimens")
        success = (counted == MADE).to_numpy()
        n = len(counted)
        evidence = Evidence.of(
            Points.of(self.inputs(told)),
            lower=np.where(success, 0.0, -np.inf),
            upper=np.where(success, np.inf, 0.0),
            noise_sd=np.ones(n),
            groups={"jar": told["jar"].map(str).to_numpy(dtype=str)} if self._shares(told) else {},
        )
        reasons = counted[~success].value_counts()
        return replace(
            self,
            process=self._unfitted.fit_evidence(evidence, crowded=crowded),
            n_made=int(success.sum()),
            failed={name: int(reasons[name]) for name in REASONS[self.level] if name in reasons},
            left_out=len(words) - n,
        )

    def predict(self, specimens: pd.DataFrame) -> pd.DataFrame:
        """Probability of success of each specimen.

        Args:
            specimens: N rows, columns as for ``fit``.

        Returns:
            N rows with the index of ``specimens``; columns ``SUCCESS_COLUMNS``: the probability
            that the next one succeeds, and the 90 % range of the recipe's true probability.

        Raises:
            NotFittedError: Before ``fit``.
            TableError: If a column is missing or holds no number.
            RecipeError: If a medium is unknown.
        """
        mean, sd = self._fitted.marginal(self.inputs(specimens))
        luck = self.luck
        probability = ndtr(mean / np.hypot(luck, sd))
        ends = [ndtr((mean + side * Z_90 * sd) / luck) for side in (-1, 1)]
        # The mean of a very lopsided range may leave it: then the range is widened to it.
        lower, upper = np.minimum(ends[0], probability), np.maximum(ends[1], probability)
        columns = (probability, lower, upper)
        return pd.DataFrame(dict(zip(SUCCESS_COLUMNS, columns, strict=True)), index=specimens.index)

    def sample(self, specimens: pd.DataFrame, n: int, rng: np.random.Generator) -> Array:
        """Joint draws of the recipes' true probabilities of success.

        Args:
            specimens: N rows, columns as for ``fit``.
            n: Number of draws.
            rng: Source of randomness.

        Returns:
            Shape (n, N), between 0 and 1.

        Raises:
            NotFittedError: Before ``fit``.
            TableError: If a column is missing or holds no number.
            RecipeError: If a medium is unknown.
        """
        latent = self._fitted.sample(self.inputs(specimens), n, rng)
        draws: Array = ndtr(latent / self.luck)
        return draws

    def in_words(self) -> str:
        """What it rests on: specimens, failures by reason, and a caution when they are few.

        Returns:
            One line.
        """
        n_failed = sum(self.failed.values())
        n = self.n_made + n_failed
        counted = f"{n} {self.level}{'' if n == 1 else 's'}"
        if not n_failed:
            tried = f"no failure among {counted}" if n else f"no {self.level} tried yet"
            parts = [f"{tried}: the prior decides"]
        else:
            by_reason = ", ".join(f"{count} {name}" for name, count in self.failed.items())
            parts = [f"{counted}, {n_failed} failed ({by_reason})"]
            if n < ENOUGH_OUTCOMES:
                parts[0] += ": too few to learn from; the prior decides"
        if self.left_out:
            parts.append(f"{self.left_out} failed for other reasons, left out")
        if limits := limits_in_words(self.process):
            parts.append(limits)
        return "; ".join(parts)

    def to_dict(self) -> dict[str, Any]:
        """Everything needed to predict again, in plain JSON types.

        Returns:
            Level, ranges, counts and, once fitted, the process.
        """
        return {
            "level": self.level,
            "ranges": {name: list(ends) for name, ends in self.ranges.items()},
            "process": None if self.process is None else self.process.to_dict(),
            "n_made": self.n_made,
            "failed": dict(self.failed),
            "left_out": self.left_out,
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "FeasibilitySurrogate":
        """The surrogate that ``to_dict`` wrote.

        Args:
            plain: What ``to_dict`` returned, perhaps through JSON.

        Returns:
            The surrogate.
        """
        process = plain["process"]
        return cls(
            level=plain["level"],
            ranges={name: (low, high) for name, (low, high) in plain["ranges"].items()},
            process=None if process is None else GaussianProcess.from_dict(process),
            n_made=plain["n_made"],
            failed=plain["failed"],
            left_out=plain["left_out"],
        )

    @property
    def _fitted(self) -> GaussianProcess:
        if self.process is None:
            raise NotFittedError(
                f"FeasibilitySurrogate: success of a {self.level} was asked for before fit, got no "
                "outcomes; call fit first, with empty tables if nothing was made"
            )
        return self.process

    @property
    def _unfitted(self) -> GaussianProcess:
        # Success of a new recipe, f and luck integrated out, is the base rate.
        levels = {"jar": 1.0} if self.level == "pellet" else {}
        spread = np.sqrt(1 + LATENT_SD**2 + (JAR_LUCK_SD**2 if levels else 0.0))
        return GaussianProcess(
            prior_centre=float(ndtri(BASE_RATE[self.level]) * spread),
            prior_sd=LATENT_SD,
            scatter_sd=JAR_LUCK_SD,
            levels=levels,
        )

    @property
    def luck(self) -> float:
        """Spread of one specimen's luck: its own, which is 1, and that of its jar.

        Raises:
            NotFittedError: Before ``fit``.
        """
        return float(np.hypot(1.0, self._fitted.residual_sd))

    def _shares(self, told: pd.DataFrame) -> bool:
        return self.level == "pellet" and "jar" in told

    def inputs(self, specimens: pd.DataFrame) -> Array | Points:
        """What specimens ask the process.

        Args:
            specimens: N rows, columns as for ``fit``.

        Returns:
            Shape (N, d), in the unit cube; of jars with the prior margin that their dose leaves.

        Raises:
            TableError: If a column is missing or holds no number.
            RecipeError: If a medium is unknown.
        """
        if self.level == "cell":
            values = [numbers(specimens, name, where="cells") for name in CELL_RANGES]
            return in_unit_cube(np.column_stack(values), self.ranges)
        if self.level == "jar":
            powder = specimens.assign(pressing_pressure_mpa=0.0)  # nothing is pressed yet
            described = glass_inputs(powder, self.ranges, GPSettings())
            kept: Array = np.delete(described, _PRESSURE, axis=1)
            return Points.of(kept, offset=self._margin_by_dose(specimens))
        return glass_inputs(specimens, self.ranges, GPSettings())

    def _margin_by_dose(self, jars: pd.DataFrame) -> Array:
        """Prior centre of f, shape (N,): lower below the paper's dose, by its logarithm."""
        centre = self._unfitted.prior_centre
        speeds, hours = (
            numbers(jars, name, where="jars") for name in ("milling_speed_rpm", "milling_time_h")
        )
        media = jars["milling_media"].map(str)
        doses = [relative_dose(m, h, rpm) for m, h, rpm in zip(media, hours, speeds, strict=True)]
        short = np.maximum(0.0, -np.log(np.maximum(doses, LEAST_DOSE)))
        margin: Array = centre * (1.0 - short / -np.log(EVEN_ODDS_DOSE))
        return margin


def _words(outcomes: "pd.Series[Any]") -> "pd.Series[Any]":
    """Outcomes as text; refuses an empty one and one that is no known reason."""
    words = outcomes.fillna("").map(str)
    if (words == "").any():
        name = words.index[int((words == "").to_numpy().argmax())]
        raise TableError(
            f"outcomes: each must be {MADE!r} or a reason, got an empty one ({name}); "
            "leave out what was not made"
        )
    known = [*chain.from_iterable(REASONS.values()), *NOT_COUNTED, UNSAID]
    strange = words[~words.isin([MADE, *known])]
    if len(strange):
        raise TableError(
            f"outcomes: each must be {MADE!r} or a known reason, got {strange.iloc[0]!r} "
            f"({strange.index[0]}); use {', '.join(known)}"
        )
    return words
