"""A file of values of the literature, read and questioned before any of it is believed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Final

from experiments.csv_files import Complaint, Row, read_table
from experiments.ledger_rows import LiteratureRow
from experiments.made_specimens import media_of
from experiments.naming import no_name
from experiments.reading_values import interval_of, standard_error_of
from experiments.results_file import WITHDRAWN, property_in, temperature_in
from experiments.row_values import RowValues, in_row_order
from features.properties import CATALOGUE, Property

RECIPE_COLUMNS: Final = (
    "x",
    "milling_time_h",
    "milling_media",
    "milling_speed_rpm",
    "pressing_pressure_mpa",
)
LITERATURE_COLUMNS: Final = (
    "source",
    "doi",
    "specimen",
    *RECIPE_COLUMNS,
    "property",
    "value",
    "unit",
    "se",
    "temperature_c",
    "note",
)

EXAMPLE_NAME: Final = "literature_example.csv"
"""A file of one bound, shipped and put into every new campaign; recorded by nobody but the user."""

_NEEDED: Final = ("source", "specimen", *RECIPE_COLUMNS, "property", "value")
_DOI: Final = re.compile(r"(?:https?://(?:dx\.)?doi\.org/|doi:\s*)?(10\.[0-9]{4,9}/\S+)", re.I)
_LABELS: Final = ", ".join(e.id for e in CATALOGUE.values() if e.carrier == "pellet")

Key = tuple[str, str, str, float | None]
"""Source, specimen, property and temperature: what a value is of."""


@dataclass(frozen=True, slots=True)
class TakenBack:
    """A row that takes a recorded value back.

    Attributes:
        key: What it was of.
        note: The value with this note, should there be several.
        place: The row itself.
    """

    key: Key
    note: str
    place: Row


@dataclass(slots=True)
class LiteratureFindings:
    """What the check of a file found.

    Attributes:
        rows: Values fit to be written, in file order.
        places: The row of each, in the same order.
        taken_back: Rows that take a value back.
        problems: What forbids writing, one sentence each.
        warnings: What is unusual but allowed, one sentence each.
    """

    rows: list[LiteratureRow] = field(default_factory=list)
    places: list[Row] = field(default_factory=list)
    taken_back: list[TakenBack] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def key_of(row: LiteratureRow) -> Key:
    """What a value is of."""
    return row.source, row.specimen, row.property, row.temperature_c


def recipe_of(row: LiteratureRow) -> tuple[float | str, ...]:
    """How the glass was made, in the order of ``RECIPE_COLUMNS``."""
    return tuple(getattr(row, name) for name in RECIPE_COLUMNS)


def difference(
    one: LiteratureRow, other: LiteratureRow
) -> tuple[str, float | str, float | str] | None:
    """First recipe column in which two rows differ, and what each says; ``None`` if none."""
    both = zip(RECIPE_COLUMNS, recipe_of(one), recipe_of(other), strict=True)
    return next((found for found in both if found[1] != found[2]), None)


def spelling(source: str) -> str:
    """A source as people mix it up: without case and needless blanks."""
    return " ".join(source.casefold().split())


def read_literature(path: Path) -> LiteratureFindings:
    """Read and check a file of literature values; writes nothing.

    Args:
        path: A CSV file or a workbook with the columns ``LITERATURE_COLUMNS``; doi, unit, se,
            temperature_c and note may be lacking.

    Returns:
        Values to write, problems and warnings. When there are problems nothing is to be written.
    """
    table = read_table(path, _NEEDED)
    found = LiteratureFindings()
    checked = [RowValues(row) for row in table.rows]
    for values in checked:
        _take(values, found)
    found.problems, found.warnings = in_row_order(checked)
    found.problems += _contradictions(found)
    found.problems[:0] = table.problems
    found.warnings[:0] = table.unread(LITERATURE_COLUMNS)
    if not table.rows and not table.problems:
        found.problems.append(f"{path.name}: has a header, but no rows; add a row for each value")
    return found


def write_example(folder: Path) -> None:
    """Put the shipped example of such a file into a folder.

    Args:
        folder: Must exist.
    """
    text = files("experiments").joinpath("data", EXAMPLE_NAME).read_text(encoding="utf-8")
    (folder / EXAMPLE_NAME).write_text(text, encoding="utf-8")


def _take(values: RowValues, found: LiteratureFindings) -> None:
    row = values.row
    source, specimen = _named(values, "source"), _named(values, "specimen")
    entry = _glass_property(values)
    is_taken_back = row["value"].lower() == WITHDRAWN
    temperature = (
        None if entry is None else temperature_in(values, entry, is_needed=not is_taken_back)
    )
    if is_taken_back:
        if values.is_sound and entry is not None:
            key = (source, specimen, entry.id, temperature)
            found.taken_back.append(TakenBack(key, row["note"], row))
        return
    doi = _doi(values)
    recipe = _recipe(values)
    if not row["value"]:
        values.refuse("value", "is blank; write the value of the source, or remove the row")
        return
    if entry is None:
        return
    interval = interval_of(values, entry)
    se = standard_error_of(values, entry, interval, None)
    if not values.is_sound or interval is None:
        return
    found.places.append(row)
    found.rows.append(
        LiteratureRow(
            source=source,
            specimen=specimen,
            **recipe,  # type: ignore[arg-type]  # keys and types are those of RECIPE_COLUMNS
            property=entry.id,
            lower=interval.lower,
            upper=interval.upper,
            se=se,
            temperature_c=temperature,
            doi=doi,
            note=row["note"],
            text=f"{row['value']} {row['unit']}".strip(),
        )
    )


def _named(values: RowValues, column: str) -> str:
    text = values.row[column]
    if not text:
        what = "who made it, such as Tsuji 2021" if column == "source" else "what the source says"
        values.refuse(column, f"is blank; write {what}")
    elif why := no_name(text):
        values.refuse(column, why)
    return text


def _glass_property(values: RowValues) -> Property | None:
    entry = property_in(values)
    if entry is not None and entry.carrier != "pellet":
        values.refuse(
            "property",
            f"{entry.label} is measured on cells, and the literature is of glasses; use one of "
            f"{_LABELS}",
        )
        return None
    return entry


def _doi(values: RowValues) -> str:
    text = values.row["doi"]
    if not text:
        values.warn("doi", "is blank; nobody can look the value up")
        return ""
    match = _DOI.fullmatch(text)
    if match is None:
        values.refuse("doi", f"must be a DOI such as 10.1039/d0ma00777c, got {text!r}; correct it")
        return ""
    return match[1]


def _recipe(values: RowValues) -> Mapping[str, float | str]:
    """How the glass was made; what is blank is refused, for it cannot be guessed here."""
    recipe: dict[str, float | str] = {}
    for name in RECIPE_COLUMNS:
        if not values.row[name]:
            values.refuse(
                name,
                "is blank; a glass whose recipe is not known lies outside the space of recipes "
                "and cannot be used: look it up in the source, or write what you assume and say "
                "so in the note",
            )
        else:
            recipe[name] = media_of(values) if name == "milling_media" else values.number(name)
    return recipe


def _contradictions(found: LiteratureFindings) -> list[Complaint]:
    """What rows say against one another: copies, two recipes of one glass, two spellings."""
    problems = []
    copies: dict[tuple[Key, str], Row] = {}
    glasses: dict[tuple[str, str], tuple[LiteratureRow, Row]] = {}
    spellings: dict[str, tuple[LiteratureRow, Row]] = {}
    for row, place in zip(found.rows, found.places, strict=True):
        twin = copies.setdefault((key_of(row), row.note), place)
        if twin is not place:
            said = (
                f"is of the same as {twin.place()}; remove one, or say in the note what makes it "
                "a second measurement"
            )
            problems.append(place.complaint(None, said))
        first, where = glasses.setdefault((row.source, row.specimen), (row, place))
        if (differing := difference(first, row)) is not None:
            name, old, new = differing
            said = (
                f"got {new}, but {old} in {where.place()}; one specimen has one recipe: correct "
                "it, or give the other glass another name"
            )
            problems.append(place.complaint(name, said, specimen=row.specimen))
        first, where = spellings.setdefault(spelling(row.source), (row, place))
        if first.source != row.source:
            said = (
                f"got {row.source!r}, but {first.source!r} in {where.place()}; one source has one "
                "bias: write it in one way"
            )
            problems.append(place.complaint("source", said))
        elif first.doi != row.doi:
            said = (
                f"got {row.doi or 'none'}, but {first.doi or 'none'} in {where.place()}; a source "
                "is one publication: correct it, or name it otherwise"
            )
            problems.append(place.complaint("doi", said))
    return problems
