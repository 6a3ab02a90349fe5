"""What each column of a lab's own table is: part of a recipe, a property, or its error."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Final

from experiments.complaint import got, one_line
from experiments.csv_files import Row, Table
from features.errors import ReadingError, TableError
from features.properties import CATALOGUE, TEMPERATURE_DEPENDENT
from features.units import to_catalogue_unit

RECIPE_COLUMNS: Final = (
    "specimen",
    "jar",
    "x",
    "milling_time_h",
    "milling_media",
    "milling_speed_rpm",
    "pressing_pressure_mpa",
    "mass_mg",
    "recovered_mass_mg",
    "temperature_c",
    "status",
    "reason",
    "operator",
    "note",
)
"""What a column may be mapped to besides a property and its error."""

ERROR_COLUMNS: Final = ("se", "sd", "n")
"""Standard error of a property's value, or standard deviation and number of measurements."""

NEEDED: Final = ("x", "milling_time_h", "milling_media", "pressing_pressure_mpa")
"""Recipe columns without which no row can be read."""

_KNOWN: Final = (*RECIPE_COLUMNS, *ERROR_COLUMNS, *CATALOGUE)

_Targets = dict[str, tuple[str, str]]
"""Target and what followed its colon, by column of the file."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a notebook that are read.

    Attributes:
        recipe: Column of the file by recipe column.
        properties: Property and unit (empty: the catalogue's) by column of the file.
        errors: Column of the file by property and ``se``, ``sd`` or ``n``.
    """

    recipe: Mapping[str, str] = field(default_factory=dict)
    properties: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    errors: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def value(self, row: Row, wanted: str) -> str:
        """Text of a recipe column; empty when the file has none such."""
        return row[self.recipe[wanted]] if wanted in self.recipe else ""

    def missing(self, file: str, table: Table) -> list[str]:
        """What no column of the file tells, one sentence each."""
        if not table.rows:
            return [f"{file}: has a header, but no rows; add a row for each specimen"]
        needed = list(NEEDED)
        if TEMPERATURE_DEPENDENT & {name for name, _ in self.properties.values()}:
            needed.append("temperature_c")
        return [
            f"{file}: no column tells {name}; name one with --map 'its column={name}', or add it; "
            f"got {', '.join(one_line(column) for column in table.columns if column)}"
            for name in needed
            if name not in self.recipe
        ]


def mapped(texts: Sequence[str]) -> dict[str, str]:
    """Column of the file to what it is, as ``--map`` options say it.

    Args:
        texts: Such as ``sigma=ionic_conductivity:mS/cm``; the last equals sign counts.

    Raises:
        TableError: If one lacks its equals sign, or a column stands in two.
    """
    pairs: dict[str, str] = {}
    for text in texts:
        column, equals, target = text.rpartition("=")
        if not equals:
            raise TableError(f"--map needs 'column=target', got {got(text)}")
        if column in pairs:
            raise TableError(f"--map: column {got(column)} is mapped twice; keep one")
        pairs[column] = target
    return pairs


def notebook_columns(mapping: Mapping[str, str], table: Table) -> tuple[Columns, list[str]]:
    """What each column is, and what is wrong with the mapping.

    Args:
        mapping: Column of the file to a recipe column, to ``property`` or ``property:unit``, or to
            ``se``, ``sd`` or ``n``, with ``:property`` when several are mapped. Columns already
            named so need no entry.
        table: The file.

    Returns:
        The columns, and one sentence a fault; with a fault the columns are not to be used.
    """
    targets = {name: (name, "") for name in table.columns if name in _KNOWN}
    for column, text in mapping.items():
        target, _, detail = text.partition(":")
        targets[column] = (target.strip(), detail.strip())
    if not any(target == "sd" for target, _ in targets.values()) and "n" not in mapping:
        targets.pop("n", None)  # without an sd it is more likely the number of the row
    faults = [fault for column in targets if (fault := _fault(column, *targets[column]))]
    recipe, twice = _one_each({c: name for c, (name, _) in targets.items()}, RECIPE_COLUMNS)
    errors, unclear = _errors(targets)
    properties = {c: (name, unit) for c, (name, unit) in targets.items() if name in CATALOGUE}
    return Columns(recipe, properties, errors), [*faults, *twice, *unclear]


def _fault(column: str, target: str, detail: str) -> str:
    """What is wrong with one entry on its own; empty when nothing is."""
    where = f"mapping of column {column!r}"
    if target not in _KNOWN:
        near = get_close_matches(target, (*RECIPE_COLUMNS, *CATALOGUE), n=1, cutoff=0.5)
        remedy = f"did you mean {near[0]}?" if near else f"use one of {', '.join(_KNOWN)}"
        return f"{where}: there is no {got(target)}; {remedy}"
    if detail and target in CATALOGUE:
        try:
            to_catalogue_unit(1.0, detail, target)
        except ReadingError as error:
            return f"{where}: {error}"
    elif detail and target in RECIPE_COLUMNS:
        return f"{where}: {target} takes no unit, got {detail!r}; the unit is in the name"
    return ""


def _one_each(
    targets: Mapping[str, str], wanted: tuple[str, ...]
) -> tuple[dict[str, str], list[str]]:
    """Column of the file by target, and a sentence for each target that has several."""
    found: dict[str, str] = {}
    faults = []
    for name in wanted:
        columns = [column for column, target in targets.items() if target == name]
        if columns:
            found[name] = columns[0]
        if len(columns) > 1:
            faults.append(
                f"mapping of columns {', '.join(map(repr, columns))}: all are {name}; map one"
            )
    return found, faults


def _errors(targets: _Targets) -> tuple[dict[str, dict[str, str]], list[str]]:
    """Columns of errors by property, and a sentence for each of which it is not clear whose."""
    measured = [name for name, _ in targets.values() if name in CATALOGUE]
    by_property: dict[str, dict[str, str]] = {}
    faults = []
    for column, (target, of) in targets.items():
        if target not in ERROR_COLUMNS:
            continue
        owner = of or (measured[0] if len(measured) == 1 else "")
        if fault := _unclear(target, owner, measured):
            faults.append(f"mapping of column {column!r}: {fault}")
        else:
            by_property.setdefault(owner, {})[column] = target
    found = {}
    for owner, columns in by_property.items():
        found[owner], twice = _one_each(columns, ERROR_COLUMNS)
        faults += twice
        if "sd" in found[owner] and "n" not in found[owner]:
            faults.append(
                f"mapping of column {found[owner]['sd']!r}: an sd needs n, the number of "
                f"measurements; map its column to n:{owner}, or a standard error to se:{owner}"
            )
    return found, faults


def _unclear(target: str, owner: str, measured: list[str]) -> str:
    """Why it is not clear whose error a column is; empty when it is."""
    distinct = list(dict.fromkeys(measured))
    say = " or ".join(f"{target}:{name}" for name in distinct) or "a property as well"
    if not owner:
        return f"it is not clear which value this is the {target} of; map {say}"
    if owner not in CATALOGUE:
        return (
            f"{target} takes a property, got {owner!r}, and has the unit of its column; map {say}"
        )
    if owner not in measured:
        return f"no column is {owner}; map {say}"
    if measured.count(owner) > 1:
        return (
            f"{measured.count(owner)} columns are {owner}, so it is not clear which this is the "
            f"{target} of; give each value a row of its own"
        )
    return ""
