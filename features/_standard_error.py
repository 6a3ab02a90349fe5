"""The standard error of a stated value, and what it is on the surrogate's scale."""

from math import isfinite, isnan, log, sqrt

from features.errors import ReadingError
from features.properties import property_of


def scale_error(value: float, se: float | None, property_id: str) -> float:
    r"""Standard error on the surrogate's scale.

    .. math:: \mathrm{SE}_{\log_{10}} = \mathrm{SE} / (v \ln 10)

    Args:
        value: Stated value v, catalogue unit; the middle of an interval.
        se: Its standard error, same unit; ``None`` or NaN is the catalogue's default.
        property_id: Id in the catalogue.

    Returns:
        Decades for a ``log10`` property, else the catalogue's unit.

    Raises:
        ReadingError: If the property is unknown, or value or se are not above zero.

    References:
        First-order error propagation; domain notes 6.6.

    Examples:
        >>> round(scale_error(2.7e-4, 2.7e-5, "ionic_conductivity"), 4)
        0.0434
    """
    entry = property_of(property_id)
    if se is None or isnan(se):
        return entry.default_se
    refuse_unless_positive(f"{entry.label}: se", se, "leave it empty for the catalogue's default")
    if entry.scale == "linear":
        return float(se)
    refuse_unless_positive(f"{entry.label}: value", value, "a log scale has no place for it")
    return float(se / (value * log(10)))


def standard_error(
    sd: float | None = None, n: int | None = None, se: float | None = None
) -> float | None:
    r"""Standard error of a mean, :math:`\mathrm{SE} = \mathrm{SD}/\sqrt{n}`.

    Args:
        sd: Standard deviation of n measurements, any unit.
        n: Their number.
        se: Standard error, if that is what is known.

    Returns:
        In the unit given; ``None`` when neither is given, for the catalogue's default.

    Raises:
        ReadingError: If sd comes without n or together with se, or a value is impossible.

    References:
        JCGM 100:2008 (GUM), 4.2.3.

    Examples:
        >>> round(standard_error(sd=0.7, n=9), 3)
        0.233
    """
    if sd is not None and se is not None:
        raise ReadingError(
            f"error of the value: give sd with n, or se, got both (sd {sd:g}, se {se:g}); drop one"
        )
    if n is not None and n < 1:
        raise ReadingError(
            f"error of the value: n must be at least 1, got {n}; count the measurements"
        )
    if se is not None:
        refuse_unless_positive(
            "error of the value: se", se, "leave it empty for the catalogue's default"
        )
        return float(se)
    if sd is None:
        return None
    if n is None:
        raise ReadingError(
            f"error of the value: an sd needs n, got sd {sd:g} alone; "
            "give the number of measurements, or the standard error as se"
        )
    refuse_unless_positive("error of the value: sd", sd, "leave it empty if it was not determined")
    return float(sd / sqrt(n))


def refuse_unless_positive(where: str, value: float, remedy: str) -> None:
    """Refuse zero, negative, infinite and not-a-number.

    Args:
        where: What the value is, for the message.
        value: The value.
        remedy: What to do about it.

    Raises:
        ReadingError: If the value is not above zero and finite.

    References:
        Domain notes 7.4.
    """
    if not (value > 0 and isfinite(value)):
        raise ReadingError(f"{where} must be above zero and finite, got {value:g}; {remedy}")
