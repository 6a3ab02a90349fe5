"""The surrogates as they were when a round was proposed, asked at the recipes as made."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from experiments.knowledge import (
    CELL_PROPERTIES,
    GLASS_COLUMNS,
    PELLET_PROPERTIES,
    sound_cells,
    sound_pellets,
    thawed,
)
from experiments.ledger import Ledger
from models.property_gp import PropertyGP
from models.trilayer import TrilayerSurrogate

Prediction = dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenModel:
    """Frozen surrogates, and the specimens of their round as they were made.

    Attributes:
        layers: Surrogate by pellet property.
        trilayer: Surrogate of the cells.
        pellets: Sound pellets of the round, index specimen.
        cells: Sound cells of the round, index specimen.
        temperature_c: The campaign's temperature when the round was proposed.
        die_diameter_mm: Bore of the die then.
    """

    layers: Mapping[str, PropertyGP]
    trilayer: TrilayerSurrogate
    pellets: pd.DataFrame
    cells: pd.DataFrame
    temperature_c: float
    die_diameter_mm: float

    @classmethod
    def of(cls, ledger: Ledger, round_id: str) -> "FrozenModel":
        """What a round was proposed with.

        Raises:
            LedgerError: If it was frozen by another version of glassloop, in another form.
        """
        digest = ledger.proposals(round_id)["model_sha256"].iloc[0]
        layers, trilayer = thawed(json.loads(ledger.model(digest)))
        pellets, cells, rounds = ledger.pellets(), ledger.cells(), ledger.rounds()
        config = rounds.loc[rounds["id"] == round_id, "config"].iloc[0]
        return cls(
            layers=layers,
            trilayer=trilayer,
            pellets=sound_pellets(pellets.loc[pellets["round_id"] == round_id]),
            cells=sound_cells(cells.loc[cells["round_id"] == round_id]),
            temperature_c=float(config["campaign"]["cells"]["temperature_c"]),
            die_diameter_mm=float(config["campaign"]["equipment"]["die_diameter_mm"]),
        )

    def as_made(self) -> dict[tuple[str, str], Prediction]:
        """Prediction at the recipe as made, by specimen and property."""
        tables: dict[str, pd.DataFrame] = {}
        if len(self.pellets):
            recipes = self.pellets[list(GLASS_COLUMNS)]
            tables |= {name: self.layers[name].predict(recipes) for name in PELLET_PROPERTIES}
        if len(self.cells):
            cell_tables = self.trilayer.predict(self.cells)
            tables |= {name: cell_tables[name] for name in CELL_PROPERTIES}
        return {
            (str(specimen), name): _plain(row)
            for name, table in tables.items()
            for specimen, row in table.iterrows()
        }

    def had_it_been(
        self, specimen: str, property_id: str, changes: Sequence[Mapping[str, float]]
    ) -> list[Prediction]:
        """What would have been predicted of a specimen, had it been made or measured otherwise.

        Args:
            specimen: Of the round.
            property_id: Catalogue id.
            changes: Columns and their other values, one mapping a question.

        Returns:
            A prediction for each.
        """
        if not changes:
            return []
        in_pellets = specimen in self.pellets.index
        held = (self.pellets if in_pellets else self.cells).loc[[specimen]]
        if in_pellets:
            held = held[list(GLASS_COLUMNS)]
            held = held.assign(temperature_c=self.temperature_c)
        asked = pd.concat([held.assign(**change) for change in changes], ignore_index=True)
        table = (
            self.layers[property_id].predict(asked)
            if in_pellets
            else self.trilayer.predict(asked)[property_id]
        )
        return [_plain(row) for _, row in table.iterrows()]

    def made(self, specimen: str) -> Mapping[str, Any]:
        """The recipe of a specimen of the round as it was made."""
        frame = self.pellets if specimen in self.pellets.index else self.cells
        return {str(name): value for name, value in frame.loc[specimen].items()}


def _plain(row: "pd.Series[Any]") -> Prediction:
    return {str(key): float(value) for key, value in row.items()}
