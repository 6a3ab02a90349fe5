"""The values of one row, every complaint about them noted instead of raised at the first."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from experiments.csv_files import Complaint, Row
from features.errors import GlassError
from features.plausibility import FIELDS, check_field

_FIELD: Final = {
    "mass_mg": "pellet_mass_mg",
    "thickness_um": "pellet_thickness_um",
    "precompaction_pressure_mpa": "pressing_pressure_mpa",
}
"""Sanity range of a column, where it is not called like the column."""


class RowValues:
    """Values of a row, falling back to what is known where a cell is blank.

    Attributes:
        row: The row.
        held: What is known of the specimen: as recorded before, or else as planned.
        problems: What forbids writing it, one sentence each.
        warnings: What is unusual but allowed, one sentence each.
    """

    def __init__(self, row: Row, held: Mapping[str, Any] | None = None) -> None:
        self.row = row
        self.held = held or {}
        self.problems: list[str] = []
        self.warnings: list[str] = []

    @property
    def is_sound(self) -> bool:
        """Whether nothing forbids writing the row."""
        return not self.problems

    def refuse(self, column: str | None, sentence: object) -> None:
        """Note what forbids writing the row."""
        self.problems.append(self._at(column, sentence))

    def warn(self, column: str | None, sentence: object) -> None:
        """Note what is unusual."""
        self.warnings.append(self._at(column, sentence))

    def text(self, column: str) -> str:
        """Text of a column; refused when blank and unknown."""
        text = self.row[column] or str(self.held.get(column, ""))
        if not text:
            self.refuse(column, f"is blank; {self.row['specimen']} needs it")
        return text

    def number(self, column: str) -> float:
        """Number of a column; refused (and not a number) when blank and unknown."""
        value = self.optional(column)
        if value is None:
            if not self.row[column]:
                self.refuse(column, f"is blank; {self.row['specimen']} needs it")
            return float("nan")
        return value

    def optional(self, column: str) -> float | None:
        """Number of a column, as known when blank; refused when it is none or impossible."""
        if not self.row[column]:
            held = self.held.get(column)
            return None if held is None else float(held)
        return self.written(column)

    def written(self, column: str) -> float | None:
        """Number as it stands in the row; refused when it is none or impossible."""
        try:
            value = self.row.number_of(column)
        except GlassError as error:
            self.refuse(column, error)
            return None
        if value is None:
            return None
        name = _FIELD.get(column, column)
        if name in FIELDS:
            verdict = check_field(name, value)
            if verdict.level == "reject":
                self.refuse(column, verdict.message)
                return None
            if verdict.level == "warn":
                self.warn(column, verdict.message)
        elif value < 0:
            self.refuse(column, f"must not be below zero, got {value:g}; check the sign")
            return None
        return value

    def _at(self, column: str | None, sentence: object) -> Complaint:
        return self.row.complaint(column, sentence, specimen=self.row["specimen"])


def in_row_order(rows: Sequence[RowValues]) -> tuple[list[str], list[str]]:
    """Problems and warnings of rows as they follow in the file."""
    ordered = sorted(rows, key=lambda values: values.row.number)
    problems = [sentence for values in ordered for sentence in values.problems]
    warnings = [sentence for values in ordered for sentence in values.warnings]
    return problems, warnings
