"""Where the campaign stands, in a paragraph; and what its methods are, in a footnote."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from importlib.metadata import version
from typing import Any, Final

from experiments.config import CampaignConfig
from experiments.display import FEW_READINGS, counted, typeset_unit, value_text
from experiments.knowledge import Knowledge, sound_cells, sound_pellets
from experiments.report_front import Standing
from experiments.report_history import LEVELS, Coverage, Volume
from experiments.report_slices import NOT_MADE_HERE
from features.properties import CATALOGUE, property_of

PAPER: Final = "Chi et al., Nat. Commun. 13, 2854 (2022)"
PAPER_DOI: Final = "10.1038/s41467-022-30517-y"

_KINDS: Final = {"glasses": "the glasses", "cells": "the cells"}


def counts(knowledge: Knowledge, status: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Numbers of the head: what each counts, and the count.

    Args:
        knowledge: Specimens.
        status: As ``status_of`` gives it.

    Returns:
        Texts, in the order printed.
    """
    pellets, cells = sound_pellets(knowledge.pellets), sound_cells(knowledge.cells)
    ours = pellets.loc[~pellets["origin"].isin(NOT_MADE_HERE)]
    built = cells.loc[~cells["core_origin"].isin(NOT_MADE_HERE)]
    elsewhere = len(pellets) - len(ours) + len(cells) - len(built)
    failed = _failed(knowledge)
    states = [part["state"] for part in status["rounds"]]
    found = [
        ("rounds closed", str(states.count("closed"))),
        ("rounds open", str(states.count("open"))),
        ("pellets made here", str(len(ours))),
        ("cells built here", str(len(built))),
        ("failed here", str(failed)),
        ("readings in the fit", str(sum(status["in_fit"].values()))),
        ("specimens of others", str(elsewhere)),
    ]
    n_values = status.get("literature", {}).get("n_values", 0)
    return [*found, ("literature values", str(n_values))] if n_values else found


def where_we_stand(
    knowledge: Knowledge,
    config: CampaignConfig,
    status: Mapping[str, Any],
    *,
    glasses: Sequence[Standing],
    cells: Sequence[Standing],
    volumes: Mapping[str, Sequence[Volume]],
    coverages: Sequence[Coverage],
) -> list[str]:
    """The state of the campaign in a few sentences.

    Args:
        knowledge: Specimens and fitted surrogates.
        config: Objectives.
        status: As ``status_of`` gives it.
        glasses: Glasses made.
        cells: Cells made.
        volumes: Hypervolume by kind, round by round.
        coverages: Coverage by round and over all.

    Returns:
        Sentences; what cannot be said is left out.
    """
    return [
        _progress(knowledge, status),
        *_best(glasses, config.glasses.objectives),
        *_best(cells, config.cells.objectives),
        *_risen(volumes),
        *_right(coverages),
        *_unread(status, config),
        _next(status),
    ]


def calibration_words(found: Coverage) -> str:
    """What a coverage says of the predictions, in one sentence.

    Args:
        found: At 50 or 90 %.

    Examples:
        >>> calibration_words(Coverage(label="all", level=90, n=70, inside=65, low=59, high=67))
        '65 of 70 readings (93 %) fell inside their 90 % range, as often as right ranges would'
    """
    share = 100 * found.inside / found.n
    said = f"{found.inside} of {found.n} readings ({share:.0f} %) fell inside their {found.level} %"
    if found.is_chance:
        return f"{said} range, as often as right ranges would"
    if found.inside < found.low:
        return f"{said} range, fewer than chance explains: the ranges were too narrow"
    return f"{said} range, more than chance explains: the ranges were wider than need be"


def methods(
    knowledge: Knowledge, config: CampaignConfig, *, campaign_id: str, now: datetime
) -> list[str]:
    """How the numbers came about, one sentence each.

    Args:
        knowledge: Fitted surrogates.
        config: Settings of the surrogates, objectives, temperature.
        campaign_id: What tells two campaigns of one name apart.
        now: When the report was made.

    Returns:
        Sentences without markup.
    """
    kernels = sorted({config.settings_of(name).kernel for name in knowledge.layers})
    physics = [property_of(n).label for n, model in knowledge.layers.items() if model.uses_physics]
    references = [
        f"{property_of(name).label} {value_text(_reference(name, part.reference), name)} "
        f"{typeset_unit(name)}".strip()
        for wanted in (config.glasses.objectives, config.cells.objectives)
        for name, part in wanted.items()
    ]
    return [
        f"Surrogates: a Gaussian process a pellet property ({', '.join(kernels)} kernel) over "
        "oxygen, medium, milling dose and pressure, on the scale its axis has here, with "
        "scatter between jars, between pellets of a jar and between readings as levels of their "
        "own. Bounds and ranges count as such; readings at other temperatures by an Arrhenius law.",
        f"Physics as prior mean: {', '.join(physics)}." if physics else "No physics in the mean.",
        "Cells: resistance as the series sum of layers drawn jointly, corrected by measured "
        "resistances; critical current as a Gaussian process over what the layers are.",
        'Ranges: "90 % of the true value" is where the property of the recipe lies, without '
        'scatter; "90 % of a new reading" is where one reading on a new jar falls. On '
        "log axes the centre is the median; dex are decades.",
        "Best specimens are ranked by what is known of them from all data together, not by "
        "their highest reading, which favours luck.",
        f"Hypervolume: of joint draws at the specimens made, from the reference point "
        f"({'; '.join(references)}), 1 where all objectives are at their plausible best.",
        "Scores: each reading against the prediction frozen when its round was proposed.",
        f"Sources: the laboratory's own records; {PAPER}, doi:{PAPER_DOI}, where the paper's "
        "specimens are named. Values of the literature are not the laboratory's own and are "
        "marked.",
        f"Made by glassloop {version('glassloop')} at {now:%Y-%m-%d %H:%M} UTC from campaign "
        f"{campaign_id}, at {config.temperature_c:g} °C.",
    ]


def _progress(knowledge: Knowledge, status: Mapping[str, Any]) -> str:
    told = dict(counts(knowledge, status))
    closed, still_open = int(told["rounds closed"]), int(told["rounds open"])
    made, built = int(told["pellets made here"]), int(told["cells built here"])
    others = int(told["specimens of others"])
    elsewhere = (
        f" besides {counted(others, 'specimen')} of others, whose data are learned from"
        if others else ""
    )  # fmt: skip
    if not closed and not still_open and not made:
        return f"No round was proposed yet; nothing was made here{elsewhere}."
    here = f"{counted(made, 'sound pellet')} and {counted(built, 'cell')} were made here"
    rounds = f"{counted(closed, 'round')} closed, {still_open} open"
    return f"{rounds}: {here}{elsewhere}."


def _best(made: Sequence[Standing], wanted: Mapping[str, Any]) -> Iterator[str]:
    """The best specimen by each objective, those that were read on it only."""
    parts = []
    for name, objective in wanted.items():
        sign = 1 if objective.direction == "maximize" else -1
        read = [part for part in made if part.values[name]["read"]]
        if not read:
            continue
        best = max(read, key=lambda part: sign * part.values[name]["mean"])
        value = best.values[name]
        superlative = "highest" if sign > 0 else "lowest"
        unit = typeset_unit(name)
        parts.append(
            f"{superlative} {property_of(name).label} {value_text(value['mean'], name)} {unit} "
            f"(90 %: {value_text(value['lower'], name)} to {value_text(value['upper'], name)}) "
            f"at {best.specimen}{'' if best.is_own else ', not made here'}"
        )
    if parts:
        text = "; ".join(parts)
        yield f"{text[:1].upper()}{text[1:]}."


def _risen(volumes: Mapping[str, Sequence[Volume]]) -> Iterator[str]:
    parts = []
    for kind, rows in volumes.items():
        if len(rows) < 2:
            continue
        first, last = rows[0], rows[-1]
        parts.append(
            f"that of {_KINDS[kind]} went from {first.value:.2f} ({first.lower:.2f} to "
            f"{first.upper:.2f}) to {last.value:.2f} ({last.lower:.2f} to {last.upper:.2f})"
        )
    if parts:
        yield f"Hypervolume since the start, 90 % in brackets: {', '.join(parts)}."


def _right(coverages: Sequence[Coverage]) -> Iterator[str]:
    last = [part for part in coverages[-len(LEVELS) :] if part.level == max(LEVELS)]
    if last and last[0].n:
        yield f"{calibration_words(last[0])}."
    else:
        yield "No prediction was scored yet."


def _unread(status: Mapping[str, Any], config: CampaignConfig) -> Iterator[str]:
    wanted = (*config.glasses.objectives, *config.cells.objectives)
    few = {name: n for name, n in status["in_fit"].items() if n < FEW_READINGS and name in wanted}
    if few:
        told = ", ".join(f"{property_of(name).label} ({n})" for name, n in few.items())
        yield (
            f"Too few readings to learn from: {told}; what is said of these is mostly the prior."
        )


def _next(status: Mapping[str, Any]) -> str:
    waiting = [part for part in status["rounds"] if part["state"] == "open"]
    if not waiting:
        return "No round is open; 'glassloop propose' plans the next."
    told = [
        f"{part['id']} with {counted(part['n_glasses'], 'glass')} and "
        f"{counted(part['n_trilayers'], 'cell')}"
        for part in waiting
    ]
    return f"Next: {'; '.join(told)}."


def _failed(knowledge: Knowledge) -> int:
    """Jars, pellets and cells that failed, each at the place where it did."""
    pellets, cells = knowledge.pellets, knowledge.cells
    jars = set(pellets.loc[pellets["jar_status"] == "failed", "jar"])
    return (
        len(jars)
        + int((pellets["status"] == "failed").sum())
        + int((cells["status"] == "failed").sum())
    )


def _reference(name: str, chosen: float | None) -> float | None:
    return CATALOGUE[name].reference if chosen is None else chosen
