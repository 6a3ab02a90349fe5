"""A campaign as tables for people and machines: everything that was said, superseded or not."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

import pandas as pd

from experiments.config import CampaignConfig
from experiments.export_columns import COLUMNS, Column, Kind
from experiments.frozen import TOTAL, header_of
from experiments.ledger import Ledger
from experiments.scorecard import scored_rounds
from features.properties import CATALOGUE

TABLES: Final = tuple(COLUMNS)
"""Names of the tables, in order."""

_DTYPES: Final[Mapping[Kind, str]] = {
    "text": "string",
    "number": "float64",
    "whole": "Int64",
    "flag": "boolean",
}
_AS_EXPORTED: Final = {"round_id": "round", "version_id": "version"}

Rows = Iterable[Mapping[Any, Any]]


def tables(ledger: Ledger, config: CampaignConfig) -> dict[str, pd.DataFrame]:
    """All tables of a campaign. Reads the ledger only; nothing is fitted.

    Args:
        ledger: The campaign's ledger.
        config: Its configuration, for the powder expected where nothing was weighed.

    Returns:
        By name, with exactly the columns of ``COLUMNS``; missing values are missing, never text.
    """
    found: dict[str, Rows] = {
        "jars": _jars(ledger, config),
        "pellets": _specimens(ledger, ledger.pellets()),
        "cells": _specimens(ledger, ledger.cells()),
        "readings": _readings(ledger),
        "rounds": _rounds(ledger),
        "proposals": _proposals(ledger),
        "scores": _scores(ledger),
        "literature": _values(_marked(ledger.literature(current=False))),
        "notes": _rows(ledger.notes()),
        "files": ({**row, "counts": _as_json(row["counts"])} for row in _rows(ledger.files())),
    }
    whose = {
        "campaign": ledger.campaign,
        "campaign_id": ledger.id,
        "simulated": ledger.kind == "simulated",
    }
    made = {name: _frame(({**row, **whose} for row in rows), name) for name, rows in found.items()}
    return made | {"columns": _frame(_explained(), "columns")}


def _frame(rows: Rows, table: str) -> pd.DataFrame:
    """Rows with the columns and types the table has, also when there are none."""
    plain = [{_AS_EXPORTED.get(key, key): value for key, value in row.items()} for row in rows]
    return pd.DataFrame(
        {
            column.name: pd.Series(
                [_cell(row, column) for row in plain], dtype=_DTYPES[column.kind]
            )
            for column in COLUMNS[table]
        }
    )


def _cell(row: Mapping[Any, Any], column: Column) -> Any:
    """A value, or nothing for what is missing, be it NaN."""
    value = row.get(column.name)
    is_missing = value is None or (isinstance(value, float) and value != value)
    return None if is_missing else value


def _explained() -> Rows:
    return (
        {"table": table, "column": one.name, "unit": one.unit or None, "meaning": one.meaning}
        for table, columns in COLUMNS.items()
        for one in columns
    )


def _rows(frame: pd.DataFrame) -> list[dict[Any, Any]]:
    return frame.to_dict("records")


def _jars(ledger: Ledger, config: CampaignConfig) -> Rows:
    recovery = config.equipment.expected_recovery
    stock = {row["jar"]: row for row in _rows(ledger.stock(expected_recovery=recovery))}
    for row in _specimens(ledger, ledger.jars()):
        held = stock.get(row["specimen"], {}) if row["current"] else {}
        yield {
            **row,
            "left_mg": held.get("left_mg"),
            "left_is_expected": held.get("expected"),
        }


def _specimens(ledger: Ledger, current: pd.DataFrame) -> Rows:
    """Every version of some specimens, those of one specimen together."""
    for row in _rows(current.reset_index()):
        if pd.isna(row["supersedes"]):
            yield {**row, "current": True}
            continue
        for version in _marked(ledger.history(str(row["specimen"]))):
            yield {**version, "round_id": row["round_id"]}


def _marked(versions: pd.DataFrame) -> list[dict[Any, Any]]:
    """Versions with what replaced them, and whether they are what counts now."""
    rows = _rows(versions)
    newer = {row["supersedes"]: row["version_id"] for row in rows}
    return [
        {
            **row,
            "superseded_by": newer.get(row["version_id"]),
            "current": row["version_id"] not in newer and not row.get("withdrawn", False),
        }
        for row in rows
    ]


def _values(rows: Rows) -> Rows:
    """Readings with the unit of their property, and the value where it is exact."""
    for row in rows:
        is_exact = row["lower"] == row["upper"]
        yield {
            **row,
            "value": row["lower"] if is_exact else None,
            "unit": _unit(row["property"]),
        }


def _readings(ledger: Ledger) -> Rows:
    frames = (ledger.jars(), ledger.pellets(), ledger.cells())
    rounds = {name: round_ for frame in frames for name, round_ in frame["round_id"].items()}
    for row in _values(_marked(ledger.readings(current=False))):
        yield {**row, "round_id": rounds.get(row["specimen"])}


def _rounds(ledger: Ledger) -> Rows:
    events = ledger.round_events()
    tracked = events.loc[events["event"] == "tracked"]
    runs = {row["round_id"]: row["detail"].get("run_id") for row in _rows(tracked)}
    proposed = ledger.proposals()
    counts = proposed.groupby(["round_id", "kind"]).size().to_dict() if len(proposed) else {}
    for row in _rows(ledger.rounds()):
        yield {
            **row,
            "round": row["id"],
            "glasses": counts.get((row["id"], "glass"), 0),
            "trilayers": counts.get((row["id"], "trilayer"), 0),
            TOTAL: header_of(row["config"]).get(TOTAL),
            "mlflow_run_id": runs.get(row["id"]),
        }


def _proposals(ledger: Ledger) -> Rows:
    """One row a specimen and property."""
    for row in _rows(ledger.proposals()):
        item = row["recipe"]
        carrier = item.get("pellet", row["specimen"])
        whole = {
            **row,
            **item["recipe"],
            "specimen": carrier,
            "jar": None if carrier == row["specimen"] else row["specimen"],
            "success_probability": (item.get("success") or {}).get("probability"),
            "cost_h": item.get("cost_h"),
        }
        for name, predicted in row["prediction"].items():
            yield {**whole, "property": name, **predicted}


def _scores(ledger: Ledger) -> Rows:
    for round_id, detail in scored_rounds(ledger).items():
        for row in detail["scores"]:
            entry = CATALOGUE.get(row["property"])
            yield {
                **row,
                "round": round_id,
                "unit": _unit(row["property"]),
                "sd_unit": entry.sd_unit if entry else None,
            }


def _unit(name: str) -> str | None:
    """Unit of a property; a name of a lab's own has none that is known."""
    return CATALOGUE[name].unit if name in CATALOGUE else None


def _as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
