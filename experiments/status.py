"""Where a campaign stands, as plain data for people and machines."""

from typing import Any

import pandas as pd

from experiments.assumptions import assumption_sentences, both_readings
from experiments.config import CampaignConfig
from experiments.knowledge import CELL_PROPERTIES, PELLET_PROPERTIES, Knowledge
from experiments.ledger import Ledger
from experiments.progress import hypervolumes
from experiments.settling import last_summary, undecided


def status_of(ledger: Ledger, config: CampaignConfig, knowledge: Knowledge) -> dict[str, Any]:
    """State of rounds, data, surrogates and stock.

    Args:
        ledger: The campaign's ledger.
        config: Its configuration.
        knowledge: Readings and surrogates as they are now.

    Returns:
        Plain data; ``coverage`` is ``None`` until a round was scored.
    """
    readings = ledger.readings()
    totals = last_summary(ledger)
    stock = ledger.stock(expected_recovery=config.equipment.expected_recovery)
    fitted = knowledge.fitted["property"].value_counts()
    return {
        "campaign": ledger.campaign,
        "kind": ledger.kind,
        "rounds": [_round(ledger, row) for row in ledger.rounds().to_dict("records")],
        "readings": {str(k): int(v) for k, v in readings["property"].value_counts().items()},
        "in_fit": {
            name: int(fitted.get(name, 0)) for name in (*PELLET_PROPERTIES, *CELL_PROPERTIES)
        },
        "in_words": [model.in_words() for model in knowledge.layers.values()]
        + [knowledge.trilayer.in_words()],
        "set_aside": [_waiting(row) for row in knowledge.waiting.to_dict("records")],
        "notes": [f"{row['id']}: {row['text']}" for row in ledger.notes().to_dict("records")],
        "assumptions": assumption_sentences(ledger, config),
        "assumption_changes": ledger.assumption_changes().to_dict("records"),
        "both_readings": both_readings(config),
        "hypervolume": hypervolumes(knowledge, config),
        "coverage": None if totals is None else totals["coverage"],
        "scores": totals,
        "stock": [
            {"jar": row["jar"], "left_mg": row["left_mg"], "expected": bool(row["expected"])}
            for row in stock.to_dict("records")
        ],
        "pending_mlflow": len(ledger.outbox()),
        "derived": _derived(readings),
    }


def _round(ledger: Ledger, row: dict[Any, Any]) -> dict[str, Any]:
    proposals = ledger.proposals(row["id"])
    return {
        "id": row["id"],
        "state": row["state"],
        "opened_at": row["opened_at"],
        "closed_at": row["closed_at"] if isinstance(row["closed_at"], str) else None,
        "n_glasses": int((proposals["kind"] == "glass").sum()),
        "n_trilayers": int((proposals["kind"] == "trilayer").sum()),
        "waits_for": undecided(ledger, row["id"]) if row["state"] == "open" else [],
        "scored": last_summary(ledger, row["id"]),
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
