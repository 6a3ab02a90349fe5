"""Commands that look ahead and back: study, plan, backtest, report. Parse, one call, print."""

from pathlib import Path
from typing import Annotated

import typer

from experiments.cli_parts import (
    HERE,
    Folder,
    Json,
    busy,
    console,
    open_campaign,
    say,
    say_json,
    warn,
    workers_here,
)

app = typer.Typer(add_completion=False)


@app.command()
def backtest(
    table: Annotated[Path, typer.Argument(help="Experiments that were made, CSV or Excel.")],
    feature: Annotated[
        list[str] | None,
        typer.Option("--feature", help="Column of the recipe; repeat, or 'x_*' for several."),
    ] = None,
    objective: Annotated[
        list[str] | None,
        typer.Option("--objective", help="COLUMN:maximize, then :log10 and :1e-6 if so; repeat."),
    ] = None,
    order: Annotated[
        str, typer.Option(help="Column with year, date or number; else the order of rows.")
    ] = "",
    start: Annotated[int, typer.Option(min=1, help="Experiments given as really made.")] = 8,
    batch: Annotated[int, typer.Option(min=1, help="Recipes the planner chooses at a time.")] = 4,
    seeds: Annotated[int, typer.Option(min=1, help="Replays, after real and random starts.")] = 10,
    max_experiments: Annotated[
        int | None, typer.Option(min=1, help="End each replay there, found or not.")
    ] = None,
    figure: Annotated[
        Path | None, typer.Option(help="Draw the best so far: .png, .svg or .pdf.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write every order the planner chose, as CSV.")
    ] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes; two if left out.")] = None,
    as_json: Json = False,
) -> None:
    """Replay a table: would the planner have found the best earlier?

    Needs no campaign; the table may be of any material.

    Example: glassloop backtest runs.csv --feature temp --objective "yield:maximize" --order date
    """
    from experiments.backtest import backtest as replay
    from experiments.backtest_console import backtest_bar, backtest_report
    from experiments.backtest_files import require_figure_path, require_folder
    from experiments.backtest_table import read_history

    if figure is not None:
        require_figure_path(figure)
    if out is not None:
        require_folder(out)
    history = read_history(table, features=feature or (), objectives=objective or (), order=order)
    with workers_here(jobs, None, or_here=False), backtest_bar() as advance:
        found = replay(
            history, n_start=start, seeds=seeds, batch=batch, most=max_experiments, advance=advance
        )
    if figure is not None:
        from experiments.backtest_plot import backtest_figure, save_figure

        save_figure(backtest_figure(found), figure)
    if out is not None:
        from experiments.backtest_words import replay_table

        replay_table(found).to_csv(out, index=False)
    if as_json:
        from experiments.backtest_words import backtest_json

        say_json(backtest_json(found))
        return
    console().print(backtest_report(found))
    for path in filter(None, (figure, out)):
        say(f"Written: {path}")


@app.command()
def plan(
    campaign: Folder = HERE,
    target: Annotated[
        list[str] | None,
        typer.Option(help='Such as "critical_current_density>3"; repeat: all in one specimen.'),
    ] = None,
    budget_hours: Annotated[
        float | None, typer.Option(help="Hours of hands there are [default: those of --rounds]")
    ] = None,
    rounds: Annotated[
        int | None, typer.Option(help="The most rounds [default: 4; with a budget 12]")
    ] = None,
    batch: Annotated[
        list[str] | None,
        typer.Option(help="Glasses and cells a round, such as 4+2; repeat to compare."),
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option(help="Compare with not measuring this; repeat, or join with commas."),
    ] = None,
    truths: Annotated[
        int | None, typer.Option(help="Truths to draw from the surrogates [default: 10]")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="5 truths: half the time, wider intervals.")
    ] = False,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Imagine rounds for a target out of reach too.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of the first truth.")] = 0,
    figure: Annotated[Path | None, typer.Option(help="Draw the chances: a file .png.")] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes [default: 2]")] = None,
    dask: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Imagine on this scheduler's cluster.")
    ] = None,
    or_here: Annotated[
        bool, typer.Option("--or-here", help="Imagine here if that cluster cannot be used.")
    ] = False,
    as_json: Json = False,
) -> None:
    """How many rounds a target takes, in which batches, with which measurements.

    Rounds are imagined in truths drawn from the campaign's surrogates. Nothing is written in it.

    Example: glassloop plan --target "critical_current_density>3" --budget-hours 200
    """
    from experiments.plan import N_WORLDS, QUICK_WORLDS, plan_ahead
    from experiments.plan_console import plan_bar, plan_report, require_png
    from experiments.plan_options import options_of
    from experiments.targets import Target

    wanted = Target.of(target or [])
    if figure is not None:
        require_png(figure)
    n_worlds = truths if truths is not None else QUICK_WORLDS if quick else N_WORLDS
    with open_campaign(campaign) as opened, workers_here(jobs, dask, or_here=or_here):
        options = options_of(opened.config, wanted, batches=batch or (), without=without or ())
        with plan_bar() as progress:
            found = plan_ahead(
                opened.ledger, opened.config, opened.knowledge(), target=wanted, options=options,
                budget_h=budget_hours, rounds=rounds, n_worlds=n_worlds, seed=seed, anyway=anyway,
                progress=progress,
            )  # fmt: skip
    if figure is not None and found.was_imagined:
        from experiments.plan_plot import plan_figure
        from experiments.plots import save_png

        save_png(plan_figure(found), figure)
    if as_json:
        from experiments.plan_words import plan_json

        say_json(plan_json(found))
        return
    console().print(plan_report(found))
    if figure is not None:
        say(f"Figure: {figure if found.was_imagined else 'none, nothing was imagined'}")


@app.command()
def report(
    campaign: Folder = HERE,
    out: Annotated[
        Path | None, typer.Option(help="Folder to write into [default: report in the campaign]")
    ] = None,
    open_round: Annotated[
        bool, typer.Option("--open-round", help="Propose a round first if none is open.")
    ] = False,
    no_mlflow: Annotated[bool, typer.Option("--no-mlflow", help="Do not tell MLflow.")] = False,
    as_json: Json = False,
) -> None:
    """One page to open, print or send: where the campaign stands, with all its figures.

    Example: glassloop report --campaign my-campaign --out meeting
    """
    with open_campaign(campaign) as opened:
        opened.deliver()
        if open_round and not opened.open_rounds():
            with busy("learning from the data and choosing the batch"):
                opened.propose()
        with busy("drawing"):
            files = opened.report(out or opened.folder / "report")
            told = None if no_mlflow else opened.track_report(files)
        waiting, kind = opened.open_rounds(), opened.kind
    if as_json:
        say_json(
            {
                "page": str(files.page),
                "figures": [str(path) for path in files.figures],
                "simulated": kind == "simulated",
                "open_rounds": waiting,
                "mlflow_run_id": told.run_id if told else None,
            }
        )
        return
    say(f"Report:  {files.page}")
    say(f"Figures: {files.page.parent / 'figures'} ({len(files.figures)} files)")
    if told and told.run_id is None:
        warn(f"{told.where}; the files are as written")
    elif told:
        say(f"MLflow:  {told.where}")


@app.command()
def study(
    out: Annotated[Path, typer.Option(help="Folder of the study; taken up where it was left.")],
    world: Annotated[
        list[str] | None,
        typer.Option(help="A to G, or lab.py:make of your own; repeat [default: A, E, F, G]"),
    ] = None,
    seeds: Annotated[
        list[str] | None, typer.Option(help="Such as 0-9; the same for all [default: 0-9]")
    ] = None,
    strategy: Annotated[
        list[str] | None,
        typer.Option(
            help="glassloop, one_at_a_time, sobol, paper, or file.py:name; repeat. The others "
            "are compared with the first [default: glassloop]"
        ),
    ] = None,
    batch: Annotated[
        list[str] | None, typer.Option(help="Glasses+cells of a round; repeat [default: 4+2]")
    ] = None,
    rounds: Annotated[int, typer.Option(help="Rounds of a campaign.")] = 8,
    target: Annotated[
        list[str] | None,
        typer.Option(help="Such as 'critical_current_density>3'; all in one specimen; repeat."),
    ] = None,
    share: Annotated[
        float, typer.Option(help="Of the reachable hypervolume, that counts as reached.")
    ] = 0.9,
    late: Annotated[
        list[str] | None,
        typer.Option(help="Comes a round later; 'none' [default: critical_current_density]"),
    ] = None,
    without: Annotated[
        list[str] | None, typer.Option(help="A property nobody measures; repeat.")
    ] = None,
    campaign: Annotated[
        Path | None,
        typer.Option("--campaign", "-c", help="Take its campaign.yaml [default: the shipped one]"),
    ] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes [default: 2]")] = None,
    dask: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Run on the cluster of this scheduler.")
    ] = None,
    or_here: Annotated[
        bool, typer.Option("--or-here", help="Run here if that cluster cannot be used.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Run whole campaigns in virtual laboratories: how many rounds, and is it better?

    Example: glassloop study --out my-study --world E --seeds 0-4 --strategy glassloop
    --strategy sobol --rounds 4
    """
    from experiments.config import CONFIG_NAME, CampaignConfig, read_config
    from experiments.study import Study
    from experiments.study_console import study_bar, study_report
    from experiments.study_files import write_pictures
    from experiments.study_spec import Batch, StudySpec, numbers_in
    from experiments.study_table import study_json

    given = {
        "worlds": world and tuple(world),
        "seeds": seeds and numbers_in(seeds),
        "strategies": strategy and tuple(strategy),
        "batches": batch and tuple(Batch.of(text) for text in batch),
        "late": late and tuple(name for name in late if name != "none"),
    }
    spec = StudySpec(
        **{key: value for key, value in given.items() if value is not None},  # type: ignore[arg-type]
        rounds=rounds, target=tuple(target or ()), share=share, without=tuple(without or ()),
    )  # fmt: skip
    config = read_config(campaign / CONFIG_NAME) if campaign else CampaignConfig(name="study")
    begun = Study.begin(out, spec, config)
    with workers_here(jobs, dask, or_here=or_here), study_bar() as progress:
        begun.run(progress)
    campaigns = begun.campaigns()
    pictures = write_pictures(begun.folder, campaigns, spec)
    if as_json:
        say_json(study_json(campaigns, spec.to_dict(), begun.n_done))
        return
    console().print(study_report(campaigns, spec))
    for path in (begun.folder / "campaigns.csv", begun.folder / "scores.csv", *pictures):
        say(f"Written: {path}")
