"""Commands that look after what a campaign keeps: verify, backup, restore, migrate."""

from pathlib import Path
from typing import Annotated

import typer

from experiments.cli_parts import HERE, Folder, Json, busy, open_campaign, say, say_json, warn
from experiments.logs import note

app = typer.Typer(add_completion=False)


@app.command()
def verify(campaign: Folder = HERE, as_json: Json = False) -> None:
    """Check the ledger: checksums, links, history, scores. Exit code 0 when all is sound.

    Example: glassloop verify --campaign my-campaign
    """
    with open_campaign(campaign) as opened, busy("reading every row, scoring every round again"):
        faults = opened.verify()
    if as_json:
        say_json({"sound": not faults, "faults": faults})
    elif not faults:
        say("The ledger is sound.")
    _say_faults(faults)


@app.command()
def backup(
    file: Annotated[
        Path | None,
        typer.Argument(help="The file to write, .zip; left out: in backups/ of the campaign."),
    ] = None,
    campaign: Folder = HERE,
    as_json: Json = False,
) -> None:
    """Write ledger, configuration, rounds and MLflow's runs into one file, and read it again.

    Example: glassloop backup --campaign my-campaign

    Keep copies on another disk: glassloop backup /mnt/nas/my-campaign.zip
    """
    from experiments.backup import back_up

    with open_campaign(campaign) as opened, busy("copying, then reading the copy"):
        done, faults = back_up(opened, file)
    note("backup written", file=str(done.path), sha256=done.sha256, faults=len(faults))
    if done.manifest.mlflow.why_not is not None:
        warn(f"the backup is without MLflow's runs: {done.manifest.mlflow.why_not}")
    if as_json:
        say_json({**done.to_dict(), "sound": not faults, "faults": faults})
    else:
        say(done.in_words())
        say(f"Written: {done.path}")
        say(f"SHA-256: {done.sha256}")
    _say_faults(faults)


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A backup: .zip, or a ledger's .db file.")],
    campaign: Folder = HERE,
    give_up_newer: Annotated[
        bool,
        typer.Option(
            "--give-up-newer", help="Also if the ledger holds changes that the backup lacks."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Take a campaign back from a backup; the ledger it replaces is kept aside.

    Stop 'glassloop serve' and let nobody work in the campaign meanwhile.

    Example: glassloop restore backups/my-campaign-20261129T120000Z.zip --campaign my-campaign
    """
    from experiments.backup import restore as restore_campaign

    with busy("checking the backup and taking it back"):
        done = restore_campaign(campaign, file, give_up_newer=give_up_newer)
    note("campaign restored", campaign=done.campaign, file=str(file), set_aside=done.set_aside)
    if as_json:
        say_json(done.to_dict())
        return
    say(
        f"Campaign {done.campaign} is back: {done.rounds} rounds, {done.readings} readings, "
        f"{len(done.files)} files that were missing."
    )
    if done.set_aside is not None:
        say(f"The ledger before is kept in {done.set_aside}")
    if done.changes_given_up is None and done.set_aside is not None:
        warn("the ledger before could not be read: whether it held newer changes is not known")
    elif done.changes_given_up:
        warn(f"{done.changes_given_up} changes that the backup lacks are given up")
    if done.trouble is not None:
        warn(done.trouble)
    say(f"Next: glassloop verify --campaign {campaign}")


@app.command()
def migrate(campaign: Folder = HERE, as_json: Json = False) -> None:
    """Bring the ledger of an older glassloop up to date; a copy of it is kept.

    Example: glassloop migrate --campaign my-campaign
    """
    from experiments.backup import bring_up_to_date
    from experiments.ledger_schema import SCHEMA_VERSION

    with busy("copying and migrating the ledger"):
        version, copy = bring_up_to_date(campaign)
    note("ledger migrated", folder=str(campaign), before=version, now=SCHEMA_VERSION)
    if as_json:
        told = {"from": version, "to": SCHEMA_VERSION, "copy": None if copy is None else str(copy)}
        say_json(told)
    elif copy is None:
        say(f"The ledger is up to date (schema {version}).")
    else:
        say(f"The ledger went from schema {version} to {SCHEMA_VERSION}.")
        say(f"As it was before: {copy}")


def _say_faults(faults: list[str]) -> None:
    """Faults on stderr, and exit code 1 if there are any."""
    for fault in faults:
        typer.echo(f"fault: {fault}", err=True)
    if faults:
        raise typer.Exit(code=1)
