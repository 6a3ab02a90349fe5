"""Tables as laboratories save them: CSV with commas or semicolons, decimal commas, a workbook."""

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

from experiments.complaint import Complaint, got, one_line
from experiments.table_limits import (
    MAX_CELL,
    MAX_COLUMNS,
    MAX_COMPLAINTS,
    MAX_FILE_BYTES,
    MAX_ROWS,
    cell_fault,
    header_fault,
    unified,
)
from experiments.workbook_guard import OLD_WORKBOOK, ZIPPED, refuse_old_workbook
from features.errors import TableError

__all__ = [
    "MAX_FILE_BYTES",
    "Complaint",
    "Row",
    "Table",
    "csv_text",
    "number_in",
    "read_table",
    "read_table_bytes",
]

_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+(?:[.,][0-9]*)?|[.,][0-9]+)(?:[eE][+-]?[0-9]+)?")
_THOUSANDS: Final = re.compile(r"[0-9]{1,3}(?:[., '’\u00a0\u202f][0-9]{3})+(?:[.,][0-9]*)?")
_DATE: Final = re.compile(
    r"[0-9]{1,2}[.\-/ ]+(?:jan|feb|m[aä]r|mrz|apr|ma[iy]|jun|jul|aug|sep|o[ck]t|nov|de[cz])"
    r"|[0-9]{1,4}([./-])[0-9]{1,2}\1[0-9]{2,4}",
    re.IGNORECASE,
)
_SEPARATOR_LINE: Final = re.compile(r"\"?sep=(.)\"?", re.IGNORECASE)

Lines = list[tuple[int, list[str]]]
"""Row number of the spreadsheet and the stripped cells of each line, from the header on."""


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
        return f"{where}, column {one_line(self.names.get(column, column))}" if column else where

    def complaint(self, column: str | None, said: object, *, specimen: str = "") -> Complaint:
        """A sentence about this row that knows its place.

        Args:
            column: Which cell it is about; ``None`` for the row as a whole.
            said: The sentence without its place.
            specimen: Named behind the place; left out, only the complaint itself knows it.
        """
        named = f" ({one_line(specimen)})" if specimen else ""
        sentence = one_line(str(said))
        return Complaint(
            f"{self.place(column)}{named}: {sentence}",
            said=sentence,
            file=self.file,
            row=self.number,
            column=None if column is None else self.names.get(column, column),
            specimen=specimen or self["specimen"],
        )

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
            _of_column(file, column, f"is not read{_meant(column, names, self.columns)}")
            for column in self.columns
            if column and column not in names and any(row[column] for row in self.rows)
        ]


def read_table(path: Path, required: Sequence[str]) -> Table:
    """All rows that are not blank, as text; nothing is raised, problems are listed.

    Args:
        path: A CSV file in UTF-8 (with or without byte order mark), UTF-16 or Windows-1252,
            separated by commas, semicolons or tabs; or a workbook (.xlsx).
        required: Columns the file must have.

    Returns:
        The table; without rows when the file cannot be read or lacks a column.
    """
    try:
        _refuse_name(path.name)
        raw = _content(path)
    except TableError as error:
        return Table(problems=(str(error),))
    return read_table_bytes(path.name, raw, required)


def read_table_bytes(name: str, raw: bytes, required: Sequence[str]) -> Table:
    """What ``read_table`` gives, of a file that is in memory already.

    Args:
        name: What complaints call the file.
        raw: Its content.
        required: Columns the file must have.
    """
    try:
        _refuse_large(name, len(raw))
        delimiter, lines = _lines(name, raw, required)
        _refuse_long(name, lines)
    except TableError as error:
        return Table(problems=(error.args[0],))  # itself and not its text: it may know its row
    first, *below = lines
    # A name that a spreadsheet breaks into lines is the same name.
    header, is_workbook = [" ".join(cell.split()) for cell in first[1]], not delimiter
    if faults := _header_faults(name, (first[0], header), required, is_workbook=is_workbook):
        return Table(columns=tuple(header), problems=tuple(faults))
    rows: list[Row] = []
    problems: list[Complaint] = []
    for number, line in below:
        cells = dict.fromkeys(header, "") | dict(zip(header, line, strict=False))
        row = Row(name, number, cells)
        if fault := _length_fault(line, header, delimiter):
            problems.append(row.complaint(None, fault))
        elif any(line):
            row, refused = _without_harm(row, is_workbook=is_workbook)
            rows.append(row)
            problems += refused
    return Table(tuple(header), tuple(rows), _first_of(name, problems))


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
        cells = {name: "" if row.get(name) is None else row[name] for name in columns}
        # A bare carriage return would end the row: Python before 3.13 puts no quotes round it.
        writer.writerow({n: unified(c) if isinstance(c, str) else c for n, c in cells.items()})
    return out.getvalue()


def _refuse_name(name: str) -> None:
    """Refuse a file whose name no sentence can repeat and no database can hold."""
    if not name.isprintable():
        raise TableError(
            f"{one_line(name)}: the name of the file holds characters that cannot be seen or are "
            f"no UTF-8, got {got(name)}; rename the file"
        )


def _content(path: Path) -> bytes:
    """All bytes of a file; one that is too large is not read.

    Raises:
        TableError: If it is not there, too large, or cannot be read.
    """
    try:
        with path.open("rb") as file:
            _refuse_large(path.name, path.stat().st_size)
            return file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        raise TableError(f"{path}: no such file; check the name") from None
    except OSError as error:
        raise TableError(
            f"{path}: cannot be read ({error.strerror}); name a file you may read"
        ) from error


def _refuse_large(name: str, size: int) -> None:
    if size > MAX_FILE_BYTES:
        raise TableError(
            f"{name}: has {size / 1024**2:.1f} MB, at most {MAX_FILE_BYTES // 1024**2} MB are "
            "read; remove what is not needed, or split it into several files"
        )


def _refuse_long(name: str, lines: Lines) -> None:
    n_columns = max((i for i, cell in enumerate(lines[0][1], start=1) if cell), default=0)
    n_rows = sum(any(line) for _, line in lines) - 1
    if n_columns > MAX_COLUMNS:
        raise TableError(
            f"{name}: has {n_columns:,} columns, at most {MAX_COLUMNS} are read; remove those not "
            "needed"
        )
    if n_rows > MAX_ROWS:
        raise TableError(
            f"{name}: has {n_rows:,} rows, at most {MAX_ROWS:,} are read; split it into several "
            "files"
        )


def _lines(name: str, raw: bytes, required: Sequence[str]) -> tuple[str, Lines]:
    """What separates the cells (nothing does in a workbook), and all lines.

    Raises:
        TableError: If the file cannot be understood, is empty, or its quotation marks do not
            match.
    """
    if raw.startswith(OLD_WORKBOOK):
        refuse_old_workbook(name, raw)
    if raw.startswith(ZIPPED):
        from experiments.workbook_file import workbook_lines  # openpyxl only where there is one

        if lines := workbook_lines(name, raw, required):
            return "", lines
        raise _empty(name, required)
    return _csv_lines(name, _text(name, raw), required)


def _csv_lines(name: str, text: str, required: Sequence[str]) -> tuple[str, Lines]:
    first, _, rest = text.partition("\n")
    start = 1
    if match := _SEPARATOR_LINE.fullmatch(first.strip()):
        text, start = rest, 2
    written = _first_record(text)
    if not written:
        raise _empty(name, required)
    delimiter = match[1] if match else _delimiter(written)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    lines: Lines = []
    number = start - 1
    try:
        for number, cells in enumerate(reader, start=start):
            line = [unified(cell.strip()) for cell in cells]
            if len(line) == 1 and lines and delimiter in line[0]:
                # A spreadsheet that expects another separator quotes the whole line.
                line = [c.strip() for c in next(csv.reader(line, delimiter=delimiter, strict=True))]
            if lines or any(line):
                lines.append((number, line))
    except csv.Error as error:
        said = f"quotation marks do not match ({error}); close or remove them"
        if "field limit" in str(error):
            said = (
                f"holds a cell of far more than {MAX_CELL:,} characters; shorten it, or close its "
                "quotation mark"
            )
        raise TableError(Row(name, number + 1, {}).complaint(None, said)) from error
    return delimiter, lines


def _empty(name: str, required: Sequence[str]) -> TableError:
    return TableError(
        f"{name}: is empty; expected a header with {', '.join(required) or 'columns'} "
        "and a row for each specimen"
    )


def _text(name: str, raw: bytes) -> str:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = raw.decode("utf-16", errors="replace")
    else:
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = raw.decode("cp1252", errors="replace")
    if "\0" in text.lstrip().partition("\n")[0]:
        raise TableError(f"{name}: is no text; save it as CSV in UTF-8")
    return text


def _first_record(text: str) -> str:
    """The first line that holds anything, with those that its quotation marks run on over."""
    lines = text.splitlines()
    first = next((i for i, line in enumerate(lines) if line.strip(" \t;,\"'")), len(lines))
    taken = lines[first : first + 1]
    for line in lines[first + 1 : first + 1 + MAX_COLUMNS]:
        if "\n".join(taken).count('"') % 2 == 0:
            break
        taken.append(line)
    return "\n".join(taken)


def _delimiter(header: str) -> str:
    return max((";", "\t", ","), key=re.sub('"[^"]*"', "", header).count)


def _without_harm(row: Row, *, is_workbook: bool) -> tuple[Row, list[Complaint]]:
    """A row whose refused cells are blank, and what is wrong with them.

    The rest of it is still worth checking, and other rows may speak of its specimen.
    """
    faults = {
        column: fault
        for column, text in row.cells.items()
        if (fault := cell_fault(text, is_workbook=is_workbook))
    }
    if not faults:
        return row, []
    kept = Row(row.file, row.number, {**row.cells, **dict.fromkeys(faults, "")})
    return kept, [
        kept.complaint(column, fault, specimen=kept["specimen"]) for column, fault in faults.items()
    ]


def _header_faults(
    file: str, first: tuple[int, list[str]], required: Sequence[str], *, is_workbook: bool
) -> list[Complaint]:
    number, header = first
    if harmful := [
        fault for name in header if (fault := header_fault(name, is_workbook=is_workbook))
    ]:
        return [Row(file, number, {}).complaint(None, f"a column's name {f}") for f in harmful]
    faults = [
        _of_column(
            file,
            name,
            f"lacks the column {name}{_meant(name, header, required)}; "
            f"got {', '.join(column for column in header if column)}",
            is_named=False,
        )
        for name in required
        if name not in header
    ]
    twice = sorted({name for name in header if name and header.count(name) > 1})
    return faults + [
        _of_column(file, name, f"has the column {name} twice; remove one", is_named=False)
        for name in twice
    ]


def _of_column(file: str, column: str, said: str, *, is_named: bool = True) -> Complaint:
    """A complaint about a column, whatever the row; its place names the column or only the file."""
    place = f"{file}, column {column}" if is_named else file
    return Complaint(f"{place}: {said}", said=said, file=file, column=column)


def _first_of(file: str, problems: Sequence[str]) -> tuple[str, ...]:
    """The first problems, and how many there are, where there are too many to read."""
    if len(problems) <= MAX_COMPLAINTS:
        return tuple(problems)
    more = f"{file}: {len(problems):,} cells are refused; mend the {MAX_COMPLAINTS} above first"
    return (*problems[:MAX_COMPLAINTS], more)


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
