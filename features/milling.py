"""Milling media and the energy they bring: a table of media, relative intensity and dose."""

from dataclasses import dataclass
from typing import Final

from features.errors import RecipeError

REFERENCE_DENSITY_G_CM3: Final = 7.8
"""Density of the stainless steel the relative scales refer to (domain notes 4.5)."""

REFERENCE_SPEED_RPM: Final = 500.0
"""Speed of the paper's mill runs (Chi et al. 2022, Methods)."""

REFERENCE_TIME_H: Final = 3.0
"""Net milling time of the paper's x > 0 glasses (Chi et al. 2022, Methods)."""

REFERENCE_POWDER_G: Final = 2.0
"""Batch mass of the paper (Chi et al. 2022, Methods)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Medium:
    """A milling medium (jar and balls) by what physically matters of it.

    Attributes:
        id: Name used in recipes and files.
        label: Name printed on sheets.
        density_g_cm3: Density of the balls, g/cm3.
        hardness_hv: Vickers hardness, HV; handbook class value.
        metallic_debris: Whether its wear conducts electrons (iron sulfides, cobalt).
        source: Where the numbers come from.
        warning: What a chemist should know before loading it; empty when nothing.
    """

    id: str
    label: str
    density_g_cm3: float
    hardness_hv: float
    metallic_debris: bool
    source: str
    warning: str = ""


_HANDBOOK = "handbook class value, mid of the usual range; check the supplier's sheet"

MEDIA: Final[dict[str, Medium]] = {
    medium.id: medium
    for medium in (
        Medium(
            id="stainless_steel",
            label="stainless steel",
            density_g_cm3=7.8,
            hardness_hv=650,
            metallic_debris=True,
            source=_HANDBOOK,
            warning="iron wears in and turns to conducting FeS, more with dose",
        ),
        Medium(
            id="zirconia",
            label="zirconia (Y-TZP)",
            density_g_cm3=6.0,
            hardness_hv=1250,
            metallic_debris=False,
            source=_HANDBOOK,
        ),
        Medium(
            id="agate",
            label="agate",
            density_g_cm3=2.65,
            hardness_hv=1000,
            metallic_debris=False,
            source=_HANDBOOK,
            warning="low energy per hit; jars may crack above about 450 rpm",
        ),
        Medium(
            id="tungsten_carbide",
            label="tungsten carbide (WC-Co)",
            density_g_cm3=14.8,
            hardness_hv=1600,
            metallic_debris=True,
            source=_HANDBOOK,
            warning="heavy, the jar runs hot; cobalt turns to sulfide",
        ),
        Medium(
            id="alumina",
            label="alumina",
            density_g_cm3=3.9,
            hardness_hv=1700,
            metallic_debris=False,
            source=_HANDBOOK,
            warning="chips and abrades",
        ),
        Medium(
            id="silicon_nitride",
            label="silicon nitride",
            density_g_cm3=3.2,
            hardness_hv=1550,
            metallic_debris=False,
            source=_HANDBOOK,
        ),
    )
}
"""Media by id, with class values of density, hardness and debris (domain notes 4.6)."""


def medium(media_id: str) -> Medium:
    """The medium of that id.

    Raises:
        RecipeError: If no medium has that id.

    References:
        Domain notes 4.6 (handbook class values).

    Examples:
        >>> medium("zirconia").density_g_cm3
        6.0
    """
    try:
        return MEDIA[media_id]
    except KeyError:
        raise RecipeError(
            f"milling_media must be one of {', '.join(MEDIA)}, got {media_id!r}; "
            "use one of these ids"
        ) from None


def relative_intensity(
    media_id: str, speed_rpm: float, *, relative_ball_size: float = 1.0
) -> float:
    r"""Energy of one hit relative to steel balls at 500 rpm.

    .. math:: w = (\rho_b/7.8)\,(d_b/d_\mathrm{ref})^3\,(N/500)^2

    Args:
        media_id: Id of the medium.
        speed_rpm: Speed of the disc, rpm.
        relative_ball_size: Ball diameter over the reference diameter, dimensionless.

    Returns:
        Dimensionless; 1 for stainless steel at 500 rpm.

    Raises:
        RecipeError: If the medium is unknown.

    References:
        Burgio et al., Nuovo Cimento D 13 (1991) 459; domain notes 4.5.

    Examples:
        >>> round(relative_intensity("agate", 500), 2)
        0.34
    """
    density = medium(media_id).density_g_cm3 / REFERENCE_DENSITY_G_CM3
    return density * relative_ball_size**3 * (speed_rpm / REFERENCE_SPEED_RPM) ** 2


def relative_dose(
    media_id: str,
    time_h: float,
    speed_rpm: float,
    *,
    relative_ball_load: float = 1.0,
    powder_g: float = REFERENCE_POWDER_G,
) -> float:
    r"""Milling energy per gram relative to steel, 3 h, 500 rpm, 2 g.

    .. math:: D = (t/3)\,(N/500)^3\,(\rho_b/7.8)\,b\,(2/m)

    with b the relative ball load :math:`N_b d_b^3` over that of the reference set. A
    ball set that was not written down counts as b = 1.

    Args:
        media_id: Id of the medium.
        time_h: Net milling time, h.
        speed_rpm: Speed of the disc, rpm.
        relative_ball_load: b, dimensionless.
        powder_g: Powder in the jar, g.

    Returns:
        Dimensionless; 1 for the paper's x > 0 glasses.

    Raises:
        RecipeError: If the medium is unknown.

    References:
        Burgio et al., Nuovo Cimento D 13 (1991) 459; domain notes 4.5.

    Examples:
        >>> round(relative_dose("agate", 20, 500), 2)
        2.26
    """
    density = medium(media_id).density_g_cm3 / REFERENCE_DENSITY_G_CM3
    speed = (speed_rpm / REFERENCE_SPEED_RPM) ** 3
    return (
        time_h / REFERENCE_TIME_H * speed * density * relative_ball_load
        * REFERENCE_POWDER_G / powder_g
    )  # fmt: skip
