"""Who chooses the rounds of a study: glassloop, or what a laboratory does without it.

Each strategy is a ``Chooser`` and goes through the campaign's own code: its rounds are written,
predicted, made, recorded and scored like any other. None but glassloop looks at the surrogates.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from experiments.cell_batch import CellBatch, random_cells, reference_cell
from experiments.cell_stock import Powder
from experiments.config import CampaignConfig
from experiments.glass_batch import GlassBatch, GlassProblem
from experiments.knowledge import GLASS_COLUMNS, Knowledge
from experiments.laboratory import named_in_file
from experiments.ledger import Ledger
from experiments.one_at_a_time import OneAtATime
from experiments.proposed import Proposed
from experiments.round_plan import Choice, Chooser, choice_of, choose_round
from features.errors import CampaignError

PAPER_X: Final = (0.15, 0.60, 0.0, 0.30)
"""The four compositions of Chi et al. 2022, core and skin of its cell first."""


class Sobol:
    """Glasses of a scrambled Sobol sequence, one milling time a run; cells drawn at random.

    Args:
        seed: Of the sequence.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def __call__(
        self,
        ledger: Ledger,
        config: CampaignConfig,
        knowledge: Knowledge,
        *,
        glasses: int,
        trilayers: int,
        budget_h: float | None = None,
    ) -> Choice:
        """As ``choose_round``."""
        rng = np.random.default_rng([self._seed, len(ledger.rounds())])
        problem = GlassProblem.of(config)
        first = problem.space.spread(1, rng)
        shared = {name: first[name].iloc[0] for name in problem.shared}
        rows = problem.space.spread(glasses, rng, shared).assign(**problem.held)
        return choice_of(
            ledger,
            config,
            _batch(rows, "space_filling", "next of a Sobol sequence"),
            lambda powder: random_cells(config, powder, k=trilayers, rng=rng),
        )


class PaperGlasses:
    """The paper's four compositions by its own recipe, and its cell, again and again.

    Args:
        seed: Unused: there is nothing to draw.
    """

    def __init__(self, seed: int) -> None:
        del seed

    def __call__(
        self,
        ledger: Ledger,
        config: CampaignConfig,
        knowledge: Knowledge,
        *,
        glasses: int,
        trilayers: int,
        budget_h: float | None = None,
    ) -> Choice:
        """As ``choose_round``."""
        control = GlassProblem.of(config).control()
        begun = glasses * len(ledger.rounds())
        xs = [PAPER_X[(begun + i) % len(PAPER_X)] for i in range(glasses)]
        rows = pd.DataFrame([{**control, "x": x} for x in xs])
        batch = _batch(rows, "control", "a glass of the paper")
        return choice_of(
            ledger, config, batch, lambda powder: _paper_cells(config, powder, trilayers)
        )


STRATEGIES: Final[Mapping[str, Callable[[int], Chooser]]] = {
    "glassloop": lambda _seed: choose_round,
    "one_at_a_time": OneAtATime,
    "sobol": Sobol,
    "paper": PaperGlasses,
}
"""By name, made from a seed."""


def strategy_named(name: str) -> Callable[[int], Chooser]:
    """A strategy by its name, or a user's own as ``path/to/file.py:name``.

    Raises:
        CampaignError: If there is none.
    """
    if name in STRATEGIES:
        return STRATEGIES[name]
    if ":" in name:
        return named_in_file(name, "strategy")
    raise CampaignError(
        f"strategy must be one of {', '.join(STRATEGIES)}, or file.py:name of your own, "
        f"got {name!r}"
    )


def _batch(rows: pd.DataFrame, role: str, why: str) -> GlassBatch:
    recipes: list[dict[str, Any]] = [
        {str(k): v for k, v in row.items()} for row in rows[list(GLASS_COLUMNS)].to_dict("records")
    ]
    return GlassBatch(
        glasses=tuple(Proposed(recipe=recipe, role=role, why=why) for recipe in recipes),
        run_why=why,
    )


def _paper_cells(config: CampaignConfig, powder: Powder, k: int) -> CellBatch:
    """The paper's cell, as often as there is powder for it."""
    rows: list[Proposed] = []
    while len(rows) < k:
        row = reference_cell(config, powder)
        if row is None:
            break
        rows.append(row)
        powder = powder.after(row.recipe)
    return CellBatch(cells=tuple(rows))
