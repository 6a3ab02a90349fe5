"""The way in: which campaigns there are, logging in and out, the API's description."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from experiments.access import Role
from experiments.web.addresses import campaign_address
from experiments.web.api.campaigns import campaigns as list_campaigns
from experiments.web.api.campaigns import make_campaign
from experiments.web.guard import COOKIE, TooManyAttemptsError, guard_of
from experiments.web.pages.view import TEMPLATES, Look, Looking, go, remember, sent
from experiments.web.state import server_of
from features.errors import AccessError, CampaignError

router = APIRouter()


@router.get("/")
def front(look: Looking) -> Response:
    """All campaigns; the only one is opened at once."""
    shelf = server_of(look.request).shelf
    if shelf.is_single:
        return RedirectResponse(campaign_address(shelf.names()[0], ""), 303)
    return _list(look)


@router.post("/campaigns")
async def new_campaign(look: Looking) -> Response:
    """Make a campaign."""
    form = await sent(look, Role.ADMIN)
    name, empty = str(form.get("name", "")).strip(), form.get("empty") == "yes"
    try:
        await make_campaign(look.request, name, empty=empty, by=look.name)
    except CampaignError as error:
        return await run_in_threadpool(_list, look, str(error), name)
    return go(look.request, campaign_address(name, ""))


@router.get("/login")
def login(request: Request, next: Annotated[str, Query()] = "/") -> Response:  # noqa: A002
    """Ask for a token."""
    if guard_of(request).visitor(request) is not None:
        return RedirectResponse(_own(next), 303)
    return _login_page(_own(next))


@router.post("/login")
async def logged_in(request: Request) -> Response:
    """Begin a session with a token."""
    form = await request.form()
    guard, there = guard_of(request), _own(str(form.get("next", "/")))
    token = str(form.get("token", "")).strip()
    caller = request.client.host if request.client else ""
    try:
        person = await run_in_threadpool(guard.log_in, token, caller)
        visitor = await run_in_threadpool(guard.begun, person)
    except TooManyAttemptsError as error:
        return _login_page(there, str(error), 429)
    except AccessError as error:
        return _login_page(there, str(error), 401)
    answer = RedirectResponse(there, 303)
    remember(request, answer, visitor)
    return answer


@router.post("/logout")
async def logged_out(look: Looking) -> Response:
    """End the session, for whoever has its cookie."""
    await sent(look, Role.READ)
    guard_of(look.request).end(look.visitor)
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(COOKIE)
    return answer


@router.get("/docs")
def docs(look: Looking) -> HTMLResponse:
    """The API, address by address."""
    schema = look.request.app.openapi()
    addresses = [
        {
            "method": method.upper(),
            "path": path,
            "summary": operation.get("description") or operation.get("summary", ""),
            "tag": (operation.get("tags") or [""])[0],
        }
        for path, operations in schema["paths"].items()
        for method, operation in operations.items()
    ]
    return look.page("docs.html", addresses=addresses, about=schema["info"]["description"])


@router.get("/healthz")
def alive() -> dict[str, str]:
    """Whether the server answers; for who watches it."""
    return {"state": "ok"}


def _list(look: Look, problem: str = "", name: str = "") -> HTMLResponse:
    found = list_campaigns(look.request, look.visitor.person).items
    return look.page(
        "front.html", items=found, problem=problem, name=name,
        may_make=look.visitor.person.role.allows(Role.ADMIN), status=409 if problem else 200,
    )  # fmt: skip


def _login_page(there: str, problem: str = "", status: int = 200) -> HTMLResponse:
    text = TEMPLATES.get_template("login.html").render(next=there, problem=problem)
    return HTMLResponse(text, status)


def _own(address: str) -> str:
    """An address of this server; any other becomes the front page."""
    is_own = address.startswith("/") and not address.startswith(("//", "/\\"))
    return address if is_own and address.isprintable() else "/"
