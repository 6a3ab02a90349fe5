"""How a property's Gaussian process is built: what may be chosen, and what is chosen unasked."""

from dataclasses import asdict, dataclass
from typing import Any, Literal, final

from features.errors import SpaceError
from models.matern import Kernel

FeatureSet = Literal["descriptors", "raw"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class GPSettings:
    """Choices that are made before fitting; all have defaults that hold without any data.

    Attributes:
        features: ``descriptors``: x, milling dose and energy per hit, hardness and debris of the
            medium, pressure, so that a medium never tried can be predicted; ``raw``: x, time,
            speed, pressure as they are and each medium a category of its own.
        kernel: Smoothness of the function.
        lengthscale_median: Prior median of each length scale as a share of its range.
        oxygen_scale: If given, x enters as 1 - exp(-x/scale): finer at little oxygen.
        physics: Whether the domain's laws are the prior mean (``models.physics``).

    Raises:
        SpaceError: If a value is impossible.
    """

    features: FeatureSet = "descriptors"
    kernel: Kernel = "matern52"
    lengthscale_median: float = 0.6
    oxygen_scale: float | None = None
    physics: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be built."""
        if self.features not in ("descriptors", "raw"):
            raise SpaceError(
                f"features must be descriptors or raw, got {self.features!r}; use one of these"
            )
        if self.kernel not in ("matern52", "matern32", "rbf"):
            raise SpaceError(
                f"kernel must be matern52, matern32 or rbf, got {self.kernel!r}; use one of these"
            )
        if self.oxygen_scale is not None and not self.oxygen_scale > 0:
            raise SpaceError(
                f"oxygen_scale must be above zero, got {self.oxygen_scale}; leave it out for none"
            )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return asdict(self)
