"""After results: score the round that predicted them, see whether it is complete, tell MLflow."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

import pandas as pd

from experiments.config import TEMPERATURE_TOLERANCE_C, CampaignConfig
from experiments.knowledge import (
    CELL_PROPERTIES,
    GLASS_COLUMNS,
    PELLET_PROPERTIES,
    fit_knowledge,
    sound_cells,
    sound_pellets,
    thawed,
)
from experiments.ledger import Ledger, Transaction
from experiments.ledger_rows import OutboxRow
from experiments.progress import flat_hypervolumes, hypervolumes
from experiments.recording import not_measured
from experiments.round_folder import asked_readings
from experiments.scoring import Score, score, scores_frame, summary
from features.properties import TEMPERATURE_DEPENDENT
from models.trilayer import TrilayerSurrogate

CLOSED_UNTOLD: Final = "the round was closed before its fate was told"


def unsettled(ledger: Ledger) -> list[str]:
    """Rounds with results newer than their scores, oldest first.

    Results are committed before they are scored; a crash between leaves a round here, and the
    next command settles it.
    """
    events = ledger.round_events()
    waiting = []
    for round_id in ledger.rounds()["id"]:
        kinds = list(events.loc[events["round_id"] == round_id, "event"])
        last = {kind: index for index, kind in enumerate(kinds)}
        if last.get("recorded", -1) > last.get("scored", -1):
            waiting.append(str(round_id))
    return waiting


def settle(ledger: Ledger, config: CampaignConfig) -> list[str]:
    """Score every round with new results; close those that are complete.

    Args:
        ledger: The campaign's ledger.
        config: The campaign's configuration.

    Returns:
        Rounds closed now.
    """
    waiting = unsettled(ledger)
    if not waiting:
        return []
    now = hypervolumes(fit_knowledge(ledger, config), config)
    closed = []
    for round_id in waiting:
        scores = score_round(ledger, round_id)
        is_open = ledger.rounds().set_index("id").loc[round_id, "state"] == "open"
        complete = is_open and not undecided(ledger, round_id)
        with ledger.transaction() as tx:
            _write_scores(tx, ledger, round_id, scores, now)
            if complete:
                close(tx, round_id)
                closed.append(round_id)
    return closed


def score_round(ledger: Ledger, round_id: str) -> list[Score]:
    """Scores of all readings of a round by the model frozen when it was proposed.

    Args:
        ledger: The campaign's ledger.
        round_id: The round.

    Returns:
        One score a reading, at the recipe as made.
    """
    proposals = ledger.proposals(round_id)
    layers, trilayer = thawed(json.loads(ledger.model(proposals["model_sha256"].iloc[0])))
    pellets, cells = ledger.pellets(), ledger.cells()
    pellets = sound_pellets(pellets.loc[pellets["round_id"] == round_id])
    cells = sound_cells(cells.loc[cells["round_id"] == round_id])
    temperature_c = _temperature_then(ledger, round_id)
    as_made = _predictions(layers, trilayer, pellets, cells)
    proposed = {
        row["recipe"].get("pellet", row["specimen"]): row["prediction"]
        for row in proposals.to_dict("records")
    }
    found = []
    for reading in ledger.readings().to_dict("records"):
        name, specimen = str(reading["property"]), str(reading["specimen"])
        if (specimen, name) not in as_made or not _at_temperature(_as_text(reading), temperature_c):
            continue
        asked = proposed.get(specimen, {}).get(name)
        found.append(score(_as_text(reading), as_made[specimen, name], as_proposed=asked))
    return found


def undecided(ledger: Ledger, round_id: str) -> list[str]:
    """What a round still waits for, one clause each; empty when it is complete."""
    jars, pellets, cells = ledger.jars(), ledger.pellets(), ledger.cells()
    status = {
        **dict(jars["status"]),
        **dict(pellets["status"]),
        **dict(cells["status"]),
    }
    lost = {name for name, value in status.items() if value in ("failed", "not_made")}
    lost |= {str(name) for name in pellets.index[pellets["jar"].isin(lost)]}
    lost |= {str(n) for n in cells.index[cells["core"].isin(lost) | cells["skin"].isin(lost)]}
    readings = ledger.readings()
    told = {*zip(readings["specimen"], readings["property"], strict=True)}
    told |= not_measured(ledger, round_id)
    items = [row["recipe"] for row in ledger.proposals(round_id).to_dict("records")]
    round_ = {
        "glasses": [item for item in items if "pellet" in item],
        "trilayers": [item for item in items if "pellet" not in item],
    }
    waits = [
        f"whether {name} was made"
        for item in items
        for name in (item["id"], item.get("pellet"))
        if name is not None and status.get(name) == "planned" and name not in lost
    ]
    waits += [
        f"{name} of {specimen}"
        for specimen, name in asked_readings(round_)
        if specimen not in lost and (specimen, name) not in told
    ]
    return waits


def close(tx: Transaction, round_id: str) -> None:
    """Close a round and tell MLflow."""
    tx.add_round_event(round_id, "closed")
    tx.add_outbox(OutboxRow(kind="round_closed", round_id=round_id, payload={}))


def last_summary(ledger: Ledger, round_id: str | None = None) -> dict[str, Any] | None:
    """Scores of a round, or of all rounds together; ``None`` when nothing was scored."""
    events = ledger.round_events(round_id)
    scored = events.loc[events["event"] == "scored"]
    latest = scored.groupby("round_id")["detail"].last()
    scores = [Score(**row) for detail in latest for row in detail["scores"]]
    return summary(scores) if scores else None


def _write_scores(
    tx: Transaction,
    ledger: Ledger,
    round_id: str,
    scores: list[Score],
    now: Mapping[str, Mapping[str, float]],
) -> None:
    totals = summary(scores)
    rounds = ledger.rounds()
    number = int(rounds.loc[rounds["id"] == round_id, "number"].iloc[0])
    tx.add_round_event(
        round_id,
        "scored",
        {"scores": [asdict(s) for s in scores], "summary": totals, "hypervolume": dict(now)},
    )
    metrics = {f"after_{name}": value for name, value in flat_hypervolumes(now).items()}
    metrics |= _flat(totals)
    tx.add_outbox(
        OutboxRow(
            kind="round_recorded",
            round_id=round_id,
            payload={
                "tags": {"glassloop.simulated": str(ledger.kind == "simulated").lower()},
                "metrics": metrics,
                "step": number,
                "artifacts": {
                    "scores.csv": scores_frame(scores).to_csv(index=False),
                    "results.csv": _readings_csv(ledger, round_id),
                },
            },
        )
    )


def _flat(totals: Mapping[str, Any]) -> dict[str, float]:
    metrics = {"readings_scored": float(totals["n"])}
    if totals["n"]:
        metrics["coverage_50"] = totals["coverage"]["50"]
        metrics["coverage_90"] = totals["coverage"]["90"]
        metrics["mean_log_score"] = totals["mean_log_score"]
        metrics |= {f"rmse_{name}": part["rmse"] for name, part in totals["properties"].items()}
    return metrics


def _readings_csv(ledger: Ledger, round_id: str) -> str:
    frames = (ledger.jars(), ledger.pellets(), ledger.cells())
    own = {str(name) for frame in frames for name in frame.index[frame["round_id"] == round_id]}
    readings = ledger.readings()
    columns = ["specimen", "property", "lower", "upper", "se", "n", "temperature_c", "method"]
    return str(readings.loc[readings["specimen"].isin(own), columns].to_csv(index=False))


def _predictions(
    layers: Mapping[str, Any],
    trilayer: TrilayerSurrogate,
    pellets: pd.DataFrame,
    cells: pd.DataFrame,
) -> dict[tuple[str, str], dict[str, float]]:
    """Prediction at the recipe as made, by specimen and property."""
    tables: dict[str, pd.DataFrame] = {}
    if len(pellets):
        recipes = pellets[list(GLASS_COLUMNS)]
        tables |= {name: layers[name].predict(recipes) for name in PELLET_PROPERTIES}
    if len(cells):
        cell_tables = trilayer.predict(cells)
        tables |= {name: cell_tables[name] for name in CELL_PROPERTIES}
    return {
        (str(specimen), name): {str(key): float(value) for key, value in row.items()}
        for name, table in tables.items()
        for specimen, row in table.iterrows()
    }


def _temperature_then(ledger: Ledger, round_id: str) -> float:
    """The campaign's temperature when the round was proposed: that of its frozen surrogates."""
    rounds = ledger.rounds()
    config = rounds.loc[rounds["id"] == round_id, "config"].iloc[0]
    return float(config["campaign"]["cells"]["temperature_c"])


def _at_temperature(reading: Mapping[str, Any], temperature_c: float) -> bool:
    if reading["property"] not in TEMPERATURE_DEPENDENT:
        return True
    off = abs(reading["temperature_c"] - temperature_c) > TEMPERATURE_TOLERANCE_C
    return not off  # a reading without a temperature is in the fit, so it is scored too


def _as_text(reading: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(name): value for name, value in reading.items()}
