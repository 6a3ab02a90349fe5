"""Commands that start the page and the service."""

from pathlib import Path
from typing import Annotated

import typer

from experiments.cli_parts import HERE, Folder, say

app = typer.Typer(add_completion=False)

Port = Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")]


@app.command()
def ui(campaign: Folder = HERE, port: Port = 8080) -> None:
    """Open the page in a browser, on this computer only. Ends with Ctrl+C.

    Example: glassloop ui --campaign my-campaign
    """
    _serve(campaign, "127.0.0.1", port, browse=True)


@app.command()
def serve(
    campaign: Folder = HERE,
    host: Annotated[
        str, typer.Option(help="Address; any but this computer's own needs tokens.")
    ] = "127.0.0.1",
    port: Port = 8080,
) -> None:
    """Serve the page and the API, for a tablet at the glovebox or a robot. Ends with Ctrl+C.

    DIR may be a campaign or a folder that holds campaigns.

    Example: glassloop serve --campaign my-campaign --host 0.0.0.0 --port 8080
    """
    _serve(campaign, host, port, browse=False)


def _serve(root: Path, host: str, port: int, *, browse: bool) -> None:
    from experiments.logs import STDERR, begin, going
    from experiments.web.server import listen

    if going() is None:
        begin(STDERR, "warning")
    found = listen(root, host=host, port=port)
    say(f"Page:  {found.address}")
    say(f"API:   {found.address}api/v1, described at {found.address}docs")
    say(
        "Open to whoever uses this computer; 'glassloop token add' closes it."
        if found.is_open
        else "Whoever comes in needs a token."
    )
    say("Stop with Ctrl+C.")
    found.run(browse=browse)
