"""Workbooks as chemists save them, and as nobody should."""

import math
import re
import subprocess
import sys
import zlib
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZipFile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook
from openpyxl.worksheet.formula import ArrayFormula

from experiments.campaign import Campaign
from experiments.csv_files import Complaint, Table, number_in, read_table, read_table_bytes
from experiments.recording import record_files
from features.errors import InputError, TableError

pytest_plugins = ["tests.experiments.planned_round"]

Values = Sequence[Sequence[object]]

HEADER = ("specimen", "value", "note")


def content(book: Workbook) -> bytes:
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def workbook(rows: Values, formats: dict[str, str] | None = None) -> bytes:
    """A workbook of one sheet."""
    book = Workbook()
    for row in rows:
        book.active.append(list(row))
    for place, shown_as in (formats or {}).items():
        book.active[place].number_format = shown_as
    return content(book)


def sheets(**tables: Values) -> Workbook:
    """A workbook of several sheets."""
    book = Workbook()
    book.remove(book.active)
    for title, rows in tables.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(list(row))
    return book


def read(raw: bytes, required: Sequence[str] = ("specimen", "value")) -> Table:
    return read_table_bytes("r.xlsx", raw, required)


def refused(raw: bytes, required: Sequence[str] = ("specimen", "value")) -> str:
    found = read(raw, required)
    assert found.rows == ()
    (problem,) = found.problems
    assert "\n" not in problem
    return problem


def packed(files: dict[str, bytes | str], method: int = ZIP_DEFLATED) -> bytes:
    out = BytesIO()
    with ZipFile(out, "w", method) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return out.getvalue()


def parts(raw: bytes) -> dict[str, bytes | str]:
    with ZipFile(BytesIO(raw)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


GOOD = workbook([HEADER, ("G1", 0.27, "fine"), ("G2", None, "later")])
PARTS = parts(GOOD)
SHEET = "xl/worksheets/sheet1.xml"


def with_parts(files: dict[str, bytes | str]) -> bytes:
    return packed(PARTS | files)


def test_a_workbook_reads_like_the_csv() -> None:
    found = read(GOOD)
    assert found.problems == ()
    assert found.columns == HEADER
    assert [(row["specimen"], row.number_of("value"), row["note"]) for row in found.rows] == [
        ("G1", 0.27, "fine"),
        ("G2", None, "later"),
    ]


@pytest.mark.parametrize(
    ("value", "shown_as", "text"),
    [
        (0.1, "General", "0.1"),
        (3.0, "General", "3"),
        (150, "0.00", "150"),
        (0.123456789, "0.0", "0.123456789"),
        (2.7e-4, "0.00E+00", "0.00027"),
        (1e-10, "General", "1e-10"),
        (-4.1, "General", "-4.1"),
        (1e22, "General", "1e+22"),
        (0.815, "0%", "81.5%"),
        (1, "0.00%", "100%"),
        (0.07, "0.0 %", "7%"),
        (12, '0 "% of all"', "12"),
        (True, "General", "TRUE"),
        ("  padded ", "General", "padded"),
        ("0,27", "@", "0,27"),
        ("<1e-10", "General", "<1e-10"),
        (datetime(2026, 5, 2), "yyyy-mm-dd", "2026-05-02"),
        (date(2026, 5, 2), "dd.mm.yy", "2026-05-02"),
        (datetime(2026, 5, 2, 13, 30), "yyyy-mm-dd hh:mm", "2026-05-02 13:30:00"),
        (time(3, 0), "hh:mm", "03:00:00"),
        (timedelta(hours=30), "[h]:mm", "1 day, 6:00:00"),
    ],
)
def test_a_cell_says_what_was_typed(value: object, shown_as: str, text: str) -> None:
    (row,) = read(workbook([HEADER, ("G1", value)], {"B2": shown_as})).rows
    assert row["value"] == text


@pytest.mark.parametrize(
    ("value", "shown_as", "said"),
    [
        (datetime(2026, 5, 2), "dd.mm.", "did the spreadsheet turn it into a date"),
        (timedelta(hours=3), "[h]:mm", "needs a number, got '3:00:00'"),
        (0.15, "0%", "needs a number, got '15%'"),
        (False, "General", "needs a number, got 'FALSE'"),
    ],
)
def test_what_is_no_plain_number_is_refused_as_in_a_csv(
    value: object, shown_as: str, said: str
) -> None:
    (row,) = read(workbook([HEADER, ("G1", value)], {"B2": shown_as})).rows
    with pytest.raises(TableError, match=said):
        row.number_of("value")


FLOATS = st.floats(allow_nan=False, allow_infinity=False)
NUMBERS = FLOATS.map(lambda value: float(f"{value:.14e}")).filter(math.isfinite)
"""With 15 digits; more of them openpyxl does not write."""


@settings(max_examples=30, deadline=None, derandomize=True)
@given(values=st.lists(NUMBERS | st.integers(-(10**15), 10**15), min_size=1, max_size=20))
def test_any_number_comes_back_as_the_same_float(values: list[float]) -> None:
    found = read(workbook([HEADER, *(("G1", value, "x") for value in values)]))
    assert [number_in(row["value"]) for row in found.rows] == values


@settings(max_examples=30, deadline=None, derandomize=True)
@given(values=st.lists(FLOATS, min_size=1, max_size=20))
def test_any_number_with_all_its_digits_comes_back(values: list[float]) -> None:
    cells = "".join(f"<row><c><v>0</v></c><c><v>{value:.17g}</v></c></row>" for value in values)
    sheet = str_of(SHEET)
    found = read(with_parts({SHEET: sheet.replace("</sheetData>", f"{cells}</sheetData>")}))
    assert [number_in(row["value"]) for row in found.rows[2:]] == values


TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Zs", "Zl", "Zp")), min_size=1
)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(texts=st.lists(TEXTS.map(lambda text: f"a{text}"), min_size=1, max_size=5))
def test_any_text_comes_back(texts: list[str]) -> None:
    found = read(workbook([HEADER, *(("G1", 1, text) for text in texts)]))
    assert found.problems == ()
    assert [row["note"] for row in found.rows] == texts


def test_rows_are_numbered_as_in_the_spreadsheet() -> None:
    raw = workbook([(), HEADER, (), ("G1", 1), ("", None, "  "), (), ("G2", 2)])
    assert [row.number for row in read(raw).rows] == [4, 7]


def test_what_stands_beside_the_table_is_refused_with_its_row() -> None:
    (problem,) = read(workbook([HEADER, ("G1", 1, "", None, "mean = 5")])).problems
    assert problem == (
        "r.xlsx, row 2: has 5 cells for 3 columns, got 'mean = 5' beyond the last; remove it"
    )


def test_the_sheet_with_the_columns_is_read() -> None:
    book = sheets(read_me=[("Fill in results.",)], blank=[], results=[HEADER, ("G1", 1)])
    assert [row["specimen"] for row in read(content(book)).rows] == ["G1"]
    lacking = read(content(book), ("specimen", "status")).problems
    assert lacking[0].startswith("r.xlsx: lacks the column specimen; got Fill in results.")


def test_a_hidden_sheet_is_not_read() -> None:
    book = sheets(old=[HEADER, ("G0", 0)], results=[HEADER, ("G1", 1)])
    book["old"].sheet_state = "hidden"
    assert [row["specimen"] for row in read(content(book)).rows] == ["G1"]


def test_two_sheets_with_the_columns_are_refused() -> None:
    book = sheets(R01=[HEADER, ("G1", 1)], R02=[HEADER, ("G2", 1)])
    assert refused(content(book)) == (
        "r.xlsx: has the columns specimen, value in the sheets 'R01', 'R02'; keep one of them, or "
        "save each as a file of its own"
    )
    assert len(read(content(book), ()).rows) == 1


def test_an_empty_workbook_is_refused() -> None:
    assert refused(content(Workbook())) == (
        "r.xlsx: is empty; expected a header with specimen, value and a row for each specimen"
    )


def test_a_sheet_that_lies_about_its_size_is_read_whole() -> None:
    raw = with_parts({SHEET: str_of(SHEET).replace('ref="A1:C3"', 'ref="A1:A2"')})
    assert [row["note"] for row in read(raw).rows] == ["fine", "later"]


def test_shared_and_coloured_texts_are_read() -> None:
    texts = (
        '<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        "<si><t>G1</t></si><si><r><t>ri</t></r><r><rPr><b/></rPr><t>ch</t></r></si></sst>"
    )
    row = '<row><c t="s"><v>0</v></c><c t="str"><v>&lt;1</v></c><c t="s"><v>1</v></c></row>'
    sheet = str_of(SHEET).replace("</sheetData>", f"{row}</sheetData>")
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    named = f'<Override PartName="/xl/sharedStrings.xml" ContentType="{kind}"/></Types>'
    types = str_of("[Content_Types].xml").replace("</Types>", named)
    files = {SHEET: sheet, "[Content_Types].xml": types, "xl/sharedStrings.xml": texts}
    found = read(with_parts(files))
    assert list(found.rows[-1].cells.values()) == ["G1", "<1", "rich"]


def str_of(part: str) -> str:
    text = PARTS[part]
    assert isinstance(text, bytes)
    return text.decode()


@pytest.mark.parametrize(
    ("formula", "shown"),
    [
        ("=A1*2", "'=A1*2'"),
        ("=cmd|' /C calc'!A0", "\"=cmd|' /C calc'!A0\""),
        (ArrayFormula("B2:B3", "=SUM(A1:A2*2)"), "'=SUM(A1:A2*2)'"),
    ],
)
def test_a_formula_is_refused_with_its_place(formula: Any, shown: str) -> None:
    found = read(workbook([HEADER, ("G1", formula, "x")]))
    (problem,) = found.problems
    assert problem == (
        f"r.xlsx, row 2, column value (G1): holds a formula, got {shown}; paste values only"
    )
    assert isinstance(problem, Complaint)
    assert (problem.row, problem.column) == (2, "value")


def test_a_text_that_would_be_computed_elsewhere_is_refused() -> None:
    book = sheets(s=[HEADER, ("G1", 1, "x")])
    book["s"]["C2"].value = "=1+1"
    book["s"]["C2"].data_type = "s"
    (problem,) = read(content(book)).problems
    assert "column note (G1): holds a formula, got '=1+1'" in problem


def test_a_formula_for_a_column_s_name_is_refused() -> None:
    problem = refused(workbook([("specimen", "value", "=A1"), ("G1", 1, 2)]))
    assert problem == (
        "r.xlsx, row 1: a column's name holds a formula, got '=A1'; paste values only"
    )


def test_merged_cells_are_refused_by_name() -> None:
    book = sheets(s=[HEADER, ("G1", 1, "x"), ("", 2, "y")])
    book["s"].merge_cells("A2:A3")
    assert refused(content(book)) == (
        "r.xlsx, sheet 's': has merged cells, got A2:A3; unmerge them and fill in each"
    )


READ_IT = """
import sys
from pathlib import Path
from experiments.csv_files import read_table
found = read_table(Path(sys.argv[1]), ("specimen", "value"))
print(len(found.rows), *found.problems)
"""


def test_what_only_begins_like_merged_cells_is_read_in_time_that_grows_with_its_length(
    tmp_path: Path,
) -> None:
    # In time that grows with the square of the length this would take hours.
    comment = f"<!--{'<mergeCell ' * 80_000}--></worksheet>"
    path = tmp_path / "made.xlsx"
    path.write_bytes(with_parts({SHEET: str_of(SHEET).replace("</worksheet>", comment)}))
    done = subprocess.run(
        [sys.executable, "-c", READ_IT, path], capture_output=True, check=True, timeout=120
    )
    assert done.stdout.split() == [b"2"]


def test_merged_cells_are_found_however_they_are_written() -> None:
    raw = with_parts(
        {
            SHEET: str_of(SHEET).replace(
                "</sheetData>",
                "</sheetData><x:mergeCells xmlns:x='y'><x:mergeCell\n b='>' ref = 'A2:A3' />"
                "</x:mergeCells>",
            )
        }
    )
    assert "has merged cells, got A2:A3; unmerge them" in refused(raw)


def test_merged_blank_cells_do_no_harm() -> None:
    book = sheets(s=[HEADER, ("G1", 1, "x")])
    book["s"].merge_cells("E5:F9")
    assert read(content(book)).problems == ()


def test_a_cell_far_away_is_refused_quickly() -> None:
    book = sheets(s=[HEADER, ("G1", 1, "x")])
    book["s"]["XFD1048576"] = "far"
    (problem,) = read(content(book)).problems
    assert problem.startswith("r.xlsx, row 1048576: has 16384 cells for 3 columns, got 'far'")


def test_rows_that_spread_over_more_than_a_sheet_are_refused() -> None:
    rows = "".join(f'<row r="{n}"><c r="XFD{n}" t="b"><v>1</v></c></row>' for n in range(1, 400))
    sheet = str_of(SHEET)
    start, end = sheet.index("<sheetData>"), sheet.index("</sheetData>")
    raw = with_parts({SHEET: f"{sheet[:start]}<sheetData>{rows}{sheet[end:]}"})
    assert "spreads over more than 4,000,000 cells; copy only the table" in refused(raw)


@pytest.mark.parametrize("number", ["99999999999999", "1e300", "-5", "1.5", "x"])
def test_a_row_number_no_sheet_has_does_not_hang(number: str) -> None:
    raw = with_parts({SHEET: str_of(SHEET).replace('<row r="3"', f'<row r="{number}"')})
    assert len(read(raw).rows) <= 2


def test_more_rows_than_allowed_are_refused() -> None:
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(["specimen", "value"])
    for _ in range(20_001):
        sheet.append(["G1"])
    assert refused(content(book)) == (
        "r.xlsx: has 20,001 rows, at most 20,000 are read; split it into several files"
    )


def test_more_columns_than_allowed_are_refused() -> None:
    names = ["specimen", "value", *(f"c{i}" for i in range(199))]
    assert "has 201 columns, at most 200 are read" in refused(workbook([names, ["G1"]]))


BOMB = b"<a>" * 200
ENTITIES = (
    '<?xml version="1.0"?><!DOCTYPE w [<!ENTITY a "aaaaaaaaaa">'
    + "".join(
        f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    + "]>"
)
TEXT_7 = 'r="B2" t="s"><v>7</v></c>'
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 504

HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "zip bomb": (
        lambda: with_parts({"xl/media/a.bin": b"\0" * (60 * 1024**2)}),
        "unpacks to 60 MB, at most 50 MB are read; remove sheets and pictures",
    ),
    "small zip bomb": (
        lambda: with_parts({"xl/media/a.bin": b"\0" * (2 * 1024**2)}),
        "holds 'xl/media/a.bin', packed more than 200-fold as no sheet is; save the sheet",
    ),
    "many files": (
        lambda: with_parts({f"xl/media/{i}": b"" for i in range(1001)}),
        "files, a workbook at most 1,000; save it as .xlsx or CSV",
    ),
    "many cells": (
        lambda: with_parts({"xl/more.xml": many_tags()}),
        "holds more than 250,000 cells; remove sheets",
    ),
    "archive by name": (
        lambda: with_parts({"xl/embeddings/book.xlsx": b"x"}),
        "holds another archive, 'xl/embeddings/book.xlsx'; copy the sheet needed",
    ),
    "archive by content": (
        lambda: with_parts({"xl/media/image1.png": packed({"a": b"b"})}),
        "holds another archive, 'xl/media/image1.png'",
    ),
    "name above the archive": (
        lambda: with_parts({"xl/../../etc/passwd": b"x"}),
        "holds 'xl/../../etc/passwd', a name outside the archive",
    ),
    "absolute name": (lambda: with_parts({"/etc/passwd": b"x"}), "a name outside the archive"),
    "name of a drive": (lambda: with_parts({"C:\\x": b"x"}), "a name outside the archive"),
    "another packing": (
        lambda: packed(PARTS, ZIP_BZIP2),
        "packed as no spreadsheet program does; save it as .xlsx or CSV",
    ),
    "password inside": (lambda: flagged(GOOD), "is a workbook under a password; save it as"),
    "password": (
        lambda: OLE + "EncryptedPackage".encode("utf-16-le"),
        "is a workbook under a password; save it as .xlsx or CSV and give that file, without one",
    ),
    "old workbook": (lambda: OLE, "is a workbook of the old kind (.xls); save it as .xlsx or CSV"),
    "open document": (
        lambda: packed({"mimetype": "application/vnd.oasis.opendocument.spreadsheet"}),
        "is an OpenDocument file (.ods); save it as .xlsx or CSV",
    ),
    "macros": (
        lambda: with_parts({"xl/vbaProject.bin": b"x"}),
        "is a workbook with macros (.xlsm); save it as .xlsx or CSV",
    ),
    "binary workbook": (
        lambda: packed({"xl/workbook.bin": b"x"}),
        "is a binary workbook (.xlsb); save it as .xlsx or CSV",
    ),
    "other archive": (
        lambda: packed({"word/document.xml": "<a/>"}),
        "is an archive, but no workbook; save it as .xlsx or CSV",
    ),
    "entity bomb in a sheet": (
        lambda: with_parts({SHEET: f"{ENTITIES}<w>&i;</w>"}),
        "is a damaged workbook (",
    ),
    "entity bomb in the workbook": (
        lambda: with_parts({"xl/workbook.xml": f"{ENTITIES}<w>&i;</w>"}),
        "is a damaged workbook (",
    ),
    "file of the machine": (
        lambda: with_parts(
            {SHEET: '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'}
        ),
        "is a damaged workbook (",
    ),
    "tags in a part that is not called XML": (
        lambda: with_parts({"xl/sheet.bin": many_tags()}),
        "holds more than 250,000 cells; remove sheets",
    ),
    "long number format": (
        lambda: with_parts({"xl/styles.xml": f'<a><numFmt formatCode="{"[" * 256}"/></a>'}),
        "holds a number format of more than 255 characters in 'xl/styles.xml', as no spreadsheet "
        "program writes; save the sheet needed as CSV",
    ),
    "many formats": (
        lambda: with_parts({"xl/styles.xml": f"<a>{'<xf/>' * 65_491}</a>"}),
        "holds formats of cells, more than 65,490 in 'xl/styles.xml'",
    ),
    "long formula": (
        lambda: with_parts({SHEET: f"<a><f>{'&quot;' * 8_193}</f></a>"}),
        "holds a formula of more than 8,192 characters in",
    ),
    "one formula for many cells": (
        lambda: with_parts({SHEET: shared_formula(1000, 5002)}),
        "holds shared formulas of more than 5,000,000 characters in",
    ),
    "long print area": (
        lambda: with_parts({"xl/a.xml": print_area("a" * 10_001)}),
        "holds print areas of more than 10,000 characters in 'xl/a.xml'",
    ),
    "long comment": (
        lambda: with_parts({SHEET: f"<a><!--{noise('<')}--></a>"}),
        "holds a comment of more than 1,000,000 characters in",
    ),
    "long comment in UTF-16": (
        lambda: with_parts({SHEET: f"<a><!--{noise('<')}--></a>".encode("utf-16")}),
        "holds a comment of more than 1,000,000 characters in",
    ),
    "long instruction": (
        lambda: with_parts({SHEET: f"<a><?b {noise('<')}?></a>"}),
        "holds an instruction of more than 1,000,000 characters in",
    ),
    "long tag": (
        lambda: with_parts({SHEET: f'<a b="{noise("")}"/>'}),
        "holds a tag or text of more than 1,000,000 bytes in",
    ),
    "large part with a document type": (
        lambda: with_parts({SHEET: f"<!DOCTYPE a []><a>{'<b/>' * 10}{noise('<c/>')}</a>"}),
        "holds a document type in",
    ),
    "one long text for many cells": (
        lambda: with_parts(shared_text("a" * 50_000, 401)),
        "spells out more than 20,000,000 characters; copy only the table",
    ),
    "one text with long blanks for many cells": (
        lambda: with_parts(shared_text(" " * 50_000 + "a", 401)),
        "spells out more than 20,000,000 characters; copy only the table",
    ),
    "cut off": (lambda: GOOD[: len(GOOD) // 2], "is a damaged workbook ("),
    "no xml": (lambda: with_parts({SHEET: "<worksheet"}), "is a damaged workbook ("),
    "text that is not there": (
        lambda: with_parts({SHEET: re.sub('r="B2".*?</c>', TEXT_7, str_of(SHEET))}),
        "is a damaged workbook (",
    ),
    "style that is not there": (
        lambda: with_parts({SHEET: str_of(SHEET).replace('r="B2"', 'r="B2" s="99"')}),
        "is a damaged workbook (",
    ),
    "wrong checksum": (
        lambda: GOOD.replace(zlib.crc32(PARTS[SHEET]).to_bytes(4, "little"), b"abcd"),
        "is a damaged workbook (Bad CRC-32",
    ),
}


def many_tags() -> bytes:
    """XML of more tags than a workbook may hold, that packs as badly as a sheet does."""
    return b"".join(b"<c%x/>" % (n * n % 65_521) for n in range(1_000_001))


def noise(mark: str) -> str:
    """More than a million characters that pack as badly as a sheet does, with a mark at times."""
    return mark.join(f"{n * n % 65_521:x}" * 20 for n in range(16_000))


def print_area(text: str) -> str:
    return f'<a><definedName name="_xlnm.Print_Area">{text}</definedName></a>'


def shared_formula(length: int, n_cells: int) -> str:
    rows = '<row><c><f t="shared" si="0"/></c></row>' * n_cells
    return f'<a><row><c><f t="shared" si="0">{"A" * length}</f></c></row>{rows}</a>'


def shared_text(text: str, n_cells: int) -> dict[str, bytes | str]:
    """A sheet whose cells all point to one text."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    texts = f'<sst xmlns="{main}"><si><t xml:space="preserve">{text}</t></si></sst>'
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    named = f'<Override PartName="/xl/sharedStrings.xml" ContentType="{kind}"/></Types>'
    types = str_of("[Content_Types].xml").replace("</Types>", named)
    cells = '<c t="s"><v>0</v></c>' * n_cells
    sheet = str_of(SHEET).replace("</sheetData>", f"<row>{cells}</row></sheetData>")
    return {SHEET: sheet, "[Content_Types].xml": types, "xl/sharedStrings.xml": texts}


def flagged(raw: bytes) -> bytes:
    """A workbook whose first entry says that it is encrypted."""
    place = raw.index(b"PK\x01\x02") + 8
    return raw[:place] + b"\x01" + raw[place + 1 :]


@pytest.mark.parametrize(("make", "said"), HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_or_foreign_file_is_refused_in_one_sentence(
    make: Callable[[], bytes], said: str
) -> None:
    problem = refused(make())
    assert re.match("r.xlsx(, sheet 'Sheet')?: ", problem)
    assert said in problem


def test_the_bomb_is_small_on_disk(tmp_path: Path) -> None:
    path = tmp_path / "made.xlsx"
    path.write_bytes(HOSTILE["zip bomb"][0]())
    assert path.stat().st_size < 100_000
    (problem,) = read_table(path, ("specimen",)).problems
    assert "made.xlsx: unpacks to 60 MB" in problem


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    part=st.sampled_from(sorted(PARTS)),
    place=st.floats(0, 1),
    length=st.integers(0, 30),
    new=st.one_of(
        st.binary(max_size=4), st.sampled_from([b"<f>", b'"-1"', b"99999", b"x:", b"</"])
    ),
)
def test_a_damaged_workbook_never_shows_a_traceback(
    part: str, place: float, length: int, new: bytes
) -> None:
    text = PARTS[part]
    assert isinstance(text, bytes)
    start = math.floor(place * len(text))
    found = read(with_parts({part: text[:start] + new + text[start + length :]}))
    assert all("\n" not in problem for problem in found.problems)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(place=st.floats(0, 1), new=st.binary(min_size=1, max_size=4))
def test_a_damaged_archive_never_shows_a_traceback(place: float, new: bytes) -> None:
    start = 4 + math.floor(place * (len(GOOD) - 8))
    found = read(GOOD[:start] + new + GOOD[start + len(new) :])
    assert all("\n" not in problem for problem in found.problems)


def as_workbook(path: Path) -> Path:
    """The same table as a workbook, numbers as numbers."""
    found = read_table(path, ())
    rows: list[list[object]] = [list(found.columns)]
    for row in found.rows:
        texts = [row[column] for column in found.columns]
        rows.append([float(text) if is_number(text) else text or None for text in texts])
    saved = path.with_suffix(".xlsx")
    saved.write_bytes(workbook(rows))
    return saved


def is_number(text: str) -> bool:
    try:
        number_in(text)
    except TableError:
        return False
    return True


def test_a_round_is_recorded_from_workbooks(lab: Any) -> None:
    made, results = (as_workbook(path) for path in lab.files())
    report = record_files(lab.ledger, lab.config, made, results)
    assert (report.specimens, report.readings_added, report.warnings) == (5, 4, ())
    again = lab.record()  # the same as CSV says nothing new
    assert (again.specimens, again.readings_added, again.readings_corrected) == (0, 0, 0)
    assert set(lab.ledger.readings()["source"].dropna()) >= {"results.xlsx"}


def test_one_workbook_with_a_sheet_for_each_file_is_recorded(lab: Any) -> None:
    tables = {path.stem: read_table(path, ()) for path in lab.files()}
    book = sheets(
        **{
            name: [found.columns, *([row[c] or None for c in found.columns] for row in found.rows)]
            for name, found in tables.items()
        }
    )
    path = lab.folder / "round.xlsx"
    path.write_bytes(content(book))
    assert record_files(lab.ledger, lab.config, path, path).readings_added == 4


def test_a_notebook_is_taken_in_from_a_workbook(lab: Any) -> None:
    path = lab.folder / "notebook.xlsx"
    path.write_bytes(
        workbook(
            [
                ("Sample", "x", "milling_time_h", "milling_media", "MPa", "sigma", "temperature_c"),
                ("A1", 0.15, 20, "agate", 450, 0.25, 60),
            ]
        )
    )
    mapping = {
        "Sample": "specimen", "MPa": "pressing_pressure_mpa", "sigma": "ionic_conductivity:mS/cm",
    }  # fmt: skip
    with Campaign.open(lab.folder) as campaign:
        report = campaign.record_notebook(path, mapping)
    assert (report.specimens, report.readings_added) == (2, 1)
    (row,) = lab.ledger.readings().query("specimen == 'A1-P'").to_dict("records")
    assert row["lower"] == pytest.approx(2.5e-4)


def test_a_formula_in_a_workbook_writes_nothing(lab: Any) -> None:
    made, results = lab.files(lab.changed(lab.made, 3, mass_mg="150"))
    book = sheets(made=[read_table(made, ()).columns])
    for row in read_table(made, ()).rows:
        book["made"].append(["=150*2" if c == "mass_mg" and row[c] == "150" else row[c] or None
                             for c in row.cells])  # fmt: skip
    path = lab.folder / "made.xlsx"
    path.write_bytes(content(book))
    before = lab.content()
    with pytest.raises(InputError, match="2 problems found, nothing was written") as caught:
        record_files(lab.ledger, lab.config, path, results)
    assert lab.content() == before
    assert [problem.partition(": ")[0] for problem in caught.value.problems] == [
        "made.xlsx, row 3, column mass_mg (R01-G1-P1)",
        "made.xlsx, row 5, column mass_mg (R01-G2-P1)",
    ]
