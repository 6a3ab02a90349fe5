"""The power fails: of what was not synced anything may be left, of what was acknowledged all is."""

import random
import shutil
import sys

import pytest

from benchmarks.faults import power_cut
from benchmarks.faults.tape import ACKNOWLEDGED, MODES, Step, Tape, after_power_cut, compiled, taped
from tests.faults.needs import a_compiler, clean

WRITES = """
import sys
from pathlib import Path
folder = Path(sys.argv[1])
content = bytes(range(1, 256)) * 40
if sys.argv[2] == "put":
    from experiments.round_folder import write_folder
    write_folder(folder / "rounds" / "R01", {f"{n}.html": content + b"</html>" for n in range(5)})
else:
    for n in range(5):
        partial = folder / f"{n}.part"
        partial.write_bytes(content + b"</html>")
        partial.replace(folder / f"{n}.html")
"""


@pytest.fixture(autouse=True)
def _needs():
    a_compiler()


def test_a_cut_during_transactions_and_checkpoints_loses_nothing_acknowledged(subject, tmp_path):
    tally = power_cut.cut_ledger(subject, tmp_path / "cut", times=40)
    assert clean(tally)
    assert tally.counts["commits on the tape"] > 50
    assert tally.counts["the one under way was kept"] > 0


def test_a_cut_during_record_and_propose_is_worked_on_after(subject, tmp_path):
    assert clean(power_cut.cut_campaign(subject, tmp_path / "cut", times=10))


def test_a_disk_that_does_not_keep_what_was_synced_is_noticed(subject, tmp_path, monkeypatch):
    def forgetful(tape, cut, mode, rng):
        steps = [Step("X") if step.kind in "SD" else step for step in tape.steps]
        return after_power_cut(Tape(tape.before, tape.names, tape.folders, steps), cut, mode, rng)

    monkeypatch.setattr(power_cut, "after_power_cut", forgetful)
    monkeypatch.setattr(power_cut, "MODES", ("none",))
    tally = power_cut.cut_ledger(subject, tmp_path / "cut", times=4)
    assert not tally.is_clean
    assert tally.lost > 0


def cuts(tmp_path, how):
    """What is left of files written in one way, after a cut at every step."""
    folder = tmp_path / how
    folder.mkdir()
    command = [sys.executable, "-c", WRITES, str(folder), how]
    tape = taped(command, folder, compiled(tmp_path), tmp_path / f"{how}.tape")
    rng = random.Random(0)
    for cut in range(len(tape.steps) + 1):
        for mode in MODES:
            laid = tmp_path / "laid"
            laid.mkdir()
            after_power_cut(tape, cut, mode, rng).lay_out(laid)
            yield cut == len(tape.steps), {p.name: p.read_bytes() for p in laid.rglob("*.html")}
            shutil.rmtree(laid)


def test_files_of_a_round_are_whole_or_not_there_and_stay(tmp_path):
    whole = bytes(range(1, 256)) * 40 + b"</html>"
    for is_end, files in cuts(tmp_path, "put"):
        assert set(files.values()) <= {whole}
        assert not is_end or len(files) == 5


def test_a_file_renamed_without_being_synced_may_be_found_without_its_content(tmp_path):
    whole = bytes(range(1, 256)) * 40 + b"</html>"
    found = [content for _, files in cuts(tmp_path, "plain") for content in files.values()]
    assert any(content != whole for content in found)


def test_a_disk_keeps_sectors_and_loses_the_rest():
    steps = [
        Step("C", 0, path="/a"), Step("D", path=""),
        Step("W", 0, offset=0, data=b"1" * 1024), Step("S", 0),
        Step("W", 0, offset=0, data=b"2" * 1024), Step("T", 0, offset=700),
    ]  # fmt: skip
    tape = Tape({}, {}, {""}, steps)
    seen = set()
    for seed in range(200):
        disk = after_power_cut(tape, len(steps), "torn", random.Random(seed))
        content = bytes(disk.content[0])
        assert set(content[:512]) in ({ord("1")}, {ord("2")})  # a sector is of one write
        seen.add((len(content), content[:1], content[600:601]))
    assert len(seen) == 8
    assert after_power_cut(tape, 6, "none", random.Random(0)).content[0] == b"1" * 1024
    assert after_power_cut(tape, 6, "all", random.Random(0)).content[0] == b"2" * 700
    assert after_power_cut(tape, 1, "none", random.Random(0)).names == {}


def test_acknowledgements_are_counted_in_order():
    steps = [
        Step("C", 3, path=ACKNOWLEDGED), Step("W", 0), Step("W", 3, data=b"c"),
        Step("S", 0), Step("W", 3, data=b"c"),
    ]  # fmt: skip
    assert Tape({}, {}, set(), steps).acknowledged() == [3, 5]
