"""Settings of a campaign's surrogates, chosen on what it measured, in a study that is kept."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from optuna.exceptions import OptunaError
from optuna.storages import RDBStorage
from sqlalchemy.exc import SQLAlchemyError

from experiments.campaign import Campaign
from experiments.comparison import Progress
from experiments.knowledge import PELLET_PROPERTIES, feature_ranges, sound_pellets
from experiments.workers import workers
from features.errors import CampaignError
from features.properties import property_of
from models.settings_search import DEFAULT_TRIALS, SettingsSearch
from models.tuning import Tuning, n_steps, tune

STUDIES_NAME: Final = "tuning.db"
"""File of the studies in the campaign's folder; Optuna's dashboard opens it."""


def tune_campaign(
    campaign: Campaign,
    property_id: str,
    n_trials: int = DEFAULT_TRIALS,
    storage: str | None = None,
    seed: int = 0,
    *,
    n_jobs: int | None = None,
    progress: Progress | None = None,
) -> Tuning:
    """Settings for one property of a campaign, and whether choosing them helped.

    The campaign goes on with the default settings; nothing but the study is written.

    Args:
        campaign: Open.
        property_id: Catalogue id of a pellet property.
        n_trials: Settings tried, on all data and again without each glass.
        storage: Any storage URL of Optuna; ``tuning.db`` in the campaign's folder when left out.
        seed: Of the search and of the bootstrap.
        n_jobs: Processes, as for ``workers``.
        progress: Called with steps done and steps in all.

    Returns:
        The choice and its worth.

    Raises:
        CampaignError: If no surrogate of pellets predicts the property, or the storage cannot be
            opened.
        ReadingError: If the catalogue lacks the property.
        TableError: If there are readings of fewer than three glasses.
    """
    entry = property_of(property_id)
    if property_id not in PELLET_PROPERTIES:
        raise CampaignError(
            f"choosing settings: the property must be one of {', '.join(PELLET_PROPERTIES)}, got "
            f"{property_id} ({entry.label}), which no surrogate of pellets predicts; use one of "
            "these"
        )
    if n_trials < 1:
        raise CampaignError(
            f"choosing settings: there must be 1 trial or more, got {n_trials}; 30 are usual"
        )
    config, knowledge = campaign.config, campaign.knowledge()
    recipes = sound_pellets(knowledge.pellets)
    readings = knowledge.fitted.loc[knowledge.fitted["specimen"].isin(recipes.index)]
    search = SettingsSearch(
        property_id=property_id,
        ranges=feature_ranges(config),
        temperature_c=config.temperature_c,
        n_trials=n_trials,
        seed=seed,
    )
    total = n_steps(search, recipes, readings) if progress is not None else 0
    done = 0

    def one_more() -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, total)

    url = f"sqlite:///{(campaign.folder / STUDIES_NAME).resolve()}" if storage is None else storage
    with _opened(url) as opened, workers(n_jobs):
        return tune(search, recipes, readings, storage=opened, progress=one_more)


@contextmanager
def _opened(url: str) -> Iterator[RDBStorage]:
    """A storage that is closed again; the file of an SQLite storage is free afterwards."""
    try:
        storage = RDBStorage(url)
    except (ImportError, OptunaError, SQLAlchemyError) as error:
        reason = str(error).splitlines()[0]
        raise CampaignError(
            f"choosing settings: the storage must be a database Optuna can open, got {url!r} "
            f"({reason}); give such as sqlite:///{Path('folder') / STUDIES_NAME}"
        ) from error
    try:
        yield storage
    finally:
        storage.remove_session()
        storage.engine.dispose()
