"""The campaigns a server serves: one folder that is a campaign, or that holds campaigns."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from experiments.access import ACCESS_NAME
from experiments.config import CONFIG_NAME, CampaignConfig, read_config
from experiments.ledger import Ledger
from experiments.storage import LEDGER_NAME, open_ledger
from experiments.web.discretion import hide_folder
from features.errors import CampaignError, GlassError, LedgerError

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")
_RESERVED: Final = re.compile(
    rf"(?:mlruns|{re.escape(CONFIG_NAME)}|{re.escape(LEDGER_NAME)})\.*\Z"
    rf"|{re.escape(ACCESS_NAME)}",
    re.IGNORECASE,
)
"""Some systems take no notice of case or a dot at the end; SQLite has more files beside its own."""


class NothingHereError(CampaignError):
    """The campaign holds no such round, draft, specimen or table."""


class NotHereError(CampaignError):
    """No campaign of that name.

    Attributes:
        was_here: Whether there was one since the server started.
    """

    def __init__(self, name: str, *, was_here: bool) -> None:
        self.was_here = was_here
        super().__init__(
            f"campaign {name!r} is no longer here: its folder was moved or deleted while the "
            "server ran; put it back, or choose another campaign"
            if was_here
            else f"there is no campaign {name!r} here; see the list of campaigns"
        )


@dataclass(frozen=True, slots=True)
class Opened:
    """A campaign as a request sees it.

    Attributes:
        name: Of its folder, as addresses name it.
        folder: Where it lives.
        config: What ``campaign.yaml`` says now.
        ledger: The truth.
    """

    name: str
    folder: Path
    config: CampaignConfig
    ledger: Ledger


@dataclass(slots=True)
class Shelf:
    """Campaigns below a folder, by name.

    Attributes:
        root: A campaign's folder, or one that holds campaigns' folders.
    """

    root: Path
    _seen: set[str] = field(default_factory=set)

    @property
    def is_single(self) -> bool:
        """Whether the folder is itself a campaign."""
        return (self.root / CONFIG_NAME).is_file()

    def names(self) -> list[str]:
        """Campaigns there are now, by name."""
        if self.is_single:
            found = [self.root.resolve().name]
        elif self.root.is_dir():
            found = sorted(
                part.name
                for part in self.root.iterdir()
                if _NAME.fullmatch(part.name) and (part / CONFIG_NAME).is_file()
            )
        else:
            found = []
        self._seen.update(found)
        return found

    def folder(self, name: str) -> Path:
        """Folder of a campaign.

        Raises:
            NotHereError: If there is none of that name.
        """
        folder = self.root if self.is_single else self.root / name
        is_named = not self.is_single or name == self.root.resolve().name
        known = bool(_NAME.fullmatch(name)) or self.is_single
        if not known or not is_named or not (folder / CONFIG_NAME).is_file():
            raise NotHereError(name, was_here=name in self._seen)
        self._seen.add(name)
        return folder

    def new_folder(self, name: str) -> Path:
        """Where a campaign of that name would be made.

        Raises:
            CampaignError: If the server serves a single campaign, or the name is no plain name
                or kept for the server's own files.
        """
        if self.is_single:
            raise CampaignError(
                "this server serves one campaign and makes no other; serve the folder above it"
            )
        if not _NAME.fullmatch(name):
            raise CampaignError(
                "name: must be up to 60 letters, digits, dots, hyphens and underscores that begin "
                f"with a letter or digit, got {name!r}; choose another"
            )
        if _RESERVED.match(name):
            raise CampaignError(
                f"name: {name!r} is kept for the server's own files beside the campaigns; choose "
                "another"
            )
        return self.root / name

    @contextmanager
    def opened(self, name: str) -> Iterator[Opened]:
        """A campaign's configuration and ledger, for one piece of work.

        What goes wrong meanwhile is told by the campaign's name, not by its folder.

        Raises:
            NotHereError: If there is none of that name.
            CampaignError: If its configuration is wrong.
            LedgerError: If its ledger cannot be read.
        """
        folder = self.folder(name)
        try:
            config = read_config(folder / CONFIG_NAME)
            with open_ledger(folder, config) as ledger, ledger.kept():
                yield Opened(name, folder, config, ledger)
        except GlassError as error:
            if isinstance(error, CampaignError | LedgerError):
                self.folder(name)  # deleted in between: say that instead
            hide_folder(error, folder)
            raise
