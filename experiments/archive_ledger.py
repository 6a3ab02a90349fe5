"""A ledger that came from elsewhere, in a file: looked at before anything in it can act."""

import tempfile
from functools import cache
from pathlib import Path

from experiments.archive_database import parts_of, refuse_foreign_parts
from experiments.ledger import Ledger
from experiments.storage import LEDGER_NAME
from features.errors import CampaignError, LedgerError


def trusted_ledger(file: Path, where: str) -> Ledger:
    """A ledger from elsewhere, brought up to date.

    Args:
        file: A copy of one's own; it is changed if it is of an older schema.
        where: Where it is from, for messages.

    Returns:
        The open ledger.

    Raises:
        CampaignError: If it holds triggers or views of others, or lacks those that guard it.
        LedgerError: If it is damaged, no ledger, or of a newer glassloop.
    """
    try:
        # Before it is opened: an older one is brought up to date, and a trigger would act then.
        refuse_foreign_parts(file, _own_parts())
        Ledger.migrate(file)
        if missing := _own_parts().keys() - parts_of(file).keys():
            raise CampaignError(f"must be append-only, but lacks {min(missing)!r}; get it again")
        return Ledger.open(file)
    except (CampaignError, LedgerError) as error:
        said = str(error).removeprefix(f"{file}: ").removeprefix(f"{file.name}: ")
        raise type(error)(f"{where}: its ledger {said}") from error


@cache
def _own_parts() -> dict[str, str]:
    """Triggers of a ledger that was just made."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        file = Path(name) / LEDGER_NAME
        Ledger.create(file, campaign="fresh").close()
        return parts_of(file)
