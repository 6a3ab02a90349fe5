"""Explore: properties along a variable, objectives against each other, the map of the cells."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, JSONResponse

from experiments.report_recipes import glass_text, held_text, usual_recipe
from experiments.web.pages.view import Look, Looking, head
from experiments.web.paging import plain
from experiments.web.problems import of_error
from experiments.web.seen import (
    CELLS,
    PELLETS,
    PRESET,
    SURROGATES,
    VARIABLES,
    capital,
    front_seen,
    map_seen,
    property_axis,
    slice_seen,
    spread_axis,
    variable_axis,
)
from experiments.web.state import server_of
from features.errors import GlassError, SpaceError
from features.milling import MEDIA

router = APIRouter()

Word = Annotated[str, Query(max_length=60)]
Words = Annotated[list[str], Query(max_length=40)]


@router.get("/c/{campaign}/explore")
def explore(
    look: Looking,
    campaign: str,
    variable: Word = "x",
    property: Word = PELLETS[0],  # noqa: A002 - the word of the address
    medium: Word = "",
    surrogate: Words = [],  # noqa: B006 - FastAPI copies it
    cell: Word = CELLS[0],
) -> HTMLResponse:
    """The page; its plots follow as they are worked out."""
    _require_all(variable, property, medium, surrogate)
    _require("cell property", cell, CELLS)
    with server_of(look.request).shelf.opened(campaign) as opened:
        glasses = opened.config.glasses
        usual = usual_recipe(opened.config)["milling_media"]
        owned = [name for name in MEDIA if glasses.jars_owned.get(name)]
        media = dict.fromkeys([usual, *owned, *([medium] if medium else [])])
        return look.page(
            "explore.html", **head(opened),
            variables={name: capital(variable_axis(name)) for name in VARIABLES},
            properties=PELLETS, surrogates=SURROGATES, cells=CELLS,
            media={name: MEDIA[name].label for name in media if name in MEDIA},
            chosen={
                "variable": variable, "property": property, "medium": medium or usual,
                "surrogates": surrogate or PRESET, "cell": cell,
            },
        )  # fmt: skip


@router.get("/c/{campaign}/parts/slices.json")
async def slices(
    look: Looking,
    campaign: str,
    variable: Word = "x",
    property: Word = PELLETS[0],  # noqa: A002 - the word of the address
    medium: Word = "",
    surrogate: Words = [],  # noqa: B006 - FastAPI copies it
) -> JSONResponse:
    """Curves with their ranges, readings and what each plot shows."""
    chosen = tuple(dict.fromkeys(surrogate)) or PRESET
    try:
        _require_all(variable, property, medium, chosen)
        found = await server_of(look.request).look(
            "slices", campaign, look.visitor.person, variable=variable, property_id=property,
            surrogates=list(chosen), medium=medium or None,
        )  # fmt: skip
        words = await run_in_threadpool(_slice_words, look, campaign, found, medium)
    except GlassError as error:
        return of_error(error, look.request)
    return _json({**found, **words})


@router.get("/c/{campaign}/parts/fronts.json")
async def fronts(look: Looking, campaign: str) -> JSONResponse:
    """The first objective of the glasses against each other one."""
    try:
        found = await server_of(look.request).look("fronts", campaign, look.visitor.person)
        simulated = await run_in_threadpool(_is_simulated, look.request, campaign)
    except GlassError as error:
        return of_error(error, look.request)
    return _json(
        {
            "simulated": simulated,
            "fronts": [
                {
                    **front,
                    "across_axis": capital(property_axis(front["across"]["id"])),
                    "up_axis": capital(property_axis(front["up"]["id"])),
                    "seen": front_seen(front),
                }
                for front in found
            ],
        }
    )


@router.get("/c/{campaign}/parts/cells.json")
async def cells(look: Looking, campaign: str) -> JSONResponse:
    """Cells by the oxygen of core and skin; nothing where x is held."""
    try:
        found = await server_of(look.request).look("cell_map", campaign, look.visitor.person)
    except GlassError as error:
        return of_error(error, look.request)
    if found is None:
        return _json({"map": None})
    words = {
        name: {
            "axis": capital(property_axis(name)),
            "spread": spread_axis(name),
            "seen": list(map_seen(found, name)),
        }
        for name in found["centre"]
    }
    return _json({"map": found, "words": words})


def _slice_words(look: Look, campaign: str, found: dict[str, Any], medium: str) -> dict[str, Any]:
    """What is said around the plots, and the recipe behind each reading."""
    with server_of(look.request).shelf.opened(campaign) as opened:
        config = opened.config
        usual = usual_recipe(config) | ({"milling_media": medium} if medium else {})
        pellets = opened.ledger.pellets()
        recipes = {str(name): glass_text(row) for name, row in pellets.to_dict("index").items()}
    marks = [{**mark, "recipe": recipes.get(mark["specimen"], "")} for mark in found["marks"]]
    return {
        "marks": marks,
        "held": held_text(usual, but=found["variable"], temperature_c=config.temperature_c),
        "across_axis": capital(variable_axis(found["variable"])),
        "up_axis": capital(property_axis(found["property"])),
        "titles": {name: capital(SURROGATES[name]) for name in found["curves"]},
        "seen": {name: slice_seen(found, name) for name in found["curves"]},
    }


def _is_simulated(request: Request, campaign: str) -> bool:
    with server_of(request).shelf.opened(campaign) as opened:
        return opened.ledger.kind == "simulated"


def _json(found: dict[str, Any]) -> JSONResponse:
    return JSONResponse(plain(found))


def _require_all(variable: str, property_id: str, medium: str, surrogates: Sequence[str]) -> None:
    _require("variable", variable, tuple(VARIABLES))
    _require("property", property_id, PELLETS)
    if medium:
        _require("medium", medium, tuple(MEDIA))
    for name in surrogates:
        _require("surrogate", name, tuple(SURROGATES))


def _require(what: str, got: str, allowed: Sequence[str]) -> None:
    if got not in allowed:
        raise SpaceError(f"{what}: must be one of {', '.join(allowed)}, got {got!r}; choose one")
