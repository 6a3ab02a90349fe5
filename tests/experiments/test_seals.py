"""Every row as it was written: what was changed, lost or slipped in behind the ledger is named."""

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from experiments.ledger import JarRow, Ledger, OutboxRow, PelletRow, ReadingRow
from features.errors import LedgerError
from tests.experiments.sealed import seals_of

JAR = JarRow(
    id="G1", origin="lab", x=0.15, milling_time_h=3, milling_media="zirconia",
    milling_speed_rpm=500, batch_mass_g=2.0,
)  # fmt: skip
READING = ReadingRow(
    specimen="P1", property="ionic_conductivity", lower=1.1e-4, upper=1.1e-4, temperature_c=60
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    with Ledger.create(path, campaign="c") as ledger:
        with ledger.transaction() as tx:
            tx.add_jar(JAR)
            tx.add_pellet(PelletRow(id="P1", jar="G1", pressing_pressure_mpa=450, mass_mg=150))
        for number in range(3):
            with ledger.transaction() as tx:
                tx.add_reading(replace(READING, note=str(number)))
                tx.add_outbox(OutboxRow(kind="round_recorded", payload={"n": number}))
        yield ledger


def behind_its_back(path: Path, *statements: str) -> None:
    """What somebody with a database tool can do: triggers are no secret."""
    with closing(sqlite3.connect(path)) as raw:
        for (name,) in raw.execute(
            "SELECT name FROM sqlite_master WHERE type='trigger'"
        ).fetchall():
            raw.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            raw.execute(statement)
        raw.commit()


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE readings SET lower = 1.2e-4, upper = 1.2e-4 WHERE version_id = 2",
         "readings: row 2 is not as it was written"),
        ("UPDATE readings SET note = 'x' WHERE version_id = 3", "readings: row 3 is not as it"),
        ("DELETE FROM readings WHERE version_id = 1", "readings: row 1 was written and is gone"),
        ("INSERT INTO notes VALUES ('S9', 't', '', '', '', '2026-05-02T00:00:00Z')",
         "notes: row S9 was not written by glassloop"),
        ("UPDATE outbox SET payload = '{}' WHERE id = 1", "outbox: row 1 is not as it was written"),
        ("UPDATE meta SET value = 'other' WHERE key = 'campaign'", "meta: row campaign is not as"),
        ("DELETE FROM seals WHERE id = 3", "seal 4: does not follow from the one before"),
        ("UPDATE changes SET person = 'somebody else'", "changes: row 1 is not as it was written"),
        ("UPDATE seals SET at = '1999-01-01T00:00:00Z' WHERE id = 2", "seal 2: does not follow"),
    ],
    ids=["value", "note", "row gone", "row more", "message", "name", "seal gone", "person", "time"],
)  # fmt: skip
@pytest.mark.sqlite_file
def test_what_was_done_behind_the_ledger_s_back_is_named(ledger, path, statement, said):
    assert ledger.verify() == []
    ledger.close()
    behind_its_back(path, statement)
    with Ledger.open(path) as again:
        assert any(fault.startswith(said) for fault in again.verify())


def test_delivering_a_message_breaks_no_seal(ledger):
    ledger.mark_failed(1, "away")
    ledger.mark_delivered(1)
    ledger.tell_again(["R01"])
    assert ledger.verify() == []


def test_a_row_that_was_refused_and_undone_is_in_no_seal(ledger):
    with ledger.transaction() as tx:
        for row in (replace(JAR, id="G2", x=9.0), JAR):
            with pytest.raises(LedgerError, match=r"rule broken|in the ledger already"):
                tx.add_jar(row)
        tx.add_jar(replace(JAR, id="G3"))
    assert ledger.verify() == []


def test_what_was_undone_whole_leaves_no_seal(ledger):
    before = seals_of(ledger)

    def fail() -> None:
        with ledger.transaction() as tx:
            tx.add_jar(replace(JAR, id="G2"))
            raise RuntimeError("the power went")

    with pytest.raises(RuntimeError, match="power"):
        fail()
    assert seals_of(ledger) == before
    assert ledger.verify() == []


def test_a_copy_has_the_same_rows(ledger, tmp_path):
    copy = tmp_path / "copy.db"
    ledger.copy_to(copy)
    with Ledger.open(copy) as other:
        assert other.verify() == []
        assert other.readings().equals(ledger.readings())
        assert other.state() == ledger.state()
        with other.transaction() as tx:
            tx.add_reading(READING)
        assert other.verify() == []


@pytest.mark.sqlite_file
def test_any_flipped_bit_is_found_or_changes_nothing(ledger, path, tmp_path):
    rows = contents(ledger)
    ledger.close()
    whole = path.read_bytes()
    draw, found = random.Random(7), 0
    for number in range(150):
        place = draw.randrange(len(whole) * 8)
        broken = bytearray(whole)
        broken[place // 8] ^= 1 << (place % 8)
        file = tmp_path / f"{number}.db"
        file.write_bytes(broken)
        try:
            with Ledger.open(file) as other:
                faults = other.verify()
                same = not faults and contents(other) == rows
        except LedgerError as error:
            faults, same = [str(error)], False
        assert faults or same, f"bit {place} of the file"
        found += bool(faults)
    assert found >= 15


def contents(ledger: Ledger) -> list[object]:
    frames = (
        ledger.jars(), ledger.pellets(), ledger.readings(current=False), ledger.changes(),
        ledger.outbox(pending=False),
    )  # fmt: skip
    return [ledger.campaign, ledger.id, ledger.kind, *(frame.to_csv() for frame in frames)]
