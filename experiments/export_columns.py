"""What the tables of an export hold: their columns, each with its unit and its meaning in words."""

from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["text", "number", "whole", "flag"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of an exported table.

    Attributes:
        name: As it stands in the header; the unit is its suffix.
        meaning: What it says, for people.
        unit: Of its numbers; ``column NAME`` where another column says it, empty if there is none.
        kind: What a cell holds.
    """

    name: str
    meaning: str
    unit: str = ""
    kind: Kind = "text"


def _number(name: str, unit: str, meaning: str) -> Column:
    return Column(name, meaning, unit, "number")


def _whole(name: str, meaning: str) -> Column:
    return Column(name, meaning, kind="whole")


def _flag(name: str, meaning: str) -> Column:
    return Column(name, meaning, kind="flag")


_OF_PROPERTY: Final = "column unit"
_OF_SCALE: Final = "column sd_unit"

_WHOSE: Final = (
    Column("campaign", "name of the campaign"),
    Column("campaign_id", "what tells two campaigns of one name apart"),
    _flag("simulated", "whether the campaign is simulated: its own values are then invented"),
)
_VERSIONS: Final = (
    Column("recorded_at", "when this version was written, UTC"),
    _whole("version", "number of this version in its table of the ledger"),
    _whole("supersedes", "version that this one replaced; empty for a first one"),
    _whole("superseded_by", "version that replaced this one; empty for the current one"),
    _flag("current", "whether this is what counts now: neither superseded nor withdrawn"),
)
_PROGRESS: Final = (
    Column("status", "how far it got: planned, made, failed or not_made"),
    Column("reason", "why it failed or was not made"),
    Column("note", "anything else, as written"),
    Column("operator", "who made it"),
)
_ROUND: Final = Column("round", "round that proposed it; empty if none did")
_MILLING: Final = (
    _number("x", "1", "oxygen per formula unit, Na3PS(4-x)O(x)"),
    _number("milling_time_h", "h", "net milling time"),
    Column("milling_media", "what balls and jar are made of"),
    _number("milling_speed_rpm", "rpm", "speed of the disc"),
)
_PRESSURE: Final = _number("pressing_pressure_mpa", "MPa", "pressure it was pressed with")
_CELL: Final = (
    Column("core", "jar of the core"),
    Column("skin", "jar of both skins"),
    _number("core_mass_mg", "mg", "powder of the core"),
    _number("skin_mass_mg", "mg", "powder of each skin"),
    _number("precompaction_pressure_mpa", "MPa", "pressure on the core before the skins go on"),
)
_TEST: Final = (
    _number("stack_pressure_mpa", "MPa", "pressure on the cell during the test"),
    _number("temperature_c", "°C", "temperature of the test"),
)
_VALUE: Final = (
    Column("property", "what was measured"),
    _number("value", _OF_PROPERTY, "the value; empty for a bound or a range"),
    _number("lower", _OF_PROPERTY, "lower bound; the value itself if exact, empty if open"),
    _number("upper", _OF_PROPERTY, "upper bound; the value itself if exact, empty if open"),
    Column("unit", "unit of value, lower, upper and se; 1 is dimensionless"),
    _number("se", _OF_PROPERTY, "standard error as stated; empty takes the usual one"),
)
_FROM_FILE: Final = (
    Column("text", "the value as it was entered"),
    Column("recorded_by", "who recorded it"),
    Column("file_sha256", "SHA-256 of the file it came from; see table files"),
    _flag("withdrawn", "whether this version takes the value back"),
)

COLUMNS: Final[dict[str, tuple[Column, ...]]] = {
    "jars": (
        Column("specimen", "id of the jar"),
        _ROUND,
        Column("origin", "where it comes from: paper, lab, simulated, history or stock"),
        *_MILLING,
        _number("na2s_mg", "mg", "Na2S weighed"),
        _number("p2s5_mg", "mg", "P2S5 weighed"),
        _number("p2o5_mg", "mg", "P2O5 weighed"),
        _number("assay_na2s", "1", "mass fraction of pure Na2S"),
        _number("assay_p2s5", "1", "mass fraction of pure P2S5"),
        _number("assay_p2o5", "1", "mass fraction of pure P2O5"),
        _number("batch_mass_g", "g", "powder put into the jar"),
        _number("recovered_mass_mg", "mg", "powder taken out of it; for stock, what there is"),
        _number("left_mg", "mg", "powder left now; only of current versions that are stock"),
        _flag("left_is_expected", "whether left_mg is what is expected, as nothing was weighed"),
        *_PROGRESS,
        *_VERSIONS,
        *_WHOSE,
    ),
    "pellets": (
        Column("specimen", "id of the pellet"),
        _ROUND,
        Column("jar", "jar it was pressed from"),
        _PRESSURE,
        _number("mass_mg", "mg", "powder taken"),
        _number("thickness_um", "µm", "thickness"),
        *_PROGRESS,
        *_VERSIONS,
        *_WHOSE,
    ),
    "cells": (
        Column("specimen", "id of the cell"),
        _ROUND,
        *_CELL,
        _PRESSURE,
        *_TEST,
        *_PROGRESS,
        *_VERSIONS,
        *_WHOSE,
    ),
    "readings": (
        Column("specimen", "jar, pellet or cell it was measured on"),
        _ROUND,
        *_VALUE,
        _whole("n", "measurements behind the value"),
        _number("temperature_c", "°C", "temperature of the measurement"),
        Column("method", "how it was measured"),
        Column("protocol", "test programme as JSON, its units in its names"),
        Column("source", "file it came from, or its id in the shipped data"),
        _flag("trained", "whether it may be learned from"),
        Column("derived_from", "readings it was computed from"),
        Column("note", "anything else, as written"),
        *_FROM_FILE,
        *_VERSIONS,
        *_WHOSE,
    ),
    "rounds": (
        Column("round", "id of the round"),
        _whole("number", "its number"),
        Column("state", "open or closed"),
        Column("opened_at", "when it was proposed, UTC"),
        Column("closed_at", "when it was closed, UTC"),
        _whole("seed", "seed of what was random in it"),
        _whole("glasses", "jars it proposed"),
        _whole("trilayers", "cells it proposed"),
        Column("frozen_sha256", "SHA-256 of its predictions as they stood when it was proposed"),
        Column("mlflow_run_id", "its run in MLflow; empty if MLflow was not told"),
        *_WHOSE,
    ),
    "proposals": (
        Column("round", "round that proposed it"),
        Column("specimen", "pellet or cell the prediction is of"),
        Column("jar", "jar of the pellet; empty for a cell"),
        Column("role", "its part in the batch"),
        Column("why", "why it was proposed"),
        Column("property", "what was predicted"),
        _number("mean", _OF_PROPERTY, "predicted centre; the median on a log scale"),
        _number("sd", _OF_SCALE, "standard deviation of the prediction"),
        Column("sd_unit", "unit of sd: dex (decades) on a log scale, else that of the property"),
        _number("lower", _OF_PROPERTY, "5 % quantile of the true value"),
        _number("upper", _OF_PROPERTY, "95 % quantile of the true value"),
        _number("reading_lower", _OF_PROPERTY, "5 % quantile of a new reading of a new jar"),
        _number("reading_upper", _OF_PROPERTY, "95 % quantile of a new reading of a new jar"),
        Column("unit", "unit of mean and bounds; 1 is dimensionless"),
        _number("success_probability", "1", "chance that jar and pellet, or cell, turn out sound"),
        *_MILLING,
        _PRESSURE,
        _number("mass_mg", "mg", "powder of the pellet"),
        *_CELL,
        *_TEST,
        _number("cost_h", "h", "hours it was counted with"),
        Column("model_sha256", "SHA-256 of the frozen model that predicted it"),
        Column("recorded_at", "when it was proposed, UTC"),
        *_WHOSE,
    ),
    "scores": (
        Column("round", "round that predicted the reading"),
        Column("specimen", "specimen it was measured on"),
        Column("property", "what was measured"),
        _number("predicted", _OF_PROPERTY, "centre predicted before it was measured"),
        _number("reading_lower", _OF_PROPERTY, "5 % quantile of a new reading, predicted"),
        _number("reading_upper", _OF_PROPERTY, "95 % quantile of a new reading, predicted"),
        _number("measured_lower", _OF_PROPERTY, "lower bound of what was measured"),
        _number("measured_upper", _OF_PROPERTY, "upper bound of what was measured"),
        Column("unit", "unit of predictions and measured bounds; 1 is dimensionless"),
        _number("error", _OF_SCALE, "measured minus predicted; empty for a bound"),
        Column("sd_unit", "unit of error and crps: dex (decades) on a log scale"),
        _number("z", "1", "error in standard deviations of a new reading"),
        _number("crps", _OF_SCALE, "continuous ranked probability score; smaller is better"),
        _number("log_score", "1", "log of the predicted density of what was measured"),
        _flag("inside_50", "whether it lies in the central 50 % predicted"),
        _flag("inside_90", "whether it lies in the central 90 % predicted"),
        _flag("censored", "whether the reading is a bound or a wide range"),
        *_WHOSE,
    ),
    "literature": (
        Column("source", "who made and measured it"),
        Column("doi", "where it can be looked up"),
        Column("specimen", "what the source calls it"),
        *_MILLING,
        _PRESSURE,
        *_VALUE,
        _number("temperature_c", "°C", "temperature of the measurement"),
        Column("note", "anything else, above all what was assumed"),
        *_FROM_FILE,
        *_VERSIONS,
        *_WHOSE,
    ),
    "notes": (
        Column("id", "id of the statement"),
        Column("text", "the statement; shown, and never a reading"),
        Column("source", "where it stands"),
        Column("specimen", "what it is about"),
        Column("property", "which property it is about"),
        Column("recorded_at", "when it was written down, UTC"),
        *_WHOSE,
    ),
    "files": (
        Column("sha256", "SHA-256 of the file"),
        Column("name", "its name"),
        Column("round", "round it belongs to, if one was named"),
        Column("counts", "what was in it, as JSON"),
        Column("recorded_at", "when it was taken in, UTC"),
        *_WHOSE,
    ),
    "columns": (
        Column("table", "which table"),
        Column("column", "which column of it"),
        Column("unit", "its unit, or the column that says it; 1 is dimensionless"),
        Column("meaning", "what it says"),
    ),
}
"""Every table of an export and its columns, in order."""
