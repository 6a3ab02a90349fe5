"""Correct a reading, or take it back: the earlier value stays in the history."""

import json
from collections.abc import Mapping
from math import isclose
from typing import Any, Final

from fastapi import APIRouter
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse

from experiments.entry import READINGS, REPLACES
from experiments.ledger import Ledger
from experiments.web.api.records import take
from experiments.web.entered import as_entered
from experiments.web.pages.history import of_specimen
from experiments.web.pages.view import Look, Looking, sent
from experiments.web.paging import plain_rows
from experiments.web.shelf import NothingHereError
from experiments.web.state import server_of
from features.errors import GlassError, InputError
from features.plausibility import check_property
from features.properties import CATALOGUE
from features.reading import parse_value
from features.units import to_catalogue_unit

router = APIRouter()

TYPED: Final = ("value", "unit", "se", "n")
"""What may be corrected; specimen, property, temperature and method stay."""

_KEPT: Final = ("specimen", "property", "temperature_c", "method", "note")
_SURE: Final = "sure"


@router.post("/c/{campaign}/specimens/{specimen:path}/readings/{version_id}")
async def correct(look: Looking, campaign: str, specimen: str, version_id: int) -> HTMLResponse:
    """Correct a reading; refused if somebody else did meanwhile, asked about if it is unusual."""
    form = await sent(look)
    typed = {name: str(form.get(name, "")).strip() for name in (*TYPED, _SURE)}
    return await run_in_threadpool(_correct, look, campaign, specimen, version_id, typed)


def _correct(
    look: Look, campaign: str, specimen: str, version_id: int, typed: dict[str, str]
) -> HTMLResponse:
    server = server_of(look.request)
    with server.shelf.opened(campaign) as opened:
        held = _reading(opened.ledger, specimen, version_id)
    doubt = "" if typed[_SURE] == "yes" else _doubt(held, typed)
    try:
        if doubt:
            raise InputError([doubt])
        rows = {READINGS: [_row(held, typed)]}
        done = take(server, campaign, look.visitor.person, "page", rows)
    except InputError as error:
        said = [getattr(one, "said", str(one)) for one in error.problems]
        wrong = {"wrong": version_id, "complaints": said, "typed": typed, "doubtful": bool(doubt)}
        shown = of_specimen(look, campaign, specimen) | wrong
        return look.page("specimen.html", status=422, **shown)
    server.settle_soon(campaign, look.visitor.person)
    words = "; ".join(done["warnings"]) or "Corrected; the earlier value stays in the history."
    if not done["readings_added"] and not done["readings_corrected"]:
        words = "That is what was recorded before; nothing changed."
    return look.page("specimen.html", **of_specimen(look, campaign, specimen) | {"done": words})


def _reading(ledger: Ledger, specimen: str, version_id: int) -> dict[str, Any]:
    """A reading of a specimen.

    Raises:
        NothingHereError: If the specimen has no such reading.
    """
    readings = ledger.readings(current=False)
    own = (readings["version_id"] == version_id) & (readings["specimen"] == specimen)
    found = plain_rows(readings.loc[own])
    if not found:
        raise NothingHereError(f"{specimen} has no reading {version_id}; look at it again")
    return found[0]


def _row(held: Mapping[str, Any], typed: Mapping[str, str]) -> dict[str, Any]:
    """The row that corrects a reading."""
    programme = json.loads(held["protocol"]) if held["protocol"] else {}
    entered = {name: typed[name] for name in TYPED if typed[name]}
    if entered.get("se") == as_entered(held)["se"] and held["se"] is not None:
        entered["se"] = _exact_error(held, entered)
    row = {name: held[name] for name in _KEPT} | programme | entered
    row[REPLACES] = held["version_id"]
    return {name: value for name, value in row.items() if value is not None}


def _exact_error(held: Mapping[str, Any], entered: Mapping[str, str]) -> str:
    """An error that nobody changed, with all its digits."""
    name = str(held["property"])
    try:
        factor = to_catalogue_unit(1.0, entered.get("unit", CATALOGUE[name].unit), name)
    except GlassError:  # what is wrong with the unit is said where the row is checked
        return entered["se"]
    exact = float(held["se"]) / factor
    return repr(exact) if isclose(exact, float(entered["se"]), rel_tol=1e-3) else entered["se"]


def _doubt(held: Mapping[str, Any], typed: Mapping[str, str]) -> str:
    """Why a value would be unusual, as a question; empty when it is not, or cannot be read."""
    name = str(held["property"])
    try:
        interval = parse_value(typed["value"], name, typed["unit"] or None)
    except GlassError:
        return ""
    verdict = check_property(name, interval)
    return f"{verdict.message}; tick 'I mean it' if it is so" if verdict.level == "warn" else ""
