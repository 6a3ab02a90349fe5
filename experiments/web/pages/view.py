"""What all pages share: who looks, how a page is made, forms that came from us, complaints."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException

from experiments.access import Role
from experiments.display import number_text, range_text, typeset_unit, value_text, x_text
from experiments.typeset import printed_numbers
from experiments.web.addresses import address_of, in_address
from experiments.web.guard import (
    COOKIE,
    CSRF_FIELD,
    CSRF_HEADER,
    SESSION_S,
    NotAllowedError,
    TooManyAttemptsError,
    Visitor,
    guard_of,
    require,
)
from experiments.web.problems import status_of
from experiments.web.shelf import Opened
from experiments.web.state import server_of
from experiments.web.words import percent, summary, value_span, when
from features.errors import GlassError
from features.properties import CATALOGUE

MAX_FIELDS: Final = 20_000
"""Of a form: a large round's table has some thousand."""


class LoginNeededError(GlassError):
    """Nobody is logged in where somebody must be."""


class StaleFormError(GlassError):
    """A form that did not come from this session."""


@dataclass(frozen=True, slots=True)
class Look:
    """A request for a page.

    Attributes:
        request: As it came.
        visitor: Who looks.
    """

    request: Request
    visitor: Visitor

    @property
    def name(self) -> str:
        """Who looks."""
        return self.visitor.person.name

    @property
    def may_record(self) -> bool:
        """Whether they may change anything."""
        return self.visitor.person.role.allows(Role.RECORD)

    async def shown(self, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        """As ``page``, made in a thread: the event loop has others to answer."""
        return await run_in_threadpool(self.page, template, status=status, **values)

    def page(self, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        """A page or a part of one.

        Args:
            template: Its file.
            status: HTTP status.
            values: What it shows.

        Returns:
            HTML; a new session's cookie with it.
        """
        guard = guard_of(self.request)
        shared = {
            "person": self.visitor.person,
            "may_record": self.may_record,
            "csrf": self.visitor.csrf,
            "csrf_field": CSRF_FIELD,
            "is_open": guard.is_open,
            "path": self.request.scope["path"],
            "campaign": None,
        }
        text = TEMPLATES.get_template(template).render(**{**shared, **values})
        answer = HTMLResponse(text, status)
        if self.visitor.is_new:
            remember(self.request, answer, self.visitor)
        return answer


def remember(request: Request, answer: Response, visitor: Visitor) -> None:
    """Give the browser a new session's cookie: not for scripts, not for other sites."""
    answer.set_cookie(
        COOKIE, visitor.cookie, max_age=SESSION_S, httponly=True,
        samesite="strict", secure=request.url.scheme == "https",
    )  # fmt: skip


def looking(request: Request) -> Look:
    """Who looks.

    Raises:
        LoginNeededError: If nobody is logged in.
    """
    visitor = guard_of(request).visitor(request)
    if visitor is None:
        raise LoginNeededError("log in first")
    return Look(request, visitor)


Looking = Annotated[Look, Depends(looking)]


async def sent(look: Look, role: Role = Role.RECORD) -> FormData:
    """A form from one of our pages, by somebody who may send it.

    Args:
        look: The request.
        role: What it needs.

    Returns:
        Its fields.

    Raises:
        StaleFormError: If it did not come from this session.
        NotAllowedError: If the role does not allow it.
    """
    form = await look.request.form(max_fields=MAX_FIELDS, max_files=4)
    token = look.request.headers.get(CSRF_HEADER) or str(form.get(CSRF_FIELD, ""))
    if not look.visitor.is_own_form(token):
        raise StaleFormError(
            "this form is from another session (cookies may be blocked); open the page again and "
            "repeat what you did"
        )
    require(look.visitor.person, role)
    return form


def head(opened: Opened) -> dict[str, Any]:
    """What the head of a campaign's page says."""
    return {"campaign": opened.name, "simulated": opened.ledger.kind == "simulated"}


def go(request: Request, address: str) -> Response:
    """Send the browser to another page, from a form or from a part of a page.

    Args:
        request: As it came.
        address: Fit for a header, as ``campaign_address`` makes it.
    """
    if request.headers.get("hx-request"):
        return Response(status_code=204, headers={"HX-Redirect": address})
    return RedirectResponse(address, 303)


def page_error(request: Request, error: GlassError | HTTPException) -> Response:
    """A complaint as a page, or as a part of one; who is not logged in is asked to."""
    if isinstance(error, LoginNeededError):
        there = quote(address_of(request)) if request.method == "GET" else "/"
        return go(request, f"/login?next={there}")
    status, words = _complaint(error)
    visitor = guard_of(request).visitor(request)
    if visitor is None:
        return HTMLResponse(
            TEMPLATES.get_template("bare_error.html").render(words=words, status=status), status
        )
    is_part = bool(request.headers.get("hx-request"))
    template = "_complaint.html" if is_part else "error.html"
    return Look(request, visitor).page(
        template, status=200 if is_part else status, words=words, http_status=status,
        campaigns=server_of(request).shelf.names(),
    )  # fmt: skip


def _complaint(error: GlassError | HTTPException) -> tuple[int, str]:
    if isinstance(error, HTTPException):
        words = "there is no such page; use the links above" if error.status_code == 404 else ""
        return error.status_code, words or str(error.detail)
    if isinstance(error, NotAllowedError):
        return 403, str(error)
    if isinstance(error, TooManyAttemptsError):
        return 429, str(error)
    if isinstance(error, StaleFormError):
        return 403, str(error)
    return status_of(error), str(error)


def _environment() -> Environment:
    found = Environment(
        loader=PackageLoader("experiments.web", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {
        "number": number_text,
        "x": x_text,
        "when": when,
        "percent": percent,
        "minus": printed_numbers,
        "summary": summary,
        "value": value_text,
        "label": label,
        "in_address": in_address,
    }
    found.globals |= {"unit_of": typeset_unit, "range_of": range_text, "span_of": value_span}
    return found


def label(property_id: str) -> Markup | str:
    """How people call a property."""
    entry = CATALOGUE.get(property_id)
    return property_id.replace("_", " ") if entry is None else entry.label


TEMPLATES: Final = _environment()
Values = Mapping[str, Any]
