"""What if: any recipe and any tri-layer, predicted before anybody makes it."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse

from experiments.config import CampaignConfig
from experiments.display import significant, typeset_unit
from experiments.report_recipes import cell_text, glass_text, held_text, usual_recipe
from experiments.typeset import formula, value_markup
from experiments.web.addresses import campaign_address
from experiments.web.pages.view import Look, Looking, head
from experiments.web.seen import capital
from experiments.web.sliders import cell_sliders, glass_sliders, moved
from experiments.web.state import server_of
from features.errors import InputError
from features.milling import MEDIA
from features.properties import property_of

router = APIRouter()

ASR: Final = "area_specific_resistance"
_TRUE: Final = ("lower", "upper")
_READING: Final = ("reading_lower", "reading_upper")
COLORS: Final = ("#00494b", "#b1480a", "#5b2a86")
"""Of a cell's parts; white on each is readable."""


@router.get("/c/{campaign}/what-if")
async def what_if(look: Looking, campaign: str) -> HTMLResponse:
    """The page; without JavaScript its button answers with the whole of it."""
    asked = dict(look.request.query_params)
    config, values = await run_in_threadpool(_read, look, campaign)
    must = "show" in asked
    return await look.shown(
        "what_if.html", **values,
        glass=await _glass(look, campaign, config, asked, must=must),
        cell=await _cell(look, campaign, config, asked, must=must),
    )  # fmt: skip


@router.get("/c/{campaign}/parts/what-if/glass")
async def glass(look: Looking, campaign: str) -> HTMLResponse:
    """What a glass would be."""
    return await _part(look, campaign, "glass")


@router.get("/c/{campaign}/parts/what-if/cell")
async def cell(look: Looking, campaign: str) -> HTMLResponse:
    """What a tri-layer would be."""
    return await _part(look, campaign, "cell")


async def _part(look: Look, campaign: str, kind: str) -> HTMLResponse:
    asked = dict(look.request.query_params)
    config, values = await run_in_threadpool(_read, look, campaign)
    answer = _glass if kind == "glass" else _cell
    found = await answer(look, campaign, config, asked, must=True)
    page = await look.shown(f"_what_if_{kind}.html", **values, part=found, is_part=True)
    names = [*(one.id for one in (*glass_sliders(config), *cell_sliders(config))), "medium"]
    kept = {name: asked[name] for name in names if name in asked}
    address = campaign_address(campaign, "what-if")
    page.headers["HX-Replace-Url"] = f"{address}?{urlencode(kept)}"
    return page


async def _glass(
    look: Look, campaign: str, config: CampaignConfig, asked: Mapping[str, str], *, must: bool
) -> dict[str, Any]:
    sliders = glass_sliders(config)
    texts, recipe, wrong = moved(sliders, asked)
    medium = asked.get("medium", usual_recipe(config)["milling_media"])
    if medium not in MEDIA:
        wrong["medium"] = (
            f"medium: must be one of {', '.join(MEDIA)}, got {medium[:40]!r}; choose one"
        )
    found: dict[str, Any] = {
        "sliders": sliders, "texts": texts, "medium": medium, "wrong": wrong, "result": None,
    }  # fmt: skip
    if wrong:
        return found
    whole = {**recipe, "milling_media": medium}
    result = await _asked(look, campaign, "glass_if", {"recipe": whole}, found, must=must)
    if result is not None:
        found["result"] = {
            **result,
            "said": glass_text(whole),
            "formula": formula(recipe["x"]),
            "rows": _rows(result["predictions"]),
            "warnings": [_said(one, recipe) for one in result["warnings"]],
            "basis": _basis(result["rests_on"]),
        }
    return found


async def _cell(
    look: Look, campaign: str, config: CampaignConfig, asked: Mapping[str, str], *, must: bool
) -> dict[str, Any]:
    sliders = cell_sliders(config)
    texts, values, wrong = moved(sliders, asked)
    found: dict[str, Any] = {"sliders": sliders, "texts": texts, "wrong": wrong, "result": None}
    if wrong:
        return found
    result = await _asked(look, campaign, "cell_if", {"cell": values}, found, must=must)
    if result is not None:
        found["result"] = {
            **result,
            "said": cell_text(result["recipe"]),
            "rows": _rows(result["predictions"]),
            "layers": _layers(result["thickness_um"]),
            "parts": _parts(result["budget"]),
        }
    return found


async def _asked(
    look: Look,
    campaign: str,
    work: str,
    more: Mapping[str, Any],
    found: dict[str, Any],
    *,
    must: bool,
) -> dict[str, Any] | None:
    """The worker's answer; what it finds wrong goes to the fields."""
    server = server_of(look.request)
    if not must:
        known: dict[str, Any] | None = await server.known(work, campaign, **more)
        return known
    try:
        answer: dict[str, Any] = await server.look(work, campaign, look.visitor.person, **more)
    except InputError as error:
        names = {one.column: one.id for one in found["sliders"]}
        for one in error.problems:
            column = str(getattr(one, "column", None) or "")
            found["wrong"][names.get(column, "other")] = str(getattr(one, "said", "") or one)
        return None
    return answer


def _read(look: Look, campaign: str) -> tuple[CampaignConfig, dict[str, Any]]:
    with server_of(look.request).shelf.opened(campaign) as opened:
        config = opened.config
        jars = config.glasses.jars_owned
        media = {
            name: medium.label if jars.get(name) else f"{medium.label} (no jar)"
            for name, medium in MEDIA.items()
        }
        readings = opened.ledger.readings()
        usual = held_text(
            usual_recipe(config), but="pressing_pressure_mpa", temperature_c=config.temperature_c
        )
        return config, {
            **head(opened), "media": media, "n_readings": len(readings),
            "layers_held": usual.partition(", ")[2],
        }  # fmt: skip


def _rows(predictions: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A row a property: centre, range of the true value, range of a new reading."""
    return [
        {
            "label": capital(property_of(name).label),
            "unit": typeset_unit(name),
            "centre": value_markup(part["mean"], name),
            "true": [value_markup(part[end], name) for end in _TRUE],
            "reading": [value_markup(part[end], name) for end in _READING],
        }
        for name, part in predictions.items()
    ]


def _layers(thickness: Mapping[str, Mapping[str, float]]) -> list[dict[str, Any]]:
    return [
        {"label": capital(name), **{key: significant(value, 3) for key, value in part.items()}}
        for name, part in thickness.items()
    ]


def _parts(budget: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A row a part, and where it lies on a bar 100 wide."""
    total = sum(part["share"] for part in budget) or 1.0
    found, left = [], 0.0
    for part, color in zip(budget, COLORS, strict=True):
        width = 100 * part["share"] / total
        found.append(
            {
                "label": capital(part["part"]),
                **{key: value_markup(part[key], ASR) for key in ("lower", "median", "upper")},
                "share": part["share"],
                "left": round(left, 2),
                "width": round(width, 2),
                "color": color,
            }
        )
        left += width
    return found


def _said(warning: str, recipe: Mapping[str, Any]) -> str:
    """A warning without the column's name before it."""
    column, _, rest = warning.partition(": ")
    return rest if column in recipe else warning


def _basis(rests_on: Mapping[str, str]) -> list[str]:
    return [f"{capital(property_of(name).label)}: {words}" for name, words in rests_on.items()]
