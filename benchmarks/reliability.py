# ruff: noqa: E501  the page is text
"""Writes docs/reliability.md from what the runs left in ``benchmarks/results``.

.venv/bin/python benchmarks/reliability.py
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
RESULTS: Final = ROOT / "benchmarks" / "results"
PAGE: Final = ROOT / "docs" / "reliability.md"

QUIET_LOAD: Final = 1.3
"""Below it one process worked, the one that was measured."""

HEAD: Final = """\
# What was done to it, and what was lost

For whoever is asked to put years of work into one ledger. Every number here is of a run of a script in this repository, on two
cores of a Linux machine; the last column repeats it. `benchmarks/reliability.py` writes this page from what they left.

"Acknowledged" is what a command had said was done, or a transaction that had returned, before the fault. **Lost** counts
rows that were acknowledged, or there before, and are gone or changed; **doubled** rows that are there too often; **unsound**
sentences of `verify` afterwards. After each try the next command must work; what else was not as it should be counts as
**failed**.
"""


READ_AS: Final = {
    "stated": "readings with an error of a tenth of the spread",
    "extreme": "with errors of 1e-12, 1e-3 and 1e6 of it, mixed",
    "bounds": "half of them bounds",
}
"""Words for how a truth was read."""


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")


def page() -> str:
    """The whole page."""
    parts = [HEAD, *faults(), *inputs(), *numbers(), *load(), *long_use(), *untried()]
    return "\n".join(parts).rstrip() + "\n"


def faults() -> Iterator[str]:
    """Faults done for real."""
    held = read("faults.json")
    yield "## Faults, done for real\n"
    yield "| fault | tried | lost | doubled | unsound | failed | command |"
    yield "|---|---|---|---|---|---|---|"
    for name, row in held["faults"].items():
        yield (
            f"| {row['fault']} | {row['tried']} | {row['lost']} | {row['doubled']} | "
            f"{row['verify_faults']} | {len(row['failures'])} | `--only {name}` |"
        )
    yield ""
    yield "Each is `.venv/bin/python benchmarks/faults/run.py --only ...`; CI does a few of each. How each was measured:\n"
    for row in held["faults"].values():
        counts = ", ".join(f"{what}: {n}" for what, n in row.get("counts", {}).items())
        seeds = f"; seeds {row['seeds']}" if row.get("seeds") else ""
        failed = "".join(f" Failed: {one}." for one in row["failures"])
        yield f"- **{row['fault']}**: {row['how']}{seeds}.{f' Of these, {counts}.' if counts else ''}{failed}"
    yield ""


def inputs() -> Iterator[str]:
    """Fuzzed parsers."""
    yield "## Inputs\n"
    if (held := read("fuzz.json")) is None:
        yield "The long run has not been done on this version: `python benchmarks/fuzz.py`.\n"
        return
    total = held["total"]
    yield (
        f"{total['cases']:,} cases in all, method {held['method']}, seed {held['seed']}: "
        f"`{held['command']}`. Left as they are in the last run: {total['crashes']} findings. What was found and mended "
        "before is in [fuzzing.md](fuzzing.md).\n"
    )
    yield "| parser | cases | cases a CPU second | slowest case, s | findings |"
    yield "|---|---|---|---|---|"
    for row in held["targets"]:
        yield (
            f"| {row['target'].replace('_', ' ')} | {row['cases']:,} | {row['per_s']:,.0f} | "
            f"{row['slowest_s']:.2g} | {row['crashes']} |"
        )
    yield ""


def numbers() -> Iterator[str]:
    """Extreme tables through surrogates and optimizer."""
    yield "## Numbers\n"
    if (held := read("numerics_fuzz.json")) is None:
        yield "The long run has not been done on this version; `tests/models/test_extremes.py` and "
        yield "`tests/optimizer/test_extremes.py` do a short one with every run of the tests.\n"
        return
    total = held["total"]
    yield (
        f"Surrogates and optimizer on tables made to break them, {total['cases']:,} in all, {total['cpu_s'] / 60:.0f} minutes of "
        f"processor time: `{held['command']}`. An answer is finite or a refusal in one sentence; NaN, any other exception and "
        "any warning of NumPy count as faults.\n"
    )
    yield "| table | tried | finite | refused | NaN | exceptions |"
    yield "|---|---|---|---|---|---|"
    for kind, row in held["kinds"].items():
        yield (
            f"| {kind.replace('_', ' ')} | {row['cases']} | {row['finite']} | {row['refused']} | "
            f"{row['nan']} | {row['exception']} |"
        )
    yield ""
    shares = held["coverage_of_90"]
    yield (
        "Truths drawn from the prior, asked at four recipes each, lay within the 90 % range: "
        + "; ".join(
            f"{READ_AS[how]} {100 * row['share']:.1f} % (± {100 * row['se']:.1f}, {row['truths']:.0f} truths)"
            for how, row in shares.items()
        )
        + ".\n"
    )


def load() -> Iterator[str]:
    """Many people at one server."""
    held = read("web_load.json")
    yield "## Many at once\n"
    yield (
        f"Ten people record {held['readings']} readings while two robots open rounds in two campaigns and two people read, "
        f"`{held['command']}`: faults found afterwards {len(held['faults'])}.\n"
    )
    yield "| what | n | median, ms | 95 %, ms |"
    yield "|---|---|---|---|"
    for name, row in held["answers"].items():
        yield f"| {name} | {row['n']} | {row['median_ms']:.0f} | {row['p95_ms']:.0f} |"
    yield ""


def long_use() -> Iterator[str]:
    """Years of a laboratory."""
    yield "## Years of a laboratory\n"
    if (held := read("long_use.json")) is None:
        yield "The run over all sizes has not been done on this version: `python benchmarks/long_use.py`.\n"
        return
    rows = {(row["command"], row["size"]): row for row in held["rows"]}
    sizes = sorted({size for _, size in rows if size})
    commands = list(dict.fromkeys(command for command, size in rows if size))
    largest = next(row for row in held["rows"] if row["size"] == sizes[-1])
    limits = held["limits"]
    yield (
        f"A simulated busy laboratory, in the largest {largest['rounds']} rounds, {largest['jars']} jars, "
        f"{largest['pellets']} pellets, {largest['cells']} cells and {largest['readings']:,} readings "
        f"({largest['ledger_mb']:.0f} MB): `.venv/bin/python benchmarks/long_use.py`. Each command in a process of its own, imports "
        f"included; seconds by the clock, beside them the peak memory in MB. Wanted in the largest: status {limits['status']:.0f} s, "
        f'propose and report {limits["propose"]:.0f} s, {limits["peak_mb"]:,.0f} MB. "Nothing kept": the surrogates are fitted in that '
        "command; otherwise an earlier one left them ([long_use.md](long_use.md)).\n"
    )
    yield "| command | " + " | ".join(f"{size} rounds" for size in sizes) + " |"
    yield "|---|" + "---|" * len(sizes)
    for command in commands:
        cells = [rows.get((command, size)) for size in sizes]
        said = (f"{row['wall_s']:.1f} s, {row['peak_mb']:.0f}" if row else "" for row in cells)
        yield f"| {command} | " + " | ".join(said) + " |"
    yield ""
    peak_mb = max(row["peak_mb"] for row in rows.values())
    kept = {
        name: rows[name, sizes[-1]]["wall_s"] <= limits[name]
        for name in ("status", "propose", "report")
    }
    kept["memory"] = peak_mb <= limits["peak_mb"]
    steady = [row["yardstick_s"] for row in rows.values() if "yardstick_s" in row]
    loads = [row["load"] for row in rows.values()]
    beside = "nothing else ran" if max(loads) < QUIET_LOAD else "other work ran beside some of them"
    yield (
        f"Within what was wanted: {_names(kept, True)}. Beyond it: {_names(kept, False)}. A fixed piece of work, four fits of 60 "
        f"readings, took {min(steady):.2f} to {max(steady):.2f} s of processor time between the commands, at a load of the machine of "
        f"{min(loads):.1f} to {max(loads):.1f}: {beside}.\n"
    )
    yield "![time and memory of each command against the size of the campaign](images/long_use.png)\n"


def _names(kept: dict[str, bool], wanted: bool) -> str:
    return ", ".join(name for name, is_kept in kept.items() if is_kept is wanted) or "nothing"


def untried() -> Iterator[str]:
    """What this page does not show."""
    yield "## Not tried\n"
    yield "- A real power cut, a real network drive, disks that lie about syncing, and other systems than Linux."
    yield "- PostgreSQL other than 15, a replica that takes over, and a connection pooler before it."
    yield "- More than twelve people at once."


def read(name: str) -> Any:
    """A result; ``None`` if its run has not been done."""
    path = RESULTS / name
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


if __name__ == "__main__":
    main()
