"""A round as plain data: what is proposed, with masses, predictions and reasons.

The same dictionary is printed by ``propose --json``, shown on the batch sheet and kept frozen in
the ledger.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final, Protocol

import numpy as np
import pandas as pd

from experiments.assumptions import assumption_sentences
from experiments.cell_batch import CellBatch, propose_cells
from experiments.cell_stock import Powder, whole_cells
from experiments.config import CampaignConfig
from experiments.costs import affordable_cells, cell_cost_h, cells_in_reach, glass_costs_h
from experiments.explanation import Explanation, explain_cells, explain_glasses
from experiments.frozen_check import lost_rounds
from experiments.glass_batch import GlassBatch, propose_glasses
from experiments.knowledge import GLASS_COLUMNS, Knowledge
from experiments.ledger import Ledger
from experiments.limits_of_size import limits_of_size
from experiments.literature import literature_sentences
from experiments.progress import hypervolumes
from experiments.proposed import Proposed
from experiments.reasons import CHOSEN, role_and_reason, untried_medium
from experiments.safe_sheet import require_recipes
from experiments.success_words import success_warnings
from features.cell_limits import SAME_X, Limits
from features.errors import LedgerError
from features.properties import property_of
from features.stoichiometry import Assays, masses_for
from models.wording import count_in_words

Round = dict[str, Any]
"""A round as plain data; see ``plan_round``."""

JAR_COLUMNS: Final = ("x", "milling_time_h", "milling_media", "milling_speed_rpm")
LEAST_SKIN_POWDER_MG: Final = 100.0
"""A jar with less does not count as skin in stock: two cells of two 25 mg skins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a round would be, before it is put in words.

    Attributes:
        number: Of the round.
        batch: The mill run.
        cells: The tri-layers.
        powder: What cells can be built from, the mill run's jars included.
        sound: Jars known to be sound.
    """

    number: int
    batch: GlassBatch
    cells: CellBatch
    powder: Powder
    sound: tuple[str, ...]

    @property
    def recipes(self) -> pd.DataFrame:
        """One row a pellet of the run, index = jar."""
        ids = [_jar_id(self.number, i) for i in range(len(self.batch.glasses))]
        recipes = pd.DataFrame([dict(glass.recipe) for glass in self.batch.glasses], index=ids)
        return recipes[list(GLASS_COLUMNS)]

    @property
    def whole_cells(self) -> pd.DataFrame:
        """One row a cell, with the recipes of its layers; index = cell."""
        ids = [_cell_id(self.number, i) for i in range(len(self.cells.cells))]
        choice = pd.DataFrame([dict(cell.recipe) for cell in self.cells.cells], index=ids)
        return whole_cells(choice, self.powder.jars)

    @property
    def glasses_by_surrogates(self) -> bool:
        """Whether surrogates chose the glasses, so that it is no start."""
        return self.batch.learned

    @property
    def cells_by_surrogates(self) -> bool:
        """Whether surrogates chose the cells, so that it is no start."""
        return self.cells.learned or any(cell.role in CHOSEN for cell in self.cells.cells)


class Chooser(Protocol):
    """What chooses the recipes of a round; ``choose_round`` unless a study tries another."""

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


def choose_round(
    ledger: Ledger,
    config: CampaignConfig,
    knowledge: Knowledge,
    *,
    glasses: int,
    trilayers: int,
    budget_h: float | None = None,
) -> Choice:
    """What the next round would be made of; the same ledger gives the same.

    Args:
        ledger: What was made, and the powder left.
        config: Search space, control, equipment.
        knowledge: Fitted surrogates.
        glasses: Jars in the run.
        trilayers: Cells.
        budget_h: The most the round may cost, h; fewer glasses and cells are planned then.

    Returns:
        Recipes with their roles.

    Raises:
        CampaignError: If more jars are asked for than are owned.
        SpaceError: If nothing new can be proposed.
    """
    number = next_number(ledger)
    rng = np.random.default_rng([config.seed, number])
    stock = ledger.stock(expected_recovery=config.equipment.expected_recovery).set_index("jar")
    in_reach = cells_in_reach(config, glasses=glasses, k=trilayers, budget_h=budget_h)
    wants_skin = in_reach > 0 and not _has_skin(ledger, stock)
    in_stock = _stocked(ledger, stock)
    batch = propose_glasses(
        knowledge,
        config,
        q=glasses,
        wants_skin=wants_skin,
        rng=rng,
        powder=in_stock,
        trilayers=in_reach,
        budget_h=budget_h,
    )
    unpaid: tuple[str, ...] = ()
    if budget_h is not None:
        spent_h = sum(glass_costs_h(config, [glass.recipe for glass in batch.glasses]))
        trilayers, unpaid = affordable_cells(config, trilayers, budget_h - spent_h)

    def cells(powder: Powder) -> CellBatch:
        found = propose_cells(knowledge, config, powder, k=trilayers, rng=rng)
        return replace(found, warnings=(*unpaid, *found.warnings))

    return choice_of(ledger, config, batch, cells)


def choice_of(
    ledger: Ledger,
    config: CampaignConfig,
    batch: GlassBatch,
    cells: Callable[[Powder], CellBatch],
) -> Choice:
    """The next round made of these glasses and the cells that their powder and the stock allow.

    Args:
        ledger: What was made, and the powder left.
        config: Equipment, and the mass of a batch.
        batch: The mill run.
        cells: Chooses cells, given the powder they can be built from.
    """
    number = next_number(ledger)
    stock = ledger.stock(expected_recovery=config.equipment.expected_recovery).set_index("jar")
    powder = _with_batch(_stocked(ledger, stock), config, batch, number)
    jars = ledger.jars()
    sound = tuple(str(jar) for jar in jars.index[jars["status"] == "made"])
    return Choice(number=number, batch=batch, cells=cells(powder), powder=powder, sound=sound)


def plan_round(
    ledger: Ledger,
    config: CampaignConfig,
    knowledge: Knowledge,
    *,
    glasses: int,
    trilayers: int,
    budget_h: float | None = None,
    choose: Chooser = choose_round,
) -> Round:
    """The next mill run and the next tri-layers; writes nothing.

    Args:
        ledger: What was made, and the powder left.
        config: Search space, control, equipment.
        knowledge: Fitted surrogates.
        glasses: Jars in the run.
        trilayers: Cells.
        budget_h: The most the round may cost, h; fewer glasses and cells are planned then.
        choose: What chooses the recipes.

    Returns:
        ``round``, ``campaign``, ``simulated``, ``created``, ``seed``, ``mill_run``, ``assays`` (the
        masses are computed with them), ``glasses`` and ``trilayers`` (each with id, role, why,
        recipe, predictions, success, explanation), ``counts``, ``assumptions``, ``warnings``,
        ``hypervolume``, ``mlflow_run_id``.

    Raises:
        CampaignError: If more jars are asked for than are owned.
        SpaceError: If nothing new can be proposed.
        UnsafeProposalError: If what was chosen cannot be made.
    """
    choice = choose(
        ledger, config, knowledge, glasses=glasses, trilayers=trilayers, budget_h=budget_h
    )
    batch, cells = choice.batch, choice.cells
    require_recipes(
        [{"id": _jar_id(choice.number, i), "recipe": row.recipe}
         for i, row in enumerate(batch.glasses)],
        [{"id": _cell_id(choice.number, i), "recipe": row.recipe}
         for i, row in enumerate(cells.cells)],
        choice.powder.left_mg, config,
    )  # fmt: skip
    items = _glass_items(config, knowledge, choice)
    cell_items = _cell_items(config, knowledge, choice)
    return {
        "round": round_id(choice.number),
        "campaign": config.name,
        "simulated": ledger.kind == "simulated",
        "created": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "seed": config.seed,
        "mill_run": {
            "milling_time_h": items[0]["recipe"]["milling_time_h"],
            "milling_speed_rpm": items[0]["recipe"]["milling_speed_rpm"],
            "why": batch.run_why,
        },
        "assays": config.assays.model_dump(),
        "glasses": items,
        "trilayers": cell_items,
        "counts": [
            *(count_in_words(m.n_readings, name) for name, m in knowledge.layers.items()),
            count_in_words(knowledge.trilayer.n_readings, "critical_current_density"),
        ],
        "assumptions": [
            *assumption_sentences(ledger, config),
            *literature_sentences(knowledge.literature),
        ],
        "warnings": [
            *batch.warnings,
            *cells.warnings,
            *success_warnings([*items, *cell_items], knowledge.feasibility.in_words()),
            *limits_of_size(knowledge),
        ],
        "hypervolume": hypervolumes(knowledge, config),
        "budget": _budget(budget_h, [*items, *cell_items]),
        "mlflow_run_id": None,
    }


def next_number(ledger: Ledger) -> int:
    """Number of the round after those in the ledger.

    Raises:
        LedgerError: If a round is gone whose proposals are there: names would be given twice.
    """
    if lost := lost_rounds(ledger):
        raise LedgerError("ledger: " + lost[0])
    return len(ledger.rounds()) + 1


def round_id(number: int) -> str:
    """Id of the round of that number."""
    return f"R{number:02d}"


def _has_skin(ledger: Ledger, stock: pd.DataFrame) -> bool:
    jars = ledger.jars().loc[stock.index[stock["left_mg"] >= LEAST_SKIN_POWDER_MG]]
    return bool((jars["x"] >= Limits().min_skin_x_against_sodium - SAME_X).any())


def _stocked(ledger: Ledger, stock: pd.DataFrame) -> Powder:
    """Jars in stock, and what every cell of the past was made of."""
    jars = ledger.jars()[list(JAR_COLUMNS)].dropna()  # of stock entered by hand less is known
    left = {str(jar): float(mg) for jar, mg in stock["left_mg"].items() if jar in jars.index}
    return Powder(jars=jars, left_mg=left)


def _with_batch(powder: Powder, config: CampaignConfig, batch: GlassBatch, number: int) -> Powder:
    """The stock with the jars of this batch."""
    new = pd.DataFrame(
        [{name: glass.recipe[name] for name in JAR_COLUMNS} for glass in batch.glasses],
        index=[_jar_id(number, i) for i in range(len(batch.glasses))],
    )
    expected = 1000 * config.glasses.batch_mass_g
    expected *= config.equipment.expected_recovery
    expected -= config.glasses.pellet_mass_mg
    return Powder(
        jars=pd.concat([powder.jars, new]),
        left_mg=dict(powder.left_mg) | dict.fromkeys(new.index, expected),
    )


def _budget(budget_h: float | None, items: list[dict[str, Any]]) -> dict[str, float] | None:
    """What was allowed and what is spent, h; nothing without a budget."""
    if budget_h is None:
        return None
    return {"allowed_h": budget_h, "planned_h": sum(item["cost_h"] for item in items)}


def _glass_items(
    config: CampaignConfig, knowledge: Knowledge, choice: Choice
) -> list[dict[str, Any]]:
    recipes = choice.recipes
    predictions = knowledge.predict_pellets(recipes)
    success = knowledge.feasibility.glass_success(recipes)
    explained: list[Explanation] | None = None
    if choice.glasses_by_surrogates:
        explained = explain_glasses(knowledge, config, recipes)
    assays = Assays(**config.assays.model_dump())
    batch_g = config.glasses.batch_mass_g
    costs_h = glass_costs_h(config, [glass.recipe for glass in choice.batch.glasses])
    items = []
    for place, (jar, glass) in enumerate(zip(recipes.index, choice.batch.glasses, strict=True)):
        masses = masses_for(float(glass.recipe["x"]), batch_g, assays)
        expected = _predictions(predictions, jar)
        explanation = explained[place] if explained else None
        aside = untried_medium(knowledge, glass.recipe, config)
        items.append(
            {
                "id": jar,
                "pellet": f"{jar}-P1",
                **_reason(glass, explanation, expected, aside),
                "recipe": {
                    **{name: _plain(glass.recipe[name]) for name in GLASS_COLUMNS},
                    "mass_mg": config.glasses.pellet_mass_mg,
                },
                "masses_mg": {
                    "na2s": round(masses.na2s_mg, 1),
                    "p2s5": round(masses.p2s5_mg, 1),
                    "p2o5": round(masses.p2o5_mg, 1),
                },
                "batch_mass_g": batch_g,
                "cost_h": costs_h[place],
                "predictions": expected,
                "success": _success(success, jar),
                "explanation": explanation,
            }
        )
    return items


def _reason(
    row: Proposed,
    explanation: Explanation | None,
    predictions: Mapping[str, Mapping[str, Any]],
    aside: str = "",
) -> dict[str, str]:
    """Role and reason; of rows that surrogates chose they follow from the explanation."""
    if explanation is None or row.role not in CHOSEN:
        return {"role": row.role, "why": row.why}
    role, why = role_and_reason(explanation, predictions)
    return {"role": role, "why": why + aside}


def _cell_items(
    config: CampaignConfig, knowledge: Knowledge, choice: Choice
) -> list[dict[str, Any]]:
    cells = choice.cells.cells
    if not cells:
        return []
    whole, jars = choice.whole_cells, choice.powder.jars
    predictions = knowledge.predict_cells(whole)
    success = knowledge.feasibility.cell_success(whole, sound=choice.sound)
    explained: list[Explanation] | None = None
    if choice.cells_by_surrogates:
        explained = explain_cells(knowledge, config, whole, choice.sound)
    items = []
    for place, (name, cell) in enumerate(zip(whole.index, cells, strict=True)):
        expected = _predictions(predictions, name)
        explanation = explained[place] if explained else None
        items.append(
            {
                "id": name,
                **_reason(cell, explanation, expected),
                "cost_h": cell_cost_h(config),
                "recipe": {
                    **{key: _plain(value) for key, value in cell.recipe.items()},
                    **{
                        f"{layer}_recipe": {
                            key: _plain(jars.loc[cell.recipe[layer], key]) for key in JAR_COLUMNS
                        }
                        for layer in ("core", "skin")
                    },
                },
                "predictions": expected,
                "success": _success(success, name),
                "explanation": explanation,
            }
        )
    return items


def _jar_id(number: int, index: int) -> str:
    return f"{round_id(number)}-G{index + 1}"


def _cell_id(number: int, index: int) -> str:
    return f"{round_id(number)}-C{index + 1}"


def _plain(value: Any) -> Any:
    """NumPy scalars as Python's own, so that they are JSON."""
    return value.item() if isinstance(value, np.generic) else value


def _predictions(tables: Mapping[str, pd.DataFrame], row: str) -> dict[str, dict[str, Any]]:
    found = {}
    for name, table in tables.items():
        entry = property_of(name)
        values = {part: float(table[part].loc[row]) for part in map(str, table.columns)}
        found[name] = {**values, "unit": entry.unit, "sd_unit": entry.sd_unit}
    return found


def _success(table: pd.DataFrame, row: str) -> dict[str, Any]:
    """Probability of success with its 90 % range, and the level most likely to fail."""
    numbers = {name: float(table[name].loc[row]) for name in ("probability", "lower", "upper")}
    return {**numbers, "weakest": str(table["weakest"].loc[row])}
