"""What the doctor finds: what is so, how bad that is, and how to mend it."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from experiments.log_format import without_secrets
from features.errors import GlassError

if TYPE_CHECKING:
    from experiments.config import CampaignConfig

Level = Literal["ok", "warning", "fault"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at.

    Attributes:
        check: What was looked at.
        level: A fault keeps something from working or endangers data; a warning may later.
        found: What is so, one sentence without its end.
        mend: What to do, one sentence without its end; empty where all is well.
    """

    check: str
    level: Level
    found: str
    mend: str = ""

    def to_dict(self) -> dict[str, str]:
        """Plain data."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Case:
    """What is looked at.

    Attributes:
        folder: The campaign's; ``None`` without a campaign.
        config: What ``campaign.yaml`` says; ``None`` where it cannot be read.
        mlruns: Folder of MLflow's store, if it has one.
    """

    folder: Path | None = None
    config: "CampaignConfig | None" = None
    mlruns: Path | None = None


Check = Callable[[Case], Iterable[Finding]]


def ok(check: str, found: str) -> Finding:
    """All is well."""
    return Finding(check, "ok", found)


def warning(check: str, found: str, mend: str) -> Finding:
    """May become a fault."""
    return Finding(check, "warning", found, mend)


def fault(check: str, found: str, mend: str) -> Finding:
    """Does not work, or endangers data."""
    return Finding(check, "fault", found, mend)


def refused(check: str, error: GlassError, level: Level = "fault") -> Finding:
    """A complaint as a finding: our complaints end with what to do."""
    found, parted, mend = str(error).replace("\n", " ").rpartition("; ")
    return Finding(check, level, found if parted else mend, mend if parted else "see the docs")


def looked_at(check: str, look: Check, case: Case) -> list[Finding]:
    """What one check finds; what stops it is a finding too, and stops no other.

    Args:
        check: Its name.
        look: Looks.
        case: At what.
    """
    try:
        found = list(look(case))
    except GlassError as error:
        found = [refused(check, error)]
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        found = [fault(check, f"{where}{error.strerror or error}", "check disk and rights")]
    except Exception as error:  # noqa: BLE001 - a fault of the doctor must not hide the patient's
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        found = [
            fault(
                check, f"could not be looked at ({type(error).__name__}: {first})",
                "if the other findings do not explain it, report it as a fault of glassloop",
            )
        ]  # fmt: skip
    return [
        Finding(one.check, one.level, without_secrets(one.found), without_secrets(one.mend))
        for one in found
    ]
