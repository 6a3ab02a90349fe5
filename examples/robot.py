"""A robot's loop against a running glassloop: propose, make, measure, record, and again.

Try it with the stand-in laboratory below. Its numbers are invented, so it works for a simulated
campaign only, which a campaign becomes when its first round is simulated::

    glassloop init robot
    glassloop propose --campaign robot
    glassloop simulate --campaign robot
    glassloop serve --campaign robot              # in another terminal
    python examples/robot.py --campaign robot --rounds 2

For a real laboratory replace one class, ``StandIn``, by one that moves your own equipment: its
``make`` and ``measure`` get what the round asks for and return rows. Set ``is_invented`` to
``False`` and take a campaign that was never simulated; nothing else changes. On a computer without
glassloop copy ``experiments/client.py`` beside this file and import from ``client``.

The loop outlives the server and itself. What it did is kept in a small file, and every request has
a key that follows from it: server and loop may be stopped at any moment and started again, and no
round is proposed twice and no row recorded twice. What was being made or measured when the loop
itself was killed is begun again. Ctrl+C stops after the step at hand, a second one at once.
"""

import argparse
import json
import os
import random
import signal
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, Protocol
from uuid import uuid4

from experiments.client import (
    ApiProblem,
    Campaign,
    Client,
    JobFailedError,
    ServerAwayError,
)

Row = dict[str, Any]
Item = Mapping[str, Any]
"""A glass or a tri-layer of a round: ``id``, ``recipe``, ``predictions``, of a glass ``pellet``."""


class Laboratory(Protocol):
    """What makes and measures; the one thing to replace."""

    is_invented: bool
    """Whether its numbers are measured nowhere."""

    def make(self, item: Item, round_: Row) -> list[Row]:
        """Make it; a row for each specimen, as of made.csv (see docs/files.md).

        The jars of a round share a mill run, so ``round_`` has all of them. A failure is a row too,
        with ``"status": "failed"`` and a ``reason``; what cannot be built since a jar failed has
        the status ``not_made``.
        """
        ...

    def measure(self, item: Item, temperature_c: float) -> list[Row]:
        """Measure it; a row for each reading, as of results.csv.

        Below an instrument's floor give a bound, ``"<1e-12"``; what will not be measured has the
        value ``"not_measured"``.
        """
        ...


class StandIn:
    """Pretends to make and measure. Every number in it is invented.

    Operators begin with ``virtual lab`` and methods with ``simulated``: by these words the server
    knows such rows, and refuses them in a real campaign.
    """

    is_invented = True

    def make(self, item: Item, round_: Row) -> list[Row]:
        """Made as asked for, without exception."""
        told = {"status": "made", "operator": "virtual lab: stand-in of examples/robot.py"}
        if "pellet" not in item:
            return [{"specimen": item["id"], "kind": "cell", **told}]
        weighed = {f"{name}_mg": mass for name, mass in item["masses_mg"].items()}
        recovered_mg = round(800 * item["batch_mass_g"])
        return [
            {"specimen": item["id"], "kind": "jar", "recovered_mass_mg": recovered_mg}
            | weighed
            | told,
            {"specimen": item["pellet"], "kind": "pellet", **told},
        ]

    def measure(self, item: Item, temperature_c: float) -> list[Row]:
        """A reading of everything the round predicts of it."""
        specimen = item.get("pellet", item["id"])
        recipe = item["recipe"].get("skin_recipe", item["recipe"])
        return [
            self._reading(specimen, name, recipe["x"], temperature_c)
            for name in item["predictions"]
        ]

    def _reading(self, specimen: str, name: str, x: float, temperature_c: float) -> Row:
        scatter = random.Random(f"{specimen} {name}").lognormvariate(0.0, 0.1)
        values = {
            "ionic_conductivity": 2e-4 * (1 - 0.8 * x) * scatter,
            "electronic_conductivity": 1e-9 * (1 + x) * scatter,
            "youngs_modulus": (17 + 8 * x) * scatter,
            "relative_density": min(0.93 * scatter, 0.99),
            "charge_transfer_resistance": 60 * (1 - 0.3 * x) * scatter,
            "area_specific_resistance": 500 * scatter,
            "critical_current_density": (1 + x) * scatter,
        }
        is_warm = name not in ("youngs_modulus", "relative_density")
        row: Row = {
            "specimen": specimen,
            "property": name,
            "value": float(f"{values[name]:.3g}"),
            "temperature_c": temperature_c if is_warm else 25.0,
            "method": "simulated by the stand-in",
        }
        if name == "critical_current_density":  # the last step passed, and the programme
            last = round(values[name] / 0.05) * 0.05
            row["value"] = f"{last:.2f}..{last + 0.05:.2f}"
            row |= {"start_ma_cm2": 0.05, "step_ma_cm2": 0.05, "half_cycle_h": 0.5}
        return row


@dataclass
class Memory:
    """What the loop must not forget, in a file that is replaced whole.

    Attributes:
        campaign_id: Whose memory it is.
        name: Of this memory; keys of requests begin with it.
        n_rounds: Rounds done.
        round_id: The round at hand.
        made: Specimen rows by item.
        measured: Reading rows by item.
        recorded: Items the server has.
    """

    campaign_id: str
    name: str = field(default_factory=lambda: uuid4().hex)
    n_rounds: int = 0
    round_id: str | None = None
    made: dict[str, list[Row]] = field(default_factory=dict)
    measured: dict[str, list[Row]] = field(default_factory=dict)
    recorded: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, path: Path, campaign_id: str) -> "Memory":
        """What the file holds; an empty memory when there is none."""
        if not path.exists():
            return cls(campaign_id)
        found = cls(**json.loads(path.read_text(encoding="utf-8")))
        if found.campaign_id != campaign_id:
            raise SystemExit(f"{path}: is of another campaign; give --memory another file")
        return found

    def keep(self, path: Path) -> None:
        """Write the file, and be sure that it is on the disk."""
        partial = path.with_name(f"{path.name}.part")
        with partial.open("w", encoding="utf-8") as file:
            json.dump(asdict(self), file)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)

    def next_round(self) -> None:
        """Forget the round that is done."""
        self.n_rounds += 1
        self.round_id = None
        self.made, self.measured, self.recorded = {}, {}, []


class Robot:
    """Goes round by round.

    Args:
        campaign: Where results go.
        laboratory: What makes and measures.
        memory: File that is kept.
        ask: Numbers of the proposals: ``glasses``, ``trilayers``, ``budget_h``.
    """

    def __init__(
        self, campaign: Campaign, laboratory: Laboratory, memory: Path, ask: Mapping[str, Any]
    ) -> None:
        self._campaign, self._laboratory, self._ask = campaign, laboratory, ask
        facts = campaign.facts()
        if laboratory.is_invented and facts["kind"] != "simulated":
            raise SystemExit(
                f"campaign {campaign.name} is real and this laboratory invents its numbers; take a "
                "simulated campaign, or a laboratory that measures"
            )
        self._temperature_c = float(facts["temperature_c"])
        self._path = memory
        self._memory = Memory.of(memory, facts["id"])
        self._is_told_to_stop = False

    def stop(self, number: int, frame: FrameType | None) -> None:
        """End after the step at hand; the second time at once."""
        self._is_told_to_stop = True
        signal.signal(number, signal.SIG_DFL)
        say("told to stop: ends after this step")

    def run(self, rounds: int) -> None:
        """Do so many rounds, beginning with the one at hand."""
        memory = self._memory
        last = memory.n_rounds + rounds
        while memory.n_rounds < last and not self._is_told_to_stop:
            if memory.round_id is None:
                self._propose()
            else:
                self._step(self._campaign.round(memory.round_id))
            memory.keep(self._path)
        say("ended")

    def _propose(self) -> None:
        memory = self._memory
        memory.keep(self._path)  # the key is on the disk before it is used
        key = f"{memory.name}-round-{memory.n_rounds + 1}"
        job = self._campaign.propose(**self._ask, accept=True, key=key)
        say(f"asked for a round, job {job.id}")
        memory.round_id = job.wait()["round"]
        say(f"{memory.round_id}: proposed")

    def _step(self, round_: Row) -> None:
        """What comes next: make, measure or record the first item that is not done."""
        memory = self._memory
        items: list[Item] = [*round_["glasses"], *round_["trilayers"]]
        item = next((item for item in items if item["id"] not in memory.recorded), None)
        if item is None:
            say(f"{memory.round_id}: done")
            memory.next_round()
        elif (name := item["id"]) not in memory.made:
            memory.made[name] = self._laboratory.make(item, round_)
            said = ", ".join(row["status"] for row in memory.made[name])
            say(f"{name}: {said}")
        elif name not in memory.measured:
            is_sound = all(row["status"] == "made" for row in memory.made[name])
            found = self._laboratory.measure(item, self._temperature_c) if is_sound else []
            memory.measured[name] = found
            say(f"{name}: measured, {len(found)} readings")
        else:
            self._record(name)

    def _record(self, name: str) -> None:
        memory = self._memory
        done = self._campaign.record(
            specimens=memory.made[name], readings=memory.measured[name], key=f"{memory.name}-{name}"
        )
        memory.recorded.append(name)
        say(f"{name}: recorded, {done.specimens} specimens, {done.readings_added} readings")
        for warning in done.warnings:
            say(f"{name}: {warning}")


def say(text: str) -> None:
    """One line, at once."""
    print(text, flush=True)  # noqa: T201 - a program for a terminal


def main() -> int:
    """Read the command line and run.

    Returns:
        0, or 1 after what a person must look at.
    """
    parser = argparse.ArgumentParser(description="A robot's loop against a running glassloop.")
    parser.add_argument("--address", default="http://127.0.0.1:8080")
    parser.add_argument("--campaign", required=True, help="its name on the server")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--glasses", type=int)
    parser.add_argument("--trilayers", type=int)
    parser.add_argument("--memory", type=Path, default=Path("robot.json"))
    given = parser.parse_args()
    token = os.environ.get("GLASSLOOP_TOKEN")  # not an option: others can see those
    asked = {"glasses": given.glasses, "trilayers": given.trilayers}
    try:
        with Client(given.address, token) as client:
            campaign = client.campaign(given.campaign)
            robot = Robot(campaign, StandIn(), given.memory, asked)
            signal.signal(signal.SIGINT, robot.stop)
            signal.signal(signal.SIGTERM, robot.stop)
            robot.run(given.rounds)
    except (ApiProblem, JobFailedError, ServerAwayError) as error:
        say(f"stopped: {error}")
        say(f"Start it again when that is mended; rows that were refused lie in {given.memory}.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
