"""Commands that hand a campaign on: export, and opening an archive. Parse, one call, print."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from experiments.cli_parts import HERE, Folder, Json, busy, open_campaign, say, say_json, warn

if TYPE_CHECKING:
    from experiments.archive_zip import Manifest

app = typer.Typer(add_completion=False)


class Form(StrEnum):
    """What a campaign can be written as."""

    csv = "csv"
    xlsx = "xlsx"
    parquet = "parquet"
    json = "json"
    archive = "archive"


@app.command()
def export(
    form: Annotated[
        Form | None, typer.Option("--format", help="Tables, or an archive of the whole campaign.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="The file to write.")] = None,
    table: Annotated[
        str | None,
        typer.Option(
            help="Only this one: jars, pellets, cells, readings, rounds, proposals, scores, "
            "literature, notes, files or columns."
        ),
    ] = None,
    optuna: Annotated[
        str | None,
        typer.Option("--optuna", metavar="URL_OR_FILE", help="Storage of Optuna studies."),
    ] = None,
    campaign: Folder = HERE,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace the file, or studies exported before.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Write a campaign as tables, as an archive for another machine, or as Optuna studies.

    Example: glassloop export --format csv --table readings --out readings.csv

    Everything for Excel: glassloop export --format xlsx --out campaign.xlsx

    The whole campaign with its MLflow runs, to be opened with 'glassloop init NAME --archive':

    glassloop export --format archive --out campaign.zip

    Pellets and cells to be looked at in optuna-dashboard: glassloop export --optuna study.db
    """
    given = {"--out": out, "--table": table}
    _require_one(form, optuna, [name for name, value in given.items() if value is not None])
    if optuna is not None:
        _export_studies(campaign, optuna, replace=replace, as_json=as_json)
    elif form is Form.archive and out is not None:
        _export_archive(campaign, out, replace=replace, as_json=as_json)
    elif form is not None and out is not None:
        _export_tables(campaign, form, out, table, replace=replace, as_json=as_json)


def init_from_archive(name: Path, archive: Path, *, empty: bool, as_json: bool) -> None:
    """Open an archive as a new campaign's folder.

    Raises:
        CampaignError: If the campaign was to be empty, or the archive cannot be opened.
    """
    from experiments.archive import thaw
    from features.errors import CampaignError

    if empty:
        raise CampaignError(
            "init: --archive brings the archive's data, got --empty too; give the one or the other"
        )
    with busy("checking and unpacking"):
        manifest = thaw(archive, name)
    with open_campaign(name) as opened:
        readings = opened.status()["readings"]
        faults = opened.verify()  # said and not refused: a fault is the owner's to mend
    for fault in faults:
        warn(f"its ledger has a fault: {fault}")
    if as_json:
        told = {"campaign": str(name), "readings": readings, "archive": manifest.model_dump()}
        say_json({**told, "faults": faults})
        return
    what = "SIMULATED: campaign" if manifest.kind == "simulated" else "Campaign"
    say(
        f"{what} {manifest.campaign} is in {name}, as it stood at {manifest.frozen_at}: "
        f"{manifest.rounds} rounds, {sum(readings.values())} readings."
    )
    if manifest.mlflow.why_not is None:
        say(f"MLflow:  {manifest.mlflow.runs} runs are in {name / 'mlruns'}")
    else:
        _warn_of_runs(manifest)
    say(f"Next: glassloop status --campaign {name}")


def _require_one(form: Form | None, optuna: str | None, besides: list[str]) -> None:
    """Just one of the two ways, with the options that go with it.

    Raises:
        CampaignError: If not.
    """
    from features.errors import CampaignError

    if (form is None) == (optuna is None):
        got = "neither" if form is None else "both"
        raise CampaignError(
            f"export: needs --format and --out, or --optuna, got {got}; give the one or the other"
        )
    if optuna is not None and besides:
        raise CampaignError(
            f"export --optuna: goes with no other option than --replace, got {', '.join(besides)} "
            "too; leave it out"
        )
    if form is not None and "--out" not in besides:
        raise CampaignError(f"export --format {form}: needs the file to write; add --out FILE")
    if form is Form.archive and "--table" in besides:
        raise CampaignError(
            "export --format archive: holds the whole campaign, got --table too; leave it out"
        )


def _export_tables(
    campaign: Path, form: Form, out: Path, table: str | None, *, replace: bool, as_json: bool
) -> None:
    from experiments.export import export_bytes, suffix_of
    from experiments.fresh_file import fresh_file

    _require_suffix(out, suffix_of(form, table))
    with open_campaign(campaign) as opened, busy("writing the tables"):
        with fresh_file(out, replace=replace) as draft:
            done = export_bytes(opened.ledger, opened.config, form=form, table=table)
            draft.write_bytes(done.data)
        is_simulated = opened.kind == "simulated"
    if as_json:
        say_json({"written": str(out), "media_type": done.media_type, "simulated": is_simulated})
        return
    say(f"{'SIMULATED: ' * is_simulated}Written: {out}")


def _export_archive(campaign: Path, out: Path, *, replace: bool, as_json: bool) -> None:
    from experiments.archive import freeze

    _require_suffix(out, ".zip")
    with open_campaign(campaign) as opened, busy("copying ledger, files and MLflow's runs"):
        done = freeze(opened, out, replace=replace)
    if as_json:
        say_json(done.to_dict())
        return
    _warn_of_runs(done.manifest)
    for name in done.manifest.left_out:
        warn(f"left out: {name}")
    say(done.in_words())
    say(f"Written: {out}")
    say(f"SHA-256: {done.sha256}")


def _export_studies(campaign: Path, target: str, *, replace: bool, as_json: bool) -> None:
    from experiments.optuna_study import export_studies

    with open_campaign(campaign) as opened, busy("writing the studies"):
        studies = export_studies(opened, target, replace=replace)
    if as_json:
        say_json({"studies": [study.to_dict() for study in studies]})
        return
    for study in studies:
        say(study.in_words())
    say(f"Look at it: optuna-dashboard {studies[0].storage}")


def _require_suffix(out: Path, suffix: str) -> None:
    """A file is named after what it is.

    Raises:
        CampaignError: If it ends otherwise.
    """
    from features.errors import CampaignError

    if out.suffix.lower() != suffix:
        hint = ", or add --table for a single one" if suffix == ".zip" else ""
        raise CampaignError(
            f"--out {out}: must end in {suffix}, got {out.suffix or 'no ending'}; rename it{hint}"
        )


def _warn_of_runs(manifest: "Manifest") -> None:
    if manifest.mlflow.why_not is not None:
        warn(f"the archive is without MLflow's runs: {manifest.mlflow.why_not}")
