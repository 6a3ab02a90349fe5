"""The round folder: what the chemist prints, fills in and hands back.

``batch.csv``        what was proposed, with predictions (for reading, never read back)
``batch_sheet.html`` the one-page sheet for the glovebox
``made.csv``         what was made: status, weighed masses, real pressures
``results.csv``      what was measured
``predictions.png``  the predictions as a picture
"""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from experiments.csv_files import csv_text
from experiments.durable import put, sync_folder
from features.errors import CampaignError
from features.properties import CATALOGUE

MADE_COLUMNS: Final = (
    "specimen", "kind", "status", "reason",
    "x", "na2s_mg", "p2s5_mg", "p2o5_mg",
    "milling_media", "milling_time_h", "milling_speed_rpm", "recovered_mass_mg",
    "jar", "pressing_pressure_mpa", "mass_mg", "thickness_um",
    "core", "skin", "core_mass_mg", "skin_mass_mg", "precompaction_pressure_mpa",
    "stack_pressure_mpa", "temperature_c",
    "operator", "note",
)  # fmt: skip
"""Columns of ``made.csv``. A jar, a pellet and a cell each fill those that concern them."""

RESULT_COLUMNS: Final = (
    "specimen", "property", "value", "unit", "sd", "se", "n", "temperature_c", "method",
    "start_ma_cm2", "step_ma_cm2", "half_cycle_h", "end_ma_cm2", "stack_pressure_mpa", "note",
)  # fmt: skip
"""Columns of ``results.csv``, one row a measurement."""

ASKED_OF_PELLETS: Final = (
    "relative_density", "ionic_conductivity", "youngs_modulus", "electronic_conductivity",
    "charge_transfer_resistance",
)  # fmt: skip
ASKED_OF_CELLS: Final = ("area_specific_resistance", "critical_current_density")

METHODS: Final = {
    "relative_density": "geometric",
    "ionic_conductivity": "EIS",
    "youngs_modulus": "nanoindentation",
    "electronic_conductivity": "DC polarisation",
    "charge_transfer_resistance": "EIS, symmetric cell",
    "area_specific_resistance": "EIS",
    "critical_current_density": "stepped galvanostatic",
}

ROOM_TEMPERATURE_C: Final = 25.0


def asked_readings(round_: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Specimen and property of every reading the round asks for."""
    pellets = [(glass["pellet"], name) for glass in round_["glasses"] for name in ASKED_OF_PELLETS]
    cells = [(cell["id"], name) for cell in round_["trilayers"] for name in ASKED_OF_CELLS]
    return pellets + cells


def made_rows(round_: Mapping[str, Any]) -> Iterator[dict[str, object]]:
    """Rows of ``made.csv``, prefilled with what was asked for; status is left blank."""
    for glass in round_["glasses"]:
        recipe = glass["recipe"]
        yield {
            "specimen": glass["id"],
            "kind": "jar",
            **{
                name: recipe[name]
                for name in ("x", "milling_media", "milling_time_h", "milling_speed_rpm")
            },
        }
        yield {
            "specimen": glass["pellet"],
            "kind": "pellet",
            "jar": glass["id"],
            "pressing_pressure_mpa": recipe["pressing_pressure_mpa"],
            "mass_mg": recipe["mass_mg"],
        }
    for cell in round_["trilayers"]:
        recipe = {k: v for k, v in cell["recipe"].items() if k in MADE_COLUMNS}
        yield {"specimen": cell["id"], "kind": "cell", **recipe}


def result_rows(
    round_: Mapping[str, Any], *, temperature_c: float, ccd_protocol: Mapping[str, float]
) -> Iterator[dict[str, object]]:
    """Rows of ``results.csv``, one for each reading asked for; the value is left blank."""
    stack = {cell["id"]: cell["recipe"]["stack_pressure_mpa"] for cell in round_["trilayers"]}
    for specimen, name in asked_readings(round_):
        warm = name not in ("relative_density", "youngs_modulus")
        row: dict[str, object] = {
            "specimen": specimen,
            "property": name,
            "unit": CATALOGUE[name].unit,
            "temperature_c": temperature_c if warm else ROOM_TEMPERATURE_C,
            "method": METHODS[name],
        }
        if name == "critical_current_density":
            row |= {**ccd_protocol, "stack_pressure_mpa": stack[specimen]}
        yield row


def batch_csv(round_: Mapping[str, Any]) -> str:
    """The batch with its predictions, one row a specimen and property, as CSV text."""
    columns = (
        "specimen", "simulated", "role", "why", "property", "predicted", "lower_90", "upper_90",
        "new_reading_lower_90", "new_reading_upper_90", "unit", "sd", "sd_unit",
    )  # fmt: skip
    rows = []
    for item in [*round_["glasses"], *round_["trilayers"]]:
        for name, value in item["predictions"].items():
            rows.append(
                {
                    "specimen": item.get("pellet", item["id"]),
                    "simulated": "yes" if round_["simulated"] else "no",
                    "role": item["role"],
                    "why": item["why"],
                    "property": name,
                    "predicted": value["mean"],
                    "lower_90": value["lower"],
                    "upper_90": value["upper"],
                    "new_reading_lower_90": value["reading_lower"],
                    "new_reading_upper_90": value["reading_upper"],
                    "unit": value["unit"],
                    "sd": value["sd"],
                    "sd_unit": value["sd_unit"],
                }
            )
    return csv_text(columns, rows)


FILLED_IN: Final = ("made.csv", "results.csv")
"""Files that people write into."""

_ENDS: Final = {".html": b"</html>", ".png": b"IEND\xaeB`\x82", ".json": b"}\n", ".csv": b"\n"}
"""How a whole file ends."""


def write_folder(folder: Path, files: Mapping[str, str | bytes]) -> None:
    """Write files that are not there yet, or were cut off while somebody wrote them.

    What a chemist filled in is never overwritten. What is written outlives a power cut.

    Args:
        folder: The round's folder; made when missing.
        files: Content by name.

    Raises:
        CampaignError: If the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            content = text.encode() if isinstance(text, str) else text
            if not (folder / name).exists() or _is_cut_off(folder / name, content):
                put(folder / name, content)
            for left_over in folder.glob(f".{name}.*part"):  # by a process that was killed
                left_over.unlink(missing_ok=True)
        sync_folder(folder.parent)
        sync_folder(folder.parent.parent)
    except OSError as error:
        raise CampaignError(
            f"{error.filename or folder}: cannot be written ({error.strerror}); the round itself "
            "is in the ledger: free space or correct the rights, then 'glassloop propose "
            "--unless-open' writes its folder"
        ) from error


def lacking(folder: Path, names: Collection[str]) -> list[str]:
    """Files of a round's folder that are not there, or that can be seen not to be whole."""
    return [name for name in names if not _is_whole(folder / name)]


def set_aside(folder: Path) -> None:
    """Move away what lies where a new round's folder will be: it is of another round.

    After an older ledger was restored a round's number is given again, and nobody may weigh by the
    sheet that was printed for the first one.

    Raises:
        CampaignError: If it cannot be moved.
    """
    if not folder.exists():
        return
    number = 1
    while (away := folder.with_name(f"{folder.name}-before-{number}")).exists():
        number += 1
    try:
        folder.rename(away)
    except OSError as error:
        raise CampaignError(
            f"{folder}: is of another round {folder.name} and cannot be moved away "
            f"({error.strerror}); move it yourself, nothing was written"
        ) from error


def _is_whole(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        first = file.read(64)
        file.seek(max(0, path.stat().st_size - 64))
        last = file.read()
    is_zeros = not first.strip(b"\0") or not last.strip(b"\0")
    if path.suffix == ".html":
        last = last.rstrip()
    return not is_zeros and last.endswith(_ENDS[path.suffix])


def _is_cut_off(path: Path, content: bytes) -> bool:
    """Whether a file holds but the beginning of what belongs there, or nothing of anybody's."""
    held = path.read_bytes()
    if held != content and content.startswith(held.rstrip(b"\0")):
        return True
    return path.name not in FILLED_IN and path.suffix != ".json" and not _is_whole(path)
