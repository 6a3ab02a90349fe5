"""The round that a draft asks for: exactly its rows, and why each is in it."""

from typing import Any, Final

from experiments.cell_batch import CellBatch
from experiments.config import CampaignConfig
from experiments.display import number_text, x_text
from experiments.draft_sheet import LAYERS, Line, Names, Recipe, Run, Sheet, names_text
from experiments.glass_batch import GlassBatch, run_warnings
from experiments.knowledge import Knowledge
from experiments.ledger import Ledger
from experiments.proposed import Proposed
from experiments.reasons import CHOSEN
from experiments.round_plan import Choice, choice_of, next_number, round_id
from features.milling import MEDIA
from features.plausibility import field

BY_HAND: Final = "by_hand"
"""Role of a row that a person changed or added."""


def choice_as_drafted(ledger: Ledger, config: CampaignConfig, sheet: Sheet, names: Names) -> Choice:
    """The next round made of the rows of a draft.

    Args:
        ledger: What was made, and the powder left.
        config: Equipment, and the mass of a batch.
        sheet: The draft; at least one glass is kept.
        names: What reasons call its rows.
    """
    ids = sheet.ids(round_id(next_number(ledger)))
    glasses = tuple(_row(sheet, line, sheet.full(line), names) for line in sheet.kept("glass"))
    cells = CellBatch(
        cells=tuple(
            _row(sheet, line, _named(sheet.full(line), ids), names) for line in sheet.kept("cell")
        ),
        learned="cell" in sheet.learned,
        warnings=sheet.notices["cell"],
    )
    batch = GlassBatch(
        glasses=glasses,
        run_why=run_reason(sheet.run),
        learned="glass" in sheet.learned,
        warnings=(*sheet.notices["glass"], *run_warnings([row.recipe for row in glasses])),
    )
    return choice_of(ledger, config, batch, lambda _powder: cells)


class AsDrafted:
    """A ``Chooser`` that has chosen already.

    Args:
        choice: What it gives.
    """

    def __init__(self, choice: Choice) -> None:
        self._choice = choice

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
        """As ``choose_round``; nothing is asked of the surrogates."""
        return self._choice


def run_reason(run: Run) -> str:
    """Why the jars are milled for that time at that speed."""
    if not run.is_changed:
        return run.why
    was = f"{run.proposed['milling_time_h']:g} h at {run.proposed['milling_speed_rpm']:g} rpm"
    return f"changed by {names_text(run.edited_by)} from {was}, proposed so: {run.why}"


def role_of(sheet: Sheet, line: Line) -> str:
    """Its part in the batch as it is now."""
    return BY_HAND if _by_hand(sheet, line) else line.role


def reason_of(sheet: Sheet, line: Line, names: Names) -> str:
    """Why a row is in the batch as it is now; of rows as proposed, why they were proposed."""
    if line.proposed is None:
        adder, *others = line.edited_by
        changed = f", changed by {names_text(others)}" if others else ""
        return f"added by {names_text([adder])}{changed}"
    if _by_hand(sheet, line):
        changes = changes_text(sheet.full_proposed(line) or {}, sheet.full(line), names)
        return (
            f"changed by {names_text(sheet.editors(line))}: {changes}; it was proposed as "
            f"{line.role.replace('_', ' ')}: {line.why}"
        )
    return line.why + _of_other_glass(sheet, line, names)


def changes_text(before: Recipe, after: Recipe, names: Names) -> str:
    """What differs between two recipes.

    Examples:
        >>> changes_text({"x": 0.15, "core": "G1"}, {"x": 0.2, "core": "G1"}, Names())
        'x 0.15 to 0.20'
    """
    parts = [
        f"{_label(name)} {_value(name, before[name], names)} to {_value(name, value, names)}"
        f"{_unit(name)}"
        for name, value in after.items()
        if value != before[name]
    ]
    return ", ".join(parts)


def _by_hand(sheet: Sheet, line: Line) -> bool:
    shares = line.kind == "glass" and sheet.run.is_changed
    return line.is_changed or shares


def _of_other_glass(sheet: Sheet, line: Line, names: Names) -> str:
    """What to add to a cell's reason when it is built from a glass that is not as proposed."""
    if line.kind == "glass" or line.role in CHOSEN:
        return ""
    built_from = {line.recipe[layer] for layer in LAYERS}
    other = [glass for glass in sheet.of("glass") if glass.key in built_from]
    changed = [glass for glass in other if _by_hand(sheet, glass)]
    if not changed:
        return ""
    editors = dict.fromkeys(name for glass in changed for name in sheet.editors(glass))
    keys = names.text([glass.key for glass in changed])
    verb = "was" if len(changed) == 1 else "were"
    return f"; its {keys} {verb} changed by {names_text(list(editors))}"


def _row(sheet: Sheet, line: Line, recipe: Recipe, names: Names) -> Proposed:
    return Proposed(recipe=recipe, role=role_of(sheet, line), why=reason_of(sheet, line, names))


def _named(recipe: Recipe, ids: Recipe) -> dict[str, Any]:
    """A cell's recipe with jars of the round in place of the draft's keys."""
    return {**recipe, **{layer: ids.get(recipe[layer], recipe[layer]) for layer in LAYERS}}


def _label(name: str) -> str:
    if name in LAYERS:
        return name
    return "medium" if name == "milling_media" else field(name).label


def _value(name: str, value: Any, names: Names) -> str:
    if name in LAYERS:
        return names(value)
    if name == "milling_media":
        return MEDIA[value].label
    return x_text(value) if name == "x" else number_text(value)


def _unit(name: str) -> str:
    if name in LAYERS or name == "milling_media":
        return ""
    unit = field(name).unit
    return f" {unit}" if unit else ""
