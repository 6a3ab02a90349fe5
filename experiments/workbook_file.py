"""A sheet of a workbook as lines of text, as if it had been saved as CSV without losing a digit."""

import re
import warnings
import zlib
from collections.abc import Iterator, Sequence
from datetime import datetime, time
from decimal import Decimal
from io import BytesIO
from math import isfinite
from typing import Any, Final
from zipfile import BadZipFile, ZipFile

from defusedxml.ElementTree import iterparse
from openpyxl import load_workbook
from openpyxl.formula.tokenizer import TokenizerError
from openpyxl.formula.translate import TranslatorError
from openpyxl.utils import range_boundaries
from openpyxl.utils.exceptions import CellCoordinatesException, InvalidFileException
from openpyxl.worksheet.formula import ArrayFormula, DataTableFormula

from experiments.table_limits import MAX_COLUMNS, MAX_ROWS, unified
from experiments.workbook_guard import in_short, refuse_harmful
from features.errors import TableError

Lines = list[tuple[int, list[str]]]
"""Row number of the spreadsheet and the texts of its cells, from the header on."""

Sheet = Any
"""A worksheet of openpyxl that is read as it streams; the library has no types."""

MAX_SHEETS: Final = 50

_LAST_ROW: Final = 1_048_576
"""No spreadsheet program has more rows."""

_RANGE: Final = re.compile("[A-Z]+[0-9]+:[A-Z]+[0-9]+")
_LITERAL: Final = re.compile(r"\"[^\"]*\"|\\.|_.|\*.")
"""Parts of a number format that are shown as they stand."""

_EXACT: Final = 10**16
"""Whole numbers below are written out in full."""

MAX_TEXT: Final = 20_000_000
"""Characters of a sheet's cells: many cells may point to one long text."""

_NAMED: Final = 3
"""Merged ranges that are named."""

_DAMAGE: Final = (
    ArithmeticError, AttributeError, BadZipFile, CellCoordinatesException, EOFError,
    InvalidFileException, LookupError, NotImplementedError, OSError, RuntimeError, SyntaxError,
    TokenizerError, TranslatorError, TypeError, ValueError, zlib.error,
)  # fmt: skip
"""What openpyxl raises over a part that is not what it must be: it checks little itself."""


def workbook_lines(name: str, raw: bytes, required: Sequence[str]) -> Lines:
    """The sheet whose header has the required columns, as text.

    Numbers keep every digit, however they are shown: 0.1 is ``0.1`` and 3.0 is ``3``. Percentages
    keep their sign, dates are written like 2026-05-02. A formula is given as it stands, not what
    came out of it.

    Args:
        name: Name of the file.
        raw: Its content, a zip archive.
        required: Columns the sheet must have. Where no sheet has them, the first that holds
            anything is given; hidden ones are passed over.

    Returns:
        Lines that are not blank; none when the workbook is empty.

    Raises:
        TableError: If it is no workbook, is damaged or too large, several sheets have the columns,
            or cells are merged.
    """
    refuse_harmful(name, raw)
    with warnings.catch_warnings():
        # What openpyxl warns of is what it leaves out: pictures, rules, colours.
        warnings.simplefilter("ignore")
        try:
            return _chosen_lines(name, raw, required)
        except TableError:
            raise
        except _DAMAGE as error:
            raise TableError(
                f"{name}: is a damaged workbook ({in_short(error)}); open it in a spreadsheet "
                "program and save it as .xlsx or CSV again"
            ) from error


def cell_text(value: object, number_format: str = "General") -> str:
    """What a cell says.

    Args:
        value: As openpyxl gives it.
        number_format: How the spreadsheet shows it.

    Examples:
        >>> cell_text(3.0), cell_text(0.1), cell_text(0.815, "0 %"), cell_text(True)
        ('3', '0.1', '81.5%', 'TRUE')
    """
    match value:
        case None:
            return ""
        case bool():
            return str(value).upper()
        case int() | float():
            return _number(value, is_percent="%" in _LITERAL.sub("", number_format))
        case datetime():
            is_day = value.time() == time()
            return value.date().isoformat() if is_day else value.isoformat(sep=" ")
        case ArrayFormula():
            return str(value.text)
        case DataTableFormula():
            return "=TABLE()"
    return unified(str(value).strip())


def _number(value: float, *, is_percent: bool) -> str:
    is_whole = isfinite(value) and value == int(value) and abs(value) < _EXACT
    plain = str(int(value)) if is_whole else repr(value)
    if is_percent and isfinite(value):
        return f"{(Decimal(plain) * 100).normalize():f}%"
    return plain


def _chosen_lines(name: str, raw: bytes, required: Sequence[str]) -> Lines:
    book = load_workbook(BytesIO(raw), read_only=True, keep_links=False)
    try:
        sheets = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
        if len(sheets) > MAX_SHEETS:
            raise TableError(
                f"{name}: has {len(sheets)} sheets, at most {MAX_SHEETS} are looked through; keep "
                "the one needed"
            )
        sheet = _chosen(name, sheets, required)
        if sheet is None:
            return []
        lines = list(_lines(name, sheet))
        _refuse_merged(name, sheet, raw, lines)
        return lines
    finally:
        book.close()


def _chosen(name: str, sheets: Sequence[Sheet], required: Sequence[str]) -> Sheet | None:
    """The sheet to be read; ``None`` when all are blank."""
    headers = [(sheet, next(_lines(name, sheet), None)) for sheet in sheets]
    written = [(sheet, line[1]) for sheet, line in headers if line is not None]
    fitting = [sheet for sheet, header in written if set(required) <= set(header)]
    if required and len(fitting) > 1:
        titles = ", ".join(repr(sheet.title) for sheet in fitting)
        raise TableError(
            f"{name}: has the columns {', '.join(required)} in the sheets {titles}; keep one of "
            "them, or save each as a file of its own"
        )
    return (fitting or [sheet for sheet, _ in written] or [None])[0]


def _lines(name: str, sheet: Sheet) -> Iterator[tuple[int, list[str]]]:
    """Lines that are not blank, without the blank cells at their ends."""
    sheet.reset_dimensions()  # a sheet may claim any
    n_cells = n_characters = 0
    for number, cells in enumerate(sheet.iter_rows(max_row=_LAST_ROW), start=1):
        n_cells += len(cells)
        n_characters += sum(len(cell.value) for cell in cells if isinstance(cell.value, str))
        if n_characters > MAX_TEXT:
            raise TableError(
                f"{name}, sheet {sheet.title!r}: spells out more than {MAX_TEXT:,} characters; "
                "copy only the table into a new workbook"
            )
        if n_cells > MAX_ROWS * MAX_COLUMNS:
            raise TableError(
                f"{name}, sheet {sheet.title!r}: spreads over more than "
                f"{MAX_ROWS * MAX_COLUMNS:,} cells; copy only the table into a new workbook"
            )
        line = [_text(cell) for cell in cells]
        while line and not line[-1]:
            line.pop()
        if line:
            yield number, line


def _text(cell: Any) -> str:
    value = cell.value
    if isinstance(value, int | float):  # only numbers have their format looked up: it is slow
        return cell_text(value, cell.number_format or "")
    return cell_text(value)


def _refuse_merged(name: str, sheet: Sheet, raw: bytes, lines: Lines) -> None:
    """Refuse cells that stand for several: a blank means 'as asked for', not 'as above'."""
    with ZipFile(BytesIO(raw)) as archive:
        xml = archive.read(sheet._worksheet_path)  # noqa: SLF001 - streamed sheets hide merges
    texts = dict(lines)
    merged = []
    for place in _merged_ranges(xml):
        column, row, _, _ = range_boundaries(place)
        if any(texts.get(row, [])[column - 1 : column]):
            merged.append(place)
    if merged:
        more = ", ..." * (len(merged) > _NAMED)
        raise TableError(
            f"{name}, sheet {sheet.title!r}: has merged cells, got {', '.join(merged[:_NAMED])}"
            f"{more}; unmerge them and fill in each"
        )


def _merged_ranges(xml: bytes) -> Iterator[str]:
    for _, element in iterparse(BytesIO(xml)):
        place = element.get("ref", "")
        if element.tag.rpartition("}")[2] == "mergeCell" and _RANGE.fullmatch(place):
            yield place
        element.clear()
