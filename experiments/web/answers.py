"""Requests that may be sent again: the same key does the same thing once."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Any

from fastapi import Header

from experiments.ledger import Ledger
from experiments.ledger_rows import RequestRow
from features.errors import ConflictError

Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="Any text of your own. The same request sent again with it is done once, and "
        "answered as the first time.",
    ),
]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that has a key; a job without one gets one that no request can have.

    Attributes:
        person: Who sent it.
        key: Theirs.
        fingerprint: Of what was asked.
    """

    person: str
    key: str
    fingerprint: str

    def to_dict(self) -> dict[str, str]:
        """Plain data, for a worker."""
        return {"person": self.person, "key": self.key, "fingerprint": self.fingerprint}

    def row(self, answer: Mapping[str, Any]) -> RequestRow:
        """What the ledger keeps of it."""
        return RequestRow(**self.to_dict(), answer=answer)


def asked(person: str, key: str | None, what: str, body: Mapping[str, Any]) -> Asked | None:
    """A request with its key; ``None`` without one.

    Args:
        person: Who sends it.
        key: Theirs.
        what: Which address.
        body: What is asked.
    """
    if key is None:
        return None
    text = json.dumps([what, body], sort_keys=True, default=str)
    return Asked(person, key, sha256(text.encode()).hexdigest())


def answered(ledger: Ledger, request: Asked | None) -> Mapping[str, Any] | None:
    """What was answered the first time; ``None`` when this is the first time.

    Raises:
        ConflictError: If the key was used for something else.
    """
    if request is None:
        return None
    held = ledger.answered(request.person, request.key)
    if held is None:
        return None
    if held.fingerprint != request.fingerprint:
        raise used_for_another(request.key)
    return held.answer


def used_for_another(key: str) -> ConflictError:
    """What to say when a key comes with another request than before."""
    return ConflictError(
        f"Idempotency-Key {key!r} was used for another request before; use a new one"
    )
