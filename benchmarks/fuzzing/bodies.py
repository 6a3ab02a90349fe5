"""What programs and browsers send: JSON bodies, edits of drafts, forms; and the addresses."""

import atexit
import json
from collections.abc import Mapping, Sequence
from functools import cache
from math import isfinite
from typing import Any, Final
from unittest import mock

from pydantic import BaseModel, ValidationError

from benchmarks.fuzzing.choices import ODDITIES, Choices
from benchmarks.fuzzing.lab import CONFIG, MADE, RESULTS, Desk, known, workroom
from benchmarks.fuzzing.oracle import FindingError, asked, require, sentences
from benchmarks.fuzzing.tables import MADE_FILE, WORDS, believable, kept
from experiments.csv_files import Row
from experiments.draft_edits import edited
from experiments.draft_sheet import Line, Run, Sheet
from experiments.entry import record_rows
from experiments.results_file import read_result_rows
from experiments.round_folder import RESULT_COLUMNS
from experiments.table_limits import cell_fault
from experiments.web.api import models
from experiments.web.forms import EntryForm, FormRow, place_complaints, rows_to_record, typed_form
from features.errors import InputError

_SPECIMENS: Final = [{k: v for k, v in row.items() if v} for row in MADE]
_READINGS: Final = [{k: v for k, v in row.items() if v} for row in RESULTS]
_RECIPE: Final = {"x": 0.2, "milling_time_h": 3.0, "milling_media": "agate"}

_GOOD: Final[tuple[tuple[type[BaseModel], Any], ...]] = (
    (models.RecordIn, {"specimens": _SPECIMENS, "readings": _READINGS}),
    (models.ReadingsIn, {"rows": [{**_READINGS[0], "replaces": 0, "value": 2.6e-4}]}),
    (models.SpecimensIn, {"rows": [{**_SPECIMENS[0], "x": 0.15, "replaces": 1}]}),
    (models.DraftEdit, {"version": 1, "edits": [
        {"row": "G1", "set": {"x": 0.2}}, {"row": "C1", "drop": True},
        {"run": {"milling_time_h": 4.0}},
        {"add": {**_RECIPE, "pressing_pressure_mpa": 450.0}}, {"row": "G2", "restore": True}]}),
    (models.ProposalIn, {"glasses": 4, "trilayers": 2, "budget_h": 100.0, "accept": False}),
    (models.PredictionsIn, {"recipes": [_RECIPE, {"x": 0.0}]}),
    (models.ComparisonIn, {"properties": ["ionic_conductivity"], "surrogates": ["gp"]}),
    (models.NewCampaign, {"name": "new", "empty": True}),
    (models.DraftVersion, {"version": 2}),
)  # fmt: skip

_KEYS: Final = (
    "specimen", "property", "value", "status", "kind", "note", "n", "x", "replaces", "row", "set",
    "drop", "restore", "run", "add", "core", "milling_media", "version", "edits", "rows",
    "__class__",
    "", "\0", "\ud800", "a" * 500,
)  # fmt: skip


def json_value(choices: Choices, depth: int = 0) -> str:
    """The text of some JSON, or of what a careless parser takes for it."""
    kind = choices.below(14)
    if kind == 0:
        return choices.pick(("null", "true", "false", "NaN", "Infinity", "-Infinity", "-0.0"))
    if kind == 1:
        return choices.pick((
            "1", "3.0", "1e400", "-1e400", "9" * 20, "9" * 400, "9" * 4301, "9007199254740993",
            "01",
            "1e-400", "0.1e1", "-1", "2.5", "1E5", "2147483648", "9223372036854775808",
        ))  # fmt: skip
    if kind < 6:
        return choices.number() if choices.below(2) else json.dumps(choices.number())
    if kind < 10:
        return json.dumps(choices.text(WORDS, 3), ensure_ascii=bool(choices.below(2)))
    if kind == 10:
        return json.dumps(choices.pick(WORDS))
    if kind == 11 and depth < 3:
        return "[" + ",".join(json_value(choices, depth + 1) for _ in range(choices.below(3))) + "]"
    if kind == 12 and depth < 3:
        members = (
            f"{json.dumps(choices.pick(_KEYS))}:{json_value(choices, depth + 1)}"
            for _ in range(choices.below(3))
        )
        return "{" + ",".join(members) + "}"
    return choices.pick(
        ('"\\u0000"', '"\\ud800"', '"\\udc00\\ud800"', "[" * 2000, '{"a":' * 2000, '""')
    )


def body_text(choices: Choices, good: Any) -> bytes:
    """A good body in which values are other ones, keys stand twice, or bytes are changed."""
    if choices.one_in(6):
        return choices.mutated(
            json.dumps(good).encode(),
            (
                b'"',
                b"{",
                b"}",
                b"[",
                b"]",
                b",",
                b"\\ud800",
                b"\\u0000",
                b"NaN",
                b"1e999",
                b"\xff",
                b"\0",
            ),
        )
    places = choices.below(4)
    spots = [choices.below(60) for _ in range(places)]
    number = -1

    def text(value: Any) -> str:
        nonlocal number
        number += 1
        if number in spots:
            return json_value(choices)
        if isinstance(value, dict):
            members = [f"{json.dumps(key)}:{text(part)}" for key, part in value.items()]
            if number + 1 in spots and members:
                members.append(
                    f"{json.dumps(choices.pick((*value, *_KEYS)))}:{json_value(choices)}"
                )
            return "{" + ",".join(members) + "}"
        if isinstance(value, list):
            return "[" + ",".join(map(text, value)) + "]"
        return json.dumps(value)

    return text(good).encode("utf-8", "surrogatepass")


def loaded(raw: bytes) -> Any:
    """JSON as the framework takes it; what it answers to is refused there."""
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None


DESK: Final = Desk()


def body(data: bytes) -> None:
    """A body through its model, then its rows or edits through the checks, some into a ledger."""
    choices = Choices(data)
    model, good = choices.pick(_GOOD)
    plain = loaded(body_text(choices, good))
    try:
        taken = model.model_validate(plain)
    except ValidationError as error:
        for one in error.errors():
            require("Error(" not in one["msg"], "a raw error", one["msg"])
        return
    for leaf in _leaves(taken.model_dump(exclude_none=True)):
        require(not isinstance(leaf, float) or isfinite(leaf), "no number", leaf)
        if isinstance(leaf, str):
            leaf.encode()  # half a character must not come so far
    if isinstance(taken, models.RecordIn | models.ReadingsIn | models.SpecimensIn):
        _rows(taken, is_recorded=choices.one_in(64))
    elif isinstance(taken, models.DraftEdit):
        edits = [edit.model_dump(exclude_none=True) for edit in taken.edits]
        _, problems = edited(sheet(), edits, person="Ana", jars=["R01-G1"])
        sentences(problems)


def _rows(taken: BaseModel, *, is_recorded: bool) -> None:
    plain = taken.model_dump(exclude_none=True)
    if "rows" in plain:
        key = "readings" if isinstance(taken, models.ReadingsIn) else "specimens"
        plain = {key: plain["rows"]}
    if not is_recorded:
        return
    ledger = DESK.ledger()
    before = ledger.state()
    report = asked(record_rows, ledger, CONFIG, DESK.folder, by="Ana", **plain)
    if report is None:
        require(ledger.state() == before, "a refused body changed the ledger", plain)
        return
    sentences(report.warnings)
    kept(ledger)
    faults = ledger.verify()
    require(not faults, "the ledger is not sound", faults)


@cache
def sheet() -> Sheet:
    """A draft of two glasses and a cell."""
    glass = {"x": 0.15, "milling_media": "agate", "pressing_pressure_mpa": 450.0}
    run = {"milling_time_h": 3.0, "milling_speed_rpm": 500.0}
    cell = {
        "core": "G1", "skin": "G2", "core_mass_mg": 150.0, "skin_mass_mg": 25.0,
        "pressing_pressure_mpa": 450.0,
    }  # fmt: skip
    return Sheet(
        run=Run(values=run, proposed=run, why=""),
        lines=(
            Line(key="G1", kind="glass", recipe=glass, proposed=glass),
            Line(key="G2", kind="glass", recipe=glass, proposed=glass),
            Line(key="C1", kind="cell", recipe=cell, proposed=cell),
        ),
        notices={},
    )


def edits(data: bytes) -> None:
    """Edits of a draft as a program sends them to Python: any plain JSON."""
    choices = Choices(data)
    good = _GOOD[3][1]["edits"]
    plain = loaded(body_text(choices, good))
    changed, problems = edited(sheet(), plain, person="Ana", jars=["R01-G1"])
    sentences(problems)
    for line in changed.lines:
        for value in line.recipe.values():
            require(not isinstance(value, float) or isfinite(value), "no number", line)


def form(data: bytes) -> None:
    """The tables of the page as a browser sends them."""
    choices = Choices(data)
    typed: dict[str, str] = {}
    both = (("specimens", MADE, MADE_FILE), ("readings", RESULTS, RESULT_COLUMNS))
    for table, rows, columns in both:
        for i, row in enumerate(rows):
            typed |= {f"{table}-{i}-{name}": value for name, value in row.items()}
            typed[f"{table}-{i}-replaces"] = choices.cell("0", WORDS)
            for _ in range(choices.below(3)):
                name = choices.pick(columns)
                typed[f"{table}-{i}-{name}"] = choices.cell(row.get(name, ""), WORDS)
    if choices.one_in(4):
        typed[choices.text((*typed, "-", "specimens", "readings", "0"), 4)] = choices.text(WORDS, 2)
    blank = EntryForm([FormRow(dict(row), replaces=1) for row in MADE], [])
    filled = typed_form(blank, typed)
    made, read = rows_to_record(filled)
    if choices.one_in(64):
        ledger = DESK.ledger()
        before = ledger.state()
        try:
            report = record_rows(
                ledger, CONFIG, DESK.folder, specimens=made, readings=read, by="Ana"
            )
            sentences(report.warnings)
            kept(ledger)
            faults = ledger.verify()
            require(not faults, "the ledger is not sound", faults)
        except InputError as error:
            sentences(error.problems)
            place_complaints(filled, error.problems)
            require(filled.n_complaints >= len(error.problems), "a complaint was lost", typed)
            require(ledger.state() == before, "a refused form changed the ledger", typed)
    elif read:
        found = read_result_rows(_as_rows("readings", read, RESULT_COLUMNS), known(made=True))
        if not found.problems:
            for one in found.readings:
                believable(one)


def _as_rows(table: str, sent: Sequence[Mapping[str, Any]], fields: Sequence[str]) -> list[Row]:
    """Rows as the entry of a form makes them, of cells that are texts."""
    cells = ({name: str(values.get(name, "")) for name in fields} for values in sent)
    return [
        Row(table, number, row)
        for number, row in enumerate(cells, start=1)
        if not any(cell_fault(text, is_workbook=False) for text in row.values())
    ]


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for key, part in value.items() for leaf in (key, *_leaves(part))]
    if isinstance(value, list):
        return [leaf for part in value for leaf in _leaves(part)]
    return [value]


_PATHS: Final = (
    "/records", "/readings", "/specimens", "/drafts/{}", "/rounds/{}", "/specimens/{}",
    "/readings?after={}", "/changes?after={}", "/specimens?after={}", "/jobs/{}", "/predictions?{}",
)  # fmt: skip


@cache
def _client() -> Any:
    """The application over one campaign."""
    import shutil

    from starlette.testclient import TestClient

    from benchmarks.fuzzing.lab import template
    from experiments.web.app import make_app
    from experiments.web.armour import Rates

    root = workroom() / "served"
    root.mkdir()
    shutil.copytree(template(), root / "lab")
    app = make_app(root, rates=Rates(requests="100000000/minute"))
    client = TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False)
    client.__enter__()
    atexit.register(client.__exit__, None, None, None)
    return client


def _begin(_: Any, kind: str, work: str, campaign: str, person: Any, *__: Any, **___: Any) -> Any:
    """In place of what takes long."""
    from experiments.web.jobs import Job

    return Job(kind, campaign, person.name, state="done", share=1.0, words="done")


def _begin_once(_: Any, work: str, campaign: str, person: Any, *__: Any, **___: Any) -> Any:
    return _begin(_, work, work, campaign, person)


def address(data: bytes) -> None:
    """A request to the server: any body, any name in an address; never a fault of its own."""
    from experiments.web.state import Server

    with mock.patch.multiple(Server, begin=_begin, begin_once=_begin_once):
        _requested(Choices(data))


def _requested(choices: Choices) -> None:
    path = choices.pick(_PATHS)
    headers = {"content-type": "application/json"}
    if choices.one_in(4):
        headers["idempotency-key"] = choices.pick(("a", "b", "key-1", "x" * 250))
    if "{}" in path:
        words = (
            "R01",
            "R01-G1",
            "D01",
            "jar ",
            "1",
            *ODDITIES,
            "%00",
            "%ff",
            "%2e%2e",
            "limit=",
            "&",
        )
        name = choices.text(words, 3)
        path = path.replace("{}", _quoted(name) if choices.below(2) else _sendable(name))
        answer = _client().get(f"/api/v1/campaigns/lab{path}")
    else:
        good = {"/records": 0, "/readings": 1, "/specimens": 2}[path]
        answer = _client().post(
            f"/api/v1/campaigns/lab{path}",
            content=body_text(choices, _GOOD[good][1]),
            headers=headers,
        )
    require(answer.status_code < 500, "a fault of the server", answer.status_code, answer.text)
    if answer.status_code >= 400:
        found = answer.json()
        said = [found["detail"], *(fault["detail"] for fault in found.get("problems", []))]
        sentences(said)


def _quoted(name: str) -> str:
    from urllib.parse import quote

    return quote(name, safe="", errors="replace")


def _sendable(name: str) -> str:
    """A name as a careless program puts it into an address."""
    return "".join(c for c in name if c.isprintable() and c.isascii() and c not in "#?") or "x"


__all__ = ["FindingError", "address", "body", "edits", "form"]
