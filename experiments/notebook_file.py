"""A lab's own table taken in as history: one row a specimen, whatever its columns are called."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final

from experiments.bench import Bench
from experiments.csv_files import Row, number_in, read_table
from experiments.made_file import Findings, read_made_rows
from experiments.notebook_columns import Columns, notebook_columns
from experiments.results_file import Results, read_result_rows
from experiments.round_folder import MADE_COLUMNS, RESULT_COLUMNS
from features.errors import TableError
from models.feasibility import REASONS

DEFAULT_SPEED_RPM: Final = "500"
"""Assumed where a notebook has no column for it; a warning says so."""

DEFAULT_STATUS: Final = "made"

JAR_COLUMNS: Final = (
    "x",
    "milling_time_h",
    "milling_media",
    "milling_speed_rpm",
    "recovered_mass_mg",
)
"""What rows of one jar share."""


def read_notebook(
    path: Path, mapping: Mapping[str, str], bench: Bench
) -> tuple[Findings, Results, str]:
    """Read and check a table of old specimens; writes nothing.

    Each row becomes a pellet, the jar it was pressed from, and a reading for each mapped
    property. Rows with one label in the column ``jar`` share that jar; without a label a jar has
    the specimen's name. Rows of one specimen with one recipe are one specimen read several times.

    Args:
        path: A CSV file or a workbook.
        mapping: Column of the file to what it is, see ``notebook_columns``.
        bench: What is known so far.

    Returns:
        Specimens, readings and the SHA-256 of the file. When there are problems nothing is to
        be written.
    """
    table = read_table(path, tuple(mapping))
    columns, faults = notebook_columns(mapping, table)
    if table.problems or faults:
        return Findings(problems=[*table.problems, *faults]), Results(), ""
    faults = columns.missing(path.name, table)
    if faults:
        return Findings(problems=faults), Results(), ""
    jars, clashes = _jars(table.rows, columns, path.stem)
    pellets = [_pellet(old, columns, path.stem) for old in table.rows]
    results = [row for old in table.rows for row in _readings(old, columns, path.stem)]
    specimens = read_made_rows([*jars, *pellets], bench)
    specimens.problems[:0] = clashes
    if "milling_speed_rpm" not in columns.recipe:
        specimens.warnings.append(
            f"{path.name}: has no column for milling_speed_rpm; {DEFAULT_SPEED_RPM} rpm is assumed"
        )
    digest = sha256(path.read_bytes()).hexdigest()
    return specimens, read_result_rows(results, bench, specimens), digest


def _jars(rows: Sequence[Row], columns: Columns, stem: str) -> tuple[list[Row], list[str]]:
    """The jars of all rows, and a sentence for each cell that disagrees with its jar."""
    by_jar: dict[str, list[Row]] = {}
    for old in rows:
        by_jar.setdefault(_jar_name(old, columns, stem), []).append(old)
    jars, clashes = [], []
    for name, own in by_jar.items():
        if any(columns.value(old, "jar") for old in own):
            jars.append(_shared_jar(name, own, columns))
            clashes += [clash for old in own[1:] for clash in _clashes(name, own[0], old, columns)]
        else:  # rows of one specimen: they are compared where all specimens are
            jars += [_jar(name, old, columns) for old in own]
    return jars, clashes


def _shared_jar(name: str, own: Sequence[Row], columns: Columns) -> Row:
    """The jar of several pellets, as its first row describes it."""
    told = [old for old in own if _fate(old, columns)[0] != "not_made"] or own
    cells = _recipe(own[0], columns) | dict.fromkeys(("note", "operator"), "")
    if len({_fate(old, columns) for old in told}) > 1:
        # Some of it was good, so it was made; the pellets say what became of each.
        cells |= {"status": DEFAULT_STATUS, "reason": ""}
    else:
        cells |= {key: columns.value(told[0], key) for key in ("reason", "note")}
        cells |= {"status": columns.value(told[0], "status") or DEFAULT_STATUS}
        cells |= _unbroken(told[0], columns)
    cells |= {"specimen": name, "kind": "jar"}
    return _row(own[0], MADE_COLUMNS, cells, columns, {"specimen": columns.recipe["jar"]})


def _jar(name: str, old: Row, columns: Columns) -> Row:
    """The jar of one pellet."""
    cells = _recipe(old, columns) | _unbroken(old, columns) | {"specimen": name, "kind": "jar"}
    return _row(old, MADE_COLUMNS, cells, columns)


def _unbroken(old: Row, columns: Columns) -> dict[str, str]:
    """What cracked was pressed from a jar that was made; nothing for any other fate."""
    status, reason = _fate(old, columns)
    cracked = status == "failed" and reason in REASONS["pellet"]
    return {"status": DEFAULT_STATUS, "reason": ""} if cracked else {}


def _fate(old: Row, columns: Columns) -> tuple[str, str]:
    """Status and reason of a row."""
    status = _word(columns.value(old, "status")) or DEFAULT_STATUS
    return status, _word(columns.value(old, "reason")) if status == "failed" else ""


def _clashes(name: str, first: Row, old: Row, columns: Columns) -> list[str]:
    """Where a row says of its jar what the jar's first row does not; a blank says nothing."""
    clashes: list[str] = []
    for wanted in JAR_COLUMNS:
        said, before = columns.value(old, wanted), columns.value(first, wanted)
        if said and _meant(said) != _meant(before):
            fault = (
                f"got {said!r}, but row {first.number} of the same jar "
                f"{f'has {before!r}' if before else 'is blank'}; give both the same, or two jars"
            )
            clashes.append(old.complaint(columns.recipe[wanted], fault, specimen=name))
    return clashes


def _meant(text: str) -> float | str:
    """What a cell means, however it is written: 0,15 is 0.150, Agate is agate."""
    try:
        return number_in(text)
    except TableError:
        return _word(text)


def _pellet(old: Row, columns: Columns, stem: str) -> Row:
    cells = _recipe(old, columns) | dict.fromkeys(JAR_COLUMNS, "")
    cells |= {
        "specimen": _pellet_name(old, columns, stem),
        "kind": "pellet",
        "jar": _jar_name(old, columns, stem),
    }
    return _row(old, MADE_COLUMNS, cells, columns)


def _recipe(old: Row, columns: Columns) -> dict[str, str]:
    """What a row says of its jar and pellet."""
    recipe = {name: columns.value(old, name) for name in MADE_COLUMNS if name != "temperature_c"}
    recipe["milling_speed_rpm"] = recipe["milling_speed_rpm"] or DEFAULT_SPEED_RPM
    return recipe | {"jar": "", "status": recipe["status"] or DEFAULT_STATUS}


def _readings(old: Row, columns: Columns, stem: str) -> list[Row]:
    """A reading for each property of a row."""
    rows = []
    for column, (name, unit) in columns.properties.items():
        if old[column]:
            errors = columns.errors.get(name, {})
            reading = {
                "specimen": _pellet_name(old, columns, stem),
                "property": name,
                "value": old[column],
                "unit": unit,
                **{error: old[own] for error, own in errors.items()},
                "temperature_c": columns.value(old, "temperature_c"),
                "method": f"column {column}",
                "note": columns.value(old, "note"),
            }
            names = {"value": column, "unit": column, **errors}
            rows.append(_row(old, RESULT_COLUMNS, reading, columns, names))
    return rows


def _pellet_name(old: Row, columns: Columns, stem: str) -> str:
    return f"{_name(old, columns, stem)}-P"


def _jar_name(old: Row, columns: Columns, stem: str) -> str:
    return columns.value(old, "jar") or _name(old, columns, stem)


def _name(old: Row, columns: Columns, stem: str) -> str:
    return columns.value(old, "specimen") or f"{stem}-{old.number}"


def _word(text: str) -> str:
    """A word of a fixed list as people write it: case and blanks do not matter."""
    return text.lower().replace(" ", "_")


def _row(
    old: Row,
    wanted: Sequence[str],
    cells: Mapping[str, str],
    columns: Columns,
    names: Mapping[str, str] | None = None,
) -> Row:
    """A row as of a round's file; complaints about it name the notebook's own columns."""
    filled = {name: cells.get(name, "") for name in wanted}
    return Row(old.file, old.number, filled, {**columns.recipe, **(names or {})})
