"""The tables of the enter page: rows a round still waits for, as they were typed or filled in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from experiments.complaint import Overtaken
from experiments.config import CampaignConfig
from experiments.display import number_text
from experiments.entry import READINGS, REPLACES, SPECIMENS
from experiments.ledger import Ledger
from experiments.made_file import REASONS, STATUSES
from experiments.recording import not_measured
from experiments.round_folder import made_rows, result_rows
from experiments.stored_round import stored_round
from features.properties import CATALOGUE
from features.units import UNIT_EXAMPLES


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table to fill in.

    Attributes:
        name: As in the files.
        label: What people call it.
        unit: In which unit; empty for none.
        choices: Values to choose from; any text when empty.
    """

    name: str
    label: str
    unit: str = ""
    choices: tuple[str, ...] = ()


JAR_COLUMNS: Final = (
    Column("status", "What became of it", choices=STATUSES),
    Column("reason", "Why it failed", choices=REASONS),
    Column("na2s_mg", "Na₂S weighed", "mg"),
    Column("p2s5_mg", "P₂S₅ weighed", "mg"),
    Column("p2o5_mg", "P₂O₅ weighed", "mg"),
    Column("milling_time_h", "Milled", "h"),
    Column("milling_speed_rpm", "Speed", "rpm"),
    Column("recovered_mass_mg", "Recovered", "mg"),
    Column("operator", "Who made it"),
    Column("note", "Note"),
)
PELLET_COLUMNS: Final = (
    Column("status", "What became of it", choices=STATUSES),
    Column("reason", "Why it failed", choices=REASONS),
    Column("pressing_pressure_mpa", "Pressed at", "MPa"),
    Column("mass_mg", "Mass", "mg"),
    Column("thickness_um", "Thickness", "µm"),
    Column("operator", "Who made it"),
    Column("note", "Note"),
)
CELL_COLUMNS: Final = (
    Column("status", "What became of it", choices=STATUSES),
    Column("reason", "Why it failed", choices=REASONS),
    Column("core_mass_mg", "Core", "mg"),
    Column("skin_mass_mg", "Skin, each side", "mg"),
    Column("pressing_pressure_mpa", "Co-pressed at", "MPa"),
    Column("stack_pressure_mpa", "Stack", "MPa"),
    Column("temperature_c", "Test", "°C"),
    Column("operator", "Who made it"),
    Column("note", "Note"),
)
READING_COLUMNS: Final = (
    Column("value", "Value"),
    Column("unit", "Unit"),
    Column("se", "Standard error"),
    Column("sd", "or SD"),
    Column("n", "of n"),
    Column("temperature_c", "At", "°C"),
    Column("note", "Note"),
)
PROGRAMME_COLUMNS: Final = ("step_ma_cm2", "start_ma_cm2", "half_cycle_h", "end_ma_cm2",
                            "stack_pressure_mpa")  # fmt: skip
COLUMNS: Final[Mapping[str, tuple[Column, ...]]] = {
    "jar": JAR_COLUMNS, "pellet": PELLET_COLUMNS, "cell": CELL_COLUMNS,
}  # fmt: skip

_MOST_DIGITS: Final = 15
"""Of a version: our pages send no more."""

LABELS: Final = {
    column.name: column.label for part in (*COLUMNS.values(), READING_COLUMNS) for column in part
}
"""What people call a column."""


@dataclass(slots=True)
class FormRow:
    """A row of a table to fill in.

    Attributes:
        cells: Text by column: typed, or as planned.
        hints: What was planned, by column, shown where nothing is typed.
        complaints: What is wrong, by column; under an empty name what concerns the whole row.
        replaces: Version known when the page was made.
        blank: Text by column before anybody typed.
    """

    cells: dict[str, str]
    hints: dict[str, str] = field(default_factory=dict)
    blank: dict[str, str] = field(default_factory=dict)
    complaints: dict[str, list[str]] = field(default_factory=dict)
    replaces: int | None = None

    @property
    def key(self) -> str:
        """What tells the row from all others, whatever its place on the page."""
        return f"{self.cells.get('specimen', '')}|{self.cells.get('property', '')}"

    @property
    def is_filled(self) -> bool:
        """Whether it counts: it has a status or a value."""
        return bool(self.cells.get("status") or self.cells.get("value"))

    @property
    def units(self) -> list[str]:
        """Units its property may be typed in."""
        entry = CATALOGUE.get(self.cells.get("property", ""))
        if entry is None:
            return []
        words = UNIT_EXAMPLES.get(entry.unit, entry.unit)
        return [unit.strip() for unit in words.replace(" or ", ", ").split(",")]


@dataclass(slots=True)
class EntryForm:
    """Both tables of a round.

    Attributes:
        specimens: Jars, pellets and cells nobody told of yet.
        readings: Values asked for that are not there yet.
        others: Complaints that belong to no row.
    """

    specimens: list[FormRow]
    readings: list[FormRow]
    others: list[str] = field(default_factory=list)

    def of(self, kind: str) -> list[tuple[int, FormRow]]:
        """Rows of a kind of specimen with their place in the form."""
        return [(i, row) for i, row in enumerate(self.specimens) if row.cells["kind"] == kind]

    @property
    def n_complaints(self) -> int:
        """How many things are wrong."""
        rows = (*self.specimens, *self.readings)
        return len(self.others) + sum(len(some) for row in rows for some in row.complaints.values())


def blank_form(ledger: Ledger, config: CampaignConfig, round_id: str) -> EntryForm:
    """What a round still waits for, nothing typed yet.

    Args:
        ledger: The campaign's ledger.
        config: Temperature and CCD programme.
        round_id: The round.
    """
    round_ = stored_round(ledger, round_id)
    frames = {"jar": ledger.jars(), "pellet": ledger.pellets(), "cell": ledger.cells()}
    specimens, lost = [], set()
    for planned in made_rows(round_):
        name, kind = str(planned["specimen"]), str(planned["kind"])
        held = frames[kind].loc[name]
        if held["status"] in ("failed", "not_made"):
            lost.add(name)
        if held["status"] != "planned" or _is_lost(planned, lost):
            continue
        hints = {k: _shown(v) for k, v in planned.items() if v is not None}
        cells = {"specimen": name, "kind": kind}
        version = int(frames[kind]["version_id"].loc[name])
        specimens.append(FormRow(cells, hints, dict(cells), replaces=version))
    values = ledger.readings()  # once: others record meanwhile
    told = {*zip(values["specimen"], values["property"], strict=True)}
    told |= not_measured(ledger, round_id)
    programme = config.cells.ccd_protocol.model_dump()
    readings = []
    for wanted in result_rows(round_, temperature_c=config.temperature_c, ccd_protocol=programme):
        if (wanted["specimen"], wanted["property"]) in told or wanted["specimen"] in lost:
            continue
        cells = {k: _shown(v) for k, v in wanted.items() if v is not None}
        readings.append(FormRow(cells, blank=dict(cells), replaces=0))
    return EntryForm(specimens, readings)


def typed_form(blank: EntryForm, typed: Mapping[str, str]) -> EntryForm:
    """The form with what somebody typed into it.

    Rows are named ``specimens-0-status`` and so on; a row that the ledger knows meanwhile, or
    that came from a file, is kept as it was sent.

    Args:
        blank: What the round waits for.
        typed: Fields of the form.
    """
    return EntryForm(
        _typed(blank.specimens, _sent(typed, SPECIMENS), ("kind",)),
        _typed(blank.readings, _sent(typed, READINGS), ("property",)),
    )


def filled_form(
    form: EntryForm, specimens: Sequence[Mapping[str, str]], readings: Sequence[Mapping[str, str]]
) -> EntryForm:
    """The form with the rows of files; what somebody typed stays.

    Args:
        form: As it was typed so far.
        specimens: Rows of ``made.csv``.
        readings: Rows of ``results.csv``.

    Returns:
        The form. Where a file says something else than what was typed, a complaint says so.
    """
    return EntryForm(
        _filled(form.specimens, specimens), _filled(form.readings, readings), list(form.others)
    )


def carried_on(left: EntryForm, form: EntryForm) -> EntryForm:
    """What a round still waits for, with what was typed into rows that did not count yet.

    Args:
        left: What it waits for after a record.
        form: What was sent.
    """

    def rows(now: list[FormRow], then: list[FormRow]) -> list[FormRow]:
        typed = {row.key: row.cells for row in then if not row.is_filled}
        for row in now:
            row.cells = {**row.cells, **typed.get(row.key, {})}
        return now

    return EntryForm(rows(left.specimens, form.specimens), rows(left.readings, form.readings))


def rows_to_record(form: EntryForm) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows in which something was filled in, as ``record_rows`` takes them."""
    made = [_row(row) for row in form.specimens if row.is_filled]
    read = [_row(row) for row in form.readings if row.is_filled]
    return made, read


def place_complaints(form: EntryForm, problems: Sequence[str]) -> None:
    """Put what is wrong beside the fields it is about.

    Who is told that somebody was quicker knows their version then: sending again replaces it.

    Args:
        form: As it was sent; changed.
        problems: Complaints, which know table, row and column.
    """
    made = [row for row in form.specimens if row.is_filled]
    read = [row for row in form.readings if row.is_filled]
    for one in problems:
        table = {SPECIMENS: made, READINGS: read}.get(getattr(one, "file", ""))
        number = getattr(one, "row", None)
        if table is None or number is None or not 1 <= number <= len(table):
            form.others.append(str(one))
            continue
        row, column = table[number - 1], getattr(one, "column", None) or ""
        row.complaints.setdefault(column, []).append(getattr(one, "said", str(one)))
        if isinstance(one, Overtaken):
            row.replaces = one.version


def _shown(value: object) -> str:
    """A value as people type it: 450 and not 450.0."""
    return number_text(value) if isinstance(value, float) else str(value)


def _is_lost(planned: Mapping[str, object], lost: set[str]) -> bool:
    return any(planned.get(parent) in lost for parent in ("jar", "core", "skin"))


def _sent(typed: Mapping[str, str], table: str) -> list[dict[str, str]]:
    rows: dict[int, dict[str, str]] = {}
    for name, value in typed.items():
        head, _, rest = name.partition("-")
        number, _, column = rest.partition("-")
        if head == table and number.isascii() and number.isdigit() and len(number) < 6 and column:
            rows.setdefault(int(number), {})[column] = value.strip()
    return [rows[number] for number in sorted(rows)]


def _filled(rows: Sequence[FormRow], files: Sequence[Mapping[str, str]]) -> list[FormRow]:
    """Rows with what files say: blank cells are filled, others stay and are asked about."""
    found = {row.key: row for row in rows}
    for cells in files:
        new = FormRow(dict(cells))
        row = found.setdefault(new.key, new)
        for name, text in cells.items():
            typed = row.cells.get(name, "")
            if typed in ("", text) or typed == row.blank.get(name, ""):
                row.cells[name] = text
            else:
                said = (
                    f"the file says {text!r}; what was typed stays, change it if the file is right"
                )
                row.complaints.setdefault(name, []).append(said)
    return list(found.values())


def _typed(
    blank: Sequence[FormRow], sent: Sequence[dict[str, str]], identity: tuple[str, ...]
) -> list[FormRow]:
    known = {_name(row): row for row in blank}
    found = []
    for cells in sent:
        version = cells.pop(REPLACES, "")
        row = FormRow(cells)
        held = known.get(_name(row))
        if held is not None:
            row.hints, row.blank = dict(held.hints), dict(held.blank)
            row.cells = {**{k: held.cells[k] for k in identity if k in held.cells}, **cells}
        is_version = version.isascii() and version.isdigit() and len(version) <= _MOST_DIGITS
        row.replaces = int(version) if is_version else None
        found.append(row)
    return found


def _name(row: FormRow) -> tuple[str, str]:
    return row.cells.get("specimen", ""), row.cells.get("property", "")


def _row(row: FormRow) -> dict[str, Any]:
    cells: dict[str, Any] = dict(row.cells)
    return cells if row.replaces is None else cells | {REPLACES: row.replaces}
