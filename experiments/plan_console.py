"""What the terminal shows of a plan, and the bar while it is made."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

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

from experiments.plan import Plan
from experiments.plan_words import COLUMNS, plan_rows, plan_sentences
from features.errors import CampaignError

_SIMULATED = "SIMULATED: planned from a simulated campaign, not from measurements"


def plan_report(plan: Plan) -> Group:
    """Target, table of the options and what it all says.

    Args:
        plan: The plan.

    Returns:
        A renderable; readable from 80 columns on.
    """
    parts: list[RenderableType] = []
    if plan.simulated:
        parts.append(Text(_SIMULATED, style="bold reverse"))
    parts += [
        Text(f"Plan of {plan.campaign}: {plan.target.in_words()}", style="bold"),
        Text(
            f"within {plan.budget_h:g} h of hands; a sound specimen must meet it by its true "
            "value. What is imagined is no measurement."
        ),
    ]
    if plan.was_imagined:
        heading = f"{plan.n_worlds} truths drawn from the surrogates, 90 % intervals"
        parts += [Padding(Text(heading), (1, 0, 0, 0)), _table(plan)]
    parts += [Text(f"- {sentence}.") for sentence in plan_sentences(plan)]
    parts += [Text(f"Assumption: {sentence}") for sentence in plan.assumptions]
    return Group(*parts)


@contextmanager
def plan_bar() -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr with the time left, from the first imagined campaign on.

    Yields:
        What to tell after each campaign: how many are done, of how many.
    """
    console = Console(stderr=True)
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,  # a log file wants no bar
    )
    with progress:
        task = progress.add_task("looking what is in reach", total=None)
        yield lambda done, total: progress.update(
            task, description="imagining campaigns", completed=done, total=total
        )


def require_png(path: Path) -> None:
    """Refuse a figure that is no PNG or has no folder.

    Raises:
        CampaignError: If so.
    """
    if path.suffix.lower() != ".png":
        raise CampaignError(
            f"plan: the figure is a PNG, got {path.name}; give it a name that ends in .png"
        )
    if not path.parent.is_dir():
        raise CampaignError(f"plan: there is no folder {path.parent} for the figure; make it first")


def _table(plan: Plan) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for place, name in enumerate(COLUMNS):
        table.add_column(name, justify="right" if place else "left")
    for row in plan_rows(plan):
        table.add_row(*row)
    return table
