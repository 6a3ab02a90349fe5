"""Ids beside the points of a figure, each where it covers no other."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from matplotlib.axes import Axes

from experiments.report_style import PLATE, write_label

_SIGN_POINTS: Final = 4.6
_LINE_POINTS: Final = 10.0
_SAME_POINTS: Final = 5.0
_MARK_POINTS: Final = 3.5
_MOST_SIGNS: Final = 26
_OFFSETS: Final = ((6, 5), (6, -12), (-6, 5), (-6, -12), (6, 16), (6, -23), (-6, 16), (-6, -23),
                   (6, 27), (-6, 27), (6, -34), (-6, -34))  # fmt: skip
"""From the point to the label's foot, points; a negative first number puts it to the left."""

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Label:
    """What to write beside a point.

    Attributes:
        point: In data.
        text: An id.
        color: Of the text.
    """

    point: tuple[float, float]
    text: str
    color: str = "black"


def write_labels(axes: Axes, labels: Sequence[Label]) -> None:
    """Write every label; points that coincide share one, the others give way to those before.

    Args:
        axes: The panel, its limits and scales set.
        labels: In the order of importance.
    """
    merged, panel = _merged(axes, labels), _panel(axes)
    taken: list[Box] = [
        (x - _MARK_POINTS, y - _MARK_POINTS, x + _MARK_POINTS, y + _MARK_POINTS)
        for _, (x, y) in merged
    ]
    for label, place in merged:
        boxes = {offset: _box(place, offset, label.text) for offset in _OFFSETS}
        inside = [offset for offset in _OFFSETS if _within(boxes[offset], panel)] or [*_OFFSETS]
        offset = next((o for o in inside if _free(boxes[o], taken)), inside[0])
        taken.append(boxes[offset])
        write_label(
            axes, label.point, label.text, color=label.color, xytext=offset, zorder=4, bbox=PLATE,
            ha="left" if offset[0] > 0 else "right", va="bottom",
        )  # fmt: skip


def _merged(axes: Axes, labels: Sequence[Label]) -> list[tuple[Label, tuple[float, float]]]:
    """Labels with their places in points; those of one place and colour in one."""
    to_points = 72.0 / axes.figure.dpi
    found: list[tuple[Label, tuple[float, float]]] = []
    for label in labels:
        x, y = (float(part) * to_points for part in axes.transData.transform(label.point))
        for number, (other, place) in enumerate(found):
            near = max(abs(place[0] - x), abs(place[1] - y)) < _SAME_POINTS
            if near and other.color == label.color and len(other.text) < _MOST_SIGNS:
                text = f"{other.text}, {label.text}"
                found[number] = (Label(other.point, text, other.color), place)
                break
        else:
            found.append((label, (x, y)))
    return found


def _box(place: tuple[float, float], offset: tuple[float, float], text: str) -> Box:
    width = _SIGN_POINTS * len(text)
    left = place[0] + offset[0] - (0 if offset[0] > 0 else width)
    foot = place[1] + offset[1]
    return left, foot, left + width, foot + _LINE_POINTS


def _panel(axes: Axes) -> Box:
    """The panel in points."""
    left, foot, right, top = (float(end) * 72.0 / axes.figure.dpi for end in axes.bbox.extents)
    return left, foot, right, top


def _within(box: Box, panel: Box) -> bool:
    return panel[0] <= box[0] and box[2] <= panel[2] and panel[1] <= box[1] and box[3] <= panel[3]


def _free(box: Box, taken: Sequence[Box]) -> bool:
    return all(
        box[2] < other[0] or other[2] < box[0] or box[3] < other[1] or other[3] < box[1]
        for other in taken
    )
