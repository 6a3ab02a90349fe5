"""All files of a round's folder, from the round as plain data."""

import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from experiments.batch_sheet import render, render_withheld
from experiments.config import CampaignConfig
from experiments.csv_files import csv_text
from experiments.frozen import as_file
from experiments.round_folder import (
    MADE_COLUMNS,
    RESULT_COLUMNS,
    batch_csv,
    made_rows,
    result_rows,
    write_folder,
)
from experiments.safe_sheet import STORED, unsafe, with_warning

ROUND_FILES: Final = (
    "batch.csv", "made.csv", "results.csv", "batch_sheet.html", "predictions.json",
    "predictions.png",
)  # fmt: skip
"""What a round's folder holds."""


SHEET: Final = "batch_sheet.html"
"""Of them, the sheet that goes into the glovebox."""

PICTURE: Final = "predictions.png"
"""Of them, the picture of the predictions."""


def round_files(
    round_: Mapping[str, Any], config: CampaignConfig, *, picture: bool = True
) -> dict[str, str | bytes]:
    """Content of every file of a round's folder, by name.

    Args:
        round_: The round as plain data.
        config: Assays, ball sets, CCD programme.
        picture: Draw the predictions too; it takes half a second.

    Returns:
        Texts, and the picture of the predictions as PNG bytes.
    """
    return {**round_texts(round_, config), **({PICTURE: _picture(round_)} if picture else {})}


def label_simulated(
    folder: Path, round_: Mapping[str, Any], config: CampaignConfig, *, picture: bool = True
) -> None:
    """Print the files that nobody fills in again, for a round proposed as real and simulated now.

    Args:
        folder: The round's folder.
        round_: The round as plain data; its ``simulated`` is printed on sheet and picture.
        config: Assays, ball sets, CCD programme.
        picture: Draw the predictions too.
    """
    printed = folder / "predictions.json"
    if printed.exists() and json.loads(printed.read_text())["simulated"]:
        return
    filled = ("made.csv", "results.csv")
    files = round_files(round_, config, picture=picture)
    for name in files:
        if name not in filled:
            (folder / name).unlink(missing_ok=True)
    write_folder(folder, files)


def sheet_text(round_: Mapping[str, Any], config: CampaignConfig) -> str:
    """The batch sheet; of a round that breaks a rule of every sheet, a page that says so.

    Masses were computed with the assays that the round remembers, and those are printed.

    Args:
        round_: The round as plain data.
        config: Ball sets, CCD programme, die, and the limits of now.

    Returns:
        A complete HTML page.
    """
    if faults := unsafe(round_, config, STORED):
        return render_withheld(round_, faults)
    return render(
        round_,
        assays=round_.get("assays") or config.assays.model_dump(),
        jar_set=config.equipment.ball_sets,
        ccd_protocol=config.cells.ccd_protocol.model_dump(),
        die_diameter_mm=config.equipment.die_diameter_mm,
    )


def withhold_unsafe(folder: Path, round_: Mapping[str, Any], config: CampaignConfig) -> None:
    """Replace a sheet that lies in a round's folder, if the round breaks a rule of every sheet.

    Args:
        folder: The round's folder; a sheet that is not there is left alone.
        round_: The round as plain data.
        config: Limits of the laboratory as they are now.
    """
    sheet = folder / SHEET
    if not sheet.exists() or not (faults := unsafe(round_, config, STORED)):
        return
    text = render_withheld(round_, faults)
    if sheet.read_text(encoding="utf-8") != text:
        sheet.unlink()
        write_folder(folder, {SHEET: text})


def round_texts(round_: Mapping[str, Any], config: CampaignConfig) -> dict[str, str]:
    """Content of the files that are text, by name; one breaking a rule is warned of in them."""
    protocol = config.cells.ccd_protocol.model_dump()
    return {
        "batch.csv": batch_csv(round_),
        "made.csv": csv_text(MADE_COLUMNS, made_rows(round_)),
        "results.csv": csv_text(
            RESULT_COLUMNS,
            result_rows(round_, temperature_c=config.temperature_c, ccd_protocol=protocol),
        ),
        SHEET: sheet_text(round_, config),
        "predictions.json": json.dumps(as_file(with_warning(round_, config)), indent=1) + "\n",
    }


def _picture(round_: Mapping[str, Any]) -> bytes:
    from experiments.plots import round_figure, save_png  # Matplotlib is only needed here

    with TemporaryDirectory() as folder:
        target = Path(folder) / "predictions.png"
        save_png(round_figure(round_), target)
        return target.read_bytes()
