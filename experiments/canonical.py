"""JSON in one form, so that what is equal has an equal hash."""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any


def canonical(body: Mapping[str, Any]) -> str:
    """JSON with sorted keys and no blanks, so that equal bodies have equal hashes.

    Examples:
        >>> canonical({"b": 1.0, "a": [2]})
        '{"a":[2],"b":1.0}'
    """
    return json.dumps(body, sort_keys=True, separators=(",", ":"))


def digest_of(body: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical text, in hexadecimal digits.

    Examples:
        >>> digest_of({})[:8]
        '44136fa3'
    """
    return sha256(canonical(body).encode()).hexdigest()
