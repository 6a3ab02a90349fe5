"""Who is asking, and what they may do: a bearer token, or a session a token began.

On this computer's own address, and as long as no token was ever made, whoever asks is the
account that runs the server and may do everything. Once there is a token, everybody needs one.
"""

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

from fastapi import Depends, Request
from itsdangerous import BadData, URLSafeTimedSerializer

from experiments.access import AccessStore, Person, Role
from experiments.acting import account_name
from experiments.logs import note
from experiments.web.armour import RateGuard
from experiments.web.discretion import hide_folder
from experiments.web.ended import EndedSessions
from experiments.web.journal import remember_person
from experiments.web.session_keys import SessionKeys
from features.errors import AccessError, GlassError

COOKIE: Final = "glassloop"
SESSION_S: Final = 12 * 3600
"""A working day; then the token is asked for again."""

CSRF_FIELD: Final = "csrf"
CSRF_HEADER: Final = "x-csrf-token"

OPEN_NONCE: Final = "open"
"""Of the one session there is without tokens: a browser that comes without its cookie, by a link
from elsewhere say, gets the same again, and forms in its other tabs stay good."""

_TOO_MANY: Final = "too many tokens that were none came from this address; wait a minute"


class NotAllowedError(GlassError):
    """Somebody known asks for more than their role allows, or from nowhere we know."""


class TooManyAttemptsError(GlassError):
    """Too many tokens that were none came from one address."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody at a page.

    Attributes:
        person: Who.
        nonce: Of their session.
        csrf: What forms of the session carry, so that no other site can send them.
        cookie: What the browser is to keep, of a session that begins with this answer.
    """

    person: Person
    nonce: str
    csrf: str
    cookie: str = ""

    @property
    def is_new(self) -> bool:
        """Whether the session begins with this answer."""
        return bool(self.cookie)

    def is_own_form(self, sent: str) -> bool:
        """Whether a form came from one of our pages."""
        own = self.csrf.encode()
        return not self.is_new and hmac.compare_digest(own, sent.encode(errors="replace"))


@dataclass(slots=True)
class Guard:
    """Knows people by token and by session.

    Attributes:
        store: Tokens there are.
        is_local: Whether the server listens on this computer's own address only.
        rates: Counts failures.
    """

    store: AccessStore
    is_local: bool
    rates: RateGuard
    _keys: SessionKeys = field(init=False)
    _ended: EndedSessions = field(default_factory=lambda: EndedSessions(SESSION_S))

    def __post_init__(self) -> None:
        """Keys are of the store."""
        self._keys = SessionKeys(self.store)

    @property
    def is_open(self) -> bool:
        """Whether nobody needs a token."""
        return self.is_local and not self.store.exists

    def owner(self) -> Person:
        """Who asks where nobody needs a token."""
        return Person(account_name() or "this computer", Role.ADMIN, "")

    def bearer(self, request: Request) -> Person:
        """Who shows a token in the header ``Authorization``.

        Raises:
            AccessError: If there is none, or it lets nobody in.
            TooManyAttemptsError: After too many that were none.
        """
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if self.is_open and not token:
            return _remembered(request, self.owner())
        if scheme.lower() != "bearer" or not token.strip():
            raise AccessError(
                "this needs a token: send the header 'Authorization: Bearer glt_...'; whoever runs "
                "the server makes one with 'glassloop token add'"
            )
        try:
            return _remembered(request, self._person(token.strip()))
        except AccessError as error:
            note("token refused", "warning", caller=_caller(request))
            # A token that is one is let in all the same: a robot with an old token must not
            # lock out everybody at its address.
            if self.rates.allows_failure(_caller(request)):
                raise
            raise TooManyAttemptsError(_TOO_MANY) from error

    def log_in(self, token: str, caller: str) -> Person:
        """Who shows a token at the form; after too many that were none, no one is looked at.

        Raises:
            AccessError: If it lets nobody in.
            TooManyAttemptsError: After too many that were none.
        """
        if not self.rates.may_log_in(caller):
            raise TooManyAttemptsError(_TOO_MANY)
        try:
            person = self._person(token)
        except AccessError:
            note("token refused", "warning", caller=caller)
            self.rates.failed_login(caller)
            raise
        note("logged in", person=person.name, caller=caller)
        return person

    def visitor(self, request: Request) -> Visitor | None:
        """Who has a session; nobody without one where a token is needed."""
        if not self.is_open and not self.store.exists:
            return None
        try:
            key = self._keys.now()
            session = _session(key, request.cookies.get(COOKIE, ""))
            nonce = str(session.get("n", ""))
            if self.is_open:
                owner = _remembered(request, self.owner())
                if nonce != OPEN_NONCE:
                    return _begun(key, owner, OPEN_NONCE)
                return Visitor(owner, nonce, _csrf(key, nonce))
            if not nonce or nonce in self._ended:
                return None
            person = _remembered(request, self.store.still_valid(str(session.get("t", ""))))
            return Visitor(person, nonce, _csrf(key, nonce))
        except AccessError:  # or the store cannot be read: logging in says so
            return None

    def begun(self, person: Person) -> Visitor:
        """A new session.

        Raises:
            AccessError: If the store cannot be read.
        """
        return _begun(self._keys.now(), person, secrets.token_urlsafe(16))

    def end(self, visitor: Visitor) -> None:
        """End a session for good: a copy of its cookie is worth nothing from now on."""
        self._ended.add(visitor.nonce)

    def _person(self, token: str) -> Person:
        """Who shows a token; a complaint about the store does not say where it lies.

        Raises:
            AccessError: If it lets nobody in, or the store cannot be read.
        """
        try:
            return self.store.person(token)
        except AccessError as error:
            hide_folder(error, self.store.path.parent)
            raise


def _begun(key: bytes, person: Person, nonce: str) -> Visitor:
    cookie = str(_signer(key).dumps({"t": person.token_id, "n": nonce}))
    return Visitor(person, nonce, _csrf(key, nonce), cookie)


def _remembered(request: Request, person: Person) -> Person:
    """The person, whom the log names as who asked."""
    remember_person(request, person.name)
    return person


def _csrf(key: bytes, nonce: str) -> str:
    return hmac.new(key, nonce.encode(), "sha256").hexdigest()


def _session(key: bytes, cookie: str) -> dict[str, Any]:
    """Token id and nonce of a cookie; nothing of one that is not ours or too old."""
    try:
        found = _signer(key).loads(cookie, max_age=SESSION_S)
    except BadData:
        return {}
    return found if isinstance(found, dict) else {}


def _signer(key: bytes) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(key, salt="session")


def _caller(request: Request) -> str:
    return request.client.host if request.client else ""


def guard_of(request: Request) -> Guard:
    """The application's guard."""
    guard: Guard = request.app.state.guard
    return guard


def _needs(role: Role) -> Callable[[Request], Person]:
    def person(request: Request) -> Person:
        """Who asks, if they may."""
        found = guard_of(request).bearer(request)
        require(found, role)
        return found

    return person


def require(person: Person, role: Role) -> None:
    """Refuse who may not.

    Raises:
        NotAllowedError: If the role does not allow it.
    """
    if not person.role.allows(role):
        raise NotAllowedError(
            f"{person.name} has the role {person.role.value}, this needs {role.value}; ask who "
            "runs the server for another token"
        )


Reader = Annotated[Person, Depends(_needs(Role.READ))]
Recorder = Annotated[Person, Depends(_needs(Role.RECORD))]
Admin = Annotated[Person, Depends(_needs(Role.ADMIN))]
