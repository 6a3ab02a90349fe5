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
    domain_version,
)
from benchmarks.runs import markdown

OURS, RIVAL, SCALED = "domain", "botorch", "botorch_log"
WORLD_LABELS: Final[Mapping[str, str]] = {
    OURS: "glassloop",
    RIVAL: "one-hot BoTorch",
    SCALED: "one-hot BoTorch with logarithms",
}
ALL: Final = "E to G"
PLANNED: Final = 10
"""Seeds a world."""


def pairs_table(lines: Sequence[Mapping[str, Any]], rival: str = RIVAL) -> pd.DataFrame:
    """One row a world and seed that ours and a rival ran, the last line of each counting.

    Args:
        lines: As in the file, oldest first.
        rival: The other strategy.

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
        both = {name: runs.get((world, seed, name)) for name in (OURS, rival)}
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


def compared(pairs: pd.DataFrame, threshold: float, rival: str = RIVAL) -> PairedRounds:
    """Ours against a rival, worlds keeping their weight."""
    own, other = (rounds_of(pairs, name, threshold) for name in (OURS, rival))
    return paired_rounds(own, other, pairs["world"].to_list())


def worlds_text(lines: Sequence[Mapping[str, Any]]) -> str:
    """Verdict on the hypothesis, tables, what is missing and versions."""
    pairs = pairs_table(lines)
    if pairs.empty:
        return "No pair was run."
    parts = [
        hypothesis_text(pairs),
        "![Kaplan-Meier curves](images/worlds-survival.png)",
        "Curves with 95 % bands (log-log Greenwood, drawn for the pair of the hypothesis); a plus "
        "marks campaigns censored at the last round, with their number.",
        rounds_table(pairs),
        shares_table(pairs),
        *_scaled_parts(lines),
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
        f"**Half the rounds to {100 * goal:.0f} % of the reachable hypervolume: the hypothesis "
        f"{words}.** Over {len(pairs)} pairs glassloop took "
        f"{_interval_text(found.ratio, '.2f')} times the rounds of one-hot BoTorch (ratio of "
        f"restricted means, 95 %) and saved {_interval_text(found.saved, '+.2f')} rounds a "
        f"campaign: it is **{found.verdict}**. Medians: {ours} against {rival} rounds. It was "
        f"there sooner in {found.sooner} pairs, in the same round (or neither was) in "
        f"{found.level}, later in {found.later}."
    )


def kaplan_meier_median(pairs: pd.DataFrame, name: str, threshold: float) -> str:
    """Median of rounds with its interval, in words."""
    return _median_text(kaplan_meier(rounds_of(pairs, name, threshold)).median)


def rounds_table(pairs: pd.DataFrame, rival: str = RIVAL, *, each: bool = True) -> str:
    """Goal by goal, all worlds and, if wanted, each."""
    rows = []
    for threshold in THRESHOLDS:
        for label, own in _with_all(pairs) if each else [(ALL, pairs)]:
            found = compared(own, threshold, rival)
            ours, theirs = (rounds_of(own, name, threshold) for name in (OURS, rival))
            started = int((ours.reached & (ours.rounds == 0)).sum())
            rows.append(
                [
                    f"{100 * threshold:.0f} %",
                    label,
                    f"{len(own)} ({started})",
                    *(f"{int(runs.reached.sum())}" for runs in (ours, theirs)),
                    *(kaplan_meier_median(own, name, threshold) for name in (OURS, rival)),
                    _interval_text(found.saved, "+.2f"),
                    _interval_text(found.ratio, ".2f"),
                    f"{found.sooner} / {found.level} / {found.later}",
                    f"**{found.verdict}**" if label == ALL else found.verdict,
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


def _scaled_parts(lines: Sequence[Mapping[str, Any]]) -> list[str]:
    """How much of it the logarithms are: the same loop on the scales of the score."""
    pairs = pairs_table(lines, SCALED)
    if pairs.empty:
        return []
    return [
        "**How much of that is the logarithm?** The score counts decades, which a loop without "
        "logarithms does not maximise. The same loop told logarithms, and so maximising the very "
        "score, still with one-hot media, default priors and failures missing; of the same pairs "
        f"those {len(pairs)} of the lowest seeds. It was added when the first pairs had been seen:",
        rounds_table(pairs, SCALED, each=False),
    ]


def _with_all(pairs: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    own = [(label, pairs[pairs["world"] == label]) for label in WORLDS]
    return [(ALL, pairs), *((label, part) for label, part in own if len(part))]


def _missing_text(pairs: pd.DataFrame, lines: Sequence[Mapping[str, Any]]) -> str:
    counts = {world: int((pairs["world"] == world).sum()) for world in WORLDS}
    lacking = [f"{w} ({n} of {PLANNED})" for w, n in counts.items() if n < PLANNED]
    missing = f"Missing seeds: {', '.join(lacking)}." if lacking else "No planned seed is missing."
    ran = set(pairs[f"version_{OURS}"])
    codes = " and ".join(sorted(ran))
    if ran != {domain_version()}:
        missing += " Runs of ours are of earlier code than what stands here now."
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
