"""Whether a ledger's tables agree with one another, beyond what the database itself enforces."""

from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Final

import pandas as pd

from experiments.frozen import altered_proposals, header_of

_TABLES: Final = {"jar": "jars", "pellet": "pellets", "cell": "cells"}
_VALUES: Final = ("readings", "literature")
_ROUNDING_MG: Final = 0.05


def problems(
    tables: Mapping[str, pd.DataFrame], stock: pd.DataFrame, *, kind: str
) -> Iterator[str]:
    """Everything that is wrong, one sentence each.

    Args:
        tables: Name to all rows of the table, superseded ones too.
        stock: Powder left, one row a jar.
        kind: ``real`` or ``simulated``.

    Yields:
        A sentence naming the specimen, model or jar.
    """
    yield from _specimens(tables)
    for name in (*_TABLES.values(), *_VALUES):
        yield from _chains(name, tables[name])
    yield from _parents(tables)
    yield from _models(tables["models"], tables["proposals"])
    yield from _frozen(tables["rounds"], tables["proposals"])
    yield from _kind(tables["jars"], kind)
    weighed = stock[~stock["expected"]]
    for row in weighed[weighed["left_mg"] < -_ROUNDING_MG].itertuples():
        yield (
            f"jar {row.jar}: {row.used_mg:g} mg were taken of {row.recovered_mg:g} mg; "
            "correct the recovered mass or the masses pressed"
        )


def _specimens(tables: Mapping[str, pd.DataFrame]) -> Iterator[str]:
    for kind, group in tables["specimens"].groupby("kind"):
        held = set(tables[_TABLES[str(kind)]]["specimen"])
        for specimen in group["id"]:
            if specimen not in held:
                yield f"{kind} {specimen}: has no version"


def _chains(name: str, versions: pd.DataFrame) -> Iterator[str]:
    replaced = versions["supersedes"].dropna()
    for version in replaced[replaced.duplicated()].unique():
        yield f"{name}: version {version:g} is superseded more than once"
    for version in replaced[~replaced.isin(versions["version_id"])]:
        yield f"{name}: version {version:g} is superseded and does not exist"
    if name in _VALUES:
        return
    current = versions[~versions["version_id"].isin(replaced)]
    for specimen, count in current["specimen"].value_counts().items():
        if count > 1:
            yield f"{name}: {specimen} has {count} current versions"


def _parents(tables: Mapping[str, pd.DataFrame]) -> Iterator[str]:
    jars = set(tables["jars"]["specimen"])
    for name, column in (("pellets", "jar"), ("cells", "core"), ("cells", "skin")):
        strays = tables[name][~tables[name][column].isin(jars)]
        for row in strays[["specimen", column]].itertuples(index=False):
            yield f"{name}: {row[0]} has {column} {row[1]}, which is no jar"


def _models(models: pd.DataFrame, proposals: pd.DataFrame) -> Iterator[str]:
    for row in models.itertuples():
        if sha256(str(row.body).encode()).hexdigest() != row.sha256:
            yield f"model {row.sha256}: its body has another hash, so it was changed"
    strays = proposals[~proposals["model_sha256"].isin(models["sha256"])]
    for row in strays.itertuples():
        yield f"proposal of {row.specimen}: its model {row.model_sha256} does not exist"


def _frozen(rounds: pd.DataFrame, proposals: pd.DataFrame) -> Iterator[str]:
    for row in rounds.to_dict("records"):
        own = proposals[proposals["round_id"] == row["id"]].to_dict("records")
        yield from altered_proposals(str(row["id"]), header_of(row["config"]), own)


def _kind(jars: pd.DataFrame, kind: str) -> Iterator[str]:
    current = jars[~jars["version_id"].isin(jars["supersedes"])]
    wrong = (
        jars["origin"].eq("simulated")
        if kind == "real"
        else current["origin"].isin(["lab", "history"]) & current["status"].isin(["made", "failed"])
    )
    source = jars if kind == "real" else current
    for row in source[wrong].drop_duplicates("specimen").itertuples():
        yield f"jar {row.specimen}: has origin {row.origin} in a {kind} ledger"
