"""What a campaign's ledger says by itself: quick, since nothing is fitted."""

from typing import Any

from experiments.ledger import Ledger
from experiments.undecided import undecided
from experiments.web.shelf import NothingHereError, Opened
from features.errors import ConflictError


def facts_of(opened: Opened) -> dict[str, Any]:
    """A campaign in numbers.

    Args:
        opened: The campaign.

    Returns:
        name, campaign, id, kind, temperature_c, ccd_protocol, open_rounds, open_draft, specimens,
        readings, objectives.
    """
    ledger, config = opened.ledger, opened.config
    rounds = ledger.rounds()
    readings = ledger.readings()["property"].value_counts()
    return {
        "name": opened.name,
        "campaign": ledger.campaign,
        "id": ledger.id,
        "kind": ledger.kind,
        "temperature_c": config.temperature_c,
        "ccd_protocol": config.cells.ccd_protocol.model_dump(),
        "open_rounds": [str(name) for name in rounds.loc[rounds["state"] == "open", "id"]],
        "open_draft": open_draft_id(ledger),
        "specimens": {
            "jar": len(ledger.jars()),
            "pellet": len(ledger.pellets()),
            "cell": len(ledger.cells()),
        },
        "readings": {str(name): int(count) for name, count in readings.items()},
        "objectives": {
            kind: {name: one.model_dump(exclude_none=True) for name, one in part.items()}
            for kind, part in (
                ("glasses", config.glasses.objectives),
                ("cells", config.cells.objectives),
            )
        },
    }


def rounds_of(ledger: Ledger) -> list[dict[str, Any]]:
    """Rounds, oldest first, with what open ones wait for."""
    return [
        {
            "id": str(row["id"]),
            "number": int(row["number"]),
            "state": str(row["state"]),
            "opened_at": str(row["opened_at"]),
            "closed_at": row["closed_at"] if isinstance(row["closed_at"], str) else None,
            "waits_for": undecided(ledger, str(row["id"])) if row["state"] == "open" else [],
        }
        for row in ledger.rounds().to_dict("records")
    ]


def open_draft_id(ledger: Ledger) -> str | None:
    """Id of the draft under discussion, if there is one."""
    drafts = ledger.drafts()
    found = drafts.loc[drafts["state"] == "open", "draft"]
    return None if found.empty else str(found.iloc[0])


def draft_rows(ledger: Ledger) -> list[dict[str, Any]]:
    """Drafts in their newest version, newest first: id, version, state, person, recorded_at."""
    return [
        {
            "id": str(row["draft"]),
            "version": int(row["version"]),
            "state": str(row["state"]),
            "person": str(row["person"]),
            "recorded_at": str(row["recorded_at"]),
            "version_id": int(row["version_id"]),
        }
        for row in ledger.drafts().to_dict("records")
    ]


def require_draft(ledger: Ledger, draft_id: str) -> dict[str, Any]:
    """The newest version of a draft, as in ``draft_rows``.

    Raises:
        NothingHereError: If there is none.
    """
    rows = {row["id"]: row for row in draft_rows(ledger)}
    if draft_id not in rows:
        raise NothingHereError(
            f"there is no draft {draft_id!r}; drafts: {', '.join(rows) or 'none yet'}"
        )
    return rows[draft_id]


def require_version(ledger: Ledger, draft_id: str, version: int) -> None:
    """Refuse a draft that is no longer open, or was changed since somebody looked.

    Raises:
        NothingHereError: If there is none.
        ConflictError: If so; says by whom.
    """
    held = require_draft(ledger, draft_id)
    who = f"by {held['person'] or 'somebody'} at {held['recorded_at']}"
    if held["state"] != "open":
        raise ConflictError(
            f"draft {draft_id}: was {held['state']} {who}; look at the rounds, or propose anew"
        )
    if held["version"] != version:
        raise ConflictError(
            f"draft {draft_id}: is at version {held['version']}, changed {who}, got version "
            f"{version}; look at it again and repeat what you did"
        )


def require_round(ledger: Ledger, round_id: str) -> None:
    """Refuse a round that is not there.

    Raises:
        NothingHereError: If there is none.
    """
    known = [str(name) for name in ledger.rounds()["id"]]
    if round_id not in known:
        raise NothingHereError(
            f"there is no round {round_id!r}; rounds: {', '.join(known) or 'none yet'}"
        )
