"""What can be moved on the page What if: ends, steps, usual values, and what somebody typed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from experiments.config import CampaignConfig, Parameter, Range, extremes
from experiments.csv_files import number_in
from experiments.display import number_text
from experiments.report_recipes import usual_cell, usual_recipe
from features.errors import TableError
from features.plausibility import FIELDS, check_field

MOST_X: Final = 1.0
"""Beyond what is searched, since the question is what if."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slider:
    """A number that can be moved.

    Attributes:
        id: What the form and the address call it.
        column: Of a recipe or of a cell.
        field: Key of ``features.plausibility.FIELDS``.
        label: What people call it.
        unit: Of ends, step and value; empty for x.
        low: Left end.
        high: Right end.
        step: From one place to the next.
        value: The usual one.
    """

    id: str
    column: str
    field: str
    label: str
    unit: str
    low: float
    high: float
    step: float
    value: float

    def read(self, text: str) -> tuple[float | None, str]:
        """What somebody typed.

        Args:
            text: As it came; a comma may stand for the point.

        Returns:
            The number, or nothing and a sentence that says what is wrong with it.

        Examples:
            >>> time = Slider(id="t", column="milling_time_h", field="milling_time_h",
            ...               label="milling time", unit="h", low=1, high=20, step=0.5, value=3)
            >>> time.read("3,5"), time.read("long")
            ((3.5, ''), (None, "milling time: must be a number, got 'long'; correct it"))
        """
        if not text.strip():
            return None, f"{self.label}: is blank; enter a number"
        try:
            value = number_in(text)
        except TableError:
            return None, f"{self.label}: must be a number, got {text.strip()[:40]!r}; correct it"
        verdict = check_field(self.field, value)
        return (None, verdict.message) if verdict.level == "reject" else (value, "")


def glass_sliders(config: CampaignConfig) -> tuple[Slider, ...]:
    """What can be moved of a glass; the medium is chosen.

    Args:
        config: Search space and control.
    """
    glasses, usual = config.glasses, usual_recipe(config)
    return (
        _oxygen("x", "x", "oxygen x", glasses.x, usual["x"]),
        _slider("milling_time_h", glasses.milling_time_h, usual["milling_time_h"]),
        _slider("milling_speed_rpm", glasses.milling_speed_rpm, usual["milling_speed_rpm"]),
        _slider(
            "pressing_pressure_mpa", glasses.pressing_pressure_mpa, usual["pressing_pressure_mpa"]
        ),
    )


def cell_sliders(config: CampaignConfig) -> tuple[Slider, ...]:
    """What can be moved of a tri-layer; its glasses are milled as usual.

    Args:
        config: Search space and control.
    """
    cells, usual = config.cells, usual_cell(config)
    oxygen = config.glasses.x
    return (
        _oxygen("core_x", "core_x", "core: oxygen x", oxygen, usual["core_x"]),
        _oxygen("skin_x", "skin_x", "skins: oxygen x", oxygen, usual["skin_x"]),
        _slider("core_mass_mg", cells.core_mass_mg, usual["core_mass_mg"]),
        _slider(
            "skin_mass_mg", cells.skin_mass_mg, usual["skin_mass_mg"], label="skin mass, each side"
        ),
        _slider(
            "pressing_pressure_mpa", cells.pressing_pressure_mpa, usual["pressing_pressure_mpa"],
            name="copress_mpa", label="co-pressing pressure",
        ),
    )  # fmt: skip


def moved(
    sliders: Sequence[Slider], asked: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, float], dict[str, str]]:
    """What was asked for, the usual where nothing was.

    Args:
        sliders: Of a glass or a cell.
        asked: What the address or the form says, by slider.

    Returns:
        By slider the text to show; by column the numbers; by slider what is wrong.
    """
    texts = {one.id: asked.get(one.id, number_text(one.value))[:40] for one in sliders}
    values, wrong = {}, {}
    for one in sliders:
        value, sentence = one.read(texts[one.id])
        if value is None:
            wrong[one.id] = sentence
        else:
            values[one.column] = value
    return texts, values, wrong


def _oxygen(name: str, column: str, label: str, searched: Parameter, usual: float) -> Slider:
    low, high = extremes(searched)
    step = searched.step if isinstance(searched, Range) else 0.01
    return Slider(
        id=name, column=column, field="x", label=label, unit="", low=min(0.0, low),
        high=max(MOST_X, high), step=step, value=usual,
    )  # fmt: skip


def _slider(
    column: str, searched: Parameter, usual: float, *, name: str = "", label: str = ""
) -> Slider:
    field = FIELDS[column]
    held = not isinstance(searched, Range)
    low, high = field.typical if held else extremes(searched)
    step = searched.step if isinstance(searched, Range) else (high - low) / 60
    return Slider(
        id=name or column, column=column, field=column, label=label or field.label,
        unit=field.unit, low=min(low, usual), high=max(high, usual), step=step, value=usual,
    )  # fmt: skip
