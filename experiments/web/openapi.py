"""The API's description: who is asked for what, and problems as problem+json."""

from importlib.metadata import version
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.openapi.utils import get_openapi
from starlette.routing import compile_path

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
                    _with_location(operation)
            app.openapi_schema = found
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def allowed_methods(request: Request) -> str:
    """Methods an address of the API takes, as the header ``Allow`` says them.

    The framework knows one function's methods only, and an address may have several functions.

    Args:
        request: It came by another method.
    """
    asked = request.url.path
    methods = {
        method.upper()
        for path, operations in request.app.openapi()["paths"].items()
        if compile_path(path)[0].match(asked)
        for method in operations
    }
    return ", ".join(sorted(methods)) or "GET"


def _with_location(operation: dict[str, Any]) -> None:
    if "202" in operation["responses"]:
        operation["responses"]["202"]["headers"] = {
            "Location": {
                "description": "Where to ask how far the job is.",
                "required": True,
                "schema": {"type": "string"},
            }
        }


def _as_problems(operation: dict[str, Any]) -> None:
    for status, answer in operation["responses"].items():
        content = answer.get("content", {})
        if status[0] in "45" and "application/json" in content:
            content[PROBLEM_TYPE] = content.pop("application/json")
