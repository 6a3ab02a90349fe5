"""What cells a glass would make possible: the core and the skin are two roles of one glass."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.cell_stock import CONTEXT, LAYER, Powder, whole_cells
from experiments.config import CampaignConfig, extremes
from experiments.knowledge import Knowledge
from experiments.outlooks import cell_outlook
from features.cell_limits import Limits, allowed
from models.layers import CELL_COLUMNS
from optimizer.rows import stacked
from optimizer.scene import Scene

Array = NDArray[np.float64]
Role = Literal["core", "skin"]

ROLES: Final[tuple[Role, Role]] = ("core", "skin")
COLUMNS: Final = (*ROLES, *CELL_COLUMNS, "precompaction_pressure_mpa")
NEW: Final = "new"
"""Label of a glass that is not made yet."""

N_DRAWS: Final = 32
MOST_PARTNERS: Final = 12
"""Jars in stock that are tried as partners, the latest."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Worth:
    """What each of N glasses could do in a cell.

    Attributes:
        gain: Shape (N,), expected improvement of its best cell, failures counted; 0 if none.
        cells: N rows, that cell; any cell, or none at all, where the gain is 0.
        role: Shape (N,), ``core`` or ``skin``.
    """

    gain: Array
    cells: pd.DataFrame
    role: NDArray[np.str_]


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prospect:
    """Cells that could be built, on top of those that stand.

    Attributes:
        scene: The cells that stand: built, planned, those that stock allows anyway, and the best
            one of each glass in the batch.
        partners: Jars a new glass may be paired with, by role; columns ``LAYER``.
        variants: Masses and pressures tried; the columns of a cell that are not its layers'.
        limits: What die and cells allow.
    """

    scene: Scene
    partners: Mapping[Role, pd.DataFrame]
    variants: pd.DataFrame
    limits: Limits

    @classmethod
    def of(
        cls,
        knowledge: Knowledge,
        config: CampaignConfig,
        powder: Powder,
        *,
        k: int,
        rng: np.random.Generator,
    ) -> "Prospect":
        """What the stock allows already, and which of its jars are the best partners.

        The best cells of the stock are taken as built: a glass is worth making for what it adds
        to them.

        Args:
            knowledge: Specimens and fitted surrogates.
            config: Search space of the cells, die.
            powder: Jars with what is left in them.
            k: Cells a round.
            rng: Source of randomness.
        """
        names = tuple(config.cells.objectives)
        known = knowledge.cells.loc[knowledge.cells["status"] != "not_made"]
        known = known.dropna(subset=list(COLUMNS))
        made = knowledge.measured(known, names)[list(COLUMNS)]
        planned = known.loc[known["status"] == "planned", list(COLUMNS)]
        outlook = cell_outlook(knowledge, config, lambda cells: cells, N_DRAWS)
        stock = _stock(powder, config)
        self = cls(
            scene=outlook(made.reset_index(drop=True), planned.reset_index(drop=True), rng),
            partners=stock,
            variants=variants_of(config),
            limits=Limits(die_rating_mpa=config.equipment.die_rating_mpa),
        )
        cells = self._allowed(self._pairs(stock["core"], stock["skin"], self.variants))
        if cells.empty:
            return replace(self, partners={role: jars.tail(1) for role, jars in stock.items()})
        gain = np.exp(self.scene.look(cells).log_gain)
        best = {role: gain_by(cells[role], gain) for role in ROLES}
        partners = {role: stock[role].loc[[best[role]]] for role in ROLES}
        self = replace(self, partners=partners)
        for place in range(min(k, 2)):
            if place:
                gain = np.exp(self.scene.look(cells).log_gain)
            row = cells.iloc[[int(gain.argmax())]]
            self = replace(self, scene=self.scene.joined(row[list(self.scene.context.columns)]))
        return self

    def worth(self, glasses: pd.DataFrame) -> Worth:
        """The best cell of each glass, with the partners there are or with itself.

        Args:
            glasses: N rows, columns ``LAYER``.
        """
        jars = glasses[list(LAYER)].set_axis([f"{NEW}-{i}" for i in range(len(glasses))])
        parts = [
            self._pairs(jars, self.partners["skin"], self.variants).assign(role="core"),
            self._pairs(self.partners["core"], jars, self.variants).assign(role="skin"),
            self._matched(jars).assign(role="skin"),
        ]
        cells = self._allowed(pd.concat([part for part in parts if len(part)], ignore_index=True))
        n = len(glasses)
        if cells.empty:
            return Worth(np.zeros(n), pd.DataFrame(columns=list(COLUMNS)), np.full(n, "core"))
        found = np.exp(self.scene.look(cells[list(COLUMNS)]).log_gain)
        own = np.where(cells["role"] == "core", cells["core"], cells["skin"])
        place = pd.Series(np.arange(n), index=jars.index)[own].to_numpy()
        best = np.zeros(n, dtype=np.intp)
        gain = np.zeros(n)
        order = np.argsort(found, kind="stable")  # the best of each glass comes last
        best[place[order]], gain[place[order]] = order, found[order]
        chosen = cells.iloc[best].reset_index(drop=True)
        return Worth(gain, chosen[list(COLUMNS)], chosen["role"].to_numpy(dtype=str))

    def joined(self, glass: pd.Series, label: str, cell: pd.DataFrame | None) -> "Prospect":
        """With a glass in the batch: a partner for the next ones, its best cell taken as built.

        Args:
            glass: Its recipe.
            label: What it is called among the partners.
            cell: One row, its best cell; ``None`` if there is none.
        """
        jar = pd.DataFrame([{name: glass[name] for name in LAYER}], index=[label])
        partners = {role: pd.concat([jars, jar]) for role, jars in self.partners.items()}
        scene = self.scene
        if cell is not None:
            scene = scene.joined(stacked([cell], list(COLUMNS)))
        return replace(self, scene=scene, partners=partners)

    def _pairs(
        self, cores: pd.DataFrame, skins: pd.DataFrame, variants: pd.DataFrame
    ) -> pd.DataFrame:
        """Every core with every skin in every variant."""
        pairs = pd.DataFrame(
            [(core, skin) for core in cores.index for skin in skins.index], columns=list(ROLES)
        )
        jars = pd.concat([cores, skins])
        return _written_out(pairs.merge(variants, how="cross"), jars[~jars.index.duplicated()])

    def _matched(self, jars: pd.DataFrame) -> pd.DataFrame:
        """Cells of one glass throughout."""
        pairs = pd.DataFrame({"core": jars.index, "skin": jars.index})
        return _written_out(pairs.merge(self.variants, how="cross"), jars)

    def _allowed(self, cells: pd.DataFrame) -> pd.DataFrame:
        return cells[allowed(cells, self.limits)].reset_index(drop=True) if len(cells) else cells


def _written_out(choice: pd.DataFrame, jars: pd.DataFrame) -> pd.DataFrame:
    return whole_cells(choice, jars)[list(COLUMNS)].infer_objects()


def gain_by(labels: "pd.Series[Any]", gain: Array) -> str:
    """The label with the largest gain."""
    return str(labels.iloc[int(gain.argmax())])


def variants_of(config: CampaignConfig) -> pd.DataFrame:
    """Two ways to build a cell: like the reference cell, and thin skins pressed hardest.

    Args:
        config: Search space of the cells, control, die.
    """
    cells, control = config.cells, config.control
    rating = config.equipment.die_rating_mpa
    least, most = extremes(cells.pressing_pressure_mpa)
    most = min(most, rating)
    thin, thick = extremes(cells.skin_mass_mg)
    core = float(np.clip(150.0, *extremes(cells.core_mass_mg)))
    rows = [
        (
            float(np.clip(control.skin_mass_mg, thin, thick)),
            float(np.clip(control.pressing_pressure_mpa, min(least, most), most)),
        ),
        (thin, most),
    ]
    frame = pd.DataFrame(rows, columns=["skin_mass_mg", "pressing_pressure_mpa"])
    held = {name: float(getattr(cells, name)) for name in CONTEXT}
    return frame.drop_duplicates().assign(core_mass_mg=core, **held)


def _stock(powder: Powder, config: CampaignConfig) -> dict[Role, pd.DataFrame]:
    """Jars with powder for a layer, the latest, by role."""
    known = powder.jars.dropna(subset=list(LAYER))
    needed: Sequence[tuple[Role, float]] = (
        ("core", extremes(config.cells.core_mass_mg)[0]),
        ("skin", 2 * extremes(config.cells.skin_mass_mg)[0]),
    )
    return {
        role: known.loc[
            [jar for jar in known.index if powder.left_mg.get(str(jar), 0.0) >= mass_mg],
            list(LAYER),
        ].tail(MOST_PARTNERS)
        for role, mass_mg in needed
    }
