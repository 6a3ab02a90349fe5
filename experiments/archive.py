"""A whole campaign in one file, to be kept or opened on another machine, and back.

An archive holds the ledger, the configuration, the rounds' folders, the frozen models, what
MLflow holds of the campaign, and a manifest with the SHA-256 of each file; see
``experiments.archive_zip``.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, final
from urllib.parse import urlsplit

import yaml

from experiments.archive_database import (
    rewrite_texts,
    settle_locations,
)
from experiments.archive_ledger import trusted_ledger
from experiments.archive_zip import (
    KeptRuns,
    Manifest,
    entry_of,
    is_safe_name,
    open_archive,
    write_zip,
)
from experiments.campaign import ROUNDS_FOLDER, Campaign
from experiments.config import (
    CONFIG_NAME,
    SCHEMA_NAME,
    CampaignConfig,
    MlflowConfig,
    read_config,
    write_config,
)
from experiments.fresh_file import fresh_file
from experiments.ledger import Ledger
from experiments.ledger_values import now
from experiments.literature_file import write_example
from experiments.new_folder import new_folder
from experiments.storage import LEDGER_NAME
from experiments.tracking_home import home_of
from features.errors import CampaignError

MLRUNS: Final = "mlruns"
MODELS: Final = "models"
_OPENED: Final = (LEDGER_NAME, CONFIG_NAME, SCHEMA_NAME, ROUNDS_FOLDER, MLRUNS)
"""What becomes part of a campaign again; the models are in its ledger."""
_MLFLOW_SECTION: Final = re.compile(
    r"^mlflow:.*\n(?:(?:#.*\n|[ \t]*\n)*[ \t]+\S.*\n)*", re.MULTILINE
)
"""The key, and lines up to its last indented one."""

_DATABASE_LINE: Final = re.compile(r"^database:.*\n", re.MULTILINE)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """A campaign in one file.

    Attributes:
        path: The file.
        sha256: Of the file.
        size: Of the file, bytes.
        manifest: What it holds.
    """

    path: Path
    sha256: str
    size: int
    manifest: Manifest

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        about = {"path": str(self.path), "sha256": self.sha256, "size": self.size}
        return about | self.manifest.model_dump(mode="json")

    def in_words(self) -> str:
        """One line for people."""
        held = self.manifest
        return (
            f"{'SIMULATED: ' * (held.kind == 'simulated')}campaign {held.campaign!r}, "
            f"{held.rounds} rounds, {len(held.files)} files, {held.mlflow.runs} runs of MLflow"
        )


def freeze(campaign: Campaign, target: Path, *, replace: bool = False) -> Archive:
    """Write a campaign into one file, with what MLflow holds of it where that can be read.

    Passwords in addresses of MLflow are left out.

    Args:
        campaign: Open.
        target: The file; it appears whole or not at all.
        replace: Replace a file of that name.

    Returns:
        What was written.

    Raises:
        CampaignError: If the archive would be too large, or the target is there and must not be
            replaced.
    """
    with fresh_file(target, replace=replace) as draft:
        campaign.deliver()
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
            folder = Path(name)
            campaign.ledger.copy_to_file(folder / LEDGER_NAME)
            for file in (CONFIG_NAME, SCHEMA_NAME):
                if (campaign.folder / file).is_file():
                    shutil.copyfile(campaign.folder / file, folder / file)
            left_out = _copy_files(campaign.folder, ROUNDS_FOLDER, folder)
            _write_models(campaign.ledger, folder / MODELS)
            mlflow = _keep_runs(campaign, folder / MLRUNS)
            _forget_passwords(campaign, folder)
            manifest = Manifest(
                glassloop=version("glassloop"),
                frozen_at=now(),
                campaign=campaign.ledger.campaign,
                campaign_id=campaign.ledger.id,
                kind="simulated" if campaign.kind == "simulated" else "real",
                rounds=len(campaign.ledger.rounds()),
                mlflow=mlflow,
                left_out=left_out,
                files={name: entry_of(folder / name) for name in _names(folder)},
            )
            write_zip(manifest, folder, draft)
            whole = entry_of(draft)
    return Archive(path=target, sha256=whole.sha256, size=whole.size, manifest=manifest)


def thaw(archive: Path, folder: Path) -> Manifest:
    """Open an archive as a campaign's folder, with its MLflow runs in ``mlruns`` inside it.

    Everything is checked first, and the folder appears whole or not at all. Nothing in the
    archive is run.

    Args:
        archive: Written by ``freeze``.
        folder: Must not exist yet, or be empty.

    Returns:
        What the archive says of itself.

    Raises:
        CampaignError: If the folder is taken or cannot be written, or the archive is damaged,
            altered, not to be trusted or of a newer glassloop.
        LedgerError: If its ledger cannot be read.
    """
    with open_archive(archive) as opened, new_folder(folder) as draft:
        opened.unpack(draft, _OPENED)
        _settle(draft, folder, archive, opened.manifest)
    return opened.manifest


def _settle(draft: Path, folder: Path, archive: Path, manifest: Manifest) -> None:
    """Make the files of an archive a campaign of its own, called as it will be."""
    for name in (LEDGER_NAME, CONFIG_NAME):
        if name not in manifest.files:
            raise CampaignError(f"{archive}: holds no {name}, so it is no campaign; get it again")
    with trusted_ledger(draft / LEDGER_NAME, str(archive)) as ledger:
        if ledger.id != manifest.campaign_id:
            raise CampaignError(
                f"{archive}: must hold the ledger of campaign {manifest.campaign_id}, got that of "
                f"{ledger.id}; get the archive again"
            )
    _own_store(draft / CONFIG_NAME)
    (draft / MLRUNS).mkdir(exist_ok=True)
    if (draft / MLRUNS / "mlflow.db").exists():
        settle_locations(draft / MLRUNS / "mlflow.db", folder / MLRUNS / "artifacts")
    write_example(draft)


def _own_store(path: Path) -> None:
    """Let a configuration keep ledger and runs in the campaign's folder; the rest of it stays.

    Two copies of a campaign must not write to one store.
    """
    config = read_config(path)
    own = MlflowConfig(track=config.mlflow.track, folder=MLRUNS)
    wanted = config.model_copy(update={"mlflow": own, "database": None})
    section = yaml.safe_dump({"mlflow": own.model_dump(exclude_none=True)}, sort_keys=False)
    text = _MLFLOW_SECTION.sub("", path.read_text(encoding="utf-8-sig").rstrip() + "\n")
    text = _DATABASE_LINE.sub("", text)
    path.write_text(text + section, encoding="utf-8")
    if _read_or_none(path) != wanted:  # written in a way that cannot be mended line by line
        write_config(wanted, path.parent)


def _read_or_none(path: Path) -> CampaignConfig | None:
    try:
        return read_config(path)
    except CampaignError:
        return None


def _copy_files(source: Path, part: str, target: Path) -> list[str]:
    """Copy a folder's plain files; what is none is named."""
    left_out = []
    for name in _names(source / part):
        file = source / part / name
        if file.is_symlink() or not file.is_file():
            left_out.append(f"{part}/{name}: is a link or no plain file")
        elif not is_safe_name(f"{part}/{name}"):
            left_out.append(f"{part}/{name}: its name cannot be used on every system")
        else:
            (target / part / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, target / part / name)
    return left_out


def _names(folder: Path) -> list[str]:
    """Files below a folder, links to folders too, as paths with slashes."""
    return sorted(
        (Path(place) / name).relative_to(folder).as_posix()
        for place, folders, files in os.walk(folder)
        for name in (*files, *(sub for sub in folders if (Path(place) / sub).is_symlink()))
    )


def _write_models(ledger: Ledger, folder: Path) -> None:
    """The frozen models, each named by its hash."""
    folder.mkdir()
    for digest in sorted({str(digest) for digest in ledger.proposals()["model_sha256"]}):
        (folder / f"{digest}.json").write_text(ledger.model(digest), encoding="utf-8")


def _keep_runs(campaign: Campaign, folder: Path) -> KeptRuns:
    if not campaign.config.mlflow.track:
        return KeptRuns(why_not="mlflow.track is false: MLflow was told nothing")
    # MLflow takes seconds to import; a campaign that is not tracked must not pay for it.
    from experiments.tracking_archive import keep_runs

    folder.mkdir()
    home = home_of(campaign.config, campaign.folder, str(campaign.ledger.id))
    kept = keep_runs(home, folder)
    return KeptRuns(runs=kept.runs, versions=kept.versions, why_not=kept.why_not)


def _forget_passwords(campaign: Campaign, folder: Path) -> None:
    """Take passwords of MLflow's address out of every file, those of earlier rounds too."""
    configs = [row["campaign"] for row in campaign.ledger.rounds()["config"] if "campaign" in row]
    addresses = [campaign.config.mlflow.tracking_uri]
    addresses += [config.get("mlflow", {}).get("tracking_uri") for config in configs]
    secrets = {f":{word}@" for word in _passwords(addresses)}
    if not secrets:
        return

    def forgotten(text: str) -> str:
        for secret in secrets:
            text = text.replace(secret, ":***@")
        return text

    for name in _names(folder):
        file = folder / name
        if file.suffix == ".db":
            rewrite_texts(file, forgotten)
            if name == LEDGER_NAME:
                Ledger.seal_anew(file)
        elif any(secret.encode() in file.read_bytes() for secret in secrets):
            text = file.read_bytes().decode("utf-8", errors="surrogateescape")
            file.write_bytes(forgotten(text).encode("utf-8", errors="surrogateescape"))


def _passwords(addresses: Iterable[str | None]) -> Iterator[str]:
    for address in addresses:
        if address and (password := urlsplit(address).password):
            yield password
