"""A campaign's runs as a store of their own, for an archive: read from any MLflow, kept in SQLite.

Runs and models keep their ids: the ledger knows them. MLflow gives ids itself, so what was
written is renamed afterwards.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # read while MLflow is imported

import mlflow
from mlflow import MlflowClient
from mlflow.entities import (
    Dataset,
    DatasetInput,
    Experiment,
    LoggedModel,
    LoggedModelOutput,
    Param,
    Run,
)
from mlflow.entities import LoggedModelStatus as Status
from mlflow.entities.model_registry import ModelVersion
from mlflow.store.entities import PagedList
from mlflow.utils.validation import MAX_METRICS_PER_BATCH, MAX_PARAMS_TAGS_PER_BATCH

from experiments.archive_database import KEPT_AT, copy_database, rewrite_texts
from experiments.tracking_home import Home, local_store, without_password
from experiments.tracking_store import CAMPAIGN_ID, TROUBLE, fast_and_quiet, reason
from features.errors import CampaignError

_ID: Final = re.compile(r"[0-9a-f]{32}")
"""How MLflow calls a run, and after ``m-`` a model."""

_Held = TypeVar("_Held")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What was taken along of MLflow.

    Attributes:
        runs: Runs, nested ones too.
        versions: Versions of registered models.
        why_not: Why there are none, one sentence; ``None`` when they are all there.
    """

    runs: int = 0
    versions: int = 0
    why_not: str | None = None


def keep_runs(home: Home, folder: Path) -> Kept:
    """Copy a campaign's experiment into a store of its own. Never raises because of MLflow.

    Args:
        home: Where the campaign is kept.
        folder: Gets ``mlflow.db`` and ``artifacts``, or nothing; must exist. Locations in the
            store begin with ``KEPT_AT``.

    Returns:
        Counts, or why nothing could be kept.
    """
    shown = without_password(home.tracking_uri)
    file = home.tracking_uri.partition("sqlite:///")[2]
    if file and not Path(file).is_file():  # MLflow would make one
        return Kept(why_not=f"MLflow at {shown}: there is no store yet")
    with (
        fast_and_quiet(),
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as draft,
    ):
        try:
            source = MlflowClient(tracking_uri=home.tracking_uri)
            experiment = _experiment(source, home)
            if experiment is None:
                return Kept(why_not=f"MLflow at {shown}: holds nothing of this campaign")
            copying = _Copying.begin(source, experiment, Path(draft))
            kept = copying.copy()
            copying.settle(folder)
        except (*TROUBLE, CampaignError) as trouble:
            why = reason(home.tracking_uri, trouble)
            return Kept(why_not=f"MLflow at {shown}: its runs could not be read ({why})")
    return kept


def _experiment(source: MlflowClient, home: Home) -> Experiment | None:
    owned = source.search_experiments(
        filter_string=f"tags.`{CAMPAIGN_ID}` = '{home.campaign_id}'", max_results=1
    )
    return owned[0] if owned else None


@dataclass(frozen=True, slots=True)
class _Copying:
    """One experiment on its way from one store to another.

    Attributes:
        source: Client of the store read from.
        experiment: Its experiment.
        target: Client of the store written to.
        home_id: The experiment's id there.
        root: Folder of the files there.
        ids: What the target called a run or model, and what it is to be called.
    """

    source: MlflowClient
    experiment: Experiment
    target: MlflowClient
    home_id: str
    root: Path
    ids: dict[str, str] = field(default_factory=dict)

    @classmethod
    def begin(cls, source: MlflowClient, experiment: Experiment, folder: Path) -> "_Copying":
        """An empty store in a folder, with the experiment's name and tags."""
        root = folder / "artifacts"
        root.mkdir()
        target = MlflowClient(tracking_uri=local_store(folder))
        tags = {key: text for key, text in experiment.tags.items() if not _is_mlflows(key)}
        home_id = target.create_experiment(experiment.name, root.as_uri(), tags)
        return cls(source, experiment, target, str(home_id), root)

    def copy(self) -> Kept:
        """Runs, their files, models and what is registered of them."""
        found = [str(self.experiment.experiment_id)]
        runs = _all(
            lambda token: self.source.search_runs(
                found, order_by=["attributes.start_time ASC"], page_token=token
            )
        )
        made = {run.info.run_id: self._copy_run(run) for run in runs}
        models = _all(lambda token: self.source.search_logged_models(found, page_token=token))
        by_id = {model.model_id: self._copy_model(model, made) for model in models}
        for run in runs:
            self._copy_outputs(run, made[run.info.run_id], by_id)
        places = {model.artifact_location: by_id[model.model_id] for model in models}
        return Kept(runs=len(runs), versions=self._copy_versions(made, places))

    def settle(self, folder: Path) -> None:
        """Move all of it into a folder, under its old ids and as seen from an archive's root."""
        copy_database(self.root.parent / "mlflow.db", folder / "mlflow.db")
        root = self.root.as_uri()
        others = [
            str(other.artifact_location)  # MLflow makes an experiment of its own in every store
            for other in self.target.search_experiments()
            if str(other.experiment_id) != self.home_id
        ]

        def settled(text: str) -> str:
            if text in others:
                return f"{KEPT_AT}/0"
            renamed = _ID.sub(lambda found: self.ids.get(found[0], found[0]), text)
            return renamed.replace(root, KEPT_AT)

        rewrite_texts(folder / "mlflow.db", settled)
        shutil.move(self.root, folder / "artifacts")

    def _copy_run(self, run: Run) -> Run:
        """A run with its files; still running if it is."""
        old, data = run.info, run.data
        made = self.target.create_run(self.home_id, old.start_time, data.tags, old.run_name)
        new_id = made.info.run_id
        self.ids[new_id] = old.run_id
        points = [
            point
            for key in data.metrics
            for point in self.source.get_metric_history(old.run_id, key)
        ]
        for some in _lots(points, MAX_METRICS_PER_BATCH):
            self.target.log_batch(new_id, metrics=some)
        params = [Param(key, text) for key, text in data.params.items()]
        for lot in _lots(params, MAX_PARAMS_TAGS_PER_BATCH):
            self.target.log_batch(new_id, params=lot)
        if self.source.list_artifacts(old.run_id):
            files = self.root / old.run_id / "artifacts"
            files.mkdir(parents=True)
            self.source.download_artifacts(old.run_id, "", str(files))
        seen = run.inputs.dataset_inputs if run.inputs else []
        if seen:
            self.target.log_inputs(new_id, [_moved(one, run, made) for one in seen])
        if old.status != "RUNNING":
            self.target.set_terminated(new_id, old.status, old.end_time)
        return made

    def _copy_model(self, model: LoggedModel, made: Mapping[str, Run]) -> LoggedModel:
        run = made.get(model.source_run_id or "")
        copy = self.target.create_logged_model(
            self.home_id,
            name=model.name,
            source_run_id=run.info.run_id if run else None,
            tags={key: text for key, text in model.tags.items() if not _is_mlflows(key)},
            params=model.params,
            model_type=model.model_type,
        )
        self.ids[copy.model_id.removeprefix("m-")] = model.model_id.removeprefix("m-")
        if model.status == Status.READY:
            files = self.root / "models" / model.model_id
            files.mkdir(parents=True)
            mlflow.artifacts.download_artifacts(
                artifact_uri=model.artifact_location,
                dst_path=str(files),
                tracking_uri=str(self.source.tracking_uri),
            )
            self.target.finalize_logged_model(copy.model_id, Status.READY)
        return copy

    def _copy_outputs(self, run: Run, made: Run, models: Mapping[str, LoggedModel]) -> None:
        told = run.outputs.model_outputs if run.outputs else []
        outputs = [
            LoggedModelOutput(models[one.model_id].model_id, one.step)
            for one in told
            if one.model_id in models
        ]
        if outputs:
            self.target.log_outputs(made.info.run_id, outputs)

    def _copy_versions(self, made: Mapping[str, Run], places: Mapping[str, LoggedModel]) -> int:
        """What is registered of the models, oldest version first, with aliases; how many."""
        held = [
            (version, run_id, places[str(version.source)])
            for run_id in made
            for version in self._versions(run_id)
            if version.source in places
        ]
        held.sort(key=lambda one: int(one[0].version))
        for name in sorted({version.name for version, _, _ in held}):
            home = self.source.get_registered_model(name)
            self.target.create_registered_model(name, home.tags, home.description)
            aliases = {str(number): alias for alias, number in home.aliases.items()}
            for version, run_id, model in held:
                if version.name != name:
                    continue
                copy = self.target.create_model_version(
                    name,
                    model.artifact_location,
                    run_id=made[run_id].info.run_id,
                    tags=version.tags,
                    description=version.description,
                    model_id=model.model_id,
                    await_creation_for=0,
                )
                if alias := aliases.get(str(version.version)):
                    self.target.set_registered_model_alias(name, alias, copy.version)
        return len(held)

    def _versions(self, run_id: str) -> Sequence[ModelVersion]:
        return _all(
            lambda token: self.source.search_model_versions(
                f"run_id = '{run_id}'", page_token=token
            )
        )


def _moved(seen: DatasetInput, run: Run, made: Run) -> DatasetInput:
    """A data set a run saw, its file where it is now."""
    data = seen.dataset
    source = data.source.replace(str(run.info.artifact_uri), str(made.info.artifact_uri))
    moved = Dataset(data.name, data.digest, data.source_type, source, data.schema, data.profile)
    return DatasetInput(moved, list(seen.tags))


def _is_mlflows(key: str) -> bool:
    """Whether MLflow keeps a tag itself."""
    return key.startswith("mlflow.")


def _all(page: Callable[[str | None], "PagedList[_Held]"]) -> Sequence[_Held]:
    """Everything a search finds, page by page."""

    def pages() -> Iterator[Any]:
        found = page(None)
        yield from found
        while found.token:
            found = page(found.token)
            yield from found

    return list(pages())


def _lots(items: list[_Held], most: int) -> Iterator[list[_Held]]:
    """A list in parts as large as MLflow takes at once."""
    for start in range(0, len(items), most):
        yield items[start : start + most]
