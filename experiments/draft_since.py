"""What changed in the ledger since a draft was begun, as far as its rows are concerned."""

from collections.abc import Mapping
from math import isclose
from typing import Any, Final

import pandas as pd

from experiments.draft_sheet import LAYERS, OWN, Names, Sheet, same
from experiments.knowledge import GLASS_COLUMNS
from experiments.ledger import Ledger
from features.cell_limits import SAME_X

PELLETS: Final = 1
CELLS: Final = 2
"""Places in what ``Ledger.state`` gives."""


def changed_since(
    ledger: Ledger, sheet: Sheet, begun: tuple[int, ...], names: Names
) -> tuple[str, ...]:
    """Sentences about a ledger that is not as it was when a draft was begun; none if it is.

    Args:
        ledger: The campaign's ledger.
        sheet: The draft.
        begun: What ``Ledger.state`` gave then.
        names: What rows are called.
    """
    if ledger.state() == begun:
        return ()
    pellets, cells = ledger.pellets(), ledger.cells()
    newer = {
        "glass": pellets.loc[pellets["version_id"] > begun[PELLETS]],
        "cell": cells.loc[cells["version_id"] > begun[CELLS]],
    }
    own = {glass.key for glass in sheet.of("glass")}
    found = []
    for line in (*sheet.kept("glass"), *sheet.kept("cell")):
        recipe = sheet.full(line)
        if line.kind == "cell" and own & {recipe[layer] for layer in LAYERS}:
            continue  # its jars are not made yet
        for specimen, status in _alike(newer[line.kind], recipe, line.kind):
            said = "made" if status != "planned" else "planned"
            found.append(
                f"{names(line.key)}: its recipe was {said} since the draft was begun, as {specimen}"
            )
    return (
        "the ledger changed since the draft was begun: what is predicted follows from the "
        "data of now, the choice of rows from those of then",
        *found,
    )


def _alike(frame: pd.DataFrame, recipe: Mapping[str, Any], kind: str) -> list[tuple[str, str]]:
    """Specimens of that recipe, with their status."""
    return [
        (str(specimen), str(row["status"]))
        for specimen, row in frame.iterrows()
        if row["status"] != "not_made"
        and (_is_glass(row, recipe) if kind == "glass" else _is_cell(row, recipe))
    ]


def _is_glass(row: "pd.Series[Any]", recipe: Mapping[str, Any]) -> bool:
    """Whether a pellet is of that recipe, as near as x can be weighed."""
    rest = {name: recipe[name] for name in GLASS_COLUMNS if name != "x"}
    near = isclose(float(row["x"]), recipe["x"], abs_tol=SAME_X, rel_tol=0.0)
    return near and same(rest, {name: row[name] for name in rest})


def _is_cell(row: "pd.Series[Any]", recipe: Mapping[str, Any]) -> bool:
    own = {name: recipe[name] for name in OWN["cell"]}
    return same(own, {name: row[name] for name in own})
