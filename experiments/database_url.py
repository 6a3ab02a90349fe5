"""Addresses of a shared database: where in it a campaign lies, and MLflow. Knows texts only."""

import os
import re
from hashlib import sha256
from typing import Final
from urllib.parse import quote, urlsplit

from experiments.log_format import address_shown
from features.errors import CampaignError

DATABASE_VARIABLE: Final = "GLASSLOOP_DATABASE_URL"
"""In the environment it wins over ``database`` in ``campaign.yaml``."""

MLFLOW_SCHEMA: Final = "glassloop_mlflow"
"""Where MLflow keeps its tables in the same database, those of all campaigns."""

_PREFIX: Final = "glassloop_campaign_"
_LONGEST: Final = 24
"""PostgreSQL cuts names after 63 letters, and one that is set aside gets a time added."""


_SCHEMES: Final = ("postgresql", "postgresql+psycopg", "postgres")


def in_force(configured: str) -> str:
    """The address that is used: the environment's, else the configured one.

    Args:
        configured: What ``campaign.yaml`` says.

    Raises:
        CampaignError: If the environment holds no address of a shared database.
    """
    own = os.environ.get(DATABASE_VARIABLE)
    if own and (fault := address_fault(own)) is not None:
        raise CampaignError(f"{DATABASE_VARIABLE}: {fault}, or unset it")
    return own or configured


def address_fault(url: str) -> str | None:
    """Why a text cannot be the address of a shared database, no secret shown; else ``None``.

    Examples:
        >>> address_fault("postgresql://lab@server/glass")
        >>> address_fault("mysql://lab:secret@server/glass").partition(";")[0]
        "must be a URL such as postgresql://user@host/database, got 'mysql://lab:***@server/glass'"
    """
    try:
        parts = urlsplit(url)
        is_one = (
            url.partition("://")[0] in _SCHEMES
            and bool(parts.path.strip("/"))
            and parts.netloc.count("@") == ("@" in url)  # or readers differ on where login ends
            and "@" not in parts.path
            and not parts.fragment
            and parts.port != 0  # looked at so that one that is no number is refused
        )
    except ValueError:
        is_one = False
    if is_one:
        return None
    return (
        f"must be a URL such as postgresql://user@host/database, got {address_shown(url)!r}; "
        "correct it (in a password write @ / ? # [ ] as %40 %2F %3F %23 %5B %5D)"
    )


def schema_of(name: str) -> str:
    """The schema of a campaign in a shared database.

    Examples:
        >>> schema_of("first")
        'glassloop_campaign_first'
        >>> schema_of("Na3PS4 mit Sauerstoff")
        'glassloop_campaign_na3ps4_mit_sauerstoff_ed7bcb42'
    """
    plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:_LONGEST]
    if plain == name:
        return _PREFIX + plain
    return f"{_PREFIX}{plain}_{sha256(name.encode()).hexdigest()[:8]}"


def ledger_url(url: str, campaign: str) -> str:
    """A database's address with the schema of a campaign.

    Examples:
        >>> ledger_url("postgresql://lab@server/glass", "first")
        'postgresql://lab@server/glass?schema=glassloop_campaign_first'
    """
    return _with(url, f"schema={quote(schema_of(campaign))}")


def mlflow_url(url: str) -> str:
    """A database's address as MLflow needs it.

    Examples:
        >>> mlflow_url("postgresql://lab@server/glass")
        'postgresql+psycopg://lab@server/glass?options=-csearch_path%3Dglassloop_mlflow'
    """
    _, _, rest = url.partition("://")
    return _with(f"postgresql+psycopg://{rest}", f"options=-csearch_path%3D{MLFLOW_SCHEMA}")


def has_password(url: str) -> bool:
    """Whether an address holds a password or another secret, even if it is no address."""
    if address_fault(url) is not None:
        return address_shown(url) != url
    parts = urlsplit(url)
    return parts.password is not None or len(_open(parts.query)) < len(parts.query.split("&"))


def without_password(url: str) -> str:
    """An address that may be written into a file that many read.

    Raises:
        CampaignError: If it is no address of a shared database.

    Examples:
        >>> without_password("postgresql://lab:secret@server/glass?sslmode=require&password=x")
        'postgresql://lab@server/glass?sslmode=require'
    """
    if (fault := address_fault(url)) is not None:
        raise CampaignError(f"database {fault}")
    parts = urlsplit(url)
    login, at, place = parts.netloc.rpartition("@")
    netloc = login.partition(":")[0] + at + place
    return parts._replace(netloc=netloc, query="&".join(_open(parts.query))).geturl()


def _open(query: str) -> list[str]:
    """Settings of an address that are no secrets."""
    return [one for one in query.split("&") if address_shown(f"?{one}") == f"?{one}"]


def _with(url: str, setting: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}{setting}"
