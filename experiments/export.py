"""A campaign's tables as one file: what the command line writes and the web server sends."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, final

import pandas as pd

from experiments.config import CampaignConfig
from experiments.export_tables import TABLES, tables
from experiments.export_writers import (
    Origin,
    csv_bytes,
    excel_bytes,
    json_bytes,
    parquet_bytes,
    zip_bytes,
)
from experiments.ledger import Ledger
from experiments.ledger_values import now
from features.errors import TableError

MEDIA_TYPES: Final = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "parquet": "application/vnd.apache.parquet",
    "json": "application/json",
    "zip": "application/zip",
}
FORMS: Final = ("csv", "xlsx", "parquet", "json")
"""What a campaign's tables can be written as."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """A file ready to be written or sent.

    Attributes:
        name: File name to suggest; letters, digits, points, dashes and underscores only.
        media_type: What it is, for a browser.
        data: Its bytes.
    """

    name: str
    media_type: str
    data: bytes


def export_bytes(
    ledger: Ledger, config: CampaignConfig, *, form: str, table: str | None = None
) -> Exported:
    """A campaign's tables, or one of them, as a file.

    Reads the ledger only: nothing is fitted.

    Args:
        ledger: The campaign's ledger.
        config: Its configuration.
        form: One of ``FORMS``.
        table: One of ``TABLES``; all when left out, which for CSV and Parquet is a zip of one
            file a table.

    Returns:
        The file.

    Raises:
        TableError: If there is no such form or table.
    """
    if form not in FORMS:
        raise TableError(f"export: the format must be one of {', '.join(FORMS)}, got {form!r}")
    if table is not None and table not in TABLES:
        raise TableError(f"export: the table must be one of {', '.join(TABLES)}, got {table!r}")
    origin = Origin(
        campaign=ledger.campaign, campaign_id=ledger.id, kind=ledger.kind, exported_at=now()
    )
    found = tables(ledger, config)
    wanted = found if table is None else {table: found[table]}
    stem = _stem(ledger.campaign) + (f"-{table}" if table else "")
    if form == "xlsx":
        return _file(stem, form, excel_bytes(wanted, origin))
    if form == "json":
        return _file(stem, form, json_bytes(wanted, origin))
    write: Callable[[str, pd.DataFrame], bytes] = {
        "csv": lambda _, frame: csv_bytes(frame),
        "parquet": lambda name, frame: parquet_bytes(name, frame, origin),
    }[form]
    files = {f"{name}.{form}": write(name, frame) for name, frame in wanted.items()}
    if table is not None:
        return _file(stem, form, files[f"{table}.{form}"])
    # CSV cannot say where it comes from
    about = json.dumps(origin.to_dict(), ensure_ascii=False, indent=1).encode()
    return _file(f"{stem}-{form}", "zip", zip_bytes({**files, "origin.json": about}))


def suffix_of(form: str, table: str | None) -> str:
    """How the file ends; several files of one form are a zip.

    Examples:
        >>> suffix_of("csv", None), suffix_of("csv", "readings")
        ('.zip', '.csv')
    """
    return ".zip" if table is None and form in ("csv", "parquet") else f".{form}"


def _file(stem: str, suffix: str, data: bytes) -> Exported:
    return Exported(name=f"{stem}.{suffix}", media_type=MEDIA_TYPES[suffix], data=data)


def _stem(campaign: str) -> str:
    """A campaign's name as a part of a file name."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", campaign).strip("-") or "campaign"
