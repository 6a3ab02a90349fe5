"""A search space completed by what the campaign holds, so that recipes are whole."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from optimizer.categorical import Categorical
from optimizer.space import SearchSpace


@dataclass(frozen=True, slots=True)
class HeldSpace:
    """Candidates of a space with held values added; rows of the past keep their own.

    Attributes:
        space: The free parameters.
        held: Values of the others, by column.
    """

    space: SearchSpace
    held: Mapping[str, Any]

    def spread(
        self, n: int, rng: np.random.Generator, fixed: Mapping[str, object] | None = None
    ) -> pd.DataFrame:
        """Up to n whole recipes from all over."""
        return self._whole(self.space.spread(n, rng, self._free(fixed)))

    def near(
        self,
        row: Mapping[Any, object] | pd.Series,
        n: int,
        rng: np.random.Generator,
        fixed: Mapping[str, object] | None = None,
    ) -> pd.DataFrame:
        """Up to n whole neighbours of a recipe; a level no longer offered gives way to another."""
        centre: dict[Any, object] = dict(row.items())
        for parameter in self.space.parameters:
            if isinstance(parameter, Categorical) and centre[parameter.name] not in set(
                parameter.levels
            ):
                centre[parameter.name] = parameter.levels[0]
        return self._whole(self.space.near(centre, n, rng, self._free(fixed)))

    def _free(self, fixed: Mapping[str, object] | None) -> dict[str, object] | None:
        return None if fixed is None else {k: v for k, v in fixed.items() if k not in self.held}

    def _whole(self, frame: pd.DataFrame) -> pd.DataFrame:
        return frame.assign(**self.held)
