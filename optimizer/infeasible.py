"""Which constraints leave no recipe, in one sentence."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, milp
from scipy.optimize import LinearConstraint as Rows

from features.errors import SpaceError
from optimizer.axes import Axis, rows_of
from optimizer.constraints import Constraint, Known, LinearConstraint

TIME_LIMIT_S: Final = 5.0
"""A proof that takes longer is given up; sampling decides."""

INFEASIBLE: Final = 2
"""Status of ``milp``."""


def require_feasible(
    axes: Sequence[Axis], constraints: Sequence[LinearConstraint], known: Known
) -> None:
    """Complain if bounds, grids and linear constraints provably leave no row.

    Args:
        axes: Numeric parameters.
        constraints: Linear constraints over them.
        known: Columns of the space.

    Raises:
        SpaceError: If so, naming a smallest set of constraints and parameters that conflict.

    Examples:
        >>> x = Axis("x", 0.0, 1.0, 1.0, False)
        >>> far = LinearConstraint({"x": 1}, at_least=2)
        >>> require_feasible([x], [far], Known({"x": 1.0}, {}))
        Traceback (most recent call last):
        ...
        features.errors.SpaceError: search space: at least one row must meet 'x >= 2', got none \
with x from 0 to 1; loosen the constraint or widen the bounds
    """
    kept, bounded = list(constraints), list(axes)
    if not kept or not _conflict(axes, kept, bounded, known):
        return
    # leave out one after another whatever the conflict does not need
    for constraint in constraints:
        without = [c for c in kept if c is not constraint]
        if _conflict(axes, without, bounded, known):
            kept = without
    for axis in axes:
        unbounded = [a for a in bounded if a is not axis]
        if _conflict(axes, kept, unbounded, known):
            bounded = unbounded
    several, names = len(kept) > 1, _listed([_described(c) for c in kept])
    within = _ranges(bounded)
    raise SpaceError(
        f"search space: at least one row must meet {names}"
        f"{' together' if several else ''}, got none{f' with {within}' if within else ''}; "
        f"loosen {'one of the constraints' if several else 'the constraint'}"
        f"{' or widen the bounds' if within else ''}"
    )


def none_found(
    constraints: Sequence[Constraint],
    verdicts: NDArray[np.bool_],
    fixed: Mapping[str, object] | None,
    tried: int,
) -> SpaceError:
    """The complaint that no row of a sample meets everything.

    Args:
        constraints: k constraints.
        verdicts: Shape (k, n), which rows of a sample meet which.
        fixed: Values that every row had.
        tried: Rows tried before it was given up.

    Returns:
        An error that names the fewest constraints, one or two if that explains it, which no row
        of the sample meets together.
    """
    everyone = list(range(len(constraints)))
    sets = [[i] for i in everyone] + [list(pair) for pair in combinations(everyone, 2)]
    guilty = next((some for some in sets if not verdicts[some].all(axis=0).any()), everyone)
    labels = [constraints[i].label for i in guilty]
    names = [label if label == "the constraint" else f"'{label}'" for label in labels]
    held = ", ".join(f"{name} = {value}" for name, value in (fixed or {}).items())
    return SpaceError(
        f"search space: at least one row must meet {_listed(names) or 'the constraint'}"
        f"{' together' if len(names) > 1 else ''}, got none in {max(tried, verdicts.shape[1])} "
        f"tries{f' ({held})' if held else ''}; loosen "
        f"{'one of the constraints' if len(names) > 1 else 'the constraint'} or the bounds"
    )


def _conflict(
    axes: Sequence[Axis],
    constraints: Sequence[LinearConstraint],
    bounded: Sequence[Axis],
    known: Known,
) -> bool:
    """Whether constraints rule out every row within the bounds and grids of some axes."""
    if not constraints:
        return False
    held = np.array([axis in bounded for axis in axes])
    answer = milp(
        np.zeros(len(axes)),
        integrality=np.array([axis.whole for axis in axes]) & held,
        bounds=Bounds(
            np.where(held, 0.0, -np.inf),
            np.where(held, [axis.last for axis in axes], np.inf),
        ),
        constraints=Rows(*rows_of(axes, constraints, known)),
        options={"time_limit": TIME_LIMIT_S},
    )
    return bool(answer.status == INFEASIBLE)


def _described(constraint: LinearConstraint) -> str:
    return f"'{constraint.label}'" + (f" ({constraint.formula})" if constraint.name else "")


def _ranges(axes: Sequence[Axis]) -> str:
    """Bounds and grids, those of equal range together."""
    names: dict[str, list[str]] = {}
    for axis in axes:
        steps = f" in steps of {axis.unit:g}" if axis.whole else ""
        text = f"from {axis.low:g} to {axis.low + axis.last * axis.unit:g}{steps}"
        names.setdefault(text if axis.last else f"held at {axis.low:g}", []).append(axis.name)
    return ", ".join(f"{_listed(alike)} {text}" for text, alike in names.items())


def _listed(parts: Sequence[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
