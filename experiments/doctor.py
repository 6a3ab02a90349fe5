"""Looks at everything glassloop needs, and says what is wrong and how to mend it.

Each check stands alone: what is broken, a package that is missing for one, keeps no other check
from looking. Nothing is changed.
"""

from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

from experiments import doctor_folder, doctor_machine
from experiments.findings import Case, Check, Finding, looked_at
from features.errors import GlassError

if TYPE_CHECKING:
    from experiments.doctor_ledger import LedgerFacts

CHECKS: Final[tuple[tuple[str, Check], ...]] = (
    ("glassloop", doctor_machine.glassloop),
    ("python", doctor_machine.python),
    ("packages", doctor_machine.packages),
    ("optional packages", doctor_machine.optional_packages),
    ("threads", doctor_machine.threads),
    ("clock", doctor_machine.clock),
    ("disk", doctor_machine.disk),
    ("rights", doctor_folder.rights),
    ("campaign.yaml", doctor_folder.campaign),
    ("file system", doctor_folder.file_system),
    ("leftovers", doctor_folder.leftovers),
    ("backups", doctor_folder.backups),
)


def examine(folder: Path | None) -> list[Finding]:
    """Look at this computer, and at a campaign.

    Args:
        folder: The campaign's; ``None`` to look at the computer only.

    Returns:
        All that was found, sound or not, in the order it was looked at.
    """
    case = _case(folder)
    found = [one for name, look in CHECKS for one in looked_at(name, look, case)]
    return found if folder is None else [*found, *_of_ledger(folder, case)]


def has_fault(findings: Iterable[Finding]) -> bool:
    """Whether anything does not work or endangers data."""
    return any(one.level == "fault" for one in findings)


def _of_ledger(folder: Path, case: Case) -> Iterator[Finding]:
    facts: list[LedgerFacts] = []
    ledger = "experiments.doctor_ledger"
    yield from looked_at("ledger", lambda one: import_module(ledger).look_at(one, facts), case)
    known = facts[0] if facts else None
    yield from looked_at("MLflow", lambda one: import_module(ledger).mlflow(one, known), case)
    if known is not None:
        rounds, waiting = known.rounds, known.open_rounds
        yield from looked_at(
            "round folders", lambda _: doctor_folder.round_folders(folder, rounds, waiting), case
        )


def _case(folder: Path | None) -> Case:
    """What is to be looked at; a check of its own says why a configuration cannot be read."""
    if folder is None:
        return Case()
    try:
        from experiments.config import CONFIG_NAME, read_config
        from experiments.tracking_home import mlruns_of

        config = read_config(folder / CONFIG_NAME)
    except (GlassError, ImportError):
        return Case(folder)
    return Case(folder, config, mlruns_of(config, folder))
