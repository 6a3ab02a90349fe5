"""The page of a report: one HTML file with everything in it."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from experiments.report_drawings import FIGURES, Drawing
from experiments.typeset import printed_numbers

CONTENTS: Final = (
    ("best", "Best so far"),
    ("next", "Proposed next"),
    ("surprises", "Surprises"),
    ("slices", "Pellet properties"),
    ("front", "Trade-offs"),
    ("cells", "Tri-layer cells"),
    ("volume", "Progress"),
    ("right", "Was the model right?"),
    ("scatter-h", "Variance"),
    ("gaps", "What the data cannot tell"),
    ("assumptions", "Assumptions"),
    ("methods", "Methods"),
)
"""Sections after the first, by the id of their heading."""


def page(told: Mapping[str, Any], drawn: Mapping[str, Drawing]) -> str:
    """The page.

    Args:
        told: Texts and tables, as ``experiments.report`` assembles them.
        drawn: Figures by name.

    Returns:
        A complete HTML page without anything to load and without a script. Whatever a user typed
        is escaped, and the page itself forbids the browser to load or run anything.
    """
    environment = Environment(
        loader=PackageLoader("experiments", "data"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["printed"] = printed_numbers
    return environment.get_template("report.html.j2").render(
        **told, contents=CONTENTS, figures=_numbered(drawn)
    )


def _numbered(drawn: Mapping[str, Drawing]) -> dict[str, dict[str, Any]]:
    """Figures with their number on the page, and their SVG as text."""
    present: Sequence[str] = [name for name in FIGURES if name in drawn]
    return {
        name: {
            "name": name,
            "number": number,
            "svg": b64encode(drawn[name].svg).decode("ascii"),
            "caption": drawn[name].caption,
            "alt": drawn[name].alt,
            "rests_on": drawn[name].rests_on,
        }
        for number, name in enumerate(present, start=1)
    }
