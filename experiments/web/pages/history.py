"""History of every change: who, when, by which door, what was before and what is now."""

from typing import Annotated, Any, Final

import pandas as pd
from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from experiments.ledger import Ledger
from experiments.recording import bench
from experiments.web.entered import as_entered
from experiments.web.numbers import MOST
from experiments.web.pages.view import Look, Looking, head
from experiments.web.paging import plain, plain_rows
from experiments.web.specimens import require_specimen
from experiments.web.state import server_of

router = APIRouter()
PER_PAGE: Final = 50
_HIDDEN: Final = frozenset(
    {"version_id", "specimen", "recorded_at", "supersedes", "current", "id", "kind", "round_id"}
)


@router.get("/c/{campaign}/history")
def history(
    look: Looking, campaign: str, before: Annotated[int | None, Query(ge=1, le=MOST)] = None
) -> HTMLResponse:
    """Changes, newest first."""
    with server_of(look.request).shelf.opened(campaign) as opened:
        changes = opened.ledger.changes(before=before, most=PER_PAGE + 1)
        rows = plain_rows(changes.head(PER_PAGE))
        readings = opened.ledger.readings(current=False).set_index("version_id")
        for row in rows:
            row["lines"] = [line for one in row["what"] for line in _line(one, readings)]
        more = rows[-1]["id"] if len(changes) > PER_PAGE else None
        return look.page("history.html", **head(opened), rows=rows, more=more, before=before)


@router.get("/c/{campaign}/specimens/{specimen:path}")
def specimen(look: Looking, campaign: str, specimen: str) -> HTMLResponse:
    """A specimen: what is known of it, its readings, and every version of both."""
    return look.page("specimen.html", **of_specimen(look, campaign, specimen))


def of_specimen(look: Look, campaign: str, specimen: str) -> dict[str, Any]:
    """What the page of a specimen shows.

    Args:
        look: The request.
        campaign: Its campaign.
        specimen: Its id.
    """
    with server_of(look.request).shelf.opened(campaign) as opened:
        require_specimen(opened.ledger, specimen)
        versions = plain_rows(opened.ledger.history(specimen))
        now = versions[-1]
        return {
            **head(opened),
            "specimen": specimen,
            "facts": {k: v for k, v in now.items() if k not in _HIDDEN and v not in (None, "")},
            "versions": _differences(versions),
            "readings": _readings(opened.ledger, specimen),
            "is_own": not bench(opened.ledger, opened.config).is_of_the_paper(specimen),
            "wrong": None,
            "complaints": [],
            "typed": {},
            "doubtful": False,
            "done": "",
        }


def _readings(ledger: Ledger, specimen: str) -> list[dict[str, Any]]:
    frame = ledger.readings(current=False)
    replaced = set(frame["supersedes"].dropna())
    own = frame.loc[frame["specimen"] == specimen]
    rows = plain_rows(own.sort_values("version_id", ascending=False))
    for row in rows:
        row["is_current"] = row["version_id"] not in replaced and not row["withdrawn"]
        row["entered"] = as_entered(row)
    return rows


def _differences(versions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each version with what it changed, newest first."""
    found = []
    before: dict[str, Any] = {}
    for version in versions:
        changed = [
            {"name": name, "old": before.get(name), "new": value}
            for name, value in version.items()
            if name not in _HIDDEN and (before.get(name) or None) != (value or None)
        ]
        found.append({"at": version["recorded_at"], "changed": changed})
        before = version
    return found[::-1]


def _line(what: dict[str, Any], readings: pd.DataFrame) -> list[dict[str, Any]]:
    """A change in words, with the specimen it leads to."""
    kind, name = str(what["what"]), what["id"]
    if kind != "reading" or name not in readings.index:
        is_specimen = kind in ("jar", "pellet", "cell")
        return [{"did": what["did"], "kind": kind, "name": name,
                 "specimen": name if is_specimen else None, "words": ""}]  # fmt: skip
    row = {key: plain(value) for key, value in readings.loc[name].items()}
    words = f"{str(row['property']).replace('_', ' ')} {row['text']}"
    if what["did"] == "corrected" and row["supersedes"] in readings.index:
        words += f" instead of {readings.loc[row['supersedes'], 'text']}"
    return [{"did": what["did"], "kind": kind, "name": "", "specimen": row["specimen"],
             "words": words}]  # fmt: skip
