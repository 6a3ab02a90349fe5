"""Complaints as RFC 9457 problems: what, got which value, where, what to do. Never a trace."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import uuid4

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from experiments.logs import note
from experiments.web.addresses import address_of
from experiments.web.counter import BusyError, UnavailableError
from experiments.web.shelf import NotHereError, NothingHereError
from features.errors import (
    AccessError,
    CampaignError,
    ConflictError,
    GlassError,
    InputError,
    LedgerError,
    UnsafeProposalError,
)

PROBLEM_TYPE: Final = "application/problem+json"


class Fault(BaseModel):
    """One thing that is wrong with what was sent."""

    table: str = Field(
        default="", description="Which table the row is of: specimens, readings, edits, recipes."
    )
    row: int | None = Field(default=None, description="Row in what was sent, the first being 1.")
    field: str | None = Field(default=None, description="Name of the field.")
    specimen: str = Field(default="", description="The specimen the row is about.")
    detail: str = Field(description="One sentence: what, got which value, what to do.")


class Problem(BaseModel):
    """What is wrong, after RFC 9457."""

    type: str = Field(default="about:blank", description="Kind of problem.")
    title: str = Field(description="The kind in a few words.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="One sentence: what, got which value, where, what to do.")
    instance: str = Field(default="", description="The address that was asked.")
    problems: list[Fault] = Field(
        default_factory=list, description="All that is wrong, row by row."
    )


_TITLES: Final[Mapping[int, str]] = {
    400: "cannot be understood",
    401: "who are you?",
    403: "not allowed",
    404: "not found",
    405: "not possible here",
    406: "cannot be given in that form",
    409: "does not fit what is there",
    410: "no longer here",
    411: "length missing",
    413: "too large",
    415: "wrong kind of content",
    422: "wrong values",
    428: "version missing",
    429: "too many requests",
    500: "a fault of the server",
    503: "cannot be done now",
}

_DETAILS: Final[Mapping[int, str]] = {
    400: "the body is no JSON that can be read; send UTF-8 text with numbers of usual length",
    404: "there is nothing at this address; see /docs for those there are",
    405: "this address does not take that method; see /docs for those it takes",
}


def problem(
    status: int,
    detail: str,
    *,
    instance: str = "",
    faults: Sequence[Fault] = (),
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """A problem as an answer.

    Args:
        status: HTTP status.
        detail: One sentence.
        instance: The address.
        faults: All that is wrong, row by row.
        headers: More headers.

    Returns:
        ``application/problem+json``.
    """
    body = Problem(
        title=_TITLES.get(status, "problem"),
        status=status,
        detail=detail,
        instance=instance,
        problems=list(faults),
    )
    return JSONResponse(
        body.model_dump(), status, media_type=PROBLEM_TYPE, headers=dict(headers or {})
    )


def status_of(error: GlassError) -> int:
    """The HTTP status of a complaint."""
    if isinstance(error, NotHereError):
        return 410 if error.was_here else 404
    if isinstance(error, NothingHereError):
        return 404
    if isinstance(error, AccessError):
        return 401
    if isinstance(error, ConflictError):
        return 409
    if isinstance(error, BusyError):
        return 429
    if isinstance(error, LedgerError | UnavailableError):
        return 503
    if isinstance(error, UnsafeProposalError):
        return 500
    if isinstance(error, CampaignError):
        return 409
    return 422


def faults_of(error: GlassError) -> list[Fault]:
    """All that is wrong, with rows and fields where they are known."""
    if not isinstance(error, InputError):
        return []
    return [
        Fault(
            table=getattr(one, "file", ""),
            row=getattr(one, "row", None),
            field=getattr(one, "column", None),
            specimen=getattr(one, "specimen", ""),
            detail=str(getattr(one, "said", "") or one),
        )
        for one in error.problems
    ]


def of_error(error: GlassError, request: Request) -> JSONResponse:
    """A complaint as an answer."""
    faults = faults_of(error)
    detail = str(error)
    if isinstance(error, InputError):
        n = len(error.problems)
        detail = f"{n} problem{'' if n == 1 else 's'} found, nothing was written"
    headers = {"WWW-Authenticate": "Bearer"} if isinstance(error, AccessError) else None
    return problem(
        status_of(error), detail, instance=address_of(request), faults=faults, headers=headers
    )


def of_validation(error: RequestValidationError, request: Request) -> JSONResponse:
    """What pydantic found wrong with a request, with rows and fields."""
    found = error.errors()
    if found[0]["type"] == "json_invalid":
        said, place = found[0]["ctx"]["error"], int(found[0]["loc"][-1]) + 1
        detail = f"the body is no JSON: {said} at character {place}; correct it"
        return problem(400, detail, instance=address_of(request))
    last = request.url.path.rpartition("/")[2]  # of .../readings, the rows are readings
    faults = [_validation_fault(one, last) for one in found]
    n = len(faults)
    return problem(
        422,
        f"{n} problem{'' if n == 1 else 's'} found, nothing was written",
        instance=address_of(request),
        faults=faults,
    )


def of_http(error: HTTPException, request: Request) -> JSONResponse:
    """An error of the framework as an answer."""
    said = str(error.detail)
    detail = _DETAILS.get(error.status_code, said) if said[:1].isupper() else said
    return problem(error.status_code, detail, instance=address_of(request), headers=error.headers)


def of_fault(error: Exception, request: Request) -> JSONResponse:
    """A fault of glassloop itself: a number for whoever reads the log, and nothing more."""
    number = uuid4().hex[:8]
    note("fault", "error", error=error, number=number, path=request.url.path)
    return problem(
        500,
        f"this is a fault of glassloop and not yours (number {number}); nothing was half-written: "
        "try again, and show the number to whoever runs the server",
        instance=address_of(request),
    )


def _validation_fault(found: Mapping[str, Any], rows: str) -> Fault:
    place = found["loc"][1:]  # the first says body, query, path or header
    row, table = None, ""
    if len(place) > 1 and isinstance(place[1], int):
        table = rows if place[0] == "rows" else str(place[0])
        row, place = place[1] + 1, place[2:]
    got = found.get("input")
    shown = f", got {str(got)[:80]!r}" if isinstance(got, str | int | float) else ""
    said = str(found["msg"])
    return Fault(
        table=table,
        row=row,
        field=".".join(str(part) for part in place) or None,
        detail=f"{said[:1].lower()}{said[1:]}{shown}; correct it, see /docs",
    )
