"""A backtest in sentences, and as plain data."""

from dataclasses import asdict
from math import isfinite
from typing import Any, Final

import numpy as np
import pandas as pd

from experiments.backtest import Backtest, Found, Spread
from experiments.backtest_goals import best_so_far
from experiments.display import scientific

LIMITS: Final = (
    "A table can only be replayed within what was made: the planner chose among recipes that "
    "somebody had already thought worth making, and in a laboratory it could also choose others.",
    "The real order was perhaps not aimed at this objective, and the years of a literature table "
    "are nobody's plan: being faster than such an order says little, random order is the harder "
    "comparison.",
    "The best recipe is the one that read best in this table, luck of the reading included; the "
    "intervals are over the planner's draws and starts, not over other tables.",
)
"""What a replay cannot show."""


def count_text(number: float, most: int) -> str:
    """A number of experiments; one that was not reached in time is more than the most."""
    return f"{number:.0f}" if isfinite(number) else f"over {most}"


def spread_text(spread: Spread, most: int) -> str:
    """Middle and 90 % of a number of experiments.

    Examples:
        >>> spread_text(Spread(40.0, 29.8, float("inf")), 60)
        '40 (30 to over 60)'
    """
    if not isfinite(spread.lower):
        return f"over {most}"
    parts = (count_text(v, most) for v in (spread.median, spread.lower, spread.upper))
    return "{} ({} to {})".format(*parts)


def saved_text(spread: Spread) -> str:
    """Middle and 90 % of experiments saved; a question mark where it was not found in time.

    Examples:
        >>> saved_text(Spread(20.0, float("-inf"), 31.0))
        '20 (? to 31)'
    """
    if not isfinite(spread.upper):
        return "?"
    parts = (
        f"{v:.0f}" if isfinite(v) else "?" for v in (spread.median, spread.lower, spread.upper)
    )
    return "{} ({} to {})".format(*parts)


def real_text(found: Found) -> str:
    """When the real order had it, with what its ties leave open."""
    text = f"{found.real:.0f}"
    if found.real_earliest < found.real_latest:
        text += f" ({found.real_earliest:.0f} to {found.real_latest:.0f})"
    return text


def setting_sentences(backtest: Backtest) -> list[str]:
    """What was replayed, and how."""
    history = backtest.history
    wishes = " and ".join(
        f"{o.name} {'as high' if o.direction == 'maximize' else 'as low'} as possible"
        for o in history.objectives
    )
    order = (
        f"by {history.order}, ties by row of the table" if history.order else "row by row as listed"
    )
    ends = "" if backtest.most == history.size else f", at most {backtest.most} experiments"
    chosen = "one recipe at a time" if backtest.batch == 1 else f"{backtest.batch} recipes a batch"
    columns = list(history.recipes.columns)
    shown = ", ".join(columns[:4]) + (", ..." if len(columns) > 4 else "")
    return [
        f"{history.size} recipes of {len(columns)} features ({shown}); wanted: {wishes}.",
        f"Real order: {order}. Everybody begins with its first {backtest.n_start}; then the "
        f"planner chooses {chosen}{ends}, {backtest.seeds} seeds."
        + (" All orders are counted in batches of that size." if backtest.batch > 1 else ""),
    ]


def best_sentence(backtest: Backtest) -> str:
    """Which recipe is the best, with one objective; empty with several."""
    history = backtest.history
    if len(history.objectives) > 1:
        return ""
    objective = history.objectives[0]
    at = int(np.nanargmax(history.values[:, 0]))
    value = float(best_so_far(history, [at])[0])
    shown = scientific(value, 3) if objective.scale == "log10" else f"{value:.4g}"
    return f"Best recipe: row {history.row_numbers[at]} of the file, {objective.name} {shown}."


def verdict(found: Found, backtest: Backtest) -> str:
    """Whether the planner would have been earlier, in a few sentences.

    Args:
        found: A goal of the backtest.
        backtest: What came of it.
    """
    goal = found.label[0].upper() + found.label[1:]
    if found.in_start:
        return (
            f"{goal}: is among the first {backtest.n_start}, so nothing could be saved; give a "
            "smaller start."
        )
    ahead = f"The real order is ahead of {_percent(found.real_ahead)} of random orders"
    if not isfinite(found.planner.lower):
        return (
            f"{goal}: not found by the planner within {backtest.most} experiments; really after "
            f"{found.real:.0f}. {ahead}."
        )
    parts = [f"{goal}: {_answer(found)}."]
    if found.n_missed:
        parts.append(
            f"In {found.n_missed} of {backtest.seeds} replays the planner did not find it within "
            f"{backtest.most} experiments."
        )
    if isfinite(found.planner.median):
        ahead += f", the planner's middle of {_percent(found.planner_ahead)}"
    return " ".join([*parts, f"{ahead}."])


def _answer(found: Found) -> str:
    saved = found.saved
    if saved.lower > 0:
        answer = f"{saved.median:.0f} experiments earlier than really"
        undone = found.real_earliest <= found.planner.upper
    elif saved.upper < 0 and isfinite(saved.lower):
        saved = Spread(-saved.median, -saved.upper, -saved.lower)
        answer = f"{saved.median:.0f} experiments later than really"
        undone = found.real_latest >= found.planner.lower
    else:
        return f"no difference from the real order shown (saved: {saved_text(saved)})"
    but = ", but ties of the order could be broken so that it is not" if undone else ""
    return f"{answer} (90 % of seeds: {saved.lower:.0f} to {saved.upper:.0f}){but}"


def backtest_json(backtest: Backtest) -> dict[str, Any]:
    """A backtest as plain data for machines; infinite where it was not found in time.

    Args:
        backtest: What came of it.

    Returns:
        Settings, goals, curves by number of experiments and verdicts.
    """
    history = backtest.history
    return {
        "file": history.file,
        "recipes": history.size,
        "features": list(history.recipes.columns),
        "objectives": [
            {
                "column": o.name,
                "direction": o.direction,
                "scale": o.scale,
                "reference": o.reference,
            }
            for o in history.objectives
        ],
        "order": history.order or None,
        "start": backtest.n_start,
        "batch": backtest.batch,
        "seeds": backtest.seeds,
        "max_experiments": backtest.most,
        "goals": [
            asdict(found) | {"verdict": verdict(found, backtest)} for found in backtest.found
        ],
        "curves": backtest.curves.reset_index().to_dict("list"),
        "in_words": [
            *setting_sentences(backtest),
            *filter(None, [best_sentence(backtest)]),
            *(verdict(found, backtest) for found in backtest.found),
        ],
        "notes": list(history.notes),
        "limits": list(LIMITS),
    }


def replay_table(backtest: Backtest) -> pd.DataFrame:
    """Every order the planner chose, for a CSV file.

    Args:
        backtest: What came of it.

    Returns:
        Columns start (real or random), seed, experiment (from 1), given (whether it was part of the
        start), row (of the file) and best_so_far, as in the figure.
    """
    history, parts = backtest.history, []
    for replay in backtest.replays:
        n = len(replay.order)
        columns = {
            "start": "random" if replay.is_random_start else "real",
            "seed": replay.seed,
            "experiment": range(1, n + 1),
            "given": [i < replay.n_start for i in range(n)],
            "row": history.row_numbers[list(replay.order)],
            "best_so_far": replay.best_so_far(history)[:n],
        }
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)


def _percent(share: float) -> str:
    if 0.0 < share < 0.01 or 0.99 < share < 1.0:
        return "under 1 %" if share < 0.5 else "over 99 %"
    return f"{share:.0%}".replace("%", " %")
