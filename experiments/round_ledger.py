"""A round in the ledger: specimens planned, predictions frozen, MLflow to be told; and back."""

import json
from collections.abc import Mapping
from hashlib import sha256
from math import isfinite
from typing import Any, Final

from experiments.comparison_task import task_of
from experiments.config import CampaignConfig
from experiments.knowledge import (
    CELL_PROPERTIES,
    GLASS_COLUMNS,
    PELLET_PROPERTIES,
    Knowledge,
    canonical,
)
from experiments.ledger import Ledger
from experiments.ledger_rows import CellRow, JarRow, Origin, OutboxRow, PelletRow, ProposalRow
from experiments.progress import flat_hypervolumes
from experiments.round_files import round_texts
from experiments.round_plan import JAR_COLUMNS, Round
from features.errors import CampaignError, TableError
from models.compare import compare

_READING: Final = ("specimen", "property", "lower", "upper", "se", "temperature_c", "source")
"""What MLflow is told of a reading."""


def write_round(
    ledger: Ledger, config: CampaignConfig, knowledge: Knowledge, round_: Round
) -> None:
    """Write a planned round in one transaction.

    Args:
        ledger: The campaign's ledger.
        config: The configuration as it stands.
        knowledge: The surrogates that predicted it; they are frozen.
        round_: The round as plain data.
    """
    digest, body = knowledge.frozen()
    round_id, number = str(round_["round"]), int(str(round_["round"])[1:])
    header = {k: v for k, v in round_.items() if k not in ("glasses", "trilayers")}
    origin: Origin = "simulated" if ledger.kind == "simulated" else "lab"
    with ledger.transaction() as tx:
        tx.add_round(
            round_id,
            number=number,
            seed=config.seed,
            config={"campaign": config.model_dump(mode="json"), "round": header},
        )
        tx.add_model(canonical(body))
        for item in round_["glasses"]:
            recipe = item["recipe"]
            tx.add_jar(
                JarRow(
                    id=item["id"],
                    origin=origin,
                    round_id=round_id,
                    status="planned",
                    batch_mass_g=item["batch_mass_g"],
                    **{name: recipe[name] for name in JAR_COLUMNS},
                )
            )
            tx.add_pellet(
                PelletRow(
                    id=item["pellet"],
                    jar=item["id"],
                    round_id=round_id,
                    status="planned",
                    pressing_pressure_mpa=recipe["pressing_pressure_mpa"],
                    mass_mg=recipe["mass_mg"],
                )
            )
        for item in round_["trilayers"]:
            recipe = {k: v for k, v in item["recipe"].items() if not k.endswith("_recipe")}
            tx.add_cell(CellRow(id=item["id"], round_id=round_id, status="planned", **recipe))
        for kind, items in (("glass", round_["glasses"]), ("trilayer", round_["trilayers"])):
            for item in items:
                tx.add_proposal(
                    ProposalRow(
                        round_id=round_id,
                        specimen=item["id"],
                        kind=kind,
                        recipe={k: v for k, v in item.items() if k != "predictions"},
                        prediction=item["predictions"],
                        model_sha256=digest,
                        role=item["role"],
                        why=item["why"],
                    )
                )
        tx.add_outbox(
            OutboxRow(
                kind="round_opened",
                round_id=round_id,
                payload=_opened(config, knowledge, round_, body),
            )
        )


def _opened(
    config: CampaignConfig, knowledge: Knowledge, round_: Round, body: Mapping[str, Any]
) -> dict[str, Any]:
    """What MLflow is told of a new round."""
    readings = knowledge.fitted[list(_READING)]
    made = knowledge.pellets[list(GLASS_COLUMNS)]
    data = readings.join(made, on="specimen").to_csv(index=False)
    if len(others := knowledge.literature.readings):
        theirs = others[list(_READING)].join(
            knowledge.literature.recipes[list(GLASS_COLUMNS)], on="specimen"
        )
        data += theirs.to_csv(index=False, header=False)
    counts = {
        f"n_readings_{name}": float((readings["property"] == name).sum())
        for name in (*PELLET_PROPERTIES, *CELL_PROPERTIES)
    }
    scores = _surrogate_scores(config, knowledge)
    files = round_texts(round_, config)
    return {
        "params": {
            "seed": str(config.seed),
            "temperature_c": f"{config.temperature_c:g}",
            "n_glasses": str(len(round_["glasses"])),
            "n_trilayers": str(len(round_["trilayers"])),
            **{k: str(v) for k, v in config.assumptions.model_dump().items()},
        },
        "tags": {"glassloop.simulated": str(round_["simulated"]).lower()},
        "metrics": flat_hypervolumes(round_["hypervolume"]) | counts | scores,
        "step": int(str(round_["round"])[1:]),
        "artifacts": {
            "batch.csv": files["batch.csv"],
            "batch_sheet.html": files["batch_sheet.html"],
            "predictions.json": json.dumps(round_, indent=1),
            "campaign.json": config.model_dump_json(indent=1),
        },
        "dataset": {"name": "readings", "csv": data, "sha256": _sha256(data)},
        "models": dict(body),
    }


def _surrogate_scores(config: CampaignConfig, knowledge: Knowledge) -> dict[str, float]:
    """Scores of the process and of the plain mean on glasses left out, by property."""
    metrics = {}
    for name in PELLET_PROPERTIES:
        task = task_of(name, ("mean", "gp"), config, knowledge)
        try:
            found = compare(
                name, task.recipes, task.readings, task.unfitted,
                variables=(), temperature_c=config.temperature_c,
            )  # fmt: skip
        except TableError:  # too few glasses, or none at this temperature
            continue
        for label, row in found.scores.to_dict("index").items():
            metrics[f"loo_log_score_{label}_{name}"] = -float(row["nlpd"])
            metrics[f"loo_rmse_{label}_{name}"] = float(row["rmse"])
            metrics[f"loo_coverage_90_{label}_{name}"] = float(row["coverage_90"])
    return {key: value for key, value in metrics.items() if isfinite(value)}


def stored_round(ledger: Ledger, wanted: str) -> Round:
    """A round as it was proposed, from the ledger; ``mlflow_run_id`` is not filled in.

    Raises:
        CampaignError: If there is no such round.
    """
    configs = {str(row["id"]): row["config"] for row in ledger.rounds().to_dict("records")}
    if wanted not in configs:
        known = ", ".join(configs) or "none yet"
        raise CampaignError(f"there is no round {wanted!r}; rounds: {known}")
    items = {"glass": list[dict[str, Any]](), "trilayer": list[dict[str, Any]]()}
    for row in ledger.proposals(wanted).to_dict("records"):
        items[str(row["kind"])].append({**row["recipe"], "predictions": row["prediction"]})
    return {
        **configs[wanted]["round"],
        "simulated": ledger.kind == "simulated",
        "glasses": items["glass"],
        "trilayers": items["trilayer"],
    }


def _sha256(text: str) -> str:
    return sha256(text.encode()).hexdigest()
