"""The command that looks for what is wrong. Parse, one call, print."""

from pathlib import Path
from typing import Annotated

import typer

from experiments.cli_parts import HERE, Json, say, say_json

app = typer.Typer(add_completion=False)


@app.command()
def doctor(
    campaign: Annotated[
        Path | None,
        typer.Option("--campaign", "-c", help="The campaign's folder [default: this one, if any]"),
    ] = None,
    as_json: Json = False,
) -> None:
    """What is wrong with this computer or a campaign, and how to mend it; exit code 1 for a fault.

    Works when nothing else does, and without a campaign. Changes nothing.

    Example: glassloop doctor --campaign my-campaign
    """
    from experiments.config import CONFIG_NAME
    from experiments.doctor import examine, has_fault

    here = HERE if (HERE / CONFIG_NAME).exists() else None
    findings = examine(campaign or here)
    if as_json:
        say_json({"sound": not has_fault(findings), "findings": [f.to_dict() for f in findings]})
    else:
        for finding in findings:
            say(f"{finding.level:<8} {finding.check}: {finding.found}")
            if finding.mend:
                say(f"{'':<8} -> {finding.mend}")
        bad = {level: sum(f.level == level for f in findings) for level in ("fault", "warning")}
        say(f"{bad['fault']} faults, {bad['warning']} warnings, {len(findings)} things looked at.")
    if has_fault(findings):
        raise typer.Exit(code=1)
