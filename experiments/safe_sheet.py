"""What holds of every sheet a chemist weighs and presses by, whatever surrogate and optimizer say.

Nothing here asks a model. A round is checked as plain data at each door by which it becomes a row
of the ledger, a draft or a file; ``docs/safety.md`` tells chemists what is checked.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from numbers import Real
from typing import Any, Final

from experiments.config import CampaignConfig, Parameter, extremes
from experiments.safe_weighing import REAGENTS, wrong_masses
from features.cell_limits import Limits, violations
from features.errors import RecipeError, UnsafeProposalError
from features.milling import MEDIA
from features.plausibility import FIELDS
from features.properties import CATALOGUE
from features.recipe import (
    MAX_TEMPERATURE_WITH_SODIUM_C,
    ROUTE_LIMIT_X,
    GlassRecipe,
    TrilayerRecipe,
)

Item = Mapping[str, Any]

NEAR: Final = 1e-9
"""A grid's 0.60 may be off in the last digit; that breaks no limit."""

FREE_OF_SEARCH: Final = frozenset({"by_hand", "replicate"})
"""Roles of rows that may leave the search range: a person asked for it, or it was made before."""

ABSURD_DECADES: Final = 3
"""A centre on a log scale so far beyond what a reading may be is no prediction of a glass."""

RUN: Final = ("milling_time_h", "milling_speed_rpm")
LAYER: Final = ("x", "milling_time_h", "milling_media", "milling_speed_rpm")
CONTEXT: Final = ("precompaction_pressure_mpa", "stack_pressure_mpa", "temperature_c")
PREDICTED: Final = (
    "mean", "sd", "lower", "upper", "reading_sd", "reading_lower", "reading_upper",
)  # fmt: skip

UNSAFE: Final = "DO NOT MAKE THIS ROUND"
"""Head of the warnings of a stored round that breaks a rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """By which door a round comes, and so what it is held to.

    Attributes:
        stock_mg: Powder left of jars in stock, mg by jar; ``None`` for a round of the past, whose
            powder is long used.
        recipes: How those jars were milled, by jar, as the ledger has it.
        searched: Whether its rows are as proposed by this configuration; a person who edits a
            draft may leave the search range.
    """

    stock_mg: Mapping[str, float] | None
    recipes: Mapping[str, Item] = field(default_factory=dict)
    searched: bool

    @property
    def is_new(self) -> bool:
        """Whether it is about to be written, so that what the laboratory has now counts."""
        return self.stock_mg is not None


STORED: Final = Door(stock_mg=None, searched=False)
"""The door of a round that is in the ledger and printed again."""


def require_safe(round_: Item, config: CampaignConfig, door: Door) -> None:
    """Refuse a round that breaks a rule; to be called before anything of it is written.

    Args:
        round_: The round as plain data.
        config: Limits of the laboratory.
        door: What it is held to.

    Raises:
        UnsafeProposalError: With a sentence for each rule broken.
    """
    if found := unsafe(round_, config, door):
        raise UnsafeProposalError(found)


def require_recipes(
    glasses: Sequence[Item], cells: Sequence[Item], jars: Collection[str], config: CampaignConfig
) -> None:
    """Refuse recipes that nobody can make, before surrogates are asked about them.

    Args:
        glasses: Each with ``id`` and ``recipe``.
        cells: The same of cells.
        jars: Those that cells can be built from.
        config: Limits of the laboratory.

    Raises:
        UnsafeProposalError: With a sentence for each rule broken.
    """
    limits = Limits(die_rating_mpa=config.equipment.die_rating_mpa)

    def found() -> Iterator[str]:
        yield from _run({"mill_run": glasses[0]["recipe"], "glasses": glasses})
        yield from _jars_beyond_those_owned(glasses, config)
        for item in glasses:
            yield from _glass_recipe(item, config)
        for item in cells:
            yield from _cell_recipe(item, limits)
            for layer in ("core", "skin"):
                yield from _no_such_jar(item, layer, jars)

    if problems := _said("the batch", found()):
        raise UnsafeProposalError(problems)


def require_finite(round_: Item) -> None:
    """Refuse a round that holds a number that is none.

    Args:
        round_: The round as plain data.

    Raises:
        UnsafeProposalError: With a sentence for each place.
    """
    if found := [*_not_finite(round_)]:
        raise UnsafeProposalError(found)


def with_warning(round_: Item, config: CampaignConfig) -> dict[str, Any]:
    """A stored round, headed by loud warnings if it breaks a rule.

    Args:
        round_: The round as plain data.
        config: Limits of the laboratory as they are now.
    """
    loud = [f"{UNSAFE}: {sentence}" for sentence in unsafe(round_, config, STORED)]
    if not loud or [*round_.get("warnings", ())][: len(loud)] == loud:
        return dict(round_)
    return {**round_, "warnings": [*loud, *round_.get("warnings", ())]}


def unsafe(round_: Item, config: CampaignConfig, door: Door) -> list[str]:
    """Rules that a round breaks.

    Args:
        round_: The round as plain data.
        config: Limits of the laboratory.
        door: What it is held to.

    Returns:
        A sentence each, naming specimen, field, value and limit; empty for a safe sheet.
    """
    return _said(f"round {round_.get('round', '?')}", _found(round_, config, door))


def _said(what: str, found: Iterator[str]) -> list[str]:
    """Each sentence once; that of a batch which cannot even be read is one too."""
    said: dict[str, None] = {}
    try:
        for sentence in found:
            said[sentence] = None
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        said[
            f"{what}: cannot be checked, since it is not built as it must be "
            f"({type(error).__name__}: {error})"
        ] = None
    return list(said)


def _found(round_: Item, config: CampaignConfig, door: Door) -> Iterator[str]:
    glasses, cells = round_["glasses"], round_["trilayers"]
    if not glasses:
        yield f"round {round_['round']}: glasses must be at least one jar, got none"
    yield from _not_finite(round_)
    yield from _repeated_ids(round_)
    yield from _run(round_)
    if door.is_new:
        yield from _jars_beyond_those_owned(glasses, config)
    assays = _assays(round_, config, door)
    if door.is_new and round_.get("assays", assays) != assays:
        yield (
            f"round {round_['round']}: assays must be those of campaign.yaml, {assays}, got "
            f"{round_['assays']}"
        )
    for item in glasses:
        yield from _glass(item, config, door, assays)
    for item in cells:
        yield from _cell(item, round_, config, door)
    yield from _too_little_powder(round_, config, door)
    for item in (*glasses, *cells):
        yield from _predictions(item)


def _assays(round_: Item, config: CampaignConfig, door: Door) -> Mapping[str, float]:
    """What masses were computed with; a stored round remembers it, lots change."""
    now: Mapping[str, float] = config.assays.model_dump()
    return now if door.is_new else round_.get("assays", now)


# Numbers


def _number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and isfinite(value)


def _outside(
    item: Item, name: str, value: Any, ends: tuple[float, float], unit: str, why: str
) -> Iterator[str]:
    low, high = ends
    if not _number(value):
        yield f"{item['id']}: {name} must be a finite number, got {value!r}"
    elif not low - NEAR <= value <= high + NEAR:
        limits = f"{low:g}" if low == high else f"between {low:g} and {high:g}"
        verb = "be" if low == high else "lie"
        yield (
            f"{item['id']}: {name} must {verb} {limits} {unit}".rstrip()
            + f" ({why}), got {value:.10g}"
        )


def _not_finite(part: Any, place: str = "") -> Iterator[str]:
    """A sentence for each number that is none, anywhere in a round."""
    if isinstance(part, Mapping):
        for key, value in part.items():
            named = str(value.get("id", key)) if isinstance(value, Mapping) else str(key)
            yield from _not_finite(value, f"{place}.{named}" if place else named)
    elif isinstance(part, Sequence) and not isinstance(part, str):
        for number, value in enumerate(part, start=1):
            named = str(value.get("id", number)) if isinstance(value, Mapping) else str(number)
            yield from _not_finite(value, f"{place}.{named}")
    elif isinstance(part, Real) and not isfinite(part):
        specimen, _, field = (
            place.removeprefix("glasses.").removeprefix("trilayers.").partition(".")
        )
        where = f"{specimen}: {field}" if field else f"round: {specimen}"
        yield f"{where} must be a finite number, got {float(part)!r}"


# The mill run


def _repeated_ids(round_: Item) -> Iterator[str]:
    ids = [
        name
        for item in round_["glasses"]
        for name in (item["id"], item["pellet"])
    ] + [item["id"] for item in round_["trilayers"]]  # fmt: skip
    for name in dict.fromkeys(ids):
        if not isinstance(name, str) or not name.strip():
            yield f"round {round_['round']}: id must be a name, got {name!r}"
        elif (count := ids.count(name)) > 1:
            yield f"{name}: id must be given to one specimen, got it {count} times"


def _run(round_: Item) -> Iterator[str]:
    for name in RUN:
        shared = round_["mill_run"][name]
        for item in round_["glasses"]:
            if item["recipe"][name] != shared:
                yield (
                    f"{item['id']}: {name} must be the {shared!r} of the mill run, which all jars "
                    f"share, got {item['recipe'][name]!r}"
                )


def _jars_beyond_those_owned(glasses: Sequence[Item], config: CampaignConfig) -> Iterator[str]:
    counts: dict[str, int] = {}
    for item in glasses:
        media = str(item["recipe"]["milling_media"])
        counts[media] = counts.get(media, 0) + 1
        owned = config.glasses.jars_owned.get(media, 0)
        if counts[media] > owned:
            yield (
                f"{item['id']}: milling_media must be one of which a jar is free, got jar "
                f"{counts[media]} of {media} of {owned} owned (glasses.jars_owned)"
            )


# A glass and its pellet


def _glass_recipe(item: Item, config: CampaignConfig) -> Iterator[str]:
    recipe, rating_mpa = item["recipe"], config.equipment.die_rating_mpa
    for name, ends, unit, why in (
        ("x", (0, ROUTE_LIMIT_X), "", "the P2S5/P2O5 route"),
        ("milling_time_h", FIELDS["milling_time_h"].reject, "h", "what a mill does"),
        ("milling_speed_rpm", FIELDS["milling_speed_rpm"].reject, "rpm", "what a mill does"),
        ("pressing_pressure_mpa", (1, rating_mpa), "MPa", "equipment.die_rating_mpa"),
    ):
        yield from _outside(item, name, recipe[name], ends, unit, why)
    if recipe["milling_media"] not in MEDIA:
        yield (
            f"{item['id']}: milling_media must be one of {', '.join(MEDIA)}, got "
            f"{recipe['milling_media']!r}"
        )


def _glass(
    item: Item, config: CampaignConfig, door: Door, assays: Mapping[str, float]
) -> Iterator[str]:
    recipe = item["recipe"]
    yield from (before := [*_glass_recipe(item, config)])
    masses = [
        *_outside(
            item, "batch_mass_g", item["batch_mass_g"], FIELDS["batch_mass_g"].reject, "g",
            "what a jar takes",
        ),
        *_outside(
            item, "mass_mg", recipe["mass_mg"], FIELDS["pellet_mass_mg"].reject, "mg",
            "what a die takes",
        ),
    ]  # fmt: skip
    yield from masses
    if door.is_new:
        for name, value, wanted in (
            ("batch_mass_g", item["batch_mass_g"], config.glasses.batch_mass_g),
            ("mass_mg", recipe["mass_mg"], config.glasses.pellet_mass_mg),
        ):
            yield from _outside(item, name, value, (wanted, wanted), "", "campaign.yaml")
    if door.searched and item["role"] not in FREE_OF_SEARCH:
        yield from _left_the_search(
            item, config.glasses, (*RUN, "x", "pressing_pressure_mpa"),
            also={"x": (config.control.x, config.control.skin_x)},
        )  # fmt: skip
    yield from _weighing(item, config, assays, known=not before + masses)


def _weighing(
    item: Item, config: CampaignConfig, assays: Mapping[str, float], *, known: bool
) -> Iterator[str]:
    """Masses to weigh; whether they fit x can be told if x and batch mass are ``known``."""
    masses = item["masses_mg"]
    odd = [name for name in REAGENTS if not _number(masses.get(name))]
    for name in odd:
        yield f"{item['id']}: masses_mg.{name} must be a finite number, got {masses.get(name)!r}"
    for name in sorted({*masses} - {*REAGENTS}):
        yield f"{item['id']}: masses_mg must be of {', '.join(REAGENTS)}, got also {name!r}"
    if known and not odd:
        for said in wrong_masses(
            masses, x=item["recipe"]["x"], batch_mass_g=item["batch_mass_g"], assays=assays,
            balance_mg=config.equipment.balance_mg,
        ):  # fmt: skip
            yield f"{item['id']}: {said}"


def _left_the_search(
    item: Item, searched: Any, names: Sequence[str], also: Mapping[str, Sequence[float]]
) -> Iterator[str]:
    for name in names:
        value, setting = item["recipe"][name], _setting(searched, name)
        if _number(value) and any(abs(value - one) <= NEAR for one in also.get(name, ())):
            continue
        yield from _outside(
            item, name, value, extremes(setting), "", f"what campaign.yaml searches; {item['role']}"
        )


def _setting(searched: Any, name: str) -> Parameter:
    setting: Parameter = getattr(searched, name)
    return setting


# A cell


def _cell_recipe(item: Item, limits: Limits) -> Iterator[str]:
    recipe = item["recipe"]
    rating = "the least of what a cell and equipment.die_rating_mpa allow"
    coldest, heaviest = FIELDS["temperature_c"].reject[0], FIELDS["skin_mass_mg"].reject[1]
    for name, ends, unit, why in (
        (
            "temperature_c", (coldest, MAX_TEMPERATURE_WITH_SODIUM_C), "°C",
            "sodium melts at 97.8 °C",
        ),
        ("pressing_pressure_mpa", (1, limits.die_rating_mpa), "MPa", "equipment.die_rating_mpa"),
        (
            "precompaction_pressure_mpa",
            (1, min(limits.max_precompaction_mpa, limits.die_rating_mpa)), "MPa", rating,
        ),
        (
            "stack_pressure_mpa",
            (limits.min_stack_mpa, min(limits.max_stack_mpa, limits.die_rating_mpa)), "MPa", rating,
        ),
        ("core_mass_mg", FIELDS["core_mass_mg"].reject, "mg", "what a die takes"),
        (
            "skin_mass_mg", (limits.min_skin_mass_mg, heaviest), "mg",
            "what covers the core and a die takes",
        ),
    ):  # fmt: skip
        yield from _outside(item, name, recipe[name], ends, unit, why)


def _cell(item: Item, round_: Item, config: CampaignConfig, door: Door) -> Iterator[str]:
    recipe = item["recipe"]
    limits = Limits(die_rating_mpa=config.equipment.die_rating_mpa)
    found = [*_cell_recipe(item, limits)]
    found += _layers(item, round_, door)
    yield from found
    if not found:
        yield from _cell_rules(item, limits)
    if door.searched:
        for name in CONTEXT:
            wanted = getattr(config.cells, name)
            yield from _outside(item, name, recipe[name], (wanted, wanted), "", "campaign.yaml")
        if item["role"] not in FREE_OF_SEARCH:
            names = ("core_mass_mg", "skin_mass_mg", "pressing_pressure_mpa")
            yield from _left_the_search(item, config.cells, names, also={})


def _layers(item: Item, round_: Item, door: Door) -> Iterator[str]:
    """Whether the jars of a cell exist and are what the cell takes them for."""
    recipe = item["recipe"]
    milled = {**door.recipes, **{glass["id"]: glass["recipe"] for glass in round_["glasses"]}}
    for layer in ("core", "skin"):
        jar, written = recipe[layer], recipe[f"{layer}_recipe"]
        x = written["x"]
        yield from _outside(
            item, f"{layer}_recipe.x", x, (0, ROUTE_LIMIT_X), "", "the P2S5/P2O5 route"
        )
        if jar in milled:
            for name in LAYER:
                if written[name] != milled[jar][name]:
                    yield (
                        f"{item['id']}: {layer}_recipe.{name} must be the {milled[jar][name]!r} of "
                        f"{jar}, got {written[name]!r}"
                    )
        elif door.is_new:
            yield from _no_such_jar(item, layer, door.recipes)


def _no_such_jar(item: Item, layer: str, jars: Collection[str]) -> Iterator[str]:
    if (jar := item["recipe"][layer]) not in jars:
        yield f"{item['id']}: {layer} must be a jar of this round or in stock, got {jar!r}"


def _cell_rules(item: Item, limits: Limits) -> Iterator[str]:
    """Rules of domain notes 5.4 that tie several fields together."""
    recipe = item["recipe"]
    try:
        core, skin = (
            GlassRecipe(**{name: recipe[f"{layer}_recipe"][name] for name in LAYER})
            for layer in ("core", "skin")
        )
        own = ("core_mass_mg", "skin_mass_mg", "pressing_pressure_mpa", *CONTEXT)
        cell = TrilayerRecipe(core=core, skin=skin, **{name: recipe[name] for name in own})
    except RecipeError as error:
        yield f"{item['id']}: {error}"
        return
    for said in violations(cell, limits):
        yield f"{item['id']}: {said}"


def _too_little_powder(round_: Item, config: CampaignConfig, door: Door) -> Iterator[str]:
    """A sentence for each jar of which pellet and cells want more than there is.

    Of a new round the expected yield counts; of one of the past, that no jar gives more than was
    weighed into it.
    """
    share = config.equipment.expected_recovery if door.is_new else 1.0
    left: dict[str, float] = dict(door.stock_mg or {})
    wanted: dict[str, float] = {}
    try:
        for item in round_["glasses"]:
            left[item["id"]] = 1000 * float(item["batch_mass_g"]) * share
            wanted[item["id"]] = float(item["recipe"]["mass_mg"])
        for item in round_["trilayers"]:
            recipe = item["recipe"]
            core_mg, skins_mg = float(recipe["core_mass_mg"]), 2 * float(recipe["skin_mass_mg"])
            for jar, mass_mg in ((recipe["core"], core_mg), (recipe["skin"], skins_mg)):
                wanted[jar] = wanted.get(jar, 0.0) + mass_mg
    except (TypeError, ValueError):  # a mass that is no number: said already
        return
    for jar, mass_mg in wanted.items():
        if jar in left and not mass_mg <= left[jar] + 1e-6 and isfinite(mass_mg):
            yield (
                f"{jar}: powder for its pellet and cells must be at most the {left[jar]:.0f} mg it "
                f"gives (batch_mass_g, equipment.expected_recovery), got {mass_mg:.0f} mg"
            )


# What is predicted


def _predictions(item: Item) -> Iterator[str]:
    for name, predicted in (item["predictions"] or {}).items():
        odd = [part for part in PREDICTED if not _number(predicted.get(part))]
        for part in odd:
            yield (
                f"{item['id']}: {name}.{part} must be a finite number, got {predicted.get(part)!r}"
            )
        if not odd:
            yield from _ordered(item, name, predicted)
    success = item.get("success")
    if success is not None:
        for part in ("probability", "lower", "upper"):
            yield from _outside(item, f"success.{part}", success[part], (0, 1), "", "a probability")


def _ordered(item: Item, name: str, predicted: Item) -> Iterator[str]:
    mean = predicted["mean"]
    near = NEAR * max(abs(mean), abs(predicted["reading_lower"]), abs(predicted["reading_upper"]))
    for low, high in (("lower", "upper"), ("reading_lower", "reading_upper")):
        if not predicted[low] - near <= mean <= predicted[high] + near:
            yield (
                f"{item['id']}: {name}.mean must lie between {low} {predicted[low]:g} and {high} "
                f"{predicted[high]:g}, got {mean:g}"
            )
    for part in ("sd", "reading_sd"):
        if predicted[part] < 0:
            yield f"{item['id']}: {name}.{part} must not be negative, got {predicted[part]:g}"
    if name in CATALOGUE:
        ends = _believable(name)
        if not ends[0] <= mean <= ends[1]:
            yield (
                f"{item['id']}: {name}.mean must lie between {ends[0]:g} and {ends[1]:g} "
                f"{CATALOGUE[name].unit} to be of a glass, got {mean:g}"
            )


def _believable(name: str) -> tuple[float, float]:
    """Where a centre may lie: what a reading may be, widened by as much as no glass differs."""
    entry = CATALOGUE[name]
    low, high = entry.reject
    if entry.scale == "log10":
        return low / 10**ABSURD_DECADES, high * 10**ABSURD_DECADES
    return low - (high - low), high + (high - low)
