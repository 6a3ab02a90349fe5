"""Tables as bytes: CSV, Excel, Parquet and JSON. Nothing in them runs when they are opened."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from io import BytesIO
from math import isfinite
from typing import Any, Final
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import numpy as np
import pandas as pd

from experiments.export_columns import COLUMNS

Tables = Mapping[str, pd.DataFrame]

_RISKY: Final = re.compile(r"[=+\-@\t\r\n]")
"""How a text begins that a spreadsheet may take for a formula."""

_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_WIDEST: Final = 50
_LONGEST: Final = 32_767
"""Characters a cell of Excel holds."""
_CUT: Final = " ... (cut here; CSV and JSON have all of it)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where an export comes from.

    Attributes:
        campaign: Name of the campaign.
        campaign_id: What tells two campaigns of one name apart.
        kind: ``real`` or ``simulated``.
        exported_at: When, UTC.
    """

    campaign: str
    campaign_id: str
    kind: str
    exported_at: str

    def to_dict(self) -> dict[str, Any]:
        """Plain data, with the version of glassloop that wrote it."""
        return {
            "glassloop": version("glassloop"),
            "campaign": self.campaign,
            "campaign_id": self.campaign_id,
            "simulated": self.kind == "simulated",
            "exported_at": self.exported_at,
        }


def csv_bytes(table: pd.DataFrame) -> bytes:
    """A table as CSV in UTF-8, with the mark by which Excel knows that.

    A text that a spreadsheet might run gets an apostrophe in front of it.
    """
    names = [name for name in table.columns if pd.api.types.is_string_dtype(table[name])]
    safe = table.assign(**{name: table[name].map(_inert, na_action="ignore") for name in names})
    return str(safe.to_csv(index=False, lineterminator="\n")).encode("utf-8-sig")


def _inert(text: str) -> str:
    """A text no spreadsheet takes for a formula; numbers stay as they are.

    Examples:
        >>> _inert("=1+1"), _inert("-1.5e-3"), _inert("-about 2")
        ("'=1+1", '-1.5e-3', "'-about 2")
    """
    is_harmless = not _RISKY.match(text) or _NUMBER.fullmatch(text)
    return text if is_harmless else f"'{text}"


def excel_bytes(tables: Tables, origin: Origin) -> bytes:
    """A workbook with a sheet a table, its header frozen. Text is text, never a formula."""
    from openpyxl import Workbook
    from openpyxl.utils import get_column_letter

    book = Workbook(write_only=True)
    book.properties.title = f"{origin.campaign} ({origin.kind})"
    book.properties.creator = f"glassloop {version('glassloop')}"
    for name, table in tables.items():
        sheet = book.create_sheet(name)
        sheet.freeze_panes = "A2"
        for place, column in enumerate(table.columns, start=1):
            longest = max((len(str(value)) for value in table[column].dropna()), default=0)
            width = min(max(len(column), longest) + 2, _WIDEST)
            sheet.column_dimensions[get_column_letter(place)].width = width
        sheet.append([_excel_cell(sheet, column) for column in table.columns])
        for record in _records(table):
            sheet.append([_excel_cell(sheet, value) for value in record.values()])
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def _excel_cell(sheet: Any, value: Any) -> Any:
    """A value as a cell; a text is marked as one, whatever it begins with."""
    if not isinstance(value, str):
        return value
    if not value:
        return None
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    text = ILLEGAL_CHARACTERS_RE.sub("\ufffd", value)
    if len(text) > _LONGEST:
        text = text[: _LONGEST - len(_CUT)] + _CUT
    cell = WriteOnlyCell(sheet, value=text)
    cell.data_type = "s"  # openpyxl takes a leading = for a formula, and #N/A for an error
    cell.quotePrefix = True  # and so does Excel once such a cell is edited
    return cell


def parquet_bytes(name: str, table: pd.DataFrame, origin: Origin) -> bytes:
    """A table as Parquet; units, meanings and where it comes from are in the schema's metadata."""
    import pyarrow as pa
    from pyarrow import parquet

    types = {"text": pa.string(), "number": pa.float64(), "whole": pa.int64(), "flag": pa.bool_()}
    fields = [
        pa.field(
            column.name,
            types[column.kind],
            metadata={"unit": column.unit, "meaning": column.meaning},
        )
        for column in COLUMNS[name]
    ]
    about = {key: json.dumps(value) for key, value in origin.to_dict().items()}
    schema = pa.schema(fields, metadata={"table": json.dumps(name), **about})
    out = BytesIO()
    parquet.write_table(pa.Table.from_pylist(_records(table), schema=schema), out)
    return out.getvalue()


def json_bytes(tables: Tables, origin: Origin) -> bytes:
    """All in one object: where it comes from, units, and each table as records."""
    units = {
        name: {column.name: column.unit for column in COLUMNS[name] if column.unit}
        for name in tables
    }
    body = {
        **origin.to_dict(),
        "units": units,
        "tables": {name: _records(table) for name, table in tables.items()},
    }
    return json.dumps(body, ensure_ascii=False, allow_nan=False, indent=1).encode()


def zip_bytes(files: Mapping[str, bytes]) -> bytes:
    """Files in one archive; equal files give equal bytes."""
    out = BytesIO()
    with ZipFile(out, "w", ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = ZipInfo(name)  # of 1980, whenever it was written
            entry.compress_type = ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    return out.getvalue()


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as plain Python; what is missing or infinite is nothing."""
    columns = {name: [_plain(value) for value in table[name]] for name in table.columns}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _plain(value: Any) -> Any:
    if value is pd.NA or (isinstance(value, float) and not isfinite(value)):
        return None
    return value.item() if isinstance(value, np.generic) else value
