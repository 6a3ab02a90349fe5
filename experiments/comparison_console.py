"""What the terminal shows of a comparison, and the bar while it runs."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import Timer
from typing import Any, Final

from rich import box
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from experiments.comparison import CampaignComparison
from experiments.comparison_words import (
    LABELS,
    data_sentence,
    difference_rows,
    folds_sentence,
    score_heading,
    score_rows,
)
from features.properties import property_of
from models.compare import Comparison
from models.paired_differences import BASELINE
from models.paired_differences import SCORES as DIFFERENCES

PATIENCE_S: Final = 1.0
"""A bar for less would only flicker."""

SHOWN: Final = ("nlpd", "crps", "rmse", "coverage_50", "coverage_90", "sharpness")
"""Scores that fit a terminal; page and JSON have all."""

_SIMULATED: Final = "SIMULATED: learned from the virtual laboratory, not from measurements"


def comparison_report(comparison: CampaignComparison) -> Group:
    """Scores of every surrogate, differences from the mean, and a verdict a property.

    Args:
        comparison: Of a campaign.

    Returns:
        A renderable; readable from 80 columns on.
    """
    parts: list[RenderableType] = []
    if comparison.simulated:
        parts.append(Text(_SIMULATED, style="bold reverse"))
    parts += [
        Text(f"Surrogates of {comparison.campaign}, compared", style="bold"),
        Text(f"{folds_sentence(comparison.folds)}."),
    ]
    for property_id, found in comparison.comparisons.items():
        parts += _property(property_id, found)
    parts.append(Text(""))
    parts += [Text(f"Not compared: {reason}") for reason in comparison.not_compared.values()]
    parts += [Text(f"Given to no surrogate: {clause}") for clause in comparison.unused]
    parts += [Text(f"Assumption: {sentence}") for sentence in comparison.assumptions]
    return Group(*parts)


@contextmanager
def comparison_bar() -> Iterator[Callable[[int, int], None]]:
    """A progress bar on stderr, once something has taken longer than a second.

    Yields:
        What to tell after each fit: how many are done, of how many.
    """
    console = Console(stderr=True)
    progress = Progress(
        TextColumn("fitting and scoring"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
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


def _property(property_id: str, comparison: Comparison) -> list[RenderableType]:
    return [
        Padding(Text(property_of(property_id).label, style="bold"), (1, 0, 0, 0)),
        Text(f"{data_sentence(comparison)}; {comparison.verdict}"),
        _scores(property_id, comparison),
    ]


def _scores(property_id: str, comparison: Comparison) -> Table:
    """Scores, best NLPD first, and beside the NLPD by how much it differs from the mean's."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("surrogate", no_wrap=True)
    for score in SHOWN:
        table.add_column(_stacked(score_heading(score, property_id)), justify="right", no_wrap=True)
        if score == "nlpd":
            table.add_column(f"minus {BASELINE}'s\n(95 %)", justify="right", no_wrap=True)
    rows = difference_rows(comparison, against=(BASELINE,))
    place = DIFFERENCES.index("nlpd")
    away = {row.surrogate: row.values[place].replace(" to ", "..") for row in rows}
    for name, texts in score_rows(comparison):
        by_score = dict(zip(LABELS, texts, strict=True))
        cells = [by_score[score] for score in SHOWN]
        cells.insert(SHOWN.index("nlpd") + 1, away.get(name, ""))
        table.add_row(Text(name), *cells, style="bold" if name == comparison.winner else "")
    return table


def _stacked(heading: str) -> str:
    """A heading with its unit below: they fit 80 columns that way."""
    return heading.replace(", ", "\n").replace(" width", "\nwidth").replace("in ", "in\n")


def comparison_json(comparison: CampaignComparison) -> dict[str, Any]:
    """A comparison as plain data for machines.

    Args:
        comparison: Of a campaign.

    Returns:
        Scores, differences, verdicts and left-out predictions by property; NaN stays NaN.
    """
    return {
        "campaign": comparison.campaign,
        "simulated": comparison.simulated,
        "created": comparison.created,
        "folds": comparison.folds,
        "seed": comparison.seed,
        "temperature_c": comparison.temperature_c,
        "properties": {
            name: _property_json(name, found) for name, found in comparison.comparisons.items()
        },
        "not_compared": dict(comparison.not_compared),
        "unused": list(comparison.unused),
        "assumptions": list(comparison.assumptions),
    }


def _property_json(property_id: str, comparison: Comparison) -> Mapping[str, Any]:
    entry = property_of(property_id)
    return {
        "unit": entry.unit,
        "scale": entry.scale,
        "score_unit": entry.sd_unit,
        "n_folds": comparison.n_folds,
        "n_readings": comparison.n_readings,
        "n_censored": comparison.n_censored,
        "winner": comparison.winner,
        "verdict": comparison.verdict,
        "scores": comparison.scores.to_dict("index"),
        "differences": comparison.differences.to_dict("records"),
        "predictions": comparison.predictions.to_dict("records"),
    }
