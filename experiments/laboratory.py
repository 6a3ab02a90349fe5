"""What a laboratory must be able to do for a campaign to be rehearsed in it.

The virtual lab (``experiments.virtual_lab``) is one, a truth drawn from a campaign's own
surrogates is another, and a user's simulator can be a third: a class with the methods of
``Laboratory``, made by a function ``(seed) -> Laboratory``.
"""

import sys
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any, Protocol

from features.errors import CampaignError
from features.recipe import GlassRecipe, PelletRecipe, TrilayerRecipe


class MadeJar(Protocol):
    """A jar of powder after milling."""

    @property
    def x(self) -> float:
        """Oxygen actually weighed in, dimensionless."""

    @property
    def recovery(self) -> float:
        """Share of the batch that came out of the jar, 0 to 1."""

    @property
    def failure(self) -> str | None:
        """Why it failed, in one word; ``None`` when it did not."""


class MadePiece(Protocol):
    """A pellet, or a cell."""

    @property
    def failure(self) -> str | None:
        """Why it failed, in one word; ``None`` when it did not."""


class Measured(Protocol):
    """One value as a laboratory writes it down."""

    @property
    def text(self) -> str:
        """The value in ``unit``, or a bound or range: ``<1e-10``, ``2.30..2.35``."""

    @property
    def unit(self) -> str:
        """Unit of ``text`` and ``se``."""

    @property
    def se(self) -> float | None:
        """Standard error of the value; ``None`` takes the catalogue's."""

    @property
    def n(self) -> int:
        """Repeats the value is the mean of."""

    @property
    def temperature_c(self) -> float:
        """Of the measurement, °C."""

    @property
    def method(self) -> str:
        """How it was measured."""


class Laboratory(Protocol):
    """Makes and measures what a recipe says, and knows the truth behind it.

    What happens to a specimen follows from its id and the laboratory's seed, never from the order
    of calls: a study is resumed by making the same specimens again.
    """

    @property
    def source(self) -> str:
        """Name for outputs; says that it is simulated."""

    def make_jar(self, jar_id: str, recipe: GlassRecipe) -> MadeJar:
        """Weigh, mill and unload one glass."""

    def press(
        self, pellet_id: str, jar: Any, pressing_pressure_mpa: float, mass_mg: float
    ) -> MadePiece:
        """Press a pellet from what ``make_jar`` gave."""

    def measure(self, pellet: Any, property: str, temperature_c: float) -> Measured:  # noqa: A002
        """Measure a property of what ``press`` gave."""

    def make_cell(self, cell_id: str, core: Any, skin: Any, recipe: TrilayerRecipe) -> MadePiece:
        """Build a cell from two jars."""

    def measure_cell(self, cell: Any, property: str) -> Measured:  # noqa: A002
        """Measure a property of what ``make_cell`` gave."""

    def pellet_truth(self, recipe: PelletRecipe, property: str) -> float:  # noqa: A002
        """True value of a recipe followed to the letter, without scatter, in catalogue units."""

    def cell_truth(self, recipe: TrilayerRecipe, property: str) -> float:  # noqa: A002
        """True value of a cell followed to the letter, without scatter, in catalogue units."""


def require_laboratory(made: object, address: str) -> None:
    """Refuse what is no laboratory before a campaign is begun in it.

    Args:
        made: What a user's function gave.
        address: Where it is from, for messages.

    Raises:
        CampaignError: If a method is missing.
    """
    wanted = [name for name in vars(Laboratory) if not name.startswith("_")]
    missing = [name for name in wanted if not hasattr(made, name)]
    if missing:
        raise CampaignError(
            f"world {address!r}: must give a laboratory with {', '.join(wanted)}, got a "
            f"{type(made).__name__} without {', '.join(missing)}; see docs/study.md"
        )


def named_in_file(address: str, what: str) -> Callable[..., Any]:
    """Something of a user's own, named ``path/to/file.py:name``.

    Args:
        address: File and name.
        what: What it is, for messages.

    Returns:
        What stands there under that name.

    Raises:
        CampaignError: If there is no such file or name in it, or it cannot be called.
    """
    path, colon, name = address.rpartition(":")
    file = Path(path)
    if not colon or not file.is_file():
        raise CampaignError(
            f"{what} {address!r}: needs a Python file and a name in it, as in lab.py:make, got no "
            f"file {path or address!r}; correct the path"
        )
    module_name = f"glassloop_user_{file.stem}"
    spec = spec_from_file_location(module_name, file)
    if spec is None or spec.loader is None:
        raise CampaignError(f"{what} {address!r}: is no Python file; give one that ends in .py")
    module = module_from_spec(spec)
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except (SyntaxError, ImportError, NameError, AttributeError, TypeError, ValueError) as error:
        raise CampaignError(
            f"{what} {address!r}: {file} cannot be run ({type(error).__name__}: {error}); mend it"
        ) from error
    found = getattr(module, name, None)
    if not callable(found):
        raise CampaignError(
            f"{what} {address!r}: {file} needs a function {name}, got none; it has "
            f"{', '.join(key for key, part in vars(module).items() if callable(part)) or 'none'}"
        )
    return found  # type: ignore[no-any-return]
