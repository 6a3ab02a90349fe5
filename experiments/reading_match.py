"""Which readings are new, which correct an earlier one, and which are known already."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import pandas as pd

from experiments.csv_files import Row
from experiments.ledger_rows import ReadingRow
from experiments.results_file import Withdrawal

_VALUE: Final = ("lower", "upper", "se", "n", "method", "protocol")
"""With the note, what makes two readings differ; who recorded it and where does not."""


@dataclass(slots=True)
class Match:
    """What to do with the readings of a file.

    Attributes:
        added: Readings to add.
        corrected: Version to supersede and the reading that does.
        problems: What forbids writing, one sentence each.
        warnings: What was replaced, one sentence each.
    """

    added: list[ReadingRow] = field(default_factory=list)
    corrected: list[tuple[int, ReadingRow]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def match(
    rows: Sequence[ReadingRow],
    places: Sequence[Row],
    withdrawn: Sequence[Withdrawal],
    ledger_readings: pd.DataFrame,
) -> Match:
    """Compare the readings of a file with those of the ledger.

    Among readings of one property of one specimen at one temperature, an equal one is known
    already; one with the same note corrects; one with another note is a second measurement,
    unless it stands in the file of the first and the first no longer does.

    Args:
        rows: Readings of the file.
        places: The row of each.
        withdrawn: Rows of the file that take a reading back.
        ledger_readings: All versions of all readings.

    Returns:
        What to write.
    """
    found = Match()
    held = _current(ledger_readings)
    todo = list(zip(rows, places, strict=True))
    for fits in (_is_same, _has_note, _is_of_file):
        left = []
        for row, place in todo:
            candidates = held.get(_key(row.specimen, row.property, row.temperature_c), [])
            earlier = next((one for one in candidates if fits(one, row)), None)
            if earlier is None:
                left.append((row, place))
                continue
            candidates.remove(earlier)
            if fits is not _is_same:
                _correct(found, earlier, row, place)
        todo = left
    found.added = [row for row, _ in todo]
    for gone in withdrawn:
        _withdraw(found, gone, held, ledger_readings)
    return found


def _correct(found: Match, earlier: Mapping[str, Any], row: ReadingRow, place: Row) -> None:
    found.corrected.append((int(earlier["version_id"]), row))
    if not all(_equal(earlier[name], getattr(row, name)) for name in _VALUE):
        said = (
            f"{row.text} replaces {earlier['text']} recorded before; if it is a second "
            "measurement, keep both rows and say so in the note"
        )
        found.warnings.append(place.complaint(None, said, specimen=row.specimen))


def _withdraw(
    found: Match,
    gone: Withdrawal,
    held: Mapping[tuple[str, str, float | None], list[dict[str, Any]]],
    ledger_readings: pd.DataFrame,
) -> None:
    fitting = [
        row
        for (specimen, name, temperature), rows in held.items()
        for row in rows
        if (specimen, name) == (gone.specimen, gone.property)
        and (gone.temperature_c is None or temperature == round(gone.temperature_c, 1))
    ]
    noted = [row for row in fitting if row["note"] == gone.note]
    chosen = noted if len(fitting) > 1 else fitting
    if len(chosen) == 1:
        row = chosen[0]
        kept = {name: _plain(row[name]) for name in ReadingRow.__dataclass_fields__}
        reading = ReadingRow(**{**kept, "note": gone.note, "withdrawn": True})
        found.corrected.append((int(row["version_id"]), reading))
    elif fitting:
        said = (
            f"{len(fitting)} readings could be withdrawn; give the temperature and the note of the "
            "one meant"
        )
        found.problems.append(gone.place.complaint("value", said, specimen=gone.specimen))
    elif not _was_withdrawn(gone, ledger_readings):
        said = "there is no reading to withdraw; check specimen, property and temperature"
        found.problems.append(gone.place.complaint("value", said, specimen=gone.specimen))


def _was_withdrawn(gone: Withdrawal, readings: pd.DataFrame) -> bool:
    own = (readings["specimen"] == gone.specimen) & (readings["property"] == gone.property)
    return bool(readings.loc[own, "withdrawn"].any())


def _current(readings: pd.DataFrame) -> dict[tuple[str, str, float | None], list[dict[str, Any]]]:
    superseded = set(readings["supersedes"].dropna())
    found: dict[tuple[str, str, float | None], list[dict[str, Any]]] = {}
    for record in readings.to_dict("records"):
        row = {str(name): value for name, value in record.items()}
        if row["version_id"] not in superseded and not row["withdrawn"]:
            key = _key(row["specimen"], row["property"], row["temperature_c"])
            found.setdefault(key, []).append(row)
    return found


def _key(specimen: str, name: str, temperature: float | None) -> tuple[str, str, float | None]:
    known = _plain(temperature)
    return specimen, name, None if known is None else round(float(known), 1)


def _is_same(earlier: Mapping[str, Any], row: ReadingRow) -> bool:
    return all(_equal(earlier[name], getattr(row, name)) for name in (*_VALUE, "note"))


def _has_note(earlier: Mapping[str, Any], row: ReadingRow) -> bool:
    return bool(earlier["note"] == row.note)


def _is_of_file(earlier: Mapping[str, Any], row: ReadingRow) -> bool:
    """Whether both stood in one file; rows that were typed or sent one by one never did."""
    return row.file_sha256 is not None and bool(earlier["source"] == row.source)


def _equal(left: Any, right: Any) -> bool:
    return bool(_plain(left) == _plain(right))


def _plain(value: Any) -> Any:
    """A value of a frame, what is missing being ``None``."""
    return None if value is None or value != value else value
