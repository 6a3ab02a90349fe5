"""A lab's own table taken in as history: one row a specimen, whatever its columns are called."""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final

from experiments.csv_files import Row, read_rows
from experiments.made_file import Bench, Findings, read_made_rows
from experiments.results_file import Results, read_result_rows
from experiments.round_folder import MADE_COLUMNS, RESULT_COLUMNS
from features.errors import TableError
from features.properties import CATALOGUE

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

DEFAULTS: Final = {"milling_speed_rpm": "500", "mass_mg": "150", "status": "made"}


def read_notebook(
    path: Path, mapping: Mapping[str, str], bench: Bench
) -> tuple[Findings, Results, str]:
    """Read and check a table of old specimens; writes nothing.

    Each row becomes a jar, a pellet pressed from it, and a reading for each mapped property.

    Args:
        path: A CSV file.
        mapping: Column of the file to a recipe column, a property, or ``property:unit``.
            Columns already named so need no entry.
        bench: What is known so far.

    Returns:
        Specimens, readings and the SHA-256 of the file.

    Raises:
        TableError: If the file cannot be read or the mapping names a column that is not there.
    """
    rows = read_rows(path, tuple(mapping))
    targets = _targets(mapping, rows)
    made: list[Row] = []
    results: list[Row] = []
    for row in rows:
        name = _value(row, targets, "specimen") or f"{path.stem}-{row.number}"
        recipe = {
            key: _value(row, targets, key) or DEFAULTS.get(key, "")
            for key in RECIPE_COLUMNS
            if key not in ("specimen", "temperature_c")
        }
        made.append(_row(row, MADE_COLUMNS, recipe | {"specimen": name, "kind": "jar"}))
        made.append(
            _row(
                row, MADE_COLUMNS, recipe | {"specimen": f"{name}-P", "kind": "pellet", "jar": name}
            )
        )
        for column, (target, unit) in targets.items():
            if target in CATALOGUE and row[column]:
                reading = {
                    "specimen": f"{name}-P",
                    "property": target,
                    "value": row[column],
                    "unit": unit,
                    "temperature_c": _value(row, targets, "temperature_c"),
                    "note": recipe["note"],
                }
                results.append(_row(row, RESULT_COLUMNS, reading))
    specimens = read_made_rows(made, bench)
    return specimens, read_result_rows(results, bench, specimens.rows), _digest(path)


def _digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


def _targets(mapping: Mapping[str, str], rows: list[Row]) -> dict[str, tuple[str, str]]:
    """Target and unit by column of the file."""
    known = {*RECIPE_COLUMNS, *CATALOGUE}
    columns = rows[0].cells if rows else {}
    targets = {name: (name, "") for name in columns if name in known}
    for column, text in mapping.items():
        target, _, unit = text.partition(":")
        if target not in known:
            raise TableError(
                f"mapping of column {column!r}: there is no {target!r}; use one of "
                f"{', '.join((*RECIPE_COLUMNS, *CATALOGUE))}"
            )
        targets[column] = (target, unit)
    return targets


def _value(row: Row, targets: Mapping[str, tuple[str, str]], wanted: str) -> str:
    return next((row[column] for column, (t, _) in targets.items() if t == wanted), "")


def _row(row: Row, columns: tuple[str, ...], cells: Mapping[str, str]) -> Row:
    return Row(row.file, row.number, {name: cells.get(name, "") for name in columns})
