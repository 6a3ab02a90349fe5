"""A lab's own table taken in as history: one row a specimen, whatever its columns are called."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from hashlib import sha256
from pathlib import Path
from typing import Final

from experiments.bench import Bench
from experiments.csv_files import Row, Table, read_table
from experiments.made_file import Findings, read_made_rows
from experiments.results_file import Results, read_result_rows
from experiments.round_folder import MADE_COLUMNS, RESULT_COLUMNS
from features.errors import ReadingError
from features.properties import CATALOGUE, TEMPERATURE_DEPENDENT
from features.units import to_catalogue_unit

RECIPE_COLUMNS: Final = (
    "specimen",
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
"""What a column may be mapped to besides a property."""

NEEDED: Final = ("x", "milling_time_h", "milling_media", "pressing_pressure_mpa")
"""Recipe columns without which no row can be read."""

DEFAULT_SPEED_RPM: Final = "500"
"""Assumed where a notebook has no column for it; a warning says so."""

DEFAULT_STATUS: Final = "made"


def read_notebook(
    path: Path, mapping: Mapping[str, str], bench: Bench
) -> tuple[Findings, Results, str]:
    """Read and check a table of old specimens; writes nothing.

    Each row becomes a jar, a pellet pressed from it, and a reading for each mapped property.
    Rows of one specimen with one recipe are one specimen read several times.

    Args:
        path: A CSV file.
        mapping: Column of the file to a recipe column, a property, or ``property:unit``.
            Columns already named so need no entry.
        bench: What is known so far.

    Returns:
        Specimens, readings and the SHA-256 of the file. When there are problems nothing is to
        be written.
    """
    table = read_table(path, tuple(mapping))
    targets, faults = _targets(mapping, table)
    if table.problems or faults:
        return Findings(problems=[*table.problems, *faults]), Results(), ""
    faults = _missing(path.name, table, targets)
    if faults:
        return Findings(problems=faults), Results(), ""
    made = [row for old in table.rows for row in _specimens(old, targets, path.stem)]
    results = [row for old in table.rows for row in _readings(old, targets, path.stem)]
    specimens = read_made_rows(made, bench)
    if not _columns_of(targets, "milling_speed_rpm"):
        specimens.warnings.append(
            f"{path.name}: has no column for milling_speed_rpm; {DEFAULT_SPEED_RPM} rpm is assumed"
        )
    digest = sha256(path.read_bytes()).hexdigest()
    return specimens, read_result_rows(results, bench, specimens), digest


def _targets(
    mapping: Mapping[str, str], table: Table
) -> tuple[dict[str, tuple[str, str]], list[str]]:
    """Target and unit by column of the file, and what is wrong with the mapping."""
    known = (*RECIPE_COLUMNS, *CATALOGUE)
    targets = {name: (name, "") for name in table.columns if name in known}
    faults = []
    for column, text in mapping.items():
        target, _, unit = text.partition(":")
        targets[column] = (target, unit)
        if target not in known:
            near = get_close_matches(target, known, n=1, cutoff=0.5)
            remedy = f"did you mean {near[0]}?" if near else f"use one of {', '.join(known)}"
            faults.append(f"mapping of column {column!r}: there is no {target!r}; {remedy}")
        elif unit and target in CATALOGUE:
            try:
                to_catalogue_unit(1.0, unit, target)
            except ReadingError as error:
                faults.append(f"mapping of column {column!r}: {error}")
        elif unit:
            faults.append(
                f"mapping of column {column!r}: {target} takes no unit, got {unit!r}; the unit "
                "is in the name"
            )
    for name in RECIPE_COLUMNS:
        columns = _columns_of(targets, name)
        if len(columns) > 1:
            faults.append(
                f"mapping of columns {', '.join(map(repr, columns))}: all are {name}; map one"
            )
    return targets, faults


def _missing(file: str, table: Table, targets: Mapping[str, tuple[str, str]]) -> list[str]:
    """What no column of the file tells."""
    if not table.rows:
        return [f"{file}: has a header, but no rows; add a row for each specimen"]
    needed = list(NEEDED)
    if TEMPERATURE_DEPENDENT & {target for target, _ in targets.values()}:
        needed.append("temperature_c")
    return [
        f"{file}: no column tells {name}; name one with --map 'its column={name}', or add it; "
        f"got {', '.join(column for column in table.columns if column)}"
        for name in needed
        if not _columns_of(targets, name)
    ]


def _specimens(old: Row, targets: Mapping[str, tuple[str, str]], stem: str) -> list[Row]:
    """The jar and the pellet of a row."""
    name = _name(old, targets, stem)
    recipe = {key: _value(old, targets, key) for key in RECIPE_COLUMNS if key != "temperature_c"}
    recipe["milling_speed_rpm"] = recipe["milling_speed_rpm"] or DEFAULT_SPEED_RPM
    recipe["status"] = recipe["status"] or DEFAULT_STATUS
    return [
        _row(old, MADE_COLUMNS, recipe | {"specimen": name, "kind": "jar"}, targets),
        _row(
            old,
            MADE_COLUMNS,
            recipe | {"specimen": f"{name}-P", "kind": "pellet", "jar": name},
            targets,
        ),
    ]


def _readings(old: Row, targets: Mapping[str, tuple[str, str]], stem: str) -> list[Row]:
    """A reading for each property of a row."""
    rows = []
    for column, (target, unit) in targets.items():
        if target in CATALOGUE and old[column]:
            reading = {
                "specimen": f"{_name(old, targets, stem)}-P",
                "property": target,
                "value": old[column],
                "unit": unit,
                "temperature_c": _value(old, targets, "temperature_c"),
                "method": f"column {column}",
                "note": _value(old, targets, "note"),
            }
            names = {"value": column, "unit": column}
            rows.append(_row(old, RESULT_COLUMNS, reading, targets, names))
    return rows


def _name(old: Row, targets: Mapping[str, tuple[str, str]], stem: str) -> str:
    return _value(old, targets, "specimen") or f"{stem}-{old.number}"


def _columns_of(targets: Mapping[str, tuple[str, str]], wanted: str) -> Sequence[str]:
    return [column for column, (target, _) in targets.items() if target == wanted]


def _value(row: Row, targets: Mapping[str, tuple[str, str]], wanted: str) -> str:
    return next((row[column] for column in _columns_of(targets, wanted)), "")


def _row(
    old: Row,
    columns: Sequence[str],
    cells: Mapping[str, str],
    targets: Mapping[str, tuple[str, str]],
    names: Mapping[str, str] | None = None,
) -> Row:
    """A row as of a round's file; complaints about it name the notebook's own columns."""
    own = {target: column for column, (target, _) in targets.items() if target in RECIPE_COLUMNS}
    filled = {name: cells.get(name, "") for name in columns}
    return Row(old.file, old.number, filled, {**own, **(names or {})})
