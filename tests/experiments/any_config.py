"""Any configuration that ``campaign.yaml`` may hold, for property-based tests."""

from typing import Any

from hypothesis import strategies as st
from pydantic import ValidationError

from experiments.config import CampaignConfig
from features.milling import MEDIA


def _numbers(low: float, high: float) -> st.SearchStrategy[float]:
    """Numbers as people write them: four digits."""
    return st.floats(low, high, allow_nan=False).map(lambda value: float(f"{value:.4g}"))


@st.composite
def _parameters(draw: st.DrawFn, low: float, high: float) -> Any:
    """A parameter that is held or searched."""
    first, second = sorted([draw(_numbers(low, high)), draw(_numbers(low, high))])
    if first == second or draw(st.booleans()):
        return first
    steps = draw(st.integers(1, 40))
    return {"low": first, "high": second, "step": float(f"{(second - first) / steps:.3g}") or 1e-3}


@st.composite
def configs(draw: st.DrawFn) -> CampaignConfig | None:
    """A configuration; ``None`` where what was drawn is none."""
    media = draw(st.lists(st.sampled_from(sorted(MEDIA)), min_size=1, max_size=3, unique=True))
    plain = {
        "name": "any",
        "seed": draw(st.integers(0, 99)),
        "glasses": {
            "x": draw(_parameters(0.0, draw(st.sampled_from([0.6, 1.0, 2.5])))),
            "milling_time_h": draw(_parameters(0.1, 100.0)),
            "milling_speed_rpm": draw(_parameters(50.0, 1100.0)),
            "jars_owned": {name: draw(st.integers(1, 3)) for name in media},
            "pressing_pressure_mpa": draw(_parameters(1.0, 900.0)),
            "pellet_mass_mg": draw(_numbers(5.0, 400.0)),
            "batch_mass_g": draw(st.one_of(_numbers(0.1, 4.0), _numbers(0.1, 50.0))),
        },
        "cells": {}
        if draw(st.booleans())
        else {
            "skin_mass_mg": draw(_parameters(2.0, 120.0)),
            "core_mass_mg": draw(_parameters(20.0, 500.0)),
            "pressing_pressure_mpa": draw(_parameters(1.0, 900.0)),
            "precompaction_pressure_mpa": draw(_numbers(1.0, 150.0)),
            "stack_pressure_mpa": draw(_numbers(1.0, 20.0)),
            "temperature_c": draw(_numbers(-20.0, 90.0)),
        },
        "control": {
            "x": draw(_numbers(0.0, 1.0)),
            "milling_media": draw(st.sampled_from(sorted(MEDIA))),
            "milling_time_h": draw(_numbers(0.1, 100.0)),
            "pressing_pressure_mpa": draw(_numbers(1.0, 1000.0)),
            "skin_x": draw(_numbers(0.0, 2.5)),
            "skin_mass_mg": draw(_numbers(2.0, 200.0)),
        },
        "batch": {"controls": draw(st.integers(0, 1))},
        "equipment": {
            "die_rating_mpa": draw(st.one_of(st.just(500.0), _numbers(20.0, 1000.0))),
            "balance_mg": draw(st.sampled_from([0.01, 0.1, 1.0, 10.0])),
            "expected_recovery": draw(_numbers(0.3, 1.0)),
        },
        "assays": {name: draw(_numbers(0.8, 1.0)) for name in ("na2s", "p2s5", "p2o5")},
        "mlflow": {"track": False},
    }
    try:
        return CampaignConfig.model_validate(plain)
    except ValidationError:
        return None
