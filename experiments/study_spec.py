"""What a study runs: every world, seed, strategy and batch size, one campaign each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import product
from pathlib import Path
from typing import Any, Final

from experiments.closed_loop import LATE
from experiments.laboratory import Laboratory, named_in_file, require_laboratory
from experiments.round_folder import ASKED_OF_CELLS, ASKED_OF_PELLETS
from experiments.strategies import strategy_named
from experiments.targets import Target
from experiments.virtual_constants import WORLD_CONSTANTS
from experiments.virtual_lab import VirtualLab
from experiments.virtual_worlds import World
from features.errors import CampaignError

SHARED_LAW: Final = ("A", "B", "C", "D")
"""Worlds whose laws the physics priors know of; their results are shown apart."""

MOST_ROUNDS: Final = 100

WORLD_SEEDS: Final = 10_000
"""Seeds of one world; worlds of different letters share none."""

_MOST_DIGITS: Final = 9
"""Of a count; more are a slip, and very many would take long to read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """How many of what a round holds.

    Attributes:
        glasses: Jars.
        trilayers: Cells.
    """

    glasses: int
    trilayers: int

    @classmethod
    def of(cls, text: str) -> "Batch":
        """The batch that ``4+2`` means.

        Raises:
            CampaignError: If it means none.

        Examples:
            >>> Batch.of("4+2")
            Batch(glasses=4, trilayers=2)
        """
        glasses, plus, cells = (part.strip() for part in text.partition("+"))
        if not (plus and _is_count(glasses) and _is_count(cells)):
            raise CampaignError(
                f"batch {text!r}: needs glasses+cells, such as 4+2; write it like that"
            )
        if not 1 <= int(glasses) <= 24 or int(cells) > 24:
            raise CampaignError(
                f"batch {text!r}: needs 1 to 24 glasses and at most 24 cells; correct it"
            )
        return cls(glasses=int(glasses), trilayers=int(cells))

    @property
    def name(self) -> str:
        """As it is written."""
        return f"{self.glasses}+{self.trilayers}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One campaign of a study.

    Attributes:
        world: Letter, or ``file.py:name`` of a user's own.
        seed: Of world, luck and strategy.
        strategy: Name, or ``file.py:name``.
        batch: Of every round.
    """

    world: str
    seed: int
    strategy: str
    batch: Batch

    def labels(self) -> dict[str, Any]:
        """World, seed, strategy and batch, plain."""
        return {
            "world": self.world,
            "seed": self.seed,
            "strategy": self.strategy,
            "batch": self.batch.name,
        }

    @property
    def key(self) -> str:
        """Name of its file."""
        return _file_name(self.world, str(self.seed), self.strategy, self.batch.name)

    @property
    def world_key(self) -> str:
        """Name of what is common to all campaigns of a world and seed."""
        return _file_name(self.world, str(self.seed))

    def laboratory(self) -> Laboratory:
        """The laboratory it is made in."""
        return laboratory_named(self.world)(self.seed)


@dataclass(frozen=True, slots=True, kw_only=True)
class StudySpec:
    """A whole study.

    Attributes:
        worlds: Letters or ``file.py:name``.
        seeds: Seeds, the same for every strategy, so that these are compared in pairs.
        strategies: Names or ``file.py:name``.
        batches: Batch sizes.
        rounds: Of every campaign.
        late: Properties whose results come a round later.
        without: Properties nobody measures.
        target: Conditions to be reached; empty for none.
        share: Of the reachable hypervolume, that counts as reached.

    Raises:
        CampaignError: If one of them is unknown, twice there, or impossible.
    """

    worlds: tuple[str, ...] = ("A", "E", "F", "G")
    seeds: tuple[int, ...] = tuple(range(10))
    strategies: tuple[str, ...] = ("glassloop",)
    batches: tuple[Batch, ...] = (Batch(glasses=4, trilayers=2),)
    rounds: int = 8
    late: tuple[str, ...] = LATE
    without: tuple[str, ...] = ()
    target: tuple[str, ...] = ()
    share: float = 0.9

    def __post_init__(self) -> None:
        """Refuse what cannot be run, before anything is."""
        self._require_numbers()
        asked = (*ASKED_OF_PELLETS, *ASKED_OF_CELLS)
        for name in (*self.late, *self.without):
            if name not in asked:
                raise CampaignError(
                    f"study: a round measures {', '.join(asked)}, got {name!r}; name one of these"
                )
        for world in self.worlds:
            require_laboratory(laboratory_named(world)(self.seeds[0]), world)
        for strategy in self.strategies:
            strategy_named(strategy)
        if self.target:
            Target.of(self.target)

    def own_files(self) -> dict[str, str]:
        """SHA-256 of every file of a user's own, by its path."""
        paths = {a.rpartition(":")[0] for a in (*self.worlds, *self.strategies) if ":" in a}
        return {p: sha256(Path(p).read_bytes()).hexdigest() for p in sorted(paths)}

    def _require_numbers(self) -> None:
        for what in ("worlds", "seeds", "strategies", "batches"):
            given: tuple[Any, ...] = getattr(self, what)
            if not given or len(set(given)) < len(given):
                raise CampaignError(
                    f"study: {what} must be at least one, each once, got "
                    f"{', '.join(map(str, given)) or 'none'}; correct them"
                )
        if not 1 <= self.rounds <= MOST_ROUNDS:
            raise CampaignError(
                f"study: rounds must be 1 to {MOST_ROUNDS}, got {self.rounds}; correct it"
            )
        if not 0 < self.share <= 1:
            raise CampaignError(
                f"study: share must be above 0 and at most 1, got {self.share:g}; correct it"
            )
        if min(self.seeds) < 0 or max(self.seeds) >= WORLD_SEEDS:
            raise CampaignError(
                f"study: seeds must be 0 to {WORLD_SEEDS - 1}, got {min(self.seeds)} to "
                f"{max(self.seeds)}; correct them"
            )

    def tasks(self) -> list[Task]:
        """Every campaign, seed by seed, so that a study cut short is balanced."""
        return [
            Task(world=w, seed=seed, strategy=s, batch=b)
            for seed, w, b, s in product(self.seeds, self.worlds, self.batches, self.strategies)
        ]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON; ``seeds`` and ``rounds`` included."""
        return {
            "worlds": list(self.worlds),
            "seeds": list(self.seeds),
            "strategies": list(self.strategies),
            "batches": [b.name for b in self.batches],
            "rounds": self.rounds,
            "late": list(self.late),
            "without": list(self.without),
            "target": list(self.target),
            "share": self.share,
        }

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> "StudySpec":
        """What ``to_dict`` wrote."""
        listed: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in plain.items()
        }
        return cls(**(listed | {"batches": tuple(Batch.of(text) for text in plain["batches"])}))


def _file_name(*parts: str) -> str:
    return "-".join("".join(c if c.isalnum() or c == "+" else "_" for c in p) for p in parts)


def laboratory_named(world: str) -> Callable[[int], Laboratory]:
    """Makes a laboratory from a seed: a virtual world by letter, or ``file.py:name``.

    Raises:
        CampaignError: If there is none.
    """
    if world in WORLD_CONSTANTS:
        first = WORLD_SEEDS * list(WORLD_CONSTANTS).index(world)
        return lambda seed: VirtualLab(World(world, first + seed), seed=first + seed)
    if ":" in world:
        return named_in_file(world, "world")
    raise CampaignError(
        f"world must be one of {', '.join(WORLD_CONSTANTS)}, or file.py:name of your own, "
        f"got {world!r}"
    )


def numbers_in(texts: Sequence[str]) -> tuple[int, ...]:
    """Seeds that ``0-9`` or ``3`` mean, in order.

    Raises:
        CampaignError: If a text means none, or one that is too large.

    Examples:
        >>> numbers_in(["0-3", "7"])
        (0, 1, 2, 3, 7)
    """
    found: list[int] = []
    for text in texts:
        first, dash, last = text.partition("-")
        if not _is_count(first) or (dash and not _is_count(last)):
            raise CampaignError(f"seeds: need numbers such as 0-9 or 3, got {text!r}; correct it")
        begin, end = int(first), int(last if dash else first)
        if max(begin, end) >= WORLD_SEEDS:
            raise CampaignError(f"seeds: must be 0 to {WORLD_SEEDS - 1}, got {text!r}; correct it")
        found += range(begin, end + 1)
    return tuple(found)


def _is_count(text: str) -> bool:
    """Whether a text is a whole number such as people count with."""
    return text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS
