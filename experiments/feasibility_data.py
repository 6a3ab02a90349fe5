"""What was made and what failed, level by level, from the ledger; and the success learned from it.

Of a paper only what worked is known, so nothing of it counts: it says that such a recipe can
succeed, not how often it does.
"""

from collections.abc import Mapping
from typing import Any, Final

import pandas as pd

from experiments.ledger import Ledger
from models.batch_success import GLASS, Feasibility
from models.feasibility import CELL_RANGES, MADE, REASONS, UNSAID, FeasibilitySurrogate
from models.hyper_posterior import MANY_READINGS

Outcomes = tuple[pd.DataFrame, "pd.Series[Any]"]
"""Specimens with their recipe, and ``made`` or the reason of each; same index."""

PAPER: Final = "paper"


def jar_outcomes(jars: pd.DataFrame, pellets: pd.DataFrame) -> Outcomes:
    """Jars that were milled by this laboratory.

    A pellet that failed as unreacted, crystallised or caked tells of its jar.

    Args:
        jars: Current jars, as ``Ledger.jars`` gives them.
        pellets: Current pellets, as ``Ledger.pellets`` gives them.

    Returns:
        Jars with a known recipe, and their outcomes.
    """
    told = _decided(jars.loc[jars["origin"] != PAPER], GLASS)
    outcomes = _outcomes(told)
    of_jar = pellets.loc[_fails_as_jar(pellets)]
    seen = dict(zip(of_jar["jar"], of_jar["reason"], strict=True))
    sound = outcomes == MADE
    known = outcomes.index.map(lambda name: seen.get(name, MADE))
    return told, outcomes.where(~sound, pd.Series(known, index=outcomes.index, dtype=object))


def pellet_outcomes(pellets: pd.DataFrame) -> Outcomes:
    """Pellets pressed from sound powder.

    Args:
        pellets: Current pellets, as ``Ledger.pellets`` gives them.

    Returns:
        Pellets whose jar did not fail, and their outcomes; powder that was bad is left out.
    """
    own = (pellets["origin"] != PAPER) & (pellets["jar_status"] != "failed")
    told = _decided(pellets.loc[own & ~_fails_as_jar(pellets)], (*GLASS, "pressing_pressure_mpa"))
    return told, _outcomes(told)


def cell_outcomes(cells: pd.DataFrame) -> Outcomes:
    """Cells assembled from sound powder.

    Args:
        cells: Current cells, as ``Ledger.cells`` gives them.

    Returns:
        Cells whose jars did not fail, and their outcomes. One that cracked tells neither of the
        assembly nor which of its glasses cracked.
    """
    own = (cells["core_origin"] != PAPER) & (cells["skin_origin"] != PAPER)
    sound = (cells["core_status"] != "failed") & (cells["skin_status"] != "failed")
    told = _decided(cells.loc[own & sound], tuple(CELL_RANGES))
    return told, _outcomes(told)


def fit_feasibility(ledger: Ledger, ranges: Mapping[str, tuple[float, float]]) -> Feasibility:
    """Success of jars, pellets and cells as the ledger knows it.

    Args:
        ledger: The campaign's ledger.
        ranges: Low and high end by feature of a glass.

    Returns:
        The three levels, fitted; with nothing made yet they are the prior.
    """
    jars, pellets, cells = ledger.jars(), ledger.pellets(), ledger.cells()
    crowded = len(ledger.readings()) > MANY_READINGS
    return Feasibility(
        jar=FeasibilitySurrogate("jar", ranges).fit(*jar_outcomes(jars, pellets), crowded=crowded),
        pellet=FeasibilitySurrogate("pellet", ranges).fit(
            *pellet_outcomes(pellets), crowded=crowded
        ),
        cell=FeasibilitySurrogate("cell").fit(*cell_outcomes(cells), crowded=crowded),
    )


def _fails_as_jar(pellets: pd.DataFrame) -> "pd.Series[bool]":
    return (pellets["status"] == "failed") & pellets["reason"].isin(REASONS["jar"])


def _decided(specimens: pd.DataFrame, columns: tuple[str, ...]) -> pd.DataFrame:
    """Specimens that were made or failed, with all of these columns known."""
    decided = specimens.loc[specimens["status"].isin(["made", "failed"])]
    return decided.loc[decided[list(columns)].notna().all(axis=1)]


def _outcomes(specimens: pd.DataFrame) -> "pd.Series[Any]":
    """``made``, or the reason; a failure without one is ``UNSAID``."""
    reason = specimens["reason"].replace("", UNSAID)
    return reason.where(specimens["status"] == "failed", MADE).astype(object)
