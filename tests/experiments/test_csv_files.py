"""CSV files as laboratories save them, with all that spreadsheets do to them."""

import csv
import io
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.csv_files import (
    MAX_FILE_BYTES,
    Complaint,
    Table,
    csv_text,
    number_in,
    read_table,
    read_table_bytes,
)
from experiments.table_limits import MAX_COLUMNS, MAX_COMPLAINTS, MAX_ROWS, formula_fault
from features.errors import TableError

PLAIN = "specimen,value,note\nG1,0.27,fine\nG2,,later\n"
MEANT = [("G1", 0.27, "fine"), ("G2", None, "later")]

SAVED = {
    "plain": PLAIN.encode(),
    "byte-order-mark": PLAIN.encode("utf-8-sig"),
    "crlf": PLAIN.replace("\n", "\r\n").encode(),
    "old-mac": PLAIN.replace("\n", "\r").encode(),
    "utf-16": PLAIN.encode("utf-16"),
    "tabs": PLAIN.replace(",", "\t").encode(),
    "german": PLAIN.replace(",", ";").replace("0.27", "0,27").encode("utf-8-sig"),
    "german-quoted-numbers": PLAIN.replace(",", ";").replace("0.27", '"0,27"').encode(),
    "trailing-columns": PLAIN.replace(",", ";").replace("\n", ";;;\r\n").encode("cp1252"),
    "trailing-columns-below-only": PLAIN.replace("fine", "fine,,,").encode(),
    "short-rows": PLAIN.encode() + b"\n\n",
    "blank-lines": b"\n;;\n" + PLAIN.replace(",", ";").replace("G2", "\nG2").encode(),
    "separator-line": b"sep=;\r\n" + PLAIN.replace(",", ";").encode(),
    "comma-file-through-german-spreadsheet": (
        b'specimen,value,note\r\n"G1,0.27,fine"\r\n"G2,,later"\r\n'
    ),
    "german-with-decimal-commas-side-by-side": (
        "specimen;value;note\r\nG1;0,27;fine;;;\r\nG2;;later;;\r\n".encode("cp1252")
    ),
    "blanks-around": PLAIN.replace(",", " , ").encode(),
}


def table(tmp_path: Path, content: bytes, required: tuple[str, ...] = ("specimen",)) -> Table:
    path = tmp_path / "made.csv"
    path.write_bytes(content)
    return read_table(path, required)


@pytest.mark.parametrize("content", SAVED.values(), ids=SAVED.keys())
def test_every_way_to_save_a_table_reads_the_same(tmp_path: Path, content: bytes) -> None:
    found = table(tmp_path, content)
    assert found.problems == ()
    rows = [(row["specimen"], row.number_of("value"), row["note"]) for row in found.rows]
    assert rows == MEANT


def test_windows_1252_text_keeps_its_letters(tmp_path: Path) -> None:
    content = "specimen;unit;note\r\nG1;Ω·cm²;x\r\n".replace("Ω", "µ").encode("cp1252")
    (row,) = table(tmp_path, content).rows
    assert row["unit"] == "µ·cm²"


def test_rows_are_numbered_as_in_the_spreadsheet(tmp_path: Path) -> None:
    content = b'specimen,note\nG1,"two\nlines"\n\nG2,x\n'
    assert [row.number for row in table(tmp_path, content).rows] == [2, 4]


def test_a_quoted_comma_in_the_header_is_no_separator(tmp_path: Path) -> None:
    found = table(tmp_path, b'specimen;"sigma, 60 C, EIS, in, S/cm"\nG1;1\n')
    assert found.columns == ("specimen", "sigma, 60 C, EIS, in, S/cm")


REFUSED = {
    "empty": (b"", r"made\.csv: is empty; expected a header with specimen, value"),
    "only-separators": (b";;;\r\n;;;\r\n", r"made\.csv: is empty"),
    "missing-columns": (
        b"specimen,valeu\nG1,1\n",
        r"made\.csv: lacks the column value; is it valeu\?; got specimen, valeu",
    ),
    "other-case": (b"Specimen,value\nG1,1\n", r"lacks the column specimen; is it Specimen\?"),
    "column-twice": (b"specimen,value,value\nG1,1,2\n", r"has the column value twice; remove one"),
    "workbook": (b"PK\x03\x04rest", r"made\.csv: is a damaged workbook \(File is not a zip file\)"),
    "old-workbook": (
        b"\xd0\xcf\x11\xe0rest",
        r"is a workbook of the old kind \(\.xls\); save it as \.xlsx or CSV",
    ),
    "binary": (b"specimen\x00,value\n", r"made\.csv: is no text"),
    "open-quote": (
        b'specimen,value\nG1,1\nG2,"1\nG3,1\n',
        r"made\.csv, row 3: quotation marks do not match",
    ),
    "decimal-comma": (
        b"specimen,value,note\nG1,0,27,\n",
        r"made\.csv, row 2: has 4 cells for 3 columns; is a decimal comma of 0,27 not quoted\?",
    ),
    "beyond-the-last": (
        b"specimen,value\nG1,1,oops\n",
        r"row 2: has 3 cells for 2 columns, got 'oops' beyond the last; remove it",
    ),
}


@pytest.mark.parametrize(("content", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_a_file_that_is_no_such_table_is_refused(
    tmp_path: Path, content: bytes, message: str
) -> None:
    problems = table(tmp_path, content, ("specimen", "value")).problems
    with pytest.raises(TableError, match=message):
        raise TableError("\n".join(problems))


def test_every_column_and_row_at_fault_is_named_at_once(tmp_path: Path) -> None:
    assert len(table(tmp_path, b"a,b,b\n", ("specimen", "value")).problems) == 3
    found = table(tmp_path, b"specimen,value\nG1,0,27\nG2,1\nG3,0,5\n")
    assert [p.partition(":")[0] for p in found.problems] == ["made.csv, row 2", "made.csv, row 4"]
    assert [row["specimen"] for row in found.rows] == ["G2"]


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert "none.csv: no such file" in read_table(tmp_path / "none.csv", ()).problems[0]
    assert "cannot be read" in read_table(tmp_path, ()).problems[0]


def test_a_column_nothing_reads_is_named_when_it_holds_something(tmp_path: Path) -> None:
    found = table(tmp_path, b"specimen,tempreture_c,mine,blank\nG1,60,x,\n")
    assert found.unread(["specimen", "temperature_c", "blank"]) == [
        "made.csv, column tempreture_c: is not read; is it temperature_c?",
        "made.csv, column mine: is not read",
    ]


@pytest.mark.parametrize(
    ("text", "value"),
    [("1047,4", 1047.4), ("2.7E-04", 2.7e-4), ("−3", -3.0), (" 5 ", 5.0), (".5", 0.5)],
)
def test_a_number_is_read(text: str, value: float) -> None:
    assert number_in(text) == value


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("about 5", "write only the number"),
        ("5 mg", "the unit is in the column's name"),
        ("1_000", "write only the number"),
        ("nan", "write only the number"),
        ("1e999", "write only the number"),
        ("1.047,4", "without thousands separators"),
        ("1 047", "without thousands separators"),
        ("02. Mai", "did the spreadsheet turn it into a date"),
        ("02.05.2026", "did the spreadsheet turn it into a date"),
    ],
)
def test_what_is_no_number_is_refused_with_a_remedy(text: str, remedy: str) -> None:
    with pytest.raises(TableError, match=f"needs a number, got '{text}'.*{remedy}"):
        number_in(text)


def test_digits_that_are_no_number_are_refused_in_time_that_grows_with_their_length() -> None:
    # In time that grows with the square of the length this would take an hour.
    code = "from experiments.csv_files import number_in; number_in('1' * 500_000 + 'x')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=120)
    assert b"TableError: needs a number, got '111" in done.stderr


CELLS = st.text(st.characters(codec="utf-8", exclude_categories=("C",)), max_size=12).filter(
    lambda text: not formula_fault(text.strip(), is_workbook=False)
)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(rows=st.lists(st.tuples(CELLS, CELLS), max_size=4), german=st.booleans())
def test_any_table_survives_writing_and_reading(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]], german: bool
) -> None:
    written = [{"id": f"G{i}", "a": a, "b": b} for i, (a, b) in enumerate(rows)]
    text = csv_text(("id", "a", "b"), written)
    if german:
        out = io.StringIO()
        csv.writer(out, delimiter=";").writerows(csv.reader(io.StringIO(text)))
        text = out.getvalue()
    path = tmp_path_factory.mktemp("t") / "t.csv"
    path.write_bytes(text.encode("utf-8-sig"))
    found = read_table(path, ("id", "a", "b"))
    assert found.problems == ()
    stripped = [{name: str(cell).strip() for name, cell in row.items()} for row in written]
    assert [dict(row.cells) for row in found.rows] == stripped


FORMULAS = [
    "=1+1",
    "=cmd|' /C calc'!A0",
    '=HYPERLINK("http://evil")',
    "@SUM(A1:A9)",
    "+SUM(A1)",
    "-2+3+cmd|' /C calc'!D2",
    "-Sheet2!A1",
    "＝1+1",
    "+(1,2)\n|x",
]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_is_refused_with_its_place(text: str) -> None:
    content = csv_text(("specimen", "value", "note"), [{"specimen": "G1", "note": text}])
    found = read_table_bytes("r.csv", content.encode(), ("specimen",))
    (problem,) = found.problems
    assert problem == (
        f"r.csv, row 2, column note (G1): looks like a formula, got {text!r}; write the value as "
        "plain text"
    )
    assert found.rows[0]["note"] == ""


@pytest.mark.parametrize(
    "text",
    [
        "<1e-10",
        "-",
        "--",
        "+5",
        "-4.1",
        "−3",
        "−3 (low)",
        "- no reading",
        "- cracked (left side)",
        "+/- 5 %",
        "-crystallised",
        "mail x@y.org",
        "2.30..2.35",
        "a=b",
        "yellow | brown!",
    ],
)
def test_what_only_begins_like_a_formula_is_text(text: str) -> None:
    content = csv_text(("specimen", "note"), [{"specimen": "G1", "note": text}])
    found = read_table_bytes("r.csv", content.encode(), ("specimen",))
    assert found.problems == ()
    assert found.rows[0]["note"] == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a\0b", r"holds the control character U\+0000, got 'a\\x00b'; type the text again"),
        ("\x1b[2Jx", r"U\+001B"),
        ("abc\u202edef", r"U\+202E \(right-to-left override\), got 'abc\\u202edef'"),
        ("x" * 2001, r"is 2,001 characters long, at most 2,000 are read; shorten it"),
        ("=" + "x" * 1000, r"looks like a formula, got '=x{59}…'"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_cell_nobody_typed_is_refused_with_its_place(text: str, said: str, encoding: str) -> None:
    content = f"specimen,note\nG1,fine\nG2,{text}\n".encode(encoding)
    found = read_table_bytes("r.csv", content, ("specimen",))
    (problem,) = found.problems
    with pytest.raises(TableError, match=rf"r\.csv, row 3, column note \(G2\): .*{said}"):
        raise TableError(problem)
    assert [(row["specimen"], row["note"]) for row in found.rows] == [("G1", "fine"), ("G2", "")]


def test_lines_and_tabs_within_a_cell_are_no_control_characters() -> None:
    (row,) = read_table_bytes("r.csv", b'specimen,note\nG1,"two\nlines,\ta tab"\n', ()).rows
    assert row["note"] == "two\nlines,\ta tab"


@pytest.mark.parametrize(
    ("name", "said"),
    [("=A1", "looks like a formula"), ("b\x1b", "U+001B"), ("n" * 3000, "is 3,000 characters")],
)
def test_a_harmful_column_name_is_refused(name: str, said: str) -> None:
    found = read_table_bytes("r.csv", f"specimen,{name}\nG1,1\n".encode(), ("specimen",))
    (problem,) = found.problems
    assert problem.startswith("r.csv, row 1: a column's name ")
    assert said in problem
    assert "\x1b" not in problem


def test_a_column_name_may_begin_with_a_sign() -> None:
    found = read_table_bytes("r.csv", b"specimen,-log10(sigma)\nG1,4.1\n", ("specimen",))
    assert found.problems == ()


def test_a_column_of_mistakes_is_not_listed_without_end() -> None:
    content = "specimen,note\n" + "G1,=1\n" * (MAX_COMPLAINTS + 20)
    problems = read_table_bytes("r.csv", content.encode(), ()).problems
    assert len(problems) == MAX_COMPLAINTS + 1
    assert problems[-1] == "r.csv: 120 cells are refused; mend the 100 above first"


def test_as_many_rows_and_columns_as_allowed_are_read_and_no_more() -> None:
    def problems(columns: int, rows: int) -> tuple[str, ...]:
        header = ",".join(f"c{i}" for i in range(columns))
        content = f"{header},,\n" + "1\n" * rows + ",,\n" * 5
        return read_table_bytes("r.csv", content.encode(), ()).problems

    assert problems(MAX_COLUMNS, 1) == problems(2, MAX_ROWS) == ()
    assert problems(MAX_COLUMNS + 1, 1) == (
        "r.csv: has 201 columns, at most 200 are read; remove those not needed",
    )
    assert problems(2, MAX_ROWS + 1) == (
        "r.csv: has 20,001 rows, at most 20,000 are read; split it into several files",
    )


def test_a_large_file_is_refused_without_being_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "big.csv"
    with path.open("wb") as file:
        file.truncate(12 * 1024 * 1024)

    def never(*_: object) -> None:
        raise AssertionError("the file was read")

    monkeypatch.setattr("experiments.csv_files.read_table_bytes", never)
    assert read_table(path, ()).problems == (
        "big.csv: has 12.0 MB, at most 10 MB are read; remove what is not needed, or split it into "
        "several files",
    )


def test_large_content_is_refused_as_well() -> None:
    (problem,) = read_table_bytes("big.csv", b"a" * (MAX_FILE_BYTES + 1), ()).problems
    assert "at most 10 MB are read" in problem


def test_a_file_and_its_content_read_the_same(tmp_path: Path) -> None:
    for content in (*SAVED.values(), *(content for content, _ in REFUSED.values())):
        in_memory = read_table_bytes("made.csv", content, ("specimen", "value"))
        assert table(tmp_path, content, ("specimen", "value")) == in_memory


def test_problems_of_a_file_know_their_place() -> None:
    found = read_table_bytes("r.csv", b"specimen,value\nG1,1,oops\nG2,=1\n", ("specimen",))
    beyond, formula = found.problems
    assert isinstance(beyond, Complaint)
    assert isinstance(formula, Complaint)
    assert (beyond.file, beyond.row, beyond.column, beyond.specimen) == ("r.csv", 2, None, "G1")
    assert beyond == f"r.csv, row 2: {beyond.said}"
    assert (formula.row, formula.column, formula.specimen) == (3, "value", "G2")
    assert formula == f"r.csv, row 3, column value (G2): {formula.said}"
    (quote,) = read_table_bytes("r.csv", b'a,b\n1,"2\n', ()).problems
    assert isinstance(quote, Complaint)
    assert quote.row == 2
    (lacking,) = read_table_bytes("r.csv", b"a,b\n", ("a", "c")).problems
    assert isinstance(lacking, Complaint)
    assert (lacking.row, lacking.column) == (None, "c")
    (unread,) = read_table_bytes("r.csv", b"a,b\n1,2\n", ()).unread(["a"])
    assert isinstance(unread, Complaint)
    assert (unread.column, unread.said) == ("b", "is not read")
