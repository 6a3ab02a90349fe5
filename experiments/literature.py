"""Values of the literature as a fit learns from them: rows with a source, none of them ours."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import pandas as pd

from experiments.config import CampaignConfig
from experiments.ledger import Ledger
from experiments.literature_file import RECIPE_COLUMNS
from features.properties import property_of
from models.property_gp import ENERGY

OFF: Final = "literature, off"

_RECIPE: Final = (*RECIPE_COLUMNS, "jar", "source")
_READING: Final = ("specimen", "property", "lower", "upper", "se", "temperature_c")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Literature:
    """What somebody else made and measured.

    Attributes:
        recipes: One row a specimen, index ``source: specimen``; recipe columns, ``jar`` (each
            is its own) and ``source``.
        readings: Columns specimen, property, lower, upper, se, temperature_c, physical, and
            source, doi, note, text.
    """

    recipes: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(_RECIPE)))
    readings: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(columns=[*_READING, "source", "doi", "note", "text"])
    )

    @property
    def sources(self) -> tuple[str, ...]:
        """Who made them, in the order recorded."""
        return tuple(dict.fromkeys(map(str, self.readings["source"])))

    def of(self, properties: Sequence[str]) -> "Literature":
        """The values of some properties only."""
        readings = self.readings.loc[self.readings["property"].isin(list(properties))]
        return Literature(
            recipes=self.recipes.loc[self.recipes.index.isin(readings["specimen"])],
            readings=readings,
        )

    def without(self, source: str) -> "Literature":
        """The values of all other sources."""
        return Literature(
            recipes=self.recipes.loc[self.recipes["source"] != source],
            readings=self.readings.loc[self.readings["source"] != source],
        )

    def beside(
        self, recipes: pd.DataFrame, readings: pd.DataFrame
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Tables to learn from: ours, of no source, then these. Ours as they are if there is none.

        Args:
            recipes: Our pellets, index specimen, with ``jar``.
            readings: Our readings.

        Returns:
            Recipes and readings.
        """
        if self.readings.empty:
            return recipes, readings
        ours = recipes.assign(source="")
        both = [part[list(_RECIPE)] for part in (ours, self.recipes) if len(part)]
        read = [part[list(_READING)] for part in (readings, self.readings) if len(part)]
        return pd.concat(both), pd.concat(read, ignore_index=True)


def literature_in(ledger: Ledger) -> Literature:
    """All values of the literature a surrogate of pellets can learn from.

    Args:
        ledger: The campaign's ledger.

    Returns:
        The values, whether the campaign learns from them or not.
    """
    rows = ledger.literature()
    rows = rows.loc[rows["property"].map(is_learned).astype(bool)]
    if rows.empty:
        return Literature()
    label = rows["source"] + ": " + rows["specimen"]
    recipes = rows.assign(jar=label).set_index(label.rename("specimen"))[list(_RECIPE)]
    return Literature(
        recipes=recipes.loc[~recipes.index.duplicated()],
        readings=rows.assign(specimen=label)[[*_READING, "source", "doi", "note", "text"]],
    )


def literature_used(ledger: Ledger, config: CampaignConfig) -> Literature:
    """The values of the literature this campaign learns from: none unless switched on."""
    return literature_in(ledger) if config.literature.use else Literature()


def is_learned(property_id: str) -> bool:
    """Whether a surrogate of pellets learns from readings of a property."""
    entry = property_of(property_id)
    return property_id == ENERGY or (entry.modelled and entry.carrier == "pellet")


def literature_waiting(ledger: Ledger, config: CampaignConfig) -> list[str]:
    """Values of the literature that are shown and not learned from, with the reason.

    Args:
        ledger: The campaign's ledger.
        config: Whether literature is used.

    Returns:
        One line a source and property.
    """
    rows = ledger.literature()
    use = config.literature.use
    lines = []
    for (source, name), group in rows.groupby(["source", "property"], sort=False):
        if use and is_learned(str(name)):
            continue
        why = "recorded and shown, no surrogate" if use else OFF
        label = str(name).replace("_", " ")
        lines.append(f"{source}: {_what(label, group.to_dict('records'))}: {why}")
    return lines


def _what(label: str, rows: list[dict[Any, Any]]) -> str:
    if len(rows) > 1:
        return f"{len(rows)} values of {label}"
    row = rows[0]
    note = f" ({row['note']})" if row["note"] else ""
    return f"{label} {row['text']} of {row['specimen']}{note}"


def literature_sentences(literature: Literature) -> list[str]:
    """What a prediction rests on besides our own data; empty when nothing."""
    if literature.readings.empty:
        return []
    n, names = len(literature.readings), literature.sources
    who = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    values = "1 value of the literature is" if n == 1 else f"{n} values of the literature are"
    return [
        f"{values} learned from beside our own ({who}); each source may be off by a bias of its own"
    ]
