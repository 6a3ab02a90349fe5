"""Is there powder enough for what was made of a jar?"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import pandas as pd

from experiments.bench import Bench
from experiments.ledger_rows import SpecimenRow
from experiments.ledger_stock import stock

ROUNDING_MG: Final = 0.5
"""Overdraw that is only rounding of weighed masses."""

_PARENTS: Final = ("jar", "core", "skin")


def shortages(
    bench: Bench,
    rows: Sequence[SpecimenRow],
    refused: Collection[str],
    places: Mapping[str, str],
) -> tuple[list[str], list[str]]:
    """Jars from which more powder was taken, or is to be taken, than there is.

    Args:
        bench: What is known so far.
        rows: What is to be written.
        refused: Specimens whose rows have problems of their own; their jars are not judged.
        places: File and row by specimen.

    Returns:
        Problems where more was taken than there is; warnings where only what is planned
        exceeds it.
    """
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
        f"{_consumers(jar, rows, places)}: {line}; correct a mass or the recovered mass of the jar"
        for jar, line in taken.items()
        if jar in judged
    ]
    warnings = [
        f"{places.get(jar, 'stock')} ({jar}): {line}, counting what is planned; make less of it"
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


def _consumers(jar: str, rows: Sequence[SpecimenRow], places: Mapping[str, str]) -> str:
    """Where the file takes powder from a jar."""
    takers = [row.id for row in rows if jar in row.parents and row.status != "not_made"]
    named = [name for name in (*takers, jar) if name in places]
    return "; ".join(f"{places[name]} ({name})" for name in named) or jar
