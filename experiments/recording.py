"""Takes a round's files into the ledger: everything is checked first, then written at once."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path

from experiments.bench import Bench
from experiments.config import CampaignConfig
from experiments.csv_files import MAX_FILE_BYTES
from experiments.ledger import Ledger, Transaction
from experiments.ledger_rows import CellRow, JarRow, PelletRow, ReadingRow, SpecimenRow
from experiments.logs import note
from experiments.made_file import Findings, read_made
from experiments.naming import require_person
from experiments.reading_match import match
from experiments.results_file import Results, read_results
from experiments.simulation import is_simulated
from features.errors import CampaignError, InputError

Check = Callable[[Sequence[str]], None]
"""Refuses rounds that must not be recorded to."""


Reader = Callable[[Bench], tuple[Findings, Results]]
"""Checks rows against what is known before them."""


def _any_round(rounds: Sequence[str]) -> None:
    """Refuse none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What recording did.

    Attributes:
        specimens: Specimens added or whose state changed.
        readings_added: New readings.
        readings_corrected: Readings that replaced an earlier one.
        unchanged: Rows the ledger held already.
        rounds: Rounds in which something changed.
        named: Rounds whose specimens the files speak of, changed or not.
        closed: Rounds that are complete now, or were closed by hand.
        readings: Specimen and property of each reading added or corrected.
        warnings: What is unusual, one sentence each.
    """

    specimens: int = 0
    readings_added: int = 0
    readings_corrected: int = 0
    unchanged: int = 0
    rounds: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    closed: tuple[str, ...] = ()
    readings: tuple[tuple[str, str], ...] = ()
    warnings: tuple[str, ...] = field(default=())

    @property
    def is_empty(self) -> bool:
        """Whether the files held nothing at all: no status, no value."""
        done = self.specimens + self.readings_added + self.readings_corrected + self.unchanged
        return done == 0 and not self.named and not self.closed


Also = Callable[[Transaction, Report], None]
"""Writes more in the transaction of a record."""


def _nothing_more(tx: Transaction, report: Report) -> None:
    """Write no more."""


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
    ledger: Ledger,
    config: CampaignConfig,
    made: Path,
    results: Path,
    *,
    by: str = "",
    check: Check = _any_round,
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
        check: Told which rounds the files speak of before anything is written; may refuse them.

    Returns:
        What was done.

    Raises:
        InputError: With every problem of both files; nothing was written.
        CampaignError: If a lab's files meet a simulated campaign, or the other way round.
    """

    def read(known: Bench) -> tuple[Findings, Results]:
        specimens = read_made(made, known)
        return specimens, read_results(results, known, specimens)

    hashes = hashes_of(made, results)
    return take_in(ledger, config, read, hashes=hashes, by=by, check=check)


def take_in(
    ledger: Ledger,
    config: CampaignConfig,
    read: Reader,
    *,
    hashes: Mapping[str, str],
    by: str = "",
    check: Check = _any_round,
    also: Also = _nothing_more,
) -> Report:
    """Check rows and write them in one transaction, or nothing.

    What is known is read when nobody else can write any more, so that two who record at once
    neither lose nor double anything.

    Args:
        ledger: The campaign's ledger.
        config: The campaign's configuration.
        read: Checks the rows against what is known.
        hashes: SHA-256 of each file by name.
        by: Who records.
        check: Told which rounds they belong to before anything is written; may refuse them.
        also: What else belongs into the transaction.

    Returns:
        What was done.

    Raises:
        InputError: With every problem; nothing was written.
        CampaignError: If a lab's files meet a simulated campaign, or the other way round.
    """
    require_person(by)
    with ledger.transaction() as tx, ledger.kept():
        specimens, outcome = read(bench(ledger, config))
        if problems := [*specimens.problems, *outcome.problems]:
            raise InputError(problems)
        report = _write(tx, ledger, specimens, outcome, hashes=hashes, by=by, check=check)
        also(tx, report)
    note(
        "results recorded", campaign=config.name, rounds=report.rounds,
        specimens=report.specimens, readings=report.readings_added,
        corrected=report.readings_corrected, unchanged=report.unchanged,
    )  # fmt: skip
    return report


def _write(
    tx: Transaction,
    ledger: Ledger,
    specimens: Findings,
    outcome: Results,
    *,
    hashes: Mapping[str, str],
    by: str,
    check: Check,
) -> Report:
    _refuse_wrong_world(ledger.kind, specimens.rows, outcome.readings)
    rows = [
        replace(reading, recorded_by=by, file_sha256=hashes.get(reading.source))
        for reading in outcome.readings
    ]
    plan = match(rows, outcome.places, outcome.withdrawn, ledger.readings(current=False))
    if plan.problems:
        raise InputError(plan.problems)
    ids = {*ledger.jars().index, *ledger.pellets().index, *ledger.cells().index}
    round_of = _rounds_of(ledger)
    unmeasured = _news(ledger, outcome.not_measured)
    spoken_of = {row.id for row in specimens.rows} | {reading.specimen for reading in rows}
    spoken_of |= {specimen for specimen, _ in outcome.not_measured}
    spoken_of |= {gone.specimen for gone in outcome.withdrawn}
    named = tuple(sorted({round_of[name] for name in spoken_of if name in round_of}))
    check(named)
    for name, digest in hashes.items():
        tx.add_file(digest, name=name, counts={"readings": len(rows)})
    changed = [row for row in specimens.rows if _put(tx, row, known=row.id in ids)]
    for reading in plan.added:
        tx.add_reading(reading)
    for version_id, reading in plan.corrected:
        tx.correct_reading(version_id, reading)
    touched = {row.id for row in changed} | {specimen for specimen, _ in unmeasured}
    touched |= {reading.specimen for reading in plan.added}
    touched |= {reading.specimen for _, reading in plan.corrected}
    rounds = sorted({round_of[specimen] for specimen in touched if specimen in round_of})
    for round_id in rounds:
        skipped = [pair for pair in outcome.not_measured if round_of.get(pair[0]) == round_id]
        tx.add_round_event(round_id, "recorded", {"not_measured": [list(p) for p in skipped]})
    total = len(specimens.rows) + len(rows) + len(outcome.withdrawn)
    return Report(
        specimens=len(changed),
        readings_added=len(plan.added),
        readings_corrected=len(plan.corrected),
        unchanged=total - len(changed) - len(plan.added) - len(plan.corrected),
        rounds=tuple(rounds),
        named=named,
        readings=tuple(
            (reading.specimen, reading.property)
            for reading in (*plan.added, *(reading for _, reading in plan.corrected))
        ),
        warnings=(*specimens.warnings, *outcome.warnings, *plan.warnings),
    )


def hashes_of(*paths: Path) -> dict[str, str]:
    """SHA-256 of files by name; one that reading will refuse is left out."""
    found = {}
    for path in paths:
        with suppress(OSError):
            if path.is_file() and path.stat().st_size <= MAX_FILE_BYTES:
                found[path.name] = sha256(path.read_bytes()).hexdigest()
    return found


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
