"""Stock, simulated ledgers, verify, and processes that write at once or die half-way."""

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from experiments.ledger import (
    CellRow,
    JarRow,
    Ledger,
    OutboxRow,
    PelletRow,
    ProposalRow,
    ReadingRow,
)
from features.errors import LedgerError

ROOT = Path(__file__).parents[2]
JAR = JarRow(
    id="G1",
    origin="lab",
    x=0.15,
    milling_time_h=3,
    milling_media="zirconia",
    milling_speed_rpm=500,
    batch_mass_g=2.0,
)
PELLET = PelletRow(id="P1", jar="G1", pressing_pressure_mpa=450, mass_mg=150)
CELL = CellRow(
    id="C1",
    core="G1",
    skin="G2",
    core_mass_mg=150,
    skin_mass_mg=25,
    precompaction_pressure_mpa=75,
    pressing_pressure_mpa=450,
    stack_pressure_mpa=7,
    temperature_c=60,
)
READING = ReadingRow(specimen="P1", property="ionic_conductivity", lower=1e-4, upper=1e-4)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    with Ledger.create(path, campaign="c") as ledger:
        yield ledger


def test_stock_is_what_was_recovered_less_what_pellets_and_cells_took(ledger):
    with ledger.transaction() as tx:
        tx.add_jar(replace(JAR, recovered_mass_mg=1600))
        tx.add_jar(replace(JAR, id="G2"))
        tx.add_pellet(PELLET)
        tx.add_pellet(replace(PELLET, id="P2", status="planned"))
        tx.add_pellet(replace(PELLET, id="P3", status="failed", reason="cracked"))
        tx.add_cell(CELL)
    found = ledger.stock().set_index("jar")
    assert found.loc["G1"].tolist() == [1600, 3 * 150 + 150, 1000, False]
    assert found.loc["G2"].tolist() == [1700, 2 * 25, 1650, True]
    assert ledger.stock_left("G2", expected_recovery=0.5) == 950


def test_powder_that_was_never_pressed_stays_in_the_jar(ledger):
    with ledger.transaction() as tx:
        tx.add_jar(JAR)
        tx.add_jar(replace(JAR, id="G2"))
        tx.add_pellet(replace(PELLET, status="not_made"))
        tx.add_pellet(replace(PELLET, id="P2", status="failed", pressing_pressure_mpa=None))
        tx.add_cell(replace(CELL, status="failed", pressing_pressure_mpa=None))
    assert ledger.stock()["used_mg"].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("jar", "left"),
    [
        (replace(JAR, origin="paper"), None),
        (replace(JAR, origin="history"), None),
        (replace(JAR, status="failed"), None),
        (replace(JAR, status="not_made"), None),
        (replace(JAR, status="planned"), 1700.0),
        (replace(JAR, batch_mass_g=None), 0.0),
        (replace(JAR, origin="stock", x=None, milling_media=None, recovered_mass_mg=500), 500.0),
    ],
    ids=["paper", "history", "failed", "not made", "planned", "unknown mass", "entered as stock"],
)
def test_only_powder_at_hand_is_stock(ledger, jar, left):
    with ledger.transaction() as tx:
        tx.add_jar(jar)
    assert ledger.stock()["left_mg"].tolist() == ([] if left is None else [left])
    assert ledger.stock_left("G1") == (left or 0.0)


def test_a_ledger_of_paper_rows_and_plans_becomes_simulated_for_good(ledger, path):
    with ledger.transaction() as tx:
        tx.add_jar(replace(JAR, id="CHI-015", origin="paper"))
        tx.add_pellet(replace(PELLET, jar="CHI-015"))
        tx.add_reading(READING)
        tx.add_jar(replace(JAR, status="planned"))
        tx.set_kind("simulated")
        tx.correct_jar(replace(JAR, origin="simulated", status="made"))
    assert ledger.verify() == []
    with Ledger.open(path) as again:
        assert again.kind == "simulated"

    def make_real() -> None:
        with ledger.transaction() as tx:
            tx.set_kind("real")

    with pytest.raises(LedgerError, match="a simulated ledger never becomes real; start a new"):
        make_real()


@pytest.mark.parametrize("origin", ["lab", "history"])
def test_a_simulated_ledger_refuses_jars_a_lab_made(tmp_path, origin):
    def add() -> None:
        with ledger.transaction() as tx:
            tx.add_jar(replace(JAR, origin=origin))

    with (
        Ledger.create(tmp_path / "s.db", campaign="c", kind="simulated") as ledger,
        pytest.raises(LedgerError, match=f"no jars made by a lab, got origin {origin}; record"),
    ):
        add()


def test_a_reading_on_the_users_stock_keeps_a_ledger_real(ledger):
    with ledger.transaction() as tx:
        tx.add_jar(replace(JAR, origin="stock"))
        tx.add_pellet(PELLET)
        tx.add_reading(READING)

    def simulate() -> None:
        with ledger.transaction() as tx:
            tx.set_kind("simulated")

    with pytest.raises(LedgerError, match="own data cannot become simulated, got P1"):
        simulate()


def sound_ledger(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        tx.add_round("R01", number=1, seed=0, config={})
        tx.add_jar(replace(JAR, recovered_mass_mg=1600))
        tx.add_jar(replace(JAR, id="G2"))
        tx.add_pellet(PELLET)
        tx.add_cell(CELL)
        tx.correct_jar(replace(JAR, recovered_mass_mg=1500))
        number = tx.add_reading(READING)
        tx.correct_reading(number, replace(READING, n=3))
        digest = tx.add_model("{}")
        tx.add_proposal(
            ProposalRow(
                round_id="R01",
                specimen="G1",
                kind="glass",
                recipe={},
                prediction={},
                model_sha256=digest,
            )
        )
        tx.add_outbox(OutboxRow(kind="round", payload={}))


BROKEN = {
    "model changed": (
        "UPDATE models SET body = '{ }'",
        r"model 4413.*: its body has another hash, so it was changed",
    ),
    "model gone": ("DELETE FROM models", "refers to a row of models that is missing"),
    "no version": (
        "INSERT INTO specimens VALUES ('G9', 'jar', NULL, '2026')",
        "jar G9: has no version",
    ),
    "two current versions": (
        "UPDATE jars SET supersedes = NULL",
        "jars: G1 has 2 current versions",
    ),
    "reading chain": (
        "UPDATE readings SET supersedes = 7, version_id = 9 WHERE supersedes = 1",
        "refers to a row of readings that is missing",
    ),
    "stock overdrawn": (
        "UPDATE pellets SET mass_mg = 1400",
        "jar G1: 1550 mg were taken of 1500 mg; correct the recovered mass",
    ),
    "simulated jar": (
        "UPDATE jars SET origin = 'simulated' WHERE specimen = 'G2'",
        "jar G2: has origin simulated in a real ledger",
    ),
    "lab's jars in a simulated ledger": (
        "UPDATE meta SET value = 'simulated' WHERE key = 'kind'",
        "jar G1: has origin lab in a simulated ledger",
    ),
    "pellet of a cell": (
        "UPDATE pellets SET jar = 'C1'",
        "pellets: P1 has jar C1, which is no jar",
    ),
    "broken rule": (
        "UPDATE jars SET milling_time_h = -3 WHERE specimen = 'G2'",
        "integrity check: CHECK constraint failed in jars",
    ),
    "no JSON": ("UPDATE proposals SET recipe = '{'", "a field must hold JSON, got '{'"),
}


@pytest.mark.parametrize(("statement", "message"), BROKEN.values(), ids=BROKEN)
def test_verify_names_what_was_tampered_with(ledger, path, statement, message):
    sound_ledger(ledger)
    assert ledger.verify() == []
    with closing(sqlite3.connect(path)) as raw:
        triggers = raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for (name,) in triggers:
            raw.execute(f"DROP TRIGGER {name}")
        raw.execute("PRAGMA ignore_check_constraints = ON")
        assert raw.execute(statement).rowcount > 0
        raw.commit()
    found = ledger.verify()
    assert found
    with pytest.raises(LedgerError, match=message):
        raise LedgerError("\n".join(found))


@pytest.mark.sqlite_file
def test_verify_names_a_missing_trigger_also_where_its_hash_is_gone(ledger, path):
    assert ledger.verify() == []
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DROP TRIGGER readings_no_update")
    assert ledger.verify() == [
        "rules: tables or append-only triggers are not as glassloop made them; restore a backup"
    ]
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM meta WHERE key = 'rules_sha256'")
    assert ledger.verify() == [
        "rules: the hash of tables and append-only triggers (rules_sha256 in meta) is gone, so "
        "nobody can tell whether they are as glassloop made them; restore a backup"
    ]


@pytest.mark.sqlite_file
def test_verify_names_a_damaged_page(ledger, path):
    sound_ledger(ledger)
    body = bytearray(path.read_bytes())
    body[4096 * 4 : 4096 * 12] = b"\xff" * 4096 * 8
    path.write_bytes(body)
    assert ledger.verify()


WRITER = """
import sys
from dataclasses import replace
from pathlib import Path
from experiments.ledger import JarRow, Ledger

path, name = Path(sys.argv[1]), sys.argv[2]
jar = JarRow(id="", origin="lab", x=0.1, milling_time_h=3, milling_media="agate",
             milling_speed_rpm=500)
with Ledger.open(path) as ledger:
    for number in range(20):
        with ledger.transaction() as tx:
            count = len(ledger.jars())
            tx.add_jar(replace(jar, id=f"{name}-{number}-a"))
            tx.add_jar(replace(jar, id=f"{name}-{number}-b", note=str(count)))
"""

VICTIM = """
import sys, time
from pathlib import Path
from experiments.ledger import JarRow, Ledger

with Ledger.open(Path(sys.argv[1])) as ledger, ledger.transaction() as tx:
    for number in range(300):
        tx.add_jar(JarRow(id=f"half-{number}", origin="lab", x=0.1, milling_time_h=3,
                          milling_media="agate", milling_speed_rpm=500, note="x" * 5000))
    print("half-way", flush=True)
    time.sleep(60)
"""


def test_two_processes_writing_at_once_both_land(ledger, path):
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(path), name], cwd=ROOT)
        for name in ("ann", "bob")
    ]
    assert [writer.wait(timeout=240) for writer in writers] == [0, 0]
    jars = ledger.jars()
    assert len(jars) == 2 * 20 * 2
    # the count each saw under its lock is what stood before its two jars: nothing interleaved
    assert jars["note"].iloc[1::2].astype(int).tolist() == list(range(0, 80, 2))
    assert ledger.verify() == []


def test_a_process_killed_half_way_leaves_nothing(ledger, path):
    with subprocess.Popen(
        [sys.executable, "-c", VICTIM, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as victim:
        assert victim.stdout is not None
        assert victim.stdout.readline() == "half-way\n"
        victim.send_signal(signal.SIGKILL)
        assert victim.wait(timeout=60) == -signal.SIGKILL
    assert ledger.jars().empty
    assert ledger.verify() == []
    with ledger.transaction() as tx:
        tx.add_jar(JAR)
    assert ledger.jars().index.tolist() == ["G1"]
