"""What a person's edits do to the gain expected of a batch, on scenarios that both share."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.cell_stock import LAYER, whole_cells
from experiments.config import CampaignConfig
from experiments.draft_sheet import LAYERS, Kind, Sheet, names_text, same
from experiments.explanation import SEED, cell_joint, glass_joint
from experiments.knowledge import Knowledge
from experiments.reasons import FOR_CELLS
from experiments.round_plan import Choice
from optimizer.contribution import standard_error
from optimizer.joint import Joint

Array = NDArray[np.float64]
Draw = Callable[[pd.DataFrame], Joint]
Gain = dict[str, Any]
"""``now``, ``proposed``, ``change`` and ``in_words``; the first three are ``None`` if unknown."""

NINETY: Final = 1.645
"""Standard errors on each side of a 90 % interval."""

LEAST_GAIN: Final = 1e-12
"""Of a smaller gain there are no shares."""

OF: Final[Mapping[Kind, str]] = {"glass": "glasses", "cell": "tri-layers"}


def gains_of(
    knowledge: Knowledge, config: CampaignConfig, sheet: Sheet, choice: Choice
) -> dict[str, Gain]:
    """The hypervolume expected to be gained by a draft as it is, and as it was proposed.

    Both are judged in the same scenarios, so that their difference is known much better than
    either. Rows as proposed are one row in both; a row that was changed shares its luck in the
    making with what it was.

    Args:
        knowledge: Surrogates as they are now.
        config: Objectives and reference points.
        sheet: The draft.
        choice: The round it asks for.

    Returns:
        For ``glasses`` and ``trilayers``: ``now`` and ``proposed``, each ``mean`` and ``se``;
        ``change`` with ``lower`` and ``upper`` (90 % of the Monte Carlo error) too, and as
        ``share`` of the gain as proposed; ``in_words``.
    """
    glasses = _both(sheet, "glass", _glass_rows(sheet))
    cells = _both(sheet, "cell", _cell_rows(sheet))
    found = {}
    for kind, label, both in (("glass", "glasses", glasses), ("cell", "trilayers", cells)):
        if kind not in sheet.learned or not both.rows:
            found[label] = _unknown(sheet, "glass" if kind == "glass" else "cell")
            continue
        if kind == "glass":
            rows = pd.DataFrame(both.rows)
            draw: Draw = partial(glass_joint, knowledge, config)
        else:
            rows = whole_cells(pd.DataFrame(both.rows), _layers(sheet, choice))
            draw = partial(cell_joint, knowledge, config, sound=choice.sound)
        found[label] = _compared(draw, rows, both, sheet)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Both:
    """Rows as proposed and rows as they are, each distinct one once.

    Attributes:
        kind: What they are.
        rows: Recipes.
        proposed: Places of those proposed.
        now: Places of those to be made now.
        owner: For each, the number of the draft's row that it is a version of.
    """

    kind: Kind
    rows: list[Mapping[str, Any]]
    proposed: list[int]
    now: list[int]
    owner: list[int]


Versions = tuple[Mapping[str, Any] | None, Mapping[str, Any]]
"""A row as proposed and as it is now."""


def _both(sheet: Sheet, kind: Kind, versions: Sequence[Versions]) -> _Both:
    both = _Both(kind=kind, rows=[], proposed=[], now=[], owner=[])
    for number, (line, (before, after)) in enumerate(zip(sheet.of(kind), versions, strict=True)):
        if before is not None:
            both.proposed.append(len(both.rows))
            both.rows.append(before)
            both.owner.append(number)
        if not sheet.is_kept(line):
            continue
        if before is None or not same(after, before):
            both.rows.append(after)
            both.owner.append(number)
        both.now.append(len(both.rows) - 1)
    return both


def _glass_rows(sheet: Sheet) -> list[Versions]:
    return [(sheet.full_proposed(line), sheet.full(line)) for line in sheet.of("glass")]


def _cell_rows(sheet: Sheet) -> list[Versions]:
    """Cells by their jars; of a glass that is milled otherwise there are two."""
    other = {line.key for line in sheet.of("glass") if _is_other_jar(sheet, line.key)}
    versions: list[Versions] = []
    for line in sheet.of("cell"):
        before = sheet.full_proposed(line)
        if before is not None:
            as_was = {layer: _as_proposed(before[layer], other) for layer in LAYERS}
            before = {**before, **as_was}
        versions.append((before, sheet.full(line)))
    return versions


def _is_other_jar(sheet: Sheet, key: str) -> bool:
    line = next(line for line in sheet.lines if line.key == key)
    before, after = sheet.full_proposed(line), sheet.full(line)
    return before is not None and not same(
        {name: before[name] for name in LAYER}, {name: after[name] for name in LAYER}
    )


def _as_proposed(jar: str, other: set[str]) -> str:
    return f"{jar} as proposed" if jar in other else jar


def _layers(sheet: Sheet, choice: Choice) -> pd.DataFrame:
    """Recipes of all jars that cells of the draft are or were built from."""
    own: dict[str, Mapping[str, Any]] = {}
    for line in sheet.of("glass"):
        own[line.key] = sheet.full(line)
        if (before := sheet.full_proposed(line)) is not None:
            own[f"{line.key} as proposed"] = before
    drafted = pd.DataFrame.from_dict(own, orient="index")[list(LAYER)]
    others = choice.powder.jars.drop(index=drafted.index, errors="ignore")  # a key means a row
    return pd.concat([others[list(LAYER)], drafted])


def _paired(joint: Joint, rows: pd.DataFrame, both: _Both) -> Joint:
    """The same scenarios, where versions of a row fail together as far as they can."""
    if joint.aim.success is None:
        return joint
    chance = joint.aim.success(rows)
    luck = np.random.default_rng(SEED).random((len(joint.outcomes), max(both.owner) + 1))
    is_made = joint.is_made.copy()
    is_made[:, joint.n_standing :] = luck[:, both.owner] < chance
    return replace(joint, is_made=is_made)


def _compared(draw: Draw, rows: pd.DataFrame, both: _Both, sheet: Sheet) -> Gain:
    """Gain and change; the gain as proposed is the same whatever it is compared with."""
    joint = _paired(draw(rows), rows, both)
    before, after = joint.gains_of(both.proposed), joint.gains_of(both.now)
    mean, se, share = float((after - before).mean()), standard_error(after - before), None
    proposed = _number(before)
    if len(rows) > len(both.proposed) and both.proposed:
        alone = rows.iloc[both.proposed]
        own = replace(both, owner=[both.owner[place] for place in both.proposed])
        proposed = _number(_paired(draw(alone), alone, own).gains)
    if before.mean() > LEAST_GAIN:
        share = _share(after - before, before)
        mean = share["mean"] * proposed["mean"]
        se = share["se"] * proposed["mean"]
    return {
        "now": {"mean": proposed["mean"] + mean, "se": standard_error(after)},
        "proposed": proposed,
        "change": {
            "mean": mean,
            "se": se,
            "lower": mean - NINETY * se,
            "upper": mean + NINETY * se,
            "share": share,
        },
        "in_words": _in_words(sheet, both.kind, share),
    }


def _number(draws: Array) -> dict[str, float]:
    return {"mean": float(draws.mean()), "se": standard_error(draws)}


def _share(change: Array, before: Array) -> dict[str, float]:
    """Change over the gain as proposed, with the error of a ratio of means."""
    whole = float(before.mean())
    mean = float(change.mean()) / whole
    se = standard_error(change - mean * before) / whole
    return {"mean": mean, "se": se, "lower": mean - NINETY * se, "upper": mean + NINETY * se}


def _in_words(sheet: Sheet, kind: Kind, share: Mapping[str, float] | None) -> str:
    what = edits_text(sheet, kind)
    of = f"the gain expected of the {OF[kind]}"
    if not what:
        return f"as proposed: nothing changes {of}"
    if share is None:
        return f"no gain was expected of the {OF[kind]} as proposed, so there is no share of it"
    lower, mean, upper = (100 * share[name] for name in ("lower", "mean", "upper"))
    if upper < 0:
        said = f"{what} loses {-mean:.0f} % ({-upper:.0f} to {-lower:.0f} %) of {of}"
    elif lower > 0:
        said = f"{what} adds {mean:.0f} % ({lower:.0f} to {upper:.0f} %) to {of}"
    else:
        said = f"{what} changes {of} by no more than can be told ({lower:.0f} to {upper:.0f} %)"
    for_cells = kind == "glass" and any(line.role in FOR_CELLS for line in sheet.of("glass"))
    return said + (", as pellets: what they add in cells is not counted" if for_cells else "")


def edits_text(sheet: Sheet, kind: Kind) -> str:
    """What was done to the rows of a kind; empty if nothing."""
    lines = sheet.of(kind)
    kept = [line for line in lines if sheet.is_kept(line)]
    groups = {
        "dropping": [line.key for line in lines if line not in kept and line.proposed is not None],
        "changing": [
            line.key
            for line in kept
            if line.proposed is not None and (line.is_changed or _has_other_layer(sheet, line.key))
        ],
        "adding": [line.key for line in kept if line.proposed is None],
    }
    parts = [f"{verb} {names_text(keys)}" for verb, keys in groups.items() if keys]
    if kind == "glass" and sheet.run.is_changed:
        run = sheet.run.values
        parts.append(f"milling {run['milling_time_h']:g} h at {run['milling_speed_rpm']:g} rpm")
    return names_text(parts)


def _has_other_layer(sheet: Sheet, key: str) -> bool:
    """Whether a cell is as it was, but a jar it is built from is not."""
    line = next(line for line in sheet.lines if line.key == key)
    if line.kind == "glass":
        return False
    glasses = {glass.key for glass in sheet.of("glass")}
    jars = {line.recipe[layer] for layer in LAYERS}
    return any(_is_other_jar(sheet, jar) for jar in jars & glasses)


def _unknown(sheet: Sheet, kind: Kind) -> Gain:
    if not sheet.of(kind):
        said = f"there are no {OF[kind]}"
    else:
        said = (
            f"too little is known for surrogates to choose the {OF[kind]}: this is a start, and "
            "what it gains is not known"
        )
    return {"now": None, "proposed": None, "change": None, "in_words": said}
