"""How far long work is; the page may be closed meanwhile."""

from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from experiments.web.addresses import campaign_address
from experiments.web.jobs import Job
from experiments.web.pages.view import Look, Looking, go, head, sent
from experiments.web.shelf import NothingHereError
from experiments.web.state import server_of

router = APIRouter()

TITLES: Final = {
    "propose": "Choosing the next batch",
    "accept": "Opening the round",
    "compare": "Comparing surrogates",
    "report": "Writing the report",
    "archive": "Freezing the campaign",
    "settle": "Scoring results",
    "simulate": "Simulating the round",
}


@router.get("/c/{campaign}/jobs/{job_id}")
def job_page(look: Looking, campaign: str, job_id: str) -> Response:
    """A job until it is over, then what came of it."""
    return _shown(look, campaign, job_id, "job.html")


@router.get("/c/{campaign}/parts/jobs/{job_id}")
def job_part(look: Looking, campaign: str, job_id: str) -> Response:
    """The moving part of that page."""
    return _shown(look, campaign, job_id, "_job.html")


@router.post("/c/{campaign}/jobs/{job_id}/cancel")
async def cancel(look: Looking, campaign: str, job_id: str) -> Response:
    """Stop it."""
    await sent(look)
    job = job_of(look.request, campaign, job_id)
    bench = server_of(look.request).bench
    bench.cancel(job)
    await bench.finished(job)
    return go(look.request, campaign_address(campaign, "jobs", job_id))


def job_of(request: Request, campaign: str, job_id: str) -> Job:
    """A job of a campaign.

    Raises:
        NothingHereError: If the campaign has none of that id, or the server was restarted since.
    """
    found = server_of(request).bench.job(job_id)
    if found is None or found.campaign != campaign:
        raise NothingHereError(
            f"there is no job {job_id!r} of campaign {campaign!r}: the server forgets jobs when "
            "it restarts; look whether the draft, round or file is there, else ask again"
        )
    return found


def result_address(job: Job) -> str:
    """Where the result of a job is looked at."""
    begin, result = campaign_address(job.campaign), job.result or {}
    if job.kind == "accept" or (job.kind == "propose" and "round" in result):
        return f"{begin}/rounds/{result['round']}?new=yes"
    if job.kind == "propose":
        return f"{begin}/next"
    if job.kind == "compare":
        return f"{begin}/compare"
    if job.kind in ("report", "archive"):
        return f"{begin}/export?job={job.id}"
    return f"{begin}/"


def _shown(look: Look, campaign: str, job_id: str, template: str) -> Response:
    with server_of(look.request).shelf.opened(campaign) as opened:
        values = head(opened)
    job = job_of(look.request, campaign, job_id)
    if job.state == "done":
        return go(look.request, result_address(job))
    return look.page(template, **values, job=job, title=TITLES.get(job.kind, job.kind))
