"""``results.csv`` read back: every value parsed, converted and questioned before it is believed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from experiments.bench import Bench, and_then
from experiments.csv_files import Row, read_table
from experiments.ledger_rows import ReadingRow
from experiments.made_file import Findings
from experiments.made_specimens import too_hot_for_sodium
from experiments.reading_values import ccd_reading, interval_of, standard_error_of
from experiments.round_folder import RESULT_COLUMNS
from experiments.row_values import RowValues, in_row_order
from features.plausibility import check_conductivity_pair
from features.properties import CATALOGUE, TEMPERATURE_DEPENDENT, Property
from features.reading import Interval
from features.recipe import MAX_TEMPERATURE_WITH_SODIUM_C

NOT_MEASURED: Final = "not_measured"
WITHDRAWN: Final = "withdrawn"
"""What the value column may say instead of a value: it never will be, or never should have been."""

MOST_MEASUREMENTS: Final = 1_000_000
"""Behind one value; a logger that averages takes a thousand, and a database counts to 2^31."""


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A row that takes an earlier reading back.

    Attributes:
        specimen: Whose reading.
        property: Of what.
        temperature_c: Measured at this temperature, °C; any when ``None``.
        note: The reading with this note, should there be several.
        place: The row itself.
    """

    specimen: str
    property: str
    temperature_c: float | None
    note: str
    place: Row


@dataclass(slots=True)
class Results:
    """What the check of a results file found.

    Attributes:
        readings: Readings fit to be written, in file order.
        places: The row of each reading, in the same order.
        not_measured: Specimen and property of rows that say so.
        withdrawn: Rows that take a reading back.
        problems: What forbids writing, one sentence each.
        warnings: What is unusual but allowed, one sentence each.
    """

    readings: list[ReadingRow] = field(default_factory=list)
    places: list[Row] = field(default_factory=list)
    not_measured: list[tuple[str, str]] = field(default_factory=list)
    withdrawn: list[Withdrawal] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def read_results(path: Path, bench: Bench, made: Findings | None = None) -> Results:
    """Read and check ``results.csv``; writes nothing.

    Rows with a blank value are not measured yet and are left out.

    Args:
        path: The file.
        bench: What is known so far.
        made: What the accompanying ``made.csv`` holds, not in the ledger yet.

    Returns:
        Readings to write, problems and warnings. When there are problems the readings are not
        to be written.
    """
    table = read_table(path, ("specimen", "property", "value"))
    found = read_result_rows(table.rows, bench, made)
    found.problems[:0] = table.problems
    found.warnings[:0] = table.unread(RESULT_COLUMNS)
    return found


def read_result_rows(rows: Sequence[Row], bench: Bench, made: Findings | None = None) -> Results:
    """Check rows of ``results.csv``; see ``read_results``."""
    found = Results()
    checked = [RowValues(row) for row in rows if row["value"]]
    seen: dict[frozenset[tuple[str, str]], int] = {}
    for values in checked:
        _take(values, bench, made or Findings(), found)
        line = seen.setdefault(frozenset(values.row.cells.items()), values.row.number)
        if line != values.row.number:
            values.refuse(
                None,
                f"is the same as row {line}; remove the copy, or say in the note what makes it a "
                "second measurement",
            )
    found.problems, found.warnings = in_row_order(checked)
    _question_pairs(found)
    return found


def _take(values: RowValues, bench: Bench, made: Findings, found: Results) -> None:
    row = values.row
    entry = property_in(values)
    is_unmeasured, is_withdrawn = _says(row, NOT_MEASURED), _says(row, WITHDRAWN)
    _check_specimen(values, entry, bench, made, is_reading=not (is_unmeasured or is_withdrawn))
    if entry is None:
        return
    temperature = temperature_in(values, entry, is_needed=not (is_unmeasured or is_withdrawn))
    if is_unmeasured or is_withdrawn:
        if values.is_sound and is_unmeasured:
            found.not_measured.append((row["specimen"], entry.id))
        elif values.is_sound:
            gone = Withdrawal(row["specimen"], entry.id, temperature, row["note"], row)
            found.withdrawn.append(gone)
        return
    interval = interval_of(values, entry)
    n = _count(values)
    se = standard_error_of(values, entry, interval, n)
    protocol = None
    if entry.id == "critical_current_density":
        interval, protocol = ccd_reading(values, interval)
    if not values.is_sound or interval is None:
        return
    found.places.append(row)
    found.readings.append(
        ReadingRow(
            specimen=row["specimen"],
            property=entry.id,
            lower=interval.lower,
            upper=interval.upper,
            se=se,
            n=n or 1,
            temperature_c=temperature,
            method=row["method"],
            protocol=protocol,
            source=row.file,
            note=row["note"],
            text=f"{row['value']} {row['unit']}".strip(),
        )
    )


def _says(row: Row, word: str) -> bool:
    return row["value"].lower().replace(" ", "_") == word


def property_in(values: RowValues) -> Property | None:
    """The property a row names; refused when the catalogue lacks it."""
    name = values.row["property"].lower().replace(" ", "_")
    if name in CATALOGUE:
        return CATALOGUE[name]
    near = get_close_matches(name, CATALOGUE, n=1, cutoff=0.4)
    hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(CATALOGUE)}"
    values.refuse("property", f"the catalogue lacks {values.row['property']!r}; {hint}")
    return None


def _check_specimen(
    values: RowValues, entry: Property | None, bench: Bench, made: Findings, *, is_reading: bool
) -> None:
    specimen = values.row["specimen"]
    if specimen in made.refused:  # its own row says what is wrong
        return
    row = next((row for row in made.rows if row.id == specimen), None)
    kind = row.kind if row is not None else bench.kind_of(specimen)
    status = row.status if row is not None else bench.held(specimen).get("status")
    if not specimen:
        values.refuse("specimen", "is blank; give the specimen that was measured")
    elif kind is None:
        why = bench.unproposed(specimen) or (
            f"there is no specimen {specimen!r}{bench.meant(specimen)}"
        )
        values.refuse("specimen", and_then(why, "a new one needs a row in made.csv"))
    elif bench.is_of_the_paper(specimen):
        values.refuse("specimen", f"{specimen} is the paper's; give yours another id")
    elif entry is not None and kind != entry.carrier:
        values.refuse(
            "specimen",
            f"{entry.label} is measured on a {entry.carrier}, but {specimen} is a {kind}; name "
            f"the {entry.carrier}",
        )
    elif is_reading and status == "planned":
        values.refuse("specimen", "has a result, but is not made yet; fill its status in made.csv")
    elif is_reading and status == "not_made":
        values.refuse("specimen", "has a result, but is not_made; correct the one or the other")
    elif is_reading and status == "failed":
        values.warn("specimen", "has failed; its result is kept, nothing is learned from it")


def temperature_in(values: RowValues, entry: Property, *, is_needed: bool) -> float | None:
    """Temperature of a row, °C; refused where the property needs one."""
    value = values.written("temperature_c")
    with_sodium = entry.carrier == "cell" or entry.id == "charge_transfer_resistance"
    if value is not None and with_sodium and value > MAX_TEMPERATURE_WITH_SODIUM_C:
        values.refuse("temperature_c", too_hot_for_sodium(value))
    if is_needed and not values.row["temperature_c"] and entry.id in TEMPERATURE_DEPENDENT:
        values.refuse(
            "temperature_c",
            f"is blank; {entry.label} needs the temperature it was measured at, in °C",
        )
    return value


def _count(values: RowValues) -> int | None:
    n = values.written("n")
    if n is not None and not (1 <= n <= MOST_MEASUREMENTS and n == int(n)):
        most = f"up to {MOST_MEASUREMENTS:,}"
        values.refuse("n", f"counts measurements, got {n:g}; give 1, 2, 3, ... {most}")
        return None
    return None if n is None else int(n)


def _question_pairs(found: Results) -> None:
    """Electronic conductivity must be far below the ionic one of the same pellet."""
    ionic = {r.specimen: r for r in found.readings if r.property == "ionic_conductivity"}
    for reading, place in zip(found.readings, found.places, strict=True):
        partner = ionic.get(reading.specimen)
        if reading.property == "electronic_conductivity" and partner is not None:
            verdict = check_conductivity_pair(
                Interval(partner.lower, partner.upper), Interval(reading.lower, reading.upper)
            )
            if verdict.level != "ok":
                found.warnings.append(
                    place.complaint(None, verdict.message, specimen=reading.specimen)
                )
