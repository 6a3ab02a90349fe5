"""A campaign in a simulated laboratory, round by round, by the real thing's own code."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

from experiments.campaign import Campaign
from experiments.clock import Clock
from experiments.laboratory import Laboratory
from experiments.round_plan import Chooser, Round, choose_round
from experiments.simulation import VIRTUAL
from features.errors import SpaceError

LATE: Final = ("critical_current_density",)
"""What comes a round later unless said otherwise: a critical current blocks a channel for days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopRound:
    """A round that was made.

    Attributes:
        number: 1 for the first of the loop.
        round: As it was proposed.
        hands_on_h: Work of hands in it, h.
        ends_h: When the next one can be proposed, h after Monday morning of the first week.
        price_h: What it cost by ``costs`` of the configuration, as ``propose --budget`` counts.
    """

    number: int
    round: Round
    hands_on_h: float
    ends_h: float
    price_h: float


def run_loop(
    campaign: Campaign,
    laboratory: Laboratory,
    *,
    rounds: int,
    glasses: int | None = None,
    trilayers: int | None = None,
    choose: Chooser = choose_round,
    late: Collection[str] = LATE,
    without: Collection[str] = (),
) -> Iterator[LoopRound]:
    """Propose, make, measure and record, round after round.

    Results of ``late`` properties are recorded after the next round was proposed, as in a
    laboratory that does not wait for them; those of the last round once it is made.

    Args:
        campaign: Becomes simulated, for good.
        laboratory: Makes and measures.
        rounds: How many.
        glasses: Jars a round; the configuration's number when left out.
        trilayers: Cells a round; the configuration's number when left out.
        choose: What chooses the recipes.
        late: Properties whose results come a round later.
        without: Properties that are never measured.

    Yields:
        Each round once its own results are in; the loop ends early when nothing new is left to
        propose.
    """
    clock = Clock(campaign.config)
    waiting: str | None = None
    for number in range(1, rounds + 1):
        try:
            round_ = campaign.propose(glasses=glasses, trilayers=trilayers, choose=choose)
        except SpaceError:  # nothing new is left; what is late still comes
            if waiting is not None:
                _record(campaign, laboratory, waiting, late=(), without=without)
            return
        name = str(round_["round"])
        if waiting is not None:
            _record(campaign, laboratory, waiting, late=(), without=without)
        _record(campaign, laboratory, name, late=late, without=without)
        waiting = name if late else None
        time = clock.after(campaign.ledger, round_, late=late, without=without)
        price_h = sum(item["cost_h"] for item in [*round_["glasses"], *round_["trilayers"]])
        if waiting is not None and number == rounds:
            _record(campaign, laboratory, waiting, late=(), without=without)
        yield LoopRound(
            number=number,
            round=round_,
            hands_on_h=time.hands_on_h,
            ends_h=time.ends_h,
            price_h=price_h,
        )


def _record(
    campaign: Campaign,
    laboratory: Laboratory,
    round_id: str,
    *,
    late: Collection[str],
    without: Collection[str],
) -> None:
    files = campaign.fill(laboratory, round_id, late=late, without=without)
    campaign.record(*files, by=f"{VIRTUAL}: {laboratory.source}")
