"""What worker processes do for the server: everything that fits, predicts, chooses or draws.

Each function takes ``progress``, the campaign's folder and plain values, and returns plain values.
"""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments.archive import freeze
from experiments.campaign import Campaign
from experiments.comparison_console import comparison_json
from experiments.comparison_page import page, pictures
from experiments.csv_files import read_table_bytes
from experiments.draft import accept_draft, begin_draft, discard_draft, edit_draft, read_draft
from experiments.entry import READINGS, SPECIMENS, table_rows
from experiments.ledger import Transaction
from experiments.ledger_rows import RequestRow
from experiments.optuna_study import export_studies
from experiments.round_plan import choose_round
from experiments.web.explored import cell_map_plain, fronts_plain, slices_plain
from experiments.web.lane import Progress
from experiments.web.standing import standing_plain
from experiments.what_if import predict_recipes, what_if_cell, what_if_glass

Plain = dict[str, Any]
Request = Mapping[str, str] | None
"""Person, idempotency key and fingerprint of what asked; ``None`` without a key."""


def propose(
    progress: Progress,
    folder: str,
    *,
    glasses: int | None = None,
    trilayers: int | None = None,
    budget_h: float | None = None,
    accept: bool = False,
    request: Request = None,
) -> Plain:
    """A new draft, or at once a new round.

    Returns:
        ``draft`` with its id, or ``round`` with its id.
    """

    def choose(*args: Any, **more: Any) -> Any:
        progress(0.25, "choosing glasses and cells")
        chosen = choose_round(*args, **more)
        progress(0.75, "predicting and explaining what was chosen")
        return chosen

    with Campaign.open(Path(folder)) as campaign:
        progress(0.05, "learning from the data")
        asked: dict[str, Any] = {"glasses": glasses, "trilayers": trilayers, "budget_h": budget_h}
        if accept:
            round_ = campaign.propose(
                **asked, choose=choose, also=lambda tx, name: _answer(tx, request, {"round": name})
            )
            return {"round": round_["round"]}
        draft = begin_draft(
            campaign, **asked, choose=choose,
            also=lambda tx, name: _answer(tx, request, {"draft": name}),
        )  # fmt: skip
        return {"draft": draft.id}


def edit(
    progress: Progress, folder: str, *, draft: str, version: int, edits: Sequence[Mapping[str, Any]]
) -> Plain:
    """The next version of a draft."""
    with Campaign.open(Path(folder)) as campaign:
        return edit_draft(campaign, draft, version, edits).to_dict()


def draft(progress: Progress, folder: str, *, draft: str, version: int) -> Plain:
    """A draft in its newest version; the version asked for only names what is remembered."""
    with Campaign.open(Path(folder)) as campaign:
        return read_draft(campaign.ledger, draft).to_dict()


def accept(
    progress: Progress, folder: str, *, draft: str, version: int, request: Request = None
) -> Plain:
    """A draft becomes a round."""
    with Campaign.open(Path(folder)) as campaign:
        progress(0.1, "predicting with all data there are now")
        round_ = accept_draft(
            campaign, draft, version,
            also=lambda tx, name: _answer(tx, request, {"round": name}),
        )  # fmt: skip
        return {"round": round_["round"]}


def discard(progress: Progress, folder: str, *, draft: str, version: int) -> Plain:
    """A draft is not wanted."""
    with Campaign.open(Path(folder)) as campaign:
        discard_draft(campaign, draft, version)
        return {"draft": draft}


def settle(progress: Progress, folder: str) -> Plain:
    """Score new results, close complete rounds, tell MLflow."""
    progress(0.2, "scoring what was predicted")
    with Campaign.open(Path(folder)) as campaign:  # opening settles
        progress(0.7, "telling MLflow")
        campaign.deliver()
        campaign.complete_folders(campaign.open_rounds())
        return {"open_rounds": campaign.open_rounds()}


def close_round(progress: Progress, folder: str, *, round_id: str) -> Plain:
    """End a round with what is there."""
    with Campaign.open(Path(folder)) as campaign:
        campaign.end_round(round_id)
        return {"round": round_id}


def show(progress: Progress, folder: str, *, round_id: str) -> Plain:
    """A round as it was proposed; its folder is completed."""
    with Campaign.open(Path(folder)) as campaign:
        return {**campaign.show(round_id), "where": campaign.where_tracked(round_id)}


def read_files(
    progress: Progress, folder: str, *, files: Sequence[tuple[str, bytes]]
) -> dict[str, list[Any]]:
    """Rows of uploaded files, by table, and what is wrong with them.

    A hostile file costs this process its time, and not the server.
    """
    found: dict[str, list[Any]] = {SPECIMENS: [], READINGS: [], "problems": []}
    for name, raw in files:
        table, kind = read_table_bytes(name, raw, ("specimen", "kind", "status")), SPECIMENS
        if "property" in table.columns:
            table, kind = read_table_bytes(name, raw, ("specimen", "property", "value")), READINGS
        found["problems"] += [str(one) for one in table.problems]
        found[kind] += table_rows(kind, table.rows)
    return found


def standing(progress: Progress, folder: str) -> Plain:
    """Where the campaign stands: status, best specimens."""
    with Campaign.open(Path(folder)) as campaign:
        return standing_plain(campaign)


def slices(
    progress: Progress,
    folder: str,
    *,
    variable: str,
    property_id: str,
    surrogates: Sequence[str],
    medium: str | None = None,
) -> Plain:
    """A property along a variable by several surrogates."""
    with Campaign.open(Path(folder)) as campaign:
        return slices_plain(
            campaign, variable=variable, property_id=property_id, surrogates=surrogates,
            medium=medium,
        )  # fmt: skip


def fronts(progress: Progress, folder: str) -> list[Plain]:
    """Objectives of the glasses against each other."""
    with Campaign.open(Path(folder)) as campaign:
        return fronts_plain(campaign)


def cell_map(progress: Progress, folder: str) -> Plain | None:
    """Cells by the oxygen of core and skin."""
    with Campaign.open(Path(folder)) as campaign:
        return cell_map_plain(campaign)


def glass_if(progress: Progress, folder: str, *, recipe: Mapping[str, Any]) -> Plain:
    """What a recipe would give."""
    with Campaign.open(Path(folder)) as campaign:
        return what_if_glass(campaign.knowledge(), campaign.config, recipe)


def cell_if(progress: Progress, folder: str, *, cell: Mapping[str, Any]) -> Plain:
    """What a cell would give."""
    with Campaign.open(Path(folder)) as campaign:
        return what_if_cell(campaign.knowledge(), campaign.config, cell)


def predict(
    progress: Progress, folder: str, *, recipes: Sequence[Mapping[str, Any]]
) -> list[Plain]:
    """Predictions of pellet recipes."""
    with Campaign.open(Path(folder)) as campaign:
        return predict_recipes(campaign.knowledge(), campaign.config, recipes)


def compare(
    progress: Progress, folder: str, *, properties: Sequence[str], surrogates: Sequence[str]
) -> Plain:
    """Which surrogate to believe; the page is written as ``compare.html``."""
    with Campaign.open(Path(folder)) as campaign:

        def told(done: int, of: int) -> None:
            progress(0.9 * done / max(of, 1), f"fit {done} of {of}")

        found = campaign.compare(
            properties=properties, surrogates=surrogates, n_jobs=1, progress=told
        )
        progress(0.92, "drawing")
        drawn = pictures(found, n_jobs=1)
        text = page(found, drawn)
        (campaign.folder / "compare.html").write_text(text, encoding="utf-8")
        progress(0.97, "telling MLflow")
        tracked = campaign.track(found, page=text, pictures=drawn)
        return {**comparison_json(found), "mlflow_run_id": tracked.run_id}


def report(progress: Progress, folder: str) -> Plain:
    """The report's page and figures, written as the command line does."""
    with Campaign.open(Path(folder)) as campaign:
        progress(0.1, "drawing")
        files = campaign.report(campaign.folder / "report")
        campaign.track_report(files)
        return {"page": files.page.name, "figures": len(files.figures)}


def archive(progress: Progress, folder: str, *, target: str) -> Plain:
    """A frozen archive as a file."""
    with Campaign.open(Path(folder)) as campaign:
        progress(0.1, "copying ledger, rounds, models and MLflow runs")
        freeze(campaign, Path(target))
        return {"bytes": Path(target).stat().st_size}


def optuna(progress: Progress, folder: str) -> bytes:
    """Both Optuna studies as an SQLite file."""
    with Campaign.open(Path(folder)) as campaign, tempfile.TemporaryDirectory() as place:
        target = Path(place) / "study.db"
        export_studies(campaign, str(target))
        return target.read_bytes()


def create(progress: Progress, folder: str, *, target: str, empty: bool, mlruns: str) -> Plain:
    """A new campaign beside the others."""
    from experiments.config import CampaignConfig, MlflowConfig

    name = Path(target).name
    config = CampaignConfig(name=name, mlflow=MlflowConfig(folder=mlruns))
    with Campaign.create(Path(target), config, empty=empty) as campaign:
        return {"campaign": name, "kind": campaign.kind}


def simulate(progress: Progress, folder: str, *, world: str, seed: int) -> Plain:
    """Fill and record the oldest open round from the virtual laboratory."""
    with Campaign.open(Path(folder)) as campaign:
        report_ = campaign.simulate(world=world, seed=seed)
        return {"readings": 0 if report_ is None else report_.readings_added}


def _answer(tx: Transaction, request: Request, answer: Plain) -> None:
    """Remember the answer with what was done, so that the request can be sent again."""
    if request is not None:
        tx.add_answer(RequestRow(**request, answer=answer))
