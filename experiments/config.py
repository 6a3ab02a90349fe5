"""The campaign's configuration: what ``campaign.yaml`` may say, checked by pydantic."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    model_validator,
)

from experiments.complaint import got
from experiments.config_text import faults, read_yaml
from experiments.database_url import address_fault, has_password
from features.errors import CampaignError
from features.milling import MEDIA
from features.plausibility import check_field
from features.properties import CATALOGUE, Direction
from features.recipe import MAX_TEMPERATURE_WITH_SODIUM_C, ROUTE_LIMIT_X
from models.physics import PHYSICS
from models.settings import GPSettings


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _no_truth_for_a_number(cls, given: Any) -> Any:
        """Refuse ``yes`` for a number: it would be read as 1."""
        for name, field in cls.model_fields.items() if isinstance(given, Mapping) else ():
            value = given.get(name)
            if isinstance(value, bool) and field.annotation is not bool:
                raise ValueError(f"{name} must not be true or false, got {value}; give its value")
        return given


FINEST_STEP: Final = 1e-6
"""Of a searched parameter, in its unit."""


class Range(_Strict):
    """A free parameter: searched between ``low`` and ``high`` in steps of ``step``."""

    low: float
    high: float
    step: Annotated[float, Field(gt=0)]

    @model_validator(mode="after")
    def _ordered(self) -> "Range":
        if self.low >= self.high:
            raise ValueError(
                f"low must be below high, got low {self.low:g} and high {self.high:g}; swap them"
            )
        if self.step > self.high - self.low:
            raise ValueError(f"step {self.step:g} is wider than the range; make it smaller")
        if self.step < FINEST_STEP:
            raise ValueError(
                f"step {self.step:g} is finer than anything can be weighed or set; make it at "
                f"least {FINEST_STEP:g}"
            )
        return self

    @property
    def extremes(self) -> tuple[float, float]:
        """Lowest and highest value."""
        return self.low, self.high


def _shape(value: object) -> str:
    return "range" if isinstance(value, Mapping | Range) else "number"


Parameter = Annotated[
    Annotated[Range, Tag("range")] | Annotated[float, Tag("number")], Discriminator(_shape)
]
"""A number holds the parameter; a range frees it."""


def extremes(parameter: Parameter) -> tuple[float, float]:
    """Lowest and highest value a parameter takes; both the same when it is held."""
    return parameter.extremes if isinstance(parameter, Range) else (parameter, parameter)


class ObjectiveConfig(_Strict):
    """What is wanted of a property."""

    direction: Direction
    reference: float | None = None
    at_least: float | None = None
    at_most: float | None = None


class GlassConfig(_Strict):
    """Search space and objectives of the glasses (jars and their pellets)."""

    objectives: dict[str, ObjectiveConfig] = {
        "ionic_conductivity": ObjectiveConfig(direction="maximize", reference=1e-6),
        "youngs_modulus": ObjectiveConfig(direction="maximize", reference=10.0),
        "electronic_conductivity": ObjectiveConfig(direction="minimize", reference=1e-7),
    }
    x: Parameter = Range(low=0.0, high=0.60, step=0.01)
    milling_time_h: Parameter = Range(low=1.0, high=20.0, step=0.5)
    milling_speed_rpm: Parameter = 500.0
    jars_owned: dict[str, Annotated[int, Field(ge=0, le=1000, strict=True)]] = {
        "stainless_steel": 3,
        "zirconia": 2,
        "agate": 2,
    }
    pressing_pressure_mpa: Parameter = Range(low=75.0, high=500.0, step=25.0)
    pellet_mass_mg: Annotated[float, Field(gt=0)] = 150.0
    batch_mass_g: Annotated[float, Field(ge=0.1, le=50)] = 2.0

    @model_validator(mode="after")
    def _possible(self) -> "GlassConfig":
        low, high = extremes(self.x)
        if low < 0 or high > ROUTE_LIMIT_X:
            raise ValueError(
                f"x must stay between 0 and {ROUTE_LIMIT_X:g} (the P2S5/P2O5 route), "
                f"got {low:g} to {high:g}"
            )
        _check_media("jars_owned", self.jars_owned)
        if sum(self.jars_owned.values()) == 0:
            raise ValueError("jars_owned holds no jar at all; enter the jars you own")
        _check_objectives(self.objectives, "pellet")
        _check_fields(
            milling_time_h=self.milling_time_h,
            milling_speed_rpm=self.milling_speed_rpm,
            pressing_pressure_mpa=self.pressing_pressure_mpa,
            pellet_mass_mg=self.pellet_mass_mg,
        )
        return self


class CcdProtocolConfig(_Strict):
    """The programme of a critical current density test."""

    start_ma_cm2: Annotated[float, Field(gt=0)] = 0.05
    step_ma_cm2: Annotated[float, Field(gt=0)] = 0.05
    half_cycle_h: Annotated[float, Field(gt=0)] = 0.5
    end_ma_cm2: Annotated[float, Field(gt=0)] = 3.0


class CellConfig(_Strict):
    """Search space, context and objectives of the tri-layer cells."""

    objectives: dict[str, ObjectiveConfig] = {
        "critical_current_density": ObjectiveConfig(direction="maximize", reference=0.05),
        "area_specific_resistance": ObjectiveConfig(direction="minimize", reference=1500.0),
    }
    skin_mass_mg: Parameter = Range(low=15.0, high=40.0, step=1.0)
    core_mass_mg: Parameter = 150.0
    pressing_pressure_mpa: Parameter = Range(low=75.0, high=500.0, step=25.0)
    precompaction_pressure_mpa: Annotated[float, Field(gt=0)] = 75.0
    stack_pressure_mpa: Annotated[float, Field(ge=1, le=20)] = 7.0
    temperature_c: Annotated[float, Field(ge=-20, le=MAX_TEMPERATURE_WITH_SODIUM_C)] = 60.0
    ccd_protocol: CcdProtocolConfig = CcdProtocolConfig()

    @model_validator(mode="after")
    def _possible(self) -> "CellConfig":
        _check_objectives(self.objectives, "cell")
        _check_fields(
            skin_mass_mg=self.skin_mass_mg,
            core_mass_mg=self.core_mass_mg,
            pressing_pressure_mpa=self.pressing_pressure_mpa,
        )
        return self


def _check_objectives(objectives: dict[str, ObjectiveConfig], carrier: str) -> None:
    for name in objectives:
        if name not in CATALOGUE:
            raise ValueError(
                f"objective {name!r} is not in the property catalogue; known: "
                f"{', '.join(CATALOGUE)}"
            )
        if CATALOGUE[name].carrier != carrier or not CATALOGUE[name].modelled:
            raise ValueError(f"{name} cannot be an objective of a {carrier}; remove it")
        for key in ("reference", "at_least", "at_most"):
            bound = getattr(objectives[name], key)
            if bound is not None and bound <= 0:
                raise ValueError(f"{key} of {name} must be above zero, got {bound:g}; correct it")


def _check_fields(**parameters: Parameter) -> None:
    """Refuse what no laboratory can do, in the words used for a batch sheet."""
    for name, parameter in parameters.items():
        for value in extremes(parameter):
            verdict = check_field(name, value)
            if verdict.level == "reject":
                raise ValueError(f"{name}: {verdict.message}")


def _check_media(where: str, names: Iterable[str]) -> None:
    unknown = sorted(set(names) - set(MEDIA))
    if unknown:
        raise ValueError(
            f"{where} names unknown media {', '.join(unknown)}; known: {', '.join(MEDIA)}"
        )


class ControlConfig(_Strict):
    """The glass made again in every round, and the cell built of it."""

    x: float = 0.15
    milling_media: str = "stainless_steel"
    milling_time_h: float = 3.0
    pressing_pressure_mpa: float = 450.0
    skin_x: float = 0.60
    skin_mass_mg: float = 25.0

    @model_validator(mode="after")
    def _possible(self) -> "ControlConfig":
        _check_media("milling_media", [self.milling_media])
        _check_fields(
            x=self.x,
            milling_time_h=self.milling_time_h,
            pressing_pressure_mpa=self.pressing_pressure_mpa,
            skin_mass_mg=self.skin_mass_mg,
        )
        _check_fields(x=self.skin_x)
        return self


class BatchConfig(_Strict):
    """How many of what a round holds."""

    glasses: Annotated[int, Field(ge=1, le=24)] = 4
    trilayers: Annotated[int, Field(ge=0, le=24)] = 2
    controls: Annotated[int, Field(ge=0, le=1)] = 1
    replicates: Literal["auto", 0] = "auto"
    cell_weight: Annotated[float, Field(ge=0, le=100)] = 1.0


class EquipmentConfig(_Strict):
    """What the laboratory owns, as far as it limits a proposal."""

    die_diameter_mm: Annotated[float, Field(gt=0)] = 13.0
    die_rating_mpa: Annotated[float, Field(gt=0, le=1000)] = 500.0
    balance_mg: Annotated[float, Field(gt=0, le=10)] = 0.1
    expected_recovery: Annotated[float, Field(gt=0, le=1)] = 0.85
    ball_sets: dict[str, str] = {}

    @model_validator(mode="after")
    def _possible(self) -> "EquipmentConfig":
        _check_media("ball_sets", self.ball_sets)
        return self


class AssayConfig(_Strict):
    """Mass fraction of pure compound, from the certificate of the lot."""

    na2s: Annotated[float, Field(ge=0.8, le=1.0)] = 1.0
    p2s5: Annotated[float, Field(ge=0.8, le=1.0)] = 1.0
    p2o5: Annotated[float, Field(ge=0.8, le=1.0)] = 1.0


class AssumptionConfig(_Strict):
    """What the paper leaves open (domain notes A1 and A3). Changing one re-derives and refits."""

    paper_temperature_c: Literal[60, 25] = 60
    paper_skin_mass: Literal["per_side", "total"] = "per_side"


class LiteratureConfig(_Strict):
    """Whether values of the literature in the ledger are learned from, each source with a bias."""

    use: bool = False


class SurrogateConfig(_Strict):
    """How the process of one property is built; 'glassloop compare --tune' helps to choose."""

    features: Literal["descriptors", "raw"] = "descriptors"
    kernel: Literal["matern52", "matern32", "rbf"] = "matern52"
    lengthscale_median: Annotated[float, Field(gt=0, le=10)] = 0.6
    oxygen_scale: Annotated[float, Field(gt=0, le=10)] | None = None
    physics: bool = False


_Hours = Annotated[float, Field(gt=0)]


USUAL_HANDS_H: Final = 1.0
"""Of a measurement nobody said more of: to mount a pellet or a cell and to start (assigned)."""


class MeasurementCost(_Strict):
    """What a measurement takes.

    Attributes:
        hours: Counted as its price.
        delay_h: Until the value is there.
        hands_on_h: Of them, somebody's hands, an hour if it is not said; the rest runs alone,
            through the night too.
        channels: How many specimens can be measured at once.
    """

    hours: _Hours
    delay_h: _Hours
    hands_on_h: Annotated[float, Field(ge=0)] | None = None
    channels: Annotated[int, Field(ge=1, le=1000)] = 4

    @model_validator(mode="after")
    def _possible(self) -> "MeasurementCost":
        if self.hands_on_h is not None and self.hands_on_h > self.delay_h:
            raise ValueError(
                f"hands_on_h must be at most delay_h, got {self.hands_on_h:g} of "
                f"{self.delay_h:g} h; correct one of them"
            )
        return self

    @property
    def hands_h(self) -> float:
        """Hours of hands, never more than the value takes."""
        return min(self.delay_h, USUAL_HANDS_H) if self.hands_on_h is None else self.hands_on_h


class MeasurementCosts(_Strict):
    """What each measurement takes (all assigned, none of them measured).

    A polarisation runs overnight, when nobody waits for the channel: only hands are counted. A
    critical current blocks a channel for days, and all of it is.
    """

    ionic_conductivity: MeasurementCost = MeasurementCost(hours=4, delay_h=4)
    electronic_conductivity: MeasurementCost = MeasurementCost(hours=2, delay_h=16)
    youngs_modulus: MeasurementCost = MeasurementCost(hours=3, delay_h=3, hands_on_h=3, channels=1)
    relative_density: MeasurementCost = MeasurementCost(
        hours=0.5, delay_h=0.5, hands_on_h=0.3, channels=1
    )
    charge_transfer_resistance: MeasurementCost = MeasurementCost(hours=4, delay_h=4)
    critical_current_density: MeasurementCost = MeasurementCost(
        hours=72, delay_h=72, hands_on_h=2, channels=8
    )
    area_specific_resistance: MeasurementCost = MeasurementCost(hours=4, delay_h=4)


class CostConfig(_Strict):
    """Hours by which 'propose --measure' compares, that 'propose --budget' spends, and a clock."""

    glass_h: _Hours = 2.0
    cell_h: _Hours = 3.0
    hours_per_day: Annotated[float, Field(gt=0, le=24)] = 8.0
    days_per_week: Annotated[int, Field(ge=1, le=7)] = 5
    measurements: MeasurementCosts = MeasurementCosts()

    def of(self, property_id: str) -> MeasurementCost:
        """What a reading of a modelled property takes."""
        found: MeasurementCost = getattr(self.measurements, property_id)
        return found


class MlflowConfig(_Strict):
    """Where rounds are tracked; relative to the campaign's folder. The environment wins.

    With ``track`` false MLflow is told nothing, as in the campaigns of a study.
    """

    track: bool = True
    folder: str = "../mlruns"
    tracking_uri: str | None = None


_OF_CELLS: Final = "critical_current_density"
_WITH_PROCESS: Final = tuple(
    entry.id
    for entry in CATALOGUE.values()
    if entry.modelled and (entry.carrier == "pellet" or entry.id == _OF_CELLS)
)


def _database(url: str | None) -> str | None:
    """Refuse what is no shared database, and passwords: the file is read and copied by many."""
    if url is None:
        return None
    if has_password(url):
        raise ValueError(
            "database must hold no password; leave it out here, and give it in the environment "
            "(GLASSLOOP_DATABASE_URL or PGPASSWORD) or in ~/.pgpass"
        )
    if (fault := address_fault(url)) is not None:
        raise ValueError(f"database {fault}, or remove it to keep the ledger in a file")
    return url


MOST_SEED: Final = 2**31 - 1
"""Rounds keep the seed, and every database holds whole numbers up to here."""


def _one_line(name: str) -> str:
    if not name.isprintable():
        raise ValueError(f"must be one line without unseen characters, got {got(name)}; correct it")
    return name


class CampaignConfig(_Strict):
    """Everything ``campaign.yaml`` may say. Unknown keys are refused."""

    name: Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_one_line)]
    seed: Annotated[int, Field(ge=0, le=MOST_SEED)] = 0
    database: Annotated[str | None, AfterValidator(_database)] = None
    glasses: GlassConfig = GlassConfig()
    cells: CellConfig = CellConfig()
    control: ControlConfig = ControlConfig()
    batch: BatchConfig = BatchConfig()
    equipment: EquipmentConfig = EquipmentConfig()
    assays: AssayConfig = AssayConfig()
    assumptions: AssumptionConfig = AssumptionConfig()
    literature: LiteratureConfig = LiteratureConfig()
    surrogates: dict[str, SurrogateConfig] = {}
    costs: CostConfig = CostConfig()
    mlflow: MlflowConfig = MlflowConfig()

    @model_validator(mode="after")
    def _known_properties(self) -> "CampaignConfig":
        """Settings are for properties that have a process; that of cells has only physics."""
        for name, settings in self.surrogates.items():
            if name not in _WITH_PROCESS:
                raise ValueError(
                    f"surrogates.{name}: the property must be one of {', '.join(_WITH_PROCESS)}, "
                    f"got {name!r}; use one of these ids"
                )
            if settings.physics and name not in (*PHYSICS, _OF_CELLS):
                raise ValueError(
                    f"surrogates.{name}: physics must be one of a property with a law "
                    f"({', '.join((*PHYSICS, _OF_CELLS))}), got {name}; remove physics"
                )
            only_physics = SurrogateConfig(physics=settings.physics)
            if name == _OF_CELLS and settings != only_physics:
                raise ValueError(
                    f"surrogates.{name}: only physics can be set, got more; the process of cells "
                    "works on descriptors of its own, remove the other keys"
                )
        return self

    @model_validator(mode="after")
    def _within_rating(self) -> "CampaignConfig":
        """The search minds the die's rating by itself; this pressure is not searched."""
        rating, pressure = self.equipment.die_rating_mpa, self.cells.precompaction_pressure_mpa
        if pressure > rating:
            raise ValueError(
                f"cells.precompaction_pressure_mpa: {pressure:g} MPa is above "
                f"equipment.die_rating_mpa {rating:g}; lower the one or raise the other"
            )
        return self

    def settings_of(self, property_id: str) -> GPSettings:
        """How the process of a property is built."""
        chosen = self.surrogates.get(property_id, SurrogateConfig())
        return GPSettings(**chosen.model_dump())

    @property
    def temperature_c(self) -> float:
        """Reference temperature of predictions; readings within 2 °C of it are scored."""
        return self.cells.temperature_c


TEMPERATURE_TOLERANCE_C = 2.0
"""Readings this near to the campaign's temperature are scored; those at others are learned from."""

CONFIG_NAME = "campaign.yaml"
SCHEMA_NAME = "campaign.schema.json"

_HEAD = f"""\
# yaml-language-server: $schema={SCHEMA_NAME}
# A number holds a parameter; low, high and step free it. Units are in the names.
# jars_owned: jars of each medium that can go into one mill run.
# assumptions: what the paper leaves open; change one and everything is derived and fitted again.
# surrogates: by property, how its process is built; see docs/configuration.md.
# costs: hours of hands or instrument for 'propose --measure' and '--budget'; enter yours.
# literature: use true learns from the values given to 'glassloop record --literature' too.
"""


def read_config(path: Path) -> CampaignConfig:
    """The configuration in a YAML file.

    Args:
        path: The file, usually ``campaign.yaml``.

    Returns:
        The checked configuration.

    Raises:
        CampaignError: If the file is missing, is no YAML, or holds an unknown key or an
            impossible value; all faults are named at once.
    """
    return checked_config(read_yaml(path), str(path))


def checked_config(given: Any, place: str) -> CampaignConfig:
    """The configuration in plain data.

    Args:
        given: What a file or a command says.
        place: Where it stands, for messages.

    Raises:
        CampaignError: If there is an unknown key or an impossible value; all faults are named at
            once.
    """
    try:
        return CampaignConfig.model_validate(given)
    except ValidationError as error:
        sentences = faults(error, _keys(), SCHEMA_NAME)
        raise CampaignError(f"{place}: " + "; ".join(sentences)) from error


def _keys() -> list[str]:
    """Every key that may stand anywhere in the file."""
    schema = CampaignConfig.model_json_schema()
    return [key for part in (schema, *schema["$defs"].values()) for key in part["properties"]]


def write_config(config: CampaignConfig, folder: Path) -> None:
    """Write ``campaign.yaml`` and the JSON schema editors check it with.

    Args:
        config: What to write.
        folder: The campaign's folder; must exist.
    """
    body = yaml.safe_dump(config.model_dump(exclude_none=True), sort_keys=False, allow_unicode=True)
    (folder / CONFIG_NAME).write_text(_HEAD + body, encoding="utf-8")
    schema = json.dumps(CampaignConfig.model_json_schema(), indent=1)
    (folder / SCHEMA_NAME).write_text(schema + "\n", encoding="utf-8")
