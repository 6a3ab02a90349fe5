"""Commands on a proposal under discussion: draft show, edit, accept, discard."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from experiments.acting import account_name, acting
from experiments.cli_parts import (
    HERE,
    Folder,
    Json,
    busy,
    console,
    open_campaign,
    print_round,
    say,
    say_json,
)
from features.errors import CampaignError

if TYPE_CHECKING:
    from experiments.campaign import Campaign
    from experiments.draft_record import Draft

app = typer.Typer(
    help="A proposal under discussion, made by 'glassloop propose --draft': look at it, change it, "
    "accept it as a round or discard it.\n\nExample: glassloop draft edit D01 --drop G2",
    no_args_is_help=True,
    add_completion=False,
)

Id = Annotated[str | None, typer.Argument(help="Such as D01; the open one if left out.")]
By = Annotated[str, typer.Option(help="Who does it; the account if left out.")]


@app.command()
def show(draft: Id = None, campaign: Folder = HERE, as_json: Json = False) -> None:
    """Show the newest version of a draft.

    Example: glassloop draft show D01
    """
    with open_campaign(campaign) as opened:
        print_draft(opened, _wanted(opened, draft), as_json=as_json)


@app.command()
def edit(
    draft: Id = None,
    drop: Annotated[list[str] | None, typer.Option(help="A row not to be made; repeat.")] = None,
    keep: Annotated[list[str] | None, typer.Option(help="Take a dropped row back.")] = None,
    restore: Annotated[list[str] | None, typer.Option(help="A row as it was proposed.")] = None,
    values: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="ROW:COLUMN=VALUE", help="Change a row, or the run; repeat."),
    ] = None,
    add: Annotated[
        list[str] | None,
        typer.Option(
            help="A glass more: x=0.2,milling_media=agate,pressing_pressure_mpa=300; repeat."
        ),
    ] = None,
    by: By = "",
    campaign: Folder = HERE,
    as_json: Json = False,
) -> None:
    """Change the newest version of a draft; everything is checked first.

    Example: glassloop draft edit D01 --drop G2 --set "G1:x=0.2" --set "run:milling_time_h=5"

    Another jar in stock for a cell: glassloop draft edit --set "C1:core=R01-G1"
    """
    from experiments.draft_options import edits_of

    edits = edits_of(
        drop=drop or (), keep=keep or (), restore=restore or (), values=values or (), add=add or ()
    )
    with open_campaign(campaign) as opened, _by(by):
        from experiments.draft import edit_draft

        held = _wanted(opened, draft)
        with busy("learning from the data and weighing the change"):
            changed = edit_draft(opened, held.id, held.version, edits)
        print_draft(opened, changed, as_json=as_json)


@app.command()
def accept(draft: Id = None, by: By = "", campaign: Folder = HERE, as_json: Json = False) -> None:
    """Make the newest version of a draft a round; predictions are frozen as they are now.

    Example: glassloop draft accept D01
    """
    with open_campaign(campaign) as opened, _by(by):
        from experiments.draft import accept_draft

        held = _wanted(opened, draft)
        with busy("predicting and writing the round"):
            round_ = accept_draft(opened, held.id, held.version)
        if as_json:
            say_json(round_)
            return
        print_round(opened, round_, is_new=True)


@app.command()
def discard(draft: Id = None, by: By = "", campaign: Folder = HERE, as_json: Json = False) -> None:
    """Close a draft that becomes no round; its versions stay in the ledger.

    Example: glassloop draft discard D01
    """
    with open_campaign(campaign) as opened, _by(by):
        from experiments.draft import discard_draft

        held = _wanted(opened, draft)
        gone = discard_draft(opened, held.id, held.version)
    if as_json:
        say_json(gone.to_dict())
        return
    say(f"Draft {gone.id} is discarded; its {gone.version} versions stay in the ledger.")


def propose_draft(
    folder: Path, asked: Mapping[str, Any], *, unless_open: bool, as_json: bool
) -> None:
    """Begin a draft and print it; the command is ``propose --draft``.

    Args:
        folder: The campaign's folder.
        asked: Arguments of ``begin_draft``.
        unless_open: Show the open draft instead, if there is one.
        as_json: For machines.
    """
    with open_campaign(folder) as campaign, _by(""):
        from experiments.draft import begin_draft, open_draft

        draft = open_draft(campaign.ledger) if unless_open else None
        if draft is None:
            with busy("learning from the data and choosing the batch"):
                draft = begin_draft(campaign, **asked)
        print_draft(campaign, draft, as_json=as_json)


def print_draft(campaign: "Campaign", draft: "Draft", *, as_json: bool) -> None:
    """Print a draft, and what can be done with it.

    Args:
        campaign: Where.
        draft: Any version.
        as_json: For machines.
    """
    if as_json:
        say_json(draft.to_dict())
        return
    from experiments.draft_console import draft_table

    console().print(draft_table(draft))
    if draft.state != "open":
        became = f" as round {draft.accepted_as}" if draft.accepted_as else ""
        say(f"It was {draft.state}{became} by {draft.person or 'somebody'}.")
        return
    where = f"--campaign {campaign.folder}"
    say(f"Change:  glassloop draft edit {draft.id} --set ROW:COLUMN=VALUE --drop ROW {where}")
    say(f"Accept:  glassloop draft accept {draft.id} {where}")


@contextmanager
def _by(name: str) -> Iterator[None]:
    with acting(name or account_name(), "command line"):
        yield


def _wanted(campaign: "Campaign", draft: str | None) -> "Draft":
    """The draft named, or the open one.

    Raises:
        CampaignError: If there is none.
    """
    from experiments.draft_record import open_draft, read_draft

    if draft is not None:
        return read_draft(campaign.ledger, draft)
    held = open_draft(campaign.ledger)
    if held is None:
        raise CampaignError(
            "draft: none is open, got no id of another; make one with 'glassloop propose --draft'"
        )
    return held
