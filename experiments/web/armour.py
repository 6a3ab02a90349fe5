"""What stands before every request: size, origin, host, rate, and headers on every answer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from experiments.web.problems import problem

MAX_BODY_BYTES: Final = 10 * 1024 * 1024
"""Larger than any table of results; the largest workbook a laboratory fills has some 100 kB."""

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
HERE: Final = ("127.0.0.1", "localhost", "::1")

POLICY: Final = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; object-src 'none'; frame-src 'self'; "
    "frame-ancestors 'self'; form-action 'self'; base-uri 'none'"
)
"""Nothing from another host, and no script or style that is not a file of ours."""

_HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}

_CLOSE: Final = {"Connection": "close"}
"""What follows would be read as the next request."""


class TooLargeError(HTTPException):
    """More was sent than is taken; the framework passes it on as it is."""

    def __init__(self, detail: str) -> None:
        super().__init__(413, detail, _CLOSE)


@dataclass(frozen=True, slots=True)
class Rates:
    """How much one caller may ask for.

    Attributes:
        requests: Of all requests, as ``limits`` writes it.
        logins: Of failures to log in, and as many requests with a token that is none.
    """

    requests: str = "1200/minute"
    logins: str = "10/minute"


class RateGuard:
    """Counts by caller; kept in memory, so a restart forgets."""

    def __init__(self, rates: Rates) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._requests, self._logins = parse(rates.requests), parse(rates.logins)

    def allows_request(self, caller: str) -> bool:
        """Whether one more request may be answered; counts it."""
        return bool(self._limiter.hit(self._requests, "request", caller))

    def may_log_in(self, caller: str) -> bool:
        """Whether one more failure would still be taken; counts nothing."""
        return bool(self._limiter.test(self._logins, "login", caller))

    def failed_login(self, caller: str) -> None:
        """Count a token that was none, at the form."""
        self._limiter.hit(self._logins, "login", caller)

    def allows_failure(self, caller: str) -> bool:
        """Whether one more token that was none is taken from a program; counts it."""
        return bool(self._limiter.hit(self._logins, "token", caller))


class Armour:
    """Middleware around the whole application.

    Args:
        app: What it guards.
        rates: Counts by caller.
        is_open: Whether nobody needs a token. Then a page of another site must not pass for this
            server by a name of its own; a token is worth nothing to it.
        hosts: Names the server may be called by while it is open.
        max_body: Most bytes of a request.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        rates: RateGuard,
        is_open: Callable[[], bool],
        hosts: Sequence[str] = HERE,
        max_body: int = MAX_BODY_BYTES,
    ) -> None:
        self._app, self._rates, self._max = app, rates, max_body
        self._is_open, self._hosts = is_open, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on and dress the answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                if scope["path"].startswith("/static/"):
                    headers.setdefault("Cache-Control", "max-age=3600")
                else:
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        request = Request(scope)
        if refusal := self._refusal(request):
            status, detail, more = refusal
            answer = problem(status, detail, instance=scope["path"], headers=more)
            await answer(scope, receive, dressed)
            return
        await self._measured(scope, receive, dressed)

    def _refusal(self, request: Request) -> tuple[int, str, dict[str, str]] | None:
        headers, caller = request.headers, request.client.host if request.client else ""
        host = _host(headers.get("host", ""))
        if host not in self._hosts and self._is_open():
            return (
                403,
                f"this server answers only to this computer, got host {host[:80]!r}; open it as "
                f"http://{f'[{self._hosts[0]}]' if ':' in self._hosts[0] else self._hosts[0]}",
                {},
            )
        if "\0" in request.scope["path"] or b"%00" in request.scope["query_string"]:
            return 400, "the address holds a NUL, as no name does; correct it", {}
        if request.method not in SAFE_METHODS and _is_foreign(headers):
            return 403, "a page of another site sent this, so it was refused; use our own page", {}
        length = headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit()):
            return 400, "content-length: must be a whole number; correct it", _CLOSE
        if len(length) > 15 or int(length) > self._max:
            return 413, self._too_large(length), _CLOSE
        if not request.url.path.startswith("/static/") and not self._rates.allows_request(caller):
            return (
                429,
                "too many requests in a minute from this address; wait a minute",
                {"Retry-After": "60"},
            )
        return None

    async def _measured(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, counting what really comes: a length may be missing or a lie."""
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._max:
                raise TooLargeError(self._too_large(""))
            return message

        await self._app(scope, counted, send)

    def _too_large(self, length: str) -> str:
        got = f", got {int(length) / 1e6:.0f} MB" if 0 < len(length) <= 15 else ""
        return (
            f"at most {self._max // (1024 * 1024)} MB are taken at once{got}; send the table "
            "without pictures, or in parts"
        )


def _is_foreign(headers: Headers) -> bool:
    """Whether a browser says that a page of another site asks."""
    origin = headers.get("origin")
    if origin is not None and origin.partition("://")[2] != headers.get("host"):
        return True
    return headers.get("sec-fetch-site") in ("cross-site", "same-site")


def _host(header: str) -> str:
    """The name in a header ``Host``; empty when there is none, or it is no name."""
    try:
        return urlsplit(f"//{header}").hostname or ""
    except ValueError:  # half a bracket of an IPv6 address
        return ""
