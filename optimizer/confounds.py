"""Columns that never varied independently, and the rows that would tell them apart."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from optimizer.rows import is_repeated, require_columns, row_keys


@final
@dataclass(frozen=True, slots=True)
class Confound:
    """Two columns of which one level each occurs only together.

    Attributes:
        a: First column.
        b: Second column.
        level_a: The level of a that occurs only with ``level_b``.
        level_b: The level of b that occurs only with ``level_a``.
        detail: One sentence for the user.
    """

    a: str
    b: str
    level_a: Any
    level_b: Any
    detail: str


def confounds(told: pd.DataFrame, columns: Sequence[str]) -> list[Confound]:
    """Pairs of columns whose effects the rows cannot tell apart.

    A pair is confounded where one level of a comes with exactly one level of b and the other way
    round, in the same rows, and other rows have neither. A number counts as such a level only at
    the edge of the others (between them the trend along the column tells the effects apart), and
    one column of the pair must have levels that repeat: rows that differ in every number are a
    design, not a confound.

    Args:
        told: Rows made.
        columns: Columns to compare.

    Returns:
        One entry a pair and level, in the order of the columns.

    Raises:
        TableError: If a column is missing.

    Examples:
        >>> told = pd.DataFrame({"medium": ["steel", "steel", "agate"], "x": [0.15, 0.3, 0.0]})
        >>> confounds(told, ["medium", "x"])[0].detail
        'all rows with medium = agate have x = 0, and no others do'
    """
    require_columns(told, columns)
    rows = told.loc[~is_repeated(told, columns), list(columns)]
    found = []
    for a, b in combinations(columns, 2):
        if not (_has_levels(rows[a]) or _has_levels(rows[b])):
            continue
        seen: set[bytes] = set()
        for level_a in sorted(rows[a].unique(), key=lambda level: (rows[a] == level).sum()):
            here = (rows[a] == level_a).to_numpy()
            level_b = rows[b].to_numpy()[here][0]
            together = bool(np.array_equal(here, (rows[b] == level_b).to_numpy()))
            at_edge = _at_edge(rows[a], here) and _at_edge(rows[b], here)
            # of two levels that exclude each other, the rarer tells it all
            if together and at_edge and not here.all() and (~here).tobytes() not in seen:
                seen.add(here.tobytes())
                detail = (
                    f"all rows with {a} = {_shown(level_a)} have {b} = {_shown(level_b)}, "
                    "and no others do"
                )
                found.append(Confound(a, b, level_a, level_b, detail))
    return found


def confound_breakers(
    told: pd.DataFrame, anchor: pd.Series, confounds: Sequence[Confound]
) -> pd.DataFrame:
    """Rows that differ from an anchor in one confounded level, and so tell two effects apart.

    Args:
        told: Rows made; none of them is returned.
        anchor: A well-known row, e.g. the control.
        confounds: What ``confounds`` found.

    Returns:
        Columns of the anchor and ``why``, one sentence; the row that breaks most comes first.

    Examples:
        >>> told = pd.DataFrame({"medium": ["steel", "steel", "agate"], "x": [0.15, 0.3, 0.0]})
        >>> rows = confound_breakers(told, told.iloc[0], confounds(told, ["medium", "x"]))
        >>> rows[["medium", "x"]].values.tolist()
        [['agate', 0.15], ['steel', 0.0]]
    """
    columns = [str(name) for name in anchor.index]
    made = set(row_keys(told, columns)) if len(told) else set()
    broken: dict[Any, tuple[dict[str, Any], list[str]]] = {}
    for confound in confounds:
        pairs = (
            (confound.a, confound.level_a, confound.b),
            (confound.b, confound.level_b, confound.a),
        )
        for name, level, other in pairs:
            row = {**{str(key): value for key, value in anchor.items()}, name: level}
            key = row_keys(pd.DataFrame([row]), columns)[0]
            if key in made:
                continue
            start = f"takes {name} = {_shown(level)} to the control, which tells {name} from"
            broken.setdefault(key, (row, [start]))[1].append(other)
    ranked = sorted(broken.values(), key=lambda item: -len(item[1]))
    rows = [{**row, "why": f"{words[0]} {' and '.join(words[1:])}"} for row, words in ranked]
    return pd.DataFrame(rows, columns=[*columns, "why"])


def _has_levels(column: pd.Series) -> bool:
    """Whether the column is a factor: text, or numbers that repeat."""
    if not pd.api.types.is_numeric_dtype(column):
        return True
    return 2 * column.nunique() <= len(column)


def _at_edge(column: pd.Series, here: NDArray[np.bool_]) -> bool:
    """Whether the rows lie beyond all others; text has no order and always does."""
    if not pd.api.types.is_numeric_dtype(column) or here.all():
        return True
    value, others = column.to_numpy()[here][0], column.to_numpy()[~here]
    return bool(value < others.min() or value > others.max())


def _shown(level: object) -> str:
    return f"{level:g}" if isinstance(level, int | float | np.number) else str(level)
