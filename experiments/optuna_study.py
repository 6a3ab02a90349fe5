"""A campaign as studies of Optuna, one of its pellets and one of its cells, to be looked at."""

import os
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, final

from optuna import copy_study, create_study, delete_study, logging
from optuna.exceptions import ExperimentalWarning, OptunaError
from optuna.storages import InMemoryStorage, RDBStorage
from optuna.study import Study, get_all_study_names
from sqlalchemy.exc import SQLAlchemyError

from experiments.assumptions import assumption_sentences
from experiments.campaign import Campaign
from experiments.optuna_rows import STATES, Specimens, cell_specimens, pellet_specimens
from features.errors import CampaignError
from features.properties import property_of

SQLITE: Final = "sqlite:///"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedStudy:
    """What one study holds.

    Attributes:
        name: Of the study.
        storage: URL it was written to.
        states: Number of trials by state.
        left_out: Specimens nobody made.
        widened: Columns in which a specimen lies outside today's search, in words.
        simulated: Whether its readings come from the virtual laboratory.
    """

    name: str
    storage: str
    states: dict[str, int]
    left_out: list[str]
    widened: dict[str, str]
    simulated: bool

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)

    def in_words(self) -> str:
        """One line for people."""
        counts = ", ".join(f"{n} {state}" for state, n in self.states.items()) or "no specimens yet"
        return f"{'SIMULATED: ' * self.simulated}study {self.name!r}: {counts}"


def export_studies(
    campaign: Campaign, target: str, *, replace: bool = False
) -> list[ExportedStudy]:
    """Write a campaign's pellets and cells as two studies, one trial a specimen.

    Values are the centres of the readings learned from, at the campaign's temperature. A specimen
    with only some of its objectives read is a pruned trial, a planned one is running. Readings as
    given, errors, remarks and what is believed now are user attributes.

    Args:
        campaign: Open.
        target: A file of SQLite, or any storage URL of Optuna.
        replace: Replace studies of the same name.

    Returns:
        What was written: the study of the glasses, then that of the cells.

    Raises:
        CampaignError: If the storage cannot be used, or holds such a study and ``replace`` is
            false; nothing was written then.
    """
    url = target if "://" in target else f"{SQLITE}{Path(target).expanduser().absolute()}"
    with _quiet():
        drafts = _drafts(campaign)
        studies = [study for study, _ in drafts]
        path = Path(url.removeprefix(SQLITE)) if url.startswith(SQLITE) else None
        if path is not None and not path.exists():
            _write_file(path, studies)
        else:
            with _opened(url) as storage:
                _write(storage, studies, _held(storage, studies, target, replace=replace))
    return [
        ExportedStudy(
            name=study.study_name,
            storage=url,
            states=_states(study),
            left_out=specimens.left_out,
            widened=specimens.widened(),
            simulated=specimens.simulated,
        )
        for study, specimens in drafts
    ]


def _held(
    storage: RDBStorage, studies: Sequence[Study], target: str, *, replace: bool
) -> list[str]:
    """Names of these studies that the storage holds already.

    Raises:
        CampaignError: If there are any and they must not be replaced.
    """
    names = set(get_all_study_names(storage))
    held = [study.study_name for study in studies if study.study_name in names]
    if held and not replace:
        raise CampaignError(
            f"--optuna {target}: must not hold a study of this campaign yet, got "
            f"{', '.join(map(repr, held))}; add --replace to write it anew, or give another file"
        )
    return held


def _drafts(campaign: Campaign) -> list[tuple[Study, Specimens]]:
    """Both studies in memory, whole and valid before anything is written."""
    ledger, config, knowledge = campaign.ledger, campaign.config, campaign.knowledge()
    readings = ledger.readings()
    readings["fitted"] = readings["version_id"].isin(knowledge.fitted["version_id"])
    is_simulated = campaign.kind == "simulated"
    kinds = {
        "glasses": pellet_specimens(config, knowledge, readings, simulated=is_simulated),
        "cells": cell_specimens(config, knowledge, readings, simulated=is_simulated),
    }
    assumptions = assumption_sentences(ledger, config)
    return [
        (_draft(campaign, kind, specimens, assumptions), specimens)
        for kind, specimens in kinds.items()
    ]


def _draft(
    campaign: Campaign, kind: str, specimens: Specimens, assumptions: Sequence[str]
) -> Study:
    suffix = " (simulated)" if specimens.simulated else ""
    study = create_study(
        study_name=f"{campaign.ledger.campaign} {kind}{suffix}",
        storage=InMemoryStorage(),
        directions=[part.direction for part in specimens.objectives.values()],
    )
    entries = [property_of(name) for name in specimens.objectives]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        study.set_metric_names([f"{entry.id} ({entry.unit})" for entry in entries])
    attributes: dict[str, Any] = {
        "campaign": campaign.ledger.campaign,
        "simulated": specimens.simulated,
        "temperature_c": specimens.temperature_c,
        "states": STATES,
        "assumptions": list(assumptions),
        "widened": specimens.widened(),
        "left_out": specimens.left_out,
    }
    for key, value in attributes.items():
        study.set_user_attr(key, value)
    study.add_trials(specimens.trials())
    return study


def _write_file(path: Path, studies: Sequence[Study]) -> None:
    """A new file of SQLite, whole or not at all."""
    try:
        with tempfile.TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as folder:
            draft = Path(folder) / "draft.db"
            with _opened(f"{SQLITE}{draft}") as storage:
                _write(storage, studies, [])
            os.replace(draft, path)
    except OSError as error:
        raise _unusable(f"{SQLITE}{path}", error) from error


def _write(storage: RDBStorage, studies: Sequence[Study], held: Sequence[str]) -> None:
    """All studies, or after a failure those that were there before."""
    former = InMemoryStorage()
    for name in held:
        copy_study(from_study_name=name, from_storage=storage, to_storage=former)
    try:
        _replace(storage, studies, held)
    except BaseException:
        _remove(storage, [study.study_name for study in studies])
        for name in held:
            copy_study(from_study_name=name, from_storage=former, to_storage=storage)
        raise


def _replace(storage: RDBStorage, studies: Sequence[Study], held: Sequence[str]) -> None:
    for study in studies:
        if study.study_name in held:
            delete_study(study_name=study.study_name, storage=storage)
    for study in studies:
        copy_study(
            from_study_name=study.study_name,
            # a study has no public way to its storage
            from_storage=study._storage,  # noqa: SLF001
            to_storage=storage,
        )


def _remove(storage: RDBStorage, names: Sequence[str]) -> None:
    for name in set(get_all_study_names(storage)) & set(names):
        delete_study(study_name=name, storage=storage)


def _states(study: Study) -> dict[str, int]:
    states = [trial.state.name for trial in study.get_trials(deepcopy=False)]
    return {name: states.count(name) for name in dict.fromkeys(states)}


@contextmanager
def _quiet() -> Iterator[None]:
    """Optuna announces every study it makes; here those are drafts and copies."""
    before = logging.get_verbosity()
    logging.set_verbosity(logging.WARNING)
    try:
        yield
    finally:
        logging.set_verbosity(before)


@contextmanager
def _opened(url: str) -> Iterator[RDBStorage]:
    """A storage that is closed again."""
    try:
        storage = RDBStorage(url)
    except (ImportError, OptunaError, SQLAlchemyError) as error:
        raise _unusable(url, error) from error
    try:
        yield storage
    except (OptunaError, SQLAlchemyError) as error:
        raise _unusable(url, error) from error
    finally:
        storage.remove_session()
        storage.engine.dispose()


def _unusable(url: str, error: Exception) -> CampaignError:
    return CampaignError(
        f"--optuna: the storage must be a database Optuna can write to, got {url!r} "
        f"({str(error).splitlines()[0]}); give a file such as study.db, or a URL such as "
        "sqlite:///study.db"
    )
