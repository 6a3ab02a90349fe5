"""An interval of a measured value: exact, bounded on both sides, or open on one."""

from dataclasses import dataclass
from math import isfinite, sqrt

from features.errors import ReadingError
from features.properties import Scale


@dataclass(frozen=True, slots=True)
class Interval:
    """Where a value lies, in the catalogue's unit; an exact value has two equal bounds.

    Attributes:
        lower: Lower bound, or ``None`` when it is open, as in ``<1e-10``.
        upper: Upper bound, or ``None`` when it is open, as in ``>3``.

    Raises:
        ReadingError: If both bounds are open, one is not finite, or they are swapped.

    References:
        Domain notes 2.1 (how exact, interval and one-sided data may be used).

    Examples:
        >>> Interval(2.3, 2.35).text("mA/cm2")
        '2.3..2.35 mA/cm2'
        >>> Interval(None, 1e-10).is_open
        True
    """

    lower: float | None
    upper: float | None

    def __post_init__(self) -> None:
        """Refuse what is no interval, and keep plain floats only."""
        for name in ("lower", "upper"):
            bound = getattr(self, name)
            if bound is None:
                continue
            if not isfinite(bound):
                raise ReadingError(
                    f"interval: {name} must be finite, got {bound}; use None for an open bound"
                )
            object.__setattr__(self, name, float(bound))
        if self.lower is None and self.upper is None:
            raise ReadingError(
                "interval: at least one bound must be known, got none; "
                "leave the reading out if nothing was measured"
            )
        if self.lower is not None and self.upper is not None and self.lower > self.upper:
            raise ReadingError(
                f"interval: lower must not exceed upper, got {self.lower!r} and {self.upper!r}; "
                "swap the bounds"
            )

    @property
    def is_exact(self) -> bool:
        """Whether one value is stated."""
        return self.lower == self.upper

    @property
    def is_open(self) -> bool:
        """Whether one bound is missing, so that the value is censored on that side."""
        return self.lower is None or self.upper is None

    @property
    def bounds(self) -> tuple[float, ...]:
        """The bounds that are known, one or two, low one first."""
        return tuple(bound for bound in (self.lower, self.upper) if bound is not None)

    def midpoint(self, scale: Scale) -> float:
        """The middle on a scale: geometric mean on ``log10``, arithmetic on ``linear``.

        Args:
            scale: Scale of the surrogate of the property.

        Returns:
            Number in the catalogue's unit.

        Raises:
            ReadingError: If a bound is open, or not above zero on the log scale.
        """
        if self.lower is None or self.upper is None:
            raise ReadingError(
                f"interval: a midpoint needs two bounds, got {self.text()}; "
                "use the bound as a censored value"
            )
        if self.lower == self.upper:
            return self.lower
        if scale == "linear":
            return self.lower / 2 + self.upper / 2
        if self.lower <= 0:
            raise ReadingError(
                f"interval: a midpoint on a log scale needs bounds above zero, got {self.text()}; "
                "state an upper bound only"
            )
        middle = sqrt(self.lower) * sqrt(self.upper)  # their product might underflow
        return min(max(middle, self.lower), self.upper)

    def text(self, unit: str = "") -> str:
        """The interval as ``parse_value`` reads it back, to the last digit.

        Args:
            unit: Appended when given; it is not converted.

        Returns:
            For example ``0.00027``, ``<1e-10``, ``>3.0`` or ``2.3..2.35``.
        """
        if self.lower is None:
            shown = f"<{self.upper!r}"
        elif self.upper is None:
            shown = f">{self.lower!r}"
        else:
            shown = repr(self.lower) if self.is_exact else f"{self.lower!r}..{self.upper!r}"
        return f"{shown} {unit}".rstrip()
