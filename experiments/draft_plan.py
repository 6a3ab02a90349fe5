"""What a draft comes to: the round it asks for, what it gains and costs, and what to know of it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from experiments.cell_stock import CONTEXT
from experiments.config import CampaignConfig
from experiments.costs import cell_cost_h, glass_costs_h
from experiments.display import hours_text
from experiments.draft_check import sheet_problems, sheet_warnings
from experiments.draft_choice import AsDrafted, choice_as_drafted
from experiments.draft_sheet import (
    LAYERS,
    OWN,
    Kind,
    Line,
    Names,
    Recipe,
    Run,
    Sheet,
    free_key,
)
from experiments.draft_since import changed_since
from experiments.glass_batch import RUN_COLUMNS, run_warnings
from experiments.knowledge import Knowledge
from experiments.ledger import Ledger
from experiments.round_plan import Choice, Round, plan_round, round_id
from features.errors import InputError

ROUNDING_H: Final = 0.05


def round_of(
    ledger: Ledger,
    config: CampaignConfig,
    knowledge: Knowledge,
    choice: Choice,
    budget_h: float | None,
) -> Round:
    """The round of a choice, with what is predicted of it now; writes nothing.

    Args:
        ledger: What was made.
        config: The configuration as it stands.
        knowledge: Surrogates as they are now.
        choice: What it is made of.
        budget_h: The most it may cost, h.
    """
    return plan_round(
        ledger,
        config,
        knowledge,
        glasses=len(choice.batch.glasses),
        trilayers=len(choice.cells.cells),
        budget_h=budget_h,
        choose=AsDrafted(choice),
    )


def first_sheet(ledger: Ledger, choice: Choice, planned: Round, budget_h: float | None) -> Sheet:
    """The rows of a round that was planned and not written, each with a key.

    Args:
        ledger: Jars whose names no row may have.
        choice: What was chosen.
        planned: The round of it, where roles and reasons stand.
        budget_h: The most it may cost, h.
    """
    items: list[tuple[Kind, Mapping[str, Any]]] = [
        *(("glass", item) for item in planned["glasses"]),
        *(("cell", item) for item in planned["trilayers"]),
    ]
    jars = {str(jar) for jar in ledger.jars().index}
    keys: dict[str, str] = {}
    for kind, item in items:
        keys[item["id"]] = free_key(kind, {*jars, *keys.values()})
    mill = {name: float(planned["mill_run"][name]) for name in RUN_COLUMNS}
    of_media = run_warnings([row.recipe for row in choice.batch.glasses])
    learned: Mapping[Kind, bool] = {
        "glass": choice.glasses_by_surrogates,
        "cell": choice.cells_by_surrogates,
    }
    return Sheet(
        run=Run(values=mill, proposed=mill, why=str(planned["mill_run"]["why"])),
        lines=tuple(_line(kind, item, keys) for kind, item in items),
        learned=tuple(kind for kind, by_surrogates in learned.items() if by_surrogates),
        notices={
            "glass": tuple(said for said in choice.batch.warnings if said not in of_media),
            "cell": choice.cells.warnings,
        },
        budget_h=budget_h,
    )


def checked_choice(
    ledger: Ledger,
    config: CampaignConfig,
    sheet: Sheet,
    names: Names,
    problems: Sequence[str] = (),
) -> Choice:
    """The choice of a draft that can be made.

    Args:
        ledger: What was made, and the powder left.
        config: Jars owned, die.
        sheet: The draft.
        names: What reasons call its rows.
        problems: What was found wrong before.

    Raises:
        InputError: With every problem, those before too.
    """
    if not sheet.kept("glass"):
        none = "draft: no glass would be left; keep one, or discard the draft"
        raise InputError([*problems, none])
    choice = choice_as_drafted(ledger, config, sheet, names)
    ids = sheet.ids(round_id(choice.number))
    found = [*problems, *sheet_problems(sheet, config, choice.powder, ids)]
    if found:
        raise InputError(found)
    return choice


def cost_of(config: CampaignConfig, sheet: Sheet) -> dict[str, Any]:
    """Hours of the rows as they are and as they were proposed.

    Args:
        config: Costs.
        sheet: The draft.

    Returns:
        ``now_h``, ``proposed_h`` and ``in_words``.
    """
    now: list[Recipe] = [sheet.full(line) for line in sheet.kept("glass")]
    proposed: list[Recipe] = [
        recipe for line in sheet.of("glass") if (recipe := sheet.full_proposed(line)) is not None
    ]
    n_cells = sum(line.proposed is not None for line in sheet.of("cell"))
    now_h = sum(glass_costs_h(config, now)) + len(sheet.kept("cell")) * cell_cost_h(config)
    proposed_h = sum(glass_costs_h(config, proposed)) + n_cells * cell_cost_h(config)
    more_h = now_h - proposed_h
    if abs(more_h) < ROUNDING_H:
        compared = "as proposed"
    else:
        compared = f"{hours_text(abs(more_h))} {'more' if more_h > 0 else 'less'} than proposed"
    return {
        "now_h": now_h,
        "proposed_h": proposed_h,
        "in_words": f"{hours_text(now_h)}, {compared}",
    }


def warnings_of(
    ledger: Ledger,
    config: CampaignConfig,
    sheet: Sheet,
    planned: Round,
    *,
    begun: tuple[int, ...],
    names: Names,
) -> tuple[str, ...]:
    """What a person should know before a draft becomes a round.

    Args:
        ledger: The ledger as it is now.
        config: Search ranges, budget.
        sheet: The draft.
        planned: The round it asks for.
        begun: State of the ledger when the draft was begun.
        names: What rows are called.
    """
    ids = sheet.ids(str(planned["round"]))
    called = {item: names(key) for key, item in ids.items()}
    return (
        *changed_since(ledger, sheet, begun, names),
        *sheet_warnings(sheet, config, names),
        *_above_budget(planned),
        *(_renamed(said, called) for said in planned["warnings"]),
    )


def _line(kind: Kind, item: Mapping[str, Any], keys: Mapping[str, str]) -> Line:
    columns = OWN[kind] if kind == "glass" else (*OWN[kind], *CONTEXT)
    recipe = {
        name: keys.get(value, value) if name in LAYERS else value
        for name in columns
        for value in (item["recipe"][name],)
    }
    return Line(
        key=keys[item["id"]],
        kind=kind,
        recipe=recipe,
        proposed=recipe,
        role=item["role"],
        why=item["why"],
    )


def _above_budget(planned: Round) -> tuple[str, ...]:
    budget = planned["budget"]
    if budget is None or budget["planned_h"] <= budget["allowed_h"] + ROUNDING_H:
        return ()
    return (
        f"budget: the rows as they are take {hours_text(budget['planned_h'])}, "
        f"{hours_text(budget['allowed_h'])} were allowed; drop one, or mill for less long",
    )


def _renamed(said: str, called: Mapping[str, str]) -> str:
    """A sentence with ids of rows replaced by what rows are called; R02-G10 is no R02-G1."""
    for item in sorted(called, key=len, reverse=True):
        said = said.replace(item, called[item])
    return said
