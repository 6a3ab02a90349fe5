"""One campaign of a study: run it, and what came of it as plain data."""

from pathlib import Path
from typing import Any

import numpy as np

from experiments.campaign import Campaign
from experiments.closed_loop import LoopRound, run_loop
from experiments.config import CampaignConfig, MlflowConfig
from experiments.ledger import Ledger
from experiments.made_recipes import TrueValues
from experiments.reachable import volume
from experiments.strategies import strategy_named
from experiments.study_spec import StudySpec, Task
from experiments.targets import Target

Row = dict[str, Any]


def study_config(config: CampaignConfig, spec: StudySpec, seed: int) -> CampaignConfig:
    """The configuration of a study's campaign: untracked, and with jars enough for any strategy.

    Args:
        config: What is searched, and for what.
        spec: The study.
        seed: Of the campaign.
    """
    most = max(batch.glasses for batch in spec.batches)
    owned = {m: max(n, most) if n else 0 for m, n in config.glasses.jars_owned.items()}
    return config.model_copy(
        update={
            "seed": seed,
            "glasses": config.glasses.model_copy(update={"jars_owned": owned}),
            "mlflow": MlflowConfig(track=False),
        }
    )


def run_task(task: Task, spec: StudySpec, config: CampaignConfig, folder: Path) -> Row:
    """Run one campaign in a folder of its own.

    Args:
        task: Which.
        spec: The study.
        config: What is searched, and for what.
        folder: Of the campaign; must not exist.

    Returns:
        ``task``, ``rounds`` (one row each) and ``scores`` (one a reading predicted before).
    """
    own = study_config(config, spec, task.seed)
    laboratory = task.laboratory()
    target = Target.of(spec.target) if spec.target else None
    truth = TrueValues(laboratory)
    rows: list[Row] = []
    with Campaign.create(folder, own, pictures=False) as campaign:
        for made in run_loop(
            campaign,
            laboratory,
            rounds=spec.rounds,
            glasses=task.batch.glasses,
            trilayers=task.batch.trilayers,
            choose=strategy_named(task.strategy)(task.seed),
            late=spec.late,
            without=spec.without,
        ):
            rows.append(_row(campaign, made, truth, target))
        scores = _scores(campaign.ledger)
    return {"task": task.labels(), "rounds": rows, "scores": scores}


def _row(campaign: Campaign, made: LoopRound, truth: TrueValues, target: Target | None) -> Row:
    ledger, config = campaign.ledger, campaign.config
    jars, pellets = ledger.jars(), ledger.pellets()
    own = jars.loc[jars["round_id"].notna()]
    of_glasses = truth.of_pellets(ledger, tuple(config.glasses.objectives))
    of_cells = truth.of_cells(ledger, tuple(config.cells.objectives))
    cells = ledger.cells()
    row: Row = {
        "round": made.number,
        "jars": len(own),
        "failed_jars": int((own["status"] == "failed").sum()),
        "pellets": int(
            (pellets["round_id"].notna() & pellets["status"].isin(["made", "failed"])).sum()
        ),
        "cells": int((cells["round_id"].notna() & cells["status"].isin(["made", "failed"])).sum()),
        "hands_on_h": made.hands_on_h,
        "ends_h": made.ends_h,
        "price_h": made.price_h,
        "milling_time_h": float(made.round["mill_run"]["milling_time_h"]),
        "volume_glasses": volume(config.glasses.objectives, _values(of_glasses)),
        "volume_cells": volume(config.cells.objectives, _values(of_cells)),
    }
    if target is not None:
        look = truth.of_cells if target.is_of_cells else truth.of_pellets
        row["target"] = any(
            target.is_met(values) for values in look(ledger, target.properties).values()
        )
    return row


def _values(by_specimen: dict[str, dict[str, float]]) -> "np.ndarray[Any, np.dtype[np.float64]]":
    return np.array([list(values.values()) for values in by_specimen.values()], dtype=float)


def _scores(ledger: Ledger) -> list[Row]:
    """Every reading that was predicted before it was measured, with the jars that it hangs on."""
    pellets, cells = ledger.pellets(), ledger.cells()
    jar = {**dict(pellets["jar"]), **dict(cells["core"] + "|" + cells["skin"])}
    events = ledger.round_events()
    last = events.loc[events["event"] == "scored"].groupby("round_id")["detail"].last()
    return [
        {"round": int(str(name)[1:]), "jars": jar[score["specimen"]], **score}
        for name, detail in last.items()
        for score in detail["scores"]
    ]
