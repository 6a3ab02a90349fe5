"""A glass counts for what it could do in a cell: core and skin are roles of one composition."""

import numpy as np
import pandas as pd
import pytest

from experiments.cell_prospect import COLUMNS, Prospect
from experiments.config import CampaignConfig
from experiments.glass_batch import GlassProblem
from experiments.held_space import HeldSpace
from experiments.joint_scene import JointScene, oxygen_grid
from experiments.knowledge import GLASS_COLUMNS
from features.cell_limits import Limits
from optimizer.batch import outlook_of_draws, propose_batch
from optimizer.objectives import Objective
from optimizer.scene import Aim, Forecast, SampledScene

STEEL = {"milling_time_h": 3.0, "milling_media": "stainless_steel", "milling_speed_rpm": 500.0}
PELLET = Objective("value", "maximize", reference=0.0)
CELL = Objective("current", "maximize", reference=0.0)
VARIANTS = pd.DataFrame(
    {
        "skin_mass_mg": [25.0],
        "pressing_pressure_mpa": 450.0,
        "core_mass_mg": 150.0,
        "precompaction_pressure_mpa": 75.0,
        "stack_pressure_mpa": 7.0,
        "temperature_c": 60.0,
    }
)


def pellet_value(rows, n, rng):
    """The less oxygen the better: a glass of x = 0.5 is dominated by the one made at 0.1."""
    value = 1.0 - rows["x"].to_numpy(dtype=float)
    return np.tile(value[None, :, None], (n, 1, 1))


def by_skin(context, rows, n, rng):
    """A cell is as good as its skin is near x = 0.5."""

    def value(cells):
        worth = 1.0 - np.abs(cells["skin_x"].to_numpy(dtype=float) - 0.5) if len(cells) else []
        return np.tile(np.asarray(worth, dtype=float)[None, :, None], (n, 1, 1))

    mean = value(rows)
    return Forecast(value(context), mean, np.zeros_like(mean))


def by_pair(context, rows, n, rng):
    """Only a cell of a core of x = 0.1 and a skin of x = 0.5 is any good."""

    def value(cells):
        if not len(cells):
            return np.zeros((n, 0, 1))
        off = (cells["skin_x"] - 0.5).abs() + (cells["core_x"] - 0.1).abs()
        return np.tile((1.0 - 3 * off).to_numpy(dtype=float)[None, :, None], (n, 1, 1))

    mean = value(rows)
    return Forecast(value(context), mean, np.zeros_like(mean))


def prospect(foresee=by_skin, cores=(0.1,), skins=()):
    scene = SampledScene(
        Aim(outcomes=[CELL], reference=np.zeros(1)),
        foresee,
        pd.DataFrame(columns=list(COLUMNS)),
        0,
        8,
        np.random.default_rng(0),
    )
    partners = {
        role: pd.DataFrame(
            [{"x": x, **STEEL} for x in xs],
            index=[f"{role}{i}" for i in range(len(xs))],
            columns=["x", *STEEL],
        )
        for role, xs in (("core", cores), ("skin", skins))
    }
    return Prospect(scene=scene, partners=partners, variants=VARIANTS, limits=Limits())


def batch(weight, q=1):
    config = CampaignConfig.model_validate(
        {"name": "t", "glasses": {"milling_time_h": 3.0, "jars_owned": {"stainless_steel": 4}}}
    )
    problem = GlassProblem.of(config)

    def outlook(made, pending, rng):
        glasses = outlook_of_draws(pellet_value, [PELLET], n_draws=8)(made, pending, rng)
        return JointScene(glasses, prospect(), weight, oxygen_grid(0.0, 0.6))

    made = pd.DataFrame([{"x": 0.1, **STEEL, "pressing_pressure_mpa": 450.0}])
    return propose_batch(
        outlook,
        HeldSpace(problem.space, problem.held),
        q,
        baseline=made[list(GLASS_COLUMNS)],
        pending=made.iloc[:0],
        rng=np.random.default_rng(0),
        n_spread=128,
        n_near=32,
    )


def test_a_glass_useless_as_a_pellet_is_made_for_its_skin_only_where_cells_count():
    assert batch(1.0)["x"][0] == pytest.approx(0.5, abs=0.05)
    assert batch(0.0)["x"][0] < 0.1


def test_a_skin_in_the_batch_is_no_gain_twice():
    first, second = batch(1.0, q=2)["x"]
    assert first == pytest.approx(0.5, abs=0.05)
    assert second < 0.1


def test_the_same_seed_gives_the_same_batch():
    pd.testing.assert_frame_equal(batch(1.0, q=2), batch(1.0, q=2))


def scene_of_pairs(cores, skins):
    made = pd.DataFrame([{"x": 0.1, **STEEL, "pressing_pressure_mpa": 450.0}])
    rng = np.random.default_rng(0)
    glasses = outlook_of_draws(pellet_value, [PELLET], n_draws=8)(made, made.iloc[:0], rng)
    grid = np.array([0.1, 0.2, 0.3, 0.4, 0.5])
    return JointScene(glasses, prospect(by_pair, cores, skins), 1.0, grid)


def rows(*xs):
    return pd.DataFrame([{"x": x, **STEEL, "pressing_pressure_mpa": 450.0} for x in xs])


def test_a_core_in_the_batch_is_a_partner_of_the_next_glass():
    alone = scene_of_pairs(cores=(), skins=())
    assert alone.cell_gain(rows(0.5))[0] == 0.0
    assert alone.joined(rows(0.1)).cell_gain(rows(0.5))[0] == pytest.approx(1.0)


def test_both_roles_of_a_glass_are_tried():
    scene = scene_of_pairs(cores=(0.1,), skins=(0.5,))
    worth = scene.prospect.worth(rows(0.1, 0.5, 0.2))
    assert list(worth.role[:2]) == ["core", "skin"]
    assert worth.gain == pytest.approx([1.0, 1.0, 0.7])
    assert list(worth.cells["skin_x"][[0, 1]]) == [0.5, 0.5]


def test_the_reason_names_role_and_partner():
    role, why = scene_of_pairs(cores=(0.1,), skins=()).part_in_cells(rows(0.5))
    assert role == "skin"
    assert "as their skin with core0" in why
    assert scene_of_pairs(cores=(), skins=()).part_in_cells(rows(0.5)) is None


def test_a_cell_of_one_glass_throughout_names_both_roles():
    role, why = scene_of_one_glass().part_in_cells(rows(0.5))
    assert role == "skin"
    assert why.startswith("for cells: as their core and skin it is expected")


def scene_of_one_glass():
    made = pd.DataFrame([{"x": 0.1, **STEEL, "pressing_pressure_mpa": 450.0}])
    rng = np.random.default_rng(0)
    glasses = outlook_of_draws(pellet_value, [PELLET], n_draws=8)(made, made.iloc[:0], rng)
    return JointScene(glasses, prospect(by_skin, cores=()), 1.0, np.array([0.1, 0.5]))


def test_a_cell_against_the_rules_makes_no_glass_worth_making():
    scene = scene_of_pairs(cores=(0.1,), skins=())
    gain = scene.cell_gain(rows(0.2, 0.3, 0.5))  # sodium attacks a skin of x = 0.2
    assert gain[0] == 0.0
    assert 0.0 < gain[1] < gain[2]


def test_the_grid_of_compositions_has_both_sides_of_the_edge_at_sodium():
    grid = oxygen_grid(0.0, 0.6)
    assert {0.0, 0.29, 0.3, 0.6} <= set(grid.tolist())
    assert oxygen_grid(0.4, 0.5).min() == 0.4
