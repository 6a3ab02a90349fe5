"""Is there powder enough for what was made of a jar?"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import pandas as pd

from experiments.bench import Bench
from experiments.csv_files import Row
from experiments.ledger_rows import SpecimenRow
from experiments.ledger_stock import stock

ROUNDING_MG: Final = 0.5
"""Overdraw that is only rounding of weighed masses."""

_PARENTS: Final = ("jar", "core", "skin")


def shortages(
    bench: Bench,
    rows: Sequence[SpecimenRow],
    refused: Collection[str],
    places: Mapping[str, Row],
) -> tuple[list[str], list[str]]:
    """Jars from which more powder was taken, or is to be taken, than there is.

    Args:
        bench: What is known so far.
        rows: What is to be written.
        refused: Specimens whose rows have problems of their own; their jars are not judged.
        places: Row of the file by specimen.

    Returns:
        Problems where more was taken than there is; warnings where only what is planned
        exceeds it.
    """
    if not rows:
        return [], []
    frames = {
        kind: _with(frame, [row for row in rows if row.kind == kind])
        for kind, frame in (("jar", bench.jars), ("pellet", bench.pellets), ("cell", bench.cells))
    }
    changed = {name for row in rows for name in (row.id, *row.parents)}
    doubtful = {*refused, *_parents(refused, bench)}
    recovery = bench.config.equipment.expected_recovery
    used = {kind: frame[frame["status"] != "planned"] for kind, frame in frames.items()}
    taken = _short(stock(frames["jar"], used["pellet"], used["cell"], expected_recovery=recovery))
    planned = _short(
        stock(frames["jar"], frames["pellet"], frames["cell"], expected_recovery=recovery)
    )
    judged = changed - doubtful
    problems = [
        _of_consumers(jar, rows, places, f"{line}; correct a mass or the recovered mass of the jar")
        for jar, line in taken.items()
        if jar in judged
    ]
    warnings = [
        _of_jar(jar, places, f"{line}, counting what is planned; make less of it")
        for jar, line in planned.items()
        if jar in judged and jar not in taken
    ]
    return problems, warnings


def _with(frame: pd.DataFrame, rows: Sequence[SpecimenRow]) -> pd.DataFrame:
    """A frame of specimens as it will be once the rows are written."""
    records: dict[str, dict[str, Any]] = {
        str(specimen): {str(name): value for name, value in held.items()}
        for specimen, held in frame.to_dict("index").items()
    }
    for row in rows:
        own = {name: getattr(row, name) for name in type(row).__dataclass_fields__}
        records[row.id] = {**records.get(row.id, {}), **own}
    if not records:
        return frame
    joined = pd.DataFrame.from_dict(records, orient="index")
    numbers = [name for name in joined.columns if name.endswith(("_mg", "_g", "_mpa"))]
    return joined.astype(dict.fromkeys(numbers, float))


def _short(left: pd.DataFrame) -> dict[str, str]:
    """Jars with less than nothing left, and how it came to that."""
    return {
        str(jar["jar"]): (
            f"{jar['used_mg']:.0f} mg of {jar['jar']} are taken, "
            f"{jar['recovered_mg']:.0f} mg were {'expected' if jar['expected'] else 'recovered'}"
        )
        for jar in left.to_dict("records")
        if jar["left_mg"] < -ROUNDING_MG
    }


def _parents(specimens: Collection[str], bench: Bench) -> set[str]:
    held = [bench.held(specimen) for specimen in specimens]
    return {str(row[name]) for row in held for name in _PARENTS if name in row}


def _of_consumers(
    jar: str, rows: Sequence[SpecimenRow], places: Mapping[str, Row], said: str
) -> str:
    """A complaint that names every row that takes powder from a jar; it points to the first."""
    takers = [row.id for row in rows if jar in row.parents and row.status != "not_made"]
    named = [name for name in (*takers, jar) if name in places]
    if not named:
        return f"{jar}: {said}"
    first = places[named[0]].complaint(None, said, specimen=named[0])
    everywhere = "; ".join(f"{places[name].place()} ({name})" for name in named)
    return first.rewritten(f"{everywhere}: {said}")


def _of_jar(jar: str, places: Mapping[str, Row], said: str) -> str:
    """A complaint about a jar, in its own row if the file has one."""
    if jar not in places:
        return f"stock ({jar}): {said}"
    return places[jar].complaint(None, said, specimen=jar)
