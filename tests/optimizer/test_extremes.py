"""The optimizer on tables that try the arithmetic: a batch of numbers, or a refusal."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.numerics_cases import KINDS, missing
from features.errors import GlassError, SpaceError, TableError
from optimizer.ask_tell import Optimizer
from optimizer.hypervolume import hypervolume, hypervolume_draws
from optimizer.objectives import Objective
from optimizer.parameters import FARTHEST, Continuous, Discrete
from optimizer.space import SearchSpace

OF_OPTIMIZER = [name for name in KINDS if name.startswith("optimizer") or name == "fronts"]


def lost_of(kind: str, seed: int) -> list[str]:
    """What of a case is no number; nothing if it was refused in one sentence."""
    try:
        return missing(KINDS[kind](np.random.default_rng(seed)))
    except GlassError as error:
        return ["many sentences"] if "\n" in str(error) else []


@settings(
    max_examples=3, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)  # fmt: skip
@pytest.mark.parametrize("kind", OF_OPTIMIZER)
@given(seed=st.integers(0, 10_000))
def test_a_batch_is_of_numbers_or_refused(kind, seed):
    assert lost_of(kind, seed) == []


def two() -> SearchSpace:
    return SearchSpace([Continuous("a", 0.0, 1.0), Discrete("b", 0.0, 1.0, step=0.25)])


def told(**changed: float) -> pd.DataFrame:
    rows = pd.DataFrame({"a": [0.1, 0.5, 0.9, 0.3], "b": [0.0, 0.5, 1.0, 0.75], "y": [1.0] * 4})
    rows.loc[1, list(changed)] = list(changed.values())
    return rows


@pytest.mark.parametrize("column", ["a", "b"])
def test_a_recipe_in_another_unit_is_refused(column):
    optimizer = Optimizer(two(), [Objective("y", "maximize", reference=0.0)])
    with pytest.raises(TableError, match=rf"row 1, column '{column}': must lie near the 0 to 1"):
        optimizer.tell(told(**{column: 3e7}))
    assert optimizer.told.empty


@pytest.mark.parametrize("column", ["a", "b"])
def test_a_recipe_far_outside_of_todays_bounds_is_learned_from(column):
    optimizer = Optimizer(two(), [Objective("y", "maximize", reference=0.0)])
    optimizer.tell(told(**{column: 0.9 * FARTHEST}))
    assert np.isfinite(optimizer.ask(2).to_numpy(dtype=float)).all()


def test_a_step_finer_than_decimals_is_refused():
    with pytest.raises(SpaceError, match=r"step must be at least 1e-12, got 1e-300"):
        Discrete("x", 0.0, 1e-300, step=1e-300)


@pytest.mark.parametrize("m", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("n", [1, 7, 100])
def test_a_front_of_equal_points_is_one_point(m, n):
    points, corner = np.ones((n, m)), np.zeros(m)
    assert hypervolume(points, corner) == pytest.approx(1.0)
    assert hypervolume_draws(points[None], corner) == pytest.approx([1.0])
    on_reference = hypervolume_draws(np.zeros((1, n, m)), corner)
    assert on_reference == pytest.approx([0.0], abs=1e-12)
