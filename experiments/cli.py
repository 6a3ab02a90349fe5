"""The command line: parse, one call, print. Heavy modules load inside the commands."""

import os
import sys
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from experiments import (
    cli_access,
    cli_doctor,
    cli_draft,
    cli_export,
    cli_planning,
    cli_server,
    cli_store,
)
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
    workers_here,
)
from experiments.command_log import command_begun, command_told
from experiments.database_url import DATABASE_VARIABLE, without_password
from experiments.logs import VARIABLE, begin
from features.errors import GlassError

if TYPE_CHECKING:
    from experiments.campaign import Campaign
    from experiments.recording import Report
    from models.tuning import Tuning

app = typer.Typer(
    name="glassloop",
    help="What do we make next? Plans experiments for sodium oxysulfide glass electrolytes.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(cli_planning.app)
app.add_typer(cli_server.app)
app.add_typer(cli_doctor.app)
app.add_typer(cli_export.app)
app.add_typer(cli_store.app)
app.add_typer(cli_access.app, name="token")
app.add_typer(cli_draft.app, name="draft")


class WorldLetter(StrEnum):
    """Virtual worlds."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"
    E = "E"
    F = "F"
    G = "G"


class LeftOut(StrEnum):
    """What a comparison leaves out together."""

    glass = "glass"
    source = "source"


def main() -> None:
    """Entry point: a user's mistake is one message on stderr and exit code 1."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(
            name, "1"
        )  # many small matrices: threads only get in each other's way
    try:
        with acting(account_name(), "command line"), command_told():
            app()
    except GlassError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(1)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        typer.echo(f"error: {where}{error.strerror or error}; check disk and rights", err=True)
        sys.exit(1)


def _say_version(asked: bool) -> None:
    if asked:
        say(f"glassloop {version('glassloop')}")
        raise typer.Exit


@app.callback()
def _before(
    context: typer.Context,
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_say_version, is_eager=True, help="Say which this is."),
    ] = False,
    log: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            envvar=VARIABLE,
            help="Write what happens to this file, a line of JSON an event; - for stderr.",
        ),
    ] = None,
) -> None:
    if log and not context.resilient_parsing:
        begin(log)
    command_begun(_words_of(context))


@app.command()
def init(
    name: Annotated[Path, typer.Argument(help="Folder of the new campaign.")],
    empty: Annotated[bool, typer.Option("--empty", help="Leave the paper's data out.")] = False,
    archive: Annotated[
        Path | None, typer.Option("--archive", help="Open this archive of a campaign instead.")
    ] = None,
    database: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            envvar=DATABASE_VARIABLE,
            help="Keep the ledger in this PostgreSQL database, for several to share.",
        ),
    ] = None,
    join: Annotated[
        bool, typer.Option("--join", help="A folder for a campaign that is in the database.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make a campaign with the paper's data, or open an archive of one.

    Example: glassloop init my-campaign

    What 'glassloop export --format archive' wrote: glassloop init copy --archive campaign.zip

    For a group: glassloop init ours --database postgresql://lab@server/glass

    On the other computers: the same with --join
    """
    if archive is not None:
        cli_export.init_from_archive(name, archive, empty=empty, as_json=as_json)
        return
    from experiments.campaign import Campaign
    from experiments.config import checked_config

    store = os.path.relpath(Path.cwd() / "mlruns", name.absolute())
    given = {
        "name": name.absolute().name,
        "database": None if database is None else without_password(database),
        "mlflow": {"folder": Path(store).as_posix()},
    }
    config = checked_config(given, str(name))
    opened = Campaign.join(name, config) if join else Campaign.create(name, config, empty=empty)
    with opened as campaign:
        status = campaign.status()
    if as_json:
        say_json({"campaign": str(name), "readings": status["readings"]})
        return
    say(f"Campaign {status['campaign']} is in {name}: campaign.yaml says what is searched.")
    if config.database is not None:
        say(f"Its ledger and MLflow's runs are in {config.database}, for all who join it.")
    for line in status["in_words"]:
        say(f"  {line}")
    say(f"Next: glassloop propose --campaign {name}")


@app.command()
def propose(
    campaign: Folder = HERE,
    glasses: Annotated[int | None, typer.Option(min=1, help="Jars in the mill run.")] = None,
    trilayers: Annotated[int | None, typer.Option(min=0, help="Tri-layer cells.")] = None,
    budget: Annotated[
        float | None, typer.Option(help="Hours the round may cost, by 'costs' in campaign.yaml.")
    ] = None,
    unless_open: Annotated[
        bool, typer.Option("--unless-open", help="Show the open round instead, if there is one.")
    ] = False,
    measure: Annotated[
        bool, typer.Option("--measure", help="Rank measurements instead; opens no round.")
    ] = False,
    draft: Annotated[
        bool, typer.Option("--draft", help="To be looked at and changed before it is a round.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Open a new round: the next mill run and the next tri-layers.

    Example: glassloop propose --campaign my-campaign --glasses 4 --trilayers 2

    No more than a week's work, by the hours in campaign.yaml: add --budget 40.

    What to measure next on the pellets and cells there are, or whether to make a new glass:

    glassloop propose --measure

    A draft that can be changed first: glassloop propose --draft, then glassloop draft edit
    """
    if measure:
        asked = {
            "--draft": draft,
            "--glasses": glasses,
            "--trilayers": trilayers,
            "--budget": budget,
            "--unless-open": unless_open,
        }
        _rank_measurements(
            campaign, [n for n, v in asked.items() if v not in (None, False)], as_json
        )
        return
    if draft:
        numbers = {"glasses": glasses, "trilayers": trilayers, "budget_h": budget}
        cli_draft.propose_draft(campaign, numbers, unless_open=unless_open, as_json=as_json)
        return
    with open_campaign(campaign) as opened:
        waiting = opened.open_rounds() if unless_open else []
        if waiting:
            round_ = opened.show(waiting[0])
        else:
            with busy("learning from the data and choosing the batch"):
                round_ = opened.propose(glasses=glasses, trilayers=trilayers, budget_h=budget)
        if as_json:
            say_json(round_)
        else:
            print_round(opened, round_, is_new=not waiting)
        if not waiting:
            opened.keep_status()


@app.command()
def record(
    made: Annotated[
        Path | None, typer.Argument(help="The filled made.csv or .xlsx, or a notebook with --map.")
    ] = None,
    results: Annotated[Path | None, typer.Argument(help="The filled results.csv or .xlsx.")] = None,
    campaign: Folder = HERE,
    column: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            help="Its column=recipe column, =property:unit, =jar or =se, for a lab's own table.",
        ),
    ] = None,
    literature: Annotated[
        Path | None,
        typer.Option("--literature", help="Values others published, in a CSV or Excel file."),
    ] = None,
    close: Annotated[
        bool, typer.Option("--close", help="End the round with what is there.")
    ] = False,
    by: Annotated[str, typer.Option(help="Who records.")] = "",
    as_json: Json = False,
) -> None:
    """Take in what was made and measured: everything is checked first, then written at once.

    Files are CSV or Excel (.xlsx). Example: glassloop record rounds/R01/made.csv
    rounds/R01/results.csv

    A lab's own table becomes history:

    glassloop record notebook.csv --map "sigma=ionic_conductivity:mS/cm"

    What others published, with its source, is kept apart:

    glassloop record --literature literature.csv
    """
    from experiments.notebook_columns import mapped
    from features.errors import TableError

    if (made is None) == (literature is None):
        got = "neither" if made is None else "both"
        raise TableError(
            f"record: needs made.csv and results.csv, or --literature and its file, got {got}; "
            "give the one or the other"
        )
    with open_campaign(campaign) as opened:
        with busy("checking, writing and scoring"):
            if made is None:
                report = opened.record_literature(Path(literature or ""), by=by)
            elif results is not None:
                report = opened.record(made, results, end=close, by=by)
            else:
                report = opened.record_notebook(made, mapped(column or []), by=by)
        if made is None:
            _print_literature(opened, report, as_json=as_json)
            return
        _print_report(opened, report, as_json=as_json)


@app.command()
def status(
    campaign: Folder = HERE,
    worth: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Share of the hypervolume that makes a round worth it [default: 0.01; in a large "
            "campaign only when given, since it takes as long as to propose]",
        ),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Leave out what another round would bring.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Where the campaign stands: data, rounds, scores, stock, assumptions, the next round's worth.

    Example: glassloop status --campaign my-campaign --json
    """
    from experiments.kept_status import kept_status

    state = kept_status(campaign) if quick or worth is None else None
    if state is None:
        with open_campaign(campaign) as opened:
            opened.deliver()
            with busy("Looking at what another round would bring" if not quick else "Reading"):
                state = opened.status(worth=opened.share_asked(worth, quick=quick))
    if as_json:
        say_json(state)
        return
    from experiments.status_console import status_panel

    console().print(status_panel(state))


@app.command()
def predict(
    campaign: Folder = HERE,
    x: Annotated[
        str | None,
        typer.Option(help="Oxygen x, or a sweep low:high:step [default: 0:0.6:0.1, or 0.15]"),
    ] = None,
    time: Annotated[str, typer.Option(help="Net milling time, h; or a sweep.")] = "3",
    media: Annotated[str, typer.Option(help="Milling medium.")] = "stainless_steel",
    speed: Annotated[str, typer.Option(help="Milling speed, rpm; or a sweep.")] = "500",
    pressure: Annotated[str, typer.Option(help="Pressing pressure, MPa; or a sweep.")] = "450",
    temperature: Annotated[
        str | None, typer.Option(help="Of the test, °C; or a sweep [default: the campaign's]")
    ] = None,
    as_json: Json = False,
) -> None:
    """Predict any recipe, or a sweep over one variable, by two surrogates side by side.

    Example: glassloop predict --x 0:0.6:0.1 --media zirconia
    """
    from experiments.sweep import sweep_recipes

    others = {
        "milling_time_h": time,
        "milling_speed_rpm": speed,
        "pressing_pressure_mpa": pressure,
    }
    if temperature is not None:
        others["temperature_c"] = temperature
    usual = "0.15" if any(":" in text for text in others.values()) else "0:0.6:0.1"
    recipes = sweep_recipes({"x": x or usual, **others}, media)
    with open_campaign(campaign) as opened:
        tables = opened.predict(recipes)
        success = opened.predict_success(recipes)
        energies = opened.activation_energies(recipes)
        rests_on = opened.in_words()
        simulated = opened.kind == "simulated"
    if as_json:
        say_json(
            {
                "simulated": simulated,
                "rests_on": rests_on,
                "recipes": recipes.to_dict("records"),
                "predictions": {
                    name: {s: table.to_dict("records") for s, table in by_surrogate.items()}
                    for name, by_surrogate in tables.items()
                },
                "activation_energy_kj_mol": {
                    name: table.to_dict("records") for name, table in energies.items()
                },
                "success": success.to_dict("records"),
            }
        )
        return
    from experiments.console import activation_table, predictions_table, success_table
    from features.arrhenius import ARRHENIUS_C

    screen = console()
    if simulated:
        screen.print("SIMULATED: learned from the virtual lab, not from measurements.")
    for name, by_surrogate in tables.items():
        screen.print(predictions_table(by_surrogate, name))
        screen.print(f"GP on {rests_on[name]}\n")
    screen.print(activation_table(energies))
    if temperature is not None and not recipes["temperature_c"].between(*ARRHENIUS_C).all():
        low, high = ARRHENIUS_C
        screen.print(
            f"The law of temperature is known to hold from {low:g} to {high:g} °C; beyond, the "
            "ranges are too narrow."
        )
    screen.print(success_table(success))


@app.command()
def compare(
    campaign: Folder = HERE,
    properties: Annotated[
        list[str] | None,
        typer.Option("--property", "-p", help="Only this one; repeat for more."),
    ] = None,
    surrogates: Annotated[
        list[str] | None,
        typer.Option("--surrogate", "-s", help="Only this one and the mean; repeat for more."),
    ] = None,
    folds: Annotated[
        LeftOut, typer.Option(help="What is left out together: a glass, or all of a source.")
    ] = LeftOut.glass,
    html: Annotated[
        Path | None, typer.Option(help="The page [default: compare.html of the campaign]")
    ] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes [default: 2]")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the bootstrap.")] = 0,
    no_mlflow: Annotated[bool, typer.Option("--no-mlflow", help="Do not tell MLflow.")] = False,
    tune: Annotated[
        int | None,
        typer.Option(min=1, help="Also try this many settings of the process (30 are usual)."),
    ] = None,
    dask: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Fit on the cluster of this scheduler.")
    ] = None,
    or_here: Annotated[
        bool, typer.Option("--or-here", help="Fit here if that cluster cannot be used.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Which surrogate to believe, judged on glasses it has not seen.

    Example: glassloop compare --property ionic_conductivity --surrogate gp --surrogate ridge
    """
    from experiments.comparison_console import comparison_bar, comparison_json, comparison_report
    from experiments.comparison_page import page, pictures

    with open_campaign(campaign) as opened, workers_here(jobs, dask, or_here=or_here):
        opened.deliver()
        target = html or opened.folder / "compare.html"
        target.parent.mkdir(parents=True, exist_ok=True)
        with comparison_bar() as progress:
            found = opened.compare(
                properties=properties or (), surrogates=surrogates or (), folds=folds.value,
                n_jobs=jobs, seed=seed, progress=progress,
            )  # fmt: skip
        if not as_json:
            console().print(comparison_report(found))
        with busy("drawing and storing"):
            drawn = pictures(found, n_jobs=jobs)
            text = page(found, drawn)
            target.write_text(text, encoding="utf-8")
            told = None if no_mlflow else opened.track(found, page=text, pictures=drawn)
        tunings = {} if tune is None else _tuned(opened, [*found.comparisons], tune, jobs, seed)
    run_id = told.run_id if told else None
    if as_json:
        tuned = {"tuning": {name: tuning.to_dict() for name, tuning in tunings.items()}}
        say_json({**comparison_json(found), **tuned, "html": str(target), "mlflow_run_id": run_id})
    else:
        for tuning in tunings.values():
            say(tuning.in_words())
        say(f"Page:    {target}")
    if told and run_id is None:
        typer.echo(f"warning: {told.where}; the rest is as printed", err=True)
    elif told and not as_json:
        say(f"MLflow:  {told.where}")


def _tuned(
    opened: "Campaign", properties: list[str], n_trials: int, jobs: int | None, seed: int
) -> "dict[str, Tuning]":
    """Settings chosen for each property of pellets, with a bar: a search takes a while."""
    from experiments.comparison_console import comparison_bar
    from experiments.knowledge import PELLET_PROPERTIES
    from experiments.tuned import tune_campaign

    tunings = {}
    for name in (name for name in properties if name in PELLET_PROPERTIES):
        with comparison_bar() as progress:
            tunings[name] = tune_campaign(
                opened, name, n_trials, seed=seed, n_jobs=jobs, progress=progress
            )
    return tunings


@app.command()
def simulate(
    campaign: Folder = HERE,
    world: Annotated[WorldLetter, typer.Option(help="Virtual world.")] = WorldLetter.A,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the virtual laboratory.")] = 0,
    fill_only: Annotated[
        bool, typer.Option("--fill-only", help="Fill the files, do not record them.")
    ] = False,
    rounds: Annotated[
        int | None, typer.Option(min=1, help="Simulate so many, proposing where none is open.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Fill and record the oldest open round from the virtual lab; marks the campaign simulated.

    Example: glassloop simulate --world B --seed 1

    Eight rounds at once: glassloop simulate --rounds 8
    """
    from features.errors import CampaignError

    if fill_only and rounds is not None:
        raise CampaignError(
            "simulate: --fill-only stops before the files are recorded, got --rounds too; give "
            "the one or the other"
        )
    with open_campaign(campaign) as opened:
        with busy("making and measuring in the virtual lab"):
            if rounds is not None:
                report = opened.rehearse(rounds, world=world.value, seed=seed)
            else:
                report = opened.simulate(world=world.value, seed=seed, fill_only=fill_only)
        if report is None:
            folder = opened.round_folder(opened.open_rounds()[0])
            if as_json:
                say_json({"simulated": True, "filled": str(folder)})
            else:
                say(f"SIMULATED: {folder}/made.csv and results.csv are filled, not recorded.")
            return
        _print_report(opened, report, as_json=as_json)


def _words_of(context: typer.Context) -> str:
    """The command asked for, with the one of its group: ``token add``."""
    name = context.invoked_subcommand or ""
    group = typer.main.get_command(app).commands.get(name)  # type: ignore[attr-defined]
    inner = getattr(group, "commands", {})
    return " ".join([name, *[word for word in sys.argv[1:] if word in inner][:1]])


def _rank_measurements(folder: Path, besides: list[str], as_json: bool) -> None:
    """Which measurement next; no other option of a proposal goes with it.

    Raises:
        CampaignError: If one was given.
    """
    from features.errors import CampaignError

    if besides:
        raise CampaignError(
            f"propose --measure: ranks measurements and opens no round, got {', '.join(besides)} "
            "too; give the one or the other"
        )
    with open_campaign(folder) as opened, busy("learning from the data and weighing measurements"):
        ranking = opened.measure()
    if as_json:
        say_json(ranking.to_dict())
        return
    from experiments.measurement_console import ranking_table

    console().print(ranking_table(ranking))


def _print_literature(campaign: "Campaign", report: "Report", *, as_json: bool) -> None:
    use = campaign.config.literature.use
    if as_json:
        say_json(
            {
                "values_added": report.readings_added,
                "values_corrected": report.readings_corrected,
                "unchanged": report.unchanged,
                "warnings": report.warnings,
                "use": use,
            }
        )
        return
    for warning in report.warnings:
        typer.echo(f"warning: {warning}", err=True)
    say(
        f"Literature: {report.readings_added} new, {report.readings_corrected} corrected, "
        f"{report.unchanged} known already."
    )
    if use:
        say("They are learned from; glassloop status says how much they change.")
    else:
        say("They are not learned from: literature.use is false in campaign.yaml.")


def _print_report(campaign: "Campaign", report: "Report", *, as_json: bool) -> None:
    from dataclasses import asdict

    from experiments.scores_console import news_of
    from experiments.status_console import waiting_sentence

    state = campaign.status()
    surprises, news = news_of(state, report.readings)
    if as_json:
        say_json(
            {**asdict(report), "kind": campaign.kind, "hypervolume": state["hypervolume"]}
            | {"coverage": state["coverage"], "drift": state["drift"], "surprises": surprises}
        )
        return
    if campaign.kind == "simulated":
        say("SIMULATED: these values come from the virtual lab, not from measurements.")
    for warning in report.warnings:
        typer.echo(f"warning: {warning}", err=True)
    if report.is_empty:
        say("Nothing is filled in: no row has a status or a value yet.")
        return
    say(
        f"{report.specimens} specimens, {report.readings_added} new readings, "
        f"{report.readings_corrected} corrected, {report.unchanged} rows known already."
    )
    for round_id in report.closed:
        say(f"Round {round_id} is closed.")
    for round_ in state["rounds"]:
        if round_["waits_for"]:
            say(waiting_sentence(round_["id"], round_["waits_for"]))
    if state["coverage"]:
        inside = state["coverage"]
        say(
            f"Inside the 90 % interval: {inside['90']:.0%}, inside the 50 %: {inside['50']:.0%} "
            f"of {inside['n']} readings predicted before they were measured."
        )
    console().print(*news, sep="\n", end="\n" if news else "")
    if state["pending_mlflow"]:
        typer.echo(
            f"warning: {state['pending_mlflow']} messages wait for MLflow; the next command "
            "delivers them",
            err=True,
        )


if __name__ == "__main__":
    main()
