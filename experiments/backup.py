"""Backups of a campaign, and the way back: an archive that was read again after it was written."""

import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

from experiments.archive import Archive, freeze
from experiments.archive_ledger import trusted_ledger
from experiments.archive_zip import open_archive
from experiments.campaign import ROUNDS_FOLDER, Campaign
from experiments.config import CONFIG_NAME, SCHEMA_NAME, CampaignConfig, read_config
from experiments.durable import sync_file, sync_folder
from experiments.ledger import Ledger
from experiments.ledger_schema import SCHEMA_VERSION
from experiments.ledger_values import now
from experiments.storage import LEDGER_NAME, ledger_target
from experiments.tracking_home import home_of
from features.errors import CampaignError, LedgerError

BACKUPS: Final = "backups"
"""Folder of a campaign's backups, and of what they replaced."""

_BESIDE: Final = ("", "-wal", "-shm")
"""What SQLite has of a file."""

_LEDGER_FILES: Final = frozenset(f"{LEDGER_NAME}{ending}" for ending in _BESIDE)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What came of taking a campaign back.

    Attributes:
        campaign: Its name.
        rounds: Rounds in its ledger now.
        readings: Readings that count in its ledger now.
        set_aside: Where the ledger is that was replaced; ``None`` where there was none.
        changes_given_up: Changes of that ledger that the backup lacks; ``None`` if it could not
            be read.
        files: Files of rounds that were missing and are back.
        trouble: Why MLflow could not be told, if so.
    """

    campaign: str
    rounds: int
    readings: int
    set_aside: str | None
    changes_given_up: int | None
    files: tuple[str, ...]
    trouble: str | None

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {name: getattr(self, name) for name in self.__slots__}


def back_up(campaign: Campaign, target: Path | None = None) -> tuple[Archive, list[str]]:
    """Write a backup, and read it again.

    Args:
        campaign: Open.
        target: The file; named after campaign and time in ``backups`` when left out.

    Returns:
        The backup, and what is wrong with the ledger in it: a backup of a damaged ledger may
        still be the best there is, but it replaces no earlier one.

    Raises:
        CampaignError: If the file is there already or cannot be written, or reading it again
            showed that it is not what was written.
    """
    if target is None:
        folder = campaign.folder / BACKUPS
        folder.mkdir(exist_ok=True)
        target = folder / f"{plain_name(campaign.config.name)}-{_moment()}.zip"
    done = freeze(campaign, target)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        with open_archive(target) as opened:
            opened.unpack(Path(name), (LEDGER_NAME,))
        with Ledger.open(Path(name) / LEDGER_NAME) as copy:
            faults = copy.verify()
            if copy.id != campaign.ledger.id:
                raise CampaignError(f"{target}: holds another campaign's ledger; write it again")
    return done, faults


def restore(folder: Path, source: Path, *, give_up_newer: bool = False) -> Restored:
    """Take a campaign back from a backup. The ledger that is replaced is kept.

    Files of rounds, and ``campaign.yaml``, are written where they are missing and never replaced.

    Args:
        folder: The campaign's folder; nobody else may be working in it.
        source: A backup: an archive, or the SQLite file of a ledger.
        give_up_newer: Also if the campaign's ledger holds changes that the backup lacks.

    Returns:
        What was done.

    Raises:
        CampaignError: If the backup is of another campaign, lacks newer changes, or is no backup.
        LedgerError: If the backup's own ledger is not sound, or the database cannot be used.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".restore-", dir=folder) as name:
        draft = Path(name)
        _unpack(source, draft)
        with trusted_ledger(draft / LEDGER_NAME, str(source)) as ledger:
            if faults := ledger.verify():
                raise LedgerError(
                    f"{source}: its ledger is not sound itself ({faults[0]}); take another backup"
                )
        own = folder / CONFIG_NAME
        config = read_config(own if own.exists() else draft / CONFIG_NAME)
        given_up = _given_up(folder, config, draft / LEDGER_NAME, anyway=give_up_newer)
        files = _missing_files(draft, folder)
        set_aside = _put_in_place(folder, config, draft / LEDGER_NAME)
    with Campaign.open(folder) as campaign:
        trouble = _tell_mlflow(campaign)
        return Restored(
            campaign=campaign.ledger.campaign,
            rounds=len(campaign.ledger.rounds()),
            readings=len(campaign.ledger.readings()),
            set_aside=set_aside,
            changes_given_up=given_up,
            files=tuple(files),
            trouble=trouble,
        )


def bring_up_to_date(folder: Path) -> tuple[int, Path | None]:
    """Migrate a campaign's ledger to the schema of this glassloop, after a copy of it was made.

    Args:
        folder: The campaign's folder.

    Returns:
        The schema it had, and the copy; ``None`` where it was up to date.

    Raises:
        CampaignError: If the folder is no campaign.
        LedgerError: If the ledger cannot be used, or is of a newer glassloop; nothing was changed.
    """
    target = ledger_target(folder, read_config(folder / CONFIG_NAME))
    with Ledger(target) as held:
        version = held.schema_version
        if version >= SCHEMA_VERSION:
            Ledger.open(target).close()  # says so if it is a newer one
            return version, None
        copy = folder / BACKUPS / f"ledger-schema-{version}-{_moment()}.db"
        copy.parent.mkdir(exist_ok=True)
        held.copy_as_it_is(copy)
        Ledger.migrate(target)
    return version, copy


def plain_name(name: str) -> str:
    """A campaign's name as part of a file's.

    Examples:
        >>> plain_name("Na3PS4 / oxygen")
        'Na3PS4-oxygen'
    """
    return re.sub(r"[^A-Za-z0-9.-]+", "-", name).strip("-.") or "campaign"


def _moment() -> str:
    return now().replace(":", "").replace("-", "")


def _unpack(source: Path, draft: Path) -> None:
    """Lay a backup's files out."""
    if not source.is_file():
        raise CampaignError(f"{source}: is no backup (no such file); see {BACKUPS}/")
    if source.read_bytes()[:16] == b"SQLite format 3\0":
        shutil.copyfile(source, draft / LEDGER_NAME)
        newest = source.with_name(f"{source.name}-wal")  # what SQLite has not yet put into the file
        if newest.is_file():
            shutil.copyfile(newest, draft / f"{LEDGER_NAME}-wal")
        return
    with open_archive(source) as opened:
        opened.unpack(draft, (LEDGER_NAME, CONFIG_NAME, SCHEMA_NAME, ROUNDS_FOLDER))
    if not (draft / LEDGER_NAME).is_file():
        raise CampaignError(f"{source}: holds no {LEDGER_NAME}, so it is no backup; take another")


def _missing_files(draft: Path, folder: Path) -> list[str]:
    """Put files back that are no longer there."""
    back = []
    for file in sorted(draft.rglob("*")):
        name = file.relative_to(draft)
        if not file.is_file() or name.name in _LEDGER_FILES or (folder / name).exists():
            continue
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, folder / name)
        back.append(name.as_posix())
    return back


def _given_up(folder: Path, config: CampaignConfig, copy: Path, *, anyway: bool) -> int | None:
    """How many changes the backup lacks; ``None`` when that cannot be told, or there is no ledger.

    Raises:
        CampaignError: If the ledger is of another campaign; or is of another schema or holds such
            changes, and that was not wanted.
    """
    target = ledger_target(folder, config)
    with Ledger.open(copy) as backup:
        backup_id = backup.id
    try:
        with Ledger(target) as held:
            version = held.schema_version
        if version == SCHEMA_VERSION:
            with Ledger.open(target) as held:
                held_id, lacking = held.id, held.changes_beyond(copy)
    except LedgerError:
        return None
    if version != SCHEMA_VERSION:
        if anyway:
            return None
        raise CampaignError(
            f"{folder}: its ledger is of schema {version}, the backup of {SCHEMA_VERSION}, so they "
            "cannot be compared; run 'glassloop migrate' if the ledger is the older one, or add "
            "--give-up-newer (the ledger is kept aside)"
        )
    if held_id != backup_id:
        raise CampaignError(
            f"{folder}: its ledger is of campaign {held_id}, the backup of {backup_id}; restore "
            "into the right folder, or open the backup with 'glassloop init NAME --archive FILE'"
        )
    if lacking and not anyway:
        raise CampaignError(
            f"{folder}: the ledger holds {len(lacking)} changes that the backup lacks, the newest "
            f"of {lacking[-1]}; take a newer backup, or add --give-up-newer (the ledger is kept "
            "aside)"
        )
    return len(lacking)


def _tell_mlflow(campaign: Campaign) -> str | None:
    """Mark MLflow's runs of what was given up; why not, if they could not be."""
    if not campaign.config.mlflow.track:
        return None
    from experiments.tracking_restore import give_up_runs  # MLflow takes seconds to import

    ledger = campaign.ledger
    outbox = ledger.outbox(pending=False)
    newest = 0 if outbox.empty else int(outbox["id"].max())
    home = home_of(campaign.config, campaign.folder, ledger.id)
    rounds = {str(name) for name in ledger.rounds()["id"]}
    again, trouble = give_up_runs(home, rounds, newest, moment=_moment())
    ledger.tell_again(again)
    campaign.deliver()
    return trouble


def _put_in_place(folder: Path, config: CampaignConfig, copy: Path) -> str | None:
    """Let the copy be the ledger; where the one before is kept."""
    target, moment = ledger_target(folder, config), _moment()
    if isinstance(target, str):
        schema = Ledger.put_in_place(target, copy, aside=moment.lower())
        return None if schema is None else f"schema {schema} of the database"
    aside, number = folder / BACKUPS / f"replaced-{moment}", 1
    while aside.exists():  # restored twice within a second
        number += 1
        aside = aside.with_name(f"replaced-{moment}-{number}")
    sync_file(copy)
    parts = [target.with_name(target.name + ending) for ending in _BESIDE]
    there = [part for part in parts if part.exists()]
    if there:
        aside.mkdir(parents=True, exist_ok=True)
    moved: list[Path] = []
    try:
        for part in there:
            part.rename(aside / part.name)
            moved.append(part)
        copy.rename(target)
    except OSError as error:
        for part in moved:
            (aside / part.name).rename(part)
        raise CampaignError(
            f"{folder}: the ledger could not be replaced ({error.strerror or error}); it is as it "
            "was, make room or ask for the right to write there"
        ) from error
    sync_folder(folder)
    return str(aside) if there else None
