"""What was made and measured: recorded with the checks of the command line, and read back."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request

from experiments.access import Person
from experiments.acting import Door, acting
from experiments.entry import record_rows
from experiments.ledger import Transaction
from experiments.recording import Report
from experiments.web.answers import Asked, Key, answered, asked
from experiments.web.api.models import (
    ChangeList,
    ChangeOut,
    ReadingList,
    ReadingOut,
    ReadingsIn,
    RecordIn,
    RecordOut,
    SpecimenList,
    SpecimenOut,
    SpecimensIn,
)
from experiments.web.api.refusals import refusals
from experiments.web.api.strict import StrictRoute
from experiments.web.guard import Reader, Recorder
from experiments.web.paging import After, Limit, paged, plain_rows, position
from experiments.web.specimens import require_specimen, specimens_of
from experiments.web.state import Server, server_of
from features.errors import GlassError, InputError, TableError
from features.properties import CATALOGUE

router = APIRouter(tags=["records"], responses=refusals(409), route_class=StrictRoute)
Rows = Sequence[Mapping[str, Any]]
AfterName = Annotated[
    str | None, Query(max_length=200, description="What `next` of the page before said.")
]
_KINDS: Final = ("jar", "pellet", "cell")


@router.post("/campaigns/{campaign}/records", operation_id="record")
async def record(
    request: Request, campaign: str, body: RecordIn, person: Recorder, key: Key = None
) -> RecordOut:
    """What was made and what was measured on it: all of it is taken, or nothing."""
    if not body.specimens and not body.readings:
        raise InputError(["nothing was sent: give specimens, readings, or both"])
    return await _taken(request, campaign, person, key, body.model_dump(exclude_none=True))


@router.post("/campaigns/{campaign}/specimens", operation_id="record_specimens")
async def record_specimens(
    request: Request, campaign: str, body: SpecimensIn, person: Recorder, key: Key = None
) -> RecordOut:
    """What became of specimens: rows of made.csv."""
    rows = body.model_dump(exclude_none=True)["rows"]
    return await _taken(request, campaign, person, key, {"specimens": rows})


@router.post("/campaigns/{campaign}/readings", operation_id="record_readings")
async def record_readings(
    request: Request, campaign: str, body: ReadingsIn, person: Recorder, key: Key = None
) -> RecordOut:
    """Measured values: rows of results.csv. The same value sent twice changes nothing."""
    rows = body.model_dump(exclude_none=True)["rows"]
    return await _taken(request, campaign, person, key, {"readings": rows})


@router.get("/campaigns/{campaign}/specimens", operation_id="list_specimens")
def specimens(
    request: Request, campaign: str, person: Reader, limit: Limit = 100, after: AfterName = None
) -> SpecimenList:
    """Specimens as they are now: jars, pellets, cells, each by name."""
    begin = None if after is None else _place(after)
    with server_of(request).shelf.opened(campaign) as opened:
        rows = specimens_of(opened.ledger)
    # A change must move no specimen to another page, so they go by kind and name.
    placed = sorted(
        (((_KINDS.index(row["kind"]), row["specimen"]), row) for row in rows),
        key=lambda one: one[0],
    )
    left = [(place, row) for place, row in placed if begin is None or place > begin]
    more = None
    if len(left) > limit:
        kind, name = left[limit - 1][0]
        more = f"{_KINDS[kind]} {name}"
    items = [SpecimenOut.model_validate(row) for _, row in left[:limit]]
    return SpecimenList(items=items, next=more)


@router.get("/campaigns/{campaign}/specimens/{specimen:path}", operation_id="specimen_history")
def specimen_history(
    request: Request, campaign: str, specimen: str, person: Reader
) -> dict[str, Any]:
    """All versions of a specimen, oldest first."""
    with server_of(request).shelf.opened(campaign) as opened:
        require_specimen(opened.ledger, specimen)
        versions = opened.ledger.history(specimen)
    return {"specimen": specimen, "versions": plain_rows(versions)}


@router.get("/campaigns/{campaign}/readings", operation_id="list_readings")
def readings(
    request: Request, campaign: str, person: Reader, limit: Limit = 100, after: After = None
) -> ReadingList:
    """Readings as they are now, oldest first, in the catalogue's units."""
    with server_of(request).shelf.opened(campaign) as opened:
        rows = opened.ledger.readings()
    items, more = paged(rows, "version_id", limit=limit, after=after)
    for item in items:
        entry = CATALOGUE.get(str(item["property"]))
        item["unit"] = "" if entry is None else entry.unit
    return ReadingList(items=[ReadingOut.model_validate(item) for item in items], next=more)


@router.get("/campaigns/{campaign}/changes", operation_id="list_changes")
def changes(
    request: Request, campaign: str, person: Reader, limit: Limit = 100, after: After = None
) -> ChangeList:
    """Every change, newest first: who, when, by which door, what."""
    with server_of(request).shelf.opened(campaign) as opened:
        rows = opened.ledger.changes(before=position(after), most=limit + 1)
    items = plain_rows(rows.head(limit))
    more = str(items[-1]["id"]) if len(rows) > limit else None
    return ChangeList(items=[ChangeOut.model_validate(item) for item in items], next=more)


def take(
    server: Server, campaign: str, person: Person, door: Door, body: Mapping[str, Rows],
    repeat: Asked | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Record rows, once a key.

    Args:
        server: The running server.
        campaign: Its name.
        person: Who records.
        door: How they came in.
        body: ``specimens`` and ``readings``.
        repeat: The request's key.

    Returns:
        What was done; of a request sent before, what was answered then.
    """
    done: dict[str, Any] = {}

    def also(tx: Transaction, report: Report) -> None:
        done.update(_in_numbers(report))
        if repeat is not None:
            tx.add_answer(repeat.row(done))

    desk = server.desk(campaign)
    with desk, acting(person.name, door), server.shelf.opened(campaign) as opened:
        if (before := answered(opened.ledger, repeat)) is not None:
            return dict(before)
        try:
            record_rows(
                opened.ledger, opened.config, opened.folder,
                specimens=body.get("specimens", ()), readings=body.get("readings", ()),
                by=person.name, also=also,
            )  # fmt: skip
        except GlassError:
            # The same request came twice at once, and the other one was quicker: what it wrote
            # may already contradict this one.
            if (before := answered(opened.ledger, repeat)) is not None:
                return dict(before)
            raise
    return done


async def _taken(
    request: Request, campaign: str, person: Person, key: str | None, body: Mapping[str, Rows]
) -> RecordOut:
    server = server_of(request)
    repeat = asked(person.name, key, f"record {campaign}", body)
    before = None if repeat is None else server.bench.named(repeat)
    done = await server.in_turn(take, server, campaign, person, "API", body, repeat)
    if done["rounds"] and before is None:
        before = server.settle_later(campaign, person, "API")
        server.bench.name(before, repeat)
    return RecordOut(**done, settle_job=None if before is None else before.id)


def _place(after: str) -> tuple[int, str]:
    """Where a page of specimens begins."""
    kind, blank, name = after.partition(" ")
    if kind not in _KINDS or not blank:
        raise TableError(f"after: must be what 'next' said, got {after!r}; leave it out to begin")
    return _KINDS.index(kind), name


def _in_numbers(report: Report) -> dict[str, Any]:
    return {
        "specimens": report.specimens,
        "readings_added": report.readings_added,
        "readings_corrected": report.readings_corrected,
        "unchanged": report.unchanged,
        "rounds": list(report.rounds),
        "warnings": [str(one) for one in report.warnings],
    }
