"""Is a file a workbook that can be opened without harm? Asked before anything is unpacked."""

import re
import struct
import zlib
from collections.abc import Iterable
from io import BytesIO
from pathlib import PurePosixPath
from typing import Final
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from experiments.workbook_xml import is_xml, lengthy
from features.errors import TableError

OLD_WORKBOOK: Final = b"\xd0\xcf\x11\xe0"
"""How .xls begins, and a workbook under a password."""

ZIPPED: Final = b"PK\x03\x04"
"""How .xlsx begins, and whatever else is a zip archive."""

MAX_ENTRIES: Final = 1_000
"""Files in the archive; a workbook has a dozen, and one for each picture."""

MAX_UNPACKED_BYTES: Final = 50 * 1024 * 1024
MAX_RATIO: Final = 200
"""How much smaller packing makes a file; sheets reach 20."""

MAX_TAGS: Final = 1_000_000
"""XML tags; a cell has four. The memory that a sheet takes grows with them, not with its bytes."""

_SMALL: Final = 1024 * 1024
"""A file not larger is no bomb, however well it packs."""

_REMEDY: Final = "save it as .xlsx or CSV and give that file"
_ENCRYPTED_STREAM: Final = "EncryptedPackage".encode("utf-16-le")
_ARCHIVES: Final = re.compile(
    r"\.(?:zip|xls[xmb]|od[st]|docx|pptx|jar|7z|rar|t?gz|tar|bz2|xz)$", re.I
)
_UNREADABLE: Final = (
    BadZipFile, EOFError, NotImplementedError, OSError, RuntimeError, ValueError, struct.error,
    zlib.error,
)  # fmt: skip
"""What a damaged archive raises."""


def refuse_old_workbook(name: str, raw: bytes) -> None:
    """Refuse what older spreadsheet programs write, and workbooks under a password.

    Args:
        name: Name of the file.
        raw: Its content, which begins with ``OLD_WORKBOOK``.

    Raises:
        TableError: Always.
    """
    if _ENCRYPTED_STREAM in raw:
        raise TableError(f"{name}: is a workbook under a password; {_REMEDY}, without one")
    raise TableError(f"{name}: is a workbook of the old kind (.xls); {_REMEDY}")


def refuse_harmful(name: str, raw: bytes) -> None:
    """Refuse an archive that is no workbook, or unpacks to more than anybody would type.

    Args:
        name: Name of the file.
        raw: Its content, which begins with ``ZIPPED``.

    Raises:
        TableError: With the first reason found.
    """
    try:
        with ZipFile(BytesIO(raw)) as archive:
            entries = archive.infolist()
            if why := _too_much(entries) or _strange(entries) or _no_workbook(archive):
                raise TableError(f"{name}: {why}")
            if why := _too_long(archive, entries):
                raise TableError(f"{name}: {why}")
    except TableError:
        raise
    except _UNREADABLE as error:
        raise TableError(
            f"{name}: is a damaged workbook ({in_short(error)}); open it in a spreadsheet "
            "program and save it as .xlsx or CSV again"
        ) from error


def in_short(error: Exception | str) -> str:
    """What a library said of a file: one printable line, not long."""
    said = next(iter(str(error).splitlines()), "")
    return "".join(c for c in said if c.isprintable())[:100] or type(error).__name__


def _too_much(entries: list[ZipInfo]) -> str:
    """Why an archive is too large to unpack; empty when it is not."""
    if len(entries) > MAX_ENTRIES:
        return f"holds {len(entries):,} files, a workbook at most {MAX_ENTRIES:,}; {_REMEDY}"
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > MAX_UNPACKED_BYTES:
        return (
            f"unpacks to {unpacked / 1024**2:,.0f} MB, at most {MAX_UNPACKED_BYTES // 1024**2} MB "
            "are read; remove sheets and pictures, or save the sheet needed as CSV"
        )
    for entry in entries:
        if entry.file_size > max(_SMALL, MAX_RATIO * entry.compress_size):
            return (
                f"holds {entry.filename!r}, packed more than {MAX_RATIO}-fold as no sheet is; save "
                "the sheet needed as CSV"
            )
    return ""


def _strange(entries: Iterable[ZipInfo]) -> str:
    """What in an archive no spreadsheet program writes; empty when nothing."""
    for entry in entries:
        path = PurePosixPath(entry.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or re.match("[A-Za-z]:", str(path)):
            return f"holds {entry.filename!r}, a name outside the archive; {_REMEDY}"
        if entry.flag_bits & 1:
            return f"is a workbook under a password; {_REMEDY}, without one"
        if entry.compress_type not in {ZIP_STORED, ZIP_DEFLATED}:
            return f"holds {entry.filename!r}, packed as no spreadsheet program does; {_REMEDY}"
    return ""


def _no_workbook(archive: ZipFile) -> str:
    """Why an archive is no .xlsx; empty when it is one."""
    names = set(archive.namelist())
    if "mimetype" in names and b"opendocument" in archive.read("mimetype"):
        return f"is an OpenDocument file (.ods); {_REMEDY}"
    if "xl/workbook.bin" in names:
        return f"is a binary workbook (.xlsb); {_REMEDY}"
    if any(PurePosixPath(name).name == "vbaProject.bin" for name in names):
        return f"is a workbook with macros (.xlsm); {_REMEDY}"
    if not {"[Content_Types].xml", "xl/workbook.xml"} <= names:
        return f"is an archive, but no workbook; {_REMEDY}"
    for name in sorted(names):
        if _ARCHIVES.search(name) or _begins(archive, name) == ZIPPED:
            return f"holds another archive, {name!r}; copy the sheet needed into a new workbook"
    return ""


def _begins(archive: ZipFile, name: str) -> bytes:
    with archive.open(name) as file:
        return file.read(len(ZIPPED))


def _too_long(archive: ZipFile, entries: Iterable[ZipInfo]) -> str:
    """Why the XML would take too long to read; reading all of the archive also finds damage."""
    n_tags = 0
    for entry in entries:
        raw = archive.read(entry)
        if not is_xml(raw):
            continue
        n_tags += raw.count(b"<")
        if n_tags > MAX_TAGS:
            return (
                f"holds more than {MAX_TAGS // 4:,} cells; remove sheets, or save the one needed "
                "as CSV"
            )
        if found := lengthy(raw):
            return (
                f"holds {found} in {entry.filename!r}, as no spreadsheet program writes; save the "
                "sheet needed as CSV"
            )
    return ""
