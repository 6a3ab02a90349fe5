"""Which readings an exact Gaussian process may learn from, and on which pellets they were taken."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log, sqrt
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.errors import TableError
from features.properties import Property
from features.table import column

Array = NDArray[np.float64]

WIDEST: Final = sqrt(12)
"""An interval up to this many times a reading's noise enters by its midpoint: then its uniform
error, width over the root of 12, is no larger than the noise. A step test reads low currents as
wide intervals in decades; were they left out, only good cells would be learned from."""

ONE_SIDED: Final = "one-sided bound"
WIDE: Final = "wide interval"


@dataclass(frozen=True, slots=True, eq=False)
class TrainingRows:
    """Readings that an exact Gaussian process may use, on the property's scale.

    Attributes:
        specimen: Specimen of each row.
        y: Shape (n,), values.
        noise_sd: Shape (n,), standard errors.
        set_aside: Readings it may not use, with a column ``reason``.
    """

    specimen: tuple[str, ...]
    y: Array
    noise_sd: Array
    set_aside: pd.DataFrame

    @property
    def waiting(self) -> dict[str, int]:
        """Number of readings set aside, by reason; empty when there are none."""
        counts = {
            reason: int((self.set_aside["reason"] == reason).sum()) for reason in (ONE_SIDED, WIDE)
        }
        return {reason: count for reason, count in counts.items() if count}

    def pooled(self) -> "TrainingRows":
        """One row a specimen: repeats weighted by precision.

        A jar or pellet read twice is one sample of the scatter between jars, not two; as it is
        shared by the repeats, their weighted mean says all that they say.

        Returns:
            Rows in the order in which the specimens first appear.
        """
        order = tuple(dict.fromkeys(self.specimen))
        of_specimen = {name: index for index, name in enumerate(order)}
        where = np.array([of_specimen[name] for name in self.specimen], dtype=np.intp)
        # An error stated as zero would take all the weight and divide by nothing.
        noise = np.maximum(self.noise_sd, np.finfo(float).tiny ** 0.25)
        precision = np.bincount(where, weights=noise**-2.0, minlength=len(order))
        total = np.bincount(where, weights=self.y * noise**-2.0, minlength=len(order))
        alone = np.bincount(where, minlength=len(order)) == 1
        y, noise_sd = total / precision, precision**-0.5
        first = np.array([self.specimen.index(name) for name in order], dtype=np.intp)
        return TrainingRows(
            order,
            np.where(alone, self.y[first], y),
            np.where(alone, self.noise_sd[first], noise_sd),
            self.set_aside,
        )


def training_rows(readings: pd.DataFrame, entry: Property) -> TrainingRows:
    """Sorts the readings of one property into those of use to an exact process and the rest.

    Exact values enter; intervals up to 3.5 times a reading's noise on the scale enter by
    their midpoint, their width counting as uniform error; bounds and wider intervals wait.

    Args:
        readings: Columns specimen, property, lower, upper, se, physical units.
        entry: The property wanted; readings of others are ignored.

    Returns:
        The rows, in the order of the table.

    Raises:
        TableError: If a column is missing or a reading holds nonsense; names the specimen.

    Examples:
        >>> table = pd.DataFrame(
        ...     {"specimen": ["S01", "S02"], "property": ["ionic_conductivity"] * 2,
        ...      "lower": [2.7e-4, 1e-5], "upper": [2.7e-4, None], "se": [None, None]}
        ... )
        >>> from features.properties import property_of
        >>> training_rows(table, property_of("ionic_conductivity")).waiting
        {'one-sided bound': 1}
    """
    own, lower, upper, se, _ = checked_readings(readings, entry)
    specimen = tuple(str(name) for name in own["specimen"])
    low, high = entry.to_scale(lower), entry.to_scale(upper)
    one_sided = ~(np.isfinite(low) & np.isfinite(high))
    width = np.where(one_sided, np.inf, 0.0)
    np.subtract(high, low, out=width, where=~one_sided)
    usable = width <= WIDEST * entry.noise_sd
    middle = (low[usable] + high[usable]) / 2
    stated = _on_scale(se[usable], middle, entry)
    noise = np.hypot(np.where(np.isnan(stated), entry.default_se, stated), width[usable] / sqrt(12))
    reasons = np.where(one_sided, ONE_SIDED, WIDE)[~usable]
    return TrainingRows(
        tuple(name for name, use in zip(specimen, usable, strict=True) if use),
        middle,
        noise,
        own[~usable].assign(reason=reasons),
    )


def checked_readings(
    readings: pd.DataFrame, entry: Property
) -> tuple[pd.DataFrame, Array, Array, Array, Array]:
    """The readings of one property, looked at for nonsense.

    Args:
        readings: Columns specimen, property, lower, upper, se, physical units; optional
            temperature_c.
        entry: The property wanted.

    Returns:
        Its rows of the table; lower, upper, se and temperature, NaN where empty.

    Raises:
        TableError: If a column is missing or a reading holds nonsense; names the specimen.
    """
    own = readings[(column(readings, "property", where="readings") == entry.id).to_numpy()]
    specimen = tuple(str(name) for name in column(own, "specimen", where="readings"))
    lower, upper, se = (_optional_numbers(own, name) for name in ("lower", "upper", "se"))
    _check(specimen, lower, upper, se, entry)
    known = "temperature_c" in own
    temperature_c = _optional_numbers(own, "temperature_c") if known else np.full(len(own), np.nan)
    return own, lower, upper, se, temperature_c


def rows_of_specimens(table: pd.DataFrame, specimens: Sequence[str], where: str) -> pd.DataFrame:
    """The row of each specimen.

    Args:
        table: Index = specimen id.
        specimens: Ids wanted, may repeat.
        where: What the table is called in messages.

    Returns:
        One row an id, in that order.

    Raises:
        TableError: If an id is not in the table, or is there twice.
    """
    ids = table.index.map(str)
    if not ids.is_unique:
        raise TableError(
            f"{where}: each specimen must have one row, got "
            f"{ids[ids.duplicated()][0]!r} more than once; remove or rename a row"
        )
    position = ids.get_indexer(pd.Index(list(specimens), dtype=object))
    if (position < 0).any():
        raise TableError(
            f"readings: each specimen must be in {where}, got "
            f"{specimens[int((position < 0).argmax())]!r} which is not; add its recipe "
            "or mend the id"
        )
    return table.iloc[position]


def _optional_numbers(readings: pd.DataFrame, name: str) -> Array:
    """A column as floats, NaN where it is empty; text is refused rather than lost."""
    values = column(readings, name, where="readings")
    array = pd.to_numeric(values, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    is_text = np.isnan(array) & values.notna().to_numpy()
    if is_text.any():
        row = int(is_text.argmax())
        raise TableError(
            f"readings: {name} must be a number or empty, got {values.iloc[row]!r} "
            f"({readings['specimen'].iloc[row]}); read text into bounds first"
        )
    return array


def _check(specimen: Sequence[str], lower: Array, upper: Array, se: Array, entry: Property) -> None:
    rules = [
        (
            ~(np.isfinite(lower) | np.isfinite(upper)),
            "a reading must have a lower or an upper bound",
            "leave out what was not measured",
        ),
        (lower > upper, "lower must not be above upper", "swap the bounds"),
        (
            (se < 0) | np.isinf(se),
            "se must be finite and not negative",
            "leave it empty if unknown",
        ),
    ]
    if entry.scale == "log10":
        # A lower bound of zero is a detection limit: it says nothing, and waits.
        rules.append(
            (
                (lower < 0) | (upper <= 0),
                "a value on a log scale must be positive",
                "give the value itself, or '<' and the detection limit",
            )
        )
    for is_bad, rule, remedy in rules:
        if is_bad.any():
            row = int(is_bad.argmax())
            raise TableError(
                f"readings, {entry.label} of {specimen[row]}: {rule}, got lower {lower[row]:g}, "
                f"upper {upper[row]:g}, se {se[row]:g} {entry.unit}; {remedy}"
            )


def _on_scale(se: Array, middle: Array, entry: Property) -> Array:
    if entry.scale == "linear":
        return se
    return se / (entry.from_scale(middle) * log(10))
