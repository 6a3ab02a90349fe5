"""Glasses and cells as one search: a glass counts for its pellets and for the cells it allows."""

from dataclasses import dataclass, field, replace
from typing import Final, final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.cell_prospect import NEW, Prospect
from features.cell_limits import Limits
from optimizer.scene import Look, Scene

Array = NDArray[np.float64]
Run = tuple[float, float]
"""Milling time and speed."""

N_OXYGEN: Final = 6
"""Compositions from end to end of the search whose cells are foreseen; between them the gain is
interpolated. What a glass is to a cell does not depend on the pressure of its pellet."""

N_RUNS: Final = 3
"""Of rows of many mill runs this many are foreseen; the others count as the nearest of them."""

RUN: Final = ("milling_time_h", "milling_speed_rpm")


def oxygen_grid(low: float, high: float) -> Array:
    """Compositions to foresee: evenly spread, and both sides of where sodium allows a skin.

    Args:
        low: Least x searched.
        high: Most.

    Returns:
        In order, each once.

    Examples:
        >>> oxygen_grid(0.15, 0.15).tolist()
        [0.15]
    """
    edge = Limits().min_skin_x_against_sodium
    inside = [x for x in (edge - 0.01, edge) if low < x < high]
    return np.unique(np.round([*np.linspace(low, high, N_OXYGEN), *inside], 6))


@final
@dataclass(frozen=True, eq=False)
class JointScene:
    """A scene of glasses in which cells count too.

    Attributes:
        glasses: What pellets of the glasses are expected to add.
        prospect: What cells of them are.
        weight: Worth of a unit of the cells' hypervolume in units of the glasses'.
        oxygen: Compositions that are foreseen.
        joined_rows: Glasses in the batch.
        taken: What the best cell of the batch adds, in a rough scene; ``None`` in an exact one.
    """

    glasses: Scene
    prospect: Prospect
    weight: float
    oxygen: Array
    joined_rows: int = 0
    taken: float | None = None
    _found: dict[tuple[Run, str], tuple[Array, pd.DataFrame]] = field(default_factory=dict)

    @property
    def context(self) -> pd.DataFrame:
        """The glasses that stand."""
        return self.glasses.context

    @property
    def values(self) -> Array:
        """Shape (S, C, m): utilities of these glasses."""
        return self.glasses.values

    @property
    def rough(self) -> "JointScene":
        """The same, but cells are not foreseen anew when a glass joins.

        A further glass then counts by what its cell adds beyond the best one of the batch.
        """
        return replace(self, taken=0.0)

    def look(self, rows: pd.DataFrame) -> Look:
        """What N further glasses would add, as pellets and in cells."""
        look = self.glasses.look(rows)
        gain = np.exp(look.log_gain) + self.weight * self.cell_gain(rows)
        with np.errstate(divide="ignore"):
            return Look(np.log(gain), look.promise)

    def joined(self, rows: pd.DataFrame) -> "JointScene":
        """The scene with more glasses in the batch."""
        if self.taken is not None:
            best = float(self._gain_of(rows).max())
            return replace(self, glasses=self.glasses.joined(rows), taken=max(self.taken, best))
        scene = self
        for position in range(len(rows)):
            row = rows.iloc[[position]]
            cell = scene._best_cell(row)
            label = f"{NEW}-in-batch-{scene.joined_rows}"
            if cell is not None:
                cell = cell.assign(**dict.fromkeys(_of_candidate(cell), label))
            scene = replace(
                scene,
                glasses=scene.glasses.joined(row),
                prospect=scene.prospect.joined(row.iloc[0], label, cell),
                joined_rows=scene.joined_rows + 1,
                _found={},
            )
        return scene

    def cell_gain(self, rows: pd.DataFrame) -> Array:
        """Expected improvement of the best cell each glass makes possible, shape (N,)."""
        gain = self._gain_of(rows)
        return gain if self.taken is None else np.maximum(gain - self.taken, 0.0)

    def _gain_of(self, rows: pd.DataFrame) -> Array:
        runs = [(float(time), float(speed)) for time, speed in rows[list(RUN)].to_numpy()]
        media = rows["milling_media"].to_numpy()
        x = rows["x"].to_numpy(dtype=float)
        nearest = self._foreseen(runs, sorted(set(media)))
        gain = np.zeros(len(rows))
        for run, medium in {
            (nearest[run], medium) for run, medium in zip(runs, media, strict=True)
        }:
            alike = np.array([nearest[own] == run for own in runs]) & (media == medium)
            gain[alike] = np.interp(x[alike], self.oxygen, self._found[run, medium][0])
        return gain

    def part_in_cells(self, row: pd.DataFrame) -> tuple[str, str] | None:
        """Role and reason of a glass that is worth more in cells than as a pellet.

        Args:
            row: One glass.

        Returns:
            ``core`` or ``skin`` and a sentence; ``None`` if its pellet is worth more.
        """
        own = float(np.exp(self.glasses.look(row).log_gain[0]))
        in_cells = float(self.cell_gain(row)[0])
        if self.weight * in_cells <= own:
            return None
        cell = self._best_cell(row)
        if cell is None:
            return None
        sides = _of_candidate(cell)
        role = "skin" if "skin" in sides else "core"
        partner = str(cell["core" if role == "skin" else "skin"].iloc[0])
        beside = "" if partner.startswith(NEW) else f" with {partner}"
        return role, (
            f"for cells: as their {' and '.join(sides)}{beside} it is expected to add "
            f"{in_cells:.2g} to their hypervolume, as a pellet {own:.2g} to that of the glasses"
        )

    def _foreseen(self, runs: list[Run], media: list[str]) -> dict[Run, Run]:
        """Each run to the one by which it is judged; what was not foreseen yet is now."""
        distinct = sorted(set(runs))
        known = sorted({run for run, _ in self._found})
        if len(distinct) > N_RUNS:
            places = np.round(np.linspace(0, len(distinct) - 1, 2 * N_RUNS + 1)[1::2]).astype(int)
            asked = known if known else [distinct[place] for place in places]
        else:
            asked = distinct
        missing = [(run, m) for run in asked for m in media if (run, m) not in self._found]
        if missing:
            self._foresee(missing)
        return {run: min(asked, key=lambda other: _gap(run, other)) for run in distinct}

    def _foresee(self, missing: list[tuple[Run, str]]) -> None:
        jars = pd.DataFrame(
            [(x, time, medium, speed) for (time, speed), medium in missing for x in self.oxygen],
            columns=["x", "milling_time_h", "milling_media", "milling_speed_rpm"],
        )
        worth, n = self.prospect.worth(jars), len(self.oxygen)
        for place, key in enumerate(missing):
            part = slice(place * n, (place + 1) * n)
            self._found[key] = (worth.gain[part], worth.cells.iloc[part])

    def _best_cell(self, row: pd.DataFrame) -> pd.DataFrame | None:
        """The cell by which a glass was judged, with its own composition."""
        one = row.iloc[0]
        run = (float(one["milling_time_h"]), float(one["milling_speed_rpm"]))
        run = self._foreseen([run], [str(one["milling_media"])])[run]
        gain, cells = self._found[run, str(one["milling_media"])]
        place = int(np.abs(self.oxygen - float(one["x"])).argmin())
        if not gain[place] > 0:
            return None
        cell = cells.iloc[[place]]
        return cell.assign(
            **{f"{side}_x": float(one["x"]) for side in _of_candidate(cell)}
        ).infer_objects()


def _of_candidate(cell: pd.DataFrame) -> list[str]:
    """Layers of a cell that are of a glass not in the batch yet."""
    prefix = f"{NEW}-"
    return [
        side
        for side in ("core", "skin")
        if str(cell[side].iloc[0]).startswith(prefix)
        and not str(cell[side].iloc[0]).startswith(f"{prefix}in-batch")
    ]


def _gap(run: Run, other: Run) -> tuple[float, float]:
    return abs(run[1] - other[1]), abs(run[0] - other[0])
