"""A campaign's life while the clock jumps; run as a process of its own under ``tape.c``.

    python -m benchmarks.faults.clock_work FOLDER SEED...

For each seed a copy of the campaign is recorded, proposed, corrected and shown, its clock set
to another time before each transaction, up to 400 days earlier or later; seed 0 leaves the clock
alone. Prints what is then known of each, without times, as one line of JSON.
"""

import contextlib
import ctypes
import io
import json
import random
import shutil
import sys
from pathlib import Path
from typing import Any, Final

from benchmarks.faults.subject import FILES, TIMES, facts
from benchmarks.faults.warm import telling_of_transactions

DAY_S: Final = 86_400
FARTHEST_DAYS: Final = 400


def life(folder: Path, seed: int) -> dict[str, Any]:
    """What is known of a campaign at the end.

    Args:
        folder: A campaign with round R02 filled in.
        seed: Of the jumps; 0 for none.
    """
    from experiments.campaign import Campaign

    rng = random.Random(seed)
    set_step = ctypes.CDLL(None).set_clock_step

    def jump(name: str) -> None:
        if seed and name == "begun":
            set_step(ctypes.c_long(rng.randint(-FARTHEST_DAYS, FARTHEST_DAYS) * DAY_S))

    with telling_of_transactions(jump):
        with Campaign.open(folder) as campaign:
            place = campaign.round_folder("R02")
            files = [place / name for name in FILES]
            campaign.record(*files, by="me")
            campaign.propose(glasses=2, trilayers=1)
            campaign.simulate(fill_only=True)
        _correct(files[1])
        with Campaign.open(folder) as campaign:
            campaign.record(*files, by="me")
            campaign.record(
                *(campaign.round_folder("R03") / name for name in FILES), by="me", end=True
            )
        with Campaign.open(folder) as campaign:
            return _known(campaign) | {"report": _report(campaign) if seed else None}


def _correct(results: Path) -> None:
    """A chemist writes another value into a row."""
    lines = results.read_text().splitlines(keepends=True)
    place = lines[0].strip().split(",").index("value")
    row = next(
        n for n, line in enumerate(lines)
        if ",ionic_conductivity," in line and ",not_measured," not in line
    )  # fmt: skip
    cells = lines[row].split(",")
    cells[place] = f"{float(cells[place]) * 1.1:.3g}"
    lines[row] = ",".join(cells)
    results.write_text("".join(lines))


def _known(campaign: Any) -> dict[str, Any]:
    from experiments.outbox import LedgerOutbox

    ledger, status = campaign.ledger, campaign.status()
    moments = [event.payload["time_ms"] for event in LedgerOutbox(ledger).events({"R02", "R03"})]
    return {
        "facts": {name: sorted(rows.elements()) for name, rows in facts(ledger).items()},
        "reading order": [int(n) for n in ledger.readings(current=False)["version_id"]],
        "rounds": ledger.rounds()[["id", "state"]].to_numpy().tolist(),
        "status": _timeless(status),
        "verify": campaign.verify(),
        "MLflow is told in order": moments == sorted(moments),
        "clock went back": any(
            later < sooner
            for sooner, later in zip(
                ledger.readings(current=False)["recorded_at"][:-1],
                ledger.readings(current=False)["recorded_at"][1:],
                strict=True,
            )
        ),
    }


def _report(campaign: Any) -> int:
    """Figures of the report, after an export was written too."""
    from experiments.export import export_bytes

    export_bytes(campaign.ledger, campaign.config, form="json")
    return len(campaign.report(campaign.folder / "report").figures)


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _timeless(v) for k, v in value.items() if k not in TIMES}
    if isinstance(value, list | tuple):
        return [_timeless(one) for one in value]
    return value if isinstance(value, bool | int | str) or value is None else f"{value:.6g}"


def main(words: list[str]) -> None:
    """Print a line for each seed."""
    source = Path(words[0])
    for word in words[1:]:
        folder = source.with_name(f"{source.name}-{word}")
        shutil.copytree(source, folder)
        with contextlib.redirect_stdout(io.StringIO()):
            known = life(folder, int(word))
        print(json.dumps(known, default=str), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
