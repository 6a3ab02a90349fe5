"""One line of the log for each request: what was asked for, by whom, what came of it, how long."""

from time import perf_counter
from typing import Final

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from experiments.logs import note

NOWHERE: Final = "(no such address)"


class Journal:
    """Middleware outside everything else.

    An address is written as its template: names in it stay with who asked.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and write down what came of it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = perf_counter()
        status: int | None = None

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            _told(scope, status, perf_counter() - began)


def remember_person(request: Request, name: str) -> None:
    """Say who asks, for the line of this request."""
    request.state.person = name


def _told(scope: Scope, status: int | None, seconds: float) -> None:
    path = _template(scope)
    if path == "/static" and status is not None and status < 400:
        return
    is_fault = status is None or status >= 500
    note(
        "request finished",
        "warning" if is_fault else "info",
        method=scope["method"],
        path=path,
        status=status,
        duration_ms=round(1000 * seconds, 1),
        person=str(scope.get("state", {}).get("person", "")),
        door="API" if scope["path"].startswith("/api/") else "page",
        campaign=str(scope.get("path_params", {}).get("campaign", "")),
        caller=scope["client"][0] if scope.get("client") else "",
    )


def _template(scope: Scope) -> str:
    """Of an address, what stands in our code; of one we have not, that there is none."""
    if scope["path"].startswith("/static/"):
        return "/static"
    template = getattr(scope.get("route"), "path_format", None)
    if template is None:
        return NOWHERE
    own = template.format(**scope.get("path_params", {}))  # of a router: its prefix is not in it
    return f"{scope['path'].removesuffix(own)}{template}"
