"""CSV as laboratories save it: commas or semicolons, decimal commas, a byte order mark."""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import pairwise
from math import isfinite
from pathlib import Path
from typing import Final

from features.errors import TableError

_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+[.,]?[0-9]*|[.,][0-9]+)(?:[eE][+-]?[0-9]+)?")
_THOUSANDS: Final = re.compile(r"[0-9]{1,3}(?:[., '’\u00a0\u202f][0-9]{3})+(?:[.,][0-9]*)?")
_DATE: Final = re.compile(
    r"[0-9]{1,2}[.\-/ ]+(?:jan|feb|m[aä]r|mrz|apr|ma[iy]|jun|jul|aug|sep|o[ck]t|nov|de[cz])"
    r"|[0-9]{1,4}([./-])[0-9]{1,2}\1[0-9]{2,4}",
    re.IGNORECASE,
)
_SEPARATOR_LINE: Final = re.compile(r"\"?sep=(.)\"?", re.IGNORECASE)
_WORKBOOKS: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""How the files of spreadsheet programs begin."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a file, as text, with where it stands.

    Attributes:
        file: Name of the file.
        number: Row of the spreadsheet, the header being row 1.
        cells: Stripped text by column; empty when blank.
        names: What the file calls a column, where that differs.
    """

    file: str
    number: int
    cells: Mapping[str, str]
    names: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, column: str) -> str:
        """Text of a column; empty when the file lacks it."""
        return self.cells.get(column, "")

    def place(self, column: str | None = None) -> str:
        """Where a complaint about this row points to."""
        where = f"{self.file}, row {self.number}"
        return f"{where}, column {self.names.get(column, column)}" if column else where

    def number_of(self, column: str) -> float | None:
        """Number in a column, ``None`` when blank.

        Raises:
            TableError: If the text is no number; the message names what to write instead.
        """
        text = self[column]
        return number_in(text) if text else None


@dataclass(frozen=True, slots=True)
class Table:
    """What a file holds.

    Attributes:
        columns: Names in the header.
        rows: Rows that are not blank, in order.
        problems: What is wrong with the file as a file, one sentence each.
    """

    columns: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    problems: tuple[str, ...] = ()

    def unread(self, known: Iterable[str]) -> list[str]:
        """A sentence for each column that nothing reads.

        Args:
            known: Columns that are read.
        """
        names = list(known)
        file = self.rows[0].file if self.rows else ""
        return [
            f"{file}, column {column}: is not read{_meant(column, names, self.columns)}"
            for column in self.columns
            if column and column not in names and any(row[column] for row in self.rows)
        ]


def read_table(path: Path, required: Sequence[str]) -> Table:
    """All rows that are not blank, as text; nothing is raised, problems are listed.

    Args:
        path: A CSV file in UTF-8 (with or without byte order mark), UTF-16 or Windows-1252,
            separated by commas, semicolons or tabs.
        required: Columns the file must have.

    Returns:
        The table; without rows when the file cannot be read or lacks a column.
    """
    try:
        delimiter, lines = _lines(path, required)
    except TableError as error:
        return Table(problems=(str(error),))
    number, header = lines[0]
    if faults := _header_faults(path.name, header, required):
        return Table(columns=tuple(header), problems=tuple(faults))
    rows, problems = [], []
    for number, line in lines[1:]:
        if fault := _length_fault(line, header, delimiter):
            problems.append(f"{path.name}, row {number}: {fault}")
        elif any(line):
            blank = dict.fromkeys(header, "")
            rows.append(Row(path.name, number, blank | dict(zip(header, line, strict=False))))
    return Table(tuple(header), tuple(rows), tuple(problems))


def number_in(text: str) -> float:
    """The plain number a text is; a comma is a decimal comma, a Unicode minus a minus.

    Args:
        text: Not blank.

    Returns:
        A finite number.

    Raises:
        TableError: If it is anything else; the message says what to write instead.

    Examples:
        >>> number_in("1047,4")
        1047.4
    """
    plain = text.strip().replace("\u2212", "-")
    if _NUMBER.fullmatch(plain):
        value = float(plain.replace(",", "."))
        if isfinite(value):
            return value
    remedy = "write only the number, the unit is in the column's name"
    if _THOUSANDS.fullmatch(plain):
        remedy = "write it without thousands separators"
    elif _DATE.match(plain):
        remedy = (
            "did the spreadsheet turn it into a date? Format the column as text, then type it again"
        )
    raise TableError(f"needs a number, got {text!r}; {remedy}")


def csv_text(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> str:
    """Rows as CSV text with a header; ``None`` becomes an empty cell."""
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: "" if row.get(name) is None else row[name] for name in columns})
    return out.getvalue()


def _lines(path: Path, required: Sequence[str]) -> tuple[str, list[tuple[int, list[str]]]]:
    """What separates the cells, and number and cells of each line from the header on.

    Raises:
        TableError: If the file cannot be read, is empty, or its quotation marks do not match.
    """
    text = _text(path)
    first, _, rest = text.partition("\n")
    start = 1
    if match := _SEPARATOR_LINE.fullmatch(first.strip()):
        text, start = rest, 2
    written = [line for line in text.splitlines() if line.strip(" \t;,\"'")]
    if not written:
        raise TableError(
            f"{path.name}: is empty; expected a header with {', '.join(required) or 'columns'} "
            "and a row for each specimen"
        )
    delimiter = match[1] if match else _delimiter(written[0])
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    lines: list[tuple[int, list[str]]] = []
    number = start - 1
    try:
        for number, cells in enumerate(reader, start=start):
            line = [cell.strip() for cell in cells]
            if len(line) == 1 and lines and delimiter in line[0]:
                # A spreadsheet that expects another separator quotes the whole line.
                line = [cell.strip() for cell in next(csv.reader(line, delimiter=delimiter))]
            if lines or any(line):
                lines.append((number, line))
    except csv.Error as error:
        raise TableError(
            f"{path.name}, row {number + 1}: quotation marks do not match ({error}); "
            "close or remove them"
        ) from error
    return delimiter, lines


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise TableError(f"{path}: no such file; check the name") from None
    except OSError as error:
        raise TableError(
            f"{path}: cannot be read ({error.strerror}); name a CSV file you may read"
        ) from error
    if raw.startswith(_WORKBOOKS):
        raise TableError(f"{path.name}: is a workbook, not CSV; save it as CSV and give that file")
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = raw.decode("utf-16", errors="replace")
    else:
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = raw.decode("cp1252", errors="replace")
    if "\0" in text:
        raise TableError(f"{path.name}: is no text; save it as CSV in UTF-8")
    return text


def _delimiter(header: str) -> str:
    return max((";", "\t", ","), key=re.sub('"[^"]*"', "", header).count)


def _header_faults(file: str, header: Sequence[str], required: Sequence[str]) -> list[str]:
    faults = [
        f"{file}: lacks the column {name}{_meant(name, header, required)}; "
        f"got {', '.join(column for column in header if column)}"
        for name in required
        if name not in header
    ]
    twice = sorted({name for name in header if name and header.count(name) > 1})
    return faults + [f"{file}: has the column {name} twice; remove one" for name in twice]


def _meant(name: str, candidates: Sequence[str], taken: Sequence[str]) -> str:
    """A hint at the column that was perhaps meant; empty when none is near."""
    free = {column.lower(): column for column in candidates if column and column not in taken}
    near = get_close_matches(name.lower(), free, n=1, cutoff=0.75)
    return f"; is it {free[near[0]]}?" if near else ""


def _length_fault(line: Sequence[str], header: Sequence[str], delimiter: str) -> str:
    """What more cells than columns mean; trailing blank ones mean nothing."""
    beyond = line[len(header) :]
    if not beyond:
        return ""
    pairs = pairwise(line) if delimiter == "," else ()
    split = [f"{a},{b}" for a, b in pairs if _looks_cut(a, b)]
    if not any(beyond) and not split:
        return ""
    wrong = f"has {len(line)} cells for {len(header)} columns"
    if not split:
        return f"{wrong}, got {next(filter(None, beyond))!r} beyond the last; remove it"
    return (
        f"{wrong}; is a decimal comma of {split[0]} not quoted? Quote it or write a point; "
        "otherwise remove the cells beyond the last column"
    )


def _looks_cut(left: str, right: str) -> bool:
    """Whether two cells look like the halves of a number with a decimal comma."""
    return bool(re.fullmatch("[<>+-]?[0-9]+", left) and re.match(r"[0-9]+(?![0-9,.])", right))
