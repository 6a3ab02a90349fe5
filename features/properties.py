"""The property catalogue: what is measured, in which unit, and on which scale it is modelled."""

from dataclasses import dataclass
from math import hypot
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from features.errors import ReadingError

Direction = Literal["maximize", "minimize"]
Scale = Literal["linear", "log10"]
Carrier = Literal["pellet", "cell"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """One measurable property.

    ``default_se``, ``scatter_sd`` and the prior are in units of the scale the surrogate works
    on: decades for ``log10``, the property's own unit for ``linear``.

    Attributes:
        id: Name used in files and tables.
        label: Name printed for people.
        unit: The unit everything is stored in.
        scale: Scale of the surrogate.
        direction: What is better; ``None`` when it is not an objective.
        carrier: Kind of specimen that carries it.
        modelled: Whether a surrogate is fitted to it.
        default_se: Standard error of a reading that states none (assigned; domain notes 6.6).
        scatter_sd: Usual spread between jars and pellets of one recipe (assigned; 7.6).
        prior_centre: Centre of the prior with no data at all.
        prior_sd: Its standard deviation.
        typical: Where values usually lie, physical units.
        warn: Outside this a reading is questioned.
        reject: Outside this a reading is refused.
        activation_kj_mol: Prior centre and standard deviation of the activation energy: how fast
            it grows with temperature, kJ/mol, negative if it falls; ``None`` if it has no such
            law (ionic: the prior of ``activation_energy``; others assigned, wide).
        reference: Worst value that still counts in the hypervolume (domain notes 7.6).
        plausible_best: Value the hypervolume is normalised by, physical units.
        hint: The usual slip, as a question put to the user.
    """

    id: str
    label: str
    unit: str
    scale: Scale
    direction: Direction | None
    carrier: Carrier
    modelled: bool
    default_se: float
    scatter_sd: float
    prior_centre: float
    prior_sd: float
    typical: tuple[float, float]
    warn: tuple[float, float]
    reject: tuple[float, float]
    activation_kj_mol: tuple[float, float] | None = None
    reference: float | None = None
    plausible_best: float | None = None
    hint: str = ""

    @property
    def noise_sd(self) -> float:
        """Spread of a new reading on a new jar around the truth, on the scale."""
        return hypot(self.default_se, self.scatter_sd)

    @property
    def sd_unit(self) -> str:
        """Unit of a standard deviation: ``dex`` on a log scale, else the property's own."""
        return "dex" if self.scale == "log10" else self.unit

    def to_scale(self, value: ArrayLike) -> NDArray[np.float64]:
        """Physical values to the surrogate's scale, elementwise.

        Args:
            value: Any shape, in ``unit``; 0 becomes minus infinity on a log scale.

        Returns:
            Same shape, float.

        Examples:
            >>> float(CATALOGUE["ionic_conductivity"].to_scale(1e-4))
            -4.0
        """
        array = np.asarray(value, dtype=float)
        if self.scale == "linear":
            return array
        with np.errstate(divide="ignore"):
            return np.asarray(np.log10(array), dtype=float)

    def from_scale(self, value: ArrayLike) -> NDArray[np.float64]:
        """Values on the surrogate's scale back to physical units, elementwise.

        Args:
            value: Any shape.

        Returns:
            Same shape, in ``unit``.
        """
        array = np.asarray(value, dtype=float)
        return array if self.scale == "linear" else np.asarray(10.0**array, dtype=float)


CATALOGUE: Final[dict[str, Property]] = {
    entry.id: entry
    for entry in (
        Property(
            id="ionic_conductivity",
            label="ionic conductivity",
            unit="S/cm",
            scale="log10",
            direction="maximize",
            carrier="pellet",
            modelled=True,
            default_se=0.02,
            scatter_sd=0.06,
            prior_centre=-4.8,
            prior_sd=1.1,
            typical=(1e-6, 1e-3),
            warn=(1e-7, 3e-3),
            reject=(1e-9, 3.5e-2),
            activation_kj_mol=(45.0, 10.0),
            reference=1e-6,
            plausible_best=3e-3,
            hint="is above any known sodium sulfide; did you mean mS/cm?",
        ),
        Property(
            id="youngs_modulus",
            label="Young's modulus",
            unit="GPa",
            scale="linear",
            direction="maximize",
            carrier="pellet",
            modelled=True,
            default_se=0.25,
            scatter_sd=0.8,
            prior_centre=19.0,
            prior_sd=5.6,
            typical=(12, 24),
            warn=(8, 30),
            reject=(2, 120),
            reference=10.0,
            plausible_best=30.0,
            hint="is not a modulus of such a glass; did you mean MPa?",
        ),
        Property(
            id="electronic_conductivity",
            label="electronic conductivity",
            unit="S/cm",
            scale="log10",
            direction="minimize",
            carrier="pellet",
            modelled=True,
            default_se=0.07,
            scatter_sd=0.15,
            prior_centre=-9.0,
            prior_sd=1.5,
            typical=(1e-10, 1e-8),
            warn=(1e-12, 1e-6),
            reject=(1e-15, 1e-4),
            activation_kj_mol=(50.0, 20.0),
            reference=1e-7,
            plausible_best=1e-12,
            hint="is too high for a separator; was the blocking electrode in place?",
        ),
        Property(
            id="relative_density",
            label="relative density",
            unit="1",
            scale="linear",
            direction=None,
            carrier="pellet",
            modelled=True,
            default_se=0.012,
            scatter_sd=0.01,
            prior_centre=0.81,
            prior_sd=0.105,
            typical=(0.70, 1.00),
            warn=(0.60, 1.02),
            reject=(0.40, 1.10),
            hint="is a fraction of 1; did you mean percent?",
        ),
        Property(
            id="charge_transfer_resistance",
            label="charge transfer resistance",
            unit="ohm cm2",
            scale="log10",
            direction=None,
            carrier="pellet",
            modelled=True,
            default_se=0.05,
            scatter_sd=0.12,
            prior_centre=1.5,
            prior_sd=0.75,
            typical=(5, 200),
            warn=(1, 1000),
            reject=(0.1, 1e5),
            activation_kj_mol=(-50.0, 20.0),
            hint="is per interface and area; did you forget to multiply by the area?",
        ),
        Property(
            id="critical_current_density",
            label="critical current density",
            unit="mA/cm2",
            scale="log10",
            direction="maximize",
            carrier="cell",
            modelled=True,
            default_se=0.01,
            scatter_sd=0.10,
            prior_centre=-0.26,
            prior_sd=0.53,
            typical=(0.1, 3),
            warn=(0.05, 6),
            reject=(0.005, 30),
            reference=0.05,
            plausible_best=6.0,
            hint="is per area; did you enter mA for the whole cell, or A/m2?",
        ),
        Property(
            id="area_specific_resistance",
            label="area specific resistance",
            unit="ohm cm2",
            scale="log10",
            direction="minimize",
            carrier="cell",
            modelled=True,
            default_se=0.02,
            scatter_sd=0.05,
            prior_centre=2.7,
            prior_sd=0.5,
            typical=(150, 1500),
            warn=(30, 15000),
            reject=(1, 1e6),
            reference=1500.0,
            plausible_best=100.0,
            hint="is per area; did you enter ohm of the whole cell?",
        ),
        Property(
            id="hardness",
            label="hardness",
            unit="GPa",
            scale="linear",
            direction=None,
            carrier="pellet",
            modelled=False,
            default_se=0.03,
            scatter_sd=0.05,
            prior_centre=1.15,
            prior_sd=0.43,
            typical=(0.5, 1.3),
            warn=(0.3, 2),
            reject=(0.05, 10),
            hint="is in GPa; did you enter HV?",
        ),
        Property(
            id="activation_energy",
            label="activation energy",
            unit="kJ/mol",
            scale="linear",
            direction=None,
            carrier="pellet",
            modelled=False,
            default_se=1.0,
            scatter_sd=1.0,
            prior_centre=45.0,
            prior_sd=10.0,
            typical=(35, 55),
            warn=(25, 65),
            reject=(10, 100),
            hint="is in kJ/mol; did you enter eV?",
        ),
        Property(
            id="cycling_life",
            label="cycling life",
            unit="h",
            scale="log10",
            direction=None,
            carrier="cell",
            modelled=False,
            default_se=0.05,
            scatter_sd=0.2,
            prior_centre=2.0,
            prior_sd=1.0,
            typical=(50, 1000),
            warn=(1, 10000),
            reject=(0.1, 1e5),
            hint="is in hours; did you enter cycles?",
        ),
        Property(
            id="full_cell_capacity",
            label="full cell capacity",
            unit="mAh/g",
            scale="linear",
            direction=None,
            carrier="cell",
            modelled=False,
            default_se=20.0,
            scatter_sd=50.0,
            prior_centre=900.0,
            prior_sd=400.0,
            typical=(300, 1300),
            warn=(50, 1675),
            reject=(1, 2000),
            hint="is per gram of sulfur, of which 1675 mAh/g is the most there is",
        ),
    )
}
"""All properties by id. Ranges: domain notes 5.6; reference points: 7.6; the prior of each is
its ``warn`` range taken as 95 % (ASR, life and capacity: assigned)."""


TEMPERATURE_DEPENDENT: Final = frozenset(
    {
        "ionic_conductivity",
        "electronic_conductivity",
        "charge_transfer_resistance",
        "critical_current_density",
        "area_specific_resistance",
    }
)
"""Properties that mean nothing without a temperature (domain notes 4.8)."""


def property_of(property_id: str) -> Property:
    """The catalogue entry of that id.

    Raises:
        ReadingError: If the catalogue lacks it.

    Examples:
        >>> property_of("youngs_modulus").unit
        'GPa'
    """
    try:
        return CATALOGUE[property_id]
    except KeyError:
        raise ReadingError(
            f"property must be one of {', '.join(CATALOGUE)}, got {property_id!r}; "
            "use one of these ids"
        ) from None
