"""Enter results: a form and a table, paste and files, answers while one types."""

from collections.abc import Mapping
from pathlib import PurePath
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, Response
from starlette.datastructures import FormData, UploadFile

from experiments.csv_files import number_in
from experiments.display import number_text, typeset_unit, value_text
from experiments.entry import READINGS, SPECIMENS
from experiments.web.api.records import take
from experiments.web.facts import require_round, rounds_of
from experiments.web.forms import (
    COLUMNS,
    LABELS,
    PROGRAMME_COLUMNS,
    READING_COLUMNS,
    EntryForm,
    blank_form,
    carried_on,
    filled_form,
    place_complaints,
    rows_to_record,
    typed_form,
)
from experiments.web.pages.view import (
    MAX_FIELDS,
    Look,
    Looking,
    StaleFormError,
    head,
    sent,
)
from experiments.web.paging import plain_rows
from experiments.web.shelf import NothingHereError, Opened
from experiments.web.state import server_of
from features.errors import GlassError, InputError
from features.plausibility import check_property
from features.properties import CATALOGUE
from features.reading import parse_value
from features.stoichiometry import Assays, Masses, composition_from

router = APIRouter()

TITLES: Final = {"jar": "Jars", "pellet": "Pellets", "cell": "Tri-layers"}
NA_PER_P_OFF: Final = 0.15
"""From here on the masses are asked about: more than 50 mg of 1 g Na2S (domain notes 3.2)."""

RoundId = Annotated[str | None, Query(alias="round", max_length=20)]


@router.get("/c/{campaign}/enter")
def enter(look: Looking, campaign: str, round_id: RoundId = None) -> HTMLResponse:
    """What the round still waits for."""
    with server_of(look.request).shelf.opened(campaign) as opened:
        chosen = _chosen(opened, round_id)
        form = None if chosen is None else blank_form(opened.ledger, opened.config, chosen)
        return _page(look, opened, chosen, form)


@router.post("/c/{campaign}/enter/{round_id}")
async def record(look: Looking, campaign: str, round_id: str) -> Response:
    """Record what was typed: all of it, or nothing with a message at each field."""
    try:
        typed = await sent(look)
    except StaleFormError as error:
        form = _texts(await look.request.form(max_fields=MAX_FIELDS))
        return await run_in_threadpool(_shown_again, look, campaign, round_id, form, str(error))
    return await run_in_threadpool(_record, look, campaign, round_id, _texts(typed))


@router.post("/c/{campaign}/enter/{round_id}/files")
async def fill(look: Looking, campaign: str, round_id: str) -> HTMLResponse:
    """Fill the tables from files; what was typed stays, and nothing is recorded yet."""
    form = await sent(look)
    files = [
        (_base_name(part.filename), await part.read())
        for _, part in form.multi_items()
        if isinstance(part, UploadFile) and part.filename
    ]
    read = await server_of(look.request).ask(
        "read_files", campaign, look.visitor.person, "page", files=files
    )
    names = [name for name, _ in files]
    typed = _texts(form)
    return await run_in_threadpool(_filled, look, campaign, round_id, typed, read, names)


@router.post("/c/{campaign}/parts/weighed")
async def weighed(look: Looking, campaign: str) -> HTMLResponse:
    """Real x of weighed masses, while they are typed."""
    form = await sent(look)
    prefix = str(form.get("prefix", ""))
    return await run_in_threadpool(_weighed, look, campaign, _texts(form), prefix)


@router.post("/c/{campaign}/parts/reading")
async def reading(look: Looking, campaign: str) -> HTMLResponse:
    """A value as glassloop understands it, while it is typed."""
    form = _texts(await sent(look))
    return look.page("_reading.html", **_understood(form, form.get("prefix", "")))


def _record(look: Look, campaign: str, round_id: str, typed: dict[str, str]) -> Response:
    server = server_of(look.request)
    with server.shelf.opened(campaign) as opened:
        require_round(opened.ledger, round_id)
        blank = blank_form(opened.ledger, opened.config, round_id)
        form = typed_form(blank, typed)
        made, read = rows_to_record(form)
        if not made and not read:
            form.others.append("nothing is filled in yet: a row counts once it has a status or a "
                               "value")  # fmt: skip
            return _page(look, opened, round_id, form, status=422)
        try:
            done = take(
                server, campaign, look.visitor.person, "page",
                {SPECIMENS: made, READINGS: read},
            )  # fmt: skip
        except InputError as error:
            place_complaints(form, error.problems)
            return _page(look, opened, round_id, form, status=422)
        except GlassError as error:
            form.others.append(str(error))
            return _page(look, opened, round_id, form, status=409)
    server.settle_soon(campaign, look.visitor.person)
    with server.shelf.opened(campaign) as opened:
        left = carried_on(blank_form(opened.ledger, opened.config, round_id), form)
        return _page(look, opened, round_id, left, done=done)


def _shown_again(
    look: Look, campaign: str, round_id: str, typed: dict[str, str], why: str
) -> HTMLResponse:
    """The form as it was sent, nothing done, to be sent again from this session."""
    with server_of(look.request).shelf.opened(campaign) as opened:
        require_round(opened.ledger, round_id)
        form = typed_form(blank_form(opened.ledger, opened.config, round_id), typed)
        form.others.append(f"{why.partition(';')[0]}; look it through and record once more")
        return _page(look, opened, round_id, form, status=403)


def _filled(
    look: Look,
    campaign: str,
    round_id: str,
    typed: dict[str, str],
    read: Mapping[str, Any],
    names: list[str],
) -> HTMLResponse:
    with server_of(look.request).shelf.opened(campaign) as opened:
        require_round(opened.ledger, round_id)
        blank = blank_form(opened.ledger, opened.config, round_id)
        before = typed_form(blank, typed)
        form = filled_form(before, read[SPECIMENS], read[READINGS])
        form.others += read["problems"]
        if not names:
            form.others.append("no file was chosen; drop one, or paste")
        status = 422 if form.n_complaints else 200
        return _page(look, opened, round_id, form, status=status, files=names)


def _page(
    look: Look,
    opened: Opened,
    round_id: str | None,
    form: EntryForm | None,
    *,
    status: int = 200,
    done: dict[str, Any] | None = None,
    files: list[str] | None = None,
) -> HTMLResponse:
    rounds = rounds_of(opened.ledger)
    here = next((one for one in rounds if one["id"] == round_id), None)
    return look.page(
        "enter.html",
        **head(opened),
        rounds=[one for one in rounds if one["state"] == "open"],
        round_id=round_id,
        here=here,
        form=form,
        columns=COLUMNS,
        titles=TITLES,
        reading_columns=READING_COLUMNS,
        programme=PROGRAMME_COLUMNS,
        labels=LABELS,
        done=done,
        files=files or [],
        recorded=_recorded(opened, round_id),
        is_fresh=status == 200 and not files,
        status=status,
    )


def _recorded(opened: Opened, round_id: str | None) -> list[dict[str, Any]]:
    """Readings of a round that are there, newest first."""
    if round_id is None:
        return []
    readings = opened.ledger.readings()
    own = readings.loc[readings["specimen"].str.startswith(f"{round_id}-")]
    return plain_rows(own.sort_values("version_id", ascending=False))


def _chosen(opened: Opened, round_id: str | None) -> str | None:
    """The round asked for, else the oldest that is open."""
    waiting = [one["id"] for one in rounds_of(opened.ledger) if one["state"] == "open"]
    if round_id is None:
        return waiting[0] if waiting else None
    require_round(opened.ledger, round_id)
    if round_id not in waiting:
        raise NothingHereError(
            f"round {round_id} is closed; correct a value of it on its specimen's page"
        )
    return round_id


def _weighed(look: Look, campaign: str, form: dict[str, str], prefix: str) -> HTMLResponse:
    with server_of(look.request).shelf.opened(campaign) as opened:
        assays = Assays(**opened.config.assays.model_dump())
    texts = [form.get(f"{prefix}{name}", "") for name in ("na2s_mg", "p2s5_mg", "p2o5_mg")]
    if not all(texts):
        return look.page("_weighed.html", made=None, problem="", wait=any(texts))
    try:
        masses = Masses(*(number_in(text) for text in texts))
        made = composition_from(masses, assays)
    except GlassError as error:
        return look.page("_weighed.html", made=None, problem=str(error), wait=False)
    shown = {
        "x": f"{made.x:.3f}",
        "na_per_p": f"{made.na_per_p:.2f}",
        "total": number_text(masses.total_mg),
        "is_off": abs(made.na_per_p - 3) > NA_PER_P_OFF,
    }
    return look.page("_weighed.html", made=shown, problem="", wait=False)


def _understood(form: dict[str, str], prefix: str) -> dict[str, Any]:
    """A value in the catalogue's unit, or why it cannot be read."""
    text, unit = form.get(f"{prefix}value", ""), form.get(f"{prefix}unit", "")
    name = form.get(f"{prefix}property", "")
    blank = {"words": "", "problem": "", "doubt": ""}
    if not text or name not in CATALOGUE or text.lower().replace(" ", "_") in (
        "not_measured", "withdrawn",
    ):  # fmt: skip
        return blank
    try:
        interval = parse_value(text, name, unit or None)
    except GlassError as error:
        return blank | {"problem": str(error)}
    low, high = (
        None if end is None else value_text(end, name) for end in (interval.lower, interval.upper)
    )
    shown = low if low == high else f"{low} to {high}"
    if low is None or high is None:
        shown = f"below {high}" if low is None else f"above {low}"
    verdict = check_property(name, interval)
    words = f"{shown} {typeset_unit(name)}".strip()
    key = {"ok": "doubt", "warn": "doubt", "reject": "problem"}.get(verdict.level, "doubt")
    return blank | {"words": words, key: verdict.message or ""}


def _base_name(name: str | None) -> str:
    """What a file is called in messages: no folders, nothing that acts, not long."""
    base = PurePath((name or "file").replace("\\", "/")).name
    return "".join(letter for letter in base if letter.isprintable())[:80] or "file"


def _texts(form: FormData) -> dict[str, str]:
    return {name: value for name, value in form.items() if isinstance(value, str)}
