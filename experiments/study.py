"""A study: many whole campaigns in simulated laboratories, in parallel, resumable after a kill.

``study.json``       what is run, and the configuration
``reachable/*.json`` what the truth of each world and seed allows
``campaigns/*.json`` one finished campaign each, written whole or not at all
``campaigns.csv``    one row a campaign and round
``scores.csv``       one row a reading that was predicted before it was measured
"""

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import nan
from pathlib import Path
from typing import Any, Final, Self

import pandas as pd
from joblib import Parallel, delayed

from experiments.config import CampaignConfig
from experiments.reachable import reachable
from experiments.study_campaign import run_task, study_config
from experiments.study_spec import StudySpec, Task
from features.errors import CampaignError

SPEC: Final = "study.json"
REACHABLE: Final = "reachable"
CAMPAIGNS: Final = "campaigns"
WORK: Final = "work"
LOCK: Final = ".lock"

Progress = Callable[[int, int], None]
"""Told how many pieces of work are done, of how many: campaigns, and a search of each world."""


@dataclass(frozen=True, slots=True)
class Study:
    """A study in its folder.

    Attributes:
        folder: Where everything lies.
        spec: What is run.
        config: What is searched in every campaign, and for what.
    """

    folder: Path
    spec: StudySpec
    config: CampaignConfig

    @classmethod
    def begin(cls, folder: Path, spec: StudySpec, config: CampaignConfig) -> Self:
        """Begin a study, or take it up where it was left.

        Args:
            folder: New, empty, or of this very study; more seeds may be asked for than before.
            spec: What is run.
            config: Of the campaigns.

        Raises:
            CampaignError: If the folder holds something else, or another study.
        """
        path = folder / SPEC
        wanted = {
            "study": spec.to_dict(), "config": config.model_dump(mode="json"),
            "files": spec.own_files(),
        }  # fmt: skip
        if path.is_file():
            _require_same(path, _read(path), wanted)
        elif folder.exists() and (not folder.is_dir() or any(map(_is_foreign, folder.iterdir()))):
            raise CampaignError(f"{folder}: exists and is no study; give --out another folder")
        for name in (CAMPAIGNS, REACHABLE):
            (folder / name).mkdir(parents=True, exist_ok=True)
        with _alone(folder):
            _write(path, wanted)
        return cls(folder, spec, config)

    @classmethod
    def open(cls, folder: Path) -> Self:
        """A study that was begun, as far as it got.

        Raises:
            CampaignError: If there is none.
        """
        path = folder / SPEC
        if not path.is_file():
            raise CampaignError(f"{folder}: is no study (no {SPEC}); run 'glassloop study' first")
        plain = _read(path)
        return cls(folder, StudySpec.from_dict(plain["study"]), CampaignConfig(**plain["config"]))

    def run(self, progress: Progress | None = None) -> None:
        """Run what is left, wherever ``experiments.workers`` says.

        Args:
            progress: Told after each campaign.

        Raises:
            CampaignError: If another process runs this study now.
        """
        with _alone(self.folder):
            work = self.folder / WORK
            shutil.rmtree(work, ignore_errors=True)  # what a kill left half-done
            worlds = {self._reach_file(task): task for task in self.spec.tasks()}
            jobs: dict[Path, Any] = {
                file: delayed(_reach)(file, task, self.spec, self.config)
                for file, task in worlds.items()
            } | {
                self._file(task): delayed(_one)(
                    self._file(task), task, self.spec, self.config, work / task.key
                )
                for task in self.spec.tasks()
            }
            left = [job for file, job in jobs.items() if not file.is_file()]
            done = len(jobs) - len(left)
            if progress is not None:
                progress(done, len(jobs))
            for file, result in Parallel(return_as="generator_unordered")(left):
                _write(file, result)
                done += 1
                if progress is not None:
                    progress(done, len(jobs))
            shutil.rmtree(work, ignore_errors=True)
            self.campaigns().to_csv(self.folder / "campaigns.csv", index=False)
            self.scores().to_csv(self.folder / "scores.csv", index=False)

    def campaigns(self) -> pd.DataFrame:
        """One row a campaign and round, round 0 before the first.

        Returns:
            Labels of the task; round, specimens and hours counted from the beginning; hypervolumes
            of true values and their share of what is reachable (NaN where nothing reaches the
            reference point); ``target`` if there is one.
        """
        rows = []
        for result in self._results():
            done: dict[str, Any] = {"hands_on_h": 0.0, "price_h": 0.0}
            for row in [_ZERO, *result["rounds"]]:
                done = {k: done[k] + row[k] for k in done}
                shares = {
                    f"share_{what}": row[f"volume_{what}"] / limit if limit > 0 else nan
                    for what, limit in result["reachable"].items()
                }
                target = {"target": bool(row.get("target", False))} if self.spec.target else {}
                rows.append({**result["task"], **row, **done, **shares, **target})
        return pd.DataFrame(rows)

    def scores(self) -> pd.DataFrame:
        """One row a reading predicted before it was measured, with its campaign and round."""
        return pd.DataFrame(
            [{**result["task"], **row} for result in self._results() for row in result["scores"]]
        )

    @property
    def n_done(self) -> int:
        """Campaigns finished."""
        return sum(self._file(task).is_file() for task in self.spec.tasks())

    def _results(self) -> Iterator[dict[str, Any]]:
        for task in self.spec.tasks():
            file, reach = self._file(task), self._reach_file(task)
            if file.is_file() and reach.is_file():
                yield {**_json(file), "reachable": _json(reach)}

    def _reach_file(self, task: Task) -> Path:
        return self.folder / REACHABLE / f"{task.world_key}.json"

    def _file(self, task: Task) -> Path:
        return self.folder / CAMPAIGNS / f"{task.key}.json"


_ZERO: Final[dict[str, Any]] = {
    "round": 0, "jars": 0, "failed_jars": 0, "pellets": 0, "cells": 0, "hands_on_h": 0.0,
    "ends_h": 0.0, "price_h": 0.0, "volume_glasses": 0.0, "volume_cells": 0.0,
}  # fmt: skip


def _one(
    file: Path, task: Task, spec: StudySpec, config: CampaignConfig, folder: Path
) -> tuple[Path, dict[str, Any]]:
    """One campaign, in a worker; its folder is thrown away."""
    shutil.rmtree(folder, ignore_errors=True)
    try:
        return file, run_task(task, spec, config, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _reach(
    file: Path, task: Task, spec: StudySpec, config: CampaignConfig
) -> tuple[Path, dict[str, Any]]:
    """What a world and seed allow, in a worker."""
    own = study_config(config, spec, task.seed)
    return file, dict(reachable(task.laboratory(), own))


def _read(path: Path) -> dict[str, Any]:
    """What a study is of.

    Raises:
        CampaignError: If the file is damaged or of something else.
    """
    plain = _json(path)
    if not {"study", "config", "files"} <= set(plain):
        raise CampaignError(f"{path}: is of no study of this glassloop; give --out another folder")
    return plain


def _json(path: Path) -> dict[str, Any]:
    """A file of a study.

    Raises:
        CampaignError: If it is damaged.
    """
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CampaignError(
            f"{path}: is damaged ({error}); delete it, and the study makes it again"
        ) from error
    if not isinstance(plain, dict):
        raise CampaignError(f"{path}: must hold an object, got {type(plain).__name__}; delete it")
    return plain


def _is_foreign(path: Path) -> bool:
    """Whether something is not what a study leaves that was killed while it was being begun."""
    if path.name in (CAMPAIGNS, REACHABLE) and path.is_dir():
        return any(path.iterdir())
    return path.name != LOCK and not path.name.startswith(f".{SPEC}.")


def _require_same(path: Path, there: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Refuse to mix two studies in one folder; more seeds of the same one are welcome.

    Raises:
        CampaignError: If anything else differs.
    """
    for name, digest in wanted["files"].items():
        if there["files"].get(name, digest) != digest:
            raise CampaignError(
                f"{path.parent}: {name} was changed since the study began; give --out another "
                "folder, or put the file back"
            )
    for part in ("study", "config"):
        for key, value in wanted[part].items():
            old = there[part].get(key)
            if old == value or (part == "study" and key == "seeds" and set(old) <= set(value)):
                continue
            raise CampaignError(
                f"{path.parent}: holds another study: {key} must be {old!r} as there, got "
                f"{value!r}; give --out another folder"
            )


def _write(path: Path, plain: dict[str, Any]) -> None:
    """JSON, whole or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with draft.open("w", encoding="utf-8") as file:
        json.dump(plain, file, default=float)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Only one process runs a study; a lock that dies with it.

    Raises:
        CampaignError: If another one does.
    """
    with (folder / LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise CampaignError(
                f"{folder}: another process runs this study now; wait for it, or give --out "
                "another folder"
            ) from error
        yield
