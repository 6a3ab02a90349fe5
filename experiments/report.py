"""The report of a campaign: one page that stands alone, and its figures as files."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from experiments.config import CampaignConfig
from experiments.display import number_text, significant, x_text
from experiments.knowledge import Knowledge
from experiments.ledger import Ledger
from experiments.literature import literature_sentences
from experiments.report_drawings import FIGURES, Drawing, Shown, assumption_codes, drawings
from experiments.report_figures_scatter import scatter_table
from experiments.report_front import Standing, fronts, standing_cells, standing_glasses
from experiments.report_gaps import gaps
from experiments.report_history import coverages, scores, volumes
from experiments.report_map import cell_map
from experiments.report_numbering import numbered_tables
from experiments.report_page import page
from experiments.report_slices import Peak, peaks, slice_along
from experiments.report_tables import batch, best_rows, heads
from experiments.report_words import calibration_words, counts, methods, where_we_stand
from experiments.safe_sheet import with_warning
from experiments.stored_round import stored_round
from features.errors import CampaignError
from features.properties import property_of

PAGE: Final = "report.html"
FIGURE_FOLDER: Final = "figures"
SLICED: Final = ("x", "pressing_pressure_mpa", "milling_time_h")

_ARROWS: Final = {"maximize": "↑", "minimize": "↓"}


@dataclass(frozen=True, slots=True)
class ReportFiles:
    """Where a report lies.

    Attributes:
        page: The HTML file; it needs none of the others.
        figures: PNG and SVG of each figure.
    """

    page: Path
    figures: tuple[Path, ...]


def write_report(
    ledger: Ledger,
    config: CampaignConfig,
    knowledge: Knowledge,
    status: Mapping[str, Any],
    folder: Path,
) -> ReportFiles:
    """Write the page and its figures; an earlier report in the folder is replaced.

    Args:
        ledger: The campaign's ledger.
        config: Its configuration.
        knowledge: Specimens, readings and fitted surrogates.
        status: As ``experiments.status.status_of`` gives it.
        folder: Made if need be.

    Returns:
        What was written.

    Raises:
        CampaignError: If the folder cannot be written.
    """
    told, drawn = report_content(ledger, config, knowledge, status)
    text = page(told, drawn)
    try:
        return _written(folder, text, drawn)
    except OSError as error:
        raise CampaignError(
            f"{folder}: the report cannot be written there ({error.strerror or error}); choose "
            "another folder with --out"
        ) from error


def report_content(
    ledger: Ledger, config: CampaignConfig, knowledge: Knowledge, status: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Drawing]]:
    """Texts and tables of the page, and its figures; writes nothing.

    Args:
        ledger: The campaign's ledger.
        config: Its configuration.
        knowledge: Specimens, readings and fitted surrogates.
        status: As ``experiments.status.status_of`` gives it.

    Returns:
        What the page is made of.
    """
    now = datetime.now(UTC)
    glasses, cells = standing_glasses(knowledge, config), standing_cells(knowledge, config)
    rows = scores(ledger)
    shown = Shown(
        slices={name: slice_along(knowledge, config, name) for name in SLICED},
        fronts=fronts(knowledge, config, glasses),
        cells=cell_map(knowledge, config),
        volumes=volumes(ledger),
        scores=rows,
        coverages=coverages(rows),
        scatter=status["scatter"],
        simulated=ledger.kind == "simulated",
    )
    assumptions = [*status["assumptions"], *literature_sentences(knowledge.literature)]
    codes = assumption_codes(knowledge, assumptions)
    words = where_we_stand(
        knowledge, config, status,
        glasses=glasses, cells=cells, volumes=shown.volumes, coverages=shown.coverages,
    )  # fmt: skip
    open_rounds = [part["id"] for part in status["rounds"] if part["state"] == "open"]
    told = {
        "head": {
            "campaign": ledger.campaign,
            "simulated": shown.simulated,
            "made": f"{now:%Y-%m-%d %H:%M}",
            "temperature": number_text(config.temperature_c),
            "words": words,
            "counts": counts(knowledge, status),
        },
        **_best(config, glasses, cells),
        "batches": [batch(
            with_warning(stored_round(ledger, name), config), _states(ledger),
            glass_names=tuple(config.glasses.objectives), cell_names=tuple(config.cells.objectives),
        ) for name in open_rounds],
        **_surprises(status),
        "peaks": [_peak(part, config) for part in peaks(knowledge, config)],
        "not_drawn": [
            f"{name.replace('_', ' ')} is held and never varied: there is nothing to draw along it."
            for name, part in shown.slices.items() if part is None
        ],
        "no_front": "With one objective there is no trade-off." if len(config.glasses.objectives)
        == 1 else "Nothing was made and nothing is planned yet.",
        "volume_now": ", ".join(
            f"{part['value']:.2f} ({part['lower']:.2f} to {part['upper']:.2f}) of the {kind}"
            for kind, part in status["hypervolume"].items()
        ),
        "scored": bool(rows),
        "coverage_words": [calibration_words(part) for part in shown.coverages[-2:]],
        **_skill(status),
        "scatter_table": scatter_table(shown.scatter),
        "gaps": gaps(knowledge, config, shown.scatter),
        "nothing_made": knowledge.pellets.empty,
        "set_aside": list(status.get("set_aside", ())),
        "assumptions": [_assumption(sentence, codes) for sentence in assumptions],
        "methods": methods(knowledge, config, campaign_id=str(ledger.id), now=now),
    }  # fmt: skip
    return numbered_tables(told), drawings(shown, codes)


def _best(
    config: CampaignConfig, glasses: Sequence[Standing], cells: Sequence[Standing]
) -> dict[str, Any]:
    glass_names, cell_names = tuple(config.glasses.objectives), tuple(config.cells.objectives)
    return {
        "best_glasses": best_rows(glasses, glass_names),
        "best_cells": best_rows(cells, cell_names),
        "glass_heads": heads(glass_names, config.glasses.objectives),
        "cell_heads": heads(cell_names, config.cells.objectives),
        "batch_glass_heads": heads(glass_names, config.glasses.objectives),
        "batch_cell_heads": heads(cell_names, config.cells.objectives),
    }


def _surprises(status: Mapping[str, Any]) -> dict[str, Any]:
    """Surprises and warnings of the status; an older status may lack them."""
    drift = status.get("drift")
    return {
        "surprises": [
            {name: part.get(name) for name in ("round", "in_words", "causes")}
            for part in status.get("surprises") or ()
        ],
        "drift": None if not drift else drift["in_words"],
        "altered": list(status.get("altered") or ()),
    }


def _skill(status: Mapping[str, Any]) -> dict[str, Any]:
    """Root mean square errors against simple fits, where the status has them."""
    found = status.get("skill") or {}
    names = list(dict.fromkeys(name for part in found.values() for name in part["rmse"]))
    return {
        "skill_names": ["ours" if name == "gp" else name for name in names],
        "skill": [
            {
                "label": property_of(key).label,
                "unit": part["unit"] if part["unit"] != "1" else "",
                "n": part["n"],
                "rmse": [
                    "-" if part["rmse"].get(name) is None else significant(part["rmse"][name], 2)
                    for name in names
                ],
                "in_words": part["in_words"],
            }
            for key, part in found.items()
        ],
    }


def _peak(part: Peak, config: CampaignConfig) -> dict[str, str]:
    return {
        "label": property_of(part.property_id).label,
        "arrow": _ARROWS[config.glasses.objectives[part.property_id].direction],
        "at": x_text(round(part.at, 2)),
        "range": f"{x_text(round(part.low, 2))} to {x_text(round(part.high, 2))}",
        "located": "yes" if part.is_located else "not by these data",
    }


def _assumption(sentence: str, codes: Mapping[str, Sequence[str]]) -> tuple[str, str, str]:
    """Code, text, and labels of the properties it touches."""
    code, mark, text = sentence.partition(": ")
    if not mark or not (code[:1] == "A" and code[1:].isdigit()):
        return "", sentence, ""
    touched = [property_of(name).label for name, own in codes.items() if code in own]
    return code, text, ", ".join(touched)


def _states(ledger: Ledger) -> dict[str, str]:
    """How far each pellet and cell got: planned, made, failed, or how many readings it has."""
    counted = ledger.readings().groupby("specimen").size().to_dict()
    pellets, cells = ledger.pellets(), ledger.cells()
    fate = {**dict(pellets["status"]), **dict(cells["status"])}
    lost = set(pellets.index[pellets["jar_status"] == "failed"])
    return {
        str(name): "jar failed" if name in lost else _state(str(state), int(counted.get(name, 0)))
        for name, state in fate.items()
    }


def _state(state: str, n_readings: int) -> str:
    if state != "made" or not n_readings:
        return state.replace("_", " ")
    return f"made, {n_readings} reading{'' if n_readings == 1 else 's'}"


def _written(folder: Path, text: str, drawn: Mapping[str, Drawing]) -> ReportFiles:
    """Every file whole or as before: each is written beside its place and then moved there."""
    figures = folder / FIGURE_FOLDER
    figures.mkdir(parents=True, exist_ok=True)
    for name in FIGURES:
        for kind in ("png", "svg"):
            if name not in drawn:
                (figures / f"{name}.{kind}").unlink(missing_ok=True)  # of an earlier report
    paths = []
    for name, drawing in drawn.items():
        for kind, content in (("png", drawing.png), ("svg", drawing.svg)):
            paths.append(_put(figures / f"{name}.{kind}", content))
    return ReportFiles(_put(folder / PAGE, text.encode("utf-8")), tuple(paths))


def _put(path: Path, content: bytes) -> Path:
    draft = path.with_name(f".{path.name}.part")
    try:
        draft.write_bytes(content)
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    return path
