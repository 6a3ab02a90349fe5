"""Readings of one property as bounds on its scale, each with error and temperature."""

from dataclasses import dataclass
from math import log
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.properties import Property
from models.training import checked_readings

Array = NDArray[np.float64]

NARROW: Final = 0.3
"""An interval narrower than this share of a reading's noise enters by its middle: the error of
that is below one per cent of the noise, and an exact reading is cheaper (domain notes 2.1)."""

SAYS_NOTHING: Final = "empty bound"


@dataclass(frozen=True, slots=True, eq=False)
class IntervalRows:
    """n readings on the property's scale.

    Attributes:
        specimen: Specimen of each.
        low: Shape (n,), lower bound, may be minus infinity.
        high: Shape (n,), upper bound, equal to ``low`` if exact.
        noise_sd: Shape (n,), stated standard error, NaN if none was.
        temperature_c: Shape (n,), NaN if not given.
        set_aside: Readings that hold no information, with a column ``reason``.
    """

    specimen: tuple[str, ...]
    low: Array
    high: Array
    noise_sd: Array
    temperature_c: Array
    set_aside: pd.DataFrame

    @property
    def waiting(self) -> dict[str, int]:
        """Number of readings set aside, by reason; empty when there are none."""
        return {SAYS_NOTHING: len(self.set_aside)} if len(self.set_aside) else {}


def interval_rows(readings: pd.DataFrame, entry: Property) -> IntervalRows:
    """All readings of one property that say something.

    Args:
        readings: Columns specimen, property, lower, upper, se, physical units; optional
            temperature_c.
        entry: The property wanted; readings of others are ignored.

    Returns:
        The rows, in the order of the table.

    Raises:
        TableError: If a column is missing or a reading holds nonsense; names the specimen.

    Examples:
        >>> table = pd.DataFrame(
        ...     {"specimen": ["S01"], "property": ["electronic_conductivity"],
        ...      "lower": [None], "upper": [8.3e-11], "se": [None]}
        ... )
        >>> from features.properties import property_of
        >>> interval_rows(table, property_of("electronic_conductivity")).high.round(2)
        array([-10.08])
    """
    own, lower, upper, se, temperature_c = checked_readings(readings, entry)
    low, high = entry.to_scale(lower), entry.to_scale(upper)
    low, high = np.where(np.isnan(low), -np.inf, low), np.where(np.isnan(high), np.inf, high)
    useful = np.isfinite(low) | np.isfinite(high)
    low, high, se = low[useful], high[useful], se[useful]
    open_ended = ~(np.isfinite(low) & np.isfinite(high))
    width = np.where(open_ended, np.inf, 0.0)
    np.subtract(high, low, out=width, where=~open_ended)
    middle = np.where(np.isfinite(low), low, high)
    np.add(low, high, out=middle, where=~open_ended)
    middle[~open_ended] *= 0.5
    exact = width <= NARROW * entry.noise_sd
    return IntervalRows(
        specimen=tuple(str(name) for name in own["specimen"][useful]),
        low=np.where(exact, middle, low),
        high=np.where(exact, middle, high),
        noise_sd=se if entry.scale == "linear" else se / (entry.from_scale(middle) * log(10)),
        temperature_c=temperature_c[useful],
        set_aside=own[~useful].assign(reason=SAYS_NOTHING),
    )
