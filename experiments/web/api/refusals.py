"""How the API refuses, as its description says it."""

from typing import Any, Final

from experiments.web.problems import Problem

_WORDS: Final = {
    400: "Cannot be understood.",
    401: "No token, or one that lets nobody in.",
    403: "The role does not allow it, or another site asks.",
    404: "There is none.",
    406: "Cannot be given in that form.",
    409: "Something else stands against it; the sentence says what.",
    410: "The campaign is no longer here.",
    413: "Too large.",
    422: "Values that cannot be; every one with row and field.",
    429: "Too many requests; wait as long as Retry-After says.",
    500: "A fault of the server.",
    503: "The ledger cannot be used now.",
}


def refusals(*more: int) -> dict[int | str, dict[str, Any]]:
    """Answers every address may give, and further ones.

    Args:
        more: Further statuses.
    """
    statuses = sorted({400, 401, 403, 404, 410, 413, 422, 429, 500, 503, *more})
    return {status: {"model": Problem, "description": _WORDS[status]} for status in statuses}
