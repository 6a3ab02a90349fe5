"""What a draft says is to be made: its rows as they are now, and as they were proposed.

Rows keep their key (G1, G2, C1 ...) whatever becomes of the others. A cell names the glasses of
the draft that it is built from by their keys.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from math import isclose
from typing import Any, Final, Literal

from experiments.cell_batch import CHOICE
from experiments.cell_stock import CONTEXT
from experiments.complaint import Complaint
from experiments.glass_batch import RUN_COLUMNS
from experiments.knowledge import GLASS_COLUMNS

Kind = Literal["glass", "cell"]
Recipe = Mapping[str, Any]

LAYERS: Final = ("core", "skin")
OWN: Final[Mapping[Kind, tuple[str, ...]]] = {
    "glass": tuple(name for name in GLASS_COLUMNS if name not in RUN_COLUMNS),
    "cell": CHOICE,
}
"""What a person may change of a row; milling time and speed are those of the run."""

LETTER: Final[Mapping[Kind, str]] = {"glass": "G", "cell": "C"}
KEY: Final = re.compile(r"[GC][0-9]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Milling time and speed, which all jars share.

    Attributes:
        values: As they are now.
        proposed: As they were proposed.
        why: Why they were proposed.
        edited_by: Who changed them.
    """

    values: Recipe
    proposed: Recipe
    why: str
    edited_by: tuple[str, ...] = ()

    @property
    def is_changed(self) -> bool:
        """Whether they are not as proposed."""
        return not same(self.values, self.proposed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A row of a draft.

    Attributes:
        key: Its name for as long as the draft lives.
        kind: What it is.
        recipe: As it is now, without what all rows share.
        proposed: As it was proposed; ``None`` for a row that a person added.
        role: Its part in the batch as proposed.
        why: Why it was proposed.
        is_dropped: Whether a person dropped it.
        edited_by: Who changed or added it, first name first.
    """

    key: str
    kind: Kind
    recipe: Recipe
    proposed: Recipe | None
    role: str = ""
    why: str = ""
    is_dropped: bool = False
    edited_by: tuple[str, ...] = ()

    @property
    def is_changed(self) -> bool:
        """Whether its own values are not as proposed."""
        return self.proposed is None or not same(self.recipe, self.proposed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """All rows of a draft, with what they share.

    Attributes:
        run: Milling time and speed.
        lines: Glasses, then cells.
        learned: Kinds whose rows surrogates chose, so that it is no start.
        notices: What was to be said of the batch as proposed, by kind.
        budget_h: The most the round may cost, h.
    """

    run: Run
    lines: tuple[Line, ...]
    learned: tuple[Kind, ...] = ()
    notices: Mapping[Kind, tuple[str, ...]]
    budget_h: float | None = None

    def of(self, kind: Kind) -> tuple[Line, ...]:
        """Rows of a kind, dropped ones too."""
        return tuple(line for line in self.lines if line.kind == kind)

    def kept(self, kind: Kind) -> tuple[Line, ...]:
        """Rows of a kind that are to be made."""
        return tuple(line for line in self.of(kind) if self.is_kept(line))

    def is_kept(self, line: Line) -> bool:
        """Whether a row is to be made."""
        return not line.is_dropped and not self.dropped_with(line)

    def dropped_with(self, line: Line) -> tuple[str, ...]:
        """Dropped glasses that a cell is built from."""
        if line.kind == "glass":
            return ()
        dropped = {other.key for other in self.of("glass") if other.is_dropped}
        return tuple(dict.fromkeys(line.recipe[n] for n in LAYERS if line.recipe[n] in dropped))

    def full(self, line: Line) -> dict[str, Any]:
        """The recipe of a row as it is now, the run's time and speed included."""
        return _whole(line.kind, line.recipe, self.run.values)

    def full_proposed(self, line: Line) -> dict[str, Any] | None:
        """The recipe of a row as it was proposed."""
        if line.proposed is None:
            return None
        return _whole(line.kind, line.proposed, self.run.proposed)

    def editors(self, line: Line) -> tuple[str, ...]:
        """Who made a row other than proposed, be it by the run that it shares."""
        by_run = self.run.edited_by if line.kind == "glass" and self.run.is_changed else ()
        return tuple(dict.fromkeys([*line.edited_by, *by_run]))

    def ids(self, round_id: str) -> dict[str, str]:
        """Id that each row to be made gets in a round, by its key."""
        return {
            line.key: f"{round_id}-{LETTER[kind]}{number}"
            for kind in LETTER
            for number, line in enumerate(self.kept(kind), start=1)
        }

    def to_dict(self) -> dict[str, Any]:
        """Plain data for the ledger."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "Sheet":
        """A sheet from what ``to_dict`` gave, be it through JSON."""
        return cls(
            run=Run(**{**plain["run"], "edited_by": tuple(plain["run"]["edited_by"])}),
            lines=tuple(
                Line(**{**line, "edited_by": tuple(line["edited_by"])}) for line in plain["lines"]
            ),
            learned=tuple(plain["learned"]),
            notices={kind: tuple(said) for kind, said in plain["notices"].items()},
            budget_h=plain["budget_h"],
        )


def signed(line: Line, person: str) -> Line:
    """A row as a person left it: signed if it is not as proposed, by nobody if it is."""
    if not line.is_changed:
        return replace(line, edited_by=())
    return replace(line, edited_by=tuple(dict.fromkeys([*line.edited_by, person])))


def free_key(kind: Kind, taken: Collection[str]) -> str:
    """The first key that neither a row nor a jar of the ledger has.

    Examples:
        >>> free_key("glass", ["G1", "C2"])
        'G2'
    """
    number = 1
    while f"{LETTER[kind]}{number}" in taken:
        number += 1
    return f"{LETTER[kind]}{number}"


def same(one: Recipe, other: Recipe) -> bool:
    """Whether two recipes with the same columns are one.

    Examples:
        >>> same({"x": 0.15, "core": "G1"}, {"x": 3 * 0.05, "core": "G1"})
        True
    """
    return all(
        isclose(value, other[name], abs_tol=1e-9)
        if isinstance(value, float)
        else value == other[name]
        for name, value in one.items()
    )


def names_text(names: Collection[str]) -> str:
    """Names in one phrase; who did not say is somebody.

    Examples:
        >>> names_text(["G1", "G2", "G3"]), names_text([""])
        ('G1, G2 and G3', 'somebody')
    """
    said = [name or "somebody" for name in names]
    return " and ".join(filter(None, [", ".join(said[:-1]), said[-1]])) if said else ""


@dataclass(frozen=True, slots=True)
class Names:
    """What the rows of a draft are called: by their keys, or by their ids in a round.

    Attributes:
        ids: By key, of the rows that are to be made; empty for a draft.
        draft: The draft that a row without an id was dropped from.

    Examples:
        >>> Names()("G2"), Names({"G2": "R02-G1"}, "D01")("G2"), Names({}, "D01")("G1")
        ('G2', 'R02-G1', 'G1 of draft D01')
    """

    ids: Mapping[str, str] = field(default_factory=dict)
    draft: str = ""

    def __call__(self, key: str) -> str:
        """What a row is called, or a jar in stock."""
        dropped = bool(self.draft) and KEY.fullmatch(key) is not None
        return self.ids.get(key, f"{key} of draft {self.draft}" if dropped else key)

    def text(self, keys: Collection[str]) -> str:
        """Several rows in one phrase."""
        return names_text([self(key) for key in keys])


def complaint(key: str, column: str | None, said: object) -> Complaint:
    """A sentence about a row of a draft, or about the run, that knows its place."""
    place = key if key == "run" else f"row {key}"
    where = f"{place}, column {column}" if column else place
    return Complaint(f"{where}: {said}", said=str(said), column=column, specimen=key)


def _whole(kind: Kind, own: Recipe, run: Recipe) -> dict[str, Any]:
    whole = {**own, **run} if kind == "glass" else {**own}
    order = GLASS_COLUMNS if kind == "glass" else (*CHOICE, *CONTEXT)
    return {name: whole[name] for name in order}
