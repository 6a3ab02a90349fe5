"""Value, error and test programme of a row of ``results.csv``, in the catalogue's unit."""

import json
import re
from math import inf, isclose
from typing import Final

from experiments.row_values import RowValues
from features.errors import GlassError, ReadingError
from features.plausibility import check_property
from features.properties import Property
from features.reading import CcdProtocol, Interval, parse_value, standard_error
from features.units import plain_text, to_catalogue_unit

PROTOCOL_COLUMNS: Final = (
    "start_ma_cm2",
    "step_ma_cm2",
    "half_cycle_h",
    "end_ma_cm2",
    "stack_pressure_mpa",
)

_UNIT_IN_TEXT: Final = re.compile(
    r"(?<=[0-9.,)])(?! *(?:e ?[+-]?[0-9]|x ?10|to\b)) *(?P<unit>[a-zµ%°(\[].*)", re.IGNORECASE
)
"""What follows the last digit is a unit; an exponent is none."""


def interval_of(values: RowValues, entry: Property) -> Interval | None:
    """The value of a row, its plausibility checked; ``None`` when it is refused."""
    text, unit = values.row["value"], values.row["unit"]
    try:
        if unit:
            to_catalogue_unit(1.0, unit, entry.id)
    except ReadingError as error:
        values.refuse("unit", error)
        return None
    try:
        interval = parse_value(text, entry.id, unit or None)
    except GlassError as error:
        values.refuse("value", error)
        return None
    verdict = check_property(entry.id, interval)
    if verdict.level == "reject":
        values.refuse("value", verdict.message)
        return None
    if verdict.level == "warn":
        values.warn("value", verdict.message)
    return interval


def standard_error_of(
    values: RowValues, entry: Property, interval: Interval | None, n: int | None
) -> float | None:
    """Standard error in the catalogue's unit, of sd and n or of se in the row's unit."""
    sd, se = values.written("sd"), values.written("se")
    column = "se" if sd is None else "sd"
    if sd is None and se is None:
        return None
    if values.row["n"] and n is None:  # n was refused; a complaint that it lacks would mislead
        return None
    try:
        error = standard_error(sd=sd, n=n, se=se)
        unit = None if interval is None else _unit_of_error(values, entry)
        if error is None or interval is None or unit is None:
            return None
        error = to_catalogue_unit(error, unit, entry.id)
    except ReadingError as problem:
        values.refuse(column, problem)
        return None
    if error > max(interval.bounds):
        values.refuse(
            column,
            f"{values.row[column]} is a standard error of {error:g} {entry.unit}, above the value "
            "itself; check its unit (that of the unit column), or state the value as a bound",
        )
    return error


def ccd_reading(values: RowValues, interval: Interval | None) -> tuple[Interval | None, str]:
    """A critical current as an interval, with its programme as JSON.

    One number is the last step passed; the truth lies within the next step.
    """
    protocol = {name: values.written(name) for name in PROTOCOL_COLUMNS}
    given = {name: value for name, value in protocol.items() if value is not None}
    text = json.dumps(protocol)
    try:
        CcdProtocol(**given)
    except ReadingError as error:
        named = (name for name in given if f"{name} must" in str(error))
        values.refuse(next(named, None), error)
        return None, text
    if interval is None or interval.lower is None:
        return interval, text
    end, step = protocol["end_ma_cm2"], protocol["step_ma_cm2"]
    if end is not None and interval.lower > end and not isclose(interval.lower, end):
        values.refuse(
            "value",
            f"{interval.lower:g} mA/cm2 was passed, but the programme ended at {end:g}; give the "
            "current per electrode area, or correct end_ma_cm2",
        )
    if not interval.is_exact:
        return interval, text
    if step is None:
        if not values.row["step_ma_cm2"]:
            values.refuse(
                "step_ma_cm2",
                f"is blank; one number, {interval.lower:g} mA/cm2, needs the step that failed "
                "next: give the step, or an interval such as 2.30..2.35",
            )
        return interval, text
    above = round(interval.lower + step, 9)
    if not interval.lower < above < inf:
        values.refuse(
            "step_ma_cm2",
            f"{step:g} mA/cm2 is no step from {interval.lower:g} mA/cm2; copy it from the "
            "cycler's programme",
        )
        return interval, text
    values.warn(
        "value",
        f"one number is taken as the last step passed, {interval.lower:g}..{above:g} mA/cm2; if "
        f"it is the first step failed write {max(interval.lower - step, 0):g}..{interval.lower:g}",
    )
    return Interval(interval.lower, above), text


def value_and_unit(text: str) -> tuple[str, str]:
    """A value as entered, taken apart.

    Args:
        text: As the ledger keeps it.

    Returns:
        Value and unit; an empty unit where none was given.

    Examples:
        >>> value_and_unit("0.02 mS/cm"), value_and_unit("<1e-10"), value_and_unit("81.5 %")
        (('0.02', 'mS/cm'), ('<1e-10', ''), ('81.5', '%'))
    """
    plain = plain_text(text)
    if plain.endswith(" 1"):  # the unit of what has none
        return plain.removesuffix(" 1"), "1"
    found = _UNIT_IN_TEXT.search(plain)
    if found is None:
        return plain, ""
    return plain[: found.start()].strip(), found["unit"].strip()


def _unit_of_error(values: RowValues, entry: Property) -> str | None:
    """Unit of sd and se: that of the unit column, which the value must share."""
    column = values.row["unit"]
    found = _UNIT_IN_TEXT.search(plain_text(values.row["value"]))
    if found is None:
        return column or entry.unit
    own = found["unit"]
    factors = [to_catalogue_unit(1.0, unit, entry.id) for unit in (own, column or own)]
    if isclose(*factors):
        return own
    values.refuse(
        "value",
        f"is in {own}, the unit column says {column}: the unit of sd and se is not clear; write "
        f"{own} into the unit column and only the number into value",
    )
    return None
