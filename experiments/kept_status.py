"""The state of a large campaign as it was last worked out, shown until anything changes.

It follows from the ledger, ``campaign.yaml``, the files of predictions and the program alone. As
long as none of them was touched it is what working it out again would give, without importing and
fitting anything first. Imports little, for the same reason.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from experiments.durable import put

KEPT: Final = ".kept"
"""Folder in the campaign's folder; it may be deleted at any time."""

_FILE: Final = "status.json"
_LEDGER: Final = "ledger.db"
_PACKAGES: Final = ("features", "models", "optimizer", "experiments")


def kept_status(folder: Path) -> dict[str, Any] | None:
    """The campaign's state, if it is known.

    Args:
        folder: The campaign's folder.

    Returns:
        As ``experiments.status.status_of`` gave it, without the next round; ``None`` if it was not
        kept, anything was changed since, or MLflow still has to be told something.
    """
    with suppress(OSError, ValueError, TypeError):
        held = json.loads((folder / KEPT / _FILE).read_text(encoding="utf-8"))
        state = held["state"]
        is_whole = held["sha256"] == _digest(state)
        if is_whole and held["rests_on"] == _rests_on(folder) and not state["pending_mlflow"]:
            return dict(state)
    return None


def keep_status(folder: Path, state: Mapping[str, Any], *, rests_on: str | None) -> None:
    """Keep a state that was worked out; where nothing can be written, nothing is kept.

    Args:
        folder: The campaign's folder.
        state: As ``experiments.status.status_of`` gave it.
        rests_on: ``mark_of`` the folder before it was worked out.
    """
    if rests_on is None or rests_on != mark_of(folder):
        return
    with suppress(OSError, ValueError, TypeError):
        plain = json.loads(json.dumps(dict(state)))
        text = json.dumps({"rests_on": rests_on, "sha256": _digest(plain), "state": plain})
        place = folder / KEPT
        place.mkdir(exist_ok=True)
        put(place / _FILE, text.encode())


def mark_of(folder: Path) -> str | None:
    """What the state of a campaign rests on, as a hash; ``None`` where it cannot be seen in files.

    Args:
        folder: The campaign's folder.
    """
    try:
        return _rests_on(folder)
    except OSError:
        return None


def _rests_on(folder: Path) -> str:
    """A hash of all files that the state follows from, by size and time; raises OSError."""
    digest = hashlib.sha256((folder / "campaign.yaml").read_bytes())
    for path in _files(folder):
        found = path.stat()
        digest.update(f"{path.name} {found.st_size} {found.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    yield folder / _LEDGER
    if (log := folder / f"{_LEDGER}-wal").exists() and log.stat().st_size:
        yield log  # what is written and not yet in the file
    rounds = folder / "rounds"
    names = sorted(entry.name for entry in os.scandir(rounds)) if rounds.is_dir() else []
    for name in names:
        if (file := rounds / name / "predictions.json").exists():
            yield file
    root = Path(__file__).parents[1]
    for package in _PACKAGES:
        yield from sorted(Path(entry.path) for entry in os.scandir(root / package)
                          if entry.name.endswith(".py"))  # fmt: skip


def _digest(state: Mapping[str, Any]) -> str:
    text = json.dumps(state, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
