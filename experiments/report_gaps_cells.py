"""What the cells built so far leave open."""

from collections.abc import Iterator

from experiments.config import CampaignConfig, extremes
from experiments.knowledge import Knowledge, sound_cells
from experiments.report_gap import CELL_NUMBERS, Gap, holes, listed, value_with_unit
from features.cell_limits import Limits


def cell_gaps(knowledge: Knowledge, config: CampaignConfig) -> Iterator[Gap]:
    """What never varied between cells, and which cores and skins were left out.

    Args:
        knowledge: Cells made and planned.
        config: What is searched.

    Yields:
        One gap each.
    """
    made = sound_cells(knowledge.cells)
    planned = knowledge.cells.loc[knowledge.cells["status"] == "planned"]
    if made.empty:
        yield Gap(
            kind="few",
            unknown="How cells behave",
            because="No cell was built",
            experiment="Build the control's cell",
            planned=not planned.empty,
        )
        return
    constant = [
        name for name in CELL_NUMBERS if made[name].round(2).nunique() == 1
    ]  # fmt: skip
    freed = [name for name in constant if planned[name].round(2).nunique() > 1]
    if len(made) == 1:
        yield Gap(
            kind="constant",
            unknown="How cells depend on any layer, mass or pressure",
            because=f"Only one cell was built, {made.index[0]}",
            experiment="Build cells with another skin, another core and another pressure",
            planned=len(planned) > 0,
        )
    elif constant:
        yield Gap(
            kind="constant",
            unknown="Whether cells depend on " + listed([CELL_NUMBERS[n] for n in constant]),
            because=f"The same in all {len(made)} cells: "
            + listed([value_with_unit(name, made[name].iloc[0]) for name in constant]),
            experiment="Build the control's cell with another value of one of them, if it is free "
            "to choose",
            planned=bool(freed),
        )
    low, high = extremes(config.glasses.x)
    for name in ("core_x", "skin_x"):
        least = Limits().min_skin_x_against_sodium if name == "skin_x" else low
        floor = max(low, least) if high > least else low
        if made[name].round(2).nunique() > 1:
            yield from holes(
                made[name], planned[name], (floor, high), name, CELL_NUMBERS[name], "cell"
            )
