"""The page's section on the virtual worlds: rounds to a goal, table and sentences."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from benchmarks.optimizer.survival import (
    Interval,
    PairedRounds,
    Rounds,
    kaplan_meier,
    paired_rounds,
)
from benchmarks.optimizer.worlds import (
    FIRST_REPORTED,
    HYPOTHESIS,
    REVISION,
    ROUNDS,
    THRESHOLDS,
    WORLDS,
)
from benchmarks.runs import markdown

OURS, RIVAL = "domain", "botorch"
WORLD_LABELS: Final[Mapping[str, str]] = {OURS: "glassloop", RIVAL: "one-hot BoTorch"}
PLANNED: Final = 10
"""Seeds a world."""


def pairs_table(lines: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """One row a world and seed that both strategies ran, the last line of each counting.

    Args:
        lines: As in the file, oldest first.

    Returns:
        world, seed, and of each strategy by its name: shares; also ``failed_``, ``cpu_s_`` and
        ``version_`` with its name.
    """
    runs = {
        (line["world"], line["seed"], line["strategy"]): line
        for line in lines
        if line["revision"] == REVISION
        and line["rounds"] == ROUNDS
        and line["seed"] >= FIRST_REPORTED
    }
    rows = []
    for world, seed in dict.fromkeys((world, seed) for world, seed, _ in runs):
        both = {name: runs.get((world, seed, name)) for name in (OURS, RIVAL)}
        if not all(both.values()):
            continue
        row: dict[str, Any] = {"world": world, "seed": seed}
        for name, line in both.items():
            if line is not None:
                row |= {
                    name: np.asarray(line["shares"], dtype=float),
                    f"failed_{name}": line["failed"][-1] - line["failed"][0],
                    f"cpu_s_{name}": float(np.mean(line["cpu_s"])),
                    f"version_{name}": line["version"],
                }
        rows.append(row)
    return pd.DataFrame(rows, columns=None if rows else ["world", "seed"])


def rounds_of(pairs: pd.DataFrame, name: str, threshold: float) -> Rounds:
    """Rounds of a strategy to a share of the reachable hypervolume."""
    return Rounds.until(np.stack(pairs[name].to_list()), threshold)


def compared(pairs: pd.DataFrame, threshold: float) -> PairedRounds:
    """Ours against the rival, worlds keeping their weight."""
    ours, rival = (rounds_of(pairs, name, threshold) for name in (OURS, RIVAL))
    return paired_rounds(ours, rival, pairs["world"].to_list())


def worlds_text(lines: Sequence[Mapping[str, Any]]) -> str:
    """Verdict on the hypothesis, tables, what is missing and versions."""
    pairs = pairs_table(lines)
    if pairs.empty:
        return "No pair was run."
    parts = [
        hypothesis_text(pairs),
        "![Kaplan-Meier curves](images/worlds-survival.png)",
        "Curves with 95 % bands (log-log Greenwood); a plus marks runs censored at the last round.",
        rounds_table(pairs),
        shares_table(pairs),
        _missing_text(pairs, lines),
    ]
    return "\n\n".join(parts)


def hypothesis_text(pairs: pd.DataFrame) -> str:
    """Whether half the rounds are enough, at the primary goal."""
    goal, found = THRESHOLDS[0], compared(pairs, THRESHOLDS[0])
    ours, rival = (kaplan_meier_median(pairs, name, goal) for name in (OURS, RIVAL))
    words = {
        "supported": f"is supported: the whole interval is at or below {HYPOTHESIS:g}",
        "refuted": f"is refuted: the whole interval is above {HYPOTHESIS:g}",
        "undecided": f"is not decided: the interval holds {HYPOTHESIS:g}",
    }[found.at_most(HYPOTHESIS)]
    return (
        (
            f"**Half the rounds to {goal:.0%} of the reachable hypervolume: the hypothesis {words}.** "
            f"Over {len(pairs)} pairs glassloop took {_interval_text(found.ratio, '.2f')} times the "
            f"rounds of one-hot BoTorch (ratio of restricted means, 95 %) and saved "
            f"{_interval_text(found.saved, '+.2f')} rounds a campaign: it is **{found.verdict}**. "
            f"Medians: {ours} against {rival} rounds. It was there sooner in {found.sooner} pairs, "
            f"in the same round (or neither was) in {found.level}, later in {found.later}."
        )
        .replace("%", " %")
        .replace("  %", " %")
    )


def kaplan_meier_median(pairs: pd.DataFrame, name: str, threshold: float) -> str:
    """Median of rounds with its interval, in words."""
    return _median_text(kaplan_meier(rounds_of(pairs, name, threshold)).median)


def rounds_table(pairs: pd.DataFrame) -> str:
    """Goal by goal, all worlds and each."""
    rows = []
    for threshold in THRESHOLDS:
        for label, own in _with_all(pairs):
            found = compared(own, threshold)
            ours, rival = (rounds_of(own, name, threshold) for name in (OURS, RIVAL))
            started = int((ours.reached & (ours.rounds == 0)).sum())
            rows.append(
                [
                    f"{100 * threshold:.0f} %",
                    label,
                    f"{len(own)} ({started})",
                    *(f"{int(runs.reached.sum())}" for runs in (ours, rival)),
                    *(kaplan_meier_median(own, name, threshold) for name in (OURS, RIVAL)),
                    _interval_text(found.saved, "+.2f"),
                    _interval_text(found.ratio, ".2f"),
                    f"{found.sooner} / {found.level} / {found.later}",
                    f"**{found.verdict}**" if label == "E to G" else found.verdict,
                ]
            )
    header = [
        "goal", "world", "pairs (there at the start)", "reached: ours", "rival",
        "median rounds (95 %): ours", "rival", "rounds saved (95 %)", "ratio (95 %)",
        "sooner / level / later", "ours is",
    ]  # fmt: skip
    return markdown(header, rows)


def shares_table(pairs: pd.DataFrame) -> str:
    """Hypervolume after some rounds, failures and CPU time; means."""
    rows = []
    for label, own in _with_all(pairs):
        for name in (OURS, RIVAL):
            shares = 100 * np.stack(own[name].to_list())
            rows.append(
                [
                    label,
                    WORLD_LABELS[name],
                    *(f"{shares[:, number].mean():.1f}" for number in (0, 1, 2, 4, ROUNDS)),
                    f"{own[f'failed_{name}'].mean():.1f}",
                    f"{own[f'cpu_s_{name}'].median():.1f}",
                ]
            )
    header = [
        "world", "strategy", "% of reachable at the start", "after 1 round", "2", "4",
        str(ROUNDS), "failed of the 32 proposed", "CPU s a round",
    ]  # fmt: skip
    return markdown(header, rows)


def _with_all(pairs: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    own = [(label, pairs[pairs["world"] == label]) for label in WORLDS]
    return [("E to G", pairs), *((label, part) for label, part in own if len(part))]


def _missing_text(pairs: pd.DataFrame, lines: Sequence[Mapping[str, Any]]) -> str:
    counts = {world: int((pairs["world"] == world).sum()) for world in WORLDS}
    lacking = [f"{w} ({n} of {PLANNED})" for w, n in counts.items() if n < PLANNED]
    missing = f"Missing seeds: {', '.join(lacking)}." if lacking else "No planned seed is missing."
    codes = " and ".join(sorted(set(pairs[f"version_{OURS}"])))
    packages: dict[str, set[str]] = {}
    for line in lines:
        for package, number in line["versions"].items():
            packages.setdefault(package, set()).add(number)
    words = ", ".join(f"{name} {' and '.join(sorted(n))}" for name, n in sorted(packages.items()))
    return f"{missing} Versions: {words}; glassloop's code {codes}."


def _interval_text(interval: Interval, style: str) -> str:
    centre, low, high = (format(value, style) for value in interval)
    return f"{centre} ({low} to {high})"


def _median_text(interval: Interval) -> str:
    words = [f"{value:g}" if np.isfinite(value) else f"> {ROUNDS}" for value in interval]
    return f"{words[0]} ({words[1]} to {words[2]})"
