"""What the commands share: options that each has, opening, waiting, printing."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from experiments.logs import note
from features.errors import GlassError

if TYPE_CHECKING:
    from experiments.campaign import Campaign

Folder = Annotated[
    Path, typer.Option("--campaign", "-c", help="The campaign's folder.", show_default=True)
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")]

HERE = Path()


@contextmanager
def open_campaign(folder: Path) -> "Iterator[Campaign]":
    """The campaign; imported here so that --help stays quick."""
    from experiments.campaign import Campaign

    with Campaign.open(folder) as campaign:
        note("campaign opened", campaign=campaign.config.name, folder=str(folder.absolute()))
        try:
            campaign.complete_open_rounds()
        except GlassError as error:  # what was asked for may do without
            warn(str(error))
        yield campaign


@contextmanager
def workers_here(jobs: int | None, dask: str | None, *, or_here: bool) -> Iterator[None]:
    """Where parallel work runs; says so when that is not where it was asked to run."""
    from experiments.workers import workers

    with workers(jobs, dask, or_here=or_here) as why_here:
        if why_here is not None:
            typer.echo(f"warning: {why_here}", err=True)
        yield


@contextmanager
def busy(what: str) -> Iterator[None]:
    """A spinner on the terminal while something takes longer than a moment."""
    from rich.console import Console

    with Console(stderr=True).status(f"{what} ..."):
        yield


def console() -> Any:
    """A console as wide as the terminal, or 110 columns where there is none."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else 110)


def say(text: str) -> None:
    """A result, on stdout."""
    typer.echo(text)


def warn(text: str) -> None:
    """A complaint, on stderr."""
    typer.echo(f"warning: {text}", err=True)


def say_json(value: object) -> None:
    """A result for machines; NaN and infinities are null."""
    typer.echo(json.dumps(_finite(value), indent=1, default=str))


def print_round(campaign: "Campaign", round_: dict[str, Any], *, is_new: bool) -> None:
    """Print a round, and what to do with its folder.

    Args:
        campaign: Where.
        round_: The round as plain data.
        is_new: Whether it was proposed just now.
    """
    from experiments.console import round_table

    if not is_new:
        say(f"Round {round_['round']} is open; its results are not all in. It was proposed so:")
    console().print(round_table(round_))
    folder = campaign.round_folder(round_["round"])
    say(f"Folder:  {folder}")
    say("         print batch_sheet.html, fill in made.csv and results.csv, then")
    say(
        f"         glassloop record {folder / 'made.csv'} {folder / 'results.csv'} "
        f"--campaign {campaign.folder}"
    )
    say(f"MLflow:  {campaign.where_tracked(round_['round'])}")


def _finite(value: Any) -> Any:
    """NaN and infinities as null: they are not JSON."""
    if isinstance(value, dict):
        return {str(key): _finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    return value
