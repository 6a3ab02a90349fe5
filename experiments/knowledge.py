"""What the campaign knows: which readings enter the fit, which wait, and the fitted surrogates."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.canonical import digest_of
from experiments.config import CampaignConfig, extremes
from experiments.feasibility_data import fit_feasibility
from experiments.fit_shelf import Shelf
from experiments.ledger import Ledger
from experiments.literature import Literature, literature_used
from features.errors import LedgerError
from features.properties import CATALOGUE, property_of
from models.batch_success import Feasibility
from models.hyper_posterior import MANY_READINGS
from models.interval_rows import interval_rows
from models.property_gp import DEFAULT_RANGES, ENERGY, PropertyGP
from models.trilayer import TrilayerSurrogate

PELLET_PROPERTIES: Final = tuple(
    entry.id for entry in CATALOGUE.values() if entry.modelled and entry.carrier == "pellet"
)
CELL_PROPERTIES: Final = tuple(
    entry.id for entry in CATALOGUE.values() if entry.modelled and entry.carrier == "cell"
)
GLASS_COLUMNS: Final = (
    "x",
    "milling_time_h",
    "milling_media",
    "milling_speed_rpm",
    "pressing_pressure_mpa",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """Specimens, readings and what was learned from them.

    Attributes:
        pellets: Current pellets with their recipe, index specimen.
        cells: Current cells with their recipe, index specimen.
        fitted: Readings in the fit.
        waiting: Readings kept and shown but not in the fit, with ``why_not``.
        layers: Surrogate by pellet property.
        trilayer: Surrogate of the cells.
        feasibility: Success of jars, pellets and cells.
        literature: Readings of others in the fit of the layers, besides ``fitted``.
        shelf: Where what follows from the fit may be kept; ``None`` if the fit is quick.
    """

    pellets: pd.DataFrame
    cells: pd.DataFrame
    fitted: pd.DataFrame
    waiting: pd.DataFrame
    layers: Mapping[str, PropertyGP]
    trilayer: TrilayerSurrogate
    feasibility: Feasibility
    literature: Literature = field(default_factory=Literature)
    shelf: Shelf | None = None

    def predict_pellets(self, recipes: pd.DataFrame) -> dict[str, pd.DataFrame]:
        """Predictions by property of n pellet recipes."""
        return {name: model.predict(recipes) for name, model in self.layers.items()}

    def predict_cells(self, cells: pd.DataFrame) -> dict[str, pd.DataFrame]:
        """Predictions by property of n cells."""
        return self.trilayer.predict(cells)

    def draw_pellets(
        self, recipes: pd.DataFrame, names: tuple[str, ...], n: int, rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Joint draws, shape (n, len(recipes), len(names)), physical units."""
        return np.stack([self.layers[name].sample(recipes, n, rng) for name in names], axis=-1)

    def draw_cells(
        self, cells: pd.DataFrame, names: tuple[str, ...], n: int, rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Joint draws, shape (n, len(cells), len(names)), physical units."""
        draws = self.trilayer.sample(cells, n, rng)
        return np.stack([draws[name] for name in names], axis=-1)

    def measured(self, frame: pd.DataFrame, names: tuple[str, ...]) -> pd.DataFrame:
        """Rows of a specimen table that carry a fitted reading of any of these properties."""
        carriers = self.fitted.loc[self.fitted["property"].isin(names), "specimen"]
        return frame.loc[frame.index.isin(carriers)]

    @property
    def is_crowded(self) -> bool:
        """Whether there are so many readings that shortcuts are taken (``docs/long_use.md``)."""
        return len(self.fitted) > MANY_READINGS

    @property
    def tried(self) -> pd.DataFrame:
        """Pellets whose recipe was made, is being made, or failed: no need to ask for it again."""
        skipped = (self.pellets["status"] == "not_made") & (self.pellets["jar_status"] != "failed")
        return self.pellets.loc[~skipped]

    def frozen(self) -> tuple[str, dict[str, Any]]:
        """The fitted surrogates as JSON by property, with the SHA-256 of the text."""
        body: dict[str, Any] = {
            name: {"kind": "PropertyGP", **model.to_dict()} for name, model in self.layers.items()
        }
        body[CELL_KEY] = {"kind": "TrilayerSurrogate", **self.trilayer.to_dict()}
        body[SUCCESS_KEY] = {"kind": "Feasibility", **self.feasibility.to_dict()}
        return digest_of(body), body


CELL_KEY: Final = "trilayer"
"""Key of the cells' surrogate among the frozen ones."""

SUCCESS_KEY: Final = "success"
"""Key of the feasibility among the frozen ones; what was frozen before there was one lacks it."""


CURRENT: Final = "critical_current_density"

FIT: Final = "fit"
"""Name of the surrogates on the shelf."""


def thawed(body: Mapping[str, Any]) -> tuple[dict[str, PropertyGP], TrilayerSurrogate]:
    """Surrogates from what ``frozen`` gave.

    Raises:
        LedgerError: If they were frozen by another version of glassloop, in another form.
    """
    try:
        layers = {
            name: PropertyGP.from_dict(part)
            for name, part in body.items()
            if name not in (CELL_KEY, SUCCESS_KEY)
        }
        trilayer = TrilayerSurrogate.from_dict(body[CELL_KEY])
        same = {name: layers[name] for name in trilayer.layers}  # each is solved only once
        return layers, replace(trilayer, layers=same)
    except (KeyError, TypeError) as error:
        raise LedgerError(
            f"a frozen surrogate lacks {error}: it was frozen by another version of glassloop; "
            "use that version to score its round"
        ) from error


def sound_pellets(pellets: pd.DataFrame) -> pd.DataFrame:
    """Pellets that were made, of jars that did not fail."""
    return pellets.loc[(pellets["status"] == "made") & (pellets["jar_status"] != "failed")]


def sound_cells(cells: pd.DataFrame) -> pd.DataFrame:
    """Cells that were made, of jars that did not fail."""
    failed = (cells["core_status"] == "failed") | (cells["skin_status"] == "failed")
    return cells.loc[(cells["status"] == "made") & ~failed]


def is_crowded(ledger: Ledger) -> bool:
    """``Knowledge.is_crowded`` of what the ledger holds now, without a fit."""
    with ledger.kept():
        fitted, _ = _sifted(ledger, ledger.pellets(), ledger.cells())
    return len(fitted) > MANY_READINGS


def fit_knowledge(ledger: Ledger, config: CampaignConfig) -> Knowledge:
    """Fit every surrogate to what the ledger holds.

    Asked again while the ledger holds the same, it gives the same object: a round is scored and
    the next one proposed from one fit.

    Args:
        ledger: The campaign's ledger.
        config: Temperature, search ranges and whether literature is learned from.

    Returns:
        Specimens, readings and fitted surrogates.
    """
    with ledger.kept():  # all of one moment: a reading and its specimen, a fit and its hash
        return _fit(_Told(ledger, config))


class _Told:
    """What surrogates are fitted to; two are equal if every table and setting is.

    Attributes:
        ledger: Where it is read.
        config: The settings.
        digest: Hash of all of it.
        of_what_was_made: Hash of what a fit rests on: planned specimens and the campaign's name
            are no part.
    """

    def __init__(self, ledger: Ledger, config: CampaignConfig) -> None:
        self.ledger, self.config = ledger, config
        made_of = (ledger.jars(), ledger.pellets(), ledger.cells())
        read = [frame.to_csv() for frame in (ledger.readings(), ledger.literature())]
        decided = [frame.loc[frame["status"].isin(["made", "failed"])] for frame in made_of]
        self.digest = _hash_of(config.model_dump_json(), made_of, read)
        self.of_what_was_made = _hash_of(
            config.model_dump_json(exclude={"name", "mlflow"}), decided, read
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Told) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)


def _hash_of(settings: str, made: Iterable[pd.DataFrame], read: Iterable[str]) -> str:
    digest = sha256(settings.encode())
    for text in (*(frame.to_csv() for frame in made), *read):
        digest.update(text.encode())
    return digest.hexdigest()


@lru_cache(maxsize=1)
def _fit(told: _Told) -> Knowledge:
    ledger, config = told.ledger, told.config
    pellets, cells = ledger.pellets(), ledger.cells()
    fitted, waiting = _sifted(ledger, pellets, cells)
    ranges = feature_ranges(config)
    literature = literature_used(ledger, config)
    recipes, readings = literature.beside(sound_pellets(pellets), fitted)
    shelf = None
    if len(fitted) > MANY_READINGS and ledger.shelf is not None:
        shelf = Shelf(ledger.shelf, told.of_what_was_made)
    kept = None if shelf is None else shelf.get(FIT)
    if kept is not None:
        thawed_layers, trilayer = thawed(kept)
        layers = {name: thawed_layers[name] for name in PELLET_PROPERTIES}
        feasibility = Feasibility.from_dict(kept[SUCCESS_KEY])
    else:
        layers = {
            name: PropertyGP(name, ranges, config.temperature_c, config.settings_of(name)).fit(
                recipes, readings
            )
            for name in PELLET_PROPERTIES
        }
        trilayer = TrilayerSurrogate(layers, physics=config.settings_of(CURRENT).physics).fit(
            sound_cells(cells), fitted
        )
        feasibility = fit_feasibility(ledger, ranges)
    knowledge = Knowledge(
        pellets=pellets,
        cells=cells,
        fitted=fitted,
        waiting=waiting,
        layers=layers,
        trilayer=trilayer,
        feasibility=feasibility,
        literature=literature,
    )
    if shelf is None:
        return knowledge
    if kept is None:
        shelf.keep(FIT, knowledge.frozen()[1])
    return replace(knowledge, shelf=shelf)


def feature_ranges(config: CampaignConfig) -> dict[str, tuple[float, float]]:
    """Ranges the surrogates scale by: the shipped ones, widened to what is searched here."""
    ranges = dict(DEFAULT_RANGES)
    for name, parameter in (
        ("x", config.glasses.x),
        ("pressing_pressure_mpa", config.glasses.pressing_pressure_mpa),
    ):
        low, high = extremes(parameter)
        ranges[name] = (min(ranges[name][0], low), max(ranges[name][1], high))
    return ranges


def _sifted(
    ledger: Ledger, pellets: pd.DataFrame, cells: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Readings in the fit, and those that wait with the reason in words."""
    readings = ledger.readings()
    made = {*sound_pellets(pellets).index, *sound_cells(cells).index}
    why = pd.Series("", index=readings.index, dtype=object)
    learned = readings["property"].isin([*PELLET_PROPERTIES, *CELL_PROPERTIES, ENERGY])
    why[~learned] = "recorded and shown, no surrogate"
    why[learned & ~readings["specimen"].isin(made)] = "the specimen, or a jar of it, failed"
    why[~readings["trained"] & (why == "")] = "shown only, see its note"
    for name in readings.loc[why == "", "property"].unique():
        rows = readings.loc[(readings["property"] == name) & (why == "")]
        aside = interval_rows(rows, property_of(name)).set_aside
        why[aside.index] = aside["reason"]
    return readings.loc[why == ""], readings.assign(why_not=why).loc[why != ""]
