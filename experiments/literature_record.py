"""Takes a file of literature into the ledger: all of it checked first, then written at once."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import pandas as pd

from experiments.csv_files import Complaint, Row
from experiments.ledger import Ledger
from experiments.ledger_rows import LiteratureRow
from experiments.literature_file import (
    RECIPE_COLUMNS,
    Key,
    LiteratureFindings,
    TakenBack,
    difference,
    key_of,
    read_literature,
    spelling,
)
from experiments.logs import note
from experiments.naming import require_person
from experiments.recording import Report
from features.errors import InputError

_FACTS: Final = (*RECIPE_COLUMNS, "lower", "upper", "se", "doi", "note")
"""What makes two values of the same differ; who recorded them and where does not."""

_NUMBERS: Final = (*RECIPE_COLUMNS, "lower", "upper", "se")

Held = tuple[int, LiteratureRow]
"""A version and what it says."""


@dataclass(slots=True)
class _Plan:
    added: list[LiteratureRow] = field(default_factory=list)
    corrected: list[tuple[int, LiteratureRow]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def record_literature(ledger: Ledger, path: Path, *, by: str = "") -> Report:
    """Check a file of literature, then write what it holds in one transaction, or nothing.

    Recording the same file again changes nothing. A value of the same source, specimen,
    property, temperature and note corrects the one before.

    Args:
        ledger: The campaign's ledger.
        path: A CSV file or a workbook; see ``read_literature``.
        by: Who records.

    Returns:
        What was done.

    Raises:
        InputError: With every problem found; nothing was written.
    """
    require_person(by)
    found = read_literature(path)
    held = [_held(row) for row in ledger.literature().to_dict("records")]
    plan = _plan(found, held)
    if problems := [*found.problems, *plan.problems]:
        raise InputError(problems)
    known = {(row.source, row.specimen) for _, row in held}
    if plan.added or plan.corrected:
        digest = sha256(path.read_bytes()).hexdigest()
        with ledger.transaction() as tx:
            tx.add_file(digest, name=path.name, counts={"literature": len(found.rows)})
            for row in plan.added:
                tx.add_literature(replace(row, recorded_by=by, file_sha256=digest))
            for version_id, row in plan.corrected:
                tx.correct_literature(version_id, replace(row, recorded_by=by, file_sha256=digest))
    total = len(found.rows) + len(found.taken_back)
    note(
        "literature recorded", campaign=ledger.campaign, values=len(plan.added),
        corrected=len(plan.corrected),
    )  # fmt: skip
    return Report(
        specimens=len({(row.source, row.specimen) for row in plan.added} - known),
        readings_added=len(plan.added),
        readings_corrected=len(plan.corrected),
        unchanged=total - len(plan.added) - len(plan.corrected),
        warnings=(*found.warnings, *plan.warnings),
    )


def _held(row: dict[Any, Any]) -> Held:
    names = [part.name for part in fields(LiteratureRow)]
    values: dict[str, Any] = {name: None if pd.isna(row[name]) else row[name] for name in names}
    return int(row["version_id"]), LiteratureRow(**values)


def _plan(found: LiteratureFindings, held: Sequence[Held]) -> _Plan:
    plan, left = _Plan(), list(held)
    for gone in found.taken_back:
        _take_back(gone, left, plan)
    waiting = list(zip(found.rows, found.places, strict=True))
    # A value that stands there already is no correction of another one, so equals come first.
    for fits in (_is_same, _has_note, _has_value):
        unmatched = []
        for row, place in waiting:
            earlier = next(
                (h for h in left if key_of(h[1]) == key_of(row) and fits(h[1], row)), None
            )
            if earlier is None:
                unmatched.append((row, place))
                continue
            left.remove(earlier)
            if not _is_same(earlier[1], row):
                plan.corrected.append((earlier[0], row))
                said = f"{earlier[1].text} was recorded before; corrected"
                plan.warnings.append(place.complaint(None, said))
        waiting = unmatched
    plan.added = [row for row, _ in waiting]
    plan.problems += _contradictions(found, left, held)
    _warn_of_seconds(waiting, held, plan)
    return plan


def _take_back(gone: TakenBack, left: list[Held], plan: _Plan) -> None:
    of_it = [one for one in left if key_of(one[1]) == gone.key]
    named = [one for one in of_it if one[1].note == gone.note] or of_it
    if len(named) == 1:
        left.remove(named[0])
        plan.corrected.append((named[0][0], replace(named[0][1], withdrawn=True)))
        return
    what = _in_words(gone.key)
    why = "there is none" if not of_it else f"there are {len(of_it)}, the note says which"
    said = f"takes {what} back, but {why}; correct the row"
    plan.problems.append(gone.place.complaint(None, said))


def _is_same(held: LiteratureRow, row: LiteratureRow) -> bool:
    return all(getattr(held, name) == getattr(row, name) for name in _FACTS)


def _has_note(held: LiteratureRow, row: LiteratureRow) -> bool:
    return held.note == row.note


def _has_value(held: LiteratureRow, row: LiteratureRow) -> bool:
    return all(getattr(held, name) == getattr(row, name) for name in _NUMBERS)


def _contradictions(
    found: LiteratureFindings, left: Sequence[Held], held: Sequence[Held]
) -> list[Complaint]:
    """What a file says against the ledger: other spellings, another recipe of a glass."""
    stays = {(row.source, row.specimen): row for _, row in left}
    names = {spelling(row.source): row.source for _, row in held}
    problems = []
    for row, place in zip(found.rows, found.places, strict=True):
        name = names.get(spelling(row.source), row.source)
        if name != row.source:
            said = (
                f"got {row.source!r}, but the ledger has {name!r}; one source has one bias: write "
                "it in one way"
            )
            problems.append(place.complaint("source", said))
        other = stays.get((row.source, row.specimen))
        if other is not None and (differing := difference(other, row)) is not None:
            said = (
                f"got {differing[2]}, but the ledger has {differing[1]} with "
                f"{other.property.replace('_', ' ')} {other.text}; one specimen has one recipe: "
                "give all its values again, or another name"
            )
            problems.append(place.complaint(differing[0], said, specimen=row.specimen))
    return problems


def _warn_of_seconds(
    added: Sequence[tuple[LiteratureRow, Row]], held: Sequence[Held], plan: _Plan
) -> None:
    counts = Counter(key_of(row) for _, row in held)
    for row, place in added:
        if counts[key_of(row)]:
            said = (
                f"the ledger has {_in_words(key_of(row))} with another note; taken as a second "
                "measurement"
            )
            plan.warnings.append(place.complaint(None, said))


def _in_words(key: Key) -> str:
    source, specimen, name, temperature_c = key
    at = "" if temperature_c is None else f" at {temperature_c:g} °C"
    return f"{name.replace('_', ' ')} of {specimen}{at} ({source})"
