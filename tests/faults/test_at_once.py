"""Two processes propose at the same moment."""

from benchmarks.faults.at_once import proposing_at_once
from tests.faults.needs import clean


def test_two_who_propose_at_once_get_a_round_each_or_a_clear_refusal(subject, tmp_path):
    tally = proposing_at_once(subject, tmp_path, times=1)
    assert clean(tally)
    assert tally.counts["rounds opened"] + tally.counts["refused with a ConflictError"] == 2
