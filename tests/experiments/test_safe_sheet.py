"""Rules of every sheet, on a round as plain data; each must be able to say no."""

import copy
import json
import math
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings

from experiments.campaign import Campaign
from experiments.config import CampaignConfig, EquipmentConfig, MlflowConfig, Range
from experiments.glass_batch import GlassProblem
from experiments.ledger_rows import JarRow
from experiments.neighbours import _width
from experiments.round_files import round_texts, withhold_unsafe
from experiments.round_ledger import refuse_unsafe
from experiments.round_plan import plan_round
from experiments.safe_sheet import (
    STORED,
    UNSAFE,
    Door,
    require_finite,
    require_safe,
    unsafe,
    with_warning,
)
from experiments.safe_weighing import wrong_masses
from experiments.stored_round import stored_round
from experiments.weighing import too_little_to_weigh
from features.errors import CampaignError, SpaceError, UnsafeProposalError
from features.stoichiometry import Assays, masses_for
from tests.experiments.any_config import configs

CONFIG = CampaignConfig.model_validate(
    {"name": "c", "assays": {"na2s": 0.99, "p2s5": 0.99, "p2o5": 0.99}, "mlflow": {"track": False}}
)
NEW = Door(stock_mg={}, searched=True)
NAN, INF = math.nan, math.inf


@pytest.fixture
def sound() -> dict[str, Any]:
    """A full round: four glasses of 99 % reagents and two cells."""
    path = Path(__file__).with_name("sample_round.json")
    round_: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return {**round_, "assays": CONFIG.assays.model_dump()}


def changed(round_: dict[str, Any], place: tuple[Any, ...], value: Any) -> dict[str, Any]:
    """A round with one field changed."""
    other = copy.deepcopy(round_)
    part = other
    for key in place[:-1]:
        part = part[key]
    part[place[-1]] = value
    return other


def leaves(part: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every number in a round, with where it stands."""
    pairs = part.items() if isinstance(part, dict) else enumerate(part)
    for key, value in pairs:
        if isinstance(value, dict | list):
            yield from leaves(value, (*place, key))
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield (*place, key), value


def test_a_sound_round_breaks_no_rule(sound):
    assert unsafe(sound, CONFIG, NEW) == []
    assert unsafe(sound, CONFIG, STORED) == []
    require_safe(sound, CONFIG, NEW)
    assert with_warning(sound, CONFIG) == sound


GLASS = ("glasses", 1, "recipe")
CELL = ("trilayers", 0, "recipe")
NOT_NUMBERS = (NAN, INF, -INF, None, "", "450", True)
WRONG: dict[tuple[Any, ...], tuple[Any, ...]] = {
    (*GLASS, "x"): (*NOT_NUMBERS, -1e-6, 0.05, 0.15, 0.61, 2.5001, 15.0),
    (*GLASS, "milling_time_h"): (*NOT_NUMBERS, -3.0, 0.0, 3.5, 180.0),
    (*GLASS, "milling_speed_rpm"): (*NOT_NUMBERS, -500.0, 0.0, 501.0, 5000.0),
    (*GLASS, "milling_media"): (None, "", "lead", "silicon_nitride", NAN, 3),
    (*GLASS, "pressing_pressure_mpa"): (*NOT_NUMBERS, -450.0, 0.0, 74.0, 500.001, 900.0),
    (*GLASS, "mass_mg"): (*NOT_NUMBERS, -150.0, 0.0, 149.0, 1.5, 50_000.0),
    ("glasses", 1, "batch_mass_g"): (*NOT_NUMBERS, -2.0, 0.0, 2000.0, 1.9),
    ("glasses", 1, "id"): (None, "", " ", "R01-G1", "R01-G1-P1", 7),
    ("glasses", 1, "pellet"): (None, "", "R01-G1-P1", "R01-C1"),
    ("trilayers", 0, "id"): (None, "", "R01-G1", "R01-C2"),
    **{
        ("glasses", 0, "masses_mg", name): (*NOT_NUMBERS, -1.0, 0.0, 50_000.0, 400.0)
        for name in ("na2s", "p2s5", "p2o5")
    },
    ("glasses", 0, "masses_mg"): ({}, None, {"na2s": 1.0}),
    ("mill_run", "milling_time_h"): (*NOT_NUMBERS, 4.0),
    ("mill_run", "milling_speed_rpm"): (*NOT_NUMBERS, 400.0),
    (*CELL, "temperature_c"): (*NOT_NUMBERS, 59.0, 90.01, 97.8, 120.0, 333.0, -21.0),
    (*CELL, "pressing_pressure_mpa"): (*NOT_NUMBERS, -1.0, 0.0, 149.0, 500.1, 900.0),
    (*CELL, "precompaction_pressure_mpa"): (*NOT_NUMBERS, -1.0, 0.0, 74.0, 101.0, 160.0, 900.0),
    (*CELL, "stack_pressure_mpa"): (*NOT_NUMBERS, -7.0, 0.0, 6.0, 20.5, 70.0),
    (*CELL, "core_mass_mg"): (*NOT_NUMBERS, -150.0, 0.0, 10.0, 151.0, 50_000.0),
    (*CELL, "skin_mass_mg"): (*NOT_NUMBERS, -25.0, 0.0, 10.0, 41.0, 2500.0),
    (*CELL, "core"): (None, "", "R07-G1", "R01-G4"),
    (*CELL, "skin"): (None, "", "R07-G1", "R01-G1"),
    (*CELL, "core_recipe", "x"): (*NOT_NUMBERS, 0.16, 2.6),
    (*CELL, "skin_recipe", "x"): (*NOT_NUMBERS, 0.1, 0.61, 2.6),
    (*CELL, "core_recipe", "milling_media"): (None, "agate"),
    ("glasses",): ([], None, {}),
    ("trilayers",): (None, [None]),
    ("assays",): ({"na2s": 1.0, "p2s5": 1.0, "p2o5": 1.0},),
    **{
        ("glasses", 0, "predictions", "ionic_conductivity", part): (*NOT_NUMBERS, *values)
        for part, values in (
            ("mean", (0.0, -1e-4, 1e3, 1e-20)), ("sd", (-0.1,)), ("reading_sd", (-0.1,)),
            ("lower", (1.0,)), ("upper", (0.0,)), ("reading_lower", (1.0,)),
            ("reading_upper", (0.0,)),
        )
    },
    ("glasses", 0, "predictions", "youngs_modulus", "mean"): (-500.0, 1e4),
    ("trilayers", 0, "predictions", "critical_current_density", "mean"): (*NOT_NUMBERS, 0.0, 1e6),
    ("trilayers", 0, "predictions", "area_specific_resistance", "upper"): (*NOT_NUMBERS, 1e-9),
}  # fmt: skip
"""Each field that a chemist works by, and values that must never be on a sheet."""


@pytest.mark.parametrize("place", WRONG, ids=lambda place: ".".join(map(str, place)))
def test_no_field_may_hold_a_wrong_value(sound, place):
    for value in WRONG[place]:
        broken = changed(sound, place, value)
        said = unsafe(broken, CONFIG, NEW)
        assert said, f"{place} = {value!r} passed"
        assert all(sentence and "\n" not in sentence for sentence in said)
        with pytest.raises(UnsafeProposalError, match="nothing was written; report it"):
            require_safe(broken, CONFIG, NEW)


@pytest.mark.parametrize("value", [NAN, INF, -INF])
def test_no_number_anywhere_may_be_none(sound, value):
    places = [place for place, _ in leaves(sound)]
    assert len(places) > 200
    for place in places:
        broken = changed(sound, place, value)
        assert unsafe(broken, CONFIG, NEW), f"{place} passed"
        assert unsafe(broken, CONFIG, STORED), f"{place} passed in a stored round"
        with pytest.raises(UnsafeProposalError, match=r"must be a finite number, got -?(nan|inf)"):
            require_finite(broken)


@pytest.mark.parametrize("kind", ["glasses", "trilayers", "mill_run"])
def test_no_field_may_be_missing(sound, kind):
    parts = [sound[kind]] if kind == "mill_run" else sound[kind]
    needless = {"why", "explanation", "success", "cost_h", "role", "baselines"}
    for number, part in enumerate(parts):
        for name in set(part) - needless:
            place = (kind, name) if kind == "mill_run" else (kind, number, name)
            broken = copy.deepcopy(sound)
            owner = broken[kind] if kind == "mill_run" else broken[kind][number]
            del owner[name]
            if name != "why":
                assert unsafe(broken, CONFIG, NEW), f"{place} may be missing"


def test_values_at_their_limits_are_sound(sound):
    warm = changed(sound, (*CELL, "temperature_c"), 90.0)
    assert unsafe(warm, CONFIG, Door(stock_mg={}, searched=False)) == []
    hard = changed(sound, (*GLASS, "pressing_pressure_mpa"), 500.0)
    assert unsafe(hard, CONFIG, NEW) == []


def test_jars_are_those_owned_and_powder_is_that_milled(sound):
    few = CONFIG.model_copy(
        update={"glasses": CONFIG.glasses.model_copy(update={"jars_owned": {"zirconia": 1}})}
    )
    assert "jar 1 of stainless_steel of 0 owned" in "\n".join(unsafe(sound, few, NEW))
    thrifty = CONFIG.model_copy(update={"equipment": EquipmentConfig(expected_recovery=0.1)})
    said = unsafe(sound, thrifty, NEW)
    assert "R01-G1: powder for its pellet and cells must be at most the 200 mg it" in said[0]
    # ... of a round of the past it counts that nobody gets more than was weighed
    assert unsafe(sound, thrifty, STORED) == []


def test_powder_of_stock_is_counted_over_all_cells(sound):
    for number in (0, 1):
        sound["trilayers"][number]["recipe"]["core"] = "J1"
    recipes = {"J1": sound["trilayers"][0]["recipe"]["core_recipe"]}
    sound["trilayers"][1]["recipe"]["core_recipe"] = recipes["J1"]
    enough = Door(stock_mg={"J1": 300.0}, recipes=recipes, searched=True)
    assert unsafe(sound, CONFIG, enough) == []
    said = unsafe(sound, CONFIG, Door(stock_mg={"J1": 299.0}, recipes=recipes, searched=True))
    assert said == [
        "J1: powder for its pellet and cells must be at most the 299 mg it gives (batch_mass_g, "
        "equipment.expected_recovery), got 300 mg"
    ]


def test_what_a_balance_cannot_weigh_is_no_mass(sound):
    coarse = CONFIG.model_copy(update={"equipment": EquipmentConfig(balance_mg=10.0)})
    small = changed(sound, (*GLASS, "x"), 0.02)
    masses = masses_for(0.02, 2.0, Assays(0.99, 0.99, 0.99))
    small["glasses"][1]["masses_mg"] = {
        "na2s": round(masses.na2s_mg, 1), "p2s5": round(masses.p2s5_mg, 1),
        "p2o5": round(masses.p2o5_mg, 1),
    }  # fmt: skip
    assert unsafe(small, CONFIG, NEW) == []
    assert unsafe(small, coarse, NEW) == [
        "R01-G2: masses_mg.p2o5 must be 0 or at least the 10 mg of the balance, got 5 mg; make "
        "more (glasses.batch_mass_g), or leave that x out"
    ]


@pytest.mark.parametrize("x", [0.0, 0.15, 0.6, 1.0, 2.5])
@pytest.mark.parametrize("batch_mass_g", [0.1, 2.0, 50.0])
def test_the_second_stoichiometry_agrees_with_the_first(x, batch_mass_g):
    assays = {"na2s": 0.985, "p2s5": 0.99, "p2o5": 0.97}
    masses = masses_for(x, batch_mass_g, Assays(**assays))
    printed = {name: round(getattr(masses, f"{name}_mg"), 1) for name in assays}
    more = {"x": x, "batch_mass_g": batch_mass_g, "assays": assays, "balance_mg": 0.01}
    assert [*wrong_masses(printed, **more)] == []
    for name in assays:
        off = {**printed, name: printed[name] + 0.2}
        assert len([*wrong_masses(off, **more)]) == 1


def test_an_error_says_each_rule_and_travels_between_processes(sound):
    broken = changed(sound, (*CELL, "temperature_c"), 120.0)
    with pytest.raises(UnsafeProposalError, match=r"breaks 2 rules of a safe sheet") as caught:
        require_safe(broken, CONFIG, NEW)
    assert caught.value.problems[0] == (
        "R01-C1: temperature_c must lie between -20 and 90 °C (sodium melts at 97.8 °C), got 120"
    )
    copied = pickle.loads(pickle.dumps(caught.value))
    assert (str(copied), copied.problems) == (str(caught.value), caught.value.problems)


def test_the_sheet_of_an_unsafe_stored_round_is_withheld(sound, tmp_path):
    broken = changed(sound, (*CELL, "temperature_c"), 120.0)
    texts = round_texts(broken, CONFIG)
    page = texts["batch_sheet.html"]
    assert "DO NOT MAKE ROUND R01" in page
    assert "sodium melts at 97.8 °C), got 120" in page
    assert "1047.4" not in page  # no mass of it is printed
    head = json.loads(texts["predictions.json"])["warnings"][0]
    assert head.startswith(f"{UNSAFE}: R01-C1: temperature_c must lie")
    folder = tmp_path / "R01"
    folder.mkdir()
    (folder / "batch_sheet.html").write_text(round_texts(sound, CONFIG)["batch_sheet.html"])
    withhold_unsafe(folder, sound, CONFIG)
    assert "1047.4" in (folder / "batch_sheet.html").read_text()
    withhold_unsafe(folder, broken, CONFIG)
    assert (folder / "batch_sheet.html").read_text() == page


def test_the_sheet_prints_the_assays_its_masses_were_computed_with(sound):
    new_lot = CONFIG.model_copy(update={"assays": CampaignConfig(name="c").assays})
    page = round_texts(sound, new_lot)["batch_sheet.html"]
    assert "assay 0.990" in page
    assert "DO NOT MAKE" not in page


def test_a_glass_that_no_balance_can_weigh_is_never_searched():
    plain = {"batch_mass_g": 0.5, "x": {"low": 0.0, "high": 2.5, "step": 0.01}}
    coarse = CampaignConfig.model_validate(
        {"name": "c", "glasses": plain, "equipment": {"balance_mg": 5.0}}
    )
    found = GlassProblem.of(coarse).space.spread(200, np.random.default_rng(0))
    pure = Assays()
    assert {0.0, 2.5} <= set(found["x"])
    assert all(too_little_to_weigh(x, 0.5, 5.0, pure) is None for x in found["x"])
    assert too_little_to_weigh(0.05, 0.5, 5.0, pure) == 3.1
    fine = CampaignConfig.model_validate({"name": "c", "glasses": plain})
    assert GlassProblem.of(fine).space.constraint is None


def test_a_step_that_nobody_can_set_is_refused():
    with pytest.raises(ValueError, match="step 1e-300 is finer than anything can be weighed"):
        Range(low=0.0, high=1e-300, step=1e-300)


def test_a_held_value_next_to_nothing_is_no_width():
    """Distances of neighbours are divided by it, and are printed."""
    assert _width(1e-300) == 1.0
    assert _width(450.0) == 450.0


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A campaign on the paper's data."""
    folder = tmp_path_factory.mktemp("safe") / "c"
    config = CampaignConfig(name="c", mlflow=MlflowConfig(track=False))
    with Campaign.create(folder, config, pictures=False) as campaign:
        yield campaign


@settings(
    max_examples=10, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow,
                           HealthCheck.filter_too_much],
)  # fmt: skip
@given(config=configs())
def test_first_rounds_of_any_configuration_are_safe(lab, config):
    """Or refused beforehand, in a sentence about the configuration."""
    assume(config is not None)
    jars = sum(config.glasses.jars_owned.values())
    try:
        round_ = plan_round(lab.ledger, config, lab.knowledge(), glasses=min(3, jars), trilayers=1)
    except (CampaignError, SpaceError):
        return
    found: tuple[str, ...] = ()
    try:
        refuse_unsafe(lab.ledger, config, round_, searched=True)
    except UnsafeProposalError as error:
        found = error.problems
    # What only the configuration can mend: a control that cannot be weighed, too small a batch.
    assert all("balance" in said or "powder for" in said for said in found)
    assert not found or config.equipment.balance_mg >= 1 or config.glasses.batch_mass_g < 1


def test_a_jar_of_stock_must_be_what_the_cell_takes_it_for(sound):
    cell = sound["trilayers"][0]["recipe"]
    held = {**cell["skin_recipe"]}
    cell["skin"] = "J1"
    door = Door(stock_mg={"J1": 900.0}, recipes={"J1": held}, searched=True)
    assert unsafe(sound, CONFIG, door) == []
    for name, other in (("x", 0.0), ("milling_media", "agate"), ("milling_speed_rpm", 300)):
        written = held[name]
        recipes = {"J1": {**held, name: other}}
        (said,) = unsafe(
            sound, CONFIG, Door(stock_mg={"J1": 900.0}, recipes=recipes, searched=True)
        )
        assert said == f"R01-C1: skin_recipe.{name} must be the {other!r} of J1, got {written!r}"
    unknown = unsafe(sound, CONFIG, Door(stock_mg={"J1": 900.0}, searched=True))
    assert unknown == ["R01-C1: skin must be a jar of this round or in stock, got 'J1'"]
    assert unsafe(sound, CONFIG, STORED) == []


def test_the_ledger_says_what_a_jar_of_stock_is(lab):
    with lab.ledger.transaction() as tx:
        tx.add_jar(
            JarRow(
                id="J1", origin="stock", status="made", x=0.0, milling_time_h=3.0,
                milling_media="zirconia", milling_speed_rpm=500.0, batch_mass_g=2.0,
            )
        )  # fmt: skip
    round_ = plan_round(lab.ledger, lab.config, lab.knowledge(), glasses=4, trilayers=1)
    cell = round_["trilayers"][0]["recipe"]
    cell |= {"skin": "J1", "skin_recipe": {**cell["skin_recipe"], "x": 0.3}}
    with pytest.raises(
        UnsafeProposalError, match=r"skin_recipe\.x must be the 0\.0 of J1, got 0\.3"
    ):
        refuse_unsafe(lab.ledger, lab.config, round_, searched=True)


def test_an_old_round_is_warned_of_once_the_die_bears_less(lab):
    round_ = lab.propose(glasses=2, trilayers=1)
    sheet = lab.round_folder(round_["round"]) / "batch_sheet.html"
    assert "DO NOT MAKE" not in sheet.read_text()
    before = lab.config
    lab.config = before.model_copy(update={"equipment": EquipmentConfig(die_rating_mpa=300.0)})
    again = lab.show(round_["round"])
    assert again["warnings"][0] == (
        "DO NOT MAKE THIS ROUND: R01-G1: pressing_pressure_mpa must lie between 1 and 300 MPa "
        "(equipment.die_rating_mpa), got 450"
    )
    assert "DO NOT MAKE ROUND R01" in sheet.read_text()
    assert lab.verify() == []  # what was frozen is as it was
    lab.config = before


def test_rounds_remember_the_assays_of_their_masses(lab):
    if not len(lab.ledger.rounds()):
        lab.propose(glasses=2, trilayers=0)
    assert stored_round(lab.ledger, "R01")["assays"] == {"na2s": 1.0, "p2s5": 1.0, "p2o5": 1.0}
