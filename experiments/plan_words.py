"""A plan in words. What its numbers do not tell apart is never ranked."""

from math import isfinite
from typing import Any, Final

from experiments.plan import Plan, PlannedOption
from experiments.plan_reach import Best
from experiments.plan_statistics import Estimate, chance, is_never
from experiments.success_words import percent_text
from features.properties import property_of

CURRENT: Final = "critical_current_density"
FEW_READINGS: Final = 10
"""With fewer readings of what the target is about it is said that the prior has its say."""

COLUMNS: Final = (
    "option", "h a round", "by round 1", "in the end", "rounds to target", "hours to target",
    "hours worked", "pellets", "cells",
)  # fmt: skip


def plan_rows(plan: Plan) -> list[tuple[str, ...]]:
    """The table, one row an option; ``COLUMNS`` are its head.

    Args:
        plan: One whose campaigns were imagined.
    """
    rows: list[tuple[str, ...]] = []
    for part in plan.options:
        found = part.outcome
        if found is None:
            continue
        rows.append(
            (
                part.option.label,
                f"{part.round_hours:.0f}",
                percent_range(found.by_round[min(1, part.rounds)]),
                percent_range(found.chance),
                _times(found.rounds_to_target, part.rounds),
                _times(found.hours_to_target, plan.budget_h),
                f"{found.hours.value:.0f}",
                f"{found.pellets.value:.0f}",
                f"{found.cells.value:.0f}",
            )
        )
    return rows


def plan_sentences(plan: Plan) -> list[str]:
    """What the plan says besides the table, one sentence each.

    Args:
        plan: The plan.
    """
    sentences = [_reach_sentence(plan), *_bound_sentences(plan)]
    if not plan.was_imagined:
        return [*sentences, *_next_sentences(plan), *_rest_sentences(plan)]
    sentences += [difference_sentence(part, plan) for part in plan.options[1:]]
    sentences.append(recommendation(plan))
    return [*sentences, *_next_sentences(plan), *_rest_sentences(plan)]


def recommendation(plan: Plan) -> str:
    """Which way to go on, or that the truths drawn do not tell.

    Args:
        plan: One whose campaigns were imagined.
    """
    first, others = plan.options[0], plan.options[1:]
    n = _truths(plan.n_worlds)
    if not any(run.met_at is not None for run in plan.runs):
        return f"Recommendation: none; no option met the target in {n}: ask for less, or give more"
    if not others:
        return f"Recommendation: none; only {first.option.label} was tried"
    better = [part for part in others if _sign(part, "chance") > 0]
    worse = [part for part in others if _sign(part, "chance") < 0]
    if len(better) == 1:
        return f"Recommendation: {better[0].option.label}; it meets the target more often"
    if better:
        return (
            f"Recommendation: one of {_listed(better)}, which meet the target more often than "
            f"{first.option.label}; {n} do not tell which"
        )
    if len(worse) == len(others):
        return f"Recommendation: {first.option.label}; the others meet the target less often"
    level = [part for part in others if part not in worse]
    saving = [part for part in level if _sign(part, "hours") < 0]
    told = f"Not told apart by {n}: {_listed([first, *level])}"
    if saving:
        return f"{told}. Recommendation: {_listed(saving)}, for less work"
    if level and all(_sign(part, "hours") > 0 for part in level):
        return f"{told}. Recommendation: {first.option.label}, for less work"
    return f"{told}, nor by their work. Recommendation: whichever suits; more --truths tell more"


def difference_sentence(part: PlannedOption, plan: Plan) -> str:
    """An option against the first, with intervals.

    Args:
        part: Not the first.
        plan: Its plan.
    """
    found = part.difference
    if found is None:
        return ""
    chances = (
        f"{_signed(100 * found.chance.value)} points of chance "
        f"(90 %: {_signed(100 * found.chance.lower)}..{_signed(100 * found.chance.upper)})"
    )
    hours = f"{_signed(found.hours.value)} h of work, the whole budget where it is not met"
    if isfinite(found.hours.lower):
        hours += f" (90 %: {_signed(found.hours.lower)}..{_signed(found.hours.upper)})"
    return (
        f"{part.option.label} against {plan.options[0].option.label}: {chances}, {hours}; it alone "
        f"met the target in {found.only_this}, the other alone in {found.only_first} of "
        f"{_truths(plan.n_worlds)}"
    )


def plan_json(plan: Plan) -> dict[str, Any]:
    """The plan as plain data; infinities are times that never come.

    Args:
        plan: The plan.
    """
    return {
        "campaign": plan.campaign,
        "simulated": plan.simulated,
        "target": plan.target.in_words(),
        "budget_h": plan.budget_h,
        "truths": plan.n_worlds if plan.was_imagined else 0,
        "seed": plan.seed,
        "reach": {
            "truths": plan.reach.n_worlds,
            "recipes": plan.reach.n_recipes,
            "probability": plan.reach.probability,
            "best": [
                {name: getattr(best, name) for name in Best.__slots__} for best in plan.reach.best
            ],
        },
        "options": [part.to_dict() for part in plan.options],
        "too_dear": [part.option.label for part in plan.too_dear],
        "open_rounds": list(plan.open_rounds),
        "next_round": plan.next_rounds,
        "n_readings": plan.n_readings,
        "assumptions": list(plan.assumptions),
        "in_words": plan_sentences(plan),
    }


def percent_range(found: Estimate) -> str:
    """A chance with its interval.

    Examples:
        >>> percent_range(Estimate(value=0.25, lower=0.05, upper=0.65))
        '25 % (5..65 %)'
    """
    low, high = (percent_text(end) for end in (found.lower, found.upper))
    return f"{100 * found.value:.0f} % ({low}..{high} %)"


def _reach_sentence(plan: Plan) -> str:
    reach = plan.reach
    best = "; ".join(_best_words(part) for part in reach.best)
    found = chance(reach.n_within, reach.n_worlds)
    seen = (
        f"among {reach.n_recipes} recipes of the search space, in {reach.n_within} of "
        f"{_truths(reach.n_worlds)} one or more meet the target"
    )
    if reach.is_hopeless:
        return (
            f"No candidate is believed to meet the target: {seen} (probability "
            f"{percent_range(found)}); best reachable: {best}"
        )
    return f"In reach: {seen} ({percent_range(found)}); best: {best}"


def _best_words(best: Best) -> str:
    entry = property_of(best.property)
    unit = "" if entry.unit == "1" else f" {entry.unit}"
    values = f"{best.median:.2g} (90 %: {best.lower:.2g}..{best.upper:.2g}){unit}"
    return f"{entry.label} {values}"


def _bound_sentences(plan: Plan) -> list[str]:
    """Where readings end before the target."""
    return [
        f"Target above the programme's end: readings of the critical current density end at "
        f"{plan.programme_end_ma_cm2:g} mA/cm2 and are bounds from there on; a higher truth counts "
        "here though no reading shows it"
        for condition in plan.target.conditions
        if condition.property == CURRENT
        and condition.is_least
        and condition.value >= plan.programme_end_ma_cm2
    ]


def _next_sentences(plan: Plan) -> list[str]:
    first = plan.options[0]
    sentences = []
    if first.outcome is not None:
        before, after = first.outcome.by_round[0], first.outcome.by_round[min(1, first.rounds)]
        stands = f"; {percent_range(before)} stand there already" if before.value else ""
        sentences.append(
            f"Next round ({first.option.label}): the target is met after it with "
            f"{percent_range(after)}{stands}"
        )
    for label, found in plan.next_rounds.items():
        if found is not None:
            sentences.append(f"Next round, {label}: {found['in_words']}")
    return sentences


def _rest_sentences(plan: Plan) -> list[str]:
    sentences = [
        f"Left out: {part.option.label}; one round takes {part.round_hours:.0f} h of hands, more "
        f"than {plan.budget_h:g} h"
        for part in plan.too_dear
    ]
    if plan.open_rounds:
        sentences.append(
            f"Open rounds are imagined first: {', '.join(plan.open_rounds)}; their hours are not "
            "counted, and what they meet is met before round 1"
        )
    counts = [
        f"{n} reading{'' if n == 1 else 's'} of {property_of(name).label}"
        for name, n in plan.n_readings.items()
    ]
    basis = f"Rests on what the surrogates believe now, from {' and '.join(counts)}"
    if min(plan.n_readings.values()) < FEW_READINGS:
        basis += ": so few that the plan says mostly what the prior says"
    return [*sentences, basis]


def _sign(part: PlannedOption, name: str) -> int:
    """1 or -1 where the interval of a difference leaves zero out, else 0."""
    found: Estimate | None = getattr(part.difference, name, None)
    if found is None or not found.tells_apart:
        return 0
    return 1 if found.lower > 0 else -1


def _times(found: Estimate, most: float) -> str:
    """Median and range; what does not come within the plan is above its end."""
    never = f">{most:.0f}"
    low, middle, high = (
        never if is_never(end) else f"{end:.0f}" for end in (found.lower, found.value, found.upper)
    )
    return never if low == never else f"{middle} ({low}..{high})"


def _truths(n: int) -> str:
    return f"{n} drawn truth{'' if n == 1 else 's'}"


def _listed(parts: "list[PlannedOption]") -> str:
    return " and ".join(part.option.label for part in parts)


def _signed(value: float) -> str:
    return f"{value:+.0f}"
