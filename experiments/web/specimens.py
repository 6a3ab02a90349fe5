"""Specimens of all kinds in one list, as they are now."""

from typing import Any

import pandas as pd

from experiments.ledger import Ledger
from experiments.web.paging import plain_rows
from experiments.web.shelf import NothingHereError


def specimens_of(ledger: Ledger) -> list[dict[str, Any]]:
    """Jars, then pellets, then cells, each with its kind and all that is known of it.

    Args:
        ledger: The campaign's ledger.
    """
    found: list[dict[str, Any]] = []
    frames: dict[str, pd.DataFrame] = {
        "jar": ledger.jars(), "pellet": ledger.pellets(), "cell": ledger.cells()
    }  # fmt: skip
    for kind, frame in frames.items():
        for row in plain_rows(frame.reset_index()):
            found.append({"kind": kind, **row})
    return found


def require_specimen(ledger: Ledger, specimen: str) -> None:
    """Refuse a specimen that is not there.

    Raises:
        NothingHereError: If there is none.
    """
    if not any(
        specimen in frame.index for frame in (ledger.jars(), ledger.pellets(), ledger.cells())
    ):
        raise NothingHereError(
            f"there is no specimen {specimen!r}; see the list of specimens for those there are"
        )
