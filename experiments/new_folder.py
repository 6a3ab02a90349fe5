"""A campaign's folder that appears whole or not at all."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from experiments.durable import sync_folder, sync_tree
from features.errors import CampaignError, GlassError


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Fill a draft that becomes the folder at the end; nothing is left if that fails.

    Args:
        folder: Must not exist yet, or be empty.

    Yields:
        The draft, beside the folder.

    Raises:
        CampaignError: If the folder is taken or cannot be written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CampaignError(
            f"{folder} exists already and is not empty; choose another name, or open it with "
            "--campaign"
        )
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        raise _unwritable(folder, error) from error
    try:
        draft.chmod(0o755)
        yield draft
        if folder.exists():
            folder.rmdir()
        sync_tree(draft)
        draft.rename(folder)
        sync_folder(folder.parent)
    except GlassError as error:  # the draft is gone when somebody reads of it
        error.args = tuple(str(said).replace(f"{draft}{os.sep}", "") for said in error.args)
        raise
    except OSError as error:
        raise _unwritable(folder, error) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _unwritable(folder: Path, error: OSError) -> CampaignError:
    return CampaignError(f"{folder}: cannot be written ({error.strerror})")
