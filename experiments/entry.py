"""Rows typed into a form or sent by a program: checked and written like the rows of a file."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd

from experiments.bench import Bench
from experiments.complaint import Overtaken, one_line
from experiments.config import CampaignConfig
from experiments.csv_files import Row
from experiments.frozen_check import refuse_altered
from experiments.ledger import Ledger
from experiments.ledger_rows import ReadingRow, SpecimenRow
from experiments.made_file import Findings, read_made_rows
from experiments.made_specimens import ASSAY_COLUMNS
from experiments.recording import Also, Report, take_in
from experiments.results_file import Results, read_result_rows
from experiments.round_folder import MADE_COLUMNS, RESULT_COLUMNS
from experiments.table_limits import MAX_CELL, MAX_ROWS, cell_fault, unified
from features.errors import InputError

SPECIMENS: Final = "specimens"
READINGS: Final = "readings"
"""What complaints call the two tables."""

REPLACES: Final = "replaces"
"""Version the sender knows of a row's specimen or reading, 0 for none; not asked if left out."""

SPECIMEN_FIELDS: Final = (*MADE_COLUMNS, *ASSAY_COLUMNS)
READING_FIELDS: Final = RESULT_COLUMNS


def record_rows(
    ledger: Ledger,
    config: CampaignConfig,
    folder: Path,
    *,
    specimens: Sequence[Mapping[str, Any]] = (),
    readings: Sequence[Mapping[str, Any]] = (),
    by: str,
    also: Also | None = None,
) -> Report:
    """Check rows of both tables and write them in one transaction, or nothing.

    Args:
        ledger: The campaign's ledger.
        config: The campaign's configuration.
        folder: The campaign's folder, where predictions.json of its rounds lie.
        specimens: Rows as of ``made.csv``: column to text or number; ``replaces`` if wanted.
        readings: Rows as of ``results.csv``.
        by: Who records.
        also: What else belongs into the transaction.

    Returns:
        What was done.

    Raises:
        InputError: With every problem, each knowing its row (from 1) and field.
        CampaignError: If a lab's rows meet a simulated campaign, or predictions were altered.
        LedgerError: If frozen predictions in the ledger were altered.
    """

    def read(known: Bench) -> tuple[Findings, Results]:
        made_rows, made_faults = _rows(SPECIMENS, specimens, SPECIMEN_FIELDS)
        result_rows, result_faults = _rows(READINGS, readings, READING_FIELDS)
        made = read_made_rows(made_rows, known)
        made.problems[:0] = made_faults
        made.problems += _stale_specimens(made, made_rows, specimens, known, ledger)
        found = read_result_rows(result_rows, known, made)
        found.problems[:0] = result_faults
        found.problems += _stale_readings(found, result_rows, readings, ledger.readings())
        return made, found

    def check(rounds: Sequence[str]) -> None:
        refuse_altered(ledger, rounds, folder / "rounds")

    more = {} if also is None else {"also": also}
    return take_in(ledger, config, read, hashes={}, by=by, check=check, **more)


def table_rows(table: str, rows: Sequence[Row]) -> list[dict[str, str]]:
    """Rows of a file as a form shows them: only what has text.

    Args:
        table: ``specimens`` or ``readings``.
        rows: Rows as read.
    """
    known = SPECIMEN_FIELDS if table == SPECIMENS else READING_FIELDS
    return [{name: row[name] for name in known if row[name]} for row in rows]


def _rows(
    table: str, sent: Sequence[Mapping[str, Any]], fields: Sequence[str]
) -> tuple[list[Row], list[str]]:
    """Rows as text, and what no cell may hold."""
    if len(sent) > MAX_ROWS:
        raise InputError([f"{table}: at most {MAX_ROWS:,} rows are taken, got {len(sent):,}"])
    rows: list[Row] = []
    faults: list[str] = []
    for number, values in enumerate(sent, start=1):
        cells = {name: _text(values.get(name)) for name in fields}
        row = Row(table, number, cells)
        for name in values:
            if name not in fields and name != REPLACES:
                said = f"is no field; use {', '.join(fields)}"
                faults.append(row.complaint(one_line(str(name))[:MAX_CELL], said))
        harmful = [(name, cell_fault(text, is_workbook=False)) for name, text in cells.items()]
        bad = [(name, fault) for name, fault in harmful if fault]
        faults += (row.complaint(name, fault) for name, fault in bad)
        rows.append(Row(table, number, cells | dict.fromkeys((name for name, _ in bad), "")))
    return rows, faults


def _text(value: Any) -> str:
    """A value as a cell would hold it; numbers keep all their digits."""
    if value is None:
        return ""
    if isinstance(value, float):
        return repr(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return unified(str(value).strip())


def _known_version(values: Mapping[str, Any]) -> int | None:
    """The version a sender knows; ``None`` when they did not say."""
    known = values.get(REPLACES)
    return None if known is None or known == "" else int(known)


def _stale_specimens(
    found: Findings,
    rows: Sequence[Row],
    sent: Sequence[Mapping[str, Any]],
    known: Bench,
    ledger: Ledger,
) -> list[str]:
    """Specimens that somebody else changed, to another state, since the sender looked."""
    wanted = {row.id: row for row in found.rows}
    faults: list[str] = []
    for row, values in zip(rows, sent, strict=True):
        version, specimen = _known_version(values), row["specimen"]
        held = known.held(specimen)
        if version is None or not row["status"] or int(held.get("version_id", 0)) == version:
            continue
        kind = known.kind_of(specimen)
        if kind is not None and wanted.get(specimen) == _as_held(ledger, kind, specimen):
            continue
        who = _changed_by(ledger, specimen, held.get("version_id")) or "somebody"
        said = row.complaint(
            "status",
            f"{specimen} was changed by {who} at {held.get('recorded_at', 'another time')} to "
            f"{held.get('status', 'unknown')} since you looked, got {row['status']}; look "
            "again, then record",
        )
        faults.append(Overtaken.of(said, int(held.get("version_id", 0))))
    return faults


def _as_held(ledger: Ledger, kind: str, specimen: str) -> SpecimenRow:
    match kind:
        case "jar":
            return ledger.jar(specimen)
        case "pellet":
            return ledger.pellet(specimen)
    return ledger.cell(specimen)


def _changed_by(ledger: Ledger, specimen: str, version_id: Any) -> str:
    """Who wrote a version of a specimen; empty if nobody signed."""
    version = (specimen, version_id)
    for change in ledger.changes().to_dict("records"):
        if any((one["id"], one.get("version_id")) == version for one in change["what"]):
            return str(change["person"])
    return ""


def _stale_readings(
    found: Results,
    rows: Sequence[Row],
    sent: Sequence[Mapping[str, Any]],
    held: pd.DataFrame,
) -> list[str]:
    """Readings that somebody else recorded, with another value, since the sender looked."""
    faults: list[str] = []
    for reading, place in zip(found.readings, found.places, strict=True):
        index = place.number - 1
        version = _known_version(sent[index])
        if version is None:
            continue
        now = _current(held, reading)
        if now is None or int(now["version_id"]) == version or _agrees(now, reading):
            continue
        said = rows[index].complaint(
            "value",
            f"{now['recorded_by'] or 'somebody'} recorded {now['text']} at "
            f"{now['recorded_at']} since you looked, got {reading.text}; send it again to "
            "replace that, or clear it",
        )
        faults.append(Overtaken.of(said, int(now["version_id"])))
    return faults


def _current(held: pd.DataFrame, reading: ReadingRow) -> dict[str, Any] | None:
    """The reading of the ledger that a new one would correct."""
    same = (
        (held["specimen"] == reading.specimen)
        & (held["property"] == reading.property)
        & (held["note"] == reading.note)
    )
    for row in held.loc[same].to_dict("records"):
        warm, other = row["temperature_c"], reading.temperature_c
        if (other is None and pd.isna(warm)) or (
            other is not None and not pd.isna(warm) and round(float(warm), 1) == round(other, 1)
        ):
            return {str(name): value for name, value in row.items()}
    return None


def _agrees(now: Mapping[str, Any], reading: ReadingRow) -> bool:
    ends = ((now["lower"], reading.lower), (now["upper"], reading.upper))
    return all((pd.isna(a) and b is None) or a == b for a, b in ends)
