"""Tri-layers are built from powder that is there, within the rules."""

import numpy as np
import pandas as pd
import pytest

from experiments.campaign import Campaign
from experiments.cell_batch import CHOICE, propose_cells
from experiments.cell_stock import LAYER, Powder, whole_cells
from experiments.config import CampaignConfig
from experiments.ledger_rows import CellRow, ReadingRow
from experiments.outlooks import cell_probability
from features.cell_limits import Limits, allowed

STEEL = {"milling_time_h": 3.0, "milling_media": "stainless_steel", "milling_speed_rpm": 500.0}


@pytest.fixture(scope="module")
def paper(tmp_path_factory):
    """What is known from the paper alone: one critical current."""
    with Campaign.create(tmp_path_factory.mktemp("cells") / "paper") as campaign:
        return campaign.knowledge()


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    """What is known of nothing."""
    folder = tmp_path_factory.mktemp("cells") / "empty"
    with Campaign.create(folder, empty=True) as campaign:
        return campaign.knowledge()


@pytest.fixture(scope="module")
def learned(tmp_path_factory, add_glass):
    """What is known after three more cells."""
    with Campaign.create(tmp_path_factory.mktemp("cells") / "learned") as campaign:
        for name, x in (("A", 0.15), ("B", 0.60), ("C", 0.40)):
            add_glass(campaign.ledger, name, x=x, ionic_conductivity=2e-4, youngs_modulus=20.0)
        with campaign.ledger.transaction() as tx:
            for number, (core, skin, ccd) in enumerate(
                [("A", "B", 2.0), ("A", "C", 1.2), ("C", "C", 0.8)]
            ):
                tx.add_cell(
                    CellRow(
                        id=f"K{number}",
                        core=core,
                        skin=skin,
                        core_mass_mg=150.0,
                        skin_mass_mg=25.0,
                        precompaction_pressure_mpa=75.0,
                        pressing_pressure_mpa=450.0,
                        stack_pressure_mpa=7.0,
                        temperature_c=60.0,
                    )
                )
                tx.add_reading(
                    ReadingRow(
                        specimen=f"K{number}",
                        property="critical_current_density",
                        lower=ccd,
                        upper=ccd + 0.05,
                        temperature_c=60.0,
                    )
                )
        return campaign.knowledge()


def powder(**jars):
    """Jars by name: (x, mg left)."""
    frame = pd.DataFrame.from_dict(
        {name: {"x": x, **STEEL} for name, (x, _) in jars.items()}, orient="index"
    )
    return Powder(jars=frame, left_mg={name: mg for name, (_, mg) in jars.items()})


def config(**parts):
    return CampaignConfig.model_validate({"name": "test", **parts})


def cells_of(knowledge, powder, k=2, seed=0, **parts):
    rng = np.random.default_rng(seed)
    return propose_cells(knowledge, config(**parts), powder, k=k, rng=rng)


def taken(batch):
    """Powder the batch takes, by jar."""
    used = {}
    for cell in batch.cells:
        row = cell.recipe
        used[row["core"]] = used.get(row["core"], 0.0) + row["core_mass_mg"]
        used[row["skin"]] = used.get(row["skin"], 0.0) + 2 * row["skin_mass_mg"]
    return used


def whole(batch, powder):
    return whole_cells(pd.DataFrame([dict(cell.recipe) for cell in batch.cells]), powder.jars)


FULL = {"core": (0.15, 1500.0), "skin": (0.60, 1500.0), "poor": (0.0, 1500.0)}


def test_the_first_cell_is_the_reference_cell(paper):
    batch = cells_of(paper, powder(**FULL))
    first = batch.cells[0]
    assert first.role == "control"
    assert {name: first.recipe[name] for name in CHOICE} == {
        "core": "core",
        "skin": "skin",
        "core_mass_mg": 150.0,
        "skin_mass_mg": 25.0,
        "pressing_pressure_mpa": 450.0,
    }
    assert batch.cells[1].role == "exploit"
    assert batch.warnings == ()


@pytest.mark.parametrize("known", ["paper", "learned"])
def test_every_cell_keeps_the_rules_and_differs(known, request):
    stock = powder(**FULL)
    batch = cells_of(request.getfixturevalue(known), stock, k=4)
    assert len(batch.cells) == 4
    assert allowed(whole(batch, stock), Limits()).all()
    choices = pd.DataFrame([dict(cell.recipe) for cell in batch.cells])[list(CHOICE)]
    assert not choices.duplicated().any()
    assert all(len(cell.why) > 20 for cell in batch.cells)


@pytest.mark.parametrize("known", ["paper", "learned"])
def test_a_batch_takes_no_more_powder_than_there_is(known, request):
    stock = powder(core=(0.15, 330.0), skin=(0.60, 130.0))
    batch = cells_of(request.getfixturevalue(known), stock, k=4)
    assert 1 <= len(batch.cells) < 4
    assert all(mg <= stock.left_mg[jar] for jar, mg in taken(batch).items())
    assert "could not be planned" in batch.warnings[0]


def test_a_jar_with_little_powder_is_not_used(paper):
    batch = cells_of(paper, powder(core=(0.15, 1500.0), crumbs=(0.60, 20.0), skin=(0.45, 1500.0)))
    assert len(batch.cells) == 2
    assert "crumbs" not in taken(batch)


def test_a_planned_cell_is_debited_before_the_next(paper):
    stock = powder(core=(0.15, 1500.0), skin=(0.60, 1500.0))
    left = stock.after({"core": "core", "skin": "skin", "core_mass_mg": 150, "skin_mass_mg": 25})
    assert left.left_mg == {"core": 1350.0, "skin": 1450.0}
    same = stock.after({"core": "skin", "skin": "skin", "core_mass_mg": 150, "skin_mass_mg": 25})
    assert same.left_mg == {"core": 1500.0, "skin": 1300.0}


@pytest.mark.parametrize(
    "jars",
    [
        pytest.param({"core": (0.15, 1500.0)}, id="no-skin"),
        pytest.param({"core": (0.15, -65.0)}, id="no-powder"),
        pytest.param({"core": (0.15, 100.0), "skin": (0.60, 100.0)}, id="too-little"),
    ],
)
def test_where_nothing_can_be_built_the_batch_says_so(paper, jars):
    batch = cells_of(paper, powder(**jars))
    assert batch.cells == ()
    (warning,) = batch.warnings
    assert warning.startswith("2 tri-layers could not be planned")
    assert "0.30" in warning


def test_no_cell_is_wanted_no_cell_is_planned(paper):
    batch = cells_of(paper, powder(**FULL), k=0)
    assert (batch.cells, batch.warnings) == ((), ())


@pytest.mark.parametrize("known", ["paper", "learned"])
def test_the_rating_of_the_die_binds_every_cell(known, request):
    batch = cells_of(
        request.getfixturevalue(known), powder(**FULL), k=3, equipment={"die_rating_mpa": 300.0}
    )
    assert len(batch.cells) == 3
    assert max(cell.recipe["pressing_pressure_mpa"] for cell in batch.cells) <= 300.0


def test_a_held_core_mass_and_skin_mass_are_held(paper):
    batch = cells_of(
        paper, powder(**FULL), k=3, cells={"core_mass_mg": 120.0, "skin_mass_mg": 20.0}
    )
    assert {cell.recipe["core_mass_mg"] for cell in batch.cells} == {120.0}
    assert {cell.recipe["skin_mass_mg"] for cell in batch.cells} == {20.0}


def test_the_reference_cell_stays_within_what_is_searched(paper):
    batch = cells_of(
        paper,
        powder(**FULL),
        k=1,
        cells={"skin_mass_mg": {"low": 30, "high": 40, "step": 1}},
    )
    assert batch.cells[0].role == "control"
    assert batch.cells[0].recipe["skin_mass_mg"] == 30.0


def test_a_reference_cell_needs_powder_for_all_its_layers(paper):
    batch = cells_of(
        paper,
        powder(core=(0.15, 250.0), skin=(0.60, 1500.0)),
        k=1,
        cells={"core_mass_mg": 300.0},
    )
    assert [cell.role for cell in batch.cells] == ["exploit"]
    assert batch.cells[0].recipe["core"] == "skin"


def test_a_powder_of_unknown_composition_is_left_alone(paper):
    stock = powder(**FULL)
    jars = pd.concat([stock.jars, pd.DataFrame({"x": [np.nan]}, index=["bought"])])
    batch = cells_of(paper, Powder(jars=jars, left_mg={**stock.left_mg, "bought": 5000.0}))
    assert len(batch.cells) == 2
    assert "bought" not in taken(batch)


def test_enough_cells_known_lets_the_model_choose(learned):
    past = {"A": (0.15, 0.0), "B": (0.60, 0.0), "C": (0.40, 0.0)}  # used up, but learned from
    stock = powder(**FULL, **past)
    batch = cells_of(learned, stock, k=2)
    assert not set(taken(batch)) & set(past)
    assert {cell.role for cell in batch.cells} == {"exploit"}
    again = cells_of(learned, stock, k=2)
    assert [c.recipe for c in batch.cells] == [c.recipe for c in again.cells]


def test_a_cell_of_sound_jars_is_likelier_to_succeed_than_one_of_jars_to_come(paper):
    stock = powder(core=(0.15, 1.0), skin=(0.60, 1.0))
    choice = pd.DataFrame([{"core": "core", "skin": "skin"}, {"core": "skin", "skin": "skin"}])
    shape = {"core_mass_mg": 150, "skin_mass_mg": 25, "pressing_pressure_mpa": 450}
    cells = whole_cells(choice.assign(**shape, stack_pressure_mpa=7), stock.jars)
    sound = cell_probability(paper, cells, {"core", "skin"})
    unknown = cell_probability(paper, cells, set())
    assert (sound > unknown).all()
    assert unknown[1] > unknown[0]  # one jar must turn out sound, not two
    drawn = paper.feasibility.cell_success(cells, sound={"core", "skin"})["probability"]
    assert sound == pytest.approx(drawn.to_numpy(), abs=0.05)


def test_layers_of_a_cell_are_those_of_its_jars():
    stock = powder(core=(0.15, 1.0), skin=(0.60, 1.0))
    row = whole_cells(pd.DataFrame([{"core": "core", "skin": "skin"}]), stock.jars).iloc[0]
    assert (row["core_x"], row["skin_x"]) == (0.15, 0.60)
    assert {f"{layer}_{name}" for layer in ("core", "skin") for name in LAYER} <= set(row.index)


def test_without_any_critical_current_the_cells_fill_the_space(empty):
    batch = cells_of(empty, powder(**FULL), k=2)
    assert [cell.role for cell in batch.cells] == ["control", "space_filling"]
