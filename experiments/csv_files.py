"""CSV as laboratories save it: commas or semicolons, decimal commas, a byte order mark."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

from features.errors import TableError


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a file, as text, with where it stands.

    Attributes:
        file: Name of the file.
        number: Line in the file, the header being line 1.
        cells: Stripped text by column; empty when blank.
    """

    file: str
    number: int
    cells: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        """Text of a column; empty when the file lacks it."""
        return self.cells.get(column, "")

    def place(self, column: str | None = None) -> str:
        """Where a complaint about this row points to."""
        where = f"{self.file}, row {self.number}"
        return f"{where}, column {column}" if column else where

    def number_of(self, column: str) -> float | None:
        """Number in a column, ``None`` when blank.

        Raises:
            TableError: If the text is no number; the message names file, row and column.
        """
        text = self[column]
        if not text:
            return None
        try:
            return _number(text)
        except ValueError:
            raise TableError(
                f"{self.place(column)}: needs a number, got {text!r}; "
                "write only the number, the unit is in the column's name"
            ) from None


def read_rows(path: Path, required: Sequence[str]) -> list[Row]:
    """All rows that are not blank, as text.

    Args:
        path: A CSV file in UTF-8 (with or without byte order mark) or Windows-1252, separated
            by commas, semicolons or tabs.
        required: Columns the file must have.

    Returns:
        The rows in order; blank lines are left out.

    Raises:
        TableError: If the file is missing, empty, or lacks a column.
    """
    text = _text(path)
    lines = text.splitlines()
    if not any(line.strip() for line in lines):
        raise TableError(f"{path.name}: is empty; expected the columns {', '.join(required)}")
    delimiter = _delimiter(next(line for line in lines if line.strip()))
    table = [
        [cell.strip() for cell in line]
        for line in csv.reader(io.StringIO(text), delimiter=delimiter)
    ]
    start = next(index for index, line in enumerate(table) if any(line))
    header = [name.strip() for name in table[start]]
    _check_header(path.name, header, required)
    rows = []
    for number, line in enumerate(table[start + 1 :], start=start + 2):
        if any(line):
            if len(line) > len(header) and any(line[len(header) :]):
                raise TableError(
                    f"{path.name}, row {number}: has {len(line)} cells for {len(header)} columns, "
                    f"got {line[len(header)]!r} beyond the last; is a decimal comma unquoted?"
                )
            rows.append(Row(path.name, number, dict(zip(header, line, strict=False))))
    return rows


def csv_text(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> str:
    """Rows as CSV text with a header; ``None`` becomes an empty cell."""
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: "" if row.get(name) is None else row[name] for name in columns})
    return out.getvalue()


def _number(text: str) -> float:
    """A plain number; a single comma is a decimal comma, a Unicode minus a minus."""
    plain = text.replace("\u2212", "-").replace("\u00a0", "").replace(" ", "")
    if plain.count(",") == 1 and "." not in plain:
        plain = plain.replace(",", ".")
    value = float(plain)
    if not isfinite(value):
        raise ValueError(text)
    return value


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise TableError(f"{path}: no such file; check the name") from None
    except OSError as error:
        raise TableError(f"{path}: cannot be read ({error.strerror})") from error
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")


def _delimiter(header: str) -> str:
    return max((";", "\t", ","), key=header.count)


def _check_header(file: str, header: Sequence[str], required: Sequence[str]) -> None:
    missing = [name for name in required if name not in header]
    if missing:
        raise TableError(
            f"{file}: lacks the column{'s' if len(missing) > 1 else ''} {', '.join(missing)}; "
            f"got {', '.join(name for name in header if name) or 'none'}"
        )
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        raise TableError(f"{file}: has the column {twice[0]} twice; remove one")
