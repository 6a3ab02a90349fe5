"""A log record as one line of JSON: fixed fields first, no secret and no reading in it."""

import json
import logging
import re
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from experiments.acting import acting_now
from features.errors import InputError, ReadingError, RecipeError, TableError

FIXED: Final = ("time", "level", "event", "process", "person", "door")
"""Fields of every line, in this order."""

MAX_TEXT: Final = 20_000
"""Characters of one text, a traceback for one; the rest is cut from its beginning."""

_QUOTING: Final = (InputError, ReadingError, RecipeError, TableError)
"""Complaints that repeat what was given, so perhaps a value of a reading."""

_SECRET_NAMES: Final = "password|passwd|pwd|passphrase|secret|token|authorization|cookie"

_SECRETS: Final = (
    (re.compile(r"glt_([0-9a-f]{8})_[A-Za-z0-9_-]+"), r"glt_\1_***"),
    (re.compile(r"(://[^\s:/@'\"]*):[^\s'\"]*@"), r"\1:***@"),
    (
        re.compile(
            rf"(?i)((?:{_SECRET_NAMES})"
            r"['\"]?\s*[:=]\s*['\"]?(?:bearer\s+)?)[^\s'\"&;,]+"
        ),
        r"\1***",
    ),
)
_SETTING: Final = re.compile(rf"(?i)([?&][^=&#]*(?:{_SECRET_NAMES})=)[^&#]*")
"""Of an address; what it is set to ends where the next one begins."""

_DECIMAL: Final = re.compile(
    r"(?<!\w)(?<!(?<!\.)\.)[+-]?"
    r"(?:\d*\.\d+(?:[eE][+-]?\d+)?(?!\.?\d)|\d+[eE][+-]?\d+(?!\.?\w))"
)
"""A number as readings are written, perhaps with its unit; a version or an address has more dots,
and a hash more letters."""


class JsonLines(logging.Formatter):
    """Writes records as lines of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, without its end."""
        who = acting_now()
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        given: Mapping[str, Any] = getattr(record, "fields", {})
        line: dict[str, Any] = {
            "time": moment.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "event": getattr(record, "event", "") or f"message of {record.name}",
            "process": record.process,
            "person": who.name,
            "door": who.door,
        }
        if not hasattr(record, "event"):  # of a library
            line["reason"] = without_values(record.getMessage())
        line |= given
        if record.exc_info and (error := record.exc_info[1]) is not None:
            line |= error_fields(error) | {"traceback": _traceback(error)}
        return json.dumps(_clean(line), ensure_ascii=False, default=str)


def error_fields(error: BaseException) -> dict[str, Any]:
    """What a line says of an error: its type, and in one line why.

    Of a complaint about what somebody gave only the number of problems is said: the sentences may
    repeat values.

    Examples:
        >>> error_fields(InputError(["results.csv, row 3: '2.3 cubits' is no conductivity"]))
        {'error': 'InputError', 'problems': 1}
        >>> error_fields(ValueError("2.7e-4 is odd"))
        {'error': 'ValueError', 'reason': '# is odd'}
    """
    name = type(error).__name__
    if isinstance(error, _QUOTING):
        return {"error": name, "problems": len(getattr(error, "problems", ("",)))}
    first = (str(error).strip() or name).splitlines()[0]
    return {"error": name, "reason": without_values(first)}


def without_values(text: str) -> str:
    """A text with ``#`` for each number that has a decimal point or an exponent.

    Examples:
        >>> without_values("row 3: 2.7e-4 and 19.5; glassloop 0.1.0 at 127.0.0.1:80 in R01.csv")
        'row 3: # and #; glassloop 0.1.0 at 127.0.0.1:80 in R01.csv'
    """
    return _DECIMAL.sub("#", text)


def without_secrets(text: str) -> str:
    """A text with stars for tokens, and for passwords in addresses and settings.

    Examples:
        >>> without_secrets("postgresql://lab:pa:ss@db/x refused; password=hunter2")
        'postgresql://lab:***@db/x refused; password=***'
    """
    for secret, shown in _SECRETS:
        text = secret.sub(shown, text)
    return text


def address_shown(address: str) -> str:
    """An address as people may see it, with stars for its secrets, also where it is none.

    A password that holds signs of an address is hidden whole: all between the user and the last @.

    Examples:
        >>> address_shown("postgresql://lab:se@c[ret@server/glass?sslpassword=x&sslmode=require")
        'postgresql://lab:***@server/glass?sslpassword=***&sslmode=require'
        >>> address_shown("http://lab:secret@mlflow.lab")
        'http://lab:***@mlflow.lab'
    """
    scheme, slashes, rest = address.partition("://")
    login, at, place = rest.rpartition("@")
    user, colon, _ = login.partition(":")
    if colon and not rest.startswith("/"):  # a file has no login
        address = f"{scheme}{slashes}{user}:***{at}{place}"
    return without_secrets(_SETTING.sub(r"\1***", address))


def _clean(value: Any) -> Any:
    """Plain data with no secret in any of its texts, and NaN as null: it is no JSON."""
    if isinstance(value, Mapping):
        return {str(key): _clean(part) for key, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(part) for part in value]
    if isinstance(value, float):
        return value if value - value == 0 else None
    if value is None or isinstance(value, bool | int):
        return value
    text = without_secrets(str(value))
    return text if len(text) <= MAX_TEXT else f"... {text[-MAX_TEXT:]}"


def _traceback(error: BaseException) -> str:
    """Where it happened, and in errors that quote nothing given also what."""
    parts: list[str] = []
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        frames = "".join(traceback.format_tb(link.__traceback__))
        parts.append(f"{frames}{': '.join(str(v) for v in error_fields(link).values())}")
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return "\n\nafter:\n\n".join(without_values(part) for part in parts)
