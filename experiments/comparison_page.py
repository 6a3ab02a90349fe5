"""The page of a comparison: one HTML file with everything in it."""

import re
from base64 import b64encode
from collections.abc import Mapping
from io import BytesIO
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from joblib import Parallel, delayed, parallel_config
from matplotlib.figure import Figure

from experiments.comparison import CampaignComparison, default_jobs
from experiments.comparison_plots import (
    VARIABLES,
    calibration_figure,
    curves_figure,
    parity_figure,
)
from experiments.comparison_words import (
    EXPLAINED,
    LABELS,
    Pictures,
    data_sentence,
    difference_rows,
    folds_sentence,
    score_heading,
    score_rows,
)
from features.properties import property_of
from models.compare import Comparison
from models.paired_differences import BASELINE
from models.paired_differences import SCORES as DIFFERENCES

_DPI: Final = 110

_MINUS: Final = re.compile(r"-(?=\d)")

_CAPTIONS: Final = {
    "parity": "Left-out readings against what was predicted of them. Bars: 90 % of a new reading, "
    "cut off at the frame.",
    "calibration": "How many left-out readings lie in the central intervals of a new reading; "
    "above the line is too wide, below it overconfident. Grey: what chance does with so few jars.",
}


def pictures(
    comparison: CampaignComparison, *, n_jobs: int | None = None
) -> dict[str, dict[str, bytes]]:
    """Every picture of a comparison.

    Args:
        comparison: Of a campaign.
        n_jobs: Processes; ``default_jobs`` when left out.

    Returns:
        PNG bytes by property and name; the same comparison gives the same bytes.
    """
    found = comparison.comparisons
    with parallel_config(backend="loky", inner_max_num_threads=1):
        drawn = Parallel(n_jobs=n_jobs or default_jobs())(
            delayed(_pictures_of)(part, comparison.errors[name], simulated=comparison.simulated)
            for name, part in found.items()
        )
    return dict(zip(found, drawn, strict=True))


def page(comparison: CampaignComparison, drawn: Pictures) -> str:
    """The page.

    Args:
        comparison: Of a campaign.
        drawn: Its ``pictures``.

    Returns:
        A complete HTML page without anything to load.
    """
    environment = Environment(
        loader=PackageLoader("experiments", "data"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["minus"] = _minus
    return environment.get_template("comparison.html.j2").render(
        comparison=comparison,
        folds=folds_sentence(comparison.folds),
        sections=[
            _section(name, found, drawn.get(name, {}))
            for name, found in comparison.comparisons.items()
        ],
        rests_on=_rests_on(comparison),
        explained=EXPLAINED,
        baseline=BASELINE,
    )


def _minus(text: str) -> str:
    """Numbers with the minus sign that paper has; other hyphens stay.

    Examples:
        >>> _minus("k-fold: -0.2 (-0.3 to 1e-05), -")
        'k-fold: −0.2 (−0.3 to 1e−05), -'
    """
    return _MINUS.sub("−", text)


def _pictures_of(
    comparison: Comparison, errors: Mapping[str, float], *, simulated: bool
) -> dict[str, bytes]:
    along = {
        f"along_{variable}": curves_figure(comparison, variable, simulated=simulated, errors=errors)
        for variable in comparison.curves["variable"].unique()
    }
    figures = {
        **along,
        "parity": parity_figure(comparison, simulated=simulated),
        "calibration": calibration_figure(comparison, simulated=simulated),
    }
    return {name: _png(figure) for name, figure in figures.items()}


def _png(figure: Figure) -> bytes:
    held = BytesIO()
    figure.savefig(held, dpi=_DPI, format="png", metadata={"Software": None})
    return held.getvalue()


def _section(
    property_id: str, comparison: Comparison, drawn: Mapping[str, bytes]
) -> dict[str, Any]:
    others = [name for name in comparison.surrogates if name != BASELINE]
    return {
        "id": property_id,
        "label": property_of(property_id).label,
        "data": data_sentence(comparison),
        "verdict": comparison.verdict,
        "winner": comparison.winner,
        "score_heads": [score_heading(score, property_id) for score in LABELS],
        "scores": score_rows(comparison),
        "difference_heads": [score_heading(score, property_id) for score in DIFFERENCES],
        "against_mean": difference_rows(comparison, against=(BASELINE,)),
        "against_others": difference_rows(comparison, against=others),
        "pictures": [
            (_caption(name), b64encode(picture).decode("ascii")) for name, picture in drawn.items()
        ],
    }


def _caption(name: str) -> str:
    if name in _CAPTIONS:
        return _CAPTIONS[name]
    variable = VARIABLES.get(name.removeprefix("along_"), name).split(",")[0]
    return (
        f"Fitted to all readings, predicted along {variable}; the rest of the recipe is held at "
        "the middle of what was measured. Readings of all recipes are drawn, so some lie off the "
        "curve because of what else differs. Their bars: 90 % by their own error."
    )


def _rests_on(comparison: CampaignComparison) -> list[tuple[str, str, str]]:
    """Property, surrogate, and what the fit to all readings used and left out, in words."""
    return [
        (property_of(property_id).label, name, str(model.in_words()))
        for property_id, fits in comparison.fitted.items()
        for name, model in fits.items()
        if hasattr(model, "in_words")
    ]
