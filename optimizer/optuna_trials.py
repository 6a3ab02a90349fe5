"""Optuna's trials as what the engine is told: results, bounds, failures, what is running."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from features.errors import SpaceError
from optimizer.limits import Limit
from optimizer.objectives import Objective
from optimizer.optuna_space import TrialSpace
from optimizer.optuna_values import Standard, informative, on_front

Vector = NDArray[np.float64]

MAX_COMPLETE: Final = 200
"""Completed trials learned from: beyond, the best half of them and the latest half. A fit takes
0.1 s for 200 and ten times that for 400."""

MAX_OTHERS: Final = 50
"""Pruned and failed trials learned from, the latest of each."""

MARGIN: Final = 0.1
"""The reference point lies this share of the range beyond the worst values. A point just beyond
the front instead would leave its ends unexplored."""

PROPOSED: Final = "glassloop:proposed"
"""System attributes that hold what was proposed to a trial before it has asked for all of it."""

MAX_ATTRIBUTE: Final = 2000
"""Longest text that every storage of Optuna takes."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TrialsSoFar:
    """The trials of a study that have a value for every parameter of a space.

    Attributes:
        space: The parameters.
        directions: m of them.
        complete: With m values each.
        pruned: Stopped early, with intermediate values.
        failed: Failed, or pruned before any intermediate value.
        running: Proposed values of trials under way.
    """

    space: TrialSpace
    directions: Sequence[StudyDirection]
    complete: Sequence[FrozenTrial]
    pruned: Sequence[FrozenTrial]
    failed: Sequence[FrozenTrial]
    running: Sequence[Mapping[str, Any]]

    @classmethod
    def of(
        cls,
        space: TrialSpace,
        directions: Sequence[StudyDirection],
        trials: Sequence[FrozenTrial],
    ) -> "TrialsSoFar":
        """Trials sorted by what became of them; those without all parameters are left out."""
        whole = [trial for trial in trials if space.holds(trial.params)]
        ended = [trial for trial in whole if trial.state is TrialState.COMPLETE]
        is_sound = [not np.isnan(trial.values).any() for trial in ended]
        pruned = [trial for trial in whole if trial.state is TrialState.PRUNED]
        has_bound = [len(directions) == 1 and bool(trial.intermediate_values) for trial in pruned]
        running = [_proposed(trial, space) for trial in trials if trial.state is TrialState.RUNNING]
        return cls(
            space=space,
            directions=directions,
            complete=[trial for trial, sound in zip(ended, is_sound, strict=True) if sound],
            pruned=[trial for trial, has in zip(pruned, has_bound, strict=True) if has],
            failed=[trial for trial in whole if trial.state is TrialState.FAIL]
            + [trial for trial, sound in zip(ended, is_sound, strict=True) if not sound]
            + [trial for trial, has in zip(pruned, has_bound, strict=True) if not has],
            running=[values for values in running if space.holds(values)],
        )

    @property
    def tried(self) -> pd.DataFrame:
        """Rows of all of them: there is no need to try them again."""
        made = [*self.complete, *self.pruned, *self.failed]
        return self.space.rows([*(trial.params for trial in made), *self.running])

    @property
    def pending(self) -> pd.DataFrame:
        """Rows under way."""
        return self.space.rows(self.running)

    def lesson(self, reference_point: Sequence[float] | None = None) -> "Lesson":
        """What the engine is told.

        Values are standardised: mean 0, standard deviation 1, infinite ones as bad or as good as
        the worst or best finite one. Constraint values are divided by their root mean square. A
        pruned trial is a bound: no better than the median of the completed ones.

        Args:
            reference_point: Worst value of each objective that still counts; else the worst
                value of any trial, moved out by a tenth of the range.

        Returns:
            Table, objectives and limits.

        Raises:
            SpaceError: If the reference point has not one value an objective.
        """
        signs = np.array([1.0 if d is StudyDirection.MAXIMIZE else -1.0 for d in self.directions])
        limits, broken = self._constraints()
        scale = Standard.of(np.array([trial.values for trial in self.complete], dtype=float))
        utility = signs * scale.standard
        counts = np.flatnonzero(broken <= 0) if (broken <= 0).any() else np.arange(len(utility))
        front = counts[on_front(utility[counts])]
        if reference_point is None:
            reference = _reference(utility)
        else:
            reference = signs * scale.at(_checked(reference_point, len(signs)))
        objectives = [
            Objective(
                f"value_{j}",
                "maximize" if sign > 0 else "minimize",
                reference=float(sign * reference[j]) if len(signs) > 1 else None,
                prior=(0.0, 1.0),
            )
            for j, sign in enumerate(signs)
        ]
        rows = self.space.rows([trial.params for trial in self.complete])
        values = pd.DataFrame(scale.standard, columns=[o.name for o in objectives])
        table = pd.concat([rows, values, limits], axis=1)
        table = table.iloc[informative(utility, broken, MAX_COMPLETE)]
        return Lesson(
            table=pd.concat([table.assign(failed=False), *self._others(scale)], ignore_index=True),
            objectives=objectives,
            limits=[Limit(str(name), at_most=0.0) for name in limits.columns],
            front=rows.iloc[front],
        )

    def _constraints(self) -> tuple[pd.DataFrame, Vector]:
        """Scaled values, one column a constraint, and by how much each trial breaks them."""
        told = [trial.constraints for trial in self.complete]
        names = sorted({name for values in told for name in values})
        raw = pd.DataFrame(
            [[values.get(name, np.nan) for name in names] for values in told],
            columns=[f"constraint_{i}" for i in range(len(names))],
            index=range(len(told)),
            dtype=float,
        )
        largest = raw.where(np.isfinite(raw)).abs().max().fillna(1.0)
        raw = raw.clip(-largest, largest, axis=1) / largest.replace(0.0, 1.0)
        size = np.sqrt((raw**2).mean()).replace(0.0, 1.0)
        scaled = raw / size
        return scaled, scaled.clip(lower=0.0).sum(axis=1).to_numpy(dtype=float)

    def _others(self, scale: "Standard") -> list[pd.DataFrame]:
        """Rows of pruned and failed trials."""
        found = []
        if self.pruned and self.complete:
            rows = self.space.rows([trial.params for trial in self.pruned[-MAX_OTHERS:]])
            is_maximum = self.directions[0] is StudyDirection.MAXIMIZE
            bound = f"{'<' if is_maximum else '>'}{np.median(scale.standard[:, 0]):.17g}"
            found.append(rows.assign(value_0=bound, failed=False))
        if self.failed:
            rows = self.space.rows([trial.params for trial in self.failed[-MAX_OTHERS:]])
            found.append(rows.assign(failed=True))
        return found


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """A table to tell the engine, with what its columns mean.

    Attributes:
        table: Rows with results, bounds or a failure.
        objectives: What values are to become.
        limits: What constraint values are to keep.
        front: Rows no other one beats, of those that break no constraint if there are any.
    """

    table: pd.DataFrame
    objectives: Sequence[Objective]
    limits: Sequence[Limit]
    front: pd.DataFrame


def attributes_of_proposal(values: Mapping[str, float]) -> dict[str, str]:
    """System attributes that tell other workers what was proposed to a trial.

    Args:
        values: Optuna's internal numbers by parameter.

    Returns:
        Texts short enough for every storage.
    """
    text = json.dumps(dict(values))
    parts = [text[i : i + MAX_ATTRIBUTE] for i in range(0, len(text), MAX_ATTRIBUTE)]
    return {f"{PROPOSED}:{i}": part for i, part in enumerate(parts)}


def _proposed(trial: FrozenTrial, space: TrialSpace) -> dict[str, Any]:
    """What a running trial asked for, and else what was proposed to it."""
    parts, i = [], 0
    while part := trial.system_attrs.get(f"{PROPOSED}:{i}"):
        parts.append(part)
        i += 1
    numbers = json.loads("".join(parts)) if parts else {}
    known = {name: n for name, n in numbers.items() if name in space.distributions}
    proposed = {name: space.distributions[name].to_external_repr(n) for name, n in known.items()}
    return {**proposed, **trial.params}


def _reference(utility: Vector) -> Vector:
    """The worst values, moved out by a share of the range."""
    low, high = utility.min(axis=0), utility.max(axis=0)
    return np.asarray(low - MARGIN * np.where(high > low, high - low, 1.0))


def _checked(point: Sequence[float], m: int) -> Vector:
    values = np.asarray(point, dtype=float)
    if values.shape != (m,) or not np.isfinite(values).all():
        raise SpaceError(
            f"reference_point: must be one finite number for each of {m} objectives, got "
            f"{list(point)}; give the worst values that still count, in the order of directions"
        )
    return values
