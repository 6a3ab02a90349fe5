"""Campaigns: which there are, what one holds, a new one; who asks and who may."""

import os
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool

from experiments.access import AccessStore
from experiments.acting import Door
from experiments.web.api.models import (
    CampaignBrief,
    CampaignFacts,
    CampaignList,
    Me,
    NewCampaign,
    PersonList,
    PersonOut,
)
from experiments.web.api.refusals import refusals
from experiments.web.api.strict import StrictRoute
from experiments.web.facts import facts_of
from experiments.web.guard import Admin, Reader, guard_of
from experiments.web.lane import Call
from experiments.web.paging import plain
from experiments.web.state import server_of
from features.errors import CampaignError, LedgerError

router = APIRouter(tags=["campaigns"], responses=refusals(), route_class=StrictRoute)


@router.get("/me", operation_id="me")
def me(person: Reader) -> Me:
    """Who asks, and what they may do."""
    return Me(name=person.name, role=person.role.value)


@router.get("/people", operation_id="people")
def people(request: Request, person: Admin) -> PersonList:
    """Who has access; tokens themselves are nowhere."""
    store: AccessStore = guard_of(request).store
    return PersonList(items=[PersonOut.model_validate(one.to_dict()) for one in store.people()])


@router.get("/campaigns", operation_id="list_campaigns")
def campaigns(request: Request, person: Reader) -> CampaignList:
    """Campaigns of this server."""
    shelf = server_of(request).shelf
    found = []
    for name in shelf.names():
        try:
            with shelf.opened(name) as opened:
                kind = opened.ledger.kind
            found.append(CampaignBrief.model_validate({"name": name, "kind": kind}))
        except (CampaignError, LedgerError) as error:
            found.append(CampaignBrief(name=name, kind=None, problem=str(error)))
    return CampaignList(items=found)


@router.post("/campaigns", status_code=201, operation_id="new_campaign", responses=refusals(409))
async def new_campaign(request: Request, body: NewCampaign, person: Admin) -> CampaignFacts:
    """Make a campaign, as `glassloop init` does. Only where the server serves a folder of them."""
    await make_campaign(request, body.name, empty=body.empty, by=person.name, door="API")
    return await run_in_threadpool(_facts, request, body.name)


@router.get("/campaigns/{campaign}", operation_id="campaign")
def campaign(request: Request, campaign: str, person: Reader) -> CampaignFacts:
    """What a campaign's ledger holds; quick, nothing is fitted."""
    return _facts(request, campaign)


@router.get("/campaigns/{campaign}/status", operation_id="campaign_status")
async def campaign_status(request: Request, campaign: str, person: Reader) -> dict[str, Any]:
    """Where it stands, as `glassloop status --json`: hypervolume with its range, scores, stock."""
    found = await server_of(request).look("standing", campaign, person)
    answer: dict[str, Any] = plain(found)
    return answer


async def make_campaign(
    request: Request, name: str, *, empty: bool, by: str, door: Door = "page"
) -> None:
    """Make a campaign below the served folder; two at once of one name make one.

    Raises:
        CampaignError: If there is one, or the server serves a single one.
    """
    server = server_of(request)
    target = server.shelf.new_folder(name)
    if name in server.shelf.names():
        raise CampaignError(f"there is a campaign {name!r} already; choose another name")
    mlruns = Path(os.path.relpath(server.shelf.root.resolve() / "mlruns", target.resolve()))
    call = Call(
        "create",
        {
            "folder": "",
            "target": str(target.resolve()),
            "empty": empty,
            "mlruns": mlruns.as_posix(),
        },
        by,
        door,
    )
    await server.quick.ask(call)


def _facts(request: Request, name: str) -> CampaignFacts:
    with server_of(request).shelf.opened(name) as opened:
        return CampaignFacts.model_validate(facts_of(opened))
