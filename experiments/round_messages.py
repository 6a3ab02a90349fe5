"""What MLflow is told of a round: payloads of the events in ``experiments.tracking``."""

import json
import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from importlib.metadata import version
from math import isfinite
from typing import Any, Final

import pandas as pd

from experiments.comparison_task import task_of
from experiments.config import CampaignConfig
from experiments.knowledge import (
    CELL_KEY,
    CELL_PROPERTIES,
    GLASS_COLUMNS,
    PELLET_PROPERTIES,
    SUCCESS_KEY,
    Knowledge,
    sound_cells,
    sound_pellets,
)
from experiments.ledger import Ledger
from experiments.progress import flat_hypervolumes
from experiments.round_files import round_texts
from experiments.round_plan import Round
from experiments.simulation import VIRTUAL, is_simulated
from features.errors import TableError
from models.compare import compare

_READING: Final = ("specimen", "property", "lower", "upper", "se", "temperature_c", "source")
"""What MLflow is told of a reading."""

_WORLD: Final = re.compile(r"simulated world (\w+)")
"""What a virtual laboratory calls itself."""

Scores = Mapping[str, Mapping[str, float]]


def opened_message(
    config: CampaignConfig, knowledge: Knowledge, round_: Round, body: Mapping[str, Any]
) -> dict[str, Any]:
    """What MLflow is told of a new round.

    Args:
        config: The configuration as it stands.
        knowledge: The surrogates that predicted it.
        round_: The round as plain data.
        body: The frozen surrogates; a simulated round's stay out of MLflow, see
            ``models_message``.

    Returns:
        Payload of ``round_opened``.
    """
    data = _data(knowledge)
    scores = left_out_scores(config, knowledge)
    files = round_texts(round_, config)
    frozen = {"glassloop.frozen_sha256": text} if (text := round_.get("frozen_sha256")) else {}
    return {
        "params": {
            "seed": str(config.seed),
            "temperature_c": f"{config.temperature_c:g}",
            "n_glasses": str(len(round_["glasses"])),
            "n_trilayers": str(len(round_["trilayers"])),
            **{k: str(v) for k, v in config.assumptions.model_dump().items()},
        },
        "tags": _tags(simulated=bool(round_["simulated"])) | frozen,
        "metrics": {
            **flat_hypervolumes(round_["hypervolume"]),
            **{f"n_readings_{name}": float(n) for name, n in _counts(knowledge).items()},
        },
        "step": int(str(round_["round"])[1:]),
        "artifacts": {
            "batch.csv": files["batch.csv"],
            "batch_sheet.html": files["batch_sheet.html"],
            "predictions.json": json.dumps(round_, indent=1),
            "campaign.json": config.model_dump_json(indent=1),
        },
        "dataset": {
            "name": "readings",
            "csv": data,
            "sha256": sha256(data.encode()).hexdigest(),
        },
        "models": {} if round_["simulated"] else dict(body),
        "surrogates": surrogate_runs(body, _counts(knowledge), scores),
    }


def models_message(knowledge: Knowledge, *, number: int, tags: Mapping[str, str]) -> dict[str, Any]:
    """What MLflow is told of the surrogates as they are after the last results.

    Args:
        knowledge: Specimens, readings and fitted surrogates.
        number: The newest round's.
        tags: ``recorded_tags`` of it.

    Returns:
        Payload of ``models``.
    """
    _, body = knowledge.frozen()
    return {
        "step": number,
        "tags": dict(tags),
        "models": body,
        "surrogates": surrogate_runs(body, _counts(knowledge), {}),
    }


def surrogate_runs(
    body: Mapping[str, Any], counts: Mapping[str, int], scores: Scores
) -> list[dict[str, Any]]:
    """A nested run for every property, and one for the success of batches.

    Args:
        body: Frozen surrogates by key, as ``Knowledge.frozen`` gives them.
        counts: Readings in the fit, by property.
        scores: On glasses left out, by property.

    Returns:
        Name, key and question of the model, parameters and metrics of each.
    """
    keys = {name: CELL_KEY if name in CELL_PROPERTIES else name for name in counts}
    runs = [
        {
            "name": name,
            "model": key,
            "asked": name,
            "params": _params(body[key]),
            "metrics": {
                "n_readings": float(counts[name]),
                **_lengthscales(body[key]),
                **scores.get(name, {}),
            },
        }
        for name, key in keys.items()
    ]
    success = {"name": SUCCESS_KEY, "model": SUCCESS_KEY, "params": _params(body[SUCCESS_KEY])}
    return [*runs, success]


def recorded_tags(ledger: Ledger, round_id: str) -> dict[str, str]:
    """Tags of a round with results: whether it is simulated, where and in which world."""
    simulated = ledger.kind == "simulated"
    jars = ledger.jars()
    operators = jars.loc[jars["round_id"] == round_id, "operator"].unique()
    laboratories = sorted(
        str(name).removeprefix(VIRTUAL).lstrip(": ")
        for name in operators
        if is_simulated(str(name))
    )
    tags = _tags(simulated=simulated)
    if laboratories:
        tags["glassloop.laboratory"] = "; ".join(laboratories)
    worlds = [found[1] for name in laboratories if (found := _WORLD.match(name))]
    return tags | ({"glassloop.world": ",".join(worlds)} if worlds else {})


def standing(ledger: Ledger) -> dict[str, float]:
    """How much was made and measured so far, as metrics over rounds."""
    jars, pellets, cells = ledger.jars(), ledger.pellets(), ledger.cells()
    failed = sum(int((frame["status"] == "failed").sum()) for frame in (jars, pellets, cells))
    return {
        "readings_so_far": float(len(ledger.readings())),
        "pellets_made_so_far": float(len(sound_pellets(pellets))),
        "cells_made_so_far": float(len(sound_cells(cells))),
        "failures_so_far": float(failed),
    }


def left_out_scores(config: CampaignConfig, knowledge: Knowledge) -> dict[str, dict[str, float]]:
    """Scores of the process and of the plain mean on glasses left out, by property.

    None in a crowded campaign, where leaving out takes minutes: ``compare`` does it when asked.
    """
    scores: dict[str, dict[str, float]] = {}
    if knowledge.is_crowded:
        return scores
    for name in PELLET_PROPERTIES:
        task = task_of(name, ("mean", "gp"), config, knowledge)
        try:
            found = compare(
                name, task.recipes, task.readings, task.unfitted,
                variables=(), temperature_c=config.temperature_c,
            )  # fmt: skip
        except TableError:  # too few glasses, or none at this temperature
            continue
        metrics = {
            f"loo_{score}_{label}": sign * float(row[column])
            for label, row in found.scores.to_dict("index").items()
            for score, column, sign in (
                ("log_score", "nlpd", -1.0),
                ("rmse", "rmse", 1.0),
                ("coverage_90", "coverage_90", 1.0),
            )
        }
        scores[name] = {key: value for key, value in metrics.items() if isfinite(value)}
    return scores


def _tags(*, simulated: bool) -> dict[str, str]:
    return {
        "glassloop.simulated": str(simulated).lower(),
        "glassloop.version": version("glassloop"),
    }


def _counts(knowledge: Knowledge) -> dict[str, int]:
    """Readings in the fit, by property."""
    fitted = knowledge.fitted["property"]
    return {name: int((fitted == name).sum()) for name in (*PELLET_PROPERTIES, *CELL_PROPERTIES)}


def _data(knowledge: Knowledge) -> str:
    """The readings the surrogates saw, with their recipes, as CSV."""
    readings = knowledge.fitted[list(_READING)]
    tables = [readings.join(knowledge.pellets[list(GLASS_COLUMNS)], on="specimen")]
    if len(others := knowledge.literature.readings):
        recipes: pd.DataFrame = knowledge.literature.recipes[list(GLASS_COLUMNS)]
        tables.append(others[list(_READING)].join(recipes, on="specimen"))
    first, *rest = (str(table.to_csv(index=False)) for table in tables)
    return first + "".join(text.partition("\n")[2] for text in rest)


def _params(plain: Mapping[str, Any]) -> dict[str, str]:
    """What was chosen of a surrogate before any data."""
    chosen = {"kind": plain["kind"], **plain.get("settings", {})}
    chosen |= {key: plain[key] for key in ("temperature_c", "physics") if key in plain}
    return {key: str(value) for key, value in chosen.items()}


def _lengthscales(plain: Mapping[str, Any]) -> dict[str, float]:
    """Most probable length scale of each feature, as a share of its range."""
    learned = ((plain.get("process") or {}).get("fitted") or {}).get("learned", {})
    found: Sequence[float] = learned.get("best_lengthscales", ())
    names = list(plain.get("ranges", {}))
    if len(found) != len(names):  # raw features: a medium each is a category, without a range
        return {}
    return {f"lengthscale_{name}": float(value) for name, value in zip(names, found, strict=True)}
