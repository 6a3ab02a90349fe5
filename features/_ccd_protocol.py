"""The programme a critical current density was found with."""

from dataclasses import dataclass
from math import isclose
from typing import Final

from features._standard_error import refuse_unless_positive
from features.errors import ReadingError

MAX_STACK_PRESSURE_MPA: Final = 100.0
"""Stack pressures above this are refused (domain notes 5.6)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CcdProtocol:
    """How a critical current density was stepped up to.

    Step, half cycle and stack pressure default to the paper's; start and end are assumed.

    Attributes:
        start_ma_cm2: First current density, mA/cm2.
        step_ma_cm2: Rise from step to step, mA/cm2.
        half_cycle_h: Time per half cycle, h.
        end_ma_cm2: Where the programme ends, mA/cm2; a cell that survives reads ``>`` this.
        stack_pressure_mpa: Initial pressure on the cell, MPa.

    Raises:
        ReadingError: If a value is impossible.

    References:
        Chi et al., Nat. Commun. 13, 2854 (2022), DOI 10.1038/s41467-022-30517-y, Methods;
        domain notes 4.9 and 7.2.

    Examples:
        >>> CcdProtocol().comparable_with(CcdProtocol(step_ma_cm2=0.1))
        False
    """

    start_ma_cm2: float = 0.05
    step_ma_cm2: float = 0.05
    half_cycle_h: float = 0.5
    end_ma_cm2: float = 3.0
    stack_pressure_mpa: float = 7.0

    def __post_init__(self) -> None:
        """Refuse a programme no cycler would run."""
        for name in ("start_ma_cm2", "step_ma_cm2", "half_cycle_h", "end_ma_cm2"):
            refuse_unless_positive(
                f"CCD protocol: {name}",
                getattr(self, name),
                "copy it from the cycler's programme",
            )
        if self.end_ma_cm2 < self.start_ma_cm2:
            raise ReadingError(
                f"CCD protocol: end_ma_cm2 must not be below start_ma_cm2, got "
                f"{self.end_ma_cm2:g} and {self.start_ma_cm2:g}; swap them"
            )
        if not 0 <= self.stack_pressure_mpa <= MAX_STACK_PRESSURE_MPA:
            raise ReadingError(
                f"CCD protocol: stack_pressure_mpa must lie between 0 and "
                f"{MAX_STACK_PRESSURE_MPA:g} MPa, got {self.stack_pressure_mpa:g}; "
                "give MPa on the cell"
            )

    def differences(self, other: "CcdProtocol") -> tuple[str, ...]:
        """What keeps two protocols from being compared.

        The end is left out: it decides only where a surviving cell is censored.

        Args:
            other: The other protocol.

        Returns:
            One phrase per difference, such as ``step 0.05 vs 0.1 mA/cm2``.
        """
        rows = (
            ("start", self.start_ma_cm2, other.start_ma_cm2, "mA/cm2"),
            ("step", self.step_ma_cm2, other.step_ma_cm2, "mA/cm2"),
            ("half cycle", self.half_cycle_h, other.half_cycle_h, "h"),
            ("stack pressure", self.stack_pressure_mpa, other.stack_pressure_mpa, "MPa"),
        )
        return tuple(
            f"{name} {mine:g} vs {theirs:g} {unit}"
            for name, mine, theirs, unit in rows
            if not isclose(mine, theirs, rel_tol=1e-6)
        )

    def comparable_with(self, other: "CcdProtocol") -> bool:
        """Whether CCDs of both protocols may be compared without saying so.

        Args:
            other: The other protocol.

        Returns:
            False if start, step, half cycle or stack pressure differ.
        """
        return not self.differences(other)
