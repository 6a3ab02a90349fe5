"""What the terminal shows of a backtest, and the bar while it runs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Timer
from typing import Final

from rich import box
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from experiments.backtest import Backtest
from experiments.backtest_words import (
    LIMITS,
    best_sentence,
    real_text,
    saved_text,
    setting_sentences,
    spread_text,
    verdict,
)

PATIENCE_S: Final = 1.0
"""A bar for less would only flicker."""


def backtest_report(backtest: Backtest) -> Group:
    """Settings, experiments needed by everybody, verdicts and limits.

    Args:
        backtest: What came of it.

    Returns:
        A renderable; readable from 80 columns on.
    """
    parts: list[RenderableType] = [
        Text(f"Backtest of {backtest.history.file}", style="bold"),
        *map(Text, setting_sentences(backtest)),
        *map(Text, filter(None, [best_sentence(backtest)])),
        Padding(_needed(backtest), (1, 0, 0, 0)),
        Padding(_after_random_starts(backtest), (1, 0)),
        *(Text(verdict(found, backtest), style="bold") for found in backtest.found),
        Text(""),
        *(Text(f"Note: {note}") for note in backtest.history.notes),
        *(Text(f"Limit: {limit}") for limit in LIMITS),
    ]
    return Group(*parts)


@contextmanager
def backtest_bar() -> Iterator[Callable[[int, int], None]]:
    """A progress bar with the time left on stderr, once something has taken longer than a second.

    Yields:
        What to tell after each replay: how many are done, of how many.
    """
    console = Console(stderr=True)
    progress = Progress(
        TextColumn("replaying"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(elapsed_when_finished=False),
        console=console,
        transient=True,
        disable=not console.is_terminal,  # a log file wants no bar
    )
    task = progress.add_task("", total=None)
    starter = Timer(PATIENCE_S, progress.start)
    starter.daemon = True
    starter.start()
    try:
        yield lambda done, total: progress.update(task, completed=done, total=total)
    finally:
        starter.cancel()
        starter.join()
        if progress.live.is_started:  # stopping one that never ran prints an empty line
            progress.stop()


def _needed(backtest: Backtest) -> Table:
    """Experiments until each goal was met: really, by the planner, by chance."""
    table = _table("experiments to find", ("really\n(ties)", "planner\n(90 %)", "saved\n(90 %)"))
    table.add_column("random order\n(90 %)", justify="right", no_wrap=True)
    for found in backtest.found:
        chance = f"{found.chance_mean:.0f} ({found.chance.lower:.0f} to {found.chance.upper:.0f})"
        table.add_row(
            found.label,
            real_text(found),
            spread_text(found.planner, backtest.most),
            saved_text(found.saved),
            chance,
        )
    return table


def _after_random_starts(backtest: Backtest) -> Table:
    """The same after random starts, where only random order is a fair comparison."""
    headings = ("planner\n(90 %)", "saved against\nrandom (90 %)", "earlier in")
    table = _table(f"after {backtest.n_start} at random", headings)
    for found in backtest.found:
        random = found.random_starts
        table.add_row(
            found.label,
            spread_text(random.planner, backtest.most),
            saved_text(random.saved),
            f"{random.n_earlier} of {backtest.seeds}",
        )
    return table


def _table(first: str, others: tuple[str, ...]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(first)
    for heading in others:
        table.add_column(heading, justify="right", no_wrap=True)
    return table
