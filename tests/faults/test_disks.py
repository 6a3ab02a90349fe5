"""A full disk, a disk that may only be read, a lock that is not let go."""

from benchmarks.faults.locked import locked_ledger
from benchmarks.faults.small_disk import full_disk, read_only
from tests.faults.needs import clean, mounting


def test_a_disk_that_becomes_full_is_said_and_nothing_is_lost(subject, tmp_path):
    mounting(tmp_path)
    assert clean(full_disk(subject, tmp_path / "full", times=2))


def test_a_folder_that_may_only_be_read_is_said_and_stays_as_it_is(subject, tmp_path):
    mounting(tmp_path)
    tally = read_only(subject, tmp_path / "read", times=2)
    assert clean(tally)
    assert tally.counts["refused with a sentence"] == 6


def test_a_lock_that_is_not_let_go_is_said_and_nothing_is_written(subject, tmp_path):
    assert clean(locked_ledger(subject, tmp_path / "locked", times=2))
