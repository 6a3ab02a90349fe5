"""How far long work is; the page may be closed meanwhile."""

from typing import Any, Final

from fastapi import APIRouter
from fastapi.responses import Response

from experiments.web.api.jobs import job_of
from experiments.web.jobs import Job
from experiments.web.pages.view import Looking, go, sent
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
async def job_page(look: Looking, campaign: str, job_id: str) -> Response:
    """A job until it is over, then what came of it."""
    job = job_of(look.request, job_id)
    if job.state == "done":
        return go(look.request, result_address(job))
    return look.page("job.html", **_values(job, campaign))


@router.get("/c/{campaign}/parts/jobs/{job_id}")
async def job_part(look: Looking, campaign: str, job_id: str) -> Response:
    """The moving part of that page."""
    job = job_of(look.request, job_id)
    if job.state == "done":
        return go(look.request, result_address(job))
    return look.page("_job.html", **_values(job, campaign))


@router.post("/c/{campaign}/jobs/{job_id}/cancel")
async def cancel(look: Looking, campaign: str, job_id: str) -> Response:
    """Stop it."""
    await sent(look)
    job = job_of(look.request, job_id)
    bench = server_of(look.request).bench
    bench.cancel(job)
    await bench.finished(job)
    return go(look.request, f"/c/{campaign}/jobs/{job_id}")


def result_address(job: Job) -> str:
    """Where the result of a job is looked at."""
    begin, result = f"/c/{job.campaign}", job.result or {}
    if job.kind == "accept" or (job.kind == "propose" and "round" in result):
        return f"{begin}/rounds/{result['round']}?new=yes"
    if job.kind == "propose":
        return f"{begin}/next"
    if job.kind == "compare":
        return f"{begin}/compare"
    if job.kind in ("report", "archive"):
        return f"{begin}/export?job={job.id}"
    return f"{begin}/"


def _values(job: Job, campaign: str) -> dict[str, Any]:
    return {
        "campaign": campaign,
        "simulated": False,
        "job": job,
        "title": TITLES.get(job.kind, job.kind),
    }
