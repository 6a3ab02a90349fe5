"""Surrogates of a large campaign, fitted once for all commands that come after.

A fit of thousands of readings takes many seconds, and most commands ask for that of the same
data. It is kept as JSON in the campaign's folder and taken from there when data, settings and
program are exactly those it was fitted to. The folder may be deleted at any time.
"""

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, final

import numpy as np
import scipy

from experiments.canonical import canonical
from experiments.durable import put
from experiments.kept_status import KEPT

_CODE: Final = ("features", "models", "optimizer", "experiments")
"""Packages that decide what a fit, or a hypervolume, gives."""


@final
@dataclass(frozen=True, slots=True)
class Shelf:
    """What is kept of one fit.

    Attributes:
        folder: The campaign's folder.
        told: Hash of what the surrogates were fitted to.
    """

    folder: Path
    told: str

    def get(self, name: str) -> dict[str, Any] | None:
        """What was kept under a name.

        Args:
            name: Of the file.

        Returns:
            What ``keep`` was given; ``None`` if that was of other data or another program, or the
            file is damaged or not there.
        """
        with suppress(OSError, ValueError, KeyError):
            path = self.folder / KEPT / f"{name}.json"
            head, _, text = path.read_text(encoding="utf-8").partition("\n")
            known = json.loads(head)
            is_whole = known["sha256"] == _digest(text)
            if is_whole and known["told"] == self.told and known["program"] == _program():
                return dict(json.loads(text))
        return None

    def keep(self, name: str, body: Mapping[str, Any]) -> None:
        """Keep it in place of what was there; where nothing can be written, nothing is kept.

        Args:
            name: Of the file.
            body: Plain JSON.
        """
        with suppress(OSError):
            text = canonical(body)
            head = {"told": self.told, "program": _program(), "sha256": _digest(text)}
            place = self.folder / KEPT
            place.mkdir(exist_ok=True)
            put(place / f"{name}.json", f"{json.dumps(head)}\n{text}".encode())


@cache
def _program() -> str:
    """Hash of the code that fits, and of the versions it computes with."""
    digest = hashlib.sha256(f"{np.__version__} {scipy.__version__}".encode())
    root = Path(__file__).parents[1]
    for package in _CODE:
        for path in sorted((root / package).glob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
