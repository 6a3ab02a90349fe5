"""A recipe that is proposed, with its part in the batch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """A recipe with its part in the batch.

    Attributes:
        recipe: Values by column.
        role: control, confound, skin, core, medium, exploit, explore, replicate, space_filling, or
            by_hand where a person changed or added it.
        why: One sentence for the chemist.
    """

    recipe: Mapping[str, Any]
    role: str
    why: str
