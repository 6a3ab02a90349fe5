"""Everything that is fuzzed: by name, and how many cases the documented run gives it."""

from importlib import import_module
from typing import Final, NamedTuple


class Target(NamedTuple):
    """One parser, or several that stand behind one another.

    Attributes:
        where: Module of ``benchmarks.fuzzing`` and its function, which takes the bytes of a case
            and raises where a parser did what it must not.
        cases: Of the documented run.
        quick: Of the tests.
    """

    where: str
    cases: int
    quick: int

    def run(self, data: bytes) -> None:
        """One case; the module is loaded with the first."""
        module, _, name = self.where.partition(".")
        getattr(import_module(f"benchmarks.fuzzing.{module}"), name)(data)


TARGETS: Final[dict[str, Target]] = {
    "reading": Target("texts.reading", 320_000, 4_000),
    "unit": Target("texts.unit", 150_000, 2_000),
    "number": Target("texts.number", 120_000, 3_000),
    "sweep": Target("texts.sweep", 10_000, 600),
    "condition": Target("texts.condition", 80_000, 2_000),
    "study": Target("texts.study", 15_000, 600),
    "objective": Target("texts.objective", 80_000, 2_000),
    "mapping": Target("texts.mapping", 60_000, 1_500),
    "csv_bytes": Target("tables.csv_bytes", 60_000, 1_500),
    "csv_cells": Target("tables.csv_cells", 50_000, 1_500),
    "round_files": Target("tables.round_files", 8_000, 600),
    "recorded": Target("tables.recorded", 400, 12),
    "literature": Target("tables.literature", 5_000, 600),
    "notebook": Target("tables.notebook", 1_000, 400),
    "history": Target("tables.history", 4_000, 300),
    "workbook_cells": Target("tables.workbook_cells", 1_000, 120),
    "workbook_parts": Target("tables.workbook_parts", 3_000, 250),
    "workbook_bytes": Target("tables.workbook_bytes", 15_000, 500),
    "config": Target("files.config", 10_000, 400),
    "archive": Target("files.archive", 5_000, 500),
    "thawed": Target("files.thawed", 100, 4),
    "body": Target("bodies.body", 7_000, 1_000),
    "edits": Target("bodies.edits", 40_000, 1_500),
    "form": Target("bodies.form", 2_000, 150),
    "address": Target("bodies.address", 300, 150),
}
