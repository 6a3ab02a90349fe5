"""Powder left in each jar: what was recovered less what pellets and cells took."""

from typing import Final

import pandas as pd

EXPECTED_RECOVERY: Final = 0.85
"""Fraction of a batch that comes out of the jar when nobody has weighed it (domain notes 7.1)."""

_SKINS_PER_CELL: Final = 2


def stock(
    jars: pd.DataFrame, pellets: pd.DataFrame, cells: pd.DataFrame, *, expected_recovery: float
) -> pd.DataFrame:
    """Stock of every jar that can give powder.

    Those are jars planned or made in this campaign and materials entered as stock; literature
    and the lab's history are never stock. Pellets and cells take powder once planned, unless
    they were not made or have no pressing pressure (failed before pressing).

    Args:
        jars: Current jars, index specimen.
        pellets: Current pellets.
        cells: Current cells; the skin's mass counts twice.
        expected_recovery: Fraction of the batch expected where nothing was weighed.

    Returns:
        Columns jar, recovered_mg, used_mg, left_mg and expected (whether recovered_mg is an
        expectation). A jar of which no mass is known has recovered_mg 0.
    """
    kept = jars[
        jars["origin"].isin(["lab", "simulated", "stock"])
        & jars["status"].isin(["planned", "made"])
    ]
    weighed = kept["recovered_mass_mg"]
    recovered = weighed.fillna(kept["batch_mass_g"] * 1000 * expected_recovery).fillna(0.0)
    used = _used_mg(pellets, cells).reindex(kept.index, fill_value=0.0)
    return pd.DataFrame(
        {
            "jar": kept.index,
            "recovered_mg": recovered.to_numpy(),
            "used_mg": used.to_numpy(),
            "left_mg": (recovered - used).to_numpy(),
            "expected": weighed.isna().to_numpy(),
        }
    )


def _used_mg(pellets: pd.DataFrame, cells: pd.DataFrame) -> "pd.Series[float]":
    pellets, cells = _pressed(pellets), _pressed(cells)
    taken = pd.DataFrame(
        {
            "jar": [*pellets["jar"], *cells["core"], *cells["skin"]],
            "mg": [
                *pellets["mass_mg"].fillna(0.0),
                *cells["core_mass_mg"],
                *(_SKINS_PER_CELL * cells["skin_mass_mg"]),
            ],
        }
    )
    return taken.astype({"mg": float}).groupby("jar")["mg"].sum()


def _pressed(specimens: pd.DataFrame) -> pd.DataFrame:
    """Specimens that took, or are to take, powder."""
    return specimens[
        (specimens["status"] != "not_made") & specimens["pressing_pressure_mpa"].notna()
    ]
