"""Ask for recipes, tell what came of them."""

from collections.abc import Mapping, Sequence
from typing import Final, final

import numpy as np
import pandas as pd

from features.errors import SpaceError, TableError
from optimizer.batch import propose_batch
from optimizer.belief import Belief
from optimizer.hypervolume import hypervolume_draws
from optimizer.initial import starting_batch, too_little
from optimizer.objectives import Objective, reference_utilities, utilities
from optimizer.rows import is_among, is_repeated, row_keys
from optimizer.space import Space
from optimizer.told import READING_COLUMNS, told_readings

N_HYPERVOLUME_DRAWS: Final = 512


@final
class Optimizer:
    """Multi-objective Bayesian optimisation of any table, by ask and tell.

    Attributes:
        space: Where recipes may lie.
        objectives: What is good.
        told: Recipes told, one row each; replicates are rows of their own.
        pending: Recipes asked, and neither told nor withdrawn.

    Raises:
        SpaceError: If an objective has the name of a parameter, repeats, or lacks a reference, or
            the control cannot be proposed.
        TableError: If the control is not a valid row.

    Examples:
        >>> from optimizer.categorical import Categorical
        >>> from optimizer.parameters import Continuous
        >>> from optimizer.space import SearchSpace
        >>> space = SearchSpace([Continuous("x", 0, 1), Categorical("jar", ["a", "b"])])
        >>> optimizer = Optimizer(space, [Objective("y", "maximize")], seed=0)
        >>> optimizer.ask(2).columns.tolist()
        ['x', 'jar', 'y_mean', 'y_sd', 'y_lower', 'y_upper']
        >>> optimizer.tell(pd.DataFrame({"x": [0.1, 0.9], "jar": ["a", "b"], "y": [1.0, "<0.5"]}))
        >>> len(optimizer.told), len(optimizer.pending)
        (2, 2)
    """

    def __init__(
        self,
        space: Space,
        objectives: Sequence[Objective],
        *,
        seed: int = 0,
        control: Mapping[str, object] | None = None,
    ) -> None:
        reference_utilities(objectives)
        clash = [objective.name for objective in objectives if objective.name in space.columns]
        if clash:
            raise SpaceError(
                f"objectives: a name must not be that of a parameter, got {', '.join(clash)}; "
                "rename one of them"
            )
        if control is not None:
            _require_control(space, control)
        self.space = space
        self.objectives = tuple(objectives)
        self.told = pd.DataFrame(columns=space.columns)
        self.pending = pd.DataFrame(columns=space.columns)
        self._seed = seed
        self._n_asked = 0
        self._control = control
        self._readings = pd.DataFrame(columns=READING_COLUMNS)
        self._belief = Belief.of(space, self.objectives, self.told, self._readings)

    def tell(self, table: pd.DataFrame) -> None:
        """Add rows that were made and measured; the same recipe again is a replicate.

        Args:
            table: Parameter columns and one column an objective: numbers in physical units, NaN
                where not measured, or text such as ``<1e-10``, ``>3.0``, ``2.30..2.35``.
                ``<objective>_se`` is its standard error, optional. Other columns are ignored.
                Recipes may lie outside today's bounds. A told recipe is no longer pending.

        Raises:
            TableError: If a column is missing, a cell cannot be read, or there is no result.
        """
        recipes = self.space.check(table).reset_index(drop=True)
        readings = told_readings(table, self.objectives)
        readings["row"] += len(self.told)
        told, known = _appended(self.told, recipes), _appended(self._readings, readings)
        self._belief = Belief.of(self.space, self.objectives, told, known)
        self.told, self._readings = told, known
        self.pending = self._without(set(row_keys(recipes, self.space.columns)))

    def ask(self, q: int = 1) -> pd.DataFrame:
        """The next q recipes to make.

        With too little data (fewer recipes than parameters, or than three, for some objective)
        they fill the space. Asking for a whole pool ranks it.

        Args:
            q: How many.

        Returns:
            q rows: parameter columns, then per objective ``_mean``, ``_sd``, ``_lower``,
            ``_upper`` (90 % of the true value); physical units, on ``log10`` the sd in decades.
            They are pending from now on.

        Raises:
            SpaceError: If q is not a positive whole number, or fewer new recipes are feasible.
        """
        rng = np.random.default_rng([self._seed, self._n_asked])
        if too_little(self._measured(), self.objectives, self.space):
            chosen = starting_batch(
                self.space,
                q,
                told=self.told,
                pending=self.pending,
                control=self._control,
                rng=rng,
            )
        else:
            chosen = propose_batch(
                self._belief.draw,
                self.space,
                self.objectives,
                q,
                baseline=self.told,
                pending=self.pending,
                rng=rng,
            )
        recipes = chosen[self.space.columns].infer_objects()
        self._n_asked += 1
        self.pending = _appended(self.pending, recipes)
        return pd.concat([recipes, self._belief.predict(recipes)], axis=1)

    def withdraw(self, rows: pd.DataFrame) -> None:
        """Take back rows that were asked and will not be made; they may be proposed again.

        Args:
            rows: Parameter columns; others are ignored.

        Raises:
            TableError: If a row is not pending.
        """
        recipes = self.space.check(rows)
        waiting = set(row_keys(self.pending, self.space.columns))
        keys = row_keys(recipes, self.space.columns)
        for (label, recipe), key in zip(recipes.iterrows(), keys, strict=True):
            if key not in waiting:
                raise TableError(
                    f"row {label}: only a pending recipe can be withdrawn, got "
                    f"{recipe.to_dict()}; see pending for what is"
                )
        self.pending = self._without(set(keys))

    def predict(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Predictions of the true values at any recipes.

        Args:
            rows: Parameter columns; others are ignored.

        Returns:
            Index of ``rows``; per objective ``_mean``, ``_sd``, ``_lower``, ``_upper``, as in
            ``ask``. NaN without data and prior.

        Raises:
            TableError: If a row is not valid.
        """
        return self._belief.predict(self.space.check(rows))

    def hypervolume(self) -> dict[str, float]:
        """Hypervolume of the recipes told, over joint posterior draws.

        Returns:
            ``value`` (median), ``lower`` and ``upper`` (90 %), in products of utility units; 0
            with nothing told, NaN while an objective has neither data nor prior. It may fall
            when data correct an optimistic reading.

        Raises:
            SpaceError: If the objective has no reference.
        """
        reference = reference_utilities(self.objectives)
        if reference is None:
            raise SpaceError(
                f"hypervolume: objective {self.objectives[0].name!r} needs a reference, got none; "
                "give the worst value that still counts"
            )
        if self.told.empty:
            return {"value": 0.0, "lower": 0.0, "upper": 0.0}
        if None in self._belief.surrogates:
            return {"value": np.nan, "lower": np.nan, "upper": np.nan}
        distinct = self.told[~is_repeated(self.told, self.space.columns)]
        rng = np.random.default_rng([self._seed, len(self.told)])
        draws = self._belief.draw(distinct, N_HYPERVOLUME_DRAWS, rng)
        volumes = hypervolume_draws(utilities(self.objectives, draws), reference)
        lower, value, upper = np.quantile(volumes, [0.05, 0.5, 0.95])
        return {"value": float(value), "lower": float(lower), "upper": float(upper)}

    def _measured(self) -> pd.DataFrame:
        """Recipes with 1 where an objective was learnt from, NaN where not."""
        table = self.told.copy()
        for objective in self.objectives:
            rows = self._readings.loc[self._readings["objective"] == objective.name, "row"]
            table[objective.name] = pd.Series(1.0, index=rows.unique()).reindex(table.index)
        return table

    def _without(self, keys: set[tuple[object, ...]]) -> pd.DataFrame:
        leaving = is_among(self.pending, self.space.columns, keys)
        return self.pending[~leaving].reset_index(drop=True)


def _require_control(space: Space, control: Mapping[str, object]) -> None:
    row = pd.DataFrame([dict(control)])
    space.check(row)
    if not space.allows(row)[0]:
        raise SpaceError(
            f"control: must be a recipe that may be proposed, got {dict(control)}; "
            "widen the space, or leave the control out"
        )


def _appended(frame: pd.DataFrame, more: pd.DataFrame) -> pd.DataFrame:
    if frame.empty:
        return more.reset_index(drop=True)
    return pd.concat([frame, more], ignore_index=True)
