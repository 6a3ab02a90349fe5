"""Targets are read as they are written, and judged together in one specimen."""

import pytest

from experiments.targets import Condition, Target
from features.errors import CampaignError, ReadingError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("ionic_conductivity>1e-4", ("ionic_conductivity", True, 1e-4), id="plain"),
        pytest.param(" youngs_modulus >= 20 GPa", ("youngs_modulus", True, 20.0), id="unit"),
        pytest.param("ionic_conductivity>0.1mS/cm", ("ionic_conductivity", True, 1e-4), id="mS"),
        pytest.param("electronic_conductivity≤1e-9", ("electronic_conductivity", False, 1e-9),
                     id="at-most"),
    ],
)  # fmt: skip
def test_a_condition_is_read(text, expected):
    (condition,) = Target.of([text]).conditions
    name, is_least, value = expected
    assert condition == Condition(
        property=name, is_least=is_least, value=pytest.approx(value, rel=1e-12)
    )


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        pytest.param([], "at least one condition, got none", id="none"),
        pytest.param(["sigma>1"], "'sigma' is no property with a surrogate", id="unknown"),
        pytest.param(["ionic_conductivty>1"], "did you mean ionic_conductivity", id="typo"),
        pytest.param(["ionic_conductivity"], "needs a property, < or >, and a number", id="bare"),
        pytest.param(["ionic_conductivity>-1"], "number above zero, got '-1'", id="negative"),
        pytest.param(["ionic_conductivity>1e"], "must be a number above zero", id="no-number"),
        pytest.param(["hardness>1"], "no property with a surrogate", id="not-modelled"),
        pytest.param(["youngs_modulus>1", "youngs_modulus>2"], "one bound of", id="twice"),
    ],
)
def test_what_cannot_be_a_target_is_refused(texts, message):
    with pytest.raises(CampaignError, match=message):
        Target.of(texts)


def test_a_unit_of_another_quantity_is_refused():
    with pytest.raises(ReadingError, match="GPa"):
        Target.of(["ionic_conductivity>1 GPa"])


def test_all_conditions_must_hold_in_one_specimen():
    target = Target.of(["critical_current_density>3", "ionic_conductivity>1e-4"])
    assert target.is_of_cells
    assert target.is_met({"critical_current_density": 3.0, "ionic_conductivity": 1e-4})
    assert not target.is_met({"critical_current_density": 9.0, "ionic_conductivity": 9e-5})
    assert not target.is_met({"critical_current_density": 2.9, "ionic_conductivity": 1e-3})


def test_a_range_of_one_property_may_be_asked_for():
    target = Target.of(["youngs_modulus>18", "youngs_modulus<20"])
    assert [target.is_met({"youngs_modulus": e}) for e in (17, 19, 21)] == [False, True, False]
    assert not target.is_of_cells
