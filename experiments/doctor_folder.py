"""Whether a campaign's folder is as it must be: rights, file system, leftovers, rounds, backups.

What needs more than Python itself is imported by who needs it: a package that is missing stops one
check, and not the doctor.
"""

import os
import stat
import tempfile
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import time
from typing import Final

from experiments.access import ACCESS_NAME
from experiments.doctor_machine import places
from experiments.findings import Case, Finding, fault, ok, refused, warning
from features.errors import CampaignError

LEDGER_NAME: Final = "ledger.db"
BACKUPS: Final = "backups"
"""Folder of a campaign in which ``glassloop backup`` writes."""

BACKUP_DAYS: Final = 7
_HOUR_S: Final = 3600.0
_DAY_S: Final = 24 * _HOUR_S
_MOUNTS: Final = Path("/proc/mounts")
_NETWORK: Final = (
    "nfs", "cifs", "smb", "9p", "afs", "ceph", "gluster", "fuse.glusterfs", "lustre",
    "fuse.sshfs", "fuse.s3fs", "fuse.rclone", "davfs", "ncpfs", "beegfs",
)  # fmt: skip
"""Beginnings of the names of file systems on another computer."""


def campaign(case: Case) -> Iterator[Finding]:
    """Whether there is one, and its configuration can be read."""
    if case.folder is None:
        yield ok("campaign", "none looked at; name one with --campaign")
        return
    from experiments.config import CONFIG_NAME, read_config

    try:
        found = read_config(case.folder / CONFIG_NAME)
    except CampaignError as error:
        yield refused("campaign.yaml", error)
        return
    yield ok("campaign.yaml", f"of {found.name}")


def rights(case: Case) -> Iterator[Finding]:
    """Whether files can be written where they must be; tried, since a mount may be read-only."""
    for what, folder in places(case).items():
        if not folder.is_dir():
            if what == "the campaign":
                yield fault("rights", f"{folder} is no folder", "correct --campaign")
            continue
        try:
            with tempfile.TemporaryFile(dir=folder) as probe:
                probe.write(b"glassloop")
        except OSError as error:
            yield fault(
                "rights", f"{folder}, for {what}, cannot be written ({error.strerror})",
                "mount it for writing, or give this account the right to write there",
            )  # fmt: skip
        else:
            yield ok("rights", f"{folder} can be written, for {what}")
    yield from _of_tokens(case)


def file_system(case: Case) -> Iterator[Finding]:
    """Whether SQLite's locks and its write-ahead log work where the ledger lies."""
    if case.folder is None or not (case.folder / LEDGER_NAME).exists():
        return
    try:
        kind = file_system_of(case.folder.resolve(), _MOUNTS.read_text(encoding="utf-8"))
    except OSError:
        yield ok("file system", "not known: this system has no /proc/mounts")
        return
    if kind.startswith(_NETWORK):
        yield fault(
            "file system", f"{case.folder} is on {kind}, another computer's: SQLite's write-ahead "
            "log loses data when two computers use it there",
            "move the campaign to a disk of this computer, or keep the ledger in PostgreSQL",
        )  # fmt: skip
    elif kind.startswith("fuse"):
        yield warning(
            "file system", f"{case.folder} is on {kind}, whose locks are not known to be sound",
            "move the campaign to an ordinary disk of this computer",
        )  # fmt: skip
    else:
        yield ok("file system", f"{kind}, of this computer")


def file_system_of(folder: Path, mounts: str) -> str:
    r"""Kind of the file system a folder is on.

    Args:
        folder: Its whole path.
        mounts: Text of ``/proc/mounts``.

    Examples:
        >>> text = "/dev/sda1 / ext4 rw 0 0\nnas:/lab /mnt/lab\\040data nfs4 rw 0 0\n"
        >>> file_system_of(Path("/mnt/lab data/na3pso"), text)
        'nfs4'
    """
    best, kind = 0, "unknown"
    for line in mounts.splitlines():
        _, place, name, *_ = [*line.split(" "), "", "", ""]
        mount = Path(place.encode().decode("unicode_escape"))
        if place and folder.is_relative_to(mount) and len(mount.parts) >= best:
            best, kind = len(mount.parts), name
    return kind


def leftovers(case: Case) -> Iterator[Finding]:
    """What broken runs left behind."""
    found = [*_old(Path(tempfile.gettempdir()).glob("glassloop-*"), _DAY_S)]
    if case.folder is not None and case.folder.is_dir():
        folder = case.folder.absolute()
        found += _old(folder.parent.glob(f".{folder.name}-????????"), _HOUR_S)
        found += _old(folder.glob(".*-????????"), _HOUR_S)
        found += _old(folder.glob("**/.*.part"), _HOUR_S)
    if not found:
        yield ok("leftovers", "none of broken runs")
        return
    shown = ", ".join(str(path) for path in found[:5]) + (" and more" if found[5:] else "")
    yield warning(
        "leftovers", f"{len(found)} of runs that were broken off: {shown}",
        "delete them; nothing in them was acknowledged",
    )  # fmt: skip


def round_folders(
    folder: Path, rounds: Sequence[str], open_rounds: Collection[str]
) -> Iterator[Finding]:
    """Whether each round's folder has all its files.

    Args:
        folder: The campaign's.
        rounds: Rounds of the ledger.
        open_rounds: Those of them that need a folder; a closed one may lie with somebody else.
    """
    from experiments.round_files import PICTURE, ROUND_FILES

    lacking = []
    for name in rounds:
        place = folder / "rounds" / name
        lost = [file for file in ROUND_FILES if not (place / file).is_file() and file != PICTURE]
        if lost and (place.is_dir() or name in open_rounds):
            lacking.append(f"{name} lacks {', '.join(lost) if place.is_dir() else 'its folder'}")
    strange = sorted(
        path.name for path in (folder / "rounds").glob("R[0-9]*")
        if path.is_dir() and path.name not in rounds
    )  # fmt: skip
    if lacking:
        yield warning(
            "round folders", "; ".join(lacking[:5]),
            "'glassloop propose --unless-open' lays an open round out again; a filled made.csv or "
            "results.csv comes from your own copy",
        )  # fmt: skip
    if strange:
        yield warning(
            "round folders", f"{', '.join(strange[:5])} are of no round of this ledger",
            "run 'glassloop verify': if it names a round gone from the ledger, restore a backup; "
            "else move them away, they are of another ledger or of before a backup was restored",
        )  # fmt: skip
    if not lacking and not strange:
        yield ok("round folders", f"{len(rounds)} complete")


def backups(case: Case) -> Iterator[Finding]:
    """How old the newest backup is."""
    if case.folder is None or not case.folder.is_dir():
        return
    times = [path.stat().st_mtime for path in (case.folder / BACKUPS).glob("*.zip")]
    if not times:
        yield warning(
            "backups", f"there is none in {case.folder / BACKUPS}",
            "run 'glassloop backup' now, and every night; keep copies on another computer",
        )  # fmt: skip
        return
    newest = max(times)
    days = (time() - newest) / _DAY_S
    said = f"{len(times)}, the newest of {datetime.fromtimestamp(newest, UTC):%Y-%m-%d %H:%M} UTC"
    if days > BACKUP_DAYS:
        yield warning(
            "backups", f"{said}, {days:.0f} days old", "run 'glassloop backup', and every night"
        )
    else:
        yield ok("backups", said)


def _of_tokens(case: Case) -> Iterator[Finding]:
    """Whether others on this computer can read the secrets of the server."""
    if case.folder is None or os.name != "posix":
        return
    file = case.folder / ACCESS_NAME
    if file.exists() and stat.S_IMODE(file.stat().st_mode) & 0o077:
        yield fault(
            "rights", f"{file} can be read by others, who could then pass for anybody",
            f"chmod 600 {file}, and make new tokens if a stranger may have read it",
        )  # fmt: skip


def _old(paths: Iterable[Path], age_s: float) -> Iterator[Path]:
    """Those nobody can be working on any more."""
    for path in paths:
        try:
            if time() - path.lstat().st_mtime > age_s:
                yield path
        except OSError:  # gone meanwhile
            continue
