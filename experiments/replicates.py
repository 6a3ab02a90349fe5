"""Whether a jar is better spent on a recipe that was made before."""

from collections.abc import Collection, Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from experiments.config import CampaignConfig
from experiments.knowledge import GLASS_COLUMNS, Knowledge, sound_pellets
from experiments.pellet_belief import PelletBelief
from experiments.proposed import Proposed
from optimizer.cells import is_front
from optimizer.knowledge_gradient import Counted, Rise, expected_rise
from optimizer.rows import row_keys

NEW: Final = "new"
AGAIN: Final = "again"
MOST: Final = 4
"""Recipes of the front that are compared."""

RUN: Final = ("milling_time_h", "milling_speed_rpm")


def replicate_instead(
    knowledge: Knowledge,
    config: CampaignConfig,
    glass: Mapping[str, Any],
    *,
    others: pd.DataFrame,
    media: Collection[str],
) -> Proposed | None:
    """A recipe of the front milled again, if that tells more than a new glass.

    Both are worth the rise of the hypervolume of posterior means that their readings are expected
    to bring, times the chance that jar and pellet succeed: a replicate says which of the glasses
    made are really good, a new glass may be better than all. A jar shares the time and the speed
    of its mill run, so only recipes of that run can be replicated in it.

    Args:
        knowledge: Specimens and fitted surrogates.
        config: Objectives and reference temperature.
        glass: The new glass whose jar is in question.
        others: Recipes of the other jars; a replicate of one of them is none.
        media: Media of which a jar is free once the new glass is left out.

    Returns:
        The best replicate if it is worth more by over its Monte Carlo error, else ``None``.
    """
    columns = list(GLASS_COLUMNS)
    made = sound_pellets(knowledge.pellets)[[*columns, "jar"]]
    fits = made["milling_media"].isin(list(media))
    for name in RUN:
        fits &= np.isclose(made[name].astype(float), float(glass[name]))
    taken = set(row_keys(others, columns)) if len(others) else set()
    fits &= np.array([key not in taken for key in row_keys(made, columns)], dtype=bool)
    distinct = made[fits].drop_duplicates(subset=columns)
    if distinct.empty:
        return None
    labels = [f"{AGAIN} {name}" for name in distinct.index]
    again = distinct.set_axis(labels).assign(jar=labels)
    new = pd.DataFrame([{**{name: glass[name] for name in columns}, "jar": NEW}], index=[NEW])
    rows = pd.concat([made, again, new]).infer_objects()
    belief = PelletBelief.of(knowledge, config, rows, unread=knowledge.is_crowded)
    counted, n = Counted.of(belief.objectives), len(made)
    means, names = belief.means, tuple(config.glasses.objectives)
    front = is_front(means[None, :n], counted.reference)[0]
    on_front = [
        place for place, name in enumerate(distinct.index) if front[made.index.get_loc(name)]
    ]
    if not on_front:
        return None
    success = knowledge.feasibility.glass_success(rows[columns].iloc[n:])["probability"]
    rises: dict[str, Rise] = {}
    for label in [*(labels[place] for place in on_front[:MOST]), NEW]:
        is_new = label == NEW
        among = [*range(n), len(rows) - 1] if is_new else [*range(n)]
        shifts = belief.shifts(label, names)[:, among]
        rise = expected_rise(means[among], shifts, counted, made=np.array(among) < n)
        chance = float(success[label])
        rises[label] = Rise(chance * rise.value, chance * rise.se)
    best = max((label for label in rises if label != NEW), key=lambda label: rises[label].value)
    gain = rises[best].value - rises[NEW].value
    if gain <= float(np.hypot(rises[best].se, rises[NEW].se)):
        return None
    recipe = again.loc[best, columns].to_dict()
    name = best.removeprefix(f"{AGAIN} ")
    return Proposed(
        recipe={str(key): value for key, value in recipe.items()},
        role="replicate",
        why=(
            f"{name} again, in a jar of its own: knowing it better is expected to raise the "
            f"hypervolume by {rises[best].value:.2g}, the next best new glass "
            f"(x = {float(glass['x']):g}) by {rises[NEW].value:.2g}"
        ),
    )
