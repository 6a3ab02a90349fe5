"""What the terminal shows of a ranking of measurements."""

from collections.abc import Sequence
from typing import Final

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from experiments.display import number_text
from experiments.measurement_words import LEAST, recipe_text, thousandths, what_text
from experiments.measurements import Measurement, Ranking

SHOWN: Final = 12
"""Rows printed at most, only those that are worth something; JSON has all."""

SHOWN_IDLE: Final = 3
"""Rows printed if none is."""

_SIMULATED: Final = "SIMULATED: learned from the virtual laboratory, not from measurements"


def ranking_table(ranking: Ranking) -> Group:
    """Options, the most worth an hour first, and what that means.

    Args:
        ranking: Of a campaign.

    Returns:
        A renderable; readable from 80 columns on.
    """
    parts: list[RenderableType] = []
    if ranking.simulated:
        parts.append(Text(_SIMULATED, style="bold reverse"))
    parts.append(Text(f"Which measurement next, {ranking.campaign}", style="bold"))
    rows = ranking.measurements
    worth = [row for row in rows if abs(row.rise) >= LEAST]
    shown = worth[:SHOWN] if worth else rows[:SHOWN_IDLE]
    if shown:
        parts += [_table(shown), Text("")]
    if len(worth) > len(shown):  # what is worth nothing is counted by a sentence of the ranking
        parts.append(Text(f"{len(worth) - len(shown)} more are worth less; --json has them."))
    parts += [Text(sentence) for sentence in ranking.in_words]
    parts += [Text(f"Assumption: {sentence}") for sentence in ranking.assumptions]
    parts.append(Text("Nothing was written and no round was opened."))
    return Group(*parts)


def _table(rows: Sequence[Measurement]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("measure")
    table.add_column("recipe")
    for head in ("rise of\nhypervolume,\n1e-3", "rise/h,\n1e-3", "hours", "wait\nh"):
        table.add_column(head, justify="right", no_wrap=True)
    table.add_column("destroys", no_wrap=True)
    for row in rows:
        option = row.option
        table.add_row(
            Text(what_text(option)),
            Text(recipe_text(option)),
            _rise(row),
            thousandths(row.rise_per_hour),
            number_text(round(option.hours, 1)),
            number_text(round(option.delay_h, 1)),
            "the cell" if option.destroys else "",
        )
    return table


def _rise(row: Measurement) -> str:
    error = f" ± {thousandths(row.rise_se)}" if row.rise_se >= LEAST else ""
    return f"{thousandths(row.rise)}{error}"
