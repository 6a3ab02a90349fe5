"""A client of a running glassloop, for a robot or a script; needs ``requests`` and nothing else.

This file may be copied to another computer and used there alone. It talks to ``glassloop serve``::

    from experiments.client import Client

    with Client("http://127.0.0.1:8080", token="glt_...") as client:
        lab = client.campaign("na3pso")
        job = lab.propose(glasses=2, accept=True)      # returns at once
        round_ = lab.round(job.wait()["round"])        # waits until it is chosen
        lab.record(
            specimens=[{"specimen": "R02-G1", "kind": "jar", "status": "made"}],
            readings=[{"specimen": "R02-G1-P1", "property": "youngs_modulus", "value": 20.4}],
        )
        for reading in lab.readings():                 # follows the pages
            print(reading["specimen"], reading["property"], reading["text"])

Every request that writes carries a key and is sent again with the same key when the connection
breaks or the server is being restarted, so that nothing is lost and nothing is done twice. To be
as sure across a restart of your own program, store a key of your own first and give it as ``key``.

What the server refuses raises ``ApiProblem``; printed, it lists every wrong row on a line.
Without an answer after all tries there is ``ServerAwayError``; a job that came to nothing raises
``JobFailedError``.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal
from urllib.parse import quote
from uuid import uuid4

import requests
from requests.auth import AuthBase

Json = dict[str, Any]
Row = Mapping[str, Any]
Form = Literal["csv", "xlsx", "parquet", "json", "optuna"]

TRIES: Final = 8
"""How often a request is sent before giving up: with the waits between, for about a minute."""

FIRST_WAIT_S: Final = 0.5
LONGEST_WAIT_S: Final = 30.0
LONGEST_ASKED_S: Final = 120.0
"""The most a server's Retry-After is obeyed."""

BUSY: Final = frozenset({429, 502, 503})
PAGE: Final = 500

_BROKEN: Final = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with what was sent.

    Attributes:
        detail: One sentence: what, got which value, what to do.
        row: Row in what was sent, the first being 1.
        field: Name of the field.
        specimen: The specimen the row is about.
        table: Which table the row is of.
    """

    detail: str
    row: int | None = None
    field: str | None = None
    specimen: str = ""
    table: str = ""

    def __str__(self) -> str:
        """Where it is, and what."""
        row = "" if self.row is None else f"{self.table} row {self.row}".lstrip()
        place = ", ".join(filter(None, (row, self.specimen, self.field or "")))
        return f"{place}: {self.detail}" if place else self.detail


class ApiProblem(Exception):  # noqa: N818 - what RFC 9457 calls it
    """The server refused; nothing was written.

    Attributes:
        status: HTTP status.
        detail: One sentence.
        problems: All that is wrong, row by row.
    """

    def __init__(self, status: int, detail: str, problems: Sequence[Fault] = ()) -> None:
        super().__init__(status, detail, tuple(problems))
        self.status, self.detail, self.problems = status, detail, tuple(problems)

    def __str__(self) -> str:
        """What is wrong, a line for each thing."""
        return "\n".join([f"{self.detail} ({self.status})", *map(str, self.problems)])


class ServerAwayError(Exception):
    """No answer came, however often it was tried."""


class JobFailedError(Exception):
    """A job ended without a result.

    Attributes:
        job: The job, with its ``state`` and ``words``.
    """

    def __init__(self, job: "Job") -> None:
        super().__init__(f"{job.kind} of {job.campaign} {job.state}: {job.error or job.words}")
        self.job = job


@dataclass(frozen=True, slots=True)
class Recorded:
    """What recording did.

    Attributes:
        specimens: Specimens added or changed.
        readings_added: New readings.
        readings_corrected: Readings that replaced an earlier one.
        unchanged: Rows the ledger held already.
        rounds: Rounds in which something changed.
        warnings: What is unusual, one sentence each.
    """

    specimens: int
    readings_added: int
    readings_corrected: int
    unchanged: int
    rounds: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """A proposal under discussion, in one of its versions.

    Attributes:
        id: Such as ``D01``.
        version: Which was looked at; edits of another one are refused.
        state: open, accepted or discarded.
        person: Who wrote this version.
        content: Everything the server says of it; in a list less than on its own.
    """

    id: str
    version: int
    state: str
    person: str
    content: Json = field(repr=False)

    @classmethod
    def of(cls, found: Json) -> "Draft":
        """A draft as the server says it."""
        return cls(found["id"], found["version"], found["state"], found["person"], found)


class Job:
    """Something long the server does.

    Attributes:
        id: Its number.
        kind: propose, accept, compare or archive.
        campaign: Its campaign.
        state: queued, running, done, failed or cancelled.
        progress: From 0 to 1.
        words: What is being done.
        result: What came of it, once done.
        error: Why it failed.
    """

    def __init__(self, door: "_Door", found: Json, ask_again: Callable[[], Json]) -> None:
        self._door, self._ask_again, self._was_lost = door, ask_again, False
        self._take(found)

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in ("done", "failed", "cancelled")

    def refresh(self) -> None:
        """Look how far it is.

        A server that was restarted knows its jobs no longer: then the request that began this one
        is sent again, with its key, and is answered with the result or begun anew.
        """
        try:
            self._take(self._door.get(f"jobs/{self.id}"))
        except ApiProblem as problem:
            if problem.status != 404:
                raise
            self._was_lost = True
            self._take(self._ask_again())
        if self._was_lost and self.state == "failed":
            # A worker of the server before may have been quicker, and this one found it done.
            self._was_lost = False
            self._take(self._ask_again())

    def wait(
        self,
        timeout_s: float = 3600.0,
        poll_s: float = 1.0,
        tell: Callable[["Job"], None] | None = None,
    ) -> Any:
        """Wait until it is done.

        Args:
            timeout_s: How long, s; the job itself goes on after it.
            poll_s: How often is asked, s.
            tell: Told after each look.

        Returns:
            The result.

        Raises:
            JobFailedError: If it failed or was cancelled.
            TimeoutError: If it takes longer.
        """
        end = time.monotonic() + timeout_s
        while not self.is_over:
            if time.monotonic() >= end:
                raise TimeoutError(
                    f"{self.kind} of {self.campaign} is not over after {timeout_s:g} s "
                    f"({self.words}); wait again, or cancel it"
                )
            time.sleep(poll_s)
            self.refresh()
            if tell is not None:
                tell(self)
        if self.state != "done":
            raise JobFailedError(self)
        return self.result

    def cancel(self) -> None:
        """Stop it; nothing is half-written. One that is over stays as it is."""
        self._take(self._door.send("DELETE", f"jobs/{self.id}"))

    def _take(self, found: Json) -> None:
        self.id: str = found["id"]
        self.kind: str = found["kind"]
        self.campaign: str = found["campaign"]
        self.state: str = found["state"]
        self.progress: float = found["progress"]
        self.words: str = found["words"]
        self.result: Any = found["result"]
        self.error: str | None = found["error"]


class Campaign:
    """A campaign of the server; rows are plain dictionaries, with units in their names.

    Attributes:
        name: As the server calls it.
    """

    def __init__(self, door: "_Door", name: str) -> None:
        self.name = name
        self._door = door
        self._place = f"campaigns/{quote(name, safe='')}"

    def facts(self) -> Json:
        """What the ledger holds: kind, open rounds, open draft, counts; quick."""
        return self._door.get(self._place)

    def status(self) -> Json:
        """Where it stands, as ``glassloop status --json``; fits, so it takes some seconds."""
        return self._door.get(f"{self._place}/status")

    def propose(
        self,
        *,
        glasses: int | None = None,
        trilayers: int | None = None,
        budget_h: float | None = None,
        accept: bool = False,
        key: str | None = None,
    ) -> Job:
        """Have the next batch chosen.

        Args:
            glasses: Jars of the mill run; the campaign's number when left out.
            trilayers: Cells; the campaign's number when left out.
            budget_h: The most it may cost, h.
            accept: Open the round at once; otherwise it is a draft.
            key: The same key does it once.

        Returns:
            A job whose result names the ``round`` or the ``draft``.
        """
        asked = {"glasses": glasses, "trilayers": trilayers, "budget_h": budget_h}
        return self._job("proposals", {**asked, "accept": accept}, key)

    def drafts(self) -> Iterator[Draft]:
        """Drafts, newest first."""
        return map(Draft.of, self._pages("drafts"))

    def draft(self, draft_id: str) -> Draft:
        """The newest version of a draft, with rows, predictions and what its edits cost."""
        return Draft.of(self._door.get(f"{self._place}/drafts/{quote(draft_id, safe='')}"))

    def edit(self, draft: Draft, edits: Sequence[Row], *, key: str | None = None) -> Draft:
        """Change a draft; refused if somebody changed it since.

        Args:
            draft: As it was looked at.
            edits: Such as ``{"row": "G2", "set": {"x": 0.55}}``; docs/drafts.md has all of them.
            key: The same key does it once.

        Returns:
            The next version.
        """
        body = {"version": draft.version, "edits": [dict(edit) for edit in edits]}
        return Draft.of(self._door.send("PATCH", self._of(draft), body, key))

    def accept(self, draft: Draft, *, key: str | None = None) -> Job:
        """Make a draft a round: a job whose result names the ``round``."""
        return self._job(f"drafts/{draft.id}/accept", {"version": draft.version}, key)

    def discard(self, draft: Draft, *, key: str | None = None) -> Draft:
        """Put a draft aside; it stays in the history."""
        body = {"version": draft.version}
        return Draft.of(self._door.send("POST", f"{self._of(draft)}/discard", body, key))

    def rounds(self) -> Iterator[Json]:
        """Rounds, oldest first, with what open ones wait for."""
        return self._pages("rounds")

    def round(self, round_id: str) -> Json:
        """A round as it was proposed: ``glasses``, ``trilayers``, with frozen predictions."""
        return self._door.get(f"{self._place}/rounds/{quote(round_id, safe='')}")

    def close_round(self, round_id: str, *, key: str | None = None) -> None:
        """End a round with what is there; what nobody told of counts as not made."""
        self._door.send("POST", f"{self._place}/rounds/{quote(round_id, safe='')}/close", {}, key)

    def record(
        self,
        *,
        specimens: Sequence[Row] = (),
        readings: Sequence[Row] = (),
        key: str | None = None,
    ) -> Recorded:
        """Record what was made and measured: all of it is taken, or nothing.

        Args:
            specimens: Rows as of ``made.csv``: ``specimen``, ``kind``, ``status`` and more.
            readings: Rows as of ``results.csv``: ``specimen``, ``property``, ``value`` and more.
            key: The same key does it once.

        Returns:
            What was done.
        """
        body = {"specimens": [dict(row) for row in specimens], "readings": [*map(dict, readings)]}
        done = self._door.send("POST", f"{self._place}/records", body, key)
        return Recorded(
            done["specimens"], done["readings_added"], done["readings_corrected"],
            done["unchanged"], tuple(done["rounds"]), tuple(done["warnings"]),
        )  # fmt: skip

    def specimens(self) -> Iterator[Json]:
        """Specimens as they are now."""
        return self._pages("specimens")

    def readings(self) -> Iterator[Json]:
        """Readings as they are now, oldest first, in the catalogue's units."""
        return self._pages("readings")

    def changes(self) -> Iterator[Json]:
        """Every change, newest first: who, when, by which door, what."""
        return self._pages("changes")

    def predict(self, recipes: Sequence[Row]) -> list[Json]:
        """What recipes would give.

        Args:
            recipes: ``x`` and, if not usual, ``milling_time_h``, ``milling_media``,
                ``milling_speed_rpm``, ``pressing_pressure_mpa``.

        Returns:
            For each recipe ``predictions`` by property, with 90 % ranges, and ``success``.
        """
        body = {"recipes": [dict(recipe) for recipe in recipes]}
        found: list[Json] = self._door.send("POST", f"{self._place}/predictions", body)["items"]
        return found

    def compare(self, *, properties: Sequence[str] = (), surrogates: Sequence[str] = ()) -> Job:
        """Which surrogate to believe: a job; all properties and surrogates when left out."""
        body = {"properties": [*properties], "surrogates": [*surrogates]}
        return self._job("comparisons", body, None)

    def export(self, form: Form = "csv", *, to: Path | str, table: str | None = None) -> Path:
        """All tables as a file.

        Args:
            form: What it is written as; csv and parquet of several tables come in a zip.
            to: The file; one that is there is replaced.
            table: A single table, of csv and parquet.

        Returns:
            The file.
        """
        asked = {"form": form} | ({} if table is None else {"table": table})
        return self._door.fetch(f"{self._place}/export", Path(to), asked)

    def archive(self, *, to: Path | str, timeout_s: float = 3600.0) -> Path:
        """Data, configuration, models and MLflow runs as one file.

        Args:
            to: The file; one that is there is replaced.
            timeout_s: How long to wait for it, s.

        Returns:
            The file.
        """
        job = self._job("archives", {}, None)
        job.wait(timeout_s)
        return self._door.fetch(f"jobs/{job.id}/file", Path(to))

    def _of(self, draft: Draft) -> str:
        return f"{self._place}/drafts/{quote(draft.id, safe='')}"

    def _job(self, what: str, body: Json, key: str | None) -> Job:
        held = key or str(uuid4())

        def ask() -> Json:
            return self._door.send("POST", f"{self._place}/{what}", body, held)

        return Job(self._door, ask(), ask)

    def _pages(self, what: str) -> Iterator[Json]:
        after: str | None = None
        while True:
            asked = {"limit": str(PAGE)} | ({} if after is None else {"after": after})
            page = self._door.get(f"{self._place}/{what}", asked)
            yield from page["items"]
            after = page.get("next")
            if after is None:
                return


class Client:
    """A running glassloop.

    Args:
        address: Such as ``https://glass.example.org``, as ``glassloop serve`` prints it.
        token: Made with ``glassloop token add``; none where the server needs none.
        timeout_s: How long one answer may take before it is tried again, s.
    """

    def __init__(self, address: str, token: str | None = None, timeout_s: float = 30.0) -> None:
        self._door = _Door(address, token, timeout_s)

    def __enter__(self) -> "Client":
        """Itself; ``with`` closes it."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """Let go of the connections."""
        self._door.session.close()

    def me(self) -> Json:
        """Who asks, and their role."""
        return self._door.get("me")

    def campaigns(self) -> list[Json]:
        """Campaigns of this server: name and kind."""
        found: list[Json] = self._door.get("campaigns")["items"]
        return found

    def campaign(self, name: str) -> Campaign:
        """A campaign by its name; nothing is asked yet."""
        return Campaign(self._door, name)


class _Bearer(AuthBase):
    """Shows the token; given as authentication, so that no .netrc replaces it."""

    def __init__(self, token: str | None) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """The request with the token."""
        if self._token is not None:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class _Door:
    """Sends requests, again if need be."""

    def __init__(self, address: str, token: str | None, timeout_s: float) -> None:
        self._root = f"{address.rstrip('/')}/api/v1"
        self._timeout_s = timeout_s
        self.session = requests.Session()
        self.session.auth = _Bearer(token)

    def get(self, what: str, asked: Mapping[str, str] | None = None) -> Json:
        """What lies at an address."""
        found: Json = self._answer("GET", what, params=asked).json()
        return found

    def send(
        self, method: str, what: str, body: Json | None = None, key: str | None = None
    ) -> Json:
        """Send something with a key; the same one each time it has to be sent again."""
        headers = {"Idempotency-Key": key or str(uuid4())}
        found: Json = self._answer(method, what, json=body, headers=headers).json()
        return found

    def fetch(self, what: str, to: Path, asked: Mapping[str, str] | None = None) -> Path:
        """A file; it appears whole or not at all."""
        partial = to.with_name(f".{to.name}.part")
        try:
            partial.write_bytes(self._answer("GET", what, params=asked).content)
            partial.replace(to)
        finally:
            partial.unlink(missing_ok=True)
        return to

    def _answer(self, method: str, what: str, **more: Any) -> requests.Response:
        """An answer that is none of a busy or absent server.

        Raises:
            ApiProblem: If the server refuses.
            ServerAwayError: If no answer comes.
        """
        broken: Exception | None = None
        for attempt in range(1, TRIES + 1):
            wait_s = min(FIRST_WAIT_S * 2 ** (attempt - 1), LONGEST_WAIT_S)
            try:
                answer = self.session.request(
                    method, f"{self._root}/{what}", timeout=self._timeout_s,
                    allow_redirects=False, **more,
                )  # fmt: skip
            except _BROKEN as error:
                broken = error
            else:
                if answer.ok and not answer.is_redirect:
                    return answer
                if answer.status_code not in BUSY or attempt == TRIES:
                    raise _problem_of(answer)
                wait_s = max(wait_s, _asked_wait(answer))
            if attempt < TRIES:
                time.sleep(wait_s)
        raise ServerAwayError(
            f"{self._root}: no answer to {method} {what} after {TRIES} tries ({broken}); see that "
            "the server runs and that the address is right, then try again"
        ) from broken


def _asked_wait(answer: requests.Response) -> float:
    """Seconds the server asks to wait; a date is not understood and none."""
    said = answer.headers.get("Retry-After", "")
    return min(float(said), LONGEST_ASKED_S) if said.isascii() and said.isdigit() else 0.0


def _problem_of(answer: requests.Response) -> ApiProblem:
    """Why the server refused, also where a proxy answers in its place."""
    if answer.is_redirect:
        there = answer.headers.get("Location", "")
        return ApiProblem(answer.status_code, f"the server is elsewhere, at {there}; use that")
    try:
        found = answer.json()
        faults = [
            Fault(
                one["detail"],
                one.get("row"),
                one.get("field"),
                one.get("specimen") or "",
                one.get("table") or "",
            )
            for one in found.get("problems", [])
        ]
        return ApiProblem(answer.status_code, str(found["detail"]), faults)
    except (ValueError, KeyError, TypeError, AttributeError):
        said = f"this is no answer of glassloop: {answer.reason}; check the address"
        return ApiProblem(answer.status_code, said)
