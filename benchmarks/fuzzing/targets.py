"""Everything that is fuzzed: by name, and how many cases the documented run gives it."""

from collections.abc import Callable
from typing import Final, NamedTuple

from benchmarks.fuzzing import bodies, files, tables, texts


class Target(NamedTuple):
    """One parser, or several that stand behind one another.

    Attributes:
        run: Takes the bytes of a case; raises where a parser did what it must not.
        cases: Of the documented run.
        quick: Of the tests.
    """

    run: Callable[[bytes], None]
    cases: int
    quick: int


TARGETS: Final[dict[str, Target]] = {
    "reading": Target(texts.reading, 250_000, 4_000),
    "unit": Target(texts.unit, 120_000, 2_000),
    "number": Target(texts.number, 120_000, 3_000),
    "sweep": Target(texts.sweep, 30_000, 600),
    "condition": Target(texts.condition, 60_000, 2_000),
    "study": Target(texts.study, 30_000, 600),
    "objective": Target(texts.objective, 60_000, 2_000),
    "mapping": Target(texts.mapping, 60_000, 1_500),
    "csv_bytes": Target(tables.csv_bytes, 80_000, 1_500),
    "csv_cells": Target(tables.csv_cells, 80_000, 1_500),
    "round_files": Target(tables.round_files, 40_000, 600),
    "recorded": Target(tables.recorded, 6_000, 60),
    "literature": Target(tables.literature, 30_000, 600),
    "notebook": Target(tables.notebook, 20_000, 400),
    "history": Target(tables.history, 20_000, 300),
    "workbook_cells": Target(tables.workbook_cells, 10_000, 120),
    "workbook_parts": Target(tables.workbook_parts, 20_000, 250),
    "workbook_bytes": Target(tables.workbook_bytes, 30_000, 500),
    "config": Target(files.config, 40_000, 400),
    "archive": Target(files.archive, 30_000, 500),
    "thawed": Target(files.thawed, 2_000, 15),
    "body": Target(bodies.body, 80_000, 1_000),
    "edits": Target(bodies.edits, 60_000, 1_500),
    "form": Target(bodies.form, 20_000, 150),
    "address": Target(bodies.address, 15_000, 150),
}
