"""Every parser under cases made of random bytes, the same ones each time; see docs/fuzzing.md."""

import random

import pytest

from benchmarks.fuzzing.case import Tally
from benchmarks.fuzzing.targets import TARGETS

SIZES = (16, 40, 120, 400, 1024)


@pytest.mark.filterwarnings("default")  # as for a user: a warning is no refusal
@pytest.mark.parametrize("name", TARGETS)
def test_a_parser_gives_something_sound_or_says_why_not(name: str) -> None:
    rng = random.Random(name)
    tally = Tally(name)
    for _ in range(TARGETS[name].quick):
        tally.run(rng.randbytes(rng.choice(SIZES)))
    assert not tally.found


def test_a_parser_that_breaks_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    from benchmarks.fuzzing import texts

    def broken(text: object, *_: object) -> None:
        raise ZeroDivisionError(f"of {text}")

    monkeypatch.setattr(texts, "parse_value", broken)
    tally = Tally("reading")
    tally.run(b"\0" * 40)
    (found,) = tally.found.values()
    assert found["said"].startswith("ZeroDivisionError: of ")


def test_a_value_that_is_altered_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    from benchmarks.fuzzing import tables
    from experiments import csv_files

    monkeypatch.setattr(csv_files, "unified", lambda text: text.replace("1", "7"))
    tally = Tally("csv_cells")
    rng = random.Random(0)
    for _ in range(50):
        tally.run(rng.randbytes(60))
    assert any("a cell was altered" in where for where in tally.found)
    assert tables.csv_cells
