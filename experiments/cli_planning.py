"""Commands that look ahead and back: study, plan, backtest, report. Parse, one call, print."""

import typer

app = typer.Typer(add_completion=False)
