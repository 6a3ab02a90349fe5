"""Commands about who may use the web server: token add, list, revoke. Parse, one call, print."""

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from experiments.access import DEFAULT_DAYS, AccessStore, Role
from experiments.access_token import Token
from experiments.cli_parts import HERE, Json, console, say, say_json, warn
from features.errors import AccessError

if TYPE_CHECKING:
    from datetime import date

app = typer.Typer(
    help="Who may use the web server: make, list and revoke access tokens.\n\n"
    "Example: glassloop token add Ana --role record --days 90",
    no_args_is_help=True,
    add_completion=False,
)

Served = Annotated[
    Path,
    typer.Option(
        "--campaign", "-c", help="What is served: a campaign's folder, or one with several."
    ),
]


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="Who it is for; one name may hold several tokens.")],
    role: Annotated[
        Role,
        typer.Option(help="read: look and predict. record: also propose and record. admin: all."),
    ] = Role.READ,
    days: Annotated[
        int | None, typer.Option(help=f"How long it is valid; {DEFAULT_DAYS} if left out.")
    ] = None,
    never_expires: Annotated[
        bool, typer.Option("--never-expires", help="Valid until it is revoked.")
    ] = False,
    campaign: Served = HERE,
    as_json: Json = False,
) -> None:
    """Make a token and print it, this once.

    Example: glassloop token add Ana --role record --days 90
    """
    if never_expires and days is not None:
        raise AccessError(
            f"token add: a token that never expires has no days, got --days {days} too; give the "
            "one or the other"
        )
    store = AccessStore(campaign)
    text = store.add(
        name, role, days=None if never_expires else DEFAULT_DAYS if days is None else days
    )
    token_id = Token.parse(text).id
    made = next(info for info in store.people() if info.id == token_id)
    if not _serves_campaigns(campaign):
        warn(
            f"{campaign.absolute()} is no campaign and holds none; the token is for a server of "
            "this folder only"
        )
    if as_json:
        say_json({"token": text, **made.to_dict(), "file": str(store.path)})
        return
    until = "until it is revoked" if made.expires is None else f"until {made.expires:%Y-%m-%d}"
    say(f"Token of {made.name}, role {made.role}, valid {until}:")
    say(f"  {text}")
    say("It is not shown again: hand it on now, by a way only its owner reads.")
    say(f"Take it back: glassloop token revoke {made.id} --campaign {quote(str(campaign))}")


@app.command(name="list")
def list_tokens(campaign: Served = HERE, as_json: Json = False) -> None:
    """Who has access: every token ever made, never its secret.

    Example: glassloop token list --campaign my-campaign
    """
    store = AccessStore(campaign)
    tokens = store.people()
    if as_json:
        say_json({"tokens": [info.to_dict() for info in tokens]})
        return
    if not tokens:
        say(f"{store.path}: no tokens yet; make one with 'glassloop token add NAME'.")
        return
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for head in ("id", "name", "role", "state", "made", "expires", "last used"):
        table.add_column(head, no_wrap=head != "name")
    for info in tokens:
        days = (_day(info.created), _day(info.expires), _day(info.last_used))
        table.add_row(*map(Text, (info.id, info.name, info.role, info.state(), *days)))
    console().print(table)


@app.command()
def revoke(
    name_or_id: Annotated[
        str, typer.Argument(help="A token's id, or a name: then all tokens of that name.")
    ],
    campaign: Served = HERE,
    as_json: Json = False,
) -> None:
    """Take a token back; a server that runs refuses it from then on.

    Example: glassloop token revoke Ana
    """
    count = AccessStore(campaign).revoke(name_or_id)
    if as_json:
        say_json({"revoked": count})
    elif count:
        say(f"Revoked: {count} token{'s' if count > 1 else ''}.")
    else:
        say("Nothing to do: revoked before.")


def _serves_campaigns(folder: Path) -> bool:
    """Whether a folder is a campaign's, or holds one."""
    from experiments.config import CONFIG_NAME

    return (folder / CONFIG_NAME).is_file() or any(folder.glob(f"*/{CONFIG_NAME}"))


def _day(day: "date | None") -> str:
    return "-" if day is None else f"{day:%Y-%m-%d}"
