"""Names that people give: of specimens, of sources, and of whoever records."""

from typing import Final

from experiments.complaint import got
from features.errors import InputError

MAX_NAME: Final = 100
"""Characters of a name: it stands in addresses, on labels and in pictures."""


def no_name(text: str) -> str:
    r"""Why a text cannot be the name of a specimen or a source; empty when it can.

    Examples:
        >>> no_name("A1\nB"), no_name("Tsuji 2021")
        ("must be one line without unseen characters, got 'A1\\nB'; type it again", '')
    """
    if len(text) > MAX_NAME:
        return f"must have at most {MAX_NAME} characters, got {len(text):,}; shorten it"
    if not text.isprintable():
        return f"must be one line without unseen characters, got {got(text)}; type it again"
    return ""


def require_person(by: str) -> None:
    """Refuse a signature that no database can hold or nobody can read.

    Args:
        by: Who records; empty when nobody said.

    Raises:
        InputError: If it is none.
    """
    if why := no_name(by):
        raise InputError([f"who records: {why}"])
