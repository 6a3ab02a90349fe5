"""The pages: server-rendered, so that they outlive a reload, a restart and a lost network."""

from fastapi import APIRouter

from experiments.web.pages import (
    compare,
    correction,
    enter,
    explore,
    exports,
    front,
    history,
    jobs,
    next_batch,
    overview,
    rounds,
    what_if,
)
from experiments.web.pages.view import page_error as page_error

router = APIRouter(include_in_schema=False)
for part in (
    front, overview, next_batch, enter, explore, what_if, compare, rounds, correction, history,
    exports, jobs,
):  # fmt: skip
    router.include_router(part.router)
