"""A working-hours clock: hands work in the day, instruments through the night.

Hours are counted from Monday morning, when the first working day begins; a week has 168 of them.
How long hands and instruments take is ``costs`` of the configuration: assigned, not measured
(domain notes 6.6 and 7.1).
"""

import heapq
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from experiments.config import CampaignConfig, MeasurementCost
from experiments.ledger import Ledger
from experiments.round_folder import ASKED_OF_CELLS, ASKED_OF_PELLETS

DAY_H: Final = 24.0
WEEK_H: Final = 7 * DAY_H
PAUSES: Final = 2.0
"""A mill that runs half of the time takes twice its net time (domain notes 6.6)."""

WEIGHING_SHARE: Final = 0.5
"""Of a glass's hands, what comes before the mill; unloading and pressing come after."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingWeek:
    """When people work: so many hours from the morning on, so many days from Monday on.

    Attributes:
        hours_per_day: Above 0, at most 24.
        days_per_week: 1 to 7.

    Examples:
        >>> week = WorkingWeek(hours_per_day=8, days_per_week=5)
        >>> week.worked(0, 10)                       # eight hours on Monday, two on Tuesday
        26.0
        >>> week.opens(110)                          # Friday, after hours: Monday morning
        168.0
    """

    hours_per_day: float = 8.0
    days_per_week: int = 5

    def opens(self, at_h: float) -> float:
        """The first working moment at or after a time, h."""
        day, hour = divmod(at_h, DAY_H)
        if hour >= self.hours_per_day:
            day, hour = day + 1, 0.0
        weekday = day % 7
        if weekday >= self.days_per_week:
            return (day - weekday + 7) * DAY_H
        return day * DAY_H + hour

    def worked(self, from_h: float, hands_on_h: float) -> float:
        """When work of so many hours that begins at a time is done, h."""
        at = self.opens(from_h)
        left = hands_on_h
        while True:
            today = self.hours_per_day - at % DAY_H
            if left <= today + 1e-9:
                return at + left
            left -= today
            at = self.opens(at + today)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundTime:
    """What a round took.

    Attributes:
        hands_on_h: Work of hands, late measurements included, h.
        ends_h: When the next round can be proposed: the last result that is not late is in.
        all_in_h: When the last result is in, late ones included.
    """

    hands_on_h: float
    ends_h: float
    all_in_h: float


class Clock:
    """Goes on from round to round; one chemist, and as many channels as the configuration says.

    Args:
        config: Costs, working hours, channels.
    """

    def __init__(self, config: CampaignConfig) -> None:
        costs = config.costs
        self._costs = costs
        self._week = WorkingWeek(
            hours_per_day=costs.hours_per_day, days_per_week=costs.days_per_week
        )
        self._now_h = 0.0
        self._channels: dict[str, list[float]] = {}

    def after(
        self,
        ledger: Ledger,
        round_: Mapping[str, Any],
        *,
        late: Collection[str] = (),
        without: Collection[str] = (),
    ) -> RoundTime:
        """Let a round pass whose specimens are made.

        Args:
            ledger: Says which specimens are sound; what failed is not measured.
            round_: As it was proposed.
            late: Properties nobody waits for.
            without: Properties that are never measured.

        Returns:
            What it took; the clock stands at its end.
        """
        chemist = _Chemist(self._week, self._now_h)
        glasses, cells = round_["glasses"], round_["trilayers"]
        if glasses:
            chemist.work(WEIGHING_SHARE * self._costs.glass_h * len(glasses))
            longest_h = max(float(g["recipe"]["milling_time_h"]) for g in glasses)
            chemist.wait(PAUSES * longest_h)
            chemist.work((1 - WEIGHING_SHARE) * self._costs.glass_h * len(glasses))
        made = {str(name) for frame in (ledger.pellets(), ledger.cells())
                for name in frame.index[frame["status"] == "made"]}  # fmt: skip
        sound = [cell["id"] for cell in cells if cell["id"] in made]
        chemist.work(self._costs.cell_h * len(sound))
        wanted = [
            (name, specimen)
            for names, specimens in (
                (ASKED_OF_PELLETS, [g["pellet"] for g in glasses if g["pellet"] in made]),
                (ASKED_OF_CELLS, sound),
            )
            for name in names
            if name not in without
            for specimen in specimens
        ]
        wanted.sort(key=lambda pair: self._costs.of(pair[0]).delay_h, reverse=True)
        done = [(name, self._measured(chemist, name)) for name, _ in wanted]
        in_time = [at for name, at in done if name not in late]
        ends_h = self._week.opens(max([chemist.at_h, *in_time]))
        self._now_h = ends_h
        return RoundTime(
            hands_on_h=chemist.hands_on_h,
            ends_h=ends_h,
            all_in_h=self._week.opens(max([ends_h, *(at for _, at in done)])),
        )

    def _measured(self, chemist: "_Chemist", name: str) -> float:
        """When a reading is there: hands first, then the instrument once a channel is free."""
        cost: MeasurementCost = self._costs.of(name)
        begun = chemist.work(cost.hands_h)
        free = self._channels.setdefault(name, [0.0] * cost.channels)
        ends_h = max(begun, free[0]) + max(0.0, cost.delay_h - cost.hands_h)
        heapq.heapreplace(free, ends_h)
        return ends_h


class _Chemist:
    """One pair of hands."""

    def __init__(self, week: WorkingWeek, from_h: float) -> None:
        self._week = week
        self.at_h = from_h
        self.hands_on_h = 0.0

    def work(self, hours: float) -> float:
        """Do something now; when it is done."""
        if hours > 0:
            self.at_h = self._week.worked(self.at_h, hours)
            self.hands_on_h += hours
        return self.at_h

    def wait(self, hours: float) -> None:
        """Nothing to do until something is finished."""
        self.at_h += hours
