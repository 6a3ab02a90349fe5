"""Where a campaign stands, as plain data for people and machines."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from experiments.assumptions import assumption_sentences, both_readings
from experiments.config import CampaignConfig
from experiments.frozen_check import altered_rounds
from experiments.knowledge import CELL_PROPERTIES, PELLET_PROPERTIES, Knowledge
from experiments.ledger import Ledger
from experiments.limits_of_size import NEXT_ROUND_LEFT_OUT
from experiments.literature import literature_waiting
from experiments.literature_report import literature_report
from experiments.next_round import next_round
from experiments.progress import hypervolumes
from experiments.scorecard import scorecard, scored_rounds, scores_of
from experiments.scoring import Score, summary
from experiments.undecided import undecided
from features.properties import property_of


def status_of(
    ledger: Ledger, config: CampaignConfig, knowledge: Knowledge, *, worth: float | None = None
) -> dict[str, Any]:
    """State of rounds, data, surrogates and stock.

    Args:
        ledger: The campaign's ledger.
        config: Its configuration.
        knowledge: Readings and surrogates as they are now.
        worth: Share of the present hypervolume by which another round must raise it to be worth
            it; ``None`` leaves the question out, it takes as long as to propose.

    Returns:
        Plain data; ``coverage`` is ``None`` until a round was scored, ``next_round`` if it is left
        out; ``altered`` names rounds whose frozen predictions are not those proposed.
    """
    with ledger.kept():  # of one moment, and what several parts ask for is read once
        return _status_of(ledger, config, knowledge, worth)


def _status_of(
    ledger: Ledger, config: CampaignConfig, knowledge: Knowledge, worth: float | None
) -> dict[str, Any]:
    readings, rounds = ledger.readings(), ledger.rounds().to_dict("records")
    details = scored_rounds(ledger)
    scores = scores_of(details)
    everything = [score for part in scores.values() for score in part]
    totals = summary(everything) if everything else None
    counts = ledger.proposals()[["round_id", "kind"]].value_counts().to_dict()
    stock = ledger.stock(expected_recovery=config.equipment.expected_recovery)
    fitted = knowledge.fitted["property"].value_counts()
    return {
        "campaign": ledger.campaign,
        "kind": ledger.kind,
        "rounds": [_round(ledger, row, counts, scores.get(str(row["id"]))) for row in rounds],
        "readings": {str(k): int(v) for k, v in readings["property"].value_counts().items()},
        "in_fit": {
            name: int(fitted.get(name, 0)) for name in (*PELLET_PROPERTIES, *CELL_PROPERTIES)
        },
        "in_words": [model.in_words() for model in knowledge.layers.values()]
        + [knowledge.trilayer.in_words()]
        + [f"success: {line}" for line in knowledge.feasibility.in_words().values()],
        "scatter": _scatter(knowledge),
        "set_aside": [_waiting(row) for row in knowledge.waiting.to_dict("records")]
        + literature_waiting(ledger, config),
        "literature": literature_report(ledger, config, knowledge),
        "notes": [f"{row['id']}: {row['text']}" for row in ledger.notes().to_dict("records")],
        "assumptions": assumption_sentences(ledger, config),
        "assumption_changes": ledger.assumption_changes().to_dict("records"),
        "both_readings": both_readings(config),
        "hypervolume": hypervolumes(knowledge, config),
        "next_round": (
            None if worth is None else next_round(ledger, config, knowledge, worth=worth)
        ),
        "left_out": [NEXT_ROUND_LEFT_OUT] if worth is None and knowledge.is_crowded else [],
        "coverage": None if totals is None else totals["coverage"],
        "scores": totals,
        **scorecard(ledger, details),
        "altered": [sentence for found in altered_rounds(ledger).values() for sentence in found],
        "stock": [
            {"jar": row["jar"], "left_mg": row["left_mg"], "expected": bool(row["expected"])}
            for row in stock.to_dict("records")
        ],
        "pending_mlflow": len(ledger.outbox()),
        "derived": _derived(readings),
    }


def _round(
    ledger: Ledger,
    row: Mapping[Any, Any],
    counts: Mapping[Any, int],
    scores: Sequence[Score] | None,
) -> dict[str, Any]:
    return {
        "id": row["id"],
        "state": row["state"],
        "opened_at": row["opened_at"],
        "closed_at": row["closed_at"] if isinstance(row["closed_at"], str) else None,
        "n_glasses": int(counts.get((row["id"], "glass"), 0)),
        "n_trilayers": int(counts.get((row["id"], "trilayer"), 0)),
        "waits_for": undecided(ledger, row["id"]) if row["state"] == "open" else [],
        "scored": summary(scores) if scores else None,
    }


def _scatter(knowledge: Knowledge) -> dict[str, dict[str, dict[str, Any]]]:
    """Standard deviation between jars, pellets, cells and readings, by property and level."""
    found = {
        name: (model.scatter(), property_of(name).sd_unit)
        for name, model in knowledge.layers.items()
        if model.n_readings
    }
    if knowledge.trilayer.n_readings:
        name = "critical_current_density"
        found[name] = (knowledge.trilayer.scatter(), property_of(name).sd_unit)
    return {
        name: {
            part.level: {**part.to_dict(), "unit": unit, "in_words": part.in_words(unit)}
            for part in levels
        }
        for name, (levels, unit) in found.items()
    }


def _waiting(row: dict[Any, Any]) -> str:
    name = row["property"].replace("_", " ")
    note = f" ({row['note']})" if row["note"] else ""
    return f"{row['source']}: {name} {row['text']} of {row['specimen']}: {row['why_not']}{note}"


def _derived(readings: pd.DataFrame) -> list[str]:
    """Readings that are computed from others, said so."""
    rows = readings.loc[readings["derived_from"].fillna("") != ""]
    return [
        f"{row['source']} ({row['property'].replace('_', ' ')} of {row['specimen']}) is derived "
        f"from {row['derived_from']}"
        for row in rows.to_dict("records")
    ]
