"""Rounds: what was predicted against what was then measured, and the sheet to print."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, Response

from experiments.batch_sheet import render_withheld
from experiments.display import is_known
from experiments.safe_sheet import STORED, unsafe, with_warning
from experiments.stored_round import stored_round
from experiments.web.addresses import campaign_address
from experiments.web.facts import require_round, rounds_of
from experiments.web.pages.view import Look, Looking, go, head, sent
from experiments.web.state import server_of
from features.properties import Property, property_of

router = APIRouter()

SHEET: Final = "batch_sheet.html"
SHEET_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; sandbox "
    "allow-modals"
)
"""The sheet is a page that stands alone: its own styles, no script."""


@router.get("/c/{campaign}/rounds")
def rounds(look: Looking, campaign: str) -> HTMLResponse:
    """All rounds, newest first."""
    with server_of(look.request).shelf.opened(campaign) as opened:
        found = rounds_of(opened.ledger)
        scored = opened.ledger.round_events()
        latest = scored.loc[scored["event"] == "scored"].groupby("round_id")["detail"].last()
        for one in found:
            detail = latest.get(one["id"])
            one["summary"] = None if detail is None else detail["summary"]
        return look.page("rounds.html", **head(opened), rounds=found[::-1])


@router.get("/c/{campaign}/rounds/{round_id}")
def round_page(
    look: Looking, campaign: str, round_id: str, new: Annotated[str, Query(max_length=3)] = ""
) -> HTMLResponse:
    """A round: what is proposed and why, and each value measured beside its frozen prediction."""
    return look.page("round.html", **_read(look, campaign, round_id), is_new=new == "yes")


@router.get("/c/{campaign}/rounds/{round_id}/sheet")
async def sheet(look: Looking, campaign: str, round_id: str) -> Response:
    """The batch sheet, to print."""
    server = server_of(look.request)

    def written() -> bytes | None:
        with server.shelf.opened(campaign) as opened:
            require_round(opened.ledger, round_id)
            round_ = stored_round(opened.ledger, round_id)
            if faults := unsafe(round_, opened.config, STORED):
                return render_withheld(round_, faults).encode()
            path = opened.folder / "rounds" / round_id / SHEET
            return path.read_bytes() if path.is_file() else None

    text = await run_in_threadpool(written)
    if text is None:  # the folder was lost: it is laid out again from the ledger
        await server.ask("show", campaign, look.visitor.person, "page", round_id=round_id)
        text = await run_in_threadpool(written)
    return Response(
        text or b"", media_type="text/html; charset=utf-8",
        headers={"Content-Security-Policy": SHEET_POLICY},
    )  # fmt: skip


@router.post("/c/{campaign}/rounds/{round_id}/close")
async def close(look: Looking, campaign: str, round_id: str) -> Response:
    """End a round with what is there."""
    await sent(look)
    await server_of(look.request).ask(
        "close_round", campaign, look.visitor.person, "page", round_id=round_id
    )
    return go(look.request, campaign_address(campaign, "rounds", round_id))


def _read(look: Look, campaign: str, round_id: str) -> dict[str, Any]:
    with server_of(look.request).shelf.opened(campaign) as opened:
        require_round(opened.ledger, round_id)
        events = opened.ledger.round_events(round_id)
        scored = events.loc[events["event"] == "scored", "detail"]
        detail = scored.iloc[-1] if len(scored) else {"scores": [], "surprises": []}
        found = next(one for one in rounds_of(opened.ledger) if one["id"] == round_id)
        return {
            **head(opened),
            "round": with_warning(stored_round(opened.ledger, round_id), opened.config),
            "facts": found,
            "scores": [_score(one) for one in detail["scores"]],
            "surprises": detail.get("surprises", []),
            "summary": detail.get("summary"),
        }


def _score(score: dict[str, Any]) -> dict[str, Any]:
    """A measured value and its prediction, with their places on a common scale from 0 to 100."""
    entry = property_of(score["property"])
    names = ("reading_lower", "predicted", "reading_upper", "measured_lower", "measured_upper")
    scaled = {name: _scaled(entry, score.get(name)) for name in names}
    known = [value for value in scaled.values() if value is not None]
    low, high = min(known, default=0.0), max(known, default=1.0)
    margin = 0.06 * (high - low or 1.0)
    places = {
        name: None
        if value is None
        else round(100 * (value - low + margin) / (high - low + 2 * margin), 1)
        for name, value in scaled.items()
    }
    return {**score, "label": entry.label, "places": places}


def _scaled(entry: Property, value: object) -> float | None:
    """A value on the property's scale; nothing for what has no place there."""
    if not isinstance(value, int | float) or not is_known(value):
        return None
    if entry.scale == "log10" and value <= 0:
        return None
    return float(entry.to_scale(float(value)))
