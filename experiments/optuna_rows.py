"""Specimens of a campaign as trials of Optuna: what was made, what was read, what is believed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, final

import pandas as pd
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from experiments.config import TEMPERATURE_TOLERANCE_C, CampaignConfig, ObjectiveConfig
from experiments.knowledge import GLASS_COLUMNS, Knowledge
from experiments.optuna_search import Part, Searched, distribution_of, is_searched, range_in_words
from features.properties import CATALOGUE, TEMPERATURE_DEPENDENT, property_of

LAYER_COLUMNS: Final = ("x", "milling_time_h", "milling_media", "milling_speed_rpm")
CELL_COLUMNS: Final = (
    *(f"core_{name}" for name in LAYER_COLUMNS),
    *(f"skin_{name}" for name in LAYER_COLUMNS),
    "core_mass_mg",
    "skin_mass_mg",
    "precompaction_pressure_mpa",
    "pressing_pressure_mpa",
    "stack_pressure_mpa",
    "temperature_c",
)

STATES: Final = {
    "made": "COMPLETE when every objective was read, else PRUNED: Optuna wants all values or none",
    "failed": "FAIL",
    "planned": "RUNNING",
    "not_made": "left out",
}


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Specimens:
    """Specimens of one kind, with all that makes trials of them.

    Attributes:
        frame: Index specimen; the columns searched, ``status``, ``round_id``, ``recorded_at``.
        origin: Where each comes from, by specimen.
        failed: Whether it, or a jar of it, failed, by specimen.
        searched: Today's search by column: a number, a range, or the levels owned.
        objectives: By catalogue id.
        readings: All current readings of the ledger, ``fitted`` telling which are learned from.
        predictions: By property, mean, lower and upper by specimen.
        temperature_c: At which properties that depend on it are compared.
        simulated: Whether readings come from the virtual laboratory.
    """

    frame: pd.DataFrame
    origin: pd.Series
    failed: pd.Series
    searched: Searched
    objectives: Mapping[str, ObjectiveConfig]
    readings: pd.DataFrame
    predictions: Mapping[str, pd.DataFrame]
    temperature_c: float
    simulated: bool

    @property
    def shown(self) -> list[str]:
        """Specimens that become trials: all but those nobody made."""
        skipped = (self.frame["status"] == "not_made") & ~self.failed
        return [str(name) for name in self.frame.index[~skipped]]

    @property
    def left_out(self) -> list[str]:
        """Specimens nobody made."""
        shown = set(self.shown)
        return [str(name) for name in self.frame.index if name not in shown]

    def distributions(self) -> dict[str, BaseDistribution]:
        """Today's search by column, widened to hold every specimen shown."""
        rows = self.frame.loc[self.shown]
        return {name: distribution_of(part, rows[name]) for name, part in self.searched.items()}

    def widened(self) -> dict[str, str]:
        """Columns in which something was made outside today's search, in words."""
        found = {}
        for name, part in self.searched.items():
            made = self.frame.loc[self.shown, name]
            outside = [
                f"{specimen} ({value if isinstance(value, str) else f'{value:.4g}'})"
                for specimen, value in made.items()
                if not is_searched(part, value)
            ]
            if outside:
                found[name] = f"searched: {range_in_words(part)}; outside it: {', '.join(outside)}"
        return found

    def trials(self) -> list[FrozenTrial]:
        """One trial a specimen shown, in the ledger's order."""
        distributions = self.distributions()
        return [self._trial(name, distributions) for name in self.shown]

    def _trial(self, name: str, distributions: Mapping[str, BaseDistribution]) -> FrozenTrial:
        row = self.frame.loc[name]
        known = {column: row[column] for column in distributions if pd.notna(row[column])}
        own = self.readings.loc[self.readings["specimen"] == name]
        values = {prop: self._centre(own, prop) for prop in self.objectives}
        missing = [prop for prop, value in values.items() if value is None]
        state = self._state(name, missing)
        trial = create_trial(
            state=state,
            values=[values[prop] for prop in values] if state is TrialState.COMPLETE else None,  # type: ignore[misc]
            params={column: _plain(value) for column, value in known.items()},
            distributions={column: distributions[column] for column in known},
            user_attrs=self._attributes(name, own, values),
            constraints=self._constraints(values),
        )
        when = datetime.fromisoformat(str(row["recorded_at"])).replace(tzinfo=None)
        trial.datetime_start = when
        if state.is_finished():
            trial.datetime_complete = when
        return trial

    def _state(self, name: str, missing: Sequence[str]) -> TrialState:
        if self.failed[name]:
            return TrialState.FAIL
        if self.frame.at[name, "status"] == "planned":
            return TrialState.RUNNING
        return TrialState.PRUNED if missing else TrialState.COMPLETE

    def _at_hand(self, own: pd.DataFrame, prop: str) -> pd.DataFrame:
        """Readings of a property that are learned from, at the campaign's temperature."""
        rows = own.loc[(own["property"] == prop) & own["fitted"]]
        if prop in TEMPERATURE_DEPENDENT:
            away = (rows["temperature_c"] - self.temperature_c).abs()
            rows = rows.loc[~(away > TEMPERATURE_TOLERANCE_C)]
        return rows

    def _centre(self, own: pd.DataFrame, prop: str) -> float | None:
        """Mean of the readings on the property's scale; of a bound, the bound itself."""
        entry, rows = property_of(prop), self._at_hand(own, prop)
        if rows.empty:
            return None
        low = rows["lower"].fillna(rows["upper"])
        high = rows["upper"].fillna(rows["lower"])
        middle = (entry.to_scale(low) + entry.to_scale(high)) / 2
        return float(entry.from_scale(middle.mean()))

    def _constraints(self, values: Mapping[str, float | None]) -> dict[str, float]:
        """By how much a value breaks a bound of the configuration, on the property's scale."""
        found = {}
        for prop, value in values.items():
            entry, wanted = property_of(prop), self.objectives[prop]
            for word, bound, sign in (
                ("at_least", wanted.at_least, -1.0),
                ("at_most", wanted.at_most, 1.0),
            ):
                if bound is not None and value is not None:
                    excess = entry.to_scale(value) - entry.to_scale(bound)
                    found[f"{prop} {word} {bound:g} {entry.unit}"] = float(sign * excess)
        return found

    def _attributes(
        self, name: str, own: pd.DataFrame, values: Mapping[str, float | None]
    ) -> dict[str, Any]:
        row = self.frame.loc[name]
        found: dict[str, Any] = {
            "specimen": name,
            "status": str(row["status"]),
            "origin": str(self.origin[name]),
            "simulated": self.simulated,
        }
        if isinstance(row["round_id"], str):
            found["round"] = row["round_id"]
        found |= {key: row[key] for key in ("reason", "note") if row[key]}
        outside = [c for c, part in self.searched.items() if not is_searched(part, row[c])]
        if outside:
            found["outside_search_space"] = ", ".join(outside)
        unknown = [column for column in self.searched if pd.isna(row[column])]
        if unknown:
            found["unknown"] = ", ".join(unknown)
        missing = [prop for prop, value in values.items() if value is None]
        if missing:
            found["not_measured"] = ", ".join(missing)
        for prop in values:
            found |= self._of_property(name, own, prop)
        others = own.loc[~own["property"].isin(list(values))]
        if len(others):
            found["other_readings"] = "; ".join(
                f"{r['property']} {_reading(r)}" for r in others.to_dict("records")
            )
        return found

    def _of_property(self, name: str, own: pd.DataFrame, prop: str) -> dict[str, Any]:
        """Readings as given, their errors and remarks, and what is believed now."""
        found: dict[str, Any] = {}
        rows, used = own.loc[own["property"] == prop], self._at_hand(own, prop)
        if len(rows):
            found[f"{prop}_readings"] = "; ".join(map(_reading, rows.to_dict("records")))
            remarks = [text for text in rows["note"] if text]
            if remarks:
                found[f"{prop}_remarks"] = "; ".join(remarks)
        errors = used["se"].dropna()
        if len(errors):
            found[f"{prop}_standard_errors"] = "; ".join(f"{value:.3g}" for value in errors)
        if (used["lower"].isna() | used["upper"].isna()).any():
            found[f"{prop}_is_bound"] = True
        table = self.predictions.get(prop)
        if table is not None and name in table.index:
            believed = table.loc[name, ["mean", "lower", "upper"]].astype(float)
            # four digits are more than is known, and can be read
            found |= {
                f"{prop}_posterior_{part}": float(f"{value:.4g}")
                for part, value in believed.items()
            }
        return found


def pellet_specimens(
    config: CampaignConfig, knowledge: Knowledge, readings: pd.DataFrame, *, simulated: bool
) -> Specimens:
    """Pellets and what is known of them."""
    glasses, frame = config.glasses, knowledge.pellets
    whole = frame.loc[frame[list(GLASS_COLUMNS)].notna().all(axis=1)]
    return Specimens(
        frame=frame,
        origin=frame["origin"],
        failed=(frame["status"] == "failed") | (frame["jar_status"] == "failed"),
        searched={
            "x": glasses.x,
            "milling_time_h": glasses.milling_time_h,
            "milling_media": _owned(config),
            "milling_speed_rpm": glasses.milling_speed_rpm,
            "pressing_pressure_mpa": glasses.pressing_pressure_mpa,
        },
        objectives=glasses.objectives,
        readings=readings,
        predictions=knowledge.predict_pellets(whole) if len(whole) else {},
        temperature_c=config.temperature_c,
        simulated=simulated,
    )


def cell_specimens(
    config: CampaignConfig, knowledge: Knowledge, readings: pd.DataFrame, *, simulated: bool
) -> Specimens:
    """Cells and what is known of them."""
    cells, glasses, frame = config.cells, config.glasses, knowledge.cells
    whole = frame.loc[frame[list(CELL_COLUMNS)].notna().all(axis=1)]
    layer: dict[str, Part] = {
        "x": glasses.x,
        "milling_time_h": glasses.milling_time_h,
        "milling_media": _owned(config),
        "milling_speed_rpm": glasses.milling_speed_rpm,
    }
    is_lost = (frame["core_status"] == "failed") | (frame["skin_status"] == "failed")
    return Specimens(
        frame=frame,
        origin=frame["core_origin"],
        failed=(frame["status"] == "failed") | is_lost,
        searched={
            **{f"core_{name}": part for name, part in layer.items()},
            **{f"skin_{name}": part for name, part in layer.items()},
            **{name: getattr(cells, name) for name in CELL_COLUMNS if hasattr(cells, name)},
        },
        objectives=cells.objectives,
        readings=readings,
        predictions=knowledge.predict_cells(whole) if len(whole) else {},
        temperature_c=config.temperature_c,
        simulated=simulated,
    )


def _owned(config: CampaignConfig) -> list[str]:
    return [media for media, count in config.glasses.jars_owned.items() if count]


def _plain(value: Any) -> float | str:
    return value if isinstance(value, str) else float(value)


def _reading(row: Mapping[Any, Any]) -> str:
    """A reading as it was given, with what it was given at and by whom."""
    at = f" at {row['temperature_c']:g} °C" if pd.notna(row["temperature_c"]) else ""
    source = f" ({row['source']})" if row["source"] else ""
    aside = "" if row["fitted"] else ", not learned from"
    text = row["text"] or _bounds(row)
    return f"{text}{at}{source}{aside}"


def _bounds(row: Mapping[Any, Any]) -> str:
    """The value of a reading that was not entered as text."""
    low, high, entry = row["lower"], row["upper"], CATALOGUE.get(row["property"])
    unit = f" {entry.unit}" if entry else ""
    if pd.isna(low) or pd.isna(high):
        return f">{low:g}{unit}" if pd.isna(high) else f"<{high:g}{unit}"
    return f"{low:g}{unit}" if low == high else f"{low:g}..{high:g}{unit}"
