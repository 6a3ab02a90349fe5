"""What may be chosen: one of several named levels."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.errors import SpaceError, TableError
from optimizer.parameters import Matrix, Values, Vector, require_name, where


@final
@dataclass(frozen=True, slots=True)
class Categorical:
    """One of several named levels.

    With ``descriptors`` a level enters the model by its numbers, so that what was learnt on one
    tells something of a similar one; without, by a one-hot code.

    Attributes:
        name: Column.
        levels: Levels that may be proposed.
        descriptors: Index: levels (others than today's may be there and count as data);
            columns: numbers of any scale.

    Raises:
        SpaceError: If levels repeat, or the descriptors miss a level or cannot tell two apart.

    Examples:
        >>> media = Categorical("milling_media", ["agate", "zirconia"])
        >>> media.encode(pd.Series(["zirconia"])).tolist()
        [[0.0, 1.0]]
    """

    name: str
    levels: Sequence[Hashable]
    descriptors: pd.DataFrame | None = None
    _order: dict[Hashable, int] = field(init=False, repr=False, compare=False)
    _codes: Matrix = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse levels that cannot be told apart."""
        object.__setattr__(self, "levels", tuple(self.levels))
        require_name(self.name)
        if not self.levels or len(set(self.levels)) != len(self.levels):
            raise SpaceError(
                f"parameter {self.name!r}: levels must be different and at least one, "
                f"got {list(self.levels)}; name each level once"
            )
        if self.descriptors is not None:
            _require_descriptors(self.name, self.levels, self.descriptors)
        order = {level: i for i, level in enumerate(self.known)}
        object.__setattr__(self, "_order", order)
        object.__setattr__(self, "_codes", self._coded())

    @property
    def known(self) -> tuple[Hashable, ...]:
        """Levels accepted as data, today's first."""
        others = () if self.descriptors is None else self.descriptors.index
        return (*self.levels, *(level for level in others if level not in self.levels))

    @property
    def n_values(self) -> int:
        """Number of levels."""
        return len(self.levels)

    @property
    def width(self) -> int:
        """One column a descriptor, or one a level."""
        return int(self._codes.shape[1])

    def place_at(self, unit: Vector) -> Vector:
        """Equal shares of [0, 1) for each level."""
        return np.minimum(np.floor(unit * self.n_values), self.n_values - 1)

    def place_of(self, value: object) -> float:
        """That of the level itself, or of the nearest code if it is not offered today."""
        if value in self.levels:
            return float(self.levels.index(value))
        codes = self._codes
        distance = np.linalg.norm(codes[: self.n_values] - self.encode(pd.Series([value])), axis=1)
        return float(np.argmin(distance))

    def moved(self, place: float, reach: Vector, rng: np.random.Generator) -> Vector:
        """Another level, drawn evenly; the same one where there is no other."""
        if self.n_values == 1:
            return np.full(len(reach), place)
        others = rng.integers(self.n_values - 1, size=len(reach))
        return np.asarray(others + (others >= place), dtype=float)

    def at(self, place: Vector) -> Values:
        """The levels at these positions."""
        return np.asarray(_objects(self.levels)[np.asarray(place).astype(int)])

    def value_at(self, unit: Vector) -> Values:
        """Equal shares of [0, 1) for each level."""
        return self.at(self.place_at(unit))

    def nearest(self, value: object) -> object:
        """The level itself, or that of the nearest code if it is not offered today."""
        return self.levels[int(self.place_of(value))]

    def allows(self, column: pd.Series) -> NDArray[np.bool_]:
        """Offered today."""
        index = self._index(column)
        return np.asarray((index >= 0) & (index < self.n_values))

    def checked(self, column: pd.Series) -> pd.Series:
        """Every value a known level."""
        strange = self._index(column) < 0
        if strange.any():
            bad = column[strange]
            raise TableError(
                f"{where(self.name, bad)}: must be one of {', '.join(map(str, self.known))}, "
                f"got {bad.tolist()[0]!r}; correct the cell, or add the level to the space"
            )
        return column.astype(object)

    def encode(self, column: pd.Series) -> Matrix:
        """Descriptors scaled to [0, 1] over today's levels, else one-hot."""
        index = self._index(column)
        if (index < 0).any():
            self.checked(column)
        return np.asarray(self._codes[index])

    def _index(self, column: pd.Series) -> NDArray[np.intp]:
        """Positions in ``known``, today's levels first; -1 for an unknown level."""
        order = self._order
        values = [order.get(value, -1) for value in column.tolist()]
        return np.array(values, dtype=np.intp)

    def _coded(self) -> Matrix:
        """What ``encode`` gives for each level of ``known``."""
        if self.descriptors is None:
            return np.eye(len(self.levels))
        table = self.descriptors.astype(float)
        today = table.loc[list(self.levels)]
        span = (today.max() - today.min()).replace(0.0, np.nan).fillna(table.max() - table.min())
        scaled = (table - today.min()) / span.replace(0.0, 1.0)
        return np.asarray(scaled.loc[list(self.known)].to_numpy(dtype=float))


def _objects(values: Sequence[object]) -> Values:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _require_descriptors(name: str, levels: Sequence[Hashable], descriptors: pd.DataFrame) -> None:
    absent = [level for level in levels if level not in descriptors.index]
    if absent:
        raise SpaceError(
            f"parameter {name!r}: descriptors need a row for each level, got none for "
            f"{', '.join(map(str, absent))}; add the rows, with the level as index"
        )
    numbers = descriptors.apply(pd.to_numeric, errors="coerce")
    if not np.isfinite(numbers.to_numpy(dtype=float)).all() or not len(numbers.columns):
        raise SpaceError(
            f"parameter {name!r}: descriptors must be finite numbers, got "
            f"{descriptors.to_dict('index')}; fill the gaps or drop the column"
        )
    if descriptors.index.has_duplicates or numbers.duplicated().any():
        raise SpaceError(
            f"parameter {name!r}: descriptors must tell every two levels apart, got two equal "
            f"rows or labels in {list(descriptors.index)}; add a column in which they differ"
        )
