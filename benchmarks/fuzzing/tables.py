"""Tables: CSV and workbooks, of bytes and of cells, through every reader of tables there is."""

import csv
import io
import zipfile
from collections.abc import Mapping, Sequence
from functools import cache
from math import isfinite
from typing import Any, Final

from openpyxl import Workbook
from openpyxl.utils.exceptions import IllegalCharacterError

from benchmarks.fuzzing.choices import Choices
from benchmarks.fuzzing.lab import CONFIG, MADE, RESULTS, Desk, as_file, known, plain
from benchmarks.fuzzing.oracle import asked, physical, require, sentences, storable
from benchmarks.fuzzing.texts import PROPERTIES, UNITS, VALUES
from experiments.backtest_table import read_history
from experiments.csv_files import Table, csv_text, read_table_bytes
from experiments.ledger_rows import LiteratureRow, ReadingRow
from experiments.literature_file import LITERATURE_COLUMNS, read_literature
from experiments.made_file import REASONS, Findings, read_made_rows
from experiments.made_specimens import ASSAY_COLUMNS
from experiments.notebook_file import read_notebook
from experiments.recording import record_files
from experiments.results_file import Results, read_result_rows
from experiments.round_folder import MADE_COLUMNS, RESULT_COLUMNS

Rows = Sequence[Mapping[str, str]]

MADE_FILE: Final = (*MADE_COLUMNS, *ASSAY_COLUMNS)
WORDS: Final = (
    "R01-G1", "R01-G1-P1", "R01-C1", "CHI-015", "CHI-015-P", "R09-G1", "r01 g1", "new", "made",
    "failed", "not_made", "jar", "pellet", "cell", "agate", "Zirconia", "zircona", "withdrawn",
    "not_measured", "a note", "simulated", *REASONS, *PROPERTIES, *VALUES,
)  # fmt: skip
_MOST_INT32: Final = 2**31 - 1

LITERATURE: Final[Rows] = (
    {
        "source": "Tsuji 2021", "doi": "10.1039/d0ma00777c", "specimen": "a", "x": "0.2",
        "milling_time_h": "20", "milling_media": "zirconia", "milling_speed_rpm": "500",
        "pressing_pressure_mpa": "360", "property": "ionic_conductivity", "value": "1e-4",
        "unit": "S/cm", "temperature_c": "25", "note": "",
    },
    {
        "source": "Tsuji 2021", "doi": "10.1039/d0ma00777c", "specimen": "b", "x": "0.4",
        "milling_time_h": "20", "milling_media": "zirconia", "milling_speed_rpm": "500",
        "pressing_pressure_mpa": "360", "property": "youngs_modulus", "value": "<25",
        "unit": "GPa", "se": "1", "note": "estimated",
    },
)  # fmt: skip
NOTEBOOK: Final[Rows] = (
    {
        "batch": "A", "x": "0.15", "milling_time_h": "3", "milling_media": "agate",
        "pressing_pressure_mpa": "450", "sigma": "0.2", "T": "60", "jar": "J1", "err": "0.01",
    },
    {
        "batch": "B", "x": "0.15", "milling_time_h": "3", "milling_media": "agate",
        "pressing_pressure_mpa": "300", "sigma": "<0.1", "T": "25", "jar": "J1", "err": "",
    },
)  # fmt: skip
_NOTEBOOK_MAP: Final = {
    "batch": "specimen", "sigma": "ionic_conductivity:mS/cm", "T": "temperature_c", "err": "se",
}  # fmt: skip
HISTORY: Final[Rows] = tuple(
    {"x": f"0.{i}", "lot": "abc"[i % 3], "E": f"{i + 1}.5", "sigma": f"{i + 1}e-5", "day": f"{i}"}
    for i in range(5)
)


def written(rows: Rows, columns: Sequence[str], delimiter: str = ",") -> str:
    """Rows as CSV, quoted as needed."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter)  # ends rows by CR LF, and so quotes both
    writer.writerow(columns)
    writer.writerows([row.get(name, "") for name in columns] for row in rows)
    return out.getvalue()


def doubtful(choices: Choices, rows: Rows, columns: Sequence[str]) -> list[dict[str, str]]:
    """Good rows, doubled or left out, a few of their cells as nobody expects them."""
    found = (
        [dict(row) for row in choices.some(rows, 4)] if choices.below(2) else list(map(dict, rows))
    )
    for _ in range(choices.below(5)):
        if found:
            row, name = choices.pick(found), choices.pick(columns)
            row[name] = choices.cell(row.get(name, ""), WORDS)
    return found


def as_csv(choices: Choices, rows: Rows, columns: Sequence[str]) -> bytes:
    """A file of doubtful rows, in one of the ways that programs write them."""
    found = doubtful(choices, rows, columns)
    names = list(columns)
    kind = choices.below(12)
    if kind == 11:
        names[choices.below(len(names))] = choices.text(columns, 2)
    text = written(found, names, choices.pick((",", ",", ",", ";", "\t")))
    text = text.encode("utf-8", "replace").decode()
    if kind == 10:
        text = f"sep={choices.pick(',;x')}\n{text}"
    raw = text.encode(choices.pick(("utf-8", "utf-8", "utf-8-sig", "utf-16", "cp1252")), "replace")
    if kind == 9:
        raw = choices.mutated(raw, (b'"', b"\n", b"\r", b"\0", b",", b";", b"\xff", b"sep=;\n"))
    return raw


def sound(name: str, table: Table) -> None:
    """A table that was read: its sentences, its places, and the same when written and read."""
    sentences(table.problems, file=name)
    for row in table.rows:
        require(row.file == name and row.number >= 1, "a row without its place", row)
        for text in row.cells.values():
            storable(text)
            require("\ufffd" not in text, "a lost character was taken", text)
            require(text == text.strip(), "a cell with blanks around it", text)
    if not table.problems and table.rows and all(table.columns):
        again = read_table_bytes(name, csv_text(table.columns, [row.cells for row in table.rows])
                                 .encode(), table.columns)  # fmt: skip
        if not again.problems:
            cells = [dict(row.cells) for row in table.rows]
            require([dict(row.cells) for row in again.rows] == cells, "other cells when read again",
                    cells, again.rows)  # fmt: skip


def csv_bytes(data: bytes) -> None:
    """A file of any bytes, or a good one with some of them changed."""
    choices = Choices(data)
    kind = choices.below(4)
    if kind == 0:
        raw = choices.rest()
    elif kind == 1:
        raw = as_csv(choices, RESULTS, RESULT_COLUMNS)
    else:
        good = written(RESULTS, RESULT_COLUMNS, choices.pick(",;\t"))
        seed = good.encode(choices.pick(("utf-8", "utf-16", "utf-8-sig")))
        tokens = (b'"', b"\r", b"\n", b",", b";", b"sep=;\n", b"\0", b"\xff\xfe", b"\xef\xbb\xbf",
                  b"=1", b"1.234,5", b"\x81", b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # fmt: skip
        raw = choices.mutated(seed, tokens)
    table = asked(read_table_bytes, "r.csv", raw, choices.pick(((), ("specimen", "value"))))
    if table is not None:
        sound("r.csv", table)


def csv_cells(data: bytes) -> None:
    """A file of cells that are known: each is read as it was written, or complained of."""
    choices = Choices(data)
    columns = ("a", "b", "c")
    rows = [
        {name: choices.text(WORDS, 3) if choices.below(3) else "1" for name in columns}
        for _ in range(1 + choices.below(4))
    ]
    try:
        raw = written(rows, columns, choices.pick(",;\t")).encode()
    except UnicodeEncodeError:
        return
    table = read_table_bytes("t.csv", raw, columns)
    sound("t.csv", table)
    if not table.problems:
        meant = [{name: row[name].strip() for name in columns} for row in rows]
        meant = [row for row in meant if any(row.values())]
        got = [dict(row.cells) for row in table.rows]
        require([_unwrapped(row) for row in got] == [_unwrapped(row) for row in meant],
                "a cell was altered", meant, got)  # fmt: skip


def _unwrapped(row: Mapping[str, str]) -> dict[str, str]:
    """Cells with one kind of line end."""
    return {name: text.replace("\r\n", "\n").replace("\r", "\n") for name, text in row.items()}


def checked(made: bytes | None, results: bytes) -> tuple[Findings, Results]:
    """Files of a round through all checks; nothing is written.

    Args:
        made: ``made.csv``; ``None`` where all of it was recorded before.
        results: ``results.csv``.
    """
    bench = known(made=made is None)
    first = read_table_bytes("made.csv", made or b"", ("specimen", "kind", "status"))
    second = read_table_bytes("results.csv", results, ("specimen", "property", "value"))
    sound("made.csv", first)
    sound("results.csv", second)
    findings = Findings() if made is None else read_made_rows(first.rows, bench)
    outcome = read_result_rows(second.rows, bench, findings)
    for said in (findings.problems, findings.warnings):
        sentences(said, file="made.csv")
    for said in (outcome.problems, outcome.warnings):
        sentences(said, file="results.csv")
    sentences(first.unread(MADE_FILE), file="made.csv")
    return findings, outcome


def fit(findings: Findings, outcome: Results) -> None:
    """Specimens and readings that would be written are physical, and any database can hold them."""
    for specimen in findings.rows:
        for name in type(specimen).__dataclass_fields__:
            value = getattr(specimen, name)
            if isinstance(value, str):
                storable(value)
            elif isinstance(value, float):
                # Temperatures may lie below zero, and nothing of a salt may be weighed in.
                require(isfinite(value) and (value >= 0 or name == "temperature_c"), "no value",
                        name, value)  # fmt: skip
    for reading in outcome.readings:
        believable(reading)


def believable(reading: ReadingRow | LiteratureRow) -> None:
    """A reading is physical, and any database can hold it."""
    physical(reading.property, reading.lower, reading.upper)
    require(reading.se is None or (isfinite(reading.se) and reading.se > 0), "no se", reading.se)
    if isinstance(reading, ReadingRow):
        require(1 <= reading.n <= _MOST_INT32, "no count", reading.n)
    warm = reading.temperature_c
    require(warm is None or -20 <= warm <= 120, "no temperature", warm)
    for text in (reading.specimen, reading.note, reading.text):
        storable(text)


def round_files(data: bytes) -> None:
    """``made.csv`` and ``results.csv``, checked against a round; nothing is written."""
    choices = Choices(data)
    made = None if choices.below(8) else as_csv(choices, MADE, MADE_FILE)
    findings, outcome = checked(made, as_csv(choices, RESULTS, RESULT_COLUMNS))
    fit(findings, outcome)


DESK: Final = Desk()


def recorded(data: bytes) -> None:
    """The same files into a real ledger: sound afterwards, or exactly as before."""
    choices = Choices(data)
    ledger = DESK.ledger()
    made = as_file("made.csv", as_csv(choices, MADE, MADE_FILE))
    results = as_file("results.csv", as_csv(choices, RESULTS, RESULT_COLUMNS))
    before = ledger.state()
    report = asked(
        record_files, ledger, CONFIG, made, results, by=choices.pick(("", "Ana", "Jörg"))
    )
    if report is None:
        require(ledger.state() == before, "a refused file changed the ledger", before)
        return
    sentences(report.warnings)
    kept(ledger)
    faults = ledger.verify()
    require(not faults, "the ledger is not sound", faults)


def kept(ledger: Any) -> None:
    """What the ledger gives back is physical."""
    for row in ledger.readings().to_dict("records"):
        if not str(row["specimen"]).startswith("CHI"):
            physical(row["property"], plain(row["lower"]), plain(row["upper"]))


def literature(data: bytes) -> None:
    """A file of values of the literature."""
    choices = Choices(data)
    path = as_file("lit.csv", as_csv(choices, LITERATURE, LITERATURE_COLUMNS))
    found = read_literature(path)
    sentences([*found.problems, *found.warnings], file="lit.csv")
    if not found.problems:
        for row in found.rows:
            believable(row)
            for text in (row.source, row.doi):
                storable(text)


def notebook(data: bytes) -> None:
    """A lab's own table, with a mapping."""
    choices = Choices(data)
    columns = tuple(NOTEBOOK[0])
    path = as_file("book.csv", as_csv(choices, NOTEBOOK, columns))
    wished = dict(_NOTEBOOK_MAP)
    for _ in range(choices.below(3)):
        wished[choices.pick(columns)] = choices.text(
            (*PROPERTIES, *UNITS, ":", "se", "n", "jar"), 4
        )
    findings, outcome, _ = read_notebook(path, wished, known())
    sentences([*findings.problems, *findings.warnings, *outcome.problems, *outcome.warnings])
    if not findings.problems and not outcome.problems:
        fit(findings, outcome)


def history(data: bytes) -> None:
    """A table to be replayed."""
    choices = Choices(data)
    columns = tuple(HISTORY[0])
    path = as_file("old.csv", as_csv(choices, HISTORY, columns))
    wishes = (
        "E:maximize", "sigma:maximize:log10", "E:minimize:linear:3", "sigma:maximize:log10:1e-6",
        "ionic_conductivity", "lot:maximize",
    )  # fmt: skip
    features = choices.some(("x", "lot", "x*", "*", "lot:category", "[", "day", "[z-a]"), 3)
    found = asked(
        read_history, path, features=features or ["x"],
        objectives=choices.some(wishes, 1) or ["E:maximize"],
        order=choices.pick(("", "day", "lot")),
    )  # fmt: skip
    if found is not None:
        sentences(found.notes)
        values = found.values
        require(not (values == float("inf")).any(), "an infinite value", values.tolist())
        require(len(found.recipes) == len(values) == found.size, "sizes differ", found.size)


@cache
def _workbook() -> bytes:
    """A good workbook, as a spreadsheet program would write it."""
    return _book([list(RESULT_COLUMNS), *([row.get(c) for c in RESULT_COLUMNS] for row in RESULTS)])


def _book(lines: Sequence[Sequence[Any]], formats: Mapping[tuple[int, int], str] = {}) -> bytes:
    book = Workbook()
    sheet = book.active
    for i, line in enumerate(lines, start=1):
        for j, value in enumerate(line, start=1):
            cell = sheet.cell(i, j)
            cell.value = value
            if (i, j) in formats:
                cell.number_format = formats[i, j]
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def workbook_cells(data: bytes) -> None:
    """A workbook of doubtful cells: texts, numbers, dates, formulas, formats."""
    import datetime

    choices = Choices(data)
    rows = doubtful(choices, RESULTS, RESULT_COLUMNS)
    lines: list[list[Any]] = [list(RESULT_COLUMNS)]
    formats = {}
    for i, row in enumerate(rows, start=2):
        line: list[Any] = [row.get(name, "") or None for name in RESULT_COLUMNS]
        for _ in range(choices.below(4)):
            j = choices.below(len(line))
            line[j] = choices.pick((
                0.1, 3.0, -1, 1e308, 10**15, 10**17, True, datetime.date(2026, 5, 2),
                datetime.datetime(2026, 5, 2, 3, 4), datetime.time(3, 4),
                datetime.timedelta(hours=30),                 "=A1", "=1+1", "#N/A", 0.815,
                float("nan"), 5e-324,
            ))  # fmt: skip
            formats[i, j + 1] = choices.pick(
                ("General", "0%", "0.00 %", "@", "yyyy-mm-dd", "[h]:mm")
            )
        lines.append(line)
    try:
        raw = _book(lines, formats)
    except (IllegalCharacterError, ValueError, UnicodeEncodeError):  # openpyxl does not write that
        return
    table = asked(read_table_bytes, "r.xlsx", raw, ("specimen", "property", "value"))
    if table is not None:
        sound("r.xlsx", table)
        outcome = read_result_rows(table.rows, known(made=True))
        sentences([*outcome.problems, *outcome.warnings], file="r.xlsx")
        if not outcome.problems:
            fit(Findings(), outcome)


_XML: Final = (
    b"<", b">", b"/>", b"&amp;", b"&#0;", b"&#x1F;", b'"', b"<c r=\"A1\"/>", b"<v>1e999</v>",
    b' t="s"', b' t="n"', b' t="e"', b' t="b"', b' t="d"', b' t="inlineStr"', b' r="ZZZ9999999"',
    b' r="A0"', b"<v>-1</v>", b"<v>99999999</v>", b"<!DOCTYPE x>", b"<!--", b"-->", b"<f>1</f>",
    b'<f t="shared" si="0" ref="A1:B2">A1</f>',
    b"<mergeCells><mergeCell ref=\"A1:B2\"/></mergeCells>",
    b' count="-1"', b' ref="A1:XFD1048576"', b"<?xml version='1.0' encoding='x'?>", b"\xff\xfe",
    b"\0", b' state="hidden"', b' numFmtId="9"', b' s="999"', b"<row r=\"5\">", b"1e400", b"nan",
)  # fmt: skip


def workbook_parts(data: bytes) -> None:
    """A good workbook with a part changed, swapped, left out or doubled, packed anew."""
    choices = Choices(data)
    with zipfile.ZipFile(io.BytesIO(_workbook())) as archive:
        parts = [(name, archive.read(name)) for name in archive.namelist()]
    for _ in range(1 + choices.below(3)):
        i = choices.below(len(parts))
        name, content = parts[i]
        kind = choices.below(8)
        if kind < 5:
            parts[i] = name, choices.mutated(content, _XML)
        elif kind == 5:
            parts[i] = parts[choices.below(len(parts))][0], content
        elif kind == 6:
            parts[i] = (
                choices.pick(("../x", "/x", "x.zip", "C:x", "a\0b", "xl/vbaProject.bin")),
                content,
            )
        elif len(parts) > 1:
            del parts[i]
    workbook(packed(parts))


def workbook_bytes(data: bytes) -> None:
    """A good workbook with some bytes of the archive changed."""
    choices = Choices(data)
    if choices.one_in(8):
        workbook(choices.pick((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")) + choices.rest())
        return
    tokens = (
        b"PK\x03\x04",
        b"PK\x01\x02",
        b"PK\x05\x06",
        b"\xff\xff\xff\xff",
        b"\0\0\0\0",
        b"\x01",
    )
    workbook(choices.mutated(_workbook(), tokens))


def packed(parts: Sequence[tuple[str, bytes]]) -> bytes:
    """Parts as an archive; a name may stand twice."""
    import warnings

    out = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names that stand twice
        with zipfile.ZipFile(out, "w") as archive:
            for name, content in parts:
                archive.writestr(name, content)
    return out.getvalue()


def workbook(raw: bytes) -> None:
    """Read a workbook."""
    table = asked(read_table_bytes, "r.xlsx", raw, ("specimen", "property", "value"))
    if table is not None:
        sound("r.xlsx", table)
