"""Measured glasses of the literature, from SciGlass: compositions, one property, the paper.

The tables lack milling, pressing and nearly all glasses with Na/P = 3: they teach no campaign.
They are for trying surrogates on real measurements, whole papers left out. Data: SciGlass,
(c) 2019 EPAM Systems, Open Database License 1.0; see the notice beside the files.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd

from features.errors import TableError

WRONG_RESISTIVITY: Final = frozenset({6896})
"""Papers left out: the glasses of 6896 are those of 39196 with resistivities lower by up to 5.6
decades, and rising where those fall."""

_AGREE_MOL_PERCENT: Final = 0.1
"""Compositions are printed to a tenth; what agrees to that is one glass."""

_ROWS: Final = "sciglass_alkali_oxysulfide_rows.csv"
_SULFIDES: Final = "sciglass_alkali_sulfide_sigma20_Tg.csv"
_SODIUM: Final = "sciglass_na_sigma150_E.csv"


@dataclass(frozen=True, slots=True)
class Target:
    """A property of one of the tables.

    Attributes:
        label: As a person says it, with the glasses it is of.
        unit: Of the values.
        file: Where it is.
        column: Its column.
        sign: -1 where the column is a log resistivity and the target a log conductivity.
    """

    label: str
    unit: str
    file: str
    column: str
    sign: float = 1.0


TARGETS: Final[Mapping[str, Target]] = MappingProxyType(
    {
        "sulfide_conductivity_20c": Target(
            "conductivity at 20 °C, alkali sulfides", "log10 S/cm", _SULFIDES, "log_sigma"
        ),
        "oxysulfide_conductivity_20c": Target(
            "conductivity at 20 °C, alkali oxysulfides", "log10 S/cm", _ROWS, "RO20", -1.0
        ),
        "sodium_conductivity_150c": Target(
            "conductivity at 150 °C, sodium glasses", "log10 S/cm", _SODIUM, "log_sigma"
        ),
        "sodium_youngs_modulus": Target(
            "Young's modulus, sodium glasses", "GPa", _SODIUM, "MOD_UNG"
        ),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MeasuredGlasses:
    """n glasses with one property.

    Attributes:
        target: What was measured.
        composition: Shape (n, number of components), mol%; index = paper and number in SciGlass.
        value: Same index, in the target's unit.
        paper: Same index, SciGlass number of the paper: leave whole papers out, never rows.
    """

    target: Target
    composition: pd.DataFrame
    value: "pd.Series[float]"
    paper: "pd.Series[int]"


def measured_glasses(target_id: str) -> MeasuredGlasses:
    """The glasses of the literature that have a property, one row a glass and paper.

    Rows of one composition in one paper are averaged. Papers known to be wrong are left out.

    Args:
        target_id: One of ``TARGETS``.

    Returns:
        The glasses, in the order of the file.

    Raises:
        TableError: If there is no such target.

    References:
        SciGlass, https://github.com/epam/SciGlass; GlassPy 0.4.0.

    Examples:
        >>> glasses = measured_glasses("sodium_youngs_modulus")
        >>> len(glasses.value), glasses.paper.nunique()
        (155, 34)
    """
    if target_id not in TARGETS:
        raise TableError(
            f"SciGlass: the target must be one of {', '.join(TARGETS)}, got {target_id!r}; "
            "use one of these"
        )
    target = TARGETS[target_id]
    source = files("experiments") / "data" / "sciglass" / target.file
    with source.open(encoding="utf-8") as stream:
        rows = pd.read_csv(stream)
    rows = rows.loc[rows[target.column].notna() & ~rows["KOD"].isin(WRONG_RESISTIVITY)]
    composition = _composition(rows)
    value = target.sign * rows[target.column].astype(float)
    name = rows["KOD"].astype(str) + "-" + rows["GLASNO"].astype(str)
    rounded = (composition / _AGREE_MOL_PERCENT).round().astype(int)
    glass = rounded.assign(paper=rows["KOD"]).groupby([*rounded, "paper"], sort=False).ngroup()
    first = ~glass.duplicated()
    labels = pd.Index(name[first], name="glass")
    components = composition.groupby(glass, sort=False).mean().set_axis(labels)
    return MeasuredGlasses(
        target=target,
        composition=components.loc[:, (components > 0).any()],
        value=value.groupby(glass, sort=False).mean().set_axis(labels).rename(target_id),
        paper=rows["KOD"][first].set_axis(labels).rename("paper"),
    )


def _composition(rows: pd.DataFrame) -> pd.DataFrame:
    """Mol% of each component, from columns or from text such as ``Na2S:60 P2S5:40``."""
    if "composition_mol%" in rows:
        parsed = [
            {part: float(share) for part, share in (p.split(":") for p in text.split())}
            for text in rows["composition_mol%"]
        ]
        return pd.DataFrame(parsed, index=rows.index).fillna(0.0)
    columns = [name for name in map(str, rows) if name.startswith("x_")]
    return rows[columns].rename(columns=lambda name: name.removeprefix("x_")).astype(np.float64)
