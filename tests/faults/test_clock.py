"""The clock steps back: order comes from numbers, never from times."""

from benchmarks.faults.clock_back import clock_back
from experiments.ledger import Ledger
from experiments.ledger_rows import OutboxRow
from experiments.outbox import LedgerOutbox
from tests.faults.needs import a_compiler, clean


def test_a_campaign_under_a_jumping_clock_is_that_of_a_steady_one(subject, tmp_path):
    a_compiler()
    tally = clock_back(subject, tmp_path / "clock", times=1)
    assert clean(tally)
    assert tally.counts["clock went back"] == 1


def test_mlflow_is_told_nothing_before_what_came_earlier(tmp_path, monkeypatch):
    times = iter(["2026-05-02T00:00:00Z", "2026-05-03T00:00:00Z", "2026-05-01T00:00:00Z"])
    with Ledger.create(tmp_path / "ledger.db", campaign="c") as ledger:
        monkeypatch.setattr("experiments.ledger_transaction.now", lambda: next(times))
        for kind in ("round_opened", "round_recorded", "round_recorded"):
            with ledger.transaction() as tx:
                tx.add_outbox(OutboxRow(kind=kind, round_id=None, payload={}))
        ledger.mark_delivered(2)
        told = [event.payload["time_ms"] for event in LedgerOutbox(ledger).events()]
    day_ms = 86_400_000
    assert told[1] - told[0] == day_ms  # the third message, dated as the second
