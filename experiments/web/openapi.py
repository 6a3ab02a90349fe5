"""The API's description: who is asked for what, and problems as problem+json."""

from importlib.metadata import version
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from experiments.web.problems import PROBLEM_TYPE

ABOUT: Final = """\
What do we make next? The service for robots and scripts. Every write names its person in the
ledger, is checked like a file on the command line, and lands whole or not at all.

Authenticate with `Authorization: Bearer glt_...` (`glassloop token add`). Requests that write take
an `Idempotency-Key`: sent again with the same key they are done once. Long work is a job: ask
`/jobs/{id}` until its state is `done`, `failed` or `cancelled`. Complaints are
`application/problem+json` (RFC 9457) with `problems`: row, field, specimen and what to do.
"""


def describe(app: FastAPI) -> None:
    """Let an application describe its API.

    Args:
        app: With its routes.
    """

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            found = get_openapi(
                title="glassloop", version=version("glassloop"), description=ABOUT,
                routes=app.routes,
            )  # fmt: skip
            found["components"].setdefault("securitySchemes", {})["token"] = {
                "type": "http",
                "scheme": "bearer",
                "description": "Made with 'glassloop token add'.",
            }
            found["security"] = [{"token": []}]
            for address in found["paths"].values():
                for operation in address.values():
                    _as_problems(operation)
            app.openapi_schema = found
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _as_problems(operation: dict[str, Any]) -> None:
    for status, answer in operation["responses"].items():
        content = answer.get("content", {})
        if status[0] in "45" and "application/json" in content:
            content[PROBLEM_TYPE] = content.pop("application/json")
