"""Long work: how far it is, what came of it, and stopping it."""

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import FileResponse

from experiments.web.api.models import JobOut
from experiments.web.api.refusals import refusals
from experiments.web.api.strict import StrictRoute
from experiments.web.guard import Reader, Recorder
from experiments.web.jobs import Job
from experiments.web.paging import plain
from experiments.web.state import server_of

router = APIRouter(tags=["jobs"], responses=refusals(409), route_class=StrictRoute)


@router.get("/jobs/{job_id}", operation_id="job")
async def job(request: Request, job_id: str, person: Reader) -> JobOut:
    """How far it is, and what came of it."""
    return JobOut.model_validate(plain(job_of(request, job_id).to_dict()))


@router.delete("/jobs/{job_id}", operation_id="cancel_job")
async def cancel(request: Request, job_id: str, person: Recorder) -> JobOut:
    """Stop it. What was written stays, and nothing is half-written; one that is over stays so."""
    found = job_of(request, job_id)
    server_of(request).bench.cancel(found)
    await server_of(request).bench.finished(found)
    return JobOut.model_validate(plain(found.to_dict()))


@router.get(
    "/jobs/{job_id}/file",
    operation_id="job_file",
    response_class=FileResponse,
    responses={200: {"content": {"application/zip": {}}, "description": "The archive."}},
)
async def job_file(request: Request, job_id: str, person: Reader) -> FileResponse:
    """The archive that a job made."""
    found = job_of(request, job_id)
    path = server_of(request).files.get(found.id)
    if found.state != "done" or path is None or not path.exists():
        raise HTTPException(404, f"job {job_id} has no file (it is {found.state}); ask for it anew")
    return FileResponse(path, media_type="application/zip", filename=f"{found.campaign}.zip")


def job_of(request: Request, job_id: str) -> Job:
    """A job by its id.

    Raises:
        HTTPException: If there is none, or the server was restarted since.
    """
    found = server_of(request).bench.job(job_id)
    if found is None:
        raise HTTPException(
            404,
            f"there is no job {job_id!r}: the server forgets jobs when it restarts; look whether "
            "the draft, round or file is there, else ask again",
        )
    return found
