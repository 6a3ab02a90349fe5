"""Campaign overview: where we stand."""

from typing import Any

from fastapi import APIRouter
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse

from experiments.web.addresses import campaign_address
from experiments.web.facts import facts_of, rounds_of
from experiments.web.pages.view import Look, Looking, head
from experiments.web.state import server_of

router = APIRouter()


@router.get("/c/{campaign}")
def without_slash(campaign: str) -> RedirectResponse:
    """The address as people type it."""
    return RedirectResponse(campaign_address(campaign, ""), 308)


@router.get("/c/{campaign}/")
async def overview(look: Looking, campaign: str) -> HTMLResponse:
    """What the ledger holds at once; what must be fitted follows when it is there."""
    server = server_of(look.request)
    values = await run_in_threadpool(_read, look, campaign)
    known = await server.known("standing", campaign)
    return await look.shown("overview.html", **values, standing=known)


@router.get("/c/{campaign}/parts/standing")
async def standing(look: Looking, campaign: str) -> HTMLResponse:
    """Hypervolume, best specimens, scores and warnings."""
    found = await server_of(look.request).look("standing", campaign, look.visitor.person)
    return await look.shown("_standing.html", standing=found, campaign=campaign)


def _read(look: Look, campaign: str) -> dict[str, Any]:
    server = server_of(look.request)
    with server.shelf.opened(campaign) as opened:
        return {
            **head(opened),
            "facts": facts_of(opened),
            "rounds": rounds_of(opened.ledger),
            "pending": len(opened.ledger.outbox()),
            "jobs": [job for job in server.bench.jobs_of(campaign) if not job.is_over],
            "changes": opened.ledger.changes(most=5).to_dict("records"),
        }
