"""Settings of a property's Gaussian process, chosen by how well jars are foretold by the others."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

import optuna
import pandas as pd
from optuna.samplers import TPESampler
from optuna.storages import BaseStorage
from optuna.trial import TrialState

from models.physics import PHYSICS
from models.property_gp import PropertyGP
from models.scaling import Ranges
from models.settings import GPSettings

DEFAULT_TRIALS: Final = 30

LENGTHSCALES: Final = (0.3, 1.5)
OXYGEN_SCALES: Final = (0.05, 0.6)
"""From a kink at the first oxygen to nearly straight over the paper's range."""

FEWEST_JARS: Final = 2
"""With fewer there is no other jar to foretell one from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsSearch:
    """What a search does, whatever data it is given.

    Attributes:
        property_id: Id in the catalogue.
        ranges: Low and high end by feature; those not given keep the shipped ones.
        temperature_c: Reference temperature.
        n_trials: Settings tried, the default ones first.
        seed: Of the sampler.
    """

    property_id: str
    ranges: Ranges = field(default_factory=dict)
    temperature_c: float = 60.0
    n_trials: int = DEFAULT_TRIALS
    seed: int = 0

    def surrogate(self, settings: GPSettings) -> PropertyGP:
        """An unfitted surrogate with these settings.

        Args:
            settings: Features, kernel and so on.

        Returns:
            The surrogate.
        """
        return PropertyGP(
            self.property_id,
            ranges=self.ranges,
            temperature_c=self.temperature_c,
            settings=settings,
        )

    def log_density(
        self, settings: GPSettings, recipes: pd.DataFrame, readings: pd.DataFrame
    ) -> float:
        """Mean over jars of the log density of a jar's readings given all other jars.

        Args:
            settings: Features, kernel and so on.
            recipes: One row a pellet, as for ``PropertyGP.fit``.
            readings: As for ``PropertyGP.fit``.

        Returns:
            Per unit of the property's scale; higher is better. NaN without readings.

        Raises:
            TableError: If a table is malformed.
        """
        process = self.surrogate(settings).fit(recipes, readings).process
        if process is None or not process.n_used:
            return float("nan")
        return float(process.left_out_log_density("jar").mean())

    def study(
        self,
        recipes: pd.DataFrame,
        readings: pd.DataFrame,
        *,
        storage: BaseStorage | str | None = None,
    ) -> optuna.Study:
        """A finished study; one stored for the same data and seed is completed, not repeated.

        Args:
            recipes: As for ``log_density``.
            readings: As for ``log_density``.
            storage: Where Optuna keeps it, such as ``sqlite:///tuning.db``; in memory when left
                out.

        Returns:
            The study, its values being ``log_density``.

        Raises:
            TableError: If a table is malformed.
        """
        with _quiet():
            study = optuna.create_study(
                storage=storage,
                study_name=self._name(recipes, readings),
                direction="maximize",
                load_if_exists=True,
            )
            done = len(study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)))
            study.sampler = TPESampler(seed=self.seed + done)
            if not done:
                study.enqueue_trial(_parameters(GPSettings(), self.property_id))
                study.set_user_attr("property", self.property_id)
                study.set_user_attr("value", "mean log density of a jar given all others")
            study.optimize(
                lambda trial: self.log_density(self._suggested(trial), recipes, readings),
                n_trials=max(0, self.n_trials - done),
            )
        return study

    def chosen(self, recipes: pd.DataFrame, readings: pd.DataFrame) -> GPSettings:
        """The best settings by a search in memory; the default ones where there is no choice.

        Args:
            recipes: As for ``log_density``.
            readings: As for ``log_density``.

        Returns:
            The settings.

        Raises:
            TableError: If a table is malformed.
        """
        process = self.surrogate(GPSettings()).fit(recipes, readings).process
        if process is None or len(process.left_out_log_density("jar")) < FEWEST_JARS:
            return GPSettings()
        return settings_of(self.study(recipes, readings).best_params)

    def _suggested(self, trial: optuna.Trial) -> GPSettings:
        trial.suggest_categorical("features", ["descriptors", "raw"])
        trial.suggest_categorical("kernel", ["matern52", "matern32", "rbf"])
        trial.suggest_float("lengthscale_median", *LENGTHSCALES, log=True)
        if trial.suggest_categorical("warp_oxygen", [False, True]):
            trial.suggest_float("oxygen_scale", *OXYGEN_SCALES, log=True)
        if self.property_id in PHYSICS:
            trial.suggest_categorical("physics", [False, True])
        return settings_of(trial.params)

    def _name(self, recipes: pd.DataFrame, readings: pd.DataFrame) -> str:
        """Names data and seed: values of other data must not be mixed with these."""
        own = readings.loc[readings["property"] == self.property_id]
        made = recipes.loc[recipes.index.map(str).isin(own["specimen"].map(str))]
        text = f"{made.to_csv()}{own.to_csv()}{sorted(self.ranges.items())}{self.temperature_c}"
        digest = sha256(text.encode()).hexdigest()[:8]
        return f"{self.property_id}, data {digest}, seed {self.seed}"


def settings_of(parameters: Mapping[str, Any]) -> GPSettings:
    """Settings from the parameters of a trial.

    Args:
        parameters: ``Trial.params``.

    Returns:
        The settings.

    Examples:
        >>> settings_of({"kernel": "rbf", "warp_oxygen": False}).kernel
        'rbf'
    """
    return GPSettings(**{name: v for name, v in parameters.items() if name != "warp_oxygen"})


def settings_in_words(settings: GPSettings) -> str:
    """What differs from the default settings.

    Args:
        settings: Any.

    Returns:
        Such as ``kernel rbf, physics True``; ``the default settings`` when nothing does.

    Examples:
        >>> settings_in_words(GPSettings(kernel="rbf", lengthscale_median=0.4321))
        'kernel rbf, lengthscale_median 0.432'
    """
    default = GPSettings().to_dict()
    changed = {name: v for name, v in settings.to_dict().items() if v != default[name]}
    if not changed:
        return "the default settings"
    return ", ".join(
        f"{name} {format(v, '.3g') if isinstance(v, float) else v}" for name, v in changed.items()
    )


def trials_table(study: optuna.Study) -> pd.DataFrame:
    """The finished trials of a study.

    Args:
        study: Of ``SettingsSearch.study``.

    Returns:
        One row a trial, index number; columns log_density and the fields of ``GPSettings``.
    """
    trials = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    rows = [{"log_density": trial.value, **settings_of(trial.params).to_dict()} for trial in trials]
    index = pd.Index([trial.number for trial in trials], name="number")
    table = pd.DataFrame(rows, index=index)
    return table.assign(oxygen_scale=table["oxygen_scale"].astype(float))


def _parameters(settings: GPSettings, property_id: str) -> dict[str, Any]:
    """Parameters of the trial that tries these settings."""
    parameters = settings.to_dict()
    scale = parameters.pop("oxygen_scale")
    if property_id not in PHYSICS:
        del parameters["physics"]
    warped = {} if scale is None else {"oxygen_scale": scale}
    return {**parameters, "warp_oxygen": scale is not None, **warped}


@contextmanager
def _quiet() -> Iterator[None]:
    """Optuna tells of every trial on the console; whoever searches shows a bar instead."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)
