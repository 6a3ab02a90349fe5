"""Proposals: asked for as a job, discussed as a draft, accepted as a round."""

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from experiments.access import Person
from experiments.safe_sheet import with_warning
from experiments.stored_round import stored_round
from experiments.web.answers import Asked, Key, answered, asked
from experiments.web.api.models import (
    DraftBrief,
    DraftEdit,
    DraftList,
    DraftOut,
    DraftVersion,
    JobOut,
    ProposalIn,
    RoundBrief,
    RoundList,
    RoundOut,
)
from experiments.web.api.refusals import refusals
from experiments.web.api.strict import StrictRoute
from experiments.web.facts import draft_rows, require_round, require_version, rounds_of
from experiments.web.guard import Reader, Recorder
from experiments.web.jobs import Job
from experiments.web.paging import After, Limit, plain, position
from experiments.web.state import Server, newest_draft, server_of
from features.errors import ConflictError

router = APIRouter(tags=["proposals"], responses=refusals(409), route_class=StrictRoute)


@router.post("/campaigns/{campaign}/proposals", status_code=202, operation_id="propose")
async def propose(
    request: Request,
    response: Response,
    campaign: str,
    body: ProposalIn,
    person: Recorder,
    key: Key = None,
) -> JobOut:
    """Have the next batch chosen: a job whose result names the draft, or the round."""
    server = server_of(request)
    repeat = asked(person.name, key, f"propose {campaign}", body.model_dump())
    if found := await _found(server, campaign, "propose", repeat):
        return _job_out(found, response)
    await run_in_threadpool(_require_no_draft, server, campaign, accept=body.accept)
    job = server.begin_once(
        "propose", campaign, person, "API", request=repeat, **body.model_dump()
    )  # fmt: skip
    return _job_out(job, response)


@router.get("/campaigns/{campaign}/drafts", operation_id="list_drafts")
def drafts(
    request: Request, campaign: str, person: Reader, limit: Limit = 100, after: After = None
) -> DraftList:
    """Drafts, newest first."""
    with server_of(request).shelf.opened(campaign) as opened:
        rows = draft_rows(opened.ledger)
    begin = position(after)
    # An edit must move no draft to another page, so they go by their number: D01, D02.
    numbered = sorted(((int(row["id"][1:]), row) for row in rows), key=lambda one: -one[0])
    left = [(number, row) for number, row in numbered if begin is None or number < begin]
    more = str(left[limit - 1][0]) if len(left) > limit else None
    shown = [row for _, row in left[:limit]]
    return DraftList(items=[DraftBrief.model_validate(row) for row in shown], next=more)


@router.get("/campaigns/{campaign}/drafts/{draft}", operation_id="draft")
async def draft(request: Request, campaign: str, draft: str, person: Reader) -> DraftOut:
    """The newest version of a draft: rows, reasons, predictions, and what its edits cost."""
    return await _newest(server_of(request), campaign, draft, person)


@router.patch("/campaigns/{campaign}/drafts/{draft}", operation_id="edit_draft")
async def edit_draft(
    request: Request, campaign: str, draft: str, body: DraftEdit, person: Recorder
) -> DraftOut:
    """Change rows; the answer says what that costs. Refused if somebody changed it meanwhile."""
    server = server_of(request)
    edits = [one.model_dump(exclude_none=True) for one in body.edits]
    await run_in_threadpool(_require_version, server, campaign, draft, body.version)
    found = await server.ask(
        "edit", campaign, person, "API", draft=draft, version=body.version, edits=edits
    )
    return DraftOut.model_validate(plain(found))


@router.post(
    "/campaigns/{campaign}/drafts/{draft}/accept", status_code=202, operation_id="accept_draft"
)
async def accept_draft(
    request: Request,
    response: Response,
    campaign: str,
    draft: str,
    body: DraftVersion,
    person: Recorder,
    key: Key = None,
) -> JobOut:
    """Make a draft a round: a job whose result names the round."""
    server = server_of(request)
    repeat = asked(person.name, key, f"accept {campaign} {draft}", body.model_dump())
    if found := await _found(server, campaign, "accept", repeat):
        return _job_out(found, response)
    await run_in_threadpool(_require_version, server, campaign, draft, body.version)
    job = server.begin_once(
        "accept", campaign, person, "API", request=repeat, draft=draft, version=body.version
    )  # fmt: skip
    return _job_out(job, response)


@router.post("/campaigns/{campaign}/drafts/{draft}/discard", operation_id="discard_draft")
async def discard_draft(
    request: Request, campaign: str, draft: str, body: DraftVersion, person: Recorder
) -> DraftOut:
    """Put a draft aside; it stays in the history."""
    server = server_of(request)
    await run_in_threadpool(_require_version, server, campaign, draft, body.version)
    await server.ask("discard", campaign, person, "API", draft=draft, version=body.version)
    return await _newest(server, campaign, draft, person)


@router.get("/campaigns/{campaign}/rounds", operation_id="list_rounds")
def rounds(
    request: Request, campaign: str, person: Reader, limit: Limit = 100, after: After = None
) -> RoundList:
    """Rounds, oldest first, with what open ones wait for."""
    with server_of(request).shelf.opened(campaign) as opened:
        found = rounds_of(opened.ledger)
    begin = position(after) or 0
    left = [one for one in found if one["number"] > begin]
    more = str(left[limit - 1]["number"]) if len(left) > limit else None
    return RoundList(items=[RoundBrief.model_validate(one) for one in left[:limit]], next=more)


@router.get("/campaigns/{campaign}/rounds/{round_id}", operation_id="round")
def round_(request: Request, campaign: str, round_id: str, person: Reader) -> RoundOut:
    """A round as it was proposed, with its frozen predictions."""
    with server_of(request).shelf.opened(campaign) as opened:
        require_round(opened.ledger, round_id)
        round_ = with_warning(stored_round(opened.ledger, round_id), opened.config)
        return RoundOut.model_validate(plain(round_))


@router.post("/campaigns/{campaign}/rounds/{round_id}/close", operation_id="close_round")
async def close_round(
    request: Request, campaign: str, round_id: str, person: Recorder
) -> dict[str, Any]:
    """End a round with what is there; what nobody told of counts as not made."""
    server = server_of(request)
    await run_in_threadpool(_require_round, server, campaign, round_id)
    found: dict[str, Any] = await server.ask(
        "close_round", campaign, person, "API", round_id=round_id
    )
    return found


async def _newest(server: Server, campaign: str, draft: str, person: Person) -> DraftOut:
    return DraftOut.model_validate(plain(await newest_draft(server, campaign, draft, person)))


async def _found(server: Server, campaign: str, kind: str, repeat: Asked | None) -> Job | None:
    """The job of a request that was sent before, running or done."""
    if repeat is None:
        return None
    if (job := server.bench.named(repeat)) is not None:
        return job

    def done() -> Job | None:
        with server.shelf.opened(campaign) as opened:
            answer = answered(opened.ledger, repeat)
        if answer is None:
            return None
        return Job(kind, campaign, repeat.person, state="done", share=1.0, words="done before",
                   result=dict(answer))  # fmt: skip

    job = await run_in_threadpool(done)
    if job is not None:
        server.bench.keep(job)
    return job


def _require_round(server: Server, campaign: str, round_id: str) -> None:
    with server.shelf.opened(campaign) as opened:
        require_round(opened.ledger, round_id)


def _require_version(server: Server, campaign: str, draft: str, version: int) -> None:
    """Refuse at once what would be refused after the computation too."""
    with server.shelf.opened(campaign) as opened:
        require_version(opened.ledger, draft, version)


def _require_no_draft(server: Server, campaign: str, *, accept: bool) -> None:
    """Refuse before the long computation what would be refused after it."""
    with server.shelf.opened(campaign) as opened:
        rows = [] if accept else [r for r in draft_rows(opened.ledger) if r["state"] == "open"]
    if rows:
        raise ConflictError(
            f"draft {rows[0]['id']} of {rows[0]['person'] or 'somebody'} is open since "
            f"{rows[0]['recorded_at']}; accept or discard it before another is proposed"
        )


def _job_out(job: Job, response: Response) -> JobOut:
    response.headers["Location"] = f"/api/v1/jobs/{job.id}"
    return JobOut.model_validate(plain(job.to_dict()))
