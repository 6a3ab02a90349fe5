"""Objectives as they are written on the command line: ``COLUMN:maximize:log10:1e-6``."""

from collections.abc import Sequence

from experiments.complaint import got, one_line
from experiments.csv_files import number_in
from features.errors import SpaceError, TableError
from features.properties import CATALOGUE
from optimizer import Objective
from optimizer.objectives import DIRECTIONS, SCALES


def objectives_of(texts: Sequence[str]) -> tuple[Objective, ...]:
    """Objectives as they are written on the command line.

    Args:
        texts: As for ``objective_of``.

    Returns:
        One objective a text.

    Raises:
        SpaceError: If there is none, a column is named twice, one makes no sense, or one of several
            has no reference.
    """
    objectives = tuple(map(objective_of, texts))
    names = [objective.name for objective in objectives]
    if not names or len(set(names)) < len(names):
        raise SpaceError(
            f"objectives: need at least one and each column once, got "
            f"{', '.join(map(one_line, names)) or 'none'}; write 'COLUMN:maximize'"
        )
    for objective in objectives if len(names) > 1 else ():
        if objective.reference is None:
            raise SpaceError(
                f"objective {objective.name!r}: each of several needs a reference, got none; add "
                f"the worst value that still counts, "
                f"{got(f'{objective.name}:{objective.direction}:VALUE')}"
            )
    return objectives


def objective_of(text: str) -> Objective:
    """An objective as it is written on the command line.

    Args:
        text: ``COLUMN:maximize`` or ``COLUMN:minimize``, then optionally ``:log10`` and
            ``:reference``; the name of a catalogue property may stand alone.

    Returns:
        The objective; a catalogue property takes scale, reference and plausible best from there.

    Raises:
        SpaceError: If the direction is missing or unknown, or what follows is neither a scale nor
            a number.

    Examples:
        >>> objective_of("sigma S/cm:maximize:log10:1e-6")
        ... # doctest: +ELLIPSIS, +NORMALIZE_WHITESPACE
        Objective(name='sigma S/cm', direction='maximize', reference=1e-06, scale='log10', ...)
        >>> objective_of("youngs_modulus").reference
        10.0
    """
    parts = [part.strip() for part in text.split(":")]
    places = [i for i, part in enumerate(parts) if i and part.lower() in DIRECTIONS]
    entry = CATALOGUE.get(":".join(parts[: places[-1]] if places else parts))
    if not places and (entry is None or entry.direction is None):
        raise SpaceError(
            f"objective {text!r}: direction must be maximize or minimize, got "
            f"{one_line(parts[1]) if len(parts) > 1 else 'none'}; write "
            f"{got(f'{parts[0]}:maximize')}"
        )
    column = entry.id if entry else ":".join(parts[: places[-1]])
    direction = parts[places[-1]].lower() if places else entry and entry.direction
    scale = entry.scale if entry else "linear"
    reference = entry.reference if entry else None
    for part in parts[places[-1] + 1 :] if places else ():
        if part.lower() in SCALES:
            scale = part.lower()  # type: ignore[assignment]
        else:
            reference = _reference(part, text)
    best = entry.plausible_best if entry and entry.direction == direction else None
    if best is not None and (reference is None or reference != (entry and entry.reference)):
        best = None  # the catalogue's best belongs to the catalogue's reference
    return Objective(column, direction, reference, scale, best=best)  # type: ignore[arg-type]


def _reference(part: str, text: str) -> float:
    try:
        return number_in(part)
    except TableError:
        raise SpaceError(
            f"objective {text!r}: after the direction may stand log10 and a reference, got "
            f"{part!r}; write 'COLUMN:maximize:log10:1e-6'"
        ) from None
