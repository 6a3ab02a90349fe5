"""What is said to readers names no folders of this computer; the log has the whole text."""

import os
from pathlib import Path

from experiments.logs import note
from features.errors import GlassError


def hide_folder(error: GlassError, folder: Path) -> None:
    """Put a folder's name where a complaint has its path, and log the complaint as it was.

    Args:
        error: Is changed.
        folder: A campaign's, or the one that is served.
    """
    said = str(error)
    whole = folder.resolve()
    shown = said
    for path in sorted({folder, folder.absolute(), whole}, key=lambda one: -len(str(one))):
        if len(path.parts) > 1:  # not the folder it runs in, nor the root of all
            shown = shown.replace(str(path), whole.name)
    if len(whole.parent.parts) > 1:
        shown = shown.replace(f"{whole.parent}{os.sep}", "")
    if shown != said:
        note("told without its folder", "warning", error=error)
        error.args = (shown,)
