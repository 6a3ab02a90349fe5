"""Next batch: propose, look at reasons, drop or edit a row and see what that costs, accept."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, Response
from starlette.datastructures import FormData

from experiments.web.addresses import campaign_address, in_address
from experiments.web.facts import draft_rows, rounds_of
from experiments.web.numbers import MOST, whole_number
from experiments.web.pages.view import Look, Looking, go, head, sent
from experiments.web.state import newest_draft, server_of
from features.errors import ConflictError, GlassError, InputError
from features.milling import MEDIA

router = APIRouter()


@router.get("/c/{campaign}/next")
async def next_batch(look: Looking, campaign: str) -> HTMLResponse:
    """The draft under discussion, or a form to ask for one."""
    return await _page(look, campaign)


@router.post("/c/{campaign}/next/propose")
async def propose(look: Looking, campaign: str) -> Response:
    """Have a batch chosen."""
    form = await sent(look)
    try:
        asked = {
            "glasses": _whole(form, "glasses", (1, 50)),
            "trilayers": _whole(form, "trilayers", (0, 50)),
            "budget_h": _number(form, "budget_h"),
        }
    except InputError as error:
        return await _page(look, campaign, error=error, typed=form)
    job = server_of(look.request).begin(
        "propose", "propose", campaign, look.visitor.person, "page", **asked
    )
    return go(look.request, campaign_address(campaign, "jobs", job.id))


@router.post("/c/{campaign}/next/{draft}/edit")
async def edit(look: Looking, campaign: str, draft: str) -> Response:
    """Change one row and say what that costs."""
    form = await sent(look)
    server = server_of(look.request)
    try:
        await server.ask(
            "edit", campaign, look.visitor.person, "page",
            draft=draft, version=_version(form), edits=[_edit(form)],
        )  # fmt: skip
    except (InputError, ConflictError) as error:
        return await _page(look, campaign, error=error, row=str(form.get("row", "")), typed=form)
    row = in_address(str(form.get("row", "run")))
    return go(look.request, f"{campaign_address(campaign, 'next')}#row-{row}")


@router.post("/c/{campaign}/next/{draft}/accept")
async def accept(look: Looking, campaign: str, draft: str) -> Response:
    """Make it a round."""
    form = await sent(look)
    version = _version(form)
    job = server_of(look.request).begin(
        "accept", "accept", campaign, look.visitor.person, "page", draft=draft, version=version
    )
    return go(look.request, campaign_address(campaign, "jobs", job.id))


@router.post("/c/{campaign}/next/{draft}/discard")
async def discard(look: Looking, campaign: str, draft: str) -> Response:
    """Put it aside."""
    form = await sent(look)
    version = _version(form)
    try:
        await server_of(look.request).ask(
            "discard", campaign, look.visitor.person, "page", draft=draft, version=version
        )
    except ConflictError as error:
        return await _page(look, campaign, error=error)
    return go(look.request, campaign_address(campaign, "next"))


async def _page(
    look: Look,
    campaign: str,
    *,
    error: GlassError | None = None,
    row: str = "",
    typed: FormData | None = None,
) -> HTMLResponse:
    server = server_of(look.request)
    values = await run_in_threadpool(_read, look, campaign)
    draft = None
    if values["draft_id"] is not None:
        draft = await newest_draft(server, campaign, values["draft_id"], look.visitor.person)
    return await look.shown(
        "next.html",
        **values,
        draft=draft,
        complaints=_complaints(error),
        at_row=row,
        typed={} if typed is None else {key: str(value) for key, value in typed.items()},
        status=200 if error is None else 409 if isinstance(error, ConflictError) else 422,
    )


def _read(look: Look, campaign: str) -> dict[str, Any]:
    server = server_of(look.request)
    with server.shelf.opened(campaign) as opened:
        drafts = draft_rows(opened.ledger)
        glasses = opened.config.glasses
        return {
            **head(opened),
            "draft_id": next((row["id"] for row in drafts if row["state"] == "open"), None),
            "open_rounds": [r for r in rounds_of(opened.ledger) if r["state"] == "open"],
            "jobs": [
                job for job in server.bench.jobs_of(campaign)
                if job.kind in ("propose", "accept") and not job.is_over
            ],
            "defaults": opened.config.batch,
            "media": {name: MEDIA[name].label for name, n in glasses.jars_owned.items() if n},
            "stock": opened.ledger.stock().to_dict("records"),
        }  # fmt: skip


def _edit(form: FormData) -> dict[str, Any]:
    """What a form of a row asks for."""
    row, deed = str(form.get("row", "")), str(form.get("deed", "set"))
    if deed in ("drop", "take_back"):
        return {"row": row, "drop": deed == "drop"}
    if deed == "restore":
        return {"row": row, "restore": True}
    fields: Mapping[str, str] = {
        key.removeprefix("set-"): str(value).strip()
        for key, value in form.items()
        if key.startswith("set-") and str(value).strip()
    }
    values = {key: _as_number(value) for key, value in fields.items()}
    if deed == "add":
        return {"add": values}
    if row == "run":
        return {"run": values}
    return {"row": row, "set": values}


def _as_number(text: str) -> float | str:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return text


def _complaints(error: GlassError | None) -> list[dict[str, Any]]:
    if error is None:
        return []
    if not isinstance(error, InputError):
        return [{"field": None, "words": str(error)}]
    return [
        {"field": getattr(one, "column", None), "words": getattr(one, "said", "") or str(one)}
        for one in error.problems
    ]


def _version(form: FormData) -> int:
    """Of the draft, as the form that was sent showed it."""
    return _whole(form, "version", (1, MOST)) or 1


def _whole(form: FormData, name: str, ends: tuple[int, int]) -> int | None:
    text = str(form.get(name, "")).strip()
    return whole_number(text, name, ends) if text else None


def _number(form: FormData, name: str) -> float | None:
    text = str(form.get(name, "")).strip().replace(",", ".")
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not 0 < value < 1e5:
        raise InputError([f"{name}: must be a number of hours above 0, got {text!r}; correct it"])
    return value
