"""``made.csv`` read back: what was really made, checked against what was asked for."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from experiments.bench import Bench
from experiments.csv_files import Row, read_table
from experiments.ledger_rows import SpecimenRow, Status
from experiments.made_specimens import ASSAY_COLUMNS, Sources, cell_row, jar_row, pellet_row
from experiments.naming import no_name
from experiments.powder import shortages
from experiments.round_folder import MADE_COLUMNS
from experiments.row_values import RowValues, in_row_order

STATUSES: Final[tuple[Status, ...]] = ("made", "failed", "not_made")
REASONS: Final = (
    "unreacted", "crystallised", "caked", "cracked", "short", "leaked_air", "handling",
    "instrument", "other",
)  # fmt: skip
"""Why a specimen failed. With ``other`` the note says what happened."""


@dataclass(slots=True)
class Findings:
    """What the check of a file found.

    Attributes:
        rows: Rows fit to be written: jars, then pellets, then cells.
        refused: Specimens whose row cannot be written.
        problems: What forbids writing, one sentence each.
        warnings: What is unusual but allowed, one sentence each.
    """

    rows: list[SpecimenRow] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def read_made(path: Path, bench: Bench) -> Findings:
    """Read and check ``made.csv``; writes nothing.

    Rows with a blank status are not decided yet and are left out. Blank cells of a specimen
    known already stay as they are in the ledger.

    Args:
        path: The file.
        bench: What is known so far.

    Returns:
        Rows to write, problems and warnings. When there are problems the rows are not to be
        written.
    """
    table = read_table(path, ("specimen", "kind", "status"))
    found = read_made_rows(table.rows, bench)
    found.problems[:0] = table.problems
    found.warnings[:0] = table.unread((*MADE_COLUMNS, *ASSAY_COLUMNS))
    return found


def read_made_rows(rows: Sequence[Row], bench: Bench) -> Findings:
    """Check rows of ``made.csv``; see ``read_made``."""
    found = Findings()
    checked = _checked(rows, bench)
    decided = [values for values in checked if values.is_sound and values.row["status"]]
    found.refused = {values.row["specimen"] for values in checked if not values.is_sound}
    for kind, build in (("jar", jar_row), ("pellet", pellet_row), ("cell", cell_row)):
        for values in decided:
            if _word(values.row["kind"]) != kind:
                continue
            # The jars come first, so that what is made of them finds them here.
            row = build(values, Sources(bench, found.rows, found.refused))
            if row is None:
                found.refused.add(values.row["specimen"])
            else:
                found.rows.append(row)
    found.problems, found.warnings = in_row_order(checked)
    places = {values.row["specimen"]: values.row for values in decided}
    short, warnings = shortages(bench, found.rows, found.refused, places)
    found.problems += short
    found.warnings += warnings
    return found


def _checked(rows: Iterable[Row], bench: Bench) -> list[RowValues]:
    """Rows with their complaints about id, kind, status and reason; exact copies once."""
    seen: dict[str, Row] = {}
    checked = []
    for row in rows:
        specimen = row["specimen"]
        twin = seen.setdefault(specimen, row) if specimen else row
        if twin is not row and twin.cells == row.cells:
            continue
        values = RowValues(row, bench.held(specimen))
        if twin is not row:
            differing = [row.names.get(c, c) for c in row.cells if row[c] != twin[c]]
            values.refuse(
                "specimen",
                f"stands in row {twin.number} already with another {', '.join(differing)}; "
                "keep one row a specimen",
            )
        else:
            _check_head(values, bench)
        checked.append(values)
    return checked


def _check_head(values: RowValues, bench: Bench) -> None:
    """Specimen, kind, status and reason."""
    row = values.row
    specimen, kind, status = row["specimen"], _word(row["kind"]), _word(row["status"])
    known = bench.kind_of(specimen)
    if not specimen:
        values.refuse("specimen", "is blank; give the specimen an id")
    elif known is None and (why := no_name(specimen) or bench.unproposed(specimen)):
        values.refuse("specimen", why)
    elif status and bench.is_of_the_paper(specimen):
        values.refuse("specimen", "is the paper's, not yours to change; give yours another id")
    if kind not in ("jar", "pellet", "cell"):
        values.refuse("kind", f"must be jar, pellet or cell, got {row['kind']!r}; use one of them")
    elif known is not None and known != kind:
        values.refuse("kind", f"{specimen} is a {known}, got {row['kind']!r}; write {known}")
    if status and status not in STATUSES:
        values.refuse(
            "status",
            f"must be {', '.join(STATUSES)} or blank (not known yet), got {row['status']!r}; "
            "use one of them",
        )
    if status == "failed":
        _check_reason(values)


def _check_reason(values: RowValues) -> None:
    reason = _word(values.row["reason"])
    if not reason and values.held.get("reason"):
        return
    if reason not in REASONS:
        values.refuse(
            "reason",
            f"must say why it failed, got {values.row['reason']!r}; use {', '.join(REASONS)}",
        )
    elif reason == "other" and not values.row["note"]:
        values.refuse("note", "is blank; reason 'other' needs a note saying what happened")


def _word(text: str) -> str:
    """A word of a fixed list as people write it: case and blanks do not matter."""
    return text.lower().replace(" ", "_")
