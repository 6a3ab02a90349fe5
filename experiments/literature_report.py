"""How much literature changes predictions, and whether it helps where it can be checked."""

from typing import Any, Final

import numpy as np
import pandas as pd

from experiments.config import CampaignConfig, extremes
from experiments.knowledge import PELLET_PROPERTIES, Knowledge, sound_pellets
from experiments.ledger import Ledger
from experiments.literature import Literature
from experiments.literature_helps import own_glasses_help, sources_help
from experiments.literature_words import in_words
from features.milling import REFERENCE_SPEED_RPM
from features.properties import property_of
from models.interval_rows import interval_rows
from models.property_gp import ENERGY, ENERGY_OF, PropertyGP
from models.surrogate import Z_90
from models.training import rows_of_specimens

N_ALONG_X: Final = 7


def literature_report(
    ledger: Ledger, config: CampaignConfig, knowledge: Knowledge
) -> dict[str, Any]:
    """What literature the ledger holds and, if it is learned from, what that does.

    Args:
        ledger: The campaign's ledger.
        config: Reference recipe, and whether literature is learned from.
        knowledge: Surrogates as they are now.

    Returns:
        Plain data: ``use``, ``n_values``, ``sources``, ``properties`` (by property: predictions
        along x with and without it, largest shift, offset of each source, scatter between
        sources, whether it helps; empty when off) and ``in_words``.
    """
    rows = ledger.literature()
    report: dict[str, Any] = {
        "use": config.literature.use,
        "n_values": len(rows),
        "sources": _sources(rows),
        "properties": {
            name: _property(knowledge, config, name, literature)
            for name, literature in _by_property(knowledge.literature)
        },
    }
    return {**report, "in_words": in_words(report)}


def _sources(rows: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {
            "source": str(source),
            "doi": str(group["doi"].iloc[0]),
            "values": len(group),
            "specimens": int(group["specimen"].nunique()),
            "notes": [note for note in group["note"].unique() if note],
        }
        for source, group in rows.groupby("source", sort=False)
    ]


def _by_property(literature: Literature) -> list[tuple[str, Literature]]:
    """Properties that learn from literature, each with all it learns from."""
    parts = (
        (name, literature.of([name, *([ENERGY] if name == ENERGY_OF else [])]))
        for name in PELLET_PROPERTIES
    )
    return [(name, part) for name, part in parts if len(part.readings)]


def _property(
    knowledge: Knowledge, config: CampaignConfig, name: str, literature: Literature
) -> dict[str, Any]:
    learned = knowledge.layers[name]
    recipes, readings = sound_pellets(knowledge.pellets), knowledge.fitted
    alone = learned.fit(recipes, readings)
    along = _along_x(alone, learned, config)
    shifts = [point["shift_in_sd"] for point in along]
    largest = along[int(np.argmax(np.abs(shifts)))]
    scatter = {part.level: part.to_dict() for part in learned.scatter()}
    unit = property_of(name).sd_unit
    return {
        "n_values": len(literature.readings),
        "unit": unit,
        "along_x": along,
        "largest_shift": {
            key: largest[key] for key in ("x", "shift_in_sd", "sd_without", "sd_with")
        },
        "offsets": [_offset(learned, literature, source) for source in literature.sources],
        "scatter": {level: scatter.get(level) for level in ("source", "foreign_jar")},
        "helps": {
            "own_glasses": own_glasses_help(learned, recipes, readings, literature),
            "sources": sources_help(alone, recipes, readings, literature),
        },
    }


def _along_x(
    alone: PropertyGP, learned: PropertyGP, config: CampaignConfig
) -> list[dict[str, Any]]:
    """Predictions at the reference recipe with x varied, without and with literature."""
    low, high = extremes(config.glasses.x)
    slowest, fastest = extremes(config.glasses.milling_speed_rpm)
    control = config.control
    grid = pd.DataFrame({"x": np.unique(np.linspace(low, high, N_ALONG_X))}).assign(
        milling_time_h=control.milling_time_h,
        milling_media=control.milling_media,
        milling_speed_rpm=min(max(REFERENCE_SPEED_RPM, slowest), fastest),
        pressing_pressure_mpa=control.pressing_pressure_mpa,
    )
    before, after = alone.predict(grid), learned.predict(grid)
    entry = alone.entry
    centres = [entry.to_scale(table["mean"].to_numpy(dtype=float)) for table in (before, after)]
    shift = (centres[1] - centres[0]) / before["sd"].to_numpy(dtype=float)
    ends = ["mean", "lower", "upper"]
    return [
        {
            "x": float(grid["x"].iloc[i]),
            "without": {key: float(before[key].iloc[i]) for key in ends},
            "with": {key: float(after[key].iloc[i]) for key in ends},
            "sd_without": float(before["sd"].iloc[i]),
            "sd_with": float(after["sd"].iloc[i]),
            "shift_in_sd": float(shift[i]),
        }
        for i in range(len(grid))
    ]


def _offset(learned: PropertyGP, literature: Literature, source: str) -> dict[str, Any]:
    """How far the values of a source lie from what is now believed of their recipes."""
    own = literature.readings.loc[literature.readings["source"] == source]
    rows = interval_rows(own, learned.entry)
    exact = rows.low == rows.high
    found: dict[str, Any] = {
        "source": source,
        "n_exact": int(exact.sum()),
        "n_bounds": int((~exact).sum()),
        "offset": None,
        "lower": None,
        "upper": None,
    }
    if not exact.any():
        return found
    names = [name for name, is_value in zip(rows.specimen, exact, strict=True) if is_value]
    asked = rows_of_specimens(literature.recipes, names, "recipes").assign(
        temperature_c=np.where(
            np.isnan(rows.temperature_c), learned.temperature_c, rows.temperature_c
        )[exact]
    )
    mean, covariance = learned.joint(asked)
    offset, sd = float((rows.low[exact] - mean).mean()), float(np.sqrt(covariance.mean()))
    return found | {"offset": offset, "lower": offset - Z_90 * sd, "upper": offset + Z_90 * sd}
