"""Compare: which surrogate to believe, judged on glasses it has not seen."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from fastapi import APIRouter
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, Response
from starlette.datastructures import FormData

from experiments.web.addresses import campaign_address
from experiments.web.pages.view import Look, Looking, go, head, sent
from experiments.web.seen import CELLS, PELLETS, SURROGATES
from experiments.web.shelf import NothingHereError
from experiments.web.state import server_of
from features.errors import InputError

router = APIRouter()

PAGE: Final = "compare.html"
PAGE_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; sandbox"
)
"""The comparison is a page that stands alone: its own styles and pictures, no script."""

NEVER_LEFT_OUT: Final = "mean"
"""What all others are held against."""


@router.get("/c/{campaign}/compare")
def compare(look: Looking, campaign: str) -> HTMLResponse:
    """The last comparison, and a form to ask for another."""
    return look.page("compare.html", **_read(look, campaign), wrong={}, chosen=None)


@router.post("/c/{campaign}/compare")
async def begin(look: Looking, campaign: str) -> Response:
    """Have surrogates compared."""
    form = await sent(look)
    try:
        asked = {
            "properties": _chosen(form, "property", (*PELLETS, *CELLS)),
            "surrogates": _chosen(form, "surrogate", tuple(SURROGATES)),
        }
    except InputError as error:
        values = await run_in_threadpool(_read, look, campaign)
        wrong = {str(one).partition(":")[0]: str(one) for one in error.problems}
        chosen = {name: [str(v) for v in form.getlist(name)] for name in ("property", "surrogate")}
        return await look.shown("compare.html", **values, wrong=wrong, chosen=chosen, status=422)
    job = server_of(look.request).begin(
        "compare", "compare", campaign, look.visitor.person, "page", **asked
    )
    return go(look.request, campaign_address(campaign, "jobs", job.id))


@router.get("/c/{campaign}/compare/page")
async def compared(look: Looking, campaign: str) -> Response:
    """The last comparison as it was written."""

    def written() -> bytes:
        with server_of(look.request).shelf.opened(campaign) as opened:
            path = opened.folder / PAGE
            if not path.is_file():
                raise NothingHereError(
                    "nothing was compared yet; choose properties and surrogates, then compare"
                )
            return path.read_bytes()

    return Response(
        await run_in_threadpool(written), media_type="text/html; charset=utf-8",
        headers={"Content-Security-Policy": PAGE_POLICY},
    )  # fmt: skip


def _read(look: Look, campaign: str) -> dict[str, Any]:
    server = server_of(look.request)
    with server.shelf.opened(campaign) as opened:
        readings = opened.ledger.readings()
        counts = readings["property"].value_counts().to_dict()
        return {
            **head(opened),
            "counts": {name: int(counts.get(name, 0)) for name in (*PELLETS, *CELLS)},
            "surrogates": SURROGATES,
            "never_left_out": NEVER_LEFT_OUT,
            **_last(opened.folder / PAGE, [str(at) for at in readings["recorded_at"]]),
            "jobs": [
                job
                for job in server.bench.jobs_of(campaign)
                if job.kind == "compare" and not job.is_over
            ],
        }


def _last(path: Path, recorded: Sequence[str]) -> dict[str, Any]:
    """When the last comparison was made, and how many readings came since."""
    if not path.is_file():
        return {"made": None, "n_since": 0}
    made = datetime.fromtimestamp(path.stat().st_mtime, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"made": made, "n_since": sum(at > made for at in recorded)}


def _chosen(form: FormData, name: str, allowed: Sequence[str]) -> list[str]:
    chosen = [str(value) for value in form.getlist(name)]
    if unknown := [value[:40] for value in chosen if value not in allowed]:
        among = ", ".join(allowed)
        raise InputError([f"{name}: must be among {among}, got {unknown[0]!r}; choose of these"])
    if not chosen:
        raise InputError([f"{name}: nothing is chosen; choose at least one"])
    return chosen
