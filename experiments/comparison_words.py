"""A comparison in words and digits: what terminal, page and MLflow have in common."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final

from experiments.display import NO_VALUE, significant
from features.properties import property_of
from models.compare import Comparison
from models.paired_differences import SCORES as DIFFERENCES

Pictures = Mapping[str, Mapping[str, bytes]]
"""PNG by property and name: ``along_x``, ..., ``parity``, ``calibration``."""

LABELS: Final[Mapping[str, str]] = {
    "nlpd": "NLPD",
    "crps": "CRPS",
    "rmse": "RMSE",
    "mae": "MAE",
    "coverage_50": "in 50 %",
    "coverage_90": "in 90 %",
    "sharpness": "90 % width",
}
"""Scores in the order they are printed, by their name in ``Comparison.scores``."""

EXPLAINED: Final[Mapping[str, str]] = {
    "NLPD": "minus the log density a surrogate gave to the reading before seeing it; for a bound "
    "or a wide interval minus the log probability of it. Less is better, and it punishes both "
    "wrong and overconfident predictions.",
    "CRPS": "distance between the predicted distribution and the reading; less is better. Bounds "
    "have none.",
    "RMSE, MAE": "size of the errors of the centres, whatever the widths; less is better.",
    "in 50 %, in 90 %": "share of readings inside the central 50 and 90 % of a new reading; good "
    "is 50 and 90 %.",
    "90 % width": "mean width of the 90 % interval of a new reading; narrow is good only while "
    "the coverage holds.",
}
"""What the scores mean, for people who do not compute them."""

_FOLDS: Final[Mapping[str, str]] = {
    "glass": "Each glass in turn was left out with all its jars and pellets, and predicted from "
    "the others",
    "source": "Each source in turn (who made the glass) was left out whole, and predicted from "
    "the others",
}


@dataclass(frozen=True, slots=True)
class Difference:
    """One surrogate against another, as printed.

    Attributes:
        surrogate: The one.
        against: The other.
        values: ``difference (lower to upper)`` by score.
        word: ``better``, ``worse`` or ``not told apart`` by NLPD.
    """

    surrogate: str
    against: str
    values: tuple[str, ...]
    word: str


def folds_sentence(folds: str) -> str:
    """What was left out in turn, one clause.

    Examples:
        >>> folds_sentence("source").startswith("Each source in turn")
        True
    """
    return _FOLDS[folds]


def spread_unit(property_id: str) -> str:
    """Unit of errors and widths of a property; empty for a fraction.

    Examples:
        >>> spread_unit("ionic_conductivity"), spread_unit("relative_density")
        ('dex', '')
    """
    unit = property_of(property_id).sd_unit
    return "" if unit == "1" else unit


def score_heading(score: str, property_id: str) -> str:
    """Heading of a score with its unit.

    Args:
        score: Key of ``LABELS``.
        property_id: Catalogue id.

    Examples:
        >>> score_heading("rmse", "youngs_modulus"), score_heading("nlpd", "youngs_modulus")
        ('RMSE, GPa', 'NLPD, nats')
    """
    if score.startswith("coverage"):
        return LABELS[score]
    unit = "nats" if score == "nlpd" else spread_unit(property_id)
    return f"{LABELS[score]}, {unit}" if unit else LABELS[score]


def score_text(score: str, value: float) -> str:
    """A score with the digits it deserves; a dash where there is none.

    Args:
        score: Key of ``LABELS``.
        value: The score.

    Examples:
        >>> score_text("nlpd", -0.314), score_text("coverage_90", 0.875), score_text("crps", 0.0512)
        ('-0.31', '88 %', '0.051')
        >>> score_text("crps", float("nan"))
        '-'
    """
    if not isfinite(value):
        return NO_VALUE
    if score == "nlpd":
        return f"{value:.2f}"
    return f"{100 * value:.0f} %" if score.startswith("coverage") else significant(value, 2)


def data_sentence(comparison: Comparison) -> str:
    """How many readings were scored, of how many groups.

    Args:
        comparison: Of one property.

    Returns:
        One clause.
    """
    kind = {"glass": ("glass", "glasses"), "source": ("source", "sources")}[comparison.folds]
    n_readings = _count(comparison.n_readings, ("reading", "readings"))
    said = f"{n_readings} of {_count(comparison.n_folds, kind)}"
    if comparison.folds == "glass" and property_of(comparison.property_id).carrier == "cell":
        said += (
            "; all cells of one skin glass left out together, the pellets of their glasses known"
        )
    return said


def score_rows(comparison: Comparison) -> list[tuple[str, tuple[str, ...]]]:
    """The scores as text, best NLPD first.

    Args:
        comparison: Of one property.

    Returns:
        Surrogate, and its scores in the order of ``LABELS``.
    """
    ranked = comparison.scores.sort_values("nlpd", kind="stable")
    return [
        (str(name), tuple(score_text(score, float(row[score])) for score in LABELS))
        for name, row in ranked.to_dict("index").items()
    ]


def difference_rows(comparison: Comparison, *, against: Sequence[str]) -> list[Difference]:
    """Differences as text: negative means the first is better.

    Args:
        comparison: Of one property.
        against: The others to compare with.

    Returns:
        One row a pair, in the order of the surrogates.
    """
    table = comparison.differences
    rows = []
    for other in against:
        for name in comparison.surrogates:
            pair = table[(table["surrogate"] == name) & (table["against"] == other)]
            if name != other and len(pair):
                by_score = pair.set_index("score").to_dict("index")
                texts = tuple(_difference_text(by_score, score) for score in DIFFERENCES)
                rows.append(Difference(name, other, texts, _word(by_score)))
    return rows


def _difference_text(by_score: Mapping[Any, Mapping[Any, Any]], score: str) -> str:
    row = by_score[score]
    values = [float(row[name]) for name in ("difference", "lower", "upper")]
    if not isfinite(values[0]):
        return NO_VALUE
    middle, low, high = (_signed(score, value) for value in values)
    return f"{middle} ({low} to {high})"


def _signed(score: str, value: float) -> str:
    if not isfinite(value):
        return NO_VALUE
    return f"{value:+.2f}" if score == "nlpd" else f"{value:+.2g}"


def _word(by_score: Mapping[Any, Mapping[Any, Any]]) -> str:
    low, high = (float(by_score["nlpd"][end]) for end in ("lower", "upper"))
    if high < 0:
        return "better"
    return "worse" if low > 0 else "not told apart"


def _count(n: int, words: tuple[str, str]) -> str:
    return f"{n} {words[0] if n == 1 else words[1]}"
