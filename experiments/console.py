"""What the terminal shows of a round and of predictions.

Everything that comes from a file is printed as plain text, never read as markup.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd
from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from experiments.display import (
    NO_VALUE,
    budget_text,
    hours_text,
    is_known,
    number_text,
    predicted_properties,
    range_text,
    too_few,
    unit_text,
    value_text,
    x_text,
)
from experiments.reasons import item_explanation
from experiments.status_console import (
    SIMULATED,
    headed_lines,
    heading,
    hypervolume_lines,
    property_label,
)
from experiments.success_words import percent_text, success_text
from features.milling import medium
from features.properties import CATALOGUE

_WHY_INDENT: Final = 2
_TEXT_COLUMNS: Final = frozenset({"id", "medium", "core", "skin"})

# Heading and width; together they fit 80 columns.
_GLASS_COLUMNS: Final = (
    ("id", 8), ("x", 5), ("medium", 24), ("mill h", 5), ("press MPa", 5),
    ("Na2S mg", 7), ("P2S5 mg", 7), ("P2O5 mg", 7),
)  # fmt: skip
_CELL_COLUMNS: Final = (
    ("id", 8), ("core", 10), ("core mg", 6), ("skin", 10), ("each side mg", 9),
    ("core first MPa", 10), ("all MPa", 5), ("stack MPa", 5), ("test °C", 4),
)  # fmt: skip


def round_table(round: Mapping[str, Any]) -> Group:  # noqa: A002 - the word of the domain
    """The batch a round proposes, with what is expected of it.

    Args:
        round: The round, plain data as ``propose --json`` prints it.

    Returns:
        A renderable; readable from 80 columns on.
    """
    mill, glasses, cells = round["mill_run"], round["glasses"], round["trilayers"]
    budget = round.get("budget")  # rounds of older versions lack it
    with_cost = budget is not None
    parts: list[RenderableType] = []
    if round["simulated"]:
        parts.append(Text(SIMULATED, style="bold reverse"))
    parts += [
        Text(f"{round['round']} of {round['campaign']}", style="bold"),
        Text(
            f"mill {len(glasses)} jars together: {number_text(mill['milling_time_h'])} h at "
            f"{number_text(mill['milling_speed_rpm'])} rpm ({mill['why']})"
        ),
        *([Text(budget_text(budget))] if budget is not None else []),
        heading("Glasses"),
        *_glass_rows(glasses, with_cost=with_cost),
        heading("Expected of the glasses: centre, below it (90 % range of a new reading)"),
        _expected_table(glasses),
    ]
    if cells:
        parts += [
            heading("Tri-layers: skin | core | skin"),
            *_cell_rows(cells, with_cost=with_cost),
            heading("Expected of the tri-layers"),
            _expected_table(cells),
        ]
    parts += [Text(""), *_footnotes(round)]
    return Group(*parts)


def predictions_table(
    tables: Mapping[str, pd.DataFrame], property_id: str, *, labels: Sequence[str] | None = None
) -> Table:
    """One property as several surrogates predict it, side by side for each row.

    Args:
        tables: Predictions by the surrogate's name; all with the same rows and the columns
            ``mean``, ``lower``, ``upper``, ``reading_lower`` and ``reading_upper``.
        property_id: Catalogue id.
        labels: What to call the rows; their index when ``None``.

    Returns:
        A table with a line for each row and surrogate.

    Examples:
        >>> row = {"mean": 2e-4, "lower": 1e-4, "upper": 4e-4,
        ...        "reading_lower": 9e-5, "reading_upper": 4.4e-4}
        >>> predictions_table({"gp": pd.DataFrame([row])}, "ionic_conductivity").row_count
        1
    """
    entry = CATALOGUE[property_id]
    carrier = "glass" if entry.carrier == "pellet" else "cell"
    table = Table(
        title=Text(_with_unit(property_id), style="bold"), title_justify="left", box=box.SIMPLE_HEAD
    )
    table.add_column("recipe")
    table.add_column("surrogate")
    for head in ("value", f"90 % of the {carrier}", "90 % of a new reading"):
        table.add_column(head, justify="right", no_wrap=True)
    index = next(iter(tables.values())).index if tables else pd.Index([])
    names = [str(name) for name in index] if labels is None else labels
    for position, label in enumerate(names):
        for line, (surrogate, predictions) in enumerate(tables.items()):
            row = predictions.iloc[position].to_dict()
            table.add_row(
                Text("" if line else label),
                Text(surrogate),
                value_text(row.get("mean"), property_id),
                range_text(row.get("lower"), row.get("upper"), property_id),
                range_text(row.get("reading_lower"), row.get("reading_upper"), property_id),
                end_section=line == len(tables) - 1 and len(tables) > 1,
            )
    return table


def activation_table(energies: Mapping[str, pd.DataFrame]) -> Table:
    """Activation energies by property, as the readings at several temperatures give them.

    Args:
        energies: By catalogue id, columns mean, lower, upper in kJ/mol; all with the same rows.

    Returns:
        A table with a line for each row, a column for each property.

    Examples:
        >>> row = {"mean": 41.5, "lower": 39.8, "upper": 43.2}
        >>> activation_table({"ionic_conductivity": pd.DataFrame([row])}).row_count
        1
    """
    table = Table(
        title=Text("activation energy, kJ/mol (90 %)", style="bold"),
        title_justify="left",
        box=box.SIMPLE_HEAD,
    )
    table.add_column("recipe")
    for name in energies:
        table.add_column(property_label(name), justify="right", no_wrap=True)
    columns = [
        [f"{row.mean:.1f} ({row.lower:.1f} to {row.upper:.1f})" for row in frame.itertuples()]
        for frame in energies.values()
    ]
    index = next(iter(energies.values())).index if energies else pd.Index([])
    for label, *cells in zip(index, *columns, strict=True):
        table.add_row(Text(str(label)), *cells)
    return table


def success_table(success: pd.DataFrame) -> Table:
    """Probability of success of each recipe.

    Args:
        success: Columns ``probability``, ``lower``, ``upper`` and ``weakest``.

    Returns:
        A table with a line for each row.

    Examples:
        >>> row = {"probability": 0.87, "lower": 0.41, "upper": 0.99, "weakest": "jar"}
        >>> success_table(pd.DataFrame([row], index=["x = 0.15"])).row_count
        1
    """
    title = Text("success of jar and pellet, %", style="bold")
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("recipe")
    for head in ("probability", "90 % of the recipe"):
        table.add_column(head, justify="right", no_wrap=True)
    table.add_column("weakest")
    for name, row in success.iterrows():
        lower, upper = percent_text(row["lower"]), percent_text(row["upper"])
        table.add_row(
            Text(str(name)),
            percent_text(row["probability"]),
            f"{lower}..{upper}",
            Text(str(row["weakest"])),
        )
    return table


def _with_unit(property_id: str) -> str:
    return f"{property_label(property_id)} {unit_text(property_id)}".strip()


def _rows_with_reasons(
    head: Sequence[tuple[str, int]],
    rows: Sequence[tuple[Sequence[str], Mapping[str, Any]]],
    *,
    with_cost: bool,
    brief: bool,
) -> list[RenderableType]:
    """Rows in columns, each with its role and reason below over the full width.

    Args:
        head: Heading and width of each column, in characters.
        rows: Values, and the item they describe.
        with_cost: Whether the hours of each are said.
        brief: Whether what each is in for is said in brief.
    """
    parts: list[RenderableType] = [_line([name for name, _ in head], head, style="dim")]
    for values, item in rows:
        parts.append(_line(values, head))
        role = item["role"].replace("_", " ")
        reason = Text.assemble((f"{role}: ", "bold"), item["why"])
        parts.append(Padding(reason, (0, 0, 0, _WHY_INDENT)))
        if "success" in item:  # rounds of older versions lack it
            success = Text.assemble(("success: ", "bold"), success_text(item["success"]))
            parts.append(Padding(success, (0, 0, 0, _WHY_INDENT)))
        if with_cost:
            cost = Text.assemble(("cost: ", "bold"), hours_text(item["cost_h"]))
            parts.append(Padding(cost, (0, 0, 0, _WHY_INDENT)))
        if words := item_explanation(item, brief=brief):
            reasons = Text.assemble(("why this one: ", "bold"), words)
            parts.append(Padding(reasons, (0, 0, 0, _WHY_INDENT)))
    return parts


def _line(values: Sequence[str], head: Sequence[tuple[str, int]], *, style: str = "") -> Table:
    grid = Table.grid(padding=(0, 1, 0, 0))
    for name, width in head:
        grid.add_column(width=width, justify="left" if name in _TEXT_COLUMNS else "right")
    grid.add_row(*(Text(value) for value in values), style=style)
    return grid


def _glass_rows(glasses: Sequence[Mapping[str, Any]], *, with_cost: bool) -> list[RenderableType]:
    rows = []
    for glass in glasses:
        recipe, masses = glass["recipe"], glass["masses_mg"]
        values = [
            glass["id"],
            x_text(recipe["x"]),
            medium(recipe["milling_media"]).label,
            number_text(recipe["milling_time_h"]),
            number_text(recipe["pressing_pressure_mpa"]),
            *(f"{masses[compound]:.1f}" for compound in ("na2s", "p2s5", "p2o5")),
        ]
        rows.append((values, glass))
    return _rows_with_reasons(_GLASS_COLUMNS, rows, with_cost=with_cost, brief=False)


def _cell_rows(cells: Sequence[Mapping[str, Any]], *, with_cost: bool) -> list[RenderableType]:
    rows = []
    for cell in cells:
        recipe = cell["recipe"]
        numbers = (
            recipe["precompaction_pressure_mpa"],
            recipe["pressing_pressure_mpa"],
            recipe["stack_pressure_mpa"],
            recipe["temperature_c"],
        )
        values = [
            cell["id"],
            recipe["core"],
            f"{recipe['core_mass_mg']:.1f}",
            recipe["skin"],
            f"{recipe['skin_mass_mg']:.1f}",
            *(number_text(number) for number in numbers),
        ]
        rows.append((values, cell))
    return _rows_with_reasons(_CELL_COLUMNS, rows, with_cost=with_cost, brief=True)


def _expected_table(items: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    names = predicted_properties(items)
    table.add_column("id", no_wrap=True, vertical="top")
    for name in names:
        head = "\n".join([*property_label(name).split(), unit_text(name)])
        table.add_column(head, no_wrap=True, overflow="fold")  # never lose a digit
    for item in items:
        predictions = item["predictions"]
        cells = (_expected(predictions.get(name, {}), name) for name in names)
        table.add_row(Text(item["id"]), *cells)
    return table


def _expected(prediction: Mapping[str, Any], property_id: str) -> Text:
    """Centre, and the range below it: five properties fit 80 columns that way."""
    if not is_known(prediction.get("mean")):
        return Text(NO_VALUE)
    ends = (prediction.get("reading_lower"), prediction.get("reading_upper"))
    centre = value_text(prediction["mean"], property_id)
    return Text.assemble((centre, "bold"), f"\n({range_text(*ends, property_id)})")


def _footnotes(round_: Mapping[str, Any]) -> list[Text]:
    counts = round_["counts"]
    lines = [Text(f"Trained on {', '.join(counts) if counts else 'nothing yet'}.")]
    if few := too_few(counts):
        which = "all of them" if len(few) == len(counts) else ", ".join(few)
        lines.append(Text(f"Too few to learn from: {which}; those ranges are mostly the prior."))
    lines += headed_lines("Assumption", round_["assumptions"])
    lines += headed_lines("Warning", round_["warnings"], style="bold")
    lines += hypervolume_lines(round_["hypervolume"])
    return lines
