"""Where MLflow keeps a campaign and how to look at it. Knows addresses only, not MLflow."""

import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from experiments.config import CampaignConfig
from experiments.database_url import in_force, mlflow_url
from experiments.log_format import address_shown

_DATABASES: Final = ("sqlite", "postgresql", "mysql", "mssql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """Where a campaign is kept.

    Attributes:
        tracking_uri: Where MLflow's store is.
        artifact_root: Root of the artifacts for an experiment made now; ``None`` leaves it to
            the server.
        campaign: Name of the campaign, and of its experiment.
        campaign_id: What tells two campaigns of one name apart.
    """

    tracking_uri: str
    artifact_root: str | None
    campaign: str
    campaign_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracked:
    """What came of telling MLflow.

    Attributes:
        run_id: The run; ``None`` when it could not be stored whole.
        where: How to look at it, or what went wrong; one sentence.
    """

    run_id: str | None
    where: str


def home_of(config: CampaignConfig, folder: Path, campaign_id: str) -> Home:
    """Where MLflow keeps a campaign.

    Args:
        config: Its configuration.
        folder: Its folder.
        campaign_id: Its ledger's id.

    Returns:
        Store, name and id.
    """
    shared = None if config.database is None else mlflow_url(in_force(config.database))
    configured = config.mlflow.tracking_uri or shared
    uri, artifacts = resolve_tracking_uri(mlruns_of(config, folder), configured)
    return Home(
        tracking_uri=uri, artifact_root=artifacts, campaign=config.name, campaign_id=campaign_id
    )


def tracked(run_id: str | None, error: str | None, home: Home, mlruns_dir: Path) -> Tracked:
    """What came of writing a run at once, in words."""
    if error is not None or run_id is None:
        return Tracked(run_id=None, where=error or "not told")
    shown = run_in_words(run_id, tracking_uri=home.tracking_uri, mlruns_dir=mlruns_dir)
    return Tracked(run_id=run_id, where=shown)


def mlruns_of(config: CampaignConfig, folder: Path) -> Path:
    """The folder of a campaign's store where no server is named."""
    return (folder / config.mlflow.folder).resolve()


def resolve_tracking_uri(mlruns_dir: Path, configured: str | None = None) -> tuple[str, str | None]:
    """Where MLflow's store is: ``MLFLOW_TRACKING_URI``, else as configured, else in a folder.

    Args:
        mlruns_dir: Folder of the SQLite store, ``mlruns`` as a rule; need not exist.
        configured: Tracking URI of the configuration, if it names one.

    Returns:
        Tracking URI, and the root of the artifacts: below the folder where MLflow writes to a
        database itself, ``None`` where a server decides.
    """
    folder = mlruns_dir.absolute()
    uri = os.environ.get("MLFLOW_TRACKING_URI") or configured or local_store(folder)
    is_database = _scheme(uri).split("+")[0] in _DATABASES
    return uri, (folder / "artifacts").as_uri() if is_database else None


def local_store(folder: Path) -> str:
    """The store in a folder, for who has no server.

    Examples:
        >>> local_store(Path("mlruns"))
        'sqlite:///mlruns/mlflow.db'
    """
    return f"sqlite:///{(folder / 'mlflow.db').as_posix()}"


def run_in_words(run_id: str, *, tracking_uri: str, mlruns_dir: Path) -> str:
    """A run and how to look at it, no password shown; the local store as seen from here.

    Examples:
        >>> run_in_words("0f", tracking_uri="http://me:key@lab:5000", mlruns_dir=Path("mlruns"))
        'run 0f; open http://me:***@lab:5000 in a browser'
    """
    if _scheme(tracking_uri) in {"http", "https"}:
        return f"run {run_id}; open {without_password(tracking_uri)} in a browser"
    folder = mlruns_dir.absolute()
    is_local = tracking_uri == local_store(folder)
    shown = local_store(Path(os.path.relpath(folder))) if is_local else tracking_uri
    store = without_password(shown)
    store = shlex.quote(store) if "?" in store else store  # which shells would take for a pattern
    return f"run {run_id}; look with: mlflow ui --backend-store-uri {store}"


def without_password(uri: str) -> str:
    """An address that may be shown, one of a server, a database or a folder."""
    return address_shown(uri)


def _scheme(uri: str) -> str:
    return uri.partition(":")[0].lower()
