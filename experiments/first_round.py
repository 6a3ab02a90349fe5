"""The start: with too little data to learn from, make what tells causes apart."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.config import CampaignConfig, extremes
from experiments.knowledge import GLASS_COLUMNS, Knowledge
from features.milling import MEDIA
from optimizer.space import SearchSpace

Row = tuple[dict[str, Any], str, str]
"""Recipe, role and reason."""

N_CANDIDATES = 512
FAIR_CHANCE = 0.5
"""A recipe less likely to succeed fills no jar of a start while there are others."""


def first_glasses(
    knowledge: Knowledge,
    config: CampaignConfig,
    space: SearchSpace,
    held: Mapping[str, float],
    control: Mapping[str, Any],
    *,
    q: int,
    wants_skin: bool,
    rng: np.random.Generator,
) -> tuple[list[Row], str]:
    """The glasses of a start, most needed first: one mill run.

    In order: the control; compositions known in another medium only, in the control's medium
    (breaks the confound of composition with medium); a skin glass when tri-layers want one; the
    control's composition in media owned and never tried; then recipes far from all others. The
    first run is milled as long as the control; the next at a time that is confounded so far.

    Args:
        knowledge: What was made so far.
        config: Search ranges, jars owned.
        space: Free parameters.
        held: Values of the others.
        control: Recipe of the reference glass.
        q: Jars in the run. A single one is no control again once the control was made.
        wants_skin: Whether a skin glass is needed.
        rng: Source of randomness.

    Returns:
        Recipes with role and reason, and why this milling time. Fewer than q when the space
        holds no more.

    References:
        Domain notes 1.9 (C1: oxygen is confounded with medium and time) and 7.1.
    """
    told = knowledge.tried
    read = told.loc[told.index.isin(knowledge.fitted["specimen"])]
    time_h, run_why = _milling_time(told, read, float(control["milling_time_h"]), space)
    batch = _Batch(told, {**control, "milling_time_h": time_h}, config, q)
    sound = knowledge.feasibility
    if config.batch.controls:
        batch.add({}, "control", _control_why(control, config), repeat=q > 1)
    for x, media in _known_in_other_media_only(read, control, config):
        _break_confound(batch, x, media, control)
    if wants_skin:
        _add_skin(batch, config)
    for media in _untried_media(told, config):
        batch.add(
            {"milling_media": media},
            "medium",
            f"the control's composition in {MEDIA[media].label}, never tried so far, "
            "which tells the medium apart from the oxygen",
        )
    batch.fill(
        space,
        held,
        rng,
        lambda rows: sound.glass_success(rows)["probability"].to_numpy(dtype=float),
    )
    return batch.rows, run_why


def owned_media(config: CampaignConfig) -> list[str]:
    """Media of which a jar is owned: those without a warning first, then the densest."""
    owned = [media for media, count in config.glasses.jars_owned.items() if count]
    return sorted(
        owned, key=lambda media: (MEDIA[media].warning != "", -MEDIA[media].density_g_cm3)
    )


def _control_why(control: Mapping[str, Any], config: CampaignConfig) -> str:
    if control["milling_media"] == config.control.milling_media:
        return "the reference glass, made here to compare with"
    return (
        f"the reference composition in {MEDIA[control['milling_media']].label}, since no jar of "
        f"{MEDIA[config.control.milling_media].label} is owned"
    )


def _break_confound(batch: "_Batch", x: float, media: str, control: Mapping[str, Any]) -> None:
    """That composition milled like the control; without such a jar, the control milled like it."""
    cause = (
        f"breaks a confound: x = {x:g} is known from {MEDIA[media].label} only, so oxygen and "
        "medium cannot be told apart; here "
    )
    batch.add({"x": x}, "confound", f"{cause}it is milled like the control") or batch.add(
        {"milling_media": media},
        "confound",
        f"{cause}x = {control['x']:g} is milled like it",
    )


def _add_skin(batch: "_Batch", config: CampaignConfig) -> None:
    why = (
        f"tri-layers need x of at least 0.30 against sodium and none is in "
        f"stock; x = {config.control.skin_x:g} is the skin of the reference cell"
    )
    x = config.control.skin_x
    changes: list[dict[str, Any]] = [{"x": x}]
    changes += [{"x": x, "milling_media": media} for media in owned_media(config)]
    for change in changes:
        if batch.add(change, "skin", why, repeat=True):
            return


class _Batch:
    """Rows so far, within the jars owned and without repeats."""

    def __init__(
        self, told: pd.DataFrame, anchor: Mapping[str, Any], config: CampaignConfig, q: int
    ) -> None:
        self.rows: list[Row] = []
        self._anchor = anchor
        self._q = q
        self._free = {media: n for media, n in config.glasses.jars_owned.items() if n}
        self._owned = list(self._free)
        self._made = [_key(row) for row in told[list(GLASS_COLUMNS)].to_dict("records")]

    def add(self, change: Mapping[str, Any], role: str, why: str, *, repeat: bool = False) -> bool:
        """Add the anchor with a change, if there is a jar and it was not made before.

        Returns:
            Whether it stands in the batch now; also when an equal row was there already.
        """
        recipe = {**self._anchor, **change}
        media = recipe["milling_media"]
        if _key(recipe) in [_key(row) for row, _, _ in self.rows]:
            return True
        if len(self.rows) >= self._q or not self._free.get(media, 0):
            return False
        if not repeat and _key(recipe) in self._made:
            return False
        self._free[media] -= 1
        self._made.append(_key(recipe))
        self.rows.append((recipe, role, why))
        return True

    def fill(
        self,
        space: SearchSpace,
        held: Mapping[str, float],
        rng: np.random.Generator,
        success: Callable[[pd.DataFrame], NDArray[np.float64]],
    ) -> None:
        """Fill what is left with recipes far from all that is known that have a fair chance."""
        run: dict[str, object] = {
            name: self._anchor[name]
            for name in ("milling_time_h", "milling_speed_rpm")
            if name in space.columns
        }
        while len(self.rows) < self._q:
            fresh = self._fresh(space.spread(N_CANDIDATES, rng, fixed=run), held)
            if fresh.empty:
                return
            whole = fresh.assign(**{k: v for k, v in {**self._anchor, **held}.items()
                                    if k not in fresh})  # fmt: skip
            fair = success(whole[list(GLASS_COLUMNS)]) >= FAIR_CHANCE
            fresh = fresh[fair] if fair.any() else fresh
            known = pd.DataFrame([dict(key) for key in self._made], columns=list(GLASS_COLUMNS))
            known = known[known["milling_media"].isin(self._owned)]
            self.add(
                {**held, **_farthest(space, fresh, known)},
                "space_filling",
                "far from every recipe made so far, too little is known to predict",
            )

    def _fresh(self, spread: pd.DataFrame, held: Mapping[str, float]) -> pd.DataFrame:
        """Candidates for which there is a jar and that were not made before."""
        rows = [{**self._anchor, **held, **row} for row in spread.to_dict("records")]
        return spread[
            [
                self._free.get(row["milling_media"], 0) > 0 and _key(row) not in self._made
                for row in rows
            ]
        ]


def _key(recipe: Mapping[Any, Any]) -> tuple[tuple[str, Any], ...]:
    """What makes two recipes the same; x to two digits, since weighing moves the third."""
    digits = {"x": 2}
    return tuple(
        (name, value if isinstance(value, str) else round(float(value), digits.get(name, 6)))
        for name, value in ((name, recipe[name]) for name in GLASS_COLUMNS)
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
    told: pd.DataFrame, read: pd.DataFrame, usual: float, space: SearchSpace
) -> tuple[float, str]:
    """The run's time, and what it does about the confound of composition with time."""
    alone = _confounded_times(told, read, usual)
    searched = {p.name: p for p in space.parameters}.get("milling_time_h")
    second = [t for t in alone if searched is not None and searched.nearest(t) == t]
    made_here = told.loc[(told["origin"] != "paper") & (told["milling_time_h"] == usual)]
    if made_here.empty or not second:
        why = f"{usual:g} h, as the control"
        if alone:
            why += (
                f"; compositions known only from {', '.join(f'{t:g} h' for t in alone)} of milling "
                "are half freed of that confound here: the time half needs a second mill run"
            )
        return usual, why
    return second[0], (
        f"{second[0]:g} h: the second mill run that tells milling time apart from composition"
    )


def _confounded_times(told: pd.DataFrame, read: pd.DataFrame, usual: float) -> list[float]:
    """Times of which no glass was also made at another time: their effect cannot be seen."""
    glasses = {
        float(str(time)): set(zip(group["x"].round(2), group["milling_media"], strict=True))
        for time, group in told.groupby(told["milling_time_h"].astype(float))
    }
    return [
        time
        for time in sorted(set(read["milling_time_h"].astype(float)) - {usual})
        if not any(glasses[time] & there for other, there in glasses.items() if other != time)
    ]


def _known_in_other_media_only(
    read: pd.DataFrame, control: Mapping[str, Any], config: CampaignConfig
) -> Sequence[tuple[float, str]]:
    """Compositions that were never read in the control's medium, with the medium they were in."""
    usual = control["milling_media"]
    low, high = extremes(config.glasses.x)
    there = set(read.loc[read["milling_media"] == usual, "x"].round(2))
    others = read.loc[(read["milling_media"] != usual) & read["x"].between(low, high)]
    return [
        (float(x), str(group["milling_media"].iloc[0]))
        for x, group in others.groupby(others["x"].round(2))
        if x not in there and x != round(float(control["x"]), 2)
    ]


def _untried_media(told: pd.DataFrame, config: CampaignConfig) -> list[str]:
    """Media owned and never used, those without a warning first."""
    return [media for media in owned_media(config) if media not in set(told["milling_media"])]
