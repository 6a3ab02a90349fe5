"""Takes a round's files into the ledger: everything is checked first, then written at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import pandas as pd

from experiments.config import CampaignConfig
from experiments.ledger import Ledger, Transaction
from experiments.ledger_rows import CellRow, JarRow, PelletRow, ReadingRow, SpecimenRow
from experiments.ledger_stock import stock
from experiments.made_file import Bench, Findings, read_made
from experiments.results_file import Results, read_results
from experiments.simulation import is_simulated
from features.errors import CampaignError, InputError

ROUNDING_MG: Final = 0.5
"""Overdraw that is only rounding of weighed masses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What recording did.

    Attributes:
        specimens: Specimens added or whose state changed.
        readings_added: New readings.
        readings_corrected: Readings that replaced an earlier one.
        unchanged: Rows the ledger held already.
        rounds: Rounds touched.
        closed: Rounds that are complete now, or were closed by hand.
        warnings: What is unusual, one sentence each.
    """

    specimens: int = 0
    readings_added: int = 0
    readings_corrected: int = 0
    unchanged: int = 0
    rounds: tuple[str, ...] = ()
    closed: tuple[str, ...] = ()
    warnings: tuple[str, ...] = field(default=())


def bench(ledger: Ledger, config: CampaignConfig) -> Bench:
    """What is known before a file is read."""
    return Bench(
        jars=ledger.jars(),
        pellets=ledger.pellets(),
        cells=ledger.cells(),
        config=config,
        origin="simulated" if ledger.kind == "simulated" else "lab",
    )


def record_files(
    ledger: Ledger, config: CampaignConfig, made: Path, results: Path, *, by: str = ""
) -> Report:
    """Check both files, then write what they hold in one transaction, or nothing.

    Recording the same files again changes nothing; later files add to what is there or correct
    it.

    Args:
        ledger: The campaign's ledger.
        config: The campaign's configuration.
        made: The filled ``made.csv``.
        results: The filled ``results.csv``.
        by: Who records.

    Returns:
        What was done.

    Raises:
        InputError: With every problem of both files; nothing was written.
        CampaignError: If a lab's files meet a simulated campaign, or the other way round.
    """
    known = bench(ledger, config)
    specimens = read_made(made, known)
    outcome = read_results(results, known, specimens.rows)
    problems = [*specimens.problems, *outcome.problems]
    if not problems:
        _refuse_wrong_world(ledger.kind, specimens.rows, outcome.readings)
        problems = _overdrawn(known, specimens.rows)
    if problems:
        raise InputError(problems)
    hashes = {path.name: sha256(path.read_bytes()).hexdigest() for path in (made, results)}
    return write(ledger, specimens, outcome, hashes=hashes, by=by)


def write(
    ledger: Ledger,
    specimens: Findings,
    outcome: Results,
    *,
    hashes: Mapping[str, str],
    by: str = "",
) -> Report:
    """Write checked rows in one transaction.

    Args:
        ledger: The campaign's ledger.
        specimens: Specimens to add or correct.
        outcome: Readings to add or correct.
        hashes: SHA-256 of each file by name.
        by: Who records.

    Returns:
        What was done.
    """
    held = ledger.readings()
    ids = {*ledger.jars().index, *ledger.pellets().index, *ledger.cells().index}
    round_of = _rounds_of(ledger)
    with ledger.transaction() as tx:
        for name, digest in hashes.items():
            tx.add_file(digest, name=name, counts={"readings": len(outcome.readings)})
        changed = [row for row in specimens.rows if _put(tx, row, known=row.id in ids)]
        rows = [replace(reading, recorded_by=by) for reading in outcome.readings]
        added, corrected = _put_readings(tx, rows, held)
        touched = sorted(
            {
                round_of[specimen]
                for specimen in (
                    *(row.id for row in changed),
                    *(reading.specimen for reading in (*added, *corrected)),
                    *(specimen for specimen, _ in _news(ledger, outcome.not_measured)),
                )
                if specimen in round_of
            }
        )
        for round_id in touched:
            skipped = [pair for pair in outcome.not_measured if round_of.get(pair[0]) == round_id]
            tx.add_round_event(round_id, "recorded", {"not_measured": [list(p) for p in skipped]})
    total = len(specimens.rows) + len(outcome.readings)
    return Report(
        specimens=len(changed),
        readings_added=len(added),
        readings_corrected=len(corrected),
        unchanged=total - len(changed) - len(added) - len(corrected),
        rounds=tuple(touched),
        warnings=(*specimens.warnings, *outcome.warnings),
    )


def not_measured(ledger: Ledger, round_id: str) -> set[tuple[str, str]]:
    """Specimen and property the lab said it will not measure."""
    events = ledger.round_events(round_id)
    details = events.loc[events["event"] == "recorded", "detail"]
    return {(pair[0], pair[1]) for detail in details for pair in detail.get("not_measured", [])}


def _refuse_wrong_world(
    kind: str, rows: Sequence[SpecimenRow], readings: Sequence[ReadingRow]
) -> None:
    simulated = [is_simulated(row.operator) for row in rows]
    simulated += [reading.method.startswith("simulated") for reading in readings]
    if kind == "simulated" and not all(simulated):
        raise CampaignError(
            "this campaign is simulated and takes no results of a lab; record them in a real "
            "campaign, made with 'glassloop init'"
        )
    if kind == "real" and any(simulated):
        raise CampaignError(
            "these files were filled by the virtual lab and this campaign is real; simulated "
            "values never enter a lab's ledger"
        )


def _overdrawn(known: Bench, rows: Sequence[SpecimenRow]) -> list[str]:
    """Jars from which more powder would be taken than there is."""
    frames = {"jar": known.jars, "pellet": known.pellets, "cell": known.cells}
    for kind, frame in frames.items():
        new = {row.id: _columns(row) for row in rows if row.kind == kind}
        if new:
            kept = frame.loc[~frame.index.isin(new)]
            fresh = pd.DataFrame.from_dict(new, orient="index")
            frames[kind] = pd.concat([kept, fresh]) if len(kept) else fresh
    left = stock(
        frames["jar"],
        frames["pellet"],
        frames["cell"],
        expected_recovery=known.config.equipment.expected_recovery,
    )
    changed = {row.id for row in rows} | {parent for row in rows for parent in row.parents}
    return [
        f"jar {jar['jar']}: {jar['used_mg']:.0f} mg were taken from {jar['recovered_mg']:.0f} mg "
        f"{'expected' if jar['expected'] else 'recovered'}; correct a mass in made.csv or the "
        "recovered mass"
        for jar in left.to_dict("records")
        if jar["left_mg"] < -ROUNDING_MG and jar["jar"] in changed
    ]


def _columns(row: SpecimenRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in type(row).__dataclass_fields__ if name != "kind"}


def _put(tx: Transaction, row: SpecimenRow, *, known: bool) -> bool:
    """Add or correct a specimen; whether anything was written."""
    if known:
        match row:
            case JarRow():
                return tx.correct_jar(row)
            case PelletRow():
                return tx.correct_pellet(row)
            case CellRow():
                return tx.correct_cell(row)
    match row:
        case JarRow():
            tx.add_jar(row)
        case PelletRow():
            tx.add_pellet(row)
        case CellRow():
            tx.add_cell(row)
    return True


def _put_readings(
    tx: Transaction, rows: Sequence[ReadingRow], held: pd.DataFrame
) -> tuple[list[ReadingRow], list[ReadingRow]]:
    """Readings added, and those that replaced an earlier one."""
    versions = _versions(held)
    added, corrected = [], []
    for row in rows:
        earlier = versions.get(_key(row.specimen, row.property, row.temperature_c), [])
        if not earlier:
            tx.add_reading(row)
            added.append(row)
            continue
        version_id, seen = earlier.pop(0)
        if _same(seen, row):
            continue
        tx.correct_reading(version_id, row)
        corrected.append(row)
    return added, corrected


_MEASURED: Final = (
    "lower", "upper", "se", "n", "method", "protocol", "note",
)  # fmt: skip
"""What makes two readings differ; who recorded it and in which file does not."""


def _versions(held: pd.DataFrame) -> dict[tuple[str, str, float | None], list[tuple[int, Any]]]:
    found: dict[tuple[str, str, float | None], list[tuple[int, Any]]] = {}
    for row in held.to_dict("records"):
        key = _key(row["specimen"], row["property"], row["temperature_c"])
        found.setdefault(key, []).append((int(row["version_id"]), row))
    return found


def _key(specimen: str, name: str, temperature: float | None) -> tuple[str, str, float | None]:
    missing = temperature is None or temperature != temperature
    return specimen, name, None if missing or temperature is None else round(temperature, 1)


def _same(seen: Mapping[str, Any], row: ReadingRow) -> bool:
    return all(_equal(seen[name], getattr(row, name)) for name in _MEASURED)


def _equal(left: Any, right: Any) -> bool:
    missing = (left is None or left != left, right is None or right != right)
    return missing[0] and missing[1] if any(missing) else bool(left == right)


def _rounds_of(ledger: Ledger) -> dict[str, str]:
    proposals = ledger.proposals()
    found = dict(zip(proposals["specimen"], proposals["round_id"], strict=True))
    for frame in (ledger.jars(), ledger.pellets(), ledger.cells()):
        own = frame["round_id"].dropna()
        found |= {str(specimen): str(round_id) for specimen, round_id in own.items()}
    return found


def _news(ledger: Ledger, pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Pairs not said to be unmeasured before."""
    if not pairs:
        return []
    known = {pair for round_id in ledger.rounds()["id"] for pair in not_measured(ledger, round_id)}
    return [pair for pair in pairs if pair not in known]
