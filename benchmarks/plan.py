"""Does what a plan says come true? Plans of simulated campaigns, against what then happened.

    .venv/bin/python benchmarks/plan.py [--worlds A,B,E,F] [--seeds 8] [--before 1] [--rounds 3]
                                        [--truths 10] [--jobs 2] [--out FILE]

Each virtual laboratory makes a few rounds; then the campaign is planned ahead from what its
surrogates believe, and afterwards it really goes on in the same laboratory. Kept is what the plan
said of meeting the target by round k, and whether it was met by then, both judged by true values
of sound specimens. Printed are the mean chance against the share of campaigns, with its Jeffreys
90 % interval, and the Brier score against that of a plan that says the mean share to everybody
(judged by the same campaigns, so that it is hard to beat). Worlds A to D share the law of the
physics priors, E to G do not; they are told apart. Nothing here is a test.
"""

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from joblib import Parallel, delayed

from experiments.campaign import Campaign
from experiments.closed_loop import run_loop
from experiments.config import CampaignConfig, MlflowConfig
from experiments.made_recipes import TrueValues
from experiments.plan import plan_ahead
from experiments.plan_options import PlanOption
from experiments.plan_statistics import chance
from experiments.targets import Target
from experiments.virtual_lab import VirtualLab
from experiments.virtual_worlds import World

SHARING_THE_LAW = "ABCD"


def planned_and_done(
    world: str, seed: int, *, target: str, before: int, rounds: int, truths: int
) -> dict[str, Any]:
    """What a plan says of a campaign, and what happens."""
    wanted = Target.of([target])
    config = CampaignConfig(name="plan", mlflow=MlflowConfig(track=False))
    option = PlanOption(glasses=config.batch.glasses, trilayers=config.batch.trilayers)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "plan"
        with Campaign.create(folder, config, pictures=False) as campaign:
            laboratory = VirtualLab(World(world), seed=seed)
            for _ in run_loop(campaign, laboratory, rounds=before):
                pass
            plan = plan_ahead(
                campaign.ledger, campaign.config, campaign.knowledge(), target=wanted,
                options=[option], rounds=rounds, n_worlds=truths, anyway=True,
            )  # fmt: skip
            truth = TrueValues(laboratory)
            met = [_met(truth, campaign, wanted)]
            for _ in run_loop(campaign, laboratory, rounds=rounds):
                met.append(_met(truth, campaign, wanted))
    met += [met[-1]] * (rounds + 1 - len(met))
    outcome = plan.options[0].outcome
    said = [] if outcome is None else [e.value for e in outcome.by_round]
    return {"world": world, "seed": seed, "target": target, "before": before, "truths": truths,
            "said": said, "met": met, "reach": plan.reach.probability}  # fmt: skip


def _met(truth: TrueValues, campaign: Campaign, target: Target) -> bool:
    of = truth.of_cells if target.is_of_cells else truth.of_pellets
    values = of(campaign.ledger, target.properties).values()
    return any(target.is_met(value) for value in values)


def report(rows: list[dict[str, Any]]) -> None:
    """Print the tables, worlds that share the physics priors' law apart from those that do not."""
    for shares in (True, False):
        own = [row for row in rows if (row["world"] in SHARING_THE_LAW) is shares]
        if not own:
            continue
        letters = "".join(sorted({row["world"] for row in own}))
        print(f"worlds {letters}, {len(own)} campaigns: {own[0]['target']}")
        print(f"{'by round':>9}{'said':>8}{'met':>8}{'90 %':>14}{'Brier':>8}{'constant':>10}")
        for k in range(len(own[0]["met"])):
            said = np.array([row["said"][k] for row in own])
            met = np.array([row["met"][k] for row in own], dtype=float)
            share = chance(int(met.sum()), len(met))
            brier, constant = np.mean((said - met) ** 2), np.var(met)
            print(
                f"{k:>9}{said.mean():8.2f}{share.value:8.2f}"
                f"{share.lower:8.2f}..{share.upper:.2f}{brier:8.3f}{constant:10.3f}"
            )


def main() -> None:
    """Run all campaigns, write them down and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--worlds", default="A,B,E,F")
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--before", type=int, default=1, help="rounds made before the plan")
    parser.add_argument("--rounds", type=int, default=3, help="rounds planned and then made")
    parser.add_argument("--truths", type=int, default=10)
    parser.add_argument("--target", default="critical_current_density>2.5")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, default=None, help="JSON lines, one a campaign")
    given = parser.parse_args()
    rows = Parallel(n_jobs=given.jobs)(
        delayed(planned_and_done)(
            world, seed, target=given.target, before=given.before, rounds=given.rounds,
            truths=given.truths,
        )
        for world in given.worlds.split(",")
        for seed in range(given.seeds)
    )  # fmt: skip
    if given.out is not None:
        given.out.write_text("".join(json.dumps(row) + "\n" for row in rows))
    report(rows)


if __name__ == "__main__":
    main()
