import json

import numpy as np
import pandas as pd
import pytest

from features.errors import NotFittedError, ReadingError
from models.cell_surrogate import CellSurrogate
from models.layers import LAYER_PROPERTIES
from models.property_gp import PropertyGP
from models.surrogate import Surrogate
from models.trilayer import ASR, CCD, TrilayerSurrogate

GLASS = {
    "x": 0.6, "milling_time_h": 3.0, "milling_media": "zirconia", "milling_speed_rpm": 500.0,
}  # fmt: skip
NONE = pd.DataFrame(columns=["specimen", "property", "lower", "upper", "se"])
CELLS = pd.DataFrame(
    {
        **{f"{side}_{name}": value for side in ("core", "skin") for name, value in GLASS.items()},
        "core_mass_mg": 150.0, "skin_mass_mg": 25.0, "pressing_pressure_mpa": 450.0,
        "stack_pressure_mpa": 7.0, "temperature_c": 60.0,
    },
    index=["C1"],
)  # fmt: skip


@pytest.fixture(scope="module")
def trilayer():
    pellets = pd.DataFrame({**GLASS, "pressing_pressure_mpa": 450.0}, index=["P1"])
    return TrilayerSurrogate({n: PropertyGP(n).fit(pellets, NONE) for n in LAYER_PROPERTIES})


@pytest.mark.parametrize("name", [CCD, ASR])
def test_it_answers_as_the_composite_does(trilayer, name):
    read = pd.DataFrame([("C1", name, 2.0, 2.0, np.nan)], columns=NONE.columns)
    ours = CellSurrogate(name, trilayer).fit(CELLS, read)
    assert isinstance(ours, Surrogate)
    expected = trilayer.fit(CELLS, read)
    pd.testing.assert_frame_equal(ours.predict(CELLS), expected.predict(CELLS)[name])
    assert ours.sample(CELLS, 3, np.random.default_rng(0)).shape == (3, 1)
    again = CellSurrogate.from_dict(json.loads(json.dumps(ours.to_dict())))
    pd.testing.assert_frame_equal(again.predict(CELLS), ours.predict(CELLS), rtol=1e-9)


def test_it_says_what_it_rests_on(trilayer):
    read = pd.DataFrame([("C1", ASR, 500.0, 500.0, np.nan)], columns=NONE.columns)
    assert CellSurrogate(ASR, trilayer).fit(CELLS, read).in_words() == (
        "series sum of the layers, corrected by 1 area specific resistance reading"
    )
    assert "1 CCD reading" not in CellSurrogate(CCD, trilayer).fit(CELLS, read).in_words()


def test_a_property_of_pellets_is_refused(trilayer):
    with pytest.raises(ReadingError, match="got 'youngs_modulus'; use PropertyGP"):
        CellSurrogate("youngs_modulus", trilayer)


def test_it_must_be_fitted_first(trilayer):
    with pytest.raises(NotFittedError, match="critical current density was asked for before fit"):
        CellSurrogate(CCD, trilayer).predict(CELLS)
