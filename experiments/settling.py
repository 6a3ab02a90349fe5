"""After results: score the round that predicted them, see whether it is complete, tell MLflow."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from experiments.acting import acting_by_itself
from experiments.clusters import clusters_of
from experiments.config import TEMPERATURE_TOLERANCE_C, CampaignConfig
from experiments.frozen_check import altered_in_ledger
from experiments.frozen_model import FrozenModel
from experiments.judged import Judged
from experiments.knowledge import fit_knowledge
from experiments.ledger import Ledger, Transaction
from experiments.ledger_rows import OutboxRow
from experiments.logs import note
from experiments.progress import flat_hypervolumes, hypervolumes
from experiments.round_messages import recorded_tags, standing
from experiments.scoring import Score, score, scores_frame, summary
from experiments.surprises import Surprise, as_plain, surprises_of
from experiments.undecided import undecided
from features.errors import LedgerError
from features.properties import TEMPERATURE_DEPENDENT

CLOSED_UNTOLD: Final = "the round was closed before its fate was told"


def unsettled(ledger: Ledger) -> list[str]:
    """Rounds with results newer than their scores, oldest first.

    Results are committed before they are scored; a crash between leaves a round here, and the
    next command settles it.
    """
    return list(_newest_results(ledger))


def settle(ledger: Ledger, config: CampaignConfig) -> list[str]:
    """Score every round with new results; close those that are complete.

    A round whose frozen predictions were altered is passed over: the others, and every command
    that does not need it, work on. One frozen by a version whose models this one cannot read is
    closed without scores. A round that another process settled meanwhile, or has recorded more of
    and will settle, is left to that. All of it is signed as glassloop's own.

    Args:
        ledger: The campaign's ledger.
        config: The campaign's configuration.

    Returns:
        Rounds closed now.
    """
    waiting = {
        name: results
        for name, results in _newest_results(ledger).items()
        if not altered_in_ledger(ledger, name)
    }
    models = {name: _readable_model(ledger, name) for name in waiting}
    closed = [
        name
        for name, model in models.items()
        if model is None and _close_unscored(ledger, config, name)
    ]
    if not any(models.values()):
        return closed
    now = hypervolumes(fit_knowledge(ledger, config), config)
    for round_id, results in waiting.items():
        if (model := models[round_id]) is None:
            continue
        judged = judge_round(ledger, round_id, model)
        surprises = surprises_of(judged, model, clusters_of(ledger))
        with acting_by_itself(), ledger.transaction() as tx:
            if _newest_results(ledger).get(round_id) != results:
                continue  # looked at now that nobody else can write: another was quicker
            _write_scores(tx, ledger, config, round_id, judged, surprises, now)
            is_open = ledger.rounds().set_index("id").loc[round_id, "state"] == "open"
            if is_complete := is_open and not undecided(ledger, round_id):
                close(tx, round_id, config)
                closed.append(round_id)
        note(
            "round scored", campaign=config.name, round=round_id, readings=len(judged),
            closed=is_complete,
        )  # fmt: skip
    return closed


def _readable_model(ledger: Ledger, round_id: str) -> FrozenModel | None:
    """What a round was predicted with; ``None`` when another version of glassloop froze it."""
    try:
        return FrozenModel.of(ledger, round_id)
    except LedgerError:
        return None


def _close_unscored(ledger: Ledger, config: CampaignConfig, round_id: str) -> bool:
    """Close a round that nothing can score, once all its results are in."""
    if undecided(ledger, round_id):
        return False
    with acting_by_itself(), ledger.transaction() as tx:
        is_open = ledger.rounds().set_index("id").loc[round_id, "state"] == "open"
        if is_open:
            close(tx, round_id, config)
    return bool(is_open)


def score_round(ledger: Ledger, round_id: str) -> list[Score]:
    """Scores of all readings of a round by the model frozen when it was proposed.

    Args:
        ledger: The campaign's ledger.
        round_id: The round.

    Returns:
        One score a reading, at the recipe as made.
    """
    return [one.score for one in judge_round(ledger, round_id, FrozenModel.of(ledger, round_id))]


def judge_round(ledger: Ledger, round_id: str, model: FrozenModel) -> list[Judged]:
    """All readings of a round with their frozen prediction and their score.

    Args:
        ledger: The campaign's ledger.
        round_id: The round.
        model: The surrogates frozen with it.

    Returns:
        One entry a reading.
    """
    as_made = model.as_made()
    proposed = {
        row["recipe"].get("pellet", row["specimen"]): row
        for row in ledger.proposals(round_id).to_dict("records")
    }
    found = []
    for row in ledger.readings().to_dict("records"):
        reading = {str(key): value for key, value in row.items()}
        name, specimen = str(reading["property"]), str(reading["specimen"])
        if (specimen, name) not in as_made or not _at_temperature(reading, model.temperature_c):
            continue
        prediction, asked = as_made[specimen, name], proposed.get(specimen)
        scored = score(
            reading,
            prediction,
            as_proposed=asked["prediction"].get(name) if asked else None,
            baselines=asked["recipe"].get("baselines", {}).get(name) if asked else None,
        )
        found.append(Judged(reading=reading, prediction=prediction, score=scored))
    return found


def close(tx: Transaction, round_id: str, config: CampaignConfig) -> None:
    """Close a round and tell MLflow."""
    tx.add_round_event(round_id, "closed")
    if config.mlflow.track:
        tx.add_outbox(OutboxRow(kind="round_closed", round_id=round_id, payload={}))


def last_summary(ledger: Ledger, round_id: str | None = None) -> dict[str, Any] | None:
    """Scores of a round, or of all rounds together; ``None`` when nothing was scored."""
    events = ledger.round_events(round_id)
    scored = events.loc[events["event"] == "scored"]
    latest = scored.groupby("round_id")["detail"].last()
    scores = [Score(**row) for detail in latest for row in detail["scores"]]
    return summary(scores) if scores else None


def _newest_results(ledger: Ledger) -> dict[str, int]:
    """Rounds with results newer than their scores, oldest first, each with when they came."""
    events = ledger.round_events()
    waiting = {}
    for round_id in map(str, ledger.rounds()["id"]):
        own = events.loc[events["round_id"] == round_id]
        last = dict(zip(own["event"], own["id"], strict=True))
        if last.get("recorded", -1) > last.get("scored", -1):
            waiting[round_id] = int(last["recorded"])
    return waiting


def _write_scores(
    tx: Transaction,
    ledger: Ledger,
    config: CampaignConfig,
    round_id: str,
    judged: Sequence[Judged],
    surprises: Sequence[Surprise],
    now: Mapping[str, Mapping[str, float]],
) -> None:
    scores = [one.score for one in judged]
    totals = summary(scores)
    rounds = ledger.rounds()
    number = int(rounds.loc[rounds["id"] == round_id, "number"].iloc[0])
    tx.add_round_event(
        round_id,
        "scored",
        {
            "scores": [asdict(s) for s in scores],
            "surprises": [as_plain(one) for one in surprises],
            "summary": totals,
            "hypervolume": dict(now),
        },
    )
    if not config.mlflow.track:
        return
    metrics = {f"after_{name}": value for name, value in flat_hypervolumes(now).items()}
    metrics |= _flat(totals) | standing(ledger)
    tx.add_outbox(
        OutboxRow(
            kind="round_recorded",
            round_id=round_id,
            payload={
                "tags": recorded_tags(ledger, round_id),
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
        metrics |= {
            f"{key}_{name}": part[key]
            for name, part in totals["properties"].items()
            for key in part
            if key.startswith(("rmse", "crps"))
        }
    return metrics


def _readings_csv(ledger: Ledger, round_id: str) -> str:
    frames = (ledger.jars(), ledger.pellets(), ledger.cells())
    own = {str(name) for frame in frames for name in frame.index[frame["round_id"] == round_id]}
    readings = ledger.readings()
    columns = ["specimen", "property", "lower", "upper", "se", "n", "temperature_c", "method"]
    return str(readings.loc[readings["specimen"].isin(own), columns].to_csv(index=False))


def _at_temperature(reading: Mapping[str, Any], temperature_c: float) -> bool:
    if reading["property"] not in TEMPERATURE_DEPENDENT:
        return True
    off = abs(reading["temperature_c"] - temperature_c) > TEMPERATURE_TOLERANCE_C
    return not off  # a reading without a temperature is in the fit, so it is scored too
