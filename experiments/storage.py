"""Where a campaign's ledger lies: a file in its folder, or a schema of a database that is shared.

``database`` in ``campaign.yaml`` names the database; ``GLASSLOOP_DATABASE_URL`` in the environment
wins over it, to bring a password or another host. Each campaign has a schema of its own, named
after the campaign, and MLflow has one for all.
"""

from pathlib import Path
from typing import Final

from experiments.config import CampaignConfig
from experiments.database_url import in_force, ledger_url
from experiments.ledger import Ledger
from features.errors import CampaignError, LedgerError

LEDGER_NAME: Final = "ledger.db"


def ledger_target(folder: Path, config: CampaignConfig) -> Path | str:
    """The file or URL of a campaign's ledger.

    Args:
        folder: The campaign's folder.
        config: Its configuration.

    Raises:
        CampaignError: If there are a file and a database, and it is not clear which holds.
    """
    file = folder / LEDGER_NAME
    if config.database is None:
        return file
    if file.exists():
        raise CampaignError(
            f"{file}: the campaign's ledger must be in one place, got this file and 'database' in "
            "campaign.yaml; move the file away, or remove 'database' if the file is the ledger"
        )
    return ledger_url(in_force(config.database), config.name)


def open_ledger(folder: Path, config: CampaignConfig) -> Ledger:
    """The ledger of a campaign.

    Raises:
        CampaignError: If it is not clear where it is.
        LedgerError: If it is not there, of another version, damaged or out of reach.
    """
    target = ledger_target(folder, config)
    try:
        return Ledger.open(target)
    except LedgerError as error:
        if isinstance(target, str) and "is not a campaign ledger" in str(error):
            raise LedgerError(
                f"{Ledger(target).where}: holds no campaign {config.name!r}; 'name' and "
                "'database' in campaign.yaml must be as they were when it was made, or make it "
                "with 'glassloop init'"
            ) from error
        raise
