"""Files that outlive a power cut: on the disk, whole, before their name is.

A file renamed into place without being synced may be found empty after the power failed, since the
disk learned of the name before it learned of the content.
"""

import os
import tempfile
from contextlib import suppress
from pathlib import Path


def put(target: Path, content: bytes) -> None:
    """Write a file, whole or not at all; one of that name is replaced.

    Args:
        target: Its folder must exist.
        content: What it is to hold.

    Raises:
        OSError: If it cannot be written; then all is as it was.
    """
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
    partial = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.chmod(0o644)  # mkstemp makes them for their owner only
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    sync_folder(target.parent)


def sync_file(path: Path) -> None:
    """See to it that what was written into a file is on the disk.

    Raises:
        OSError: If the disk refuses.
    """
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    """See to it that the names in a folder are on the disk, where the system can do that."""
    with suppress(OSError):  # Windows opens no folders, some network drives sync none
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def sync_tree(folder: Path) -> None:
    """See to it that a folder is on the disk with all that is in it.

    Raises:
        OSError: If the disk refuses.
    """
    for path in (*folder.rglob("*"), folder):
        if path.is_dir():
            sync_folder(path)
        elif path.is_file():
            sync_file(path)
