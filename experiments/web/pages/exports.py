"""Export: files with units and provenance, the report, a frozen archive."""

from typing import Annotated, Final

from fastapi import APIRouter, Query
from fastapi.responses import FileResponse, HTMLResponse, Response

from experiments.access import Role
from experiments.web.addresses import campaign_address
from experiments.web.api.looks import exported
from experiments.web.pages.view import Looking, go, head, sent
from experiments.web.shelf import NothingHereError
from experiments.web.state import server_of

router = APIRouter()

REPORT_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
FORMS: Final = (
    ("csv", "CSV", "one file a table, in a zip"),
    ("xlsx", "Excel", "one sheet a table"),
    ("parquet", "Parquet", "for pandas and R, in a zip"),
    ("json", "JSON", "all tables in one object"),
    ("optuna", "Optuna", "two studies for optuna-dashboard, as SQLite"),
)


@router.get("/c/{campaign}/export")
def export_page(
    look: Looking, campaign: str, job: Annotated[str | None, Query(max_length=40)] = None
) -> HTMLResponse:
    """What can be taken away."""
    server = server_of(look.request)
    found = server.bench.job(job) if job else None
    made = found if found is not None and found.campaign == campaign else None
    with server.shelf.opened(campaign) as opened:
        report = opened.folder / "report" / "report.html"
        return look.page(
            "export.html", **head(opened), forms=FORMS, made=made, has_report=report.is_file()
        )


@router.get("/c/{campaign}/export/file")
async def export_file(
    look: Looking, campaign: str, form: Annotated[str, Query(max_length=10)] = "csv"
) -> Response:
    """A file, made now."""
    return await exported(look.request, campaign, look.visitor.person, form, None, "page")


@router.post("/c/{campaign}/export/{kind}")
async def begin(look: Looking, campaign: str, kind: str) -> Response:
    """Have an archive or a report made."""
    server = server_of(look.request)
    if kind == "archive":
        await sent(look, Role.READ)
        job = server.begin_archive(campaign, look.visitor.person, "page")
    elif kind == "report":
        await sent(look)
        job = server.begin("report", "report", campaign, look.visitor.person, "page")
    else:
        raise NothingHereError(f"nothing called {kind!r} can be made; choose archive or report")
    return go(look.request, campaign_address(campaign, "jobs", job.id))


@router.get("/c/{campaign}/export/archive/{job_id}")
async def archive_file(look: Looking, campaign: str, job_id: str) -> FileResponse:
    """The archive a job made."""
    server = server_of(look.request)
    job, path = server.bench.job(job_id), server.files.get(job_id)
    if job is None or job.campaign != campaign or path is None or not path.exists():
        raise NothingHereError("that archive is no longer here; have it made again")
    return FileResponse(path, media_type="application/zip", filename=f"{campaign}.zip")


@router.get("/c/{campaign}/report")
def report(look: Looking, campaign: str) -> Response:
    """The report as it was last written."""
    with server_of(look.request).shelf.opened(campaign) as opened:
        path = opened.folder / "report" / "report.html"
        if not path.is_file():
            raise NothingHereError("no report was written yet; have it made on the export page")
        return Response(
            path.read_bytes(), media_type="text/html; charset=utf-8",
            headers={"Content-Security-Policy": REPORT_POLICY},
        )  # fmt: skip
