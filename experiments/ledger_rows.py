"""What goes into the ledger and comes out of it: frozen rows, one class a kind of fact.

A row holds what people know. What the ledger adds itself (time of recording, version, what a
version supersedes) is in its tables only.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal, get_args

Kind = Literal["real", "simulated"]
Origin = Literal["paper", "lab", "simulated", "history", "stock"]
Status = Literal["planned", "made", "failed", "not_made"]
RoundEvent = Literal["opened", "tracked", "recorded", "scored", "closed"]
DraftState = Literal["open", "accepted", "discarded"]

KINDS: Final[tuple[str, ...]] = get_args(Kind)
ORIGINS: Final[tuple[str, ...]] = get_args(Origin)
STATUSES: Final[tuple[str, ...]] = get_args(Status)
ROUND_EVENTS: Final[tuple[str, ...]] = get_args(RoundEvent)
DRAFT_STATES: Final[tuple[str, ...]] = get_args(DraftState)


@dataclass(frozen=True, slots=True, kw_only=True)
class JarRow:
    """One jar of powder: a glass, made or planned.

    Attributes:
        id: Specimen id, such as ``R01-G1``.
        origin: Where it comes from; ``stock`` is a material a user entered as stock.
        x: Oxygen per formula unit, dimensionless; unknown only for stock, as are all of milling.
        milling_time_h: Net milling time, h.
        milling_media: Id of the medium.
        milling_speed_rpm: Speed of the disc, rpm.
        round_id: The round that proposed it; fixed once added.
        na2s_mg: Na2S weighed, mg.
        p2s5_mg: P2S5 weighed, mg.
        p2o5_mg: P2O5 weighed, mg.
        assay_na2s: Mass fraction of pure Na2S, dimensionless.
        assay_p2s5: Mass fraction of pure P2S5, dimensionless.
        assay_p2o5: Mass fraction of pure P2O5, dimensionless.
        batch_mass_g: Powder put into the jar, g.
        recovered_mass_mg: Powder taken out of it (for stock: what there is), mg.
        status: How far it got.
        reason: Why it failed or was not made.
        note: Anything else.
        operator: Who made it.
    """

    kind: ClassVar = "jar"
    id: str
    origin: Origin
    x: float | None
    milling_time_h: float | None
    milling_media: str | None
    milling_speed_rpm: float | None
    round_id: str | None = None
    na2s_mg: float | None = None
    p2s5_mg: float | None = None
    p2o5_mg: float | None = None
    assay_na2s: float | None = None
    assay_p2s5: float | None = None
    assay_p2o5: float | None = None
    batch_mass_g: float | None = None
    recovered_mass_mg: float | None = None
    status: Status = "made"
    reason: str = ""
    note: str = ""
    operator: str = ""

    @property
    def parents(self) -> tuple[str, ...]:
        """Jars it was made from: none."""
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PelletRow:
    """A pellet pressed from one jar.

    Attributes:
        id: Specimen id, such as ``R01-G1-P1``.
        jar: The jar it was pressed from.
        pressing_pressure_mpa: Uniaxial pressure, MPa; ``None`` when it failed before pressing,
            so that the powder is still in the jar.
        mass_mg: Powder taken, mg; ``None`` when unknown.
        round_id: The round that proposed it; fixed once added.
        thickness_um: Thickness, µm.
        status: How far it got.
        reason: Why it failed or was not made.
        note: Anything else.
        operator: Who made it.
    """

    kind: ClassVar = "pellet"
    id: str
    jar: str
    pressing_pressure_mpa: float | None
    mass_mg: float | None = None
    round_id: str | None = None
    thickness_um: float | None = None
    status: Status = "made"
    reason: str = ""
    note: str = ""
    operator: str = ""

    @property
    def parents(self) -> tuple[str, ...]:
        """Jars it was made from."""
        return (self.jar,)


@dataclass(frozen=True, slots=True, kw_only=True)
class CellRow:
    """A tri-layer cell: skin, core and skin, pressed together.

    Attributes:
        id: Specimen id, such as ``R01-C1``.
        core: Jar of the core.
        skin: Jar of both skins.
        core_mass_mg: Powder of the core, mg.
        skin_mass_mg: Powder of each skin, mg.
        precompaction_pressure_mpa: Pressure on the core before the skins go on, MPa.
        pressing_pressure_mpa: Co-press pressure, MPa; ``None`` when it failed before pressing.
        stack_pressure_mpa: Pressure on the cell during the test, MPa.
        temperature_c: Test temperature, °C.
        round_id: The round that proposed it; fixed once added.
        status: How far it got.
        reason: Why it failed or was not made.
        note: Anything else.
        operator: Who made it.
    """

    kind: ClassVar = "cell"
    id: str
    core: str
    skin: str
    core_mass_mg: float
    skin_mass_mg: float
    precompaction_pressure_mpa: float
    pressing_pressure_mpa: float | None
    stack_pressure_mpa: float
    temperature_c: float
    round_id: str | None = None
    status: Status = "made"
    reason: str = ""
    note: str = ""
    operator: str = ""

    @property
    def parents(self) -> tuple[str, ...]:
        """Jars it was made from."""
        return (self.core, self.skin)


SpecimenRow = JarRow | PelletRow | CellRow


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingRow:
    """One measured value of one property of one specimen.

    Attributes:
        specimen: Id of the jar, pellet or cell it was measured on.
        property: Catalogue id, or a name of its own for what is recorded only.
        lower: Lower bound in the catalogue's unit; ``None`` when open, equal to ``upper`` when
            exact.
        upper: Upper bound; ``None`` when open.
        se: Standard error of the stated value, physical unit; ``None`` takes the default.
        n: Measurements behind the value, dimensionless.
        temperature_c: Temperature of the measurement, °C.
        method: How it was measured.
        protocol: JSON text of a test protocol, such as that of a CCD.
        source: Seed id or name of the file it came from.
        trained: Whether it may enter a fit.
        derived_from: Ids of the readings it was computed from.
        note: Anything else.
        text: The value as entered.
        recorded_by: Who recorded it.
        file_sha256: Hash of the file it came from; add that file first.
        withdrawn: Whether this version takes the reading back.
    """

    specimen: str
    property: str
    lower: float | None
    upper: float | None
    se: float | None = None
    n: int = 1
    temperature_c: float | None = None
    method: str = ""
    protocol: str | None = None
    source: str = ""
    trained: bool = True
    derived_from: str = ""
    note: str = ""
    text: str = ""
    recorded_by: str = ""
    file_sha256: str | None = None
    withdrawn: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LiteratureRow:
    """One value of one glass of somebody else's, with the recipe it was made by.

    It is no specimen of this ledger: nothing can be pressed from it and no reading taken on it.

    Attributes:
        source: Who made it, such as ``Tsuji 2021``; readings of one source share a bias.
        specimen: What the source calls it.
        x: Oxygen per formula unit, dimensionless.
        milling_time_h: Net milling time, h.
        milling_media: Id of the medium.
        milling_speed_rpm: Speed of the disc, rpm.
        pressing_pressure_mpa: Uniaxial pressure, MPa.
        property: Catalogue id of a property of pellets.
        lower: Lower bound in the catalogue's unit; ``None`` when open, equal to ``upper`` when
            exact.
        upper: Upper bound; ``None`` when open.
        se: Standard error of the stated value, physical unit; ``None`` when not stated.
        temperature_c: Temperature of the measurement, °C.
        doi: Where it can be looked up.
        note: Anything else, above all what was assumed.
        text: The value as entered.
        recorded_by: Who recorded it.
        file_sha256: Hash of the file it came from; add that file first.
        withdrawn: Whether this version takes the value back.
    """

    source: str
    specimen: str
    x: float
    milling_time_h: float
    milling_media: str
    milling_speed_rpm: float
    pressing_pressure_mpa: float
    property: str
    lower: float | None
    upper: float | None
    se: float | None = None
    temperature_c: float | None = None
    doi: str = ""
    note: str = ""
    text: str = ""
    recorded_by: str = ""
    file_sha256: str | None = None
    withdrawn: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalRow:
    """A proposed specimen and its prediction, frozen as they stood.

    Attributes:
        round_id: The round.
        specimen: Id of the planned specimen; add that first.
        kind: What it is, such as ``glass`` or ``trilayer``.
        recipe: The recipe, plain JSON.
        prediction: Property to its predicted numbers, plain JSON.
        model_sha256: The frozen model that predicted it; add that first.
        role: Its part in the batch.
        why: One sentence for the lab.
    """

    round_id: str
    specimen: str
    kind: str
    recipe: Mapping[str, Any]
    prediction: Mapping[str, Any]
    model_sha256: str
    role: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteRow:
    """A ratio or an order statement: shown, never a reading.

    Attributes:
        id: Id of the statement, such as ``S07``.
        text: The statement.
        source: Where it stands.
        specimen: What it is about, in words or as an id.
        property: Which property it is about.
    """

    id: str
    text: str
    source: str = ""
    specimen: str = ""
    property: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRow:
    """A message for the tracking server, written in the transaction it tells of.

    Attributes:
        kind: What kind of message.
        payload: The message, plain JSON.
        round_id: The round it is about.
    """

    kind: str
    payload: Mapping[str, Any]
    round_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftRow:
    """One version of a proposal under discussion.

    Attributes:
        draft: Its id, such as ``D01``.
        version: From 1; an edit is the next one.
        state: ``open`` until somebody accepts or discards it.
        body: What it holds, plain JSON.
        person: Who wrote this version.
    """

    draft: str
    version: int
    state: DraftState
    body: Mapping[str, Any]
    person: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRow:
    """What was answered to a request that may be sent again.

    Attributes:
        person: Who sent it; keys of two people never meet.
        key: The idempotency key.
        fingerprint: Hash of what was asked, so that a key used for something else is noticed.
        answer: What was answered, plain JSON.
    """

    person: str
    key: str
    fingerprint: str
    answer: Mapping[str, Any]
