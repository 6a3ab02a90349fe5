"""The REST API, ``/api/v1``: the same checks and messages as the command line."""

from fastapi import APIRouter

from experiments.web.api import campaigns, drafts, jobs, looks, records

router = APIRouter(prefix="/api/v1")
for part in (campaigns, drafts, records, looks, jobs):
    router.include_router(part.router)
