"""The application: pages, API, and what stands before both."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from experiments.access import AccessStore
from experiments.web.addresses import address_of
from experiments.web.api import router as api
from experiments.web.armour import HERE, MAX_BODY_BYTES, Armour, RateGuard, Rates
from experiments.web.counter import BusyError, Counter
from experiments.web.guard import Guard, NotAllowedError, TooManyAttemptsError
from experiments.web.jobs import Bench
from experiments.web.journal import Journal
from experiments.web.lane import Lane, workshop
from experiments.web.openapi import allowed_methods, describe
from experiments.web.pages import page_error
from experiments.web.pages import router as pages
from experiments.web.problems import of_error, of_fault, of_http, of_validation, problem
from experiments.web.shelf import Shelf
from experiments.web.state import Server
from features.errors import GlassError

QUICK_S: Final = 90.0
"""The most that somebody waits for a prediction or an edit; usual is a second."""

FILES_S: Final = 30.0
"""The most that reading uploaded files may take: the worst honest one takes a second."""

MOST_WAITING: Final = 100
MOST_FILES: Final = 8

N_BENCHES: Final = 2
"""Campaigns that can be proposed for at once; one campaign's work waits for its own."""

STATIC: Final = Path(__file__).with_name("static")


def make_app(
    root: Path,
    *,
    is_local: bool = True,
    host: str = HERE[0],
    rates: Rates | None = None,
    max_body: int = MAX_BODY_BYTES,
) -> FastAPI:
    """The ASGI application over a folder.

    Args:
        root: A campaign's folder, or one that holds campaigns.
        is_local: Whether it will listen on this computer's own address only. Otherwise everybody
            needs a token.
        host: Where it will listen; while nobody needs a token it answers to this name and to those
            every computer has for itself.
        rates: How much one caller may ask for.
        max_body: Most bytes of a request.

    Returns:
        The application; its workers start with it and end with it.
    """
    counts = RateGuard(rates or Rates())
    guard = Guard(AccessStore(root), is_local, counts)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        context = workshop()
        quick = Counter(Lane(context), limit_s=QUICK_S, most=MOST_WAITING)
        files_read = Counter(Lane(context), limit_s=FILES_S, most=MOST_FILES)
        bench = Bench([Lane(context) for _ in range(N_BENCHES)])
        server = Server(Shelf(root), quick, files_read, bench)
        app.state.server = server
        warming = asyncio.create_task(quick.warm_up())  # the first page does not wait for it
        try:
            yield
        finally:
            warming.cancel()
            await server.close()

    app = FastAPI(
        lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url="/api/v1/openapi.json"
    )
    app.state.guard = guard
    app.include_router(api)
    app.include_router(pages, dependencies=[Depends(_tidied)])
    app.add_api_route("/static/plotly.min.js", _plotly, include_in_schema=False)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    describe(app)
    app.add_exception_handler(GlassError, _refused)  # type: ignore[arg-type]
    app.add_exception_handler(HTTPException, _unanswered)  # type: ignore[arg-type]
    app.add_exception_handler(RequestValidationError, _unreadable)  # type: ignore[arg-type]
    app.add_exception_handler(Exception, _broken)
    _dress(app, guard, hosts=list(dict.fromkeys((host.lower(), *HERE))), max_body=max_body)
    return app


def _dress(app: FastAPI, guard: Guard, *, hosts: Sequence[str], max_body: int) -> None:
    """Put armour around everything: a middleware would not see the answer to a fault."""
    inner = app.build_middleware_stack

    def dressed() -> ASGIApp:
        armour = Armour(
            inner(), rates=guard.rates, is_open=lambda: guard.is_open, hosts=hosts,
            max_body=max_body,
        )  # fmt: skip
        return Journal(armour)

    app.build_middleware_stack = dressed  # type: ignore[method-assign]


async def _tidied(request: Request) -> AsyncIterator[None]:
    """Let go of uploaded files once a page has answered."""
    yield
    await request.close()


async def _plotly() -> FileResponse:
    """The plotting library, from its own package: nothing is fetched from another host."""
    package = find_spec("plotly")
    folder = Path(package.origin if package and package.origin else "").parent
    return FileResponse(folder / "package_data" / "plotly.min.js", media_type="text/javascript")


def _refused(request: Request, error: GlassError) -> Response:
    """A complaint as an answer; in a thread, since a page looks at tokens and campaigns."""
    if not _wants_problem(request):
        return page_error(request, error)
    if isinstance(error, NotAllowedError):
        return problem(403, str(error), instance=address_of(request))
    if isinstance(error, TooManyAttemptsError | BusyError):
        return problem(429, str(error), instance=address_of(request), headers={"Retry-After": "60"})
    return of_error(error, request)


async def _unreadable(request: Request, error: RequestValidationError) -> Response:
    return of_validation(error, request)


def _unanswered(request: Request, error: HTTPException) -> Response:
    """An error of the framework as an answer; in a thread, as the other."""
    if not _wants_problem(request):
        return page_error(request, error)
    answer = of_http(error, request)
    if error.status_code == 405:
        answer.headers["Allow"] = allowed_methods(request)
    return answer


async def _broken(request: Request, error: Exception) -> Response:
    return of_fault(error, request)


def _wants_problem(request: Request) -> bool:
    """Whether a program asks, and not a page."""
    return request.url.path.startswith("/api/")
