"""What the API takes and gives, with units and bounds. Property ids are the catalogue's."""

from math import isfinite
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from experiments.table_limits import MAX_CELL

Name = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,59}$", description="Name of the campaign."),
]


def _value(value: Any) -> str | float | int:
    """Text or a number, one complaint if it is neither; a union would make one for each kind."""
    if isinstance(value, str):
        if len(value) > MAX_CELL:
            raise PydanticCustomError("cell", f"Must have at most {MAX_CELL:,} characters")
        if any("\ud800" <= letter <= "\udfff" for letter in value):
            raise PydanticCustomError("cell", "Must be text that can be written as UTF-8")
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise PydanticCustomError("cell", "Must be text or a number")
    if isinstance(value, float) and not isfinite(value):
        raise PydanticCustomError("cell", "Must be a finite number")
    return value


def _cell(value: Any) -> str | float | int | None:
    return None if value is None else _value(value)


_TEXT_OR_NUMBER = [{"type": "string", "maxLength": MAX_CELL}, {"type": "number"}]

Value = Annotated[Any, PlainValidator(_value), WithJsonSchema({"anyOf": _TEXT_OR_NUMBER})]
"""Text or a number."""

Cell = Annotated[
    Any, PlainValidator(_cell), WithJsonSchema({"anyOf": [*_TEXT_OR_NUMBER, {"type": "null"}]})
]
"""A cell as typed: text or number; null and absent are blank."""


def _whole(value: Any) -> Any:
    """A whole number that came as ``3.0``: some programs know no other numbers."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Whole = Annotated[int, BeforeValidator(_whole)]


class _Strict(BaseModel):
    """Taken as it is described: no field that is not named, no ``true`` or ``"3"`` for a number."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, strict=True)


class Me(BaseModel):
    """Who asks."""

    name: str
    role: Literal["read", "record", "admin"]


class CampaignBrief(BaseModel):
    """A campaign in a list."""

    name: str
    kind: Literal["real", "simulated"] | None = Field(description="null if it cannot be opened.")
    problem: str = Field(default="", description="Why it cannot be opened.")


class CampaignList(BaseModel):
    """Campaigns of this server."""

    items: list[CampaignBrief]


class NewCampaign(_Strict):
    """A campaign to be made."""

    name: Name
    empty: bool = Field(default=False, description="Leave the paper's data out.")


class CampaignFacts(BaseModel):
    """A campaign by what its ledger holds; nothing is fitted for it."""

    name: str
    campaign: str = Field(description="As campaign.yaml calls it.")
    id: str
    kind: Literal["real", "simulated"]
    temperature_c: float
    ccd_protocol: dict[str, float] = Field(
        description="Programme of a critical current: mA/cm2 and h; goes with its reading."
    )
    open_rounds: list[str]
    open_draft: str | None
    specimens: dict[str, int] = Field(description="By kind: jar, pellet, cell.")
    readings: dict[str, int] = Field(description="By property.")
    objectives: dict[str, dict[str, Any]]


class JobOut(BaseModel):
    """Something long, and how far it is."""

    id: str
    kind: str
    campaign: str
    person: str
    state: Literal["queued", "running", "done", "failed", "cancelled"]
    progress: float = Field(ge=0, le=1)
    words: str
    result: Any = None
    error: str | None = None
    created_at: str
    finished_at: str | None = None


class ProposalIn(_Strict):
    """What is to be proposed; numbers left out are the campaign's."""

    glasses: Whole | None = Field(default=None, ge=1, le=50, description="Jars of the mill run.")
    trilayers: Whole | None = Field(default=None, ge=0, le=50, description="Tri-layer cells.")
    budget_h: float | None = Field(default=None, gt=0, le=1e5, description="Hours it may cost, h.")
    accept: bool = Field(
        False, description="Open the round at once, as a robot does; otherwise it is a draft."
    )


class RowEdit(_Strict):
    """A change of a draft; see the page on the API for what may be set."""

    row: str | None = Field(
        default=None, max_length=20, description="Key of a row, such as G2 or C1."
    )
    set: dict[str, Value] | None = Field(default=None, description="Fields to new values.")
    drop: bool | None = Field(default=None, description="Leave the row out, or take it back.")
    restore: bool | None = Field(default=None, description="As it was proposed.")
    run: dict[str, float] | None = Field(
        default=None, description="Of the mill run: time and speed."
    )
    add: dict[str, Value] | None = Field(default=None, description="One more glass.")


class DraftEdit(_Strict):
    """Changes of a version of a draft; refused when somebody else made another one."""

    version: Whole = Field(ge=1, description="The version that was looked at.")
    edits: list[RowEdit] = Field(min_length=1, max_length=100)


class DraftVersion(_Strict):
    """Which version is meant; refused when it is not the newest."""

    version: Whole = Field(ge=1)


class DraftOut(BaseModel):
    """A proposal under discussion."""

    model_config = ConfigDict(extra="allow")
    id: str
    version: int
    state: Literal["open", "accepted", "discarded"]
    person: str
    recorded_at: str


class DraftBrief(BaseModel):
    """A draft in a list."""

    id: str
    version: int
    state: Literal["open", "accepted", "discarded"]
    person: str
    recorded_at: str


class DraftList(BaseModel):
    """Drafts, newest first."""

    items: list[DraftBrief]
    next: str | None = Field(description="Where the next page begins; null on the last.")


class RoundBrief(BaseModel):
    """A round in a list."""

    id: str
    number: int
    state: Literal["open", "closed"]
    opened_at: str
    closed_at: str | None
    waits_for: list[str]


class RoundList(BaseModel):
    """Rounds, oldest first."""

    items: list[RoundBrief]
    next: str | None


class RoundOut(BaseModel):
    """A round as it was proposed; predictions are frozen."""

    model_config = ConfigDict(extra="allow")
    round: str
    glasses: list[dict[str, Any]]
    trilayers: list[dict[str, Any]]
    simulated: bool


class SpecimenIn(_Strict):
    """What became of a specimen: a row of made.csv. Blank fields stay as they were planned."""

    specimen: str = Field(max_length=100)
    kind: Literal["jar", "pellet", "cell"]
    status: Literal["made", "failed", "not_made"]
    reason: Cell = None
    x: Cell = None
    na2s_mg: Cell = None
    p2s5_mg: Cell = None
    p2o5_mg: Cell = None
    assay_na2s: Cell = None
    assay_p2s5: Cell = None
    assay_p2o5: Cell = None
    milling_media: Cell = None
    milling_time_h: Cell = None
    milling_speed_rpm: Cell = None
    recovered_mass_mg: Cell = None
    jar: Cell = None
    pressing_pressure_mpa: Cell = None
    mass_mg: Cell = None
    thickness_um: Cell = None
    core: Cell = None
    skin: Cell = None
    core_mass_mg: Cell = None
    skin_mass_mg: Cell = None
    precompaction_pressure_mpa: Cell = None
    stack_pressure_mpa: Cell = None
    temperature_c: Cell = None
    operator: Cell = None
    note: Cell = None
    replaces: Whole | None = Field(
        None, ge=0, le=2**53, description="version_id that was looked at; refused if it changed."
    )


class ReadingIn(_Strict):
    """A measured value: a row of results.csv."""

    specimen: str = Field(max_length=100)
    property: str = Field(max_length=100, description="Catalogue id.")
    value: Cell = Field(
        description="Number, or text such as '<1e-10', '>3.0', '2.30..2.35', 'not_measured'."
    )
    unit: Cell = None
    sd: Cell = None
    se: Cell = None
    n: Cell = None
    temperature_c: Cell = None
    method: Cell = None
    start_ma_cm2: Cell = None
    step_ma_cm2: Cell = None
    half_cycle_h: Cell = None
    end_ma_cm2: Cell = None
    stack_pressure_mpa: Cell = None
    note: Cell = None
    replaces: Whole | None = Field(
        None, ge=0, le=2**53, description="version_id that was looked at, 0 for none; refused if "
        "somebody recorded another value since."
    )  # fmt: skip


Rows = Annotated[int, Field(ge=0)]


class SpecimensIn(_Strict):
    """Rows that are taken together or not at all."""

    rows: list[SpecimenIn] = Field(min_length=1, max_length=2000)


class ReadingsIn(_Strict):
    """Rows that are taken together or not at all."""

    rows: list[ReadingIn] = Field(min_length=1, max_length=2000)


class RecordIn(_Strict):
    """What was made and what was measured on it, taken together or not at all."""

    specimens: list[SpecimenIn] = Field(default=[], max_length=2000)
    readings: list[ReadingIn] = Field(default=[], max_length=2000)


class RecordOut(BaseModel):
    """What recording did."""

    specimens: Rows = Field(description="Specimens added or changed.")
    readings_added: Rows
    readings_corrected: Rows
    unchanged: Rows = Field(description="Rows the ledger held already.")
    rounds: list[str]
    warnings: list[str] = Field(description="What is unusual, one sentence each.")
    settle_job: str | None = Field(description="Job that scores the round.")


class SpecimenOut(BaseModel):
    """A specimen as it is now."""

    model_config = ConfigDict(extra="allow")
    specimen: str
    kind: Literal["jar", "pellet", "cell"]
    version_id: int
    status: Literal["planned", "made", "failed", "not_made"]
    round_id: str | None


class SpecimenList(BaseModel):
    """Specimens, oldest first."""

    items: list[SpecimenOut]
    next: str | None


class ReadingOut(BaseModel):
    """A reading as it is now; an open bound is null."""

    model_config = ConfigDict(extra="allow")
    version_id: int
    specimen: str
    property: str
    lower: float | None
    upper: float | None
    unit: str
    se: float | None
    n: int
    temperature_c: float | None
    recorded_by: str
    recorded_at: str


class ReadingList(BaseModel):
    """Readings, oldest first."""

    items: list[ReadingOut]
    next: str | None


class ChangeOut(BaseModel):
    """One transaction: who, when, by which door, what."""

    id: int
    at: str
    person: str
    door: str
    what: list[dict[str, Any]]


class ChangeList(BaseModel):
    """Changes, newest first."""

    items: list[ChangeOut]
    next: str | None


class RecipeIn(_Strict):
    """A glass and its pressing."""

    x: float = Field(ge=0, le=2.5, description="Oxygen per formula unit.")
    milling_time_h: float = Field(default=3.0, gt=0, le=1000, description="Net, h.")
    milling_media: str = Field(default="stainless_steel", max_length=40)
    milling_speed_rpm: float = Field(default=500.0, gt=0, le=5000)
    pressing_pressure_mpa: float = Field(default=450.0, gt=0, le=5000)


class PredictionsIn(_Strict):
    """Recipes to be predicted."""

    recipes: list[RecipeIn] = Field(min_length=1, max_length=500)


class Prediction(BaseModel):
    """What is expected of a property: the true value (90 %) and a new reading (90 %)."""

    model_config = ConfigDict(extra="allow")
    mean: float | None
    sd: float | None
    lower: float | None
    upper: float | None
    unit: str
    sd_unit: str


class Predicted(BaseModel):
    """What is expected of a recipe."""

    recipe: dict[str, Any]
    predictions: dict[str, Prediction]
    success: dict[str, float]


class PredictionsOut(BaseModel):
    """Predictions in the order asked."""

    simulated: bool
    items: list[Predicted]


class ComparisonIn(_Strict):
    """What is to be compared; all when left out."""

    properties: list[Annotated[str, Field(max_length=60)]] = Field(default=[], max_length=20)
    surrogates: list[Annotated[str, Field(max_length=60)]] = Field(default=[], max_length=20)


class PersonOut(BaseModel):
    """Somebody with a token; the token itself is nowhere."""

    model_config = ConfigDict(extra="allow")
    id: str
    name: str
    role: Literal["read", "record", "admin"]
    state: str


class PersonList(BaseModel):
    """Who has access."""

    items: list[PersonOut]
