"""How large a table may be, and what no cell of one may hold."""

import re
from typing import Final
from unicodedata import name

MAX_FILE_BYTES: Final = 10 * 1024 * 1024
"""Larger files are refused unread; a round's files have a few kilobytes."""

MAX_ROWS: Final = 20_000
"""Rows below the header."""

MAX_COLUMNS: Final = 200

MAX_CELL: Final = 2_000
"""Characters of a cell."""

MAX_COMPLAINTS: Final = 100
"""Complaints about the cells of one file; whoever has more has one mistake in a whole column."""

_SHOWN: Final = 60
"""Characters of a refused cell that are repeated."""

_CONTROL: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffd]"
)
"""What is not seen but does something: terminal commands, and what turns text round; and what is
left of a character that was lost, which no database can hold or nobody can read."""

_FORMULA: Final = re.compile(r"[=@＝＠]|[+\-＋－](?!\s)(?=.*[(|!])", re.DOTALL)
"""What a spreadsheet would compute when it opens the file; a blank after a sign means text."""

_TEXT_HEADER: Final = re.compile(r"[+\-＋－]")


def formula_fault(text: str, *, is_workbook: bool) -> str:
    """What is wrong with a cell that a spreadsheet would compute; empty if it would not.

    Args:
        text: Stripped text of the cell.
        is_workbook: The file is a workbook, where a value can be pasted instead.

    Examples:
        >>> formula_fault("=A1*2", is_workbook=False)
        "looks like a formula, got '=A1*2'; write the value as plain text"
        >>> formula_fault("- cracked (left side)", is_workbook=False)
        ''
    """
    if not _FORMULA.match(text):
        return ""
    if is_workbook:
        return f"holds a formula, got {shown(text)}; paste values only"
    return f"looks like a formula, got {shown(text)}; write the value as plain text"


def cell_fault(text: str, *, is_workbook: bool) -> str:
    """What is wrong with a cell whatever its column is; empty when nothing is.

    Args:
        text: Stripped text of the cell.
        is_workbook: The file is a workbook.
    """
    if len(text) > MAX_CELL:
        return f"is {len(text):,} characters long, at most {MAX_CELL:,} are read; shorten it"
    if found := harmful_character(text):
        return f"holds {found}, got {shown(text)}; type the text again"
    return formula_fault(text, is_workbook=is_workbook)


def unified(text: str) -> str:
    """A text with one kind of line end, whichever system it was typed on."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def harmful_character(text: str) -> str:
    r"""The first character no text may hold, in words; empty when there is none.

    Examples:
        >>> [harmful_character(text) for text in ("a\0", "M\ufffdller", "Müller")]
        ['the control character U+0000', 'a lost character (U+FFFD)', '']
    """
    found = _CONTROL.search(text)
    if found is None:
        return ""
    code = f"U+{ord(found[0]):04X}"
    if found[0] >= "\ud800":
        return f"a lost character ({code})"
    called = name(found[0], "").lower()
    return f"the control character {code}{f' ({called})' if called else ''}"


def header_fault(text: str, *, is_workbook: bool) -> str:
    """What is wrong with a column's name; unlike a cell, it may begin with a sign."""
    plain = _TEXT_HEADER.sub("", text, count=1) if _TEXT_HEADER.match(text) else text
    return cell_fault(plain, is_workbook=is_workbook)


def shown(text: str) -> str:
    """A refused text as it can be repeated: in one line, without anything that acts, not long."""
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")
