"""What the terminal shows of a campaign's state; imports little, so that it comes at once."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from experiments.display import NO_VALUE, is_known
from experiments.scores_console import scores_part
from features.properties import CATALOGUE

SIMULATED: Final = "SIMULATED: virtual laboratory, not to be made"
WAITS_SHOWN: Final = 3
"""Clauses of what a round waits for that are printed; JSON has them all."""

_VOLUME_KEYS: Final = ("value", "lower", "upper")


def status_panel(status: Mapping[str, Any]) -> Group:
    """Where a campaign stands.

    Args:
        status: The object ``status --json`` prints.

    Returns:
        A renderable; readable from 80 columns on.
    """
    parts: list[RenderableType] = []
    if status["kind"] == "simulated":
        parts.append(Text(SIMULATED, style="bold reverse"))
    parts += [Text(f"{status['campaign']} ({status['kind']})", style="bold")]
    parts += [Text(sentence) for sentence in status["in_words"]]
    parts += headed_lines("ALTERED", status["altered"], style="bold")
    if status["rounds"]:
        parts += [heading("Rounds"), _rounds_table(status["rounds"])]
        parts += [
            Text(waiting_sentence(entry["id"], entry["waits_for"]))
            for entry in status["rounds"]
            if entry.get("waits_for")
        ]
    parts.append(heading("Readings"))
    parts.append(
        _pairs((property_label(name), str(count)) for name, count in status["readings"].items())
    )
    if status["stock"]:
        parts.append(heading("Powder left"))
        parts.append(_pairs((str(jar["jar"]), _powder(jar)) for jar in status["stock"]))
    if status["scatter"]:
        parts.append(heading("Scatter (standard deviation, 90 %)"))
        for name, levels in status["scatter"].items():
            said = "; ".join(part["in_words"] for part in levels.values())
            parts.append(Text(f"- {property_label(name)}: {said}"))
    parts.append(Text(""))
    parts += hypervolume_lines(status["hypervolume"])
    parts += _next_round(status)
    parts += [Text(sentence) for sentence in status.get("left_out", ())]
    parts += scores_part(status)
    parts += headed_lines("Assumption", status["assumptions"])
    if literature := status["literature"]["in_words"]:
        parts.append(heading("Literature"))
        parts += [Text(f"- {sentence}") for sentence in literature]
    if status["set_aside"]:
        parts.append(heading("Kept and shown, not in any fit"))
        parts += [Text(f"- {sentence}") for sentence in status["set_aside"]]
    if status["notes"]:
        parts.append(heading("Statements of the paper, no readings"))
        parts += [Text(f"- {sentence}") for sentence in status["notes"]]
    if status["pending_mlflow"]:
        parts.append(Text(f"MLflow: {status['pending_mlflow']} records wait to be written"))
    return Group(*parts)


def waiting_sentence(round_id: str, waits_for: Sequence[str]) -> str:
    """What a round still waits for: the first few, and how many more.

    Args:
        round_id: The round.
        waits_for: One clause each.

    Returns:
        One sentence.

    Examples:
        >>> waiting_sentence("R01", ["a", "b", "c", "d", "e"])
        'R01 waits for a, b, c and 2 more'
    """
    shown = [clause.replace("_", " ") for clause in waits_for[:WAITS_SHOWN]]
    more = len(waits_for) - len(shown)
    return f"{round_id} waits for {', '.join(shown)}" + (f" and {more} more" if more else "")


def _powder(jar: Mapping[str, Any]) -> str:
    """Powder left in a jar; said when it was not weighed yet."""
    left = _milligrams(jar["left_mg"])
    return f"{left} (expected, not weighed yet)" if jar.get("expected") else left


def heading(text: str) -> Padding:
    """A bold line with a blank one above."""
    return Padding(Text(text, style="bold"), (1, 0, 0, 0))


def property_label(property_id: str) -> str:
    """What a property is called."""
    return CATALOGUE[property_id].label if property_id in CATALOGUE else property_id


def headed_lines(head: str, sentences: Iterable[object], *, style: str = "") -> list[Text]:
    """Sentences, each after the same word."""
    return [Text.assemble((f"{head}: ", style), str(sentence)) for sentence in sentences]


def hypervolume_lines(hypervolume: Mapping[str, Mapping[str, Any]] | None) -> list[Text]:
    """Hypervolumes with their 90 % range."""
    found = []
    for name, volume in (hypervolume or {}).items():
        value, lower, upper = (_three_decimals(volume.get(key)) for key in _VOLUME_KEYS)
        found.append(Text(f"Hypervolume of the {name}: {value} (90 %: {lower}..{upper})"))
    return found


def _next_round(status: Mapping[str, Any]) -> list[Text]:
    """What another round would bring; nothing before surrogates choose one."""
    opened = [entry["id"] for entry in status["rounds"] if entry["state"] == "open"]
    after = f", after {' and '.join(opened)}" if opened else ""
    return [
        Text(f"Next round ({_how_many(gain['n'], name)}{after}): {gain['in_words']}")
        for name, gain in (status.get("next_round") or {}).items()
        if gain is not None
    ]


def _how_many(n: int, kind: str) -> str:
    """A number of ``glasses`` or ``cells``."""
    one = {"glasses": "glass", "cells": "cell"}
    return f"{n} {one[kind] if n == 1 else kind}"


def _three_decimals(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, int | float) and is_known(value) else NO_VALUE


def _rounds_table(rounds: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1))
    for name in ("round", "state", "opened"):
        table.add_column(name, no_wrap=True)
    table.add_column("glasses", justify="right")
    table.add_column("tri-layers", justify="right")
    table.add_column("scored", justify="right")
    for entry in rounds:
        table.add_row(
            Text(entry["id"]),
            Text(entry["state"]),
            Text(str(entry["opened_at"])[:16].replace("T", " ")),
            str(entry["n_glasses"]),
            str(entry["n_trilayers"]),
            Text(_score_text(entry["scored"])),
        )
    return table


def _score_text(scored: Mapping[str, Any] | None) -> str:
    """How many readings were scored; how well is shown of all rounds together."""
    return "not yet" if scored is None else f"{scored['n']} readings"


def _pairs(pairs: Iterable[tuple[str, str]]) -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column()
    grid.add_column(justify="right")
    for name, value in pairs:
        grid.add_row(Text(name), Text(value))
    return grid


def _milligrams(mass_mg: object) -> str:
    if not isinstance(mass_mg, int | float) or not is_known(mass_mg):
        return NO_VALUE
    return f"{mass_mg:.1f} mg"
