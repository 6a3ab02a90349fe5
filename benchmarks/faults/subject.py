"""The campaign faults are done to, what is done with it, and what is then in its ledger.

Functions that use surrogates run in a child, see ``warm``: a process that has run torch must not
be forked.
"""

import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

from benchmarks.faults import warm
from benchmarks.faults.tally import Facts

TIMES: Final = {"recorded_at", "created_at", "opened_at", "closed_at", "changed_at", "at"}
"""Columns that differ between two runs that did the same."""

FILES: Final = ("made.csv", "results.csv")


@dataclass(frozen=True, slots=True)
class Subject:
    """Two campaigns to copy, and what they hold when nothing disturbs them.

    Attributes:
        recorded: Folder of one with a scored round R01 and nothing open.
        filled: The same with round R02 open, its files filled in.
        proposed: What ``recorded`` holds after ``propose``.
        settled: What ``filled`` holds after ``record``.
    """

    recorded: Path
    filled: Path
    proposed: Facts
    settled: Facts

    def copy_of(self, which: Path, place: Path) -> Path:
        """A copy of one of the campaigns at a place where nothing may be yet."""
        shutil.copytree(which, place)
        return place


def made_subject(folder: Path, *, track: bool = False) -> Subject:
    """Make the campaigns in a folder.

    Args:
        folder: There, or made.
        track: Tell MLflow, in a store of each campaign's own.
    """
    folder.mkdir(parents=True, exist_ok=True)
    recorded, filled = folder / "recorded", folder / "filled"
    done(warm.run(_begin, recorded, track))
    shutil.copytree(recorded, filled)
    proposed = done(warm.run(propose, filled))
    done(warm.run(_fill, filled))
    undisturbed = folder / "undisturbed"
    shutil.copytree(filled, undisturbed)
    settled = done(warm.run(record, undisturbed))
    return Subject(recorded, filled, proposed, settled)


def done(outcome: warm.Outcome) -> Any:
    """What a child returned; it must have returned something."""
    if outcome.error is not None or not outcome.is_over:
        raise RuntimeError(f"the child did not end well: {outcome.error}")
    return outcome.value


def propose(folder: Path) -> Facts:
    """Open a campaign, show the open round or propose one, and say what the ledger holds."""
    from experiments.campaign import Campaign

    with Campaign.open(folder) as campaign:
        if waiting := campaign.open_rounds():
            campaign.show(waiting[0])
        else:
            campaign.propose(glasses=2, trilayers=1)
        return facts(campaign.ledger)


def record(folder: Path) -> Facts:
    """Open a campaign, record the files of round R02, and say what the ledger holds."""
    from experiments.campaign import Campaign

    with Campaign.open(folder) as campaign:
        place = campaign.round_folder("R02")
        campaign.record(*(place / name for name in FILES), by="me")
        return facts(campaign.ledger)


def again(work: Callable[[Path], Facts], folder: Path) -> tuple[Facts, list[str]]:
    """Do something again, and what is then wrong with the campaign."""
    return work(folder), verify(folder)


def verify(folder: Path) -> list[str]:
    """What is wrong with a campaign."""
    from experiments.campaign import Campaign

    with Campaign.open(folder) as campaign:
        return campaign.verify()


def look(folder: Path) -> Facts:
    """What the ledger holds; nothing is scored, completed or otherwise done."""
    from experiments.config import CONFIG_NAME, read_config
    from experiments.storage import open_ledger

    with open_ledger(folder, read_config(folder / CONFIG_NAME)) as ledger:
        return facts(ledger)


def facts(ledger: Any) -> Facts:
    """All that people would miss, by table, each row as text without its times."""
    readings = ledger.readings(current=False)
    frames = {
        "jars": ledger.jars().reset_index(),
        "pellets": ledger.pellets().reset_index(),
        "cells": ledger.cells().reset_index(),
        "readings": readings,
        "rounds": ledger.rounds()[["id", "number", "state", "seed"]],
        "proposals": ledger.proposals()[["round_id", "specimen", "kind", "role"]].assign(
            recipe=[(row["recipe"], row.get("masses_mg")) for row in ledger.proposals()["recipe"]]
        ),
        "events": ledger.round_events()[["round_id", "event"]].query("event != 'tracked'"),
        "files": ledger.files()[["sha256", "name"]],
        "outbox": ledger.outbox(pending=False)[["kind", "round_id"]],
    }
    return {name: _rows(_renumbered(frame)) for name, frame in frames.items()}


def _renumbered(frame: pd.DataFrame) -> pd.DataFrame:
    """Versions numbered without gaps: PostgreSQL gives no number again that was undone."""
    if "version_id" not in frame:
        return frame
    place = {number: at for at, number in enumerate(sorted(frame["version_id"]), start=1)}
    is_later = frame["supersedes"].notna()
    return frame.assign(version_id=frame["version_id"].map(place), supersedes=is_later)


def _rows(frame: pd.DataFrame) -> Counter[str]:
    kept = frame[[name for name in frame.columns if name not in TIMES]]
    return Counter(str(list(row)) for row in kept.astype(object).itertuples(index=False))


def tables(file: Path) -> dict[str, list[str]]:
    """All rows of all tables of an SQLite ledger, as they lie there, and its schema.

    Raises:
        sqlite3.Error: If it cannot be read.
    """
    with closing(sqlite3.connect(file)) as connection:
        query = "SELECT name FROM sqlite_master WHERE type = 'table'"
        names = [name for (name,) in connection.execute(query)]
        schema = connection.execute("SELECT type, name, sql FROM sqlite_master")
        return {"schema": sorted(map(repr, schema))} | {
            name: sorted(map(repr, connection.execute(f'SELECT * FROM "{name}"'))) for name in names
        }


def usual_s(work: Callable[..., Any], which: Path, place: Path) -> tuple[float, list[float]]:
    """How long something takes in a copy, s, and when its transactions begin and end."""
    import time

    shutil.copytree(which, place)
    done(warm.run(look, place))  # the first child waits for all to be imported
    begun = time.monotonic()
    outcome = warm.run(work, place)
    took = time.monotonic() - begun
    done(outcome)
    shutil.rmtree(place)
    return took, [moment for _, moment in outcome.events]


def _begin(folder: Path, track: bool) -> None:
    from experiments.campaign import Campaign
    from experiments.config import CampaignConfig, MlflowConfig

    mlflow = MlflowConfig(track=track, folder="mlruns")
    with Campaign.create(folder, CampaignConfig(name="glasses", mlflow=mlflow)) as campaign:
        campaign.propose(glasses=2, trilayers=1)
        campaign.simulate()


def _fill(folder: Path) -> None:
    from experiments.campaign import Campaign

    with Campaign.open(folder) as campaign:
        campaign.simulate(fill_only=True)
