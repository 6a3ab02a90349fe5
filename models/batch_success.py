"""Whether all that a result needs will succeed: jars, pressing and assembly together."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.errors import TableError
from features.table import column
from models.feasibility import FeasibilitySurrogate

Array = NDArray[np.float64]

N_DRAWS: Final = 2048
"""Joint draws behind a probability and its range."""

GLASS: Final = ("x", "milling_time_h", "milling_media", "milling_speed_rpm")
SIDES: Final = ("core", "skin")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Feasibility:
    """Success of glasses and of cells, composed of that of jars, pellets and assembly.

    Attributes:
        jar: Fitted to jars.
        pellet: Fitted to pellets of sound jars.
        cell: Fitted to the assembly of cells.

    Raises:
        TableError: If a surrogate is of another level.

    Examples:
        >>> recipes = pd.DataFrame({"x": [0.15], "milling_time_h": 3,
        ...     "milling_media": "stainless_steel", "milling_speed_rpm": 500,
        ...     "pressing_pressure_mpa": 450}, index=["G1"])
        >>> from models.feasibility import CELL_RANGES
        >>> none = pd.Series(dtype=object)
        >>> jar = FeasibilitySurrogate("jar").fit(recipes, none)
        >>> pellet = FeasibilitySurrogate("pellet").fit(recipes, none)
        >>> cell = FeasibilitySurrogate("cell").fit(pd.DataFrame(columns=[*CELL_RANGES]), none)
        >>> prior = Feasibility(jar=jar, pellet=pellet, cell=cell)
        >>> round(float(prior.glass_success(recipes).loc["G1", "probability"]), 2)  # 0.90 x 0.97
        0.87
    """

    jar: FeasibilitySurrogate
    pellet: FeasibilitySurrogate
    cell: FeasibilitySurrogate

    def __post_init__(self) -> None:
        """Refuse surrogates in the wrong place."""
        for level in ("jar", "pellet", "cell"):
            given = getattr(self, level).level
            if given != level:
                raise TableError(
                    f"Feasibility: {level} must be a surrogate of that level, got one of a "
                    f"{given}; give each its place"
                )

    def glass_success(self, recipes: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
        """Probability that a new jar is sound and a pellet of it too.

        Args:
            recipes: N pellet recipes.
            seed: Of the draws; the same seed gives the same table.

        Returns:
            N rows with the index of ``recipes``; see ``success_table``.

        Raises:
            NotFittedError: If a surrogate was not fitted.
            TableError: If a column is missing or holds no number.
            RecipeError: If a medium is unknown.
        """
        rng = np.random.default_rng(seed)
        draws = {
            "jar": self.jar.sample(recipes, N_DRAWS, rng),
            "pellet": self.pellet.sample(recipes, N_DRAWS, rng),
        }
        return success_table(draws, recipes.index)

    def cell_success(
        self, cells: pd.DataFrame, *, sound: Collection[str] = (), seed: int = 0
    ) -> pd.DataFrame:
        """Probability that both jars of a cell, its layers and its assembly are sound.

        Args:
            cells: N cells: columns core_x, skin_x and so on, pressures and masses; optional
                ``core`` and ``skin``, the labels of the jars. One jar for both must be sound once.
            sound: Labels of jars that are known to be.
            seed: Of the draws; the same seed gives the same table.

        Returns:
            N rows with the index of ``cells``; see ``success_table``.

        Raises:
            NotFittedError: If a surrogate was not fitted.
            TableError: If a column is missing or holds no number.
            RecipeError: If a medium is unknown.
        """
        rng, n = np.random.default_rng(seed), len(cells)
        layers = pd.concat([_layer(cells, side) for side in SIDES], ignore_index=True)
        jars = self.jar.sample(layers, N_DRAWS, rng)
        jars[:, _is_sound(cells, sound)] = 1.0
        pressed = self.pellet.sample(layers, N_DRAWS, rng)
        draws = {
            "jar": jars[:, :n] * jars[:, n:],
            "pellet": pressed[:, :n] * pressed[:, n:],
            "cell": self.cell.sample(cells, N_DRAWS, rng),
        }
        return success_table(draws, cells.index)

    def in_words(self) -> dict[str, str]:
        """What each level rests on, one line each."""
        return {level: getattr(self, level).in_words() for level in ("jar", "pellet", "cell")}

    def to_dict(self) -> dict[str, Any]:
        """Everything needed to predict again, in plain JSON types."""
        return {level: getattr(self, level).to_dict() for level in ("jar", "pellet", "cell")}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "Feasibility":
        """What ``to_dict`` wrote.

        Args:
            plain: What ``to_dict`` returned, perhaps through JSON.

        Returns:
            The three levels.
        """
        return cls(
            jar=FeasibilitySurrogate.from_dict(plain["jar"]),
            pellet=FeasibilitySurrogate.from_dict(plain["pellet"]),
            cell=FeasibilitySurrogate.from_dict(plain["cell"]),
        )


def success_table(draws: Mapping[str, Array], index: pd.Index) -> pd.DataFrame:
    """Success of all levels together, from joint draws of each.

    Args:
        draws: By level, shape (n, N), probabilities; the levels are independent of each other.
        index: Names of the N rows.

    Returns:
        N rows: ``probability`` that the next one succeeds, ``lower`` and ``upper`` (90 % of the
        recipe's true probability), and ``weakest``, the level most likely to fail.

    Examples:
        >>> table = success_table({"jar": np.array([[0.5]]), "pellet": np.array([[0.8]])}, ["G1"])
        >>> float(table.loc["G1", "probability"]), table.loc["G1", "weakest"]
        (0.4, 'jar')
    """
    together = np.prod([*draws.values()], axis=0)
    probability = together.mean(axis=0)
    ends = np.quantile(together, [0.05, 0.95], axis=0)
    weakest = np.argmin([own.mean(axis=0) for own in draws.values()], axis=0)
    return pd.DataFrame(
        {
            "probability": probability,
            "lower": np.minimum(ends[0], probability),
            "upper": np.maximum(ends[1], probability),
            "weakest": np.array([*draws])[weakest],
        },
        index=index,
    )


def _layer(cells: pd.DataFrame, side: str) -> pd.DataFrame:
    """The glass of one side, pressed at the pressure of the cell."""
    columns = {name: column(cells, f"{side}_{name}", where="cells") for name in GLASS}
    pressure = column(cells, "pressing_pressure_mpa", where="cells")
    return pd.DataFrame({**columns, "pressing_pressure_mpa": pressure})


def _is_sound(cells: pd.DataFrame, sound: Collection[str]) -> NDArray[np.bool_]:
    """Shape (2N,), cores then skins: jars that need not succeed any more, or not twice."""
    n = len(cells)
    if "core" not in cells or "skin" not in cells:
        return np.zeros(2 * n, dtype=bool)
    core, skin = (cells[side].isin([*sound]).to_numpy() for side in SIDES)
    same = (cells["core"] == cells["skin"]).to_numpy()
    return np.concatenate([core, skin | same])
