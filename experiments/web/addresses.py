"""Addresses with the names that people give: blanks, signs and slashes in them mislead nobody."""

from urllib.parse import quote

from fastapi import Request


def in_address(name: str) -> str:
    """A name as one part of an address.

    Examples:
        >>> in_address("A/1 #2"), in_address("R01-G1")
        ('A%2F1%20%232', 'R01-G1')
    """
    return quote(name, safe="")


def campaign_address(campaign: str, *parts: str) -> str:
    """Address of a campaign's page.

    Args:
        campaign: Its name.
        parts: What follows it; a last one that is empty ends the address with a slash.

    Examples:
        >>> campaign_address("lab", ""), campaign_address("Na₃PS₄", "jobs", "1a")
        ('/c/lab/', '/c/Na%E2%82%83PS%E2%82%84/jobs/1a')
    """
    return "/".join(("/c", *(in_address(part) for part in (campaign, *parts))))


def address_of(request: Request) -> str:
    """The address that was asked for, as it may stand in a header or a link."""
    return quote(request.scope["path"], safe="/")


def attachment(name: str) -> str:
    """A file to be saved under a name, as the header ``Content-Disposition`` says it (RFC 6266).

    Args:
        name: Any; what knows no UTF-8 gets it without the signs beyond ASCII.

    Examples:
        >>> attachment("lab.zip")
        'attachment; filename="lab.zip"'
    """
    plain = "".join(one if one.isascii() and one.isprintable() else "_" for one in name)
    plain = plain.replace("\\", "_").replace('"', "_")
    whole = "" if plain == name else f"; filename*=UTF-8''{quote(name, safe='')}"
    return f'attachment; filename="{plain}"{whole}'
