"""Predictions, comparisons and exports: nothing is changed by looking."""

from enum import StrEnum
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from experiments.access import Person
from experiments.acting import Door
from experiments.export import MEDIA_TYPES, Exported, export_bytes
from experiments.web.addresses import attachment
from experiments.web.api.models import (
    ComparisonIn,
    JobOut,
    Predicted,
    PredictionsIn,
    PredictionsOut,
)
from experiments.web.api.refusals import refusals
from experiments.web.api.strict import StrictRoute
from experiments.web.guard import Reader, Recorder
from experiments.web.paging import plain
from experiments.web.state import server_of

router = APIRouter(tags=["looks"], responses=refusals(409), route_class=StrictRoute)


_SQLITE: Final = "application/vnd.sqlite3"
_FILES: Final[dict[str, Any]] = {
    kind.partition(";")[0]: {} for kind in (*MEDIA_TYPES.values(), _SQLITE)
}


class Form(StrEnum):
    """What an export is written as."""

    CSV = "csv"
    XLSX = "xlsx"
    PARQUET = "parquet"
    JSON = "json"
    OPTUNA = "optuna"


@router.post("/campaigns/{campaign}/predictions", operation_id="predict")
async def predict(
    request: Request, campaign: str, body: PredictionsIn, person: Reader
) -> PredictionsOut:
    """What recipes would give: the true value and a new reading, each with its 90 % range."""
    server = server_of(request)
    recipes = [one.model_dump() for one in body.recipes]
    found = await server.ask("predict", campaign, person, "API", recipes=recipes)

    def kind() -> str:
        with server.shelf.opened(campaign) as opened:
            return opened.ledger.kind

    return PredictionsOut(
        simulated=await run_in_threadpool(kind) == "simulated",
        items=[Predicted.model_validate(plain(one)) for one in found],
    )


@router.post("/campaigns/{campaign}/comparisons", status_code=202, operation_id="compare")
async def compare(
    request: Request, response: Response, campaign: str, body: ComparisonIn, person: Recorder
) -> JobOut:
    """Which surrogate to believe, judged on glasses it has not seen: a job."""
    job = server_of(request).begin(
        "compare", "compare", campaign, person, "API", **body.model_dump()
    )
    response.headers["Location"] = f"/api/v1/jobs/{job.id}"
    return JobOut.model_validate(plain(job.to_dict()))


@router.get(
    "/campaigns/{campaign}/export",
    operation_id="export",
    response_class=Response,
    responses={200: {"description": "The file.", "content": _FILES}},
)
async def export(
    request: Request,
    campaign: str,
    person: Reader,
    form: Annotated[Form, Query(description="csv, xlsx, parquet, json or optuna.")] = Form.CSV,
    table: Annotated[
        str | None, Query(max_length=40, description="A single table; csv and parquet only.")
    ] = None,
) -> Response:
    """All tables with units and provenance, or Optuna's studies."""
    return await exported(request, campaign, person, form, table, "API")


async def exported(
    request: Request, campaign: str, person: Person, form: str, table: str | None, door: Door
) -> Response:
    """An export as a file.

    Args:
        request: For the running server.
        campaign: Its name.
        person: Who asks.
        form: One of ``Form``.
        table: A single table; all when left out.
        door: How they came in.
    """
    server = server_of(request)
    if form == Form.OPTUNA:
        data = await server.ask("optuna", campaign, person, door)
        return _file(data, _SQLITE, f"{campaign}-optuna.db")

    def made() -> Exported:
        with server.shelf.opened(campaign) as opened:
            return export_bytes(opened.ledger, opened.config, form=str(form), table=table)

    found = await run_in_threadpool(made)
    return _file(found.data, found.media_type, found.name)


@router.post("/campaigns/{campaign}/archives", status_code=202, operation_id="archive")
async def archive(request: Request, response: Response, campaign: str, person: Reader) -> JobOut:
    """Freeze data, configuration, models and MLflow runs into one file: a job, then its `/file`."""
    job = server_of(request).begin_archive(campaign, person, "API")
    response.headers["Location"] = f"/api/v1/jobs/{job.id}"
    return JobOut.model_validate(plain(job.to_dict()))


def _file(data: bytes, media_type: str, name: str) -> Response:
    return Response(
        data,
        media_type=media_type,
        headers={"Content-Disposition": attachment(name)},
    )
