"""A file that appears whole or not at all, and only replaces another when that was asked for."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from experiments.durable import sync_file, sync_folder
from features.errors import CampaignError


@contextmanager
def fresh_file(target: Path, *, replace: bool) -> Iterator[Path]:
    """A draft to be written; it becomes the target when nothing was raised.

    Args:
        target: The file wanted.
        replace: Whether a file of that name is replaced.

    Yields:
        Where to write; nothing is there yet.

    Raises:
        CampaignError: If the target is there and must not be replaced, or cannot be written.
    """
    if target.is_dir():
        raise CampaignError(f"{target}: must be a file, got a folder; name a file in it")
    if target.exists() and not replace:
        raise CampaignError(
            f"{target}: exists already; add --replace to write it anew, or give another name"
        )
    try:
        folder = tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent)
    except OSError as error:
        raise _unwritable(target, error) from error
    with folder as name:
        draft = Path(name) / "draft"
        yield draft
        try:
            draft.chmod(0o644)  # a draft of sqlite or tempfile is for its owner only
            sync_file(draft)
            os.replace(draft, target)
            sync_folder(target.parent)
        except OSError as error:
            raise _unwritable(target, error) from error


def _unwritable(target: Path, error: OSError) -> CampaignError:
    return CampaignError(
        f"{target}: cannot be written ({error.strerror}); check that its folder exists and may be "
        "written to"
    )
