"""One experiment of MLflow, ready to be written to: runs, numbers, files and data sets.

Every step can be repeated: runs are looked for before they are made, files are overwritten, and
of two points equal in value, step and time MLflow keeps one.
"""

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import StringIO
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import pandas as pd
from mlflow import MlflowClient
from mlflow.data.pandas_dataset import from_pandas
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, Run, RunTag
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID
from mlflow.utils.validation import MAX_DATASET_DIGEST_SIZE, MAX_PARAMS_TAGS_PER_BATCH

from experiments.tracking_home import without_password
from experiments.tracking_store import CAMPAIGN, CAMPAIGN_ID

KIND: Final = "glassloop.kind"
"""Tag of every run: ``round``, ``surrogate`` (nested in a round), ``progress``, ``comparison`` or
``compared_surrogate`` (nested in a comparison)."""

ROUND: Final = "glassloop.round"
FIT: Final = "glassloop.fit"
TOLD: Final = "glassloop.told"
"""Event that told of a final fit: a round may get several, as results come in."""

"""Tag of a surrogate's run: ``proposed``, what predicted the round, or ``final``, after the last
results."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """One experiment of one store.

    Attributes:
        client: Of the store.
        experiment_id: MLflow's id of the experiment.
        campaign: Name of the campaign.
        campaign_id: What tells two campaigns of one name apart.
    """

    client: MlflowClient
    experiment_id: str
    campaign: str
    campaign_id: str

    def round_run(self, round_id: str, *, start_ms: int | None) -> Run:
        """The run of a round; made if there is none, whatever the event.

        A store that lost the opening (someone deleted the folder) must not hold up the results;
        delivering the opening again later completes the run.
        """
        wanted = {CAMPAIGN_ID: self.campaign_id, ROUND: round_id}
        return (
            self._first({**wanted, KIND: "round"})
            or self._of_no_kind(wanted)
            or self.create(round_id, {ROUND: round_id, KIND: "round"}, start_ms=start_ms)
        )

    def progress_run(self, *, start_ms: int | None = None) -> Run:
        """The run that shows all rounds, step by step; made if there is none."""
        wanted = {CAMPAIGN_ID: self.campaign_id, KIND: "progress"}
        return self._first(wanted) or self.create("progress", {KIND: "progress"}, start_ms=start_ms)

    def nested_runs(self, parent: Run, tags: Mapping[str, str]) -> dict[str, Run]:
        """Surrogates' runs inside a round's run that have some tags, by name."""
        found = self.client.search_runs(
            [self.experiment_id], _all_of({MLFLOW_PARENT_RUN_ID: parent.info.run_id, **tags})
        )
        return {run.info.run_name: run for run in found}

    def create(
        self,
        name: str,
        tags: Mapping[str, str],
        *,
        parent_id: str | None = None,
        start_ms: int | None = None,
    ) -> Run:
        """A new run of this campaign, inside another if one is named."""
        inside = {} if parent_id is None else {MLFLOW_PARENT_RUN_ID: parent_id}
        whose = {CAMPAIGN_ID: self.campaign_id, CAMPAIGN: self.campaign}
        return self.client.create_run(
            self.experiment_id, start_time=start_ms, run_name=name, tags={**whose, **inside, **tags}
        )

    def log_values(self, run: Run, told: Mapping[str, Any], *, later_ms: int = 0) -> None:
        """Metrics, parameters and tags.

        Args:
            run: The run.
            told: ``metrics``, ``params``, ``tags``; ``time_ms`` and ``step`` of the metrics.
            later_ms: Added to the time. MLflow keeps points equal in value, step and time once,
                and calls the last in time the current one: hence a time that is the same when an
                event is written again, and later for a later event even of the same second.
        """
        time_ms = int(told.get("time_ms", run.info.start_time)) + later_ms
        step = int(told.get("step", 0))
        metrics = [
            Metric(key, float(value), time_ms, step)
            for key, value in told.get("metrics", {}).items()
            if value is not None  # a score that could not be computed
        ]
        params = [Param(key, str(value)) for key, value in told.get("params", {}).items()]
        tags = [RunTag(key, str(value)) for key, value in told.get("tags", {}).items()]
        for some in zip_longest([metrics], _lots(params), _lots(tags), fillvalue=()):
            self.client.log_batch(run.info.run_id, *some)

    def log_files(self, run_id: str, contents: Mapping[str, str | bytes]) -> None:
        """Artifacts by file name."""
        if not contents:
            return
        with tempfile.TemporaryDirectory() as folder:
            for name, content in contents.items():
                file = Path(folder, name)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content if isinstance(content, bytes) else content.encode())
            self.client.log_artifacts(run_id, folder)

    def log_dataset(self, run: Run, dataset: Mapping[str, str]) -> None:
        """Data the surrogates saw: a file of the run and its input, with their SHA-256."""
        file = f"data/{dataset['name']}.csv"
        self.log_files(run.info.run_id, {file: dataset["csv"]})
        described = from_pandas(
            pd.read_csv(StringIO(dataset["csv"])),
            source=self._address(run, file),
            name=dataset["name"],
            digest=dataset["sha256"][:MAX_DATASET_DIGEST_SIZE],
        )
        marks = [
            InputTag("mlflow.data.context", "training"),
            InputTag("sha256", dataset["sha256"]),
        ]
        self.client.log_inputs(
            run.info.run_id, [DatasetInput(Dataset(**described.to_dict()), marks)]
        )

    def _first(self, tags: Mapping[str, str]) -> Run | None:
        found = self.client.search_runs(
            [self.experiment_id],
            _all_of(tags),
            order_by=["attributes.start_time ASC"],
            max_results=1,
        )
        return found[0] if found else None

    def _of_no_kind(self, wanted: Mapping[str, str]) -> Run | None:
        """A round's run written before runs had kinds; it gets its kind."""
        for run in self.client.search_runs([self.experiment_id], _all_of(wanted)):
            if KIND not in run.data.tags:
                self.client.set_tag(run.info.run_id, KIND, "round")
                return run
        return None

    def _address(self, run: Run, file: str) -> str:
        """Where a file of a run can be read from; what a server keeps, the server hands out."""
        root = str(run.info.artifact_uri)
        if not root.startswith("mlflow-artifacts:"):
            return f"{root}/{file}"
        server = without_password(str(self.client.tracking_uri)).rstrip("/")
        return f"{server}/get-artifact?run_uuid={run.info.run_id}&path={quote(file)}"


def _all_of(tags: Mapping[str, str]) -> str:
    return " and ".join(f"tags.`{key}` = '{value}'" for key, value in tags.items())


def _lots(items: list[Any]) -> Iterator[list[Any]]:
    """Parameters or tags in lots as large as MLflow takes at once."""
    for start in range(0, len(items), MAX_PARAMS_TAGS_PER_BATCH):
        yield items[start : start + MAX_PARAMS_TAGS_PER_BATCH]
