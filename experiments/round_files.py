"""All files of a round's folder, from the round as plain data."""

import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from experiments.batch_sheet import render
from experiments.config import CampaignConfig
from experiments.csv_files import csv_text
from experiments.frozen import as_file
from experiments.plots import round_figure, save_png
from experiments.round_folder import (
    MADE_COLUMNS,
    RESULT_COLUMNS,
    batch_csv,
    made_rows,
    result_rows,
    write_folder,
)

ROUND_FILES: Final = (
    "batch.csv", "made.csv", "results.csv", "batch_sheet.html", "predictions.json",
    "predictions.png",
)  # fmt: skip
"""What a round's folder holds."""


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


def round_texts(round_: Mapping[str, Any], config: CampaignConfig) -> dict[str, str]:
    """Content of the files that are text, by name."""
    protocol = config.cells.ccd_protocol.model_dump()
    return {
        "batch.csv": batch_csv(round_),
        "made.csv": csv_text(MADE_COLUMNS, made_rows(round_)),
        "results.csv": csv_text(
            RESULT_COLUMNS,
            result_rows(round_, temperature_c=config.temperature_c, ccd_protocol=protocol),
        ),
        "batch_sheet.html": render(
            round_,
            assays=config.assays.model_dump(),
            jar_set=config.equipment.ball_sets,
            ccd_protocol=protocol,
            die_diameter_mm=config.equipment.die_diameter_mm,
        ),
        "predictions.json": json.dumps(as_file(round_), indent=1) + "\n",
    }


def _picture(round_: Mapping[str, Any]) -> bytes:
    with TemporaryDirectory() as folder:
        target = Path(folder) / "predictions.png"
        save_png(round_figure(round_), target)
        return target.read_bytes()
