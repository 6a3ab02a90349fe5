"""The start: with too little data to learn from, make what tells causes apart."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from experiments.config import CampaignConfig
from experiments.knowledge import GLASS_COLUMNS, Knowledge
from features.milling import MEDIA
from optimizer.space import SearchSpace

Row = tuple[dict[str, Any], str, str]
"""Recipe, role and reason."""

N_CANDIDATES = 512


def first_glasses(
    knowledge: Knowledge,
    config: CampaignConfig,
    space: SearchSpace,
    held: Mapping[str, float],
    *,
    q: int,
    wants_skin: bool,
    rng: np.random.Generator,
) -> tuple[list[Row], str]:
    """The glasses of a start, most needed first: one mill run.

    In order: the control; compositions known in another medium only, in the control's medium
    (breaks the confound of composition with medium); a skin glass when tri-layers want one; the
    control's composition in media owned and never tried; then recipes far from all others.

    Args:
        knowledge: What was made so far.
        config: Control, jars owned.
        space: Free parameters.
        held: Values of the others.
        q: Jars in the run.
        wants_skin: Whether a skin glass is needed.
        rng: Source of randomness.

    Returns:
        Recipes with role and reason, and why this milling time.

    References:
        Domain notes 1.9 (C1: oxygen is confounded with medium and time) and 7.1.
    """
    told = knowledge.pellets.loc[knowledge.pellets["status"] != "not_made"]
    read = told.loc[told.index.isin(knowledge.fitted["specimen"])]
    time_h, run_why = _milling_time(told, read, config)
    anchor = {
        "x": config.control.x,
        "milling_time_h": time_h,
        "milling_media": config.control.milling_media,
        "milling_speed_rpm": float(held.get("milling_speed_rpm", 500.0)),
        "pressing_pressure_mpa": config.control.pressing_pressure_mpa,
    }
    batch = _Batch(told, anchor, config, q)
    if config.batch.controls:
        batch.add({}, "control", "the reference glass, made here to compare with", repeat=True)
    for x, media in _known_in_other_media_only(read, config):
        batch.add(
            {"x": x},
            "confound",
            f"breaks a confound: x = {x:g} is known from {MEDIA[media].label} only, so oxygen and "
            f"medium cannot be told apart; here it is milled like the control",
        )
    if wants_skin:
        batch.add(
            {"x": config.control.skin_x},
            "skin",
            f"tri-layers need x of at least 0.30 against sodium and none is in "
            f"stock; x = {config.control.skin_x:g} is the skin of the reference cell",
            repeat=True,
        )
    for media in _untried_media(told, config):
        batch.add(
            {"milling_media": media},
            "medium",
            f"the control's composition in {MEDIA[media].label}, never tried so far, "
            "which tells the medium apart from the oxygen",
        )
    batch.fill(space, held, rng)
    return batch.rows, run_why


class _Batch:
    """Rows so far, within the jars owned and without repeats."""

    def __init__(
        self, told: pd.DataFrame, anchor: Mapping[str, Any], config: CampaignConfig, q: int
    ) -> None:
        self.rows: list[Row] = []
        self._anchor = anchor
        self._q = q
        self._free = dict(config.glasses.jars_owned)
        self._made = [_key(row) for row in told[list(GLASS_COLUMNS)].to_dict("records")]

    def add(self, change: Mapping[str, Any], role: str, why: str, *, repeat: bool = False) -> None:
        """Add the anchor with a change, if there is a jar and it was not made before."""
        recipe = {**self._anchor, **change}
        media = recipe["milling_media"]
        if len(self.rows) >= self._q or not self._free.get(media, 0):
            return
        if not repeat and _key(recipe) in self._made:
            return
        self._free[media] -= 1
        self._made.append(_key(recipe))
        self.rows.append((recipe, role, why))

    def fill(self, space: SearchSpace, held: Mapping[str, float], rng: np.random.Generator) -> None:
        """Fill what is left with recipes far from all that is known."""
        run: dict[str, object] = {
            name: self._anchor[name]
            for name in ("milling_time_h", "milling_speed_rpm")
            if name in space.columns
        }
        while len(self.rows) < self._q:
            spread = space.spread(N_CANDIDATES, rng, fixed=run)
            spread = spread[[self._free.get(m, 0) > 0 for m in spread["milling_media"]]]
            known = pd.DataFrame([dict(key) for key in self._made])
            known = known[known["milling_media"].isin(list(self._free))]
            far = _farthest(space, spread, known)
            before = len(self.rows)
            self.add(
                {**held, **far},
                "space_filling",
                "far from every recipe made so far, too little is known to predict",
            )
            if len(self.rows) == before:
                return


def _key(recipe: Mapping[Any, Any]) -> tuple[tuple[str, Any], ...]:
    return tuple(
        (name, recipe[name] if isinstance(recipe[name], str) else round(float(recipe[name]), 6))
        for name in GLASS_COLUMNS
    )


def _farthest(space: SearchSpace, candidates: pd.DataFrame, known: pd.DataFrame) -> dict[str, Any]:
    """The candidate whose nearest known recipe is farthest, in the unit cube."""
    there = space.encode(candidates)
    if known.empty:
        return {str(k): v for k, v in candidates.iloc[0].to_dict().items()}
    here = space.encode(known)
    gaps = np.sqrt(((there[:, None, :] - here[None, :, :]) ** 2).sum(-1)).min(axis=1)
    return {str(k): v for k, v in candidates.iloc[int(gaps.argmax())].to_dict().items()}


def _milling_time(
    told: pd.DataFrame, read: pd.DataFrame, config: CampaignConfig
) -> tuple[float, str]:
    """The run's time, and what it does about the confound of composition with time."""
    usual = config.control.milling_time_h
    others = sorted(set(read["milling_time_h"]) - {usual})
    alone = [
        t for t in others if set(read.loc[read["milling_time_h"] == t, "x"]) - _xs(read, usual)
    ]
    made_here = told.loc[(told["origin"] != "paper") & (told["milling_time_h"] == usual)]
    if made_here.empty or not alone:
        why = f"{usual:g} h, as the control"
        if alone:
            why += (
                f"; compositions known only from {', '.join(f'{t:g} h' for t in alone)} of milling "
                "are half freed of that confound here: the time half needs a second mill run"
            )
        return usual, why
    return alone[0], (
        f"{alone[0]:g} h: the second mill run that tells milling time apart from composition"
    )


def _xs(read: pd.DataFrame, time_h: float) -> set[float]:
    return set(read.loc[read["milling_time_h"] == time_h, "x"])


def _known_in_other_media_only(
    read: pd.DataFrame, config: CampaignConfig
) -> Sequence[tuple[float, str]]:
    """Compositions that were never read in the control's medium, with the medium they were in."""
    usual = config.control.milling_media
    there = set(read.loc[read["milling_media"] == usual, "x"].round(2))
    others = read.loc[read["milling_media"] != usual]
    return [
        (float(x), str(group["milling_media"].iloc[0]))
        for x, group in others.groupby(others["x"].round(2))
        if x not in there and x != round(config.control.x, 2)
    ]


def _untried_media(told: pd.DataFrame, config: CampaignConfig) -> list[str]:
    """Media owned and never used, those without a warning first."""
    owned = [media for media, count in config.glasses.jars_owned.items() if count]
    fresh = [media for media in owned if media not in set(told["milling_media"])]
    return sorted(
        fresh, key=lambda media: (MEDIA[media].warning != "", -MEDIA[media].density_g_cm3)
    )
