"""Addresses of a shared database: where in it a campaign lies, and MLflow. Knows texts only."""

import os
import re
from hashlib import sha256
from typing import Final
from urllib.parse import quote, urlsplit

DATABASE_VARIABLE: Final = "GLASSLOOP_DATABASE_URL"
"""In the environment it wins over ``database`` in ``campaign.yaml``."""

MLFLOW_SCHEMA: Final = "glassloop_mlflow"
"""Where MLflow keeps its tables in the same database, those of all campaigns."""

_PREFIX: Final = "glassloop_campaign_"
_LONGEST: Final = 24
"""PostgreSQL cuts names after 63 letters, and one that is set aside gets a time added."""


def in_force(configured: str) -> str:
    """The address that is used: the environment's, else the configured one."""
    return os.environ.get(DATABASE_VARIABLE) or configured


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


def without_secrets(url: str) -> str:
    """An address that may be written into a file that many read.

    Examples:
        >>> without_secrets("postgresql://lab:secret@server/glass?sslmode=require&password=x")
        'postgresql://lab@server/glass?sslmode=require'
    """
    try:
        parts = urlsplit(url)
        password = parts.password
    except ValueError:
        return url  # no address at all; who reads it says so
    place = parts.netloc.replace(f":{password}@", "@", 1) if password is not None else parts.netloc
    query = "&".join(part for part in parts.query.split("&") if not part.startswith("password="))
    return parts._replace(netloc=place, query=query).geturl()


def _with(url: str, setting: str) -> str:
    return f"{url}{'&' if urlsplit(url).query else '?'}{setting}"
