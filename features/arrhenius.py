r"""How a conductivity changes with temperature.

.. math:: \log_{10} \sigma(T) = \log_{10} \sigma(T_0) + t\, E_a,\qquad
          t = -\frac{1}{R \ln 10} \left(\frac{1}{T} - \frac{1}{T_0}\right)
"""

from math import log
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from features.errors import TableError

GAS_CONSTANT_KJ: Final = 8.314462618e-3
"""kJ/(mol K), CODATA 2018."""

ZERO_CELSIUS_K: Final = 273.15

ARRHENIUS_C: Final = (25.0, 90.0)
"""Where conductivities of these glasses were seen to follow the law, °C (domain notes 4.8)."""

VALID_C: Final = (-40.0, 150.0)
"""Temperatures outside are refused: they are a slip of the pen, or kelvin."""


def arrhenius_tilt(temperature_c: ArrayLike, reference_c: float) -> NDArray[np.float64]:
    """Decades that a conductivity gains for each kJ/mol of activation energy.

    Args:
        temperature_c: Any shape, °C.
        reference_c: Temperature at which the gain is zero, °C.

    Returns:
        Same shape, decades per kJ/mol.

    Raises:
        TableError: If a temperature is outside -40 to 150 °C.

    References:
        Domain notes 4.8.

    Examples:
        >>> round(float(10 ** (41.5 * arrhenius_tilt(25.0, 60.0))), 3)
        0.172
    """
    celsius = np.asarray(temperature_c, dtype=float)
    wrong = ~((celsius >= VALID_C[0]) & (celsius <= VALID_C[1]))
    if wrong.any():
        raise TableError(
            f"temperature_c must be {VALID_C[0]:g} to {VALID_C[1]:g} °C, got "
            f"{celsius[wrong].flat[0]:g}; give degrees Celsius, not kelvin"
        )
    inverse = 1 / (celsius + ZERO_CELSIUS_K) - 1 / (reference_c + ZERO_CELSIUS_K)
    tilt: NDArray[np.float64] = -inverse / (GAS_CONSTANT_KJ * log(10))
    return tilt
