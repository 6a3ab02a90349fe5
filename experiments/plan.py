"""Plans a campaign ahead: how likely a target is, after how many rounds, and by which way to go on.

Whole campaigns are lived through, by the code the real one runs, in worlds drawn from what the
surrogates believe now (``experiments.fantasy``). Nothing is written in the campaign.
"""

import warnings
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, final

from joblib import Parallel, delayed

from experiments.assumptions import assumption_sentences
from experiments.closed_loop import LATE
from experiments.config import CampaignConfig
from experiments.knowledge import Knowledge
from experiments.ledger import Ledger
from experiments.next_round import NextRounds, next_round
from experiments.plan_options import PlanOption
from experiments.plan_reach import Reach, reach_of
from experiments.plan_statistics import Difference, Outcome, difference_of, outcome_of
from experiments.plan_world import LEFT_H, Run, Snapshot, lived_through
from experiments.targets import Target
from features.errors import CampaignError

Progress = Callable[[int, int], None]
"""Told how many imagined campaigns are done, of how many."""

N_WORLDS: Final = 10
QUICK_WORLDS: Final = 5
ROUNDS: Final = 4
MOST_ROUNDS: Final = 12
WORTH: Final = 0.01


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedOption:
    """An option with what it comes to.

    Attributes:
        option: Batch and measurements.
        round_hours: Work of hands in a round of which nothing fails, h.
        rounds: The most rounds it may take; 0 if the budget pays for none.
        outcome: What it comes to; ``None`` if nothing was imagined.
        difference: From the first option; ``None`` for that one.
    """

    option: PlanOption
    round_hours: float
    rounds: int = 0
    outcome: Outcome | None = None
    difference: Difference | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {
            "label": self.option.label,
            "glasses": self.option.glasses,
            "trilayers": self.option.trilayers,
            "without": list(self.option.without),
            "round_hours": self.round_hours,
            "rounds": self.rounds,
            "outcome": None if self.outcome is None else self.outcome.to_dict(),
            "difference": None if self.difference is None else self.difference.to_dict(),
        }


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The answer.

    Attributes:
        campaign: Name of the campaign.
        simulated: Whether its data come from a simulation.
        target: What is to be reached.
        budget_h: Work of hands there is, h.
        n_worlds: Worlds lived through.
        seed: Of the first world.
        reach: What can be reached at all.
        options: Compared; the first is what others are compared with.
        too_dear: Options whose first round the budget does not pay for.
        open_rounds: Rounds that were open and are finished first.
        next_rounds: What the next round adds to the hypervolume, by the surrogates.
        n_readings: Readings of each property the target is about.
        programme_end_ma_cm2: Where a programme of critical current ends.
        assumptions: In force, one sentence each.
        runs: Every imagined campaign.
    """

    campaign: str
    simulated: bool
    target: Target
    budget_h: float
    n_worlds: int
    seed: int
    reach: Reach
    options: tuple[PlannedOption, ...]
    too_dear: tuple[PlannedOption, ...]
    open_rounds: tuple[str, ...]
    next_rounds: NextRounds
    n_readings: dict[str, int]
    programme_end_ma_cm2: float
    assumptions: tuple[str, ...]
    runs: tuple[Run, ...]

    @property
    def was_imagined(self) -> bool:
        """Whether campaigns were lived through; not for a target out of reach."""
        return bool(self.runs)

    def runs_of(self, position: int) -> list[Run]:
        """Campaigns of an option, world by world."""
        return [run for run in self.runs if run.option == position]


def plan_ahead(
    ledger: Ledger,
    config: CampaignConfig,
    knowledge: Knowledge,
    *,
    target: Target,
    options: Sequence[PlanOption],
    budget_h: float | None = None,
    rounds: int | None = None,
    n_worlds: int = N_WORLDS,
    seed: int = 0,
    anyway: bool = False,
    late: Collection[str] = LATE,
    progress: Progress | None = None,
) -> Plan:
    """What to expect of going on with a campaign. Opens no round, writes nothing.

    Args:
        ledger: Of the campaign; it is copied.
        config: Search space, costs, objectives.
        knowledge: Fitted surrogates.
        target: What is to be reached.
        options: Ways to go on; the first is what others are compared with.
        budget_h: Work of hands there is, h; that of ``rounds`` rounds of the first option when
            left out.
        rounds: The most rounds an option may take; within a budget ``MOST_ROUNDS`` when left out.
        n_worlds: Worlds to live through.
        seed: Of the first world; the others follow.
        anyway: Imagine campaigns for a target out of reach too.
        late: Properties whose results come a round later.
        progress: Told after each campaign.

    Returns:
        The plan.

    Raises:
        CampaignError: If worlds, rounds or hours are none, or the budget pays for no round.
        LedgerError: If the ledger is no SQLite file.
    """
    _require(budget_h=budget_h, rounds=rounds, n_worlds=n_worlds)
    costed = [PlannedOption(option=o, round_hours=o.round_hours(config)) for o in options]
    hours = (rounds or ROUNDS) * costed[0].round_hours if budget_h is None else budget_h
    most = MOST_ROUNDS if budget_h is None else rounds or MOST_ROUNDS
    costed = [_afforded(part, hours, most, exactly=budget_h is None) for part in costed]
    paid = [part for part in costed if part.rounds]
    if not paid:
        raise CampaignError(
            f"plan: {hours:g} h do not pay for one round, got a need of "
            f"{min(part.round_hours for part in costed):g} h of hands for the smallest; give more, "
            "plan a smaller batch, or correct 'costs' in campaign.yaml"
        )
    reach = reach_of(knowledge, config, target, first_world=seed)
    runs: list[Run] = []
    if anyway or not reach.is_hopeless:
        runs = _lived_through(
            Snapshot.of(ledger, config), paid, target,
            worlds=range(seed, seed + n_worlds), budget_h=hours, late=late, progress=progress,
        )  # fmt: skip
    return Plan(
        campaign=config.name,
        simulated=ledger.kind == "simulated",
        target=target,
        budget_h=hours,
        n_worlds=n_worlds,
        seed=seed,
        reach=reach,
        options=_with_outcomes(paid, runs, hours),
        too_dear=tuple(part for part in costed if not part.rounds),
        open_rounds=_open_rounds(ledger),
        next_rounds=next_round(ledger, _sized(config, paid[0].option), knowledge, worth=WORTH),
        n_readings={
            name: int((knowledge.fitted["property"] == name).sum()) for name in target.properties
        },
        programme_end_ma_cm2=config.cells.ccd_protocol.end_ma_cm2,
        assumptions=tuple(assumption_sentences(ledger, config)),
        runs=tuple(runs),
    )


def _sized(config: CampaignConfig, option: PlanOption) -> CampaignConfig:
    """The configuration with the batch size of an option."""
    size = {"glasses": option.glasses, "trilayers": option.trilayers}
    return config.model_copy(update={"batch": config.batch.model_copy(update=size)})


def _require(*, budget_h: float | None, rounds: int | None, n_worlds: int) -> None:
    if n_worlds < 1:
        raise CampaignError(
            f"plan: needs one drawn truth at least, got {n_worlds}; {N_WORLDS} are usual"
        )
    if rounds is not None and rounds < 1:
        raise CampaignError(f"plan: needs one round at least, got {rounds}; {ROUNDS} are usual")
    if budget_h is not None and not 0 < budget_h < float("inf"):
        raise CampaignError(
            f"plan: a budget must be a number of working hours above zero, got {budget_h:g}; "
            "leave it out to plan a number of rounds"
        )


def _afforded(part: PlannedOption, budget_h: float, most: int, *, exactly: bool) -> PlannedOption:
    """The option with the most rounds it may take; where rounds fail, hours are left for more."""
    fits = int((budget_h + LEFT_H) // part.round_hours)
    return replace(part, rounds=min(most, fits) if exactly or not fits else most)


def _lived_through(
    snapshot: Snapshot,
    options: Sequence[PlannedOption],
    target: Target,
    *,
    worlds: range,
    budget_h: float,
    late: Collection[str],
    progress: Progress | None,
) -> list[Run]:
    tasks = [
        delayed(lived_through)(
            snapshot, part.option, target,
            world=world, position=place, rounds=part.rounds, budget_h=budget_h, late=late,
        )
        for world in worlds
        for place, part in enumerate(options)
    ]  # fmt: skip
    runs = []
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "A worker stopped", UserWarning)  # another takes over
        for run in Parallel(return_as="generator", batch_size=1)(tasks):
            runs.append(run)
            if progress is not None:
                progress(len(runs), len(tasks))
    return runs


def _with_outcomes(
    options: Sequence[PlannedOption], runs: Sequence[Run], budget_h: float
) -> tuple[PlannedOption, ...]:
    if not runs:
        return tuple(options)
    each = [[run for run in runs if run.option == place] for place in range(len(options))]
    return tuple(
        replace(
            part,
            outcome=outcome_of(own, part.rounds),
            difference=difference_of(own, each[0], budget_h=budget_h) if place else None,
        )
        for place, (part, own) in enumerate(zip(options, each, strict=True))
    )


def _open_rounds(ledger: Ledger) -> tuple[str, ...]:
    rounds = ledger.rounds()
    return tuple(str(name) for name in rounds.loc[rounds["state"] == "open", "id"])
