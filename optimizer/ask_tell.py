"""Ask for recipes, tell what came of them."""

from collections.abc import Mapping, Sequence
from typing import Final, final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.errors import SpaceError, TableError
from optimizer.batch import N_SPREAD, propose_batch
from optimizer.belief import Belief
from optimizer.hypervolume import hypervolume_draws
from optimizer.initial import starting_batch, too_little
from optimizer.limits import Limit, utility_ranges
from optimizer.objectives import Objective, reference_utilities, utilities
from optimizer.pool import CandidatePool
from optimizer.rows import is_among, is_repeated, row_keys
from optimizer.rules import BatchRules, Capacity, Cost
from optimizer.scalarised import LineImprovement
from optimizer.scene import MOST_OBJECTIVES
from optimizer.space import Space
from optimizer.stopping import NextRound, next_round_gain
from optimizer.told import READING_COLUMNS, told_failures, told_readings

N_HYPERVOLUME_DRAWS: Final = 512

HOPELESS: Final = -4.0
"""A reference that no candidate comes nearer to, in standard deviations, counts as out of reach."""


@final
class Optimizer:
    """Multi-objective Bayesian optimisation of any table, by ask and tell.

    Attributes:
        space: Where recipes may lie.
        objectives: What is good.
        limits: Outcomes that must stay within a range.
        told: Recipes told, one row each; replicates are rows of their own.
        failed: Which of them could not be made.
        pending: Recipes asked, and neither told nor withdrawn.
        notes: What the user should know of the last batch, one sentence each.

    Raises:
        SpaceError: If an objective or limit has the name of a parameter, repeats, or lacks a
            reference, there are more than five objectives without ``many``, or the control cannot
            be proposed.
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
        limits: Sequence[Limit] = (),
        many: bool = False,
    ) -> None:
        reference_utilities(objectives)
        _require_names(space, objectives, limits)
        _require_few(objectives, many=many)
        if control is not None:
            _require_control(space, control)
        self.space = space
        self.objectives = tuple(objectives)
        self.limits = tuple(limits)
        self.notes: tuple[str, ...] = ()
        self.told = pd.DataFrame(columns=space.columns)
        self.failed = np.zeros(0, dtype=bool)
        self.pending = pd.DataFrame(columns=space.columns)
        self._seed = seed
        self._n_asked = 0
        self._control = control
        self._readings = pd.DataFrame(columns=READING_COLUMNS)
        self._belief = self._learned(self.told, self._readings, self.failed)

    def tell(self, table: pd.DataFrame) -> None:
        """Add rows that were made and measured; the same recipe again is a replicate.

        Args:
            table: Parameter columns and one column an objective: numbers in physical units, NaN
                where not measured, or text such as ``<1e-10``, ``>3.0``, ``2.30..2.35``.
                ``<objective>_se`` is its standard error, optional. The same for limits. True in an
                optional column ``failed``: the recipe was tried and could not be made. Other
                columns are ignored. Recipes may lie outside today's bounds. A told recipe is no
                longer pending.

        Raises:
            TableError: If a column is missing, a cell cannot be read, there is no result, or a
                failed recipe has one.
        """
        recipes = self.space.check(table).reset_index(drop=True)
        fails = told_failures(table, self._outcomes)
        readings = told_readings(table, self._outcomes, may_be_empty=bool(fails.any()))
        readings["row"] += len(self.told)
        told, known = _appended(self.told, recipes), _appended(self._readings, readings)
        failed = np.concatenate([self.failed, fails])
        self._belief = self._learned(told, known, failed)
        self.told, self._readings, self.failed = told, known, failed
        self.pending = self._without(set(row_keys(recipes, self.space.columns)))

    def ask(
        self,
        q: int = 1,
        *,
        shared: Sequence[str] = (),
        capacity: Capacity | None = None,
        cost: Cost | None = None,
        budget: float | None = None,
        resolution: Mapping[str, float] | None = None,
    ) -> pd.DataFrame:
        """The next q recipes to make.

        With too little data (fewer recipes than parameters, or than three, for some objective)
        they fill the space. Asking for a whole pool ranks it.

        Args:
            q: How many.
            shared: Columns in which all recipes of the batch agree, as jars of one mill run do.
            capacity: Column to level to the most recipes of that level, such as jars owned.
            cost: ``cost(rows, batch)``: what each row costs on top of a batch; recipes are then
                chosen by gain per cost, once there is enough to learn from.
            budget: The most the batch may cost; fewer recipes are returned then.
            resolution: Column to the smallest difference that can be made.

        Returns:
            q rows: parameter columns, then per objective ``_mean``, ``_sd``, ``_lower``,
            ``_upper`` (90 % of the true value); physical units, on ``log10`` the sd in decades.
            They are pending from now on.

        Raises:
            SpaceError: If q is not a positive whole number, fewer new recipes are feasible, or a
                rule cannot be kept.
        """
        rules = BatchRules(
            columns=self.space.columns,
            taken=frozenset(),
            shared=shared,
            capacity=capacity,
            cost=cost,
            budget=budget,
            resolution=resolution or {},
        )
        chosen = self._chosen(q, rules)
        self.notes = self._noticed(chosen)
        recipes = chosen[self.space.columns].infer_objects()
        self._n_asked += 1
        self.pending = _appended(self.pending, recipes)
        return pd.concat([recipes, self._belief.predict(recipes)], axis=1)

    def expected_gain(self, q: int = 1, *, more_than: float | None = None) -> NextRound | None:
        """What the next q recipes are expected to add to the hypervolume; asks for nothing.

        Args:
            q: Size of the batch that ``ask`` would give.
            more_than: Gain that makes a round worth it; left out, 1 % of what there is.

        Returns:
            Expected gain, 90 % interval and probability of more, products of utility units;
            ``None`` while there is too little to learn from.

        Raises:
            SpaceError: If q is not a positive whole number, or fewer new recipes are feasible.
        """
        if self._is_start:
            return None
        anything = BatchRules(columns=self.space.columns, taken=frozenset())
        batch = self._chosen(q, anything)[self.space.columns]
        rng = np.random.default_rng([self._seed, self._n_asked, 1])
        made = self.told[~self.failed]
        scene = self._belief.scene(
            made[~is_repeated(made, self.space.columns)], self.pending, rng, n=N_HYPERVOLUME_DRAWS
        )
        return next_round_gain(scene, batch, reference=scene.aim.reference, more_than=more_than)

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
        if None in self._belief.surrogates[: len(self.objectives)]:
            return {"value": np.nan, "lower": np.nan, "upper": np.nan}
        made = self.told[~self.failed]
        distinct = made[~is_repeated(made, self.space.columns)]
        rng = np.random.default_rng([self._seed, len(self.told)])
        draws = self._belief.draw(distinct, N_HYPERVOLUME_DRAWS, rng)
        values = utilities(self.objectives, draws)
        volumes = (
            hypervolume_draws(values, reference)
            if len(reference) <= MOST_OBJECTIVES
            else LineImprovement(values, reference, []).volumes()
        )
        lower, value, upper = np.quantile(volumes, [0.05, 0.5, 0.95])
        return {"value": float(value), "lower": float(lower), "upper": float(upper)}

    @property
    def _outcomes(self) -> list[Objective]:
        return [*self.objectives, *(limit.outcome for limit in self.limits)]

    @property
    def _is_start(self) -> bool:
        return too_little(self._measured(), self.objectives, self.space)

    def _chosen(self, q: int, rules: BatchRules) -> pd.DataFrame:
        """The next q recipes, with what they are expected to add unless they are a start."""
        rng = np.random.default_rng([self._seed, self._n_asked])
        if self._is_start:
            return starting_batch(
                self.space,
                q,
                told=self.told,
                pending=self.pending,
                control=self._control,
                rng=rng,
                shared=rules.shared,
                capacity=rules.capacity,
            )
        return propose_batch(
            self._belief.scene,
            self.space,
            q,
            baseline=self.told[~self.failed],
            pending=self.pending,
            exclude=self.told[self.failed],
            rng=rng,
            shared=rules.shared,
            capacity=rules.capacity,
            cost=rules.cost,
            budget=rules.budget,
            resolution=rules.resolution,
            slope=self.space,
            n_spread=self.space.size if isinstance(self.space, CandidatePool) else N_SPREAD,
        )

    def _learned(
        self, told: pd.DataFrame, readings: pd.DataFrame, failed: NDArray[np.bool_]
    ) -> Belief:
        return Belief.of(self.space, self.objectives, self.limits, told, readings, failed)

    def _noticed(self, chosen: pd.DataFrame) -> tuple[str, ...]:
        """What the user should know of a batch."""
        read = set(self._readings["objective"])
        notes = [
            f"{outcome.name} has no reading yet: "
            + ("the batch fills the space" if outcome in self.objectives else "it limits nothing")
            for outcome in self._outcomes
            if len(self.told) and outcome.name not in read and outcome.prior is None
        ]
        if "promise" in chosen and (chosen["promise"] < HOPELESS).all():
            missed = " and ".join(self._out_of_reach(chosen))
            notes.append(
                f"no candidate is expected to reach {missed}: the batch goes towards it; check "
                "what is asked for"
            )
        return tuple(notes)

    def _out_of_reach(self, chosen: pd.DataFrame) -> list[str]:
        """References and limits that none of the rows comes near."""
        predicted = self._belief.predict(chosen[self.space.columns])
        found = []
        for outcome, (low, high) in zip(
            self._outcomes, utility_ranges(self._outcomes), strict=True
        ):
            centre = outcome.utility(predicted[f"{outcome.name}_mean"])
            spread = predicted[f"{outcome.name}_sd"].to_numpy() / outcome.width
            if outcome.reference is not None:
                floor = float(outcome.utility(outcome.reference))
                if ((centre - floor) / spread < HOPELESS).all():
                    found.append(f"the reference {outcome.reference:g} of {outcome.name}")
            if (np.minimum(centre - low, high - centre) / spread < HOPELESS).all():
                found.append(f"the limit of {outcome.name}")
        return found or ["all of what is asked for together"]

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


def _require_names(space: Space, objectives: Sequence[Objective], limits: Sequence[Limit]) -> None:
    names = [*(o.name for o in objectives), *(limit.name for limit in limits)]
    clash = sorted({n for n in names if n in space.columns or n == "failed" or names.count(n) > 1})
    if clash:
        raise SpaceError(
            "objectives and limits: a name must be its own and not that of a parameter, got "
            f"{', '.join(clash)}; rename one of them"
        )


def _require_few(objectives: Sequence[Objective], *, many: bool) -> None:
    if len(objectives) > MOST_OBJECTIVES and not many:
        raise SpaceError(
            f"objectives: up to {MOST_OBJECTIVES} are improved together exactly, got "
            f"{len(objectives)}; make the lesser ones limits, or pass many=True to have the "
            "hypervolume estimated along random lines"
        )


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
