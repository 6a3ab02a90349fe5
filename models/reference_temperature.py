"""Which readings were taken at the temperature that is meant when none is said."""

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.errors import TableError
from features.properties import TEMPERATURE_DEPENDENT, Property

REFERENCE_TEMPERATURE_C: Final = 60.0
"""What an empty temperature means where nothing else is said, °C."""

WINDOW_C: Final = 2.5
"""A reading this near the reference counts as taken there: 2.5 °C are 0.05 dex at 45 kJ/mol."""


OTHER_TEMPERATURE: Final = "off-temperature reading"
"""Why a reading was not used, as ``waiting`` says it."""


def is_at_reference(
    readings: pd.DataFrame, entry: Property, reference_c: float = REFERENCE_TEMPERATURE_C
) -> NDArray[np.bool_]:
    """Whether each reading may stand for the reference temperature.

    Args:
        readings: n readings of one property; ``temperature_c`` may be absent or empty.
        entry: The property.
        reference_c: The reference temperature, °C.

    Returns:
        Shape (n,); all true for a property that hardly depends on temperature.

    Raises:
        TableError: If a temperature is text.

    Examples:
        >>> from features.properties import property_of
        >>> swept = pd.DataFrame({"specimen": ["A"] * 3, "temperature_c": [25.0, 61.0, None]})
        >>> is_at_reference(swept, property_of("ionic_conductivity"))
        array([False,  True,  True])
        >>> is_at_reference(swept, property_of("youngs_modulus"))
        array([ True,  True,  True])
    """
    if entry.id not in TEMPERATURE_DEPENDENT or "temperature_c" not in readings:
        return np.ones(len(readings), dtype=bool)
    stated = readings["temperature_c"]
    values = pd.to_numeric(stated, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    is_text = np.isnan(values) & stated.notna().to_numpy()
    if is_text.any():
        row = int(is_text.argmax())
        raise TableError(
            f"readings: temperature_c must be a number or empty, got {stated.iloc[row]!r} "
            f"(row {readings.index[row]}); give degrees Celsius"
        )
    return np.asarray(np.isnan(values) | (np.abs(values - reference_c) <= WINDOW_C))
