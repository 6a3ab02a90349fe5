"""``results.csv`` read back: every value parsed, converted and questioned before it is believed."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from experiments.csv_files import Row, read_rows
from experiments.ledger_rows import ReadingRow, SpecimenRow
from experiments.made_file import Bench
from features.errors import GlassError, ReadingError, TableError
from features.plausibility import check_conductivity_pair, check_field, check_property
from features.properties import CATALOGUE, Property
from features.reading import Interval, parse_value, standard_error
from features.recipe import MAX_TEMPERATURE_WITH_SODIUM_C

NOT_MEASURED: Final = "not_measured"

NEEDS_TEMPERATURE: Final = frozenset(
    {
        "ionic_conductivity",
        "electronic_conductivity",
        "charge_transfer_resistance",
        "critical_current_density",
        "area_specific_resistance",
    }
)
"""Properties that mean nothing without a temperature."""

WITH_SODIUM: Final = frozenset(
    {"charge_transfer_resistance", "critical_current_density", "area_specific_resistance"}
)
"""Properties measured against sodium metal, never above 90 °C."""

PROTOCOL_COLUMNS: Final = (
    "start_ma_cm2",
    "step_ma_cm2",
    "half_cycle_h",
    "end_ma_cm2",
    "stack_pressure_mpa",
)


@dataclass(slots=True)
class Results:
    """What the check of a results file found.

    Attributes:
        readings: Readings fit to be written, in file order.
        not_measured: Specimen and property of rows that say so.
        problems: What forbids writing, one sentence each.
        warnings: What is unusual but allowed, one sentence each.
    """

    readings: list[ReadingRow] = field(default_factory=list)
    not_measured: list[tuple[str, str]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


class _Specimens:
    """Specimens of the ledger and of the file that comes with the results."""

    def __init__(self, bench: Bench, made: Sequence[SpecimenRow]) -> None:
        self._bench = bench
        self._made = {row.id: row for row in made}

    def kind(self, specimen: str) -> str | None:
        """``jar``, ``pellet`` or ``cell``; ``None`` when unknown."""
        row = self._made.get(specimen)
        return row.kind if row is not None else self._bench.kind_of(specimen)

    def status(self, specimen: str) -> str:
        """How far a known specimen got."""
        row = self._made.get(specimen)
        return row.status if row is not None else self._bench.status_of(specimen)

    def nearest(self, specimen: str) -> str:
        """A hint at the specimen that was perhaps meant."""
        return self._bench.nearest(specimen)


def read_results(path: Path, bench: Bench, made: Sequence[SpecimenRow] = ()) -> Results:
    """Read and check ``results.csv``; writes nothing.

    Rows with a blank value are not measured yet and are left out.

    Args:
        path: The file.
        bench: What is known so far.
        made: Specimens of the accompanying ``made.csv``, not in the ledger yet.

    Returns:
        Readings to write, problems and warnings. When there are problems the readings are not
        to be written.
    """
    try:
        rows = read_rows(path, ("specimen", "property", "value"))
    except TableError as error:
        return Results(problems=[str(error)])
    return read_result_rows(rows, bench, made)


def read_result_rows(
    rows: Sequence[Row], bench: Bench, made: Sequence[SpecimenRow] = ()
) -> Results:
    """Check rows of ``results.csv``; see ``read_results``."""
    found = Results()
    known = _Specimens(bench, made)
    for row in rows:
        if not row["value"]:
            continue
        try:
            _take(row, known, found)
        except TableError as error:
            found.problems.append(str(error))
        except GlassError as error:
            found.problems.append(f"{row.place('value')} ({row['specimen']}): {error}")
    _question_duplicates(rows, found)
    _question_pairs(found)
    return found


def _take(row: Row, known: _Specimens, found: Results) -> None:
    entry = _property(row)
    _check_specimen(row, entry, known)
    if _is_not_measured(row):
        found.not_measured.append((row["specimen"], entry.id))
        return
    interval = parse_value(row["value"], entry.id, row["unit"] or None)
    verdict = check_property(entry.id, interval)
    if verdict.level == "reject":
        raise TableError(f"{row.place('value')} ({row['specimen']}): {verdict.message}")
    if verdict.level == "warn":
        found.warnings.append(f"{row.place('value')} ({row['specimen']}): {verdict.message}")
    protocol = _protocol(row) if entry.id == "critical_current_density" else None
    if protocol is not None:
        interval = _last_passed_step(row, interval, protocol, found)
    found.readings.append(
        ReadingRow(
            specimen=row["specimen"],
            property=entry.id,
            lower=interval.lower,
            upper=interval.upper,
            se=_error(row),
            n=_count(row),
            temperature_c=_temperature(row, entry),
            method=row["method"],
            protocol=None if protocol is None else json.dumps(protocol),
            source=row.file,
            note=row["note"],
            text=f"{row['value']} {row['unit']}".strip(),
        )
    )


def _property(row: Row) -> Property:
    name = row["property"]
    if name in CATALOGUE:
        return CATALOGUE[name]
    near = get_close_matches(name, CATALOGUE, n=1, cutoff=0.4)
    hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(CATALOGUE)}"
    raise TableError(f"{row.place('property')}: the catalogue lacks {name!r}; {hint}")


def _check_specimen(row: Row, entry: Property, known: _Specimens) -> None:
    specimen = row["specimen"]
    kind, status = known.kind(specimen), known.status(specimen)
    if kind is None:
        raise TableError(
            f"{row.place('specimen')}: there is no specimen {specimen!r}{known.nearest(specimen)}"
        )
    if kind != entry.carrier:
        raise TableError(
            f"{row.place('specimen')}: {entry.label} is measured on a {entry.carrier}, but "
            f"{specimen} is a {kind}"
        )
    if _is_not_measured(row):
        return
    if status == "planned":
        raise TableError(
            f"{row.place('specimen')}: {specimen} has a result, but nothing says that it was "
            "made; fill its status in made.csv"
        )
    if status == "not_made":
        raise TableError(
            f"{row.place('specimen')}: {specimen} has a result, but was recorded as not_made; "
            "correct the one or the other"
        )


def _is_not_measured(row: Row) -> bool:
    return row["value"].lower().replace(" ", "_") == NOT_MEASURED


def _error(row: Row) -> float | None:
    """Standard error in the catalogue's unit of the value stated in the row's unit."""
    sd, se, n = row.number_of("sd"), row.number_of("se"), row.number_of("n")
    try:
        error = standard_error(sd=sd, n=None if n is None else int(n), se=se)
    except ReadingError as problem:
        column = "sd" if sd is not None else "se"
        raise TableError(f"{row.place(column)}: {problem}") from problem
    return None if error is None else _in_catalogue_unit(error, row)


def _in_catalogue_unit(error: float, row: Row) -> float:
    """An error is converted like a value, by the unit of the row."""
    if not row["unit"]:
        return error
    converted = parse_value(repr(error), row["property"], row["unit"])
    return error if converted.lower is None else converted.lower


def _count(row: Row) -> int:
    n = row.number_of("n")
    if n is None:
        return 1
    if n < 1 or n != int(n):
        raise TableError(f"{row.place('n')}: counts measurements, got {n:g}; give 1, 2, 3, ...")
    return int(n)


def _temperature(row: Row, entry: Property) -> float | None:
    value = row.number_of("temperature_c")
    if value is None:
        if entry.id in NEEDS_TEMPERATURE:
            raise TableError(
                f"{row.place('temperature_c')}: {entry.label} needs the temperature it was "
                "measured at, in °C"
            )
        return None
    verdict = check_field("temperature_c", value)
    if verdict.level == "reject":
        raise TableError(f"{row.place('temperature_c')}: {verdict.message}")
    if entry.id in WITH_SODIUM and value > MAX_TEMPERATURE_WITH_SODIUM_C:
        raise TableError(
            f"{row.place('temperature_c')}: {value:g} °C with sodium; sodium melts at 97.8 °C and "
            "no cell is tested above 90 °C; check the temperature"
        )
    return value


def _protocol(row: Row) -> dict[str, float | None]:
    return {name: row.number_of(name) for name in PROTOCOL_COLUMNS}


def _last_passed_step(
    row: Row, interval: Interval, protocol: Mapping[str, float | None], found: Results
) -> Interval:
    """A CCD given as one number is the last step passed; the truth lies within the next step."""
    step = protocol["step_ma_cm2"]
    if not interval.is_exact or interval.lower is None or not step:
        return interval
    found.warnings.append(
        f"{row.place('value')} ({row['specimen']}): one number is taken as the last step passed, "
        f"{interval.lower:g}..{round(interval.lower + step, 6):g} mA/cm2; write the interval to "
        "say otherwise"
    )
    return replace(interval, upper=round(interval.lower + step, 9))


def _question_duplicates(rows: Sequence[Row], found: Results) -> None:
    """The same line twice is a slip of copying, not a second measurement."""
    lines = Counter(tuple(sorted(row.cells.items())) for row in rows if row["value"])
    for row in rows:
        key = tuple(sorted(row.cells.items()))
        if row["value"] and lines.pop(key, 1) > 1:
            found.problems.append(
                f"{row.place()}: the same line stands in the file more than once; remove the copy, "
                "or say in the note what makes it a second measurement"
            )


def _question_pairs(found: Results) -> None:
    """Electronic conductivity must be far below the ionic one of the same pellet."""
    ionic = {r.specimen: r for r in found.readings if r.property == "ionic_conductivity"}
    for reading in found.readings:
        partner = ionic.get(reading.specimen)
        if reading.property == "electronic_conductivity" and partner is not None:
            verdict = check_conductivity_pair(
                Interval(partner.lower, partner.upper), Interval(reading.lower, reading.upper)
            )
            if verdict.level != "ok":
                found.warnings.append(f"{reading.source} ({reading.specimen}): {verdict.message}")
