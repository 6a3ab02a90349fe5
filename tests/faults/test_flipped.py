"""A damaged ledger is refused or named, or reads as before; a backup brings it back."""

import sqlite3
from contextlib import closing

import pytest

from benchmarks.faults.flipped import flipped_ledger
from benchmarks.faults.restored import restored_campaign
from experiments.ledger import Ledger
from tests.faults.needs import clean


def test_damage_anywhere_in_the_file_is_found_unless_all_reads_as_before(subject, tmp_path):
    tally = flipped_ledger(subject, tmp_path / "flipped", times=60)
    assert clean(tally)
    assert tally.counts["bits flipped: verify"] > 5


def test_damage_that_nobody_looks_for_is_counted(subject, tmp_path, monkeypatch):
    monkeypatch.setattr(Ledger, "verify", lambda self: [])
    assert not flipped_ledger(subject, tmp_path / "flipped", times=20).is_clean


@pytest.mark.parametrize(
    ("was", "damaged"),
    [
        pytest.param("is append-only", "is append-onlx", id="trigger"),
        pytest.param("CHECK (lower <= upper)", "CHECK (lower <= lower)", id="rule"),
    ],
)
def test_a_damaged_rule_of_the_file_is_named(subject, tmp_path, was, damaged):
    folder = subject.copy_of(subject.recorded, tmp_path / "c")
    with closing(sqlite3.connect(folder / "ledger.db")) as raw:
        raw.execute("PRAGMA writable_schema = ON")
        changed = raw.execute(
            "UPDATE sqlite_master SET sql = replace(sql, ?, ?) WHERE name LIKE 'readings%'",
            (was, damaged),
        )
        assert changed.rowcount
        raw.commit()
    with Ledger.open(folder / "ledger.db") as ledger:
        assert [fault for fault in ledger.verify() if fault.startswith("rules:")]


def test_a_damaged_campaign_is_taken_back_from_its_backup_and_worked_on(subject, tmp_path):
    assert clean(restored_campaign(subject, tmp_path, times=1))
