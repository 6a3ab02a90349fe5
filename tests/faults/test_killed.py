"""SIGKILL at random moments: what was acknowledged is there, nothing twice, the next command works.

``benchmarks/faults/run.py`` does the same a hundred times.
"""

import subprocess
from collections import Counter

import pytest

from benchmarks.faults import killed, warm
from benchmarks.faults.subject import look, record
from benchmarks.faults.tally import Tally
from tests.faults.needs import clean


def test_record_killed_at_random_moments_loses_and_doubles_nothing(subject, tmp_path):
    assert clean(killed.killed_record(subject, tmp_path, times=3))


def test_propose_killed_at_random_moments_loses_and_doubles_nothing(subject, tmp_path):
    assert clean(killed.killed_propose(subject, tmp_path, times=3))


def test_the_command_killed_with_its_process_group_loses_nothing(subject, tmp_path):
    assert clean(killed.killed_command(subject, tmp_path, times=1))


def test_a_command_quicker_than_its_kill_is_no_try(subject, tmp_path, monkeypatch):
    lasts_s = iter((0.5, 0, 0, 60))  # the undisturbed one, two over before any kill, one killed
    copies = []

    def stand_in(folder):
        copies.append(folder)
        seconds = next(lasts_s)
        process = subprocess.Popen(["sleep", str(seconds)], start_new_session=True)
        if not seconds:
            process.wait()
        return process

    monkeypatch.setattr(killed, "_command", stand_in)
    tally = killed.killed_command(subject, tmp_path, times=1)
    assert clean(tally)
    assert (tally.tried, len(set(copies))) == (1, 4)


def test_a_child_is_killed_where_it_was_asked_to_be(subject, tmp_path):
    folder = subject.copy_of(subject.filled, tmp_path / "c")
    before = look(folder)
    outcome = warm.run_and_kill(record, folder, after_s=0.0, event=1)
    assert (outcome.is_over, outcome.acknowledged) == (False, 0)
    assert look(folder) in (before, subject.settled)  # the moment after "begun" is not an instant
    outcome = warm.run_and_kill(record, folder, after_s=60.0)
    assert outcome.is_over
    assert look(folder) == subject.settled


def test_an_acknowledged_reading_that_is_gone_is_counted(subject, tmp_path):
    folder = subject.copy_of(subject.filled, tmp_path / "c")  # nothing was recorded
    tally = Tally("none", how="")
    wanted = {**subject.settled, "readings": subject.settled["readings"] + Counter(["one more"])}
    killed.aftermath(tally, record, folder, wanted, acknowledged=True)
    assert tally.lost > 1
    assert not tally.is_clean


@pytest.mark.parametrize(
    ("found", "lost", "doubled"),
    [(["a", "b"], 0, 0), (["a"], 1, 0), (["a", "b", "b"], 0, 1), (["a", "c"], 1, 1)],
)
def test_rows_are_counted_as_often_as_they_are_there(found, lost, doubled):
    tally = Tally("none", how="")
    tally.compare({"readings": Counter(["a", "b"])}, {"readings": Counter(found)})
    assert (tally.lost, tally.doubled) == (lost, doubled)
