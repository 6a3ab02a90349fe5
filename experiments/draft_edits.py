"""Edits of a draft, as plain JSON, applied to its sheet; what is wrong with them, all at once."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from math import isfinite
from numbers import Real
from typing import Any, Final

from experiments.complaint import got, one_line
from experiments.draft_sheet import (
    LAYERS,
    OWN,
    Line,
    Recipe,
    Sheet,
    complaint,
    free_key,
    names_text,
    signed,
)
from experiments.glass_batch import RUN_COLUMNS
from features.errors import ReadingError, RecipeError
from features.milling import medium
from features.plausibility import check_field

HOW: Final = (
    "an edit must hold a row with set, drop or restore, or run, or add; for example "
    '{"row": "G1", "set": {"x": 0.2}}'
)


def edited(
    sheet: Sheet, edits: Sequence[Mapping[str, Any]], *, person: str, jars: Collection[str]
) -> tuple[Sheet, list[str]]:
    """A sheet with edits applied in order, as far as they make sense.

    Args:
        sheet: As it is.
        edits: Plain JSON: ``{"row": key, "set": values}``, ``{"row": key, "drop": bool}``,
            ``{"row": key, "restore": True}``, ``{"run": values}`` or ``{"add": recipe}``.
        person: Who edits.
        jars: Jars in stock, which a cell may be built from.

    Returns:
        The sheet, and a sentence for each thing that is wrong by itself.
    """
    editor = _Editor(sheet, person, jars)
    if isinstance(edits, str) or not isinstance(edits, Sequence):
        return sheet, [f"edits: must be a list, got {got(edits)}; {HOW}"]
    if not edits:
        return sheet, [f"edits: none were given; {HOW}"]
    for number, edit in enumerate(edits, start=1):
        editor.apply(number, edit)
    editor.look_back()
    return editor.sheet, editor.problems


class _Editor:
    """A sheet in the making."""

    def __init__(self, sheet: Sheet, person: str, jars: Collection[str]) -> None:
        self.problems: list[str] = []
        self._start = sheet
        self._run = sheet.run
        self._lines = {line.key: line for line in sheet.lines}
        self._person, self._jars = person, jars
        self._built: list[tuple[str, str]] = []
        self._kept: list[str] = []
        self._verbs: Mapping[frozenset[str], Callable[[Mapping[str, Any]], None]] = {
            frozenset({"row", "set"}): self._set,
            frozenset({"row", "drop"}): self._drop,
            frozenset({"row", "restore"}): self._restore,
            frozenset({"run"}): lambda edit: self._mill(edit["run"]),
            frozenset({"add"}): lambda edit: self._add(edit["add"]),
        }

    @property
    def sheet(self) -> Sheet:
        """As far as it is edited; glasses first."""
        lines = sorted(self._lines.values(), key=lambda line: line.kind == "cell")
        return replace(self._start, run=self._run, lines=tuple(lines))

    def apply(self, number: int, edit: Any) -> None:
        """Apply one edit, or say what is wrong with it."""
        keys = list(edit) if isinstance(edit, Mapping) else []
        verb = self._verbs.get(frozenset(keys))
        if verb is None:
            words = ", ".join(one_line(str(key)) for key in keys)[:200] or got(edit)
            self.problems.append(f"edit {number}: got {words}; {HOW}")
        elif "row" in edit and edit["row"] not in self._keys():
            known = ", ".join(self._keys())
            self.problems.append(
                f"edit {number}: must name a row of this draft, got {got(edit['row'])}; rows: "
                f"{known}"
            )
        else:
            verb(edit)

    def look_back(self) -> None:
        """What only the last edit decides: whether the glasses that cells were given are there."""
        sheet = self.sheet
        for key, layer in self._built:
            glass = self._lines[key].recipe[layer]
            if glass in sheet.dropped_with(self._lines[key]):
                self._complain(
                    key, layer, f"{glass} is dropped; take it back, or build {key} of another"
                )
        for key in self._kept:
            if lost := sheet.dropped_with(self._lines[key]):
                self._complain(
                    key,
                    None,
                    f"is built from {names_text(lost)}, which is dropped; take {names_text(lost)} "
                    f"back, or build {key} of another",
                )

    def _set(self, edit: Mapping[str, Any]) -> None:
        line = self._lines[edit["row"]]
        values = self._values(line.key, edit["set"], self._readers(line))
        self._lines[line.key] = signed(
            replace(line, recipe={**line.recipe, **values}), self._person
        )
        self._built += [(line.key, layer) for layer in LAYERS if layer in values]

    def _drop(self, edit: Mapping[str, Any]) -> None:
        key, dropped = edit["row"], edit["drop"]
        if not isinstance(dropped, bool):
            self._complain(key, None, f"drop must be true or false, got {got(dropped)}; say which")
            return
        self._lines[key] = replace(self._lines[key], is_dropped=dropped)
        if not dropped:
            self._kept.append(key)

    def _restore(self, edit: Mapping[str, Any]) -> None:
        line = self._lines[edit["row"]]
        if edit["restore"] is not True:
            self._complain(
                line.key, None, f"restore must be true, got {got(edit['restore'])}; or leave it out"
            )
        elif line.proposed is None:
            self._complain(
                line.key, None, "was added by hand and never proposed; set its values, or drop it"
            )
        else:
            self._lines[line.key] = replace(
                line, recipe=line.proposed, is_dropped=False, edited_by=()
            )
            self._kept.append(line.key)

    def _mill(self, given: Any) -> None:
        values = self._values("run", given, dict.fromkeys(RUN_COLUMNS, _number))
        run = replace(self._run, values={**self._run.values, **values})
        by = tuple(dict.fromkeys([*run.edited_by, self._person])) if run.is_changed else ()
        self._run = replace(run, edited_by=by)

    def _add(self, given: Any) -> None:
        key = free_key("glass", {*self._lines, *self._jars})
        line = Line(key=key, kind="glass", recipe={}, proposed=None, edited_by=(self._person,))
        before = len(self.problems)
        recipe = self._values(key, given, self._readers(line))
        if len(self.problems) > before:
            return
        missing = [name for name in OWN["glass"] if name not in recipe]
        for name in missing:
            self._complain(key, name, "is needed for a glass that is added; give it")
        if not missing:
            self._lines[key] = replace(line, recipe=recipe)

    def _values(
        self, key: str, given: Any, readers: Mapping[str, Callable[[str, Any], Any]]
    ) -> dict[str, Any]:
        """What could be read of the values given."""
        if not isinstance(given, Mapping) or not given:
            self._complain(
                key,
                None,
                f"must get values by column, got {got(given)}; columns: {', '.join(readers)}",
            )
            return {}
        found = {}
        for name, value in given.items():
            if name not in readers:
                self._complain(key, one_line(str(name)), self._unknown(key, name, value, readers))
                continue
            try:
                found[name] = readers[name](name, value)
            except (ReadingError, RecipeError) as error:
                self._complain(key, name, error)
        return {n: v for n, v in found.items() if n not in RUN_COLUMNS or key == "run"}

    def _readers(self, line: Line) -> dict[str, Callable[[str, Any], Any]]:
        readers: dict[str, Callable[[str, Any], Any]] = dict.fromkeys(OWN[line.kind], _number)
        if line.kind == "cell":
            return {**readers, **dict.fromkeys(LAYERS, self._jar)}
        return {**readers, "milling_media": _medium, **dict.fromkeys(RUN_COLUMNS, self._shared)}

    def _shared(self, name: str, value: Any) -> float:
        """Time or speed of the run, which a recipe may repeat."""
        if (number := _number(name, value)) != self._run.values[name]:
            raise ReadingError(
                f"is {self._run.values[name]:g} for all jars of the run, got {number:g}; change "
                "it for all of them by an edit of the run"
            )
        return number

    def _jar(self, name: str, value: Any) -> str:
        glasses = [line.key for line in self._lines.values() if line.kind == "glass"]
        known = [*glasses, *self._jars]
        if not isinstance(value, str) or value not in known:
            raise ReadingError(
                f"must be a glass of this draft or a jar in stock, got {got(value)}; there are "
                f"{', '.join(known)}"
            )
        return value

    def _unknown(self, key: str, name: Any, value: Any, readers: Recipe) -> str:
        line = self._lines.get(key)
        if line is not None and name in self._start.full(line):
            return (
                f"is the same in all cells and not changed here, got {got(value)}; it stands under "
                "'cells' in campaign.yaml"
            )
        return f"is unknown, got {got(value)}; columns: {', '.join(readers)}"

    def _keys(self) -> list[str]:
        return list(self._lines)

    def _complain(self, key: str, column: str | None, said: object) -> None:
        self.problems.append(complaint(key, column, said))


def _number(name: str, value: Any) -> float:
    """A number that a laboratory can set.

    Raises:
        ReadingError: If it is none, or out of reach.
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        raise ReadingError(f"must be a number, got {got(value)}; give one without unit")
    try:
        number = float(value)
    except OverflowError:
        number = float("inf")
    if not isfinite(number):
        raise ReadingError(f"must be a finite number, got {number:g}; give one")
    if (verdict := check_field(name, number)).level == "reject":
        raise ReadingError(verdict.message)
    return number


def _medium(name: str, value: Any) -> str:
    """Id of a medium.

    Raises:
        ReadingError: If it is no text.
        RecipeError: If there is no such medium.
    """
    if not isinstance(value, str):
        raise ReadingError(
            f"must be the id of a {name.replace('_', ' ')}, got {got(value)}; name one"
        )
    return medium(value).id
