"""What a ledger keeps of what was read: asked for once, all of one moment."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import event

from experiments.ledger import JarRow, Ledger
from features.errors import LedgerError


def jar(name: str) -> JarRow:
    return JarRow(
        id=name, origin="lab", x=0.15, milling_time_h=3.0, milling_media="zirconia",
        milling_speed_rpm=500.0, status="made", batch_mass_g=2.0,
    )  # fmt: skip


def add(ledger: Ledger, name: str) -> None:
    with ledger.transaction() as tx:
        tx.add_jar(jar(name))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
def ledger(place: Path) -> Iterator[Ledger]:
    with Ledger.create(place, campaign="kept") as found:
        add(found, "A")
        yield found


def test_what_is_asked_for_twice_is_read_once(ledger: Ledger):
    seen: list[str] = []
    engine = ledger._database.engine
    event.listen(engine, "before_cursor_execute", lambda *told: seen.append(str(told[2])))
    with ledger.kept():
        first, again = ledger.jars(), ledger.jars()
    assert first.equals(again)
    assert sum("jars" in text and "max(" not in text for text in seen) == 1


def test_all_reading_inside_is_of_one_moment(ledger: Ledger, place: Path):
    with Ledger.open(place) as other:
        with ledger.kept():
            state = ledger.state()
            add(other, "B")
            assert list(ledger.jars().index) == ["A"]  # read for the first time after the writing
            assert ledger.stock()["jar"].tolist() == ["A"]
            assert ledger.state() == state
        assert list(ledger.jars().index) == ["A", "B"]
        assert ledger.state() != state


def test_who_reads_one_moment_keeps_nobody_from_writing(ledger: Ledger, place: Path):
    with Ledger.open(place) as other, ledger.kept():
        ledger.jars()
        for name in "BCDE":
            add(other, name)
        add(ledger, "F")
        assert list(ledger.jars().index) == [*"ABCDEF"]


def test_what_the_same_ledger_writes_is_seen_at_once(ledger: Ledger):
    with ledger.kept():
        assert list(ledger.jars().index) == ["A"]
        add(ledger, "B")
        assert list(ledger.jars().index) == ["A", "B"]


def test_who_writes_reads_what_others_wrote_before(ledger: Ledger, place: Path):
    with Ledger.open(place) as other, ledger.kept():
        assert list(ledger.jars().index) == ["A"]
        add(other, "B")
        with ledger.transaction() as tx:
            assert list(ledger.jars().index) == ["A", "B"]
            tx.add_jar(jar("C"))
            assert list(ledger.jars().index) == ["A", "B"]
        assert list(ledger.jars().index) == ["A", "B", "C"]


def test_without_a_write_ahead_log_who_reads_one_moment_can_still_write(
    ledger: Ledger, place: Path, monkeypatch: pytest.MonkeyPatch
):
    ledger.close()
    monkeypatch.setattr("experiments.ledger_database.BUSY_TIMEOUT_S", 0.2)
    with closing(sqlite3.connect(place)) as database:
        database.execute("PRAGMA journal_mode = DELETE")
    with Ledger.open(place) as again, again.kept():
        again.jars()
        with again.transaction() as tx:
            again.jars()
            tx.add_jar(jar("B"))
        assert list(again.jars().index) == ["A", "B"]


def test_a_closed_ledger_has_no_moment(ledger: Ledger):
    ledger.close()
    with pytest.raises(LedgerError, match="the ledger is closed"), ledger.kept():
        pass


def test_inside_a_transaction_the_ledger_is_read_as_it_was_before(ledger: Ledger):
    with ledger.transaction() as tx, ledger.kept():
        tx.add_jar(jar("B"))
        assert list(ledger.jars().index) == ["A"]
    assert list(ledger.jars().index) == ["A", "B"]


def test_changing_a_frame_changes_nothing_that_is_kept(ledger: Ledger):
    with ledger.kept():
        frame = ledger.jars()
        frame.loc["A", "x"] = 0.9
        frame["more"] = 1
        assert ledger.jars()["x"].tolist() == [0.15]
        assert "more" not in ledger.jars().columns


def test_nothing_is_kept_afterwards_and_the_file_is_let_go(ledger: Ledger, place: Path):
    with ledger.kept(), ledger.kept():  # twice is once
        ledger.jars()
    ledger.close()
    assert [path.name for path in place.parent.iterdir()] == ["ledger.db"]
