"""A comparison as MLflow keeps it: one run, and a nested one for each surrogate."""

from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import Any, Final

import pandas as pd

from experiments.comparison import CampaignComparison
from experiments.comparison_words import LABELS, Pictures
from experiments.config import CampaignConfig
from experiments.pyfunc_model import Servable, plain_surrogate
from experiments.tracking_home import Tracked, home_of, mlruns_of, tracked
from models.compare import Comparison
from models.paired_differences import BASELINE

PAGE_NAME: Final = "compare.html"


def track_comparison(
    comparison: CampaignComparison,
    *,
    page: str,
    pictures: Pictures,
    config: CampaignConfig,
    folder: Path,
    campaign_id: str,
) -> Tracked:
    """Tell MLflow of a comparison, now or never: it can be computed again from the ledger.

    Args:
        comparison: Of a campaign.
        page: Its page.
        pictures: Its pictures.
        config: Where MLflow's store is.
        folder: The campaign's folder.
        campaign_id: What tells two campaigns of one name apart.

    Returns:
        The run, or what was not stored and why; MLflow's troubles are never raised.
    """
    # MLflow takes seconds to import; a comparison that is not stored must not pay for it.
    from experiments import tracking

    home = home_of(config, folder, campaign_id)
    logged = tracking.log_nested(
        parent_run(comparison, page=page, pictures=pictures), nested_runs(comparison), home
    )
    return tracked(logged.run_id, logged.error, home, mlruns_of(config, folder))


def parent_run(comparison: CampaignComparison, *, page: str, pictures: Pictures) -> dict[str, Any]:
    """The run of a whole comparison, as ``tracking.log_nested`` takes it.

    Args:
        comparison: Of a campaign.
        page: Its page.
        pictures: Its pictures.

    Returns:
        Name, parameters, metrics, tags, and artifacts by file name.
    """
    found = comparison.comparisons
    names = dict.fromkeys(name for part in found.values() for name in part.surrogates)
    artifacts: dict[str, str | bytes] = {PAGE_NAME: page}
    for name, part in found.items():
        artifacts |= {f"{name}/{label}.png": png for label, png in pictures.get(name, {}).items()}
        artifacts |= {f"{name}/{label}.csv": text for label, text in _tables(part).items()}
    return {
        "name": "compare",
        "params": {
            "folds": comparison.folds,
            "seed": comparison.seed,
            "temperature_c": comparison.temperature_c,
            "properties": ",".join(found),
            "surrogates": ",".join(names),
        },
        "metrics": {
            f"{name}.{label}": float(value)
            for name, part in found.items()
            for label, value in (
                ("n_folds", part.n_folds),
                ("n_readings", part.n_readings),
                ("n_censored", part.n_censored),
            )
        },
        "tags": {
            "glassloop.simulated": str(comparison.simulated).lower(),
            **{f"{name}.verdict": part.verdict for name, part in found.items()},
            **{f"{name}.winner": part.winner or "none" for name, part in found.items()},
        },
        "artifacts": artifacts,
    }


def nested_runs(comparison: CampaignComparison) -> list[dict[str, Any]]:
    """One run a surrogate, as ``tracking.log_nested`` takes it.

    Args:
        comparison: Of a campaign.

    Returns:
        Name, parameters, metrics ``<property>.<score>``, tags, and the surrogates fitted to all
        readings by property.
    """
    found = comparison.comparisons
    names = dict.fromkeys(name for part in found.values() for name in part.surrogates)
    return [_nested_run(comparison, name) for name in names]


def _nested_run(comparison: CampaignComparison, name: str) -> dict[str, Any]:
    fits = {
        property_id: by_name[name]
        for property_id, by_name in comparison.fitted.items()
        if name in by_name
    }
    metrics: dict[str, float] = {}
    for property_id, part in comparison.comparisons.items():
        if name in part.surrogates:
            metrics |= {f"{property_id}.{k}": v for k, v in _metrics(part, name).items()}
    return {
        "name": name,
        "params": {
            "surrogate": name,
            "kind": ",".join(dict.fromkeys(type(model).__name__ for model in fits.values())),
            "folds": comparison.folds,
            "seed": comparison.seed,
        },
        "metrics": {key: value for key, value in metrics.items() if isfinite(value)},
        "tags": {"glassloop.simulated": str(comparison.simulated).lower()},
        "models": {
            property_id: plain_surrogate(model)
            for property_id, model in fits.items()
            if isinstance(model, Servable)
        },
    }


def _metrics(comparison: Comparison, name: str) -> dict[str, float]:
    """Scores, and the differences from the mean with their 95 % intervals."""
    row = comparison.scores.to_dict("index")[name]
    metrics = {score: float(row[score]) for score in LABELS}
    table = comparison.differences
    own = table[(table["surrogate"] == name) & (table["against"] == BASELINE)]
    for pair in own.to_dict("records"):
        key = f"{pair['score']}_minus_{BASELINE}"
        metrics[key] = float(pair["difference"])
        metrics |= {f"{key}_{end}": float(pair[end]) for end in ("lower", "upper")}
    return metrics


def _tables(comparison: Comparison) -> Mapping[str, str]:
    tables: dict[str, pd.DataFrame] = {
        "predictions": comparison.predictions,
        "scores": comparison.scores.reset_index(),
        "differences": comparison.differences,
        "curves": comparison.curves,
    }
    return {name: str(table.to_csv(index=False)) for name, table in tables.items()}
