"""A report in MLflow: files of the run that shows a whole campaign."""

from collections.abc import Mapping
from pathlib import Path

from experiments.config import CampaignConfig
from experiments.tracking_home import Tracked, home_of, mlruns_of, tracked


def track_report(
    files: Mapping[str, str | bytes], *, config: CampaignConfig, folder: Path, campaign_id: str
) -> Tracked:
    """Give MLflow a report, now or never: it can be made again from the ledger.

    Args:
        files: Texts or bytes by file name, ``report.html`` and figures; they replace those of a
            former report in the folder ``report`` of the run ``progress``.
        config: Where MLflow's store is.
        folder: The campaign's folder.
        campaign_id: What tells two campaigns of one name apart.

    Returns:
        The run, or what was not stored and why; MLflow's troubles are never raised.
    """
    if not config.mlflow.track:
        return Tracked(run_id=None, where="mlflow.track is false: MLflow is told nothing")
    # MLflow takes seconds to import; a report that is not stored must not pay for it.
    from experiments import tracking

    home = home_of(config, folder, campaign_id)
    logged = tracking.log_report(files, home)
    return tracked(logged.run_id, logged.error, home, mlruns_of(config, folder))
