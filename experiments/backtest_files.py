"""Where a backtest may write, checked before it replays for minutes."""

from pathlib import Path
from typing import Final

from features.errors import TableError

_KINDS: Final = (".png", ".svg", ".pdf")


def require_figure_path(path: Path) -> None:
    """Refuse a file that no figure can be written to, before replaying.

    Args:
        path: Ends in ``.png``, ``.svg`` or ``.pdf``, in a folder that exists.

    Raises:
        TableError: If it does not.
    """
    if path.suffix.lower() not in _KINDS:
        raise TableError(
            f"{path}: a figure must end in .png, .svg or .pdf, got {path.suffix!r}; rename it"
        )
    require_folder(path)


def require_folder(path: Path) -> None:
    """Refuse a file whose folder does not exist.

    Args:
        path: A file to be written.

    Raises:
        TableError: If there is no such folder.
    """
    if not path.absolute().parent.is_dir():
        raise TableError(f"{path}: its folder must exist, got {path.parent}; make it first")
