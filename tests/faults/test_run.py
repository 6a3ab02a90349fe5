"""The table of faults hides nothing: earlier results stay, and code that changed is told apart."""

import json

from benchmarks.faults import run
from benchmarks.faults.tally import Tally


def test_a_later_run_does_not_hide_an_earlier_one(tmp_path):
    file = tmp_path / "faults.json"
    for lost, code in ((7, "a"), (0, "b"), (0, "c")):
        run.keep(file, "killed_record", Tally("SIGKILL", how="", tried=100, lost=lost), code)
    row = json.loads(file.read_text())["faults"]["killed_record"]
    assert (row["lost"], row["code_sha256"]) == (0, "c")
    assert [(one["tried"], one["lost"], one["code_sha256"]) for one in row["earlier"]] == [
        (100, 7, "a"), (100, 0, "b"),
    ]  # fmt: skip


def test_the_hash_of_the_code_changes_with_the_code(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "ROOT", tmp_path)
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "ledger.py").write_text("a = 1\n")
    before = run.code_sha256()
    (tmp_path / "experiments" / "notes.txt").write_text("no code")
    assert run.code_sha256() == before
    (tmp_path / "experiments" / "ledger.py").write_text("a = 2\n")
    assert run.code_sha256() != before
