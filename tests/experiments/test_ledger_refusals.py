"""What the ledger refuses, and in which words."""

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import event

from experiments import ledger_database
from experiments.ledger import (
    CellRow,
    JarRow,
    Ledger,
    NoteRow,
    OutboxRow,
    PelletRow,
    ProposalRow,
    ReadingRow,
    Transaction,
)
from features.errors import LedgerError

JAR = JarRow(
    id="G1", origin="lab", x=0.15, milling_time_h=3, milling_media="zirconia", milling_speed_rpm=500
)
PELLET = PelletRow(id="P1", jar="G1", pressing_pressure_mpa=450, mass_mg=150)
CELL = CellRow(
    id="C1",
    core="G1",
    skin="G1",
    core_mass_mg=150,
    skin_mass_mg=25,
    precompaction_pressure_mpa=75,
    pressing_pressure_mpa=450,
    stack_pressure_mpa=7,
    temperature_c=60,
)
READING = ReadingRow(specimen="P1", property="ionic_conductivity", lower=1e-4, upper=1e-4)
PROPOSAL = ProposalRow(
    round_id="R01", specimen="G1", kind="glass", recipe={}, prediction={}, model_sha256="ff"
)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.create(tmp_path / "ledger.db", campaign="c") as ledger:
        with ledger.transaction() as tx:
            tx.add_round("R01", number=1, seed=0, config={})
            tx.add_jar(JAR)
            tx.add_pellet(PELLET)
        yield ledger


def close_twice(tx: Transaction) -> None:
    tx.add_round_event("R01", "closed")
    tx.add_round_event("R01", "closed")


def correct_twice(tx: Transaction) -> None:
    number = tx.add_reading(READING)
    tx.correct_reading(number, replace(READING, n=3))
    tx.correct_reading(number, replace(READING, n=4))


def add_note_twice(tx: Transaction) -> None:
    tx.add_note(NoteRow(id="S07", text="once"))
    tx.add_note(NoteRow(id="S07", text="twice"))


REFUSED: dict[str, tuple[Callable[[Transaction], object], str]] = {
    "jar twice": (
        lambda tx: tx.add_jar(JAR),
        r"ledger\.db: jar G1: is in the ledger already; use correct_jar for a correction",
    ),
    "pellet with the id of a jar": (
        lambda tx: tx.add_pellet(replace(PELLET, id="G1")),
        "pellet G1: is in the ledger already",
    ),
    "pellet of a pellet": (
        lambda tx: tx.add_pellet(replace(PELLET, id="P2", jar="P1")),
        "pellet P2: must be made from jars of this ledger, got 'P1'; add the jar first",
    ),
    "cell of a missing jar": (
        lambda tx: tx.add_cell(replace(CELL, skin="G9")),
        "cell C1: must be made from jars of this ledger, got 'G9'; add the jar first",
    ),
    "jar corrected into a missing one": (
        lambda tx: tx.correct_pellet(replace(PELLET, jar="G9")),
        "pellet P1: must be made from jars of this ledger, got 'G9'",
    ),
    "correction of nothing": (
        lambda tx: tx.correct_jar(replace(JAR, id="G9")),
        "jar G9: is not in the ledger; add it before correcting it",
    ),
    "correction moves the round": (
        lambda tx: tx.correct_jar(replace(JAR, round_id="R01")),
        r"jar G1: a specimen stays in its round, got R01 \(it is of None\)",
    ),
    "simulated jar": (
        lambda tx: tx.add_jar(replace(JAR, id="G2", origin="simulated")),
        "jar G2: a real ledger holds no simulated jars",
    ),
    "jar corrected into a simulated one": (
        lambda tx: tx.correct_jar(replace(JAR, origin="simulated")),
        "jar G1: a real ledger holds no simulated jars",
    ),
    "missing round": (
        lambda tx: tx.add_jar(replace(JAR, id="G2", round_id="R09")),
        "jar G2: refers to something not in the ledger, got round_id = 'R09'; add that first",
    ),
    "empty id": (
        lambda tx: tx.add_jar(replace(JAR, id="")),
        "rule broken: id is not empty, got id = ''",
    ),
    "unknown status": (
        lambda tx: tx.add_jar(replace(JAR, id="G2", status="lost")),  # type: ignore[arg-type]
        "status is planned or made or failed or not made, got status = 'lost'",
    ),
    "unknown glass": (
        lambda tx: tx.add_jar(replace(JAR, id="G2", milling_time_h=float("nan"))),
        "x and milling are known unless stock, got .*milling_time_h = None",
    ),
    "text for a number": (
        lambda tx: tx.add_jar(replace(JAR, id="G2", x="0.15")),  # type: ignore[arg-type]
        "jar G2: x must be a number, got '0.15'; convert it first",
    ),
    "true for a number": (
        lambda tx: tx.add_jar(replace(JAR, id="G2", x=True)),
        "jar G2: x must be a number, got True",
    ),
    "made pellet without pressure": (
        lambda tx: tx.add_pellet(replace(PELLET, id="P2", pressing_pressure_mpa=None)),
        "pressing pressure mpa is known unless never pressed, got .*status = 'made'",
    ),
    "negative mass": (
        lambda tx: tx.add_cell(replace(CELL, skin_mass_mg=-25)),
        "skin mass mg is not negative, got skin_mass_mg = -25.0",
    ),
    "cell without a mass": (
        lambda tx: tx.add_cell(replace(CELL, core_mass_mg=float("nan"))),
        "cell C1: core_mass_mg must not be empty; fill it in",
    ),
    "reading on nothing": (
        lambda tx: tx.add_reading(replace(READING, specimen="P9")),
        "reading of ionic_conductivity on P9: refers to .* got specimen = 'P9'",
    ),
    "reading of a file not added": (
        lambda tx: tx.add_reading(replace(READING, file_sha256="ab")),
        "refers to .* got specimen = 'P1', file_sha256 = 'ab'; add that first",
    ),
    "bounds swapped": (
        lambda tx: tx.add_reading(replace(READING, lower=2.0, upper=1.0)),
        "lower is at most upper, got lower = 2.0, upper = 1.0",
    ),
    "no bound": (
        lambda tx: tx.add_reading(replace(READING, lower=float("nan"), upper=None)),
        "lower or upper is known, got lower = None, upper = None",
    ),
    "infinite bound": (
        lambda tx: tx.add_reading(replace(READING, upper=float("inf"))),
        "upper must be finite, got inf; leave an open bound empty",
    ),
    "no error at all": (
        lambda tx: tx.add_reading(replace(READING, se=0.0)),
        "se is positive, got se = 0.0",
    ),
    "part of a measurement": (
        lambda tx: tx.add_reading(replace(READING, n=1.5)),  # type: ignore[arg-type]
        "n must be a whole number, got 1.5",
    ),
    "protocol is no JSON": (
        lambda tx: tx.add_reading(replace(READING, protocol="0.05 steps")),
        "protocol must be JSON text, got '0.05 steps'; write it with json.dumps",
    ),
    "reading corrected twice": (correct_twice, "was superseded already; correct version 2 instead"),
    "no such reading": (
        lambda tx: tx.correct_reading(99, READING),
        "reading 99: is not in the ledger; add it before correcting it",
    ),
    "round twice": (
        lambda tx: tx.add_round("R01", number=2, seed=0, config={}),
        "round R01: is in the ledger already; every id is used once",
    ),
    "number twice": (
        lambda tx: tx.add_round("R02", number=1, seed=0, config={}),
        "round R02: is in the ledger already; every id is used once",
    ),
    "closed twice": (close_twice, r"round R01: is closed already, since 20\d\d-"),
    "event of no round": (
        lambda tx: tx.add_round_event("R09", "scored"),
        "event of round R09: refers to .* got round_id = 'R09'",
    ),
    "proposal without its model": (
        lambda tx: tx.add_proposal(PROPOSAL),
        "proposal of G1: refers to .* model_sha256 = 'ff'; add that first",
    ),
    "infinite prediction": (
        lambda tx: tx.add_proposal(replace(PROPOSAL, prediction={"asr": {"sd": float("inf")}})),
        r"prediction\.asr\.sd must be finite, got inf",
    ),
    "payload is no JSON": (
        lambda tx: tx.add_outbox(OutboxRow(kind="k", payload={"at": {1, 2}})),
        r"payload\.at must be plain JSON, got set; convert it first",
    ),
    "text that ends in its middle": (
        lambda tx: tx.add_jar(replace(JAR, id="G2", note="dark\0grey")),
        r"jar G2: note has a character that is no text, got 'dark\\x00grey'; remove it",
    ),
    "half a character": (
        lambda tx: tx.add_outbox(OutboxRow(kind="k", payload={"by \ud83d": 1})),
        r"payload has a character that is no text, got 'by \\ud83d'; remove it",
    ),
    "number beyond 64 bits": (
        lambda tx: tx.add_outbox(OutboxRow(kind="k", payload={"n": 2**63})),
        r"payload\.n must be a whole number of 64 bits, got 9223372036854775808; make",
    ),
    "note twice": (add_note_twice, "note S07: is in the ledger already"),
    "lab's data simulated": (
        lambda tx: tx.set_kind("simulated"),
        "a ledger with a lab's own data cannot become simulated, got G1; start a new campaign",
    ),
}


@pytest.mark.parametrize(("act", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_true_is_refused_and_nothing_is_written(ledger, act, message):
    before = {name: len(frame) for name, frame in frames(ledger).items()}

    def attempt() -> None:
        with ledger.transaction() as tx:
            act(tx)

    with pytest.raises(LedgerError, match=message):
        attempt()
    assert {name: len(frame) for name, frame in frames(ledger).items()} == before
    assert ledger.verify() == []


def frames(ledger: Ledger) -> dict[str, object]:
    names = ("jars", "pellets", "cells", "readings", "rounds", "proposals", "notes", "outbox")
    return {name: getattr(ledger, name)() for name in names}


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda ledger: ledger.jar("G9"), "jar G9 is not in the ledger"),
        (lambda ledger: ledger.pellet("G1"), "pellet G1 is not in the ledger"),
        (lambda ledger: ledger.cell("C9"), "cell C9 is not in the ledger"),
        (lambda ledger: ledger.reading(9), "reading 9 is not in the ledger"),
        (lambda ledger: ledger.history("G9"), "specimen G9 is not in the ledger; see its jars"),
        (lambda ledger: ledger.model("ff"), "model ff is not in the ledger"),
        (lambda ledger: ledger.mark_delivered(9), "message 9 is not in the outbox"),
        (lambda ledger: ledger.mark_failed(9, "no"), "message 9 is not in the outbox"),
    ],
    ids=["jar", "pellet", "cell", "reading", "history", "model", "delivered", "failed"],
)
def test_asking_for_what_is_not_there_says_so(ledger, ask, message):
    with pytest.raises(LedgerError, match=message):
        ask(ledger)


def test_create_refuses_an_existing_ledger(tmp_path, ledger):
    with pytest.raises(LedgerError, match=r"ledger\.db: exists already; open it"):
        Ledger.create(tmp_path / "ledger.db", campaign="other")
    assert ledger.campaign == "c"


@pytest.mark.sqlite_file
def test_create_takes_a_url(tmp_path):
    url = f"sqlite:///{tmp_path}/by_url.db"
    Ledger.create(url, campaign="c").close()
    with Ledger.open(url) as by_url, Ledger.open(str(tmp_path / "by_url.db")) as by_name:
        assert by_url.campaign == by_name.campaign == "c"


def test_create_keeps_a_write_ahead_log(tmp_path, ledger):
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as raw:
        assert raw.execute("PRAGMA journal_mode").fetchone() == ("wal",)


@pytest.mark.sqlite_file
def test_connections_enforce_foreign_keys_and_sync_fully(ledger):
    with ledger._connection() as connection:
        pragmas = ("foreign_keys", "synchronous", "busy_timeout")
        found = [connection.exec_driver_sql(f"PRAGMA {p}").scalar() for p in pragmas]
    assert found == [1, 2, 30_000]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("sqlite://", "a ledger needs a file, got a database in memory"),
        ("nosuch://host/db", "lies in an SQLite file or in PostgreSQL, got nosuch; use one"),
        ("mysql+mysqldb://me:secret@host/db", r"me:\*\*\*@host/db: .*, got mysql; use"),
        ("ledger://:://", "ledger: must be a file or an SQLAlchemy URL such as postgresql"),
    ],
    ids=["memory", "dialect", "driver", "malformed"],
)
def test_create_refuses_what_is_no_database(target, message):
    with pytest.raises(LedgerError, match=message):
        Ledger.create(target, campaign="c")


def test_create_refuses_a_missing_folder(tmp_path):
    with pytest.raises(LedgerError, match="cannot be opened; check that its folder exists"):
        Ledger.create(tmp_path / "nowhere" / "ledger.db", campaign="c")


def test_create_refuses_an_unknown_kind(tmp_path):
    with pytest.raises(LedgerError, match="kind must be real or simulated, got 'both'"):
        Ledger.create(tmp_path / "l.db", campaign="c", kind="both")  # type: ignore[arg-type]


def test_open_refuses_a_missing_file_and_does_not_make_it(tmp_path):
    with pytest.raises(LedgerError, match=r"is not a campaign ledger \(no such file\); make one"):
        Ledger.open(tmp_path / "none.db")
    assert not (tmp_path / "none.db").exists()


def test_open_refuses_another_sqlite_file(tmp_path):
    with closing(sqlite3.connect(tmp_path / "other.db")) as raw:
        raw.execute("CREATE TABLE meta (key, value)")
    with pytest.raises(LedgerError, match=r"other\.db: is not a campaign ledger; make one"):
        Ledger.open(tmp_path / "other.db")


@pytest.mark.parametrize("act", [Ledger.open, lambda p: Ledger.create(p, campaign="c")])
def test_a_file_of_something_else_is_refused(tmp_path, act):
    (tmp_path / "notes.db").write_text("not a database at all, " * 100)
    with pytest.raises(LedgerError, match=r"notes\.db: is damaged or no SQLite file"):
        act(tmp_path / "notes.db")


def test_open_refuses_a_newer_schema(tmp_path, ledger):
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as raw:
        raw.execute("UPDATE meta SET value = '99' WHERE key = 'schema_version'")
        raw.commit()
    message = "written with ledger schema 99, this glassloop reads up to 4; upgrade glassloop"
    with pytest.raises(LedgerError, match=message):
        Ledger.open(tmp_path / "ledger.db")


def test_a_closed_ledger_says_so(ledger):
    ledger.close()
    with pytest.raises(LedgerError, match="the ledger is closed; open it again"):
        ledger.jars()


@pytest.mark.sqlite_file
@pytest.mark.parametrize(
    ("pragma", "message"),
    [
        ("query_only = ON", "may only be read; check the permissions"),
        ("max_page_count = 1", "the disk is full, nothing was written; free some space"),
    ],
    ids=["read-only", "disk full"],
)
def test_a_disk_that_takes_nothing_is_named_and_the_ledger_stays_readable(ledger, pragma, message):
    @event.listens_for(ledger._database.engine, "connect")
    def limit(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute(f"PRAGMA {pragma}").close()

    def write_much() -> None:
        with ledger.transaction() as tx:
            for number in range(200):
                tx.add_jar(replace(JAR, id=f"G1-{number}", note="x" * 500))

    with pytest.raises(LedgerError, match=re.escape("ledger.db: ") + message):
        write_much()
    assert ledger.jars().index.tolist() == ["G1"]
    assert ledger.verify() == []


def test_a_lock_that_lasts_is_named(tmp_path, ledger, monkeypatch):
    monkeypatch.setattr(ledger_database, "BUSY_TIMEOUT_S", 0.1)
    with (
        Ledger.open(tmp_path / "ledger.db") as impatient,
        closing(sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        assert impatient.jars().index.tolist() == ["G1"]
        with pytest.raises(LedgerError, match="another process is writing to it"):
            impatient.mark_failed(1, "never gets so far")
