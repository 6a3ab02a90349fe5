"""What the terminal shows of how right the predictions were."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from rich import box
from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from experiments.rivals import RIVALS
from features.properties import CATALOGUE

_INDENT: Final = 4


def scores_part(status: Mapping[str, Any]) -> list[RenderableType]:
    """Drift, coverage by round, skill by property and surprises of a campaign's state.

    Args:
        status: The object ``status --json`` prints.

    Returns:
        Renderables, readable from 80 columns on.
    """
    if not status["coverage_by_round"]:
        return [Text("Coverage: no round has been scored yet")]
    parts: list[RenderableType] = [_heading("Were the predictions right?")]
    parts += drift_lines(status["drift"])
    parts.append(_coverage_table(status))
    if status["skill"]:
        parts.append(_heading("How much smaller the error (CRPS) is than (95 % interval)"))
        parts.append(_skill_table(status))
    if status["surprises"]:
        parts.append(_heading("Surprises (|z| above 2.5: 1 reading in 81 by chance)"))
        parts += surprise_lines(status["surprises"])
    return parts


def news_of(
    status: Mapping[str, Any], recorded: Collection[tuple[str, str]]
) -> tuple[list[Mapping[str, Any]], list[RenderableType]]:
    """What recording has to say of surprises and drift at once.

    Args:
        status: The object ``status --json`` prints.
        recorded: Specimen and property of the readings added or corrected now.

    Returns:
        Surprises among these, and lines to print.
    """
    found = [
        surprise
        for surprise in status["surprises"]
        if (surprise["specimen"], surprise["property"]) in recorded
    ]
    head = [Text("Surprises of this record:", style="bold")] if found else []
    drift = drift_lines(status["drift"]) if recorded else []
    return found, [*head, *surprise_lines(found), *drift]


def drift_lines(drift: Mapping[str, Any] | None) -> list[Text]:
    """The drift warning, in bold; nothing without one."""
    return [] if drift is None else [Text(f"DRIFT: {drift['in_words']}", style="bold")]


def surprise_lines(surprises: Iterable[Mapping[str, Any]]) -> list[RenderableType]:
    """Each surprise, and below it what to check."""
    lines: list[RenderableType] = []
    for surprise in surprises:
        lines.append(Text(f"- {surprise['in_words']}"))
        lines += [Padding(Text(cause), (0, 0, 0, _INDENT)) for cause in surprise["causes"]]
    return lines


def _coverage_table(status: Mapping[str, Any]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1))
    table.add_column("readings of", no_wrap=True)
    for head in ("n", "in 50 % range", "in 90 % range", "95 % interval"):
        table.add_column(head, justify="right", no_wrap=True)
    rows = [(entry["round"], entry) for entry in status["coverage_by_round"]]
    for name, entry in rows:
        table.add_row(*_coverage_cells(name, entry), end_section=name == rows[-1][0])
    properties = status["coverage_by_property"].items()
    for place, (name, entry) in enumerate(properties, start=1):
        label = CATALOGUE[name].label
        table.add_row(*_coverage_cells(label, entry), end_section=place == len(properties))
    table.add_row(*_coverage_cells("all", status["coverage_pooled"]))
    return table


def _coverage_cells(name: str, entry: Mapping[str, Any]) -> Sequence[Text]:
    interval = f"{100 * entry['lower_90']:.0f} to {100 * entry['upper_90']:.0f} %"
    shares = (f"{100 * entry[level]:.0f} %" for level in ("50", "90"))
    return [Text(part) for part in (name, str(entry["n"]), *shares, interval)]


def _skill_table(status: Mapping[str, Any]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1))
    table.add_column("readings of", no_wrap=True)
    for head in ("n", *(f"of the {label}" for label in RIVALS.values())):
        table.add_column(head, justify="right", no_wrap=True)
    rows = [(CATALOGUE[name].label, found) for name, found in status["skill"].items()]
    if len(rows) > 1:
        rows.append(("all", status["skill_pooled"]))
    for name, found in rows:
        shares = (_share_text(found[f"over_{rival}"]) for rival in RIVALS)
        cells = [Text(part) for part in (name, str(found["n"]), *shares)]
        table.add_row(*cells, end_section=name == rows[-2][0] if len(rows) > 1 else False)
    return table


def _share_text(over: Mapping[str, float | None]) -> str:
    value, lower, upper = (over[key] for key in ("value", "lower", "upper"))
    said = f"{_percent(value)} %"
    few = "(too few jars)"
    return f"{said} {few if lower is None else f'({_percent(lower)} to {_percent(upper)} %)'}"


def _percent(share: float | None) -> str:
    return f"{round(100 * (share or 0.0))}"


def _heading(text: str) -> Padding:
    return Padding(Text(text, style="bold"), (1, 0, 0, 0))
