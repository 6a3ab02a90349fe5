"""Every complaint glassloop makes about a user's input, in one tree.

``GlassError`` is the root; each branch also inherits the built-in it resembles, so that
``except ValueError`` still works::

    GlassError
    ├── RecipeError      an impossible recipe                    (ValueError)
    ├── ReadingError     a value, unit or property one can't read (ValueError)
    ├── TableError       a table lacks a column or holds nonsense (ValueError)
    ├── SpaceError       a search space or objective is malformed (ValueError)
    ├── NotFittedError   predict before fit                       (RuntimeError)
    ├── CampaignError    folder, configuration or round           (RuntimeError)
    ├── LedgerError      the ledger cannot be read or written     (RuntimeError)
    ├── AccessError      an access token, or the store of them    (PermissionError)
    ├── ConflictError    somebody else changed it meanwhile       (RuntimeError)
    ├── UnsafeProposalError a sheet that nobody may work by        (RuntimeError)
    └── InputError       many problems in one file, listed at once (ValueError)

Messages say what rule was broken, the value got, where, and what to do instead.
"""

from collections.abc import Sequence


class GlassError(Exception):
    """Root of all errors that are the input's fault, not the program's."""


class RecipeError(GlassError, ValueError):
    """A recipe that cannot be made."""


class ReadingError(GlassError, ValueError):
    """A reading, unit or property that cannot be understood."""


class TableError(GlassError, ValueError):
    """A table without the columns or values that are needed."""


class SpaceError(GlassError, ValueError):
    """A search space or an objective that makes no sense."""


class NotFittedError(GlassError, RuntimeError):
    """A surrogate was asked to predict before it was fitted."""


class CampaignError(GlassError, RuntimeError):
    """A campaign folder, its configuration or a round is not as it must be."""


class LedgerError(GlassError, RuntimeError):
    """The ledger cannot be opened, read or written."""


class ConflictError(GlassError, RuntimeError):
    """What was to be changed was changed by somebody else since it was looked at."""


class AccessError(GlassError, PermissionError):
    """An access token lets nobody in, or the store of tokens cannot be read or written."""


class UnsafeProposalError(GlassError, RuntimeError):
    """A proposal that breaks a rule of every sheet; the fault of the program or its settings.

    Attributes:
        problems: One sentence a rule, each naming specimen, field, value and limit.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        head = (
            f"the proposal breaks {count} rule{'s' if count != 1 else ''} of a safe sheet, nothing "
            "was written; report it with campaign.yaml, it is a fault of glassloop or of that file "
            "and not yours:"
        )
        super().__init__("\n".join([head, *(f"  - {p}" for p in self.problems)]))

    def __reduce__(self) -> tuple[type["UnsafeProposalError"], tuple[tuple[str, ...]]]:
        """How it travels between processes: by its problems, not by its text."""
        return UnsafeProposalError, (self.problems,)


class InputError(GlassError, ValueError):
    """All problems found in the user's files, so that they can be mended in one go.

    Attributes:
        problems: One sentence a problem, each naming file, row and column.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        head = f"{count} problem{'s' if count != 1 else ''} found, nothing was written:"
        super().__init__("\n".join([head, *(f"  - {p}" for p in self.problems)]))

    def __reduce__(self) -> tuple[type["InputError"], tuple[tuple[str, ...]]]:
        """How it travels between processes: by its problems, not by its text."""
        return InputError, (self.problems,)
