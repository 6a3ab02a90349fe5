"""Surrogates as models of MLflow: logged with their code, and registered by property."""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import Any, Final
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import mlflow
import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import LoggedModel, LoggedModelOutput, LoggedModelStatus, Run
from mlflow.entities.model_registry import ModelVersion, RegisteredModel
from mlflow.exceptions import MlflowException
from mlflow.models import Model, ModelSignature
from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST, ErrorCode
from mlflow.types.schema import AnyType, ColSpec, ParamSchema, ParamSpec, Schema

import features
import models
from experiments import model_code, pyfunc_model
from experiments.tracking_store import CAMPAIGN, CAMPAIGN_ID
from features.errors import LedgerError

NEWEST: Final = "newest"
"""Alias of the version that was fitted last."""

EVENT: Final = "glassloop.event"
"""Tag of a version: number of the event that brought it, ascending in a campaign."""

MODEL_REQUIREMENTS: Final = ("numpy", "pandas", "scikit-learn", "scipy")
"""What the code that travels with the model needs; logged with the versions installed here."""

KIND_REQUIREMENTS: Final[Mapping[str, tuple[str, ...]]] = {
    "BotorchSurrogate": ("botorch", "gpytorch", "torch"),
}
"""What some kinds of surrogates need besides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """A property's place in the registry.

    Attributes:
        campaign: Name of the campaign.
        campaign_id: What tells two campaigns of one name apart.
        property_id: The property; the registered model is called ``<campaign>.<property>``.
        event_id: Number of the event that brings the version.
        tags: Of the version.
    """

    campaign: str
    campaign_id: str
    property_id: str
    event_id: int
    tags: Mapping[str, str]

    @property
    def names(self) -> tuple[str, str]:
        """The name, and the one to take if another campaign has it."""
        allowed = self.campaign.translate(str.maketrans("/:", "--"))
        return (
            f"{allowed}.{self.property_id}",
            f"{allowed}-{self.campaign_id[:8]}.{self.property_id}",
        )


def log_model(
    client: MlflowClient,
    run: Run,
    surrogates: Mapping[str, Any],
    *,
    name: str,
    step: int = 0,
    asked: str = "",
) -> LoggedModel:
    """Log surrogates together as one pyfunc model of a run, once.

    Args:
        client: Of the store.
        run: The run whose output the model is.
        surrogates: ``pyfunc_model.plain_surrogate`` by any name.
        name: Of the model.
        step: The round's number.
        asked: Property answered for when a caller names none; all when empty.

    Returns:
        The model.
    """
    run_id = run.info.run_id
    logged = _logged_model(client, run, surrogates, name)
    if logged.status != LoggedModelStatus.READY:
        with tempfile.TemporaryDirectory() as folder:
            _save_model(Path(folder), surrogates, run_id=run_id, logged=logged, asked=asked)
            client.log_model_artifacts(logged.model_id, str(Path(folder, "model")))
        client.finalize_logged_model(logged.model_id, LoggedModelStatus.READY)
    outputs = client.get_run(run_id).outputs
    held = outputs.model_outputs if outputs else []
    if logged.model_id not in {output.model_id for output in held}:
        client.log_outputs(run_id, [LoggedModelOutput(logged.model_id, step)])
    return logged


def register(client: MlflowClient, logged: LoggedModel, where: Registration) -> None:
    """Register a logged model as a version of its property, once; the newest gets the alias.

    Args:
        client: Of the store.
        logged: The logged model.
        where: The property, and whose it is.

    Raises:
        LedgerError: If both names are another campaign's.
    """
    home = _registered_model(client, where)
    held = [
        known
        for known in client.search_model_versions(f"run_id = '{logged.source_run_id}'")
        if known.name == home.name
    ]
    tags = {**where.tags, CAMPAIGN_ID: where.campaign_id, EVENT: str(where.event_id)}
    made = (
        held[0]
        if held
        else client.create_model_version(
            home.name,
            logged.artifact_location,  # models:/<id> is looked up in the global store, not ours
            run_id=logged.source_run_id,
            tags=tags,
            model_id=logged.model_id,
            await_creation_for=0,
        )
    )
    if where.event_id >= _event_of_newest(client, home):
        client.set_registered_model_alias(home.name, NEWEST, made.version)


def _registered_model(client: MlflowClient, where: Registration) -> RegisteredModel:
    for name in where.names:
        try:
            known = client.get_registered_model(name)
        except MlflowException as unknown:
            if unknown.error_code != ErrorCode.Name(RESOURCE_DOES_NOT_EXIST):
                raise
            words = where.property_id.replace("_", " ")
            return client.create_registered_model(
                name,
                {CAMPAIGN_ID: where.campaign_id, CAMPAIGN: where.campaign},
                f"{words}, as campaign {where.campaign} knows it. A version a fit; alias "
                f"{NEWEST}: the last fit.",
            )
        if known.tags.get(CAMPAIGN_ID) == where.campaign_id:
            return known
    raise LedgerError(
        f"the registered model must be this campaign's own, got {' and '.join(where.names)}, both "
        "another's; rename one in MLflow, or set mlflow.folder or mlflow.tracking_uri to a store "
        "of its own"
    )


def _event_of_newest(client: MlflowClient, home: RegisteredModel) -> int:
    """The event that brought the version called newest; -1 while none is."""
    if NEWEST not in home.aliases:
        return -1
    newest: ModelVersion = client.get_model_version(home.name, home.aliases[NEWEST])
    return int(newest.tags.get(EVENT, -1))


def _logged_model(
    client: MlflowClient, run: Run, surrogates: Mapping[str, Any], name: str
) -> LoggedModel:
    found = client.search_logged_models(
        [run.info.experiment_id],
        f"name = '{name}' AND source_run_id = '{run.info.run_id}'",
        max_results=1,
    )
    if found:
        return found[0]
    return client.create_logged_model(
        run.info.experiment_id,
        name=name,
        source_run_id=run.info.run_id,
        params={key: str(plain["kind"]) for key, plain in surrogates.items()},
    )


def _save_model(
    folder: Path, surrogates: Mapping[str, Any], *, run_id: str, logged: LoggedModel, asked: str
) -> None:
    """Write the pyfunc model of surrogates to ``folder / "model"``."""
    data, archive = folder / "surrogates.json", folder / model_code.ARCHIVE
    data.write_text(json.dumps(surrogates), encoding="utf-8")
    archive.write_bytes(_code())
    columns = dict.fromkeys(column for names in pyfunc_model.COLUMNS.values() for column in names)
    # MLflow refuses whole numbers (3 h, 450 MPa) in a column it was told is a double.
    anything = AnyType()  # type: ignore[no-untyped-call]
    mlflow.pyfunc.save_model(
        path=str(folder / "model"),
        loader_module=model_code.__name__.rpartition(".")[2],
        data_path=str(data),
        code_paths=[model_code.__file__, str(archive)],
        pip_requirements=[f"{name}=={version(name)}" for name in _requirements(surrogates)],
        signature=ModelSignature(
            inputs=Schema([ColSpec(anything, column, required=False) for column in columns]),
            params=ParamSchema([ParamSpec("property", "string", asked)]),
        ),
        input_example=pd.DataFrame([pyfunc_model.EXAMPLE]),
        mlflow_model=Model(
            artifact_path=logged.artifact_location,
            run_id=run_id,
            model_id=logged.model_id,
            model_uuid=logged.model_id,
        ),
    )


@cache
def _code() -> bytes:
    """The archive of the code a surrogate needs; equal code gives equal bytes."""
    files = {Path(pyfunc_model.__file__).name: Path(pyfunc_model.__file__)}
    for package in (features, models):
        root = Path(package.__path__[0])
        files |= {f"{root.name}/{file.relative_to(root)}": file for file in root.rglob("*.py")}
    archive = BytesIO()
    with ZipFile(archive, "w", ZIP_DEFLATED) as written:
        for name in sorted(files):
            entry = ZipInfo(name)  # of 1980, whenever the file was written
            entry.compress_type = ZIP_DEFLATED
            written.writestr(entry, files[name].read_bytes())
    return archive.getvalue()


def _requirements(surrogates: Mapping[str, Any]) -> tuple[str, ...]:
    kinds = dict.fromkeys(str(plain["kind"]) for plain in surrogates.values())
    more = (name for kind in kinds for name in KIND_REQUIREMENTS.get(kind, ()))
    return tuple(dict.fromkeys((*MODEL_REQUIREMENTS, *more)))
