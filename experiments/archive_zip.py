"""The file of an archive: a zip whose manifest names every file with size and SHA-256.

Reading one trusts nothing: names that lead out of the folder, links, files that unpack to more
than was said, and bytes that differ from the manifest are refused.
"""

import json
import re
import stat
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EINVAL
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Annotated, Final, Literal
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from experiments.complaint import one_line
from experiments.workbook_guard import in_short
from features.errors import CampaignError

MANIFEST: Final = "manifest.json"
FORMAT: Final = "glassloop archive"
FORMAT_VERSION: Final = 1

MOST_BYTES: Final = 4 << 30
"""The most an archive may unpack to."""
MOST_RATIO: Final = 200
"""How many times its size it may unpack to; text packs to a tenth, zeros to a thousandth."""
_UNSUSPICIOUS: Final = 16 << 20
"""Below this the ratio is of no interest."""
_MOST_MANIFEST: Final = 64 << 20
_CHUNK: Final = 1 << 20

_NAME: Final = re.compile(r"[^\\:\x00-\x1f\x7f]+")
"""What may stand in a name on every system."""

_SHOWN: Final = 5
"""Names a sentence repeats."""

_DAMAGE: Final = (
    BadZipFile, EOFError, LookupError, NotImplementedError, OverflowError, RuntimeError, ValueError,
    struct.error, zlib.error,
)  # fmt: skip
"""What a damaged zip file raises, before or while it is unpacked."""

_AGAIN: Final = "get the archive again from whoever sent it"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Entry(_Strict):
    """A file of an archive."""

    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    size: Annotated[int, Field(ge=0)]


class KeptRuns(_Strict):
    """What there is of MLflow, or why there is nothing."""

    runs: Annotated[int, Field(ge=0)] = 0
    versions: Annotated[int, Field(ge=0)] = 0
    why_not: str | None = None


class Manifest(_Strict):
    """What an archive says of itself."""

    format: Literal["glassloop archive"] = "glassloop archive"
    format_version: Annotated[int, Field(ge=1)] = FORMAT_VERSION
    glassloop: str
    frozen_at: str
    campaign: str
    campaign_id: str
    kind: Literal["real", "simulated"]
    rounds: Annotated[int, Field(ge=0)]
    mlflow: KeptRuns
    left_out: list[str] = []
    files: dict[str, Entry]


def is_safe_name(name: str) -> bool:
    """Whether a file of that name lies inside the folder it is unpacked to, on every system.

    Examples:
        >>> [is_safe_name(name) for name in ("rounds/R01/made.csv", "../x", "/x", "c:x")]
        [True, False, False, False]
    """
    parts = name.split("/")
    return bool(_NAME.fullmatch(name)) and not {"", ".", ".."} & {*parts}


def entry_of(file: Path) -> Entry:
    """Size and hash of a file."""
    digest = sha256()
    with file.open("rb") as held:
        while chunk := held.read(_CHUNK):
            digest.update(chunk)
    return Entry(sha256=digest.hexdigest(), size=file.stat().st_size)


def write_zip(manifest: Manifest, folder: Path, target: Path) -> None:
    """Pack the files a manifest names, itself first.

    Args:
        manifest: Of the files.
        folder: Where they lie.
        target: Must not exist.

    Raises:
        CampaignError: If it would be too large to be opened again.
    """
    total = sum(entry.size for entry in manifest.files.values())
    if total > MOST_BYTES:
        largest = max(manifest.files, key=lambda name: manifest.files[name].size)
        raise CampaignError(
            f"archive: must hold at most {MOST_BYTES >> 30} GiB, got {total / (1 << 30):.1f} GiB "
            f"({largest} is the largest file); keep large files elsewhere"
        )
    with ZipFile(target, "w", ZIP_DEFLATED, strict_timestamps=False) as archive:
        archive.writestr(MANIFEST, manifest.model_dump_json(indent=1))
        for name in manifest.files:
            archive.write(folder / name, name)


class OpenArchive:
    """An archive whose table of contents is sound; its files are checked as they are read.

    Attributes:
        manifest: What it says of itself.
    """

    def __init__(self, path: Path, archive: ZipFile) -> None:
        self._path = path
        self._zip = archive
        self._entries = {info.filename: info for info in archive.infolist()}
        self._check_entries()
        self.manifest = self._read_manifest()
        self._check_contents()

    def unpack(self, folder: Path, wanted: tuple[str, ...]) -> None:
        """Check every file, and write those whose path begins so.

        Args:
            folder: Must exist.
            wanted: First parts of paths; the rest is checked only.

        Raises:
            CampaignError: If a file is not as the manifest says.
        """
        for name, entry in self.manifest.files.items():
            path = PurePosixPath(name)
            target = folder / path if path.parts[0] in wanted else None
            if target is not None:
                self._make_folder(name, target.parent)
            self._unpack_one(name, entry, target)

    def _make_folder(self, name: str, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._refused(f"{name!r} cannot be written ({error.strerror})") from error

    def _unpack_one(self, name: str, entry: Entry, target: Path | None) -> None:
        digest, size = sha256(), 0
        try:
            written = None if target is None else target.open("xb")
        except OSError as error:  # a name that is a file and a folder at once, or too long
            raise self._refused(f"{name!r} cannot be written ({error.strerror})") from error
        try:
            for chunk in self._chunks(name):
                size += len(chunk)
                if size > entry.size:
                    break
                digest.update(chunk)
                if written is not None:
                    written.write(chunk)
        finally:
            if written is not None:
                written.close()
        if size != entry.size or digest.hexdigest() != entry.sha256:
            raise CampaignError(
                f"{self._path}: {name} is not what the manifest says, its SHA-256 differs; {_AGAIN}"
            )

    def _chunks(self, name: str) -> Iterator[bytes]:
        try:
            with self._zip.open(self._entries[name]) as held:
                while chunk := held.read(_CHUNK):
                    yield chunk
        except (*_DAMAGE, OSError) as error:
            said = in_short(error)
            raise CampaignError(f"{self._path}: {name} is damaged ({said}); {_AGAIN}") from error

    def _check_entries(self) -> None:
        """Names, kinds and sizes, before a byte is unpacked."""
        infos = self._zip.infolist()
        if len(infos) != len(self._entries):
            raise self._refused("a name stands twice")
        for info in infos:
            if fault := _fault(info):
                raise self._refused(f"{info.filename!r} {fault}")
        total = sum(info.file_size for info in infos)
        packed = max(1, self._path.stat().st_size)
        if total > MOST_BYTES or (total > _UNSUSPICIOUS and total > MOST_RATIO * packed):
            raise self._refused(f"its {packed} bytes would unpack to {total}")

    def _read_manifest(self) -> Manifest:
        if MANIFEST not in self._entries:
            raise CampaignError(
                f"{self._path}: is no archive of glassloop, it holds no {MANIFEST}; give a file "
                "written by 'glassloop export --format archive'"
            )
        if self._entries[MANIFEST].file_size > _MOST_MANIFEST:
            raise self._refused(f"its {MANIFEST} is too large")
        text = b"".join(self._chunks(MANIFEST))
        try:
            plain = json.loads(text)
            newer = plain.get("format") == FORMAT and plain.get("format_version", 0)
            if newer > FORMAT_VERSION:
                by = one_line(str(plain.get("glassloop")))[:80]
                raise CampaignError(
                    f"{self._path}: was written by a newer glassloop ({by}); upgrade glassloop"
                )
            return Manifest.model_validate(plain)
        except (ValueError, AttributeError, TypeError, RecursionError) as error:
            first = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
            raise CampaignError(
                f"{self._path}: its {MANIFEST} cannot be read ({in_short(first)}); {_AGAIN}"
            ) from error

    def _check_contents(self) -> None:
        """The zip holds what the manifest names, no more and no less."""
        held, named = {*self._entries} - {MANIFEST}, {*self.manifest.files}
        if lacking := sorted(named - held):
            more = ", ..." * (len(lacking) > _SHOWN)
            shown = ", ".join(map(one_line, lacking[:_SHOWN])) + more
            raise CampaignError(f"{self._path}: lacks {shown}; {_AGAIN}")
        if beyond := sorted(held - named):
            raise self._refused(f"{beyond[0]!r} is not in its manifest")

    def _refused(self, why: str) -> CampaignError:
        return CampaignError(f"{self._path}: is not unpacked, {why}; {_AGAIN}")


@contextmanager
def open_archive(path: Path) -> Iterator[OpenArchive]:
    """An archive, its table of contents checked.

    Args:
        path: The file.

    Raises:
        CampaignError: If it is no archive of glassloop, or not to be trusted.
    """
    try:
        archive = ZipFile(path)
    except FileNotFoundError:
        raise CampaignError(f"{path}: no such file; check the name") from None
    except OSError as error:
        if error.errno == EINVAL:  # a place before the beginning of the file
            raise CampaignError(f"{path}: is no zip archive, or damaged; {_AGAIN}") from error
        raise CampaignError(f"{path}: cannot be read ({error.strerror}); check rights") from error
    except _DAMAGE as error:
        said = in_short(error)
        raise CampaignError(f"{path}: is no zip archive, or damaged ({said}); {_AGAIN}") from error
    with archive:
        yield OpenArchive(path, archive)


def _fault(info: ZipInfo) -> str:
    """Why an entry must not be unpacked; empty when it may."""
    kind = stat.S_IFMT(info.external_attr >> 16)
    if not is_safe_name(info.filename):
        return "leads out of the folder"
    if kind not in (0, stat.S_IFREG):
        return "is no plain file"
    if info.flag_bits & 1 or info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        return "is packed in an unknown way"
    return ""
