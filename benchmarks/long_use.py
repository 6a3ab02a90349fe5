"""Does a campaign with years of a busy laboratory still answer? 300 rounds, 8,000 readings.

    .venv/bin/python benchmarks/long_use.py                     # build, measure, draw; 15 minutes
    .venv/bin/python benchmarks/long_use.py build --to FOLDER   # only the campaigns, one a size
    .venv/bin/python benchmarks/long_use.py measure --from FOLDER

A campaign of 300 rounds would take days to propose one by one, so its ledger is written through
the ledger's own transactions: two jars, two pellets and one or two cells a round, made and
measured in the virtual lab (temperature sweeps, repeats, failures, bounds), with proposals,
predictions and baselines of fitted surrogates, hashes, a frozen model a round of the size it has
then, scores, surprises, messages for MLflow (delivered) and files of the rounds. What is not as in
a laboratory: recipes are drawn at random from the search space; surrogates are fitted to all
readings every 20 rounds, with hyperparameters learned once at 30 rounds, and a round's model is
that of the last fit with one count changed, so that it is a row of its own; scores compare a
reading with what was expected of the recipe as proposed, not as made, which ``verify`` says.

Each command runs in a process of its own on a copy of the campaign: wall and CPU seconds and peak
memory of the process, imports included; beside it the load of the machine, and what a fixed piece
of work took then.
"""

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

import argparse
import json
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from unittest import mock

import numpy as np
import pandas as pd
from speed import four_properties

from experiments.acting import acting, acting_by_itself
from experiments.campaign import Campaign
from experiments.canonical import canonical
from experiments.cell_batch import CellBatch, random_cells
from experiments.config import CampaignConfig, MlflowConfig
from experiments.frozen import frozen_header
from experiments.frozen_baselines import with_baselines
from experiments.glass_batch import GlassBatch
from experiments.knowledge import Knowledge, fit_knowledge
from experiments.ledger import Ledger
from experiments.ledger_rows import CellRow, JarRow, OutboxRow, PelletRow, ProposalRow, ReadingRow
from experiments.progress import hypervolumes
from experiments.proposed import Proposed
from experiments.round_files import round_texts
from experiments.round_messages import surrogate_runs
from experiments.round_plan import JAR_COLUMNS, Choice, choice_of, plan_round
from experiments.scoring import score, scores_frame, summary
from experiments.surprises import as_plain, bare_surprises
from experiments.virtual_lab import VirtualLab
from experiments.virtual_specimens import Measurement
from experiments.virtual_worlds import World
from features.properties import TEMPERATURE_DEPENDENT, property_of
from features.reading import parse_value
from features.recipe import GlassRecipe, TrilayerRecipe
from features.stoichiometry import Assays, masses_for
from models import gp

ROOT: Final = Path(__file__).parents[1]
RESULT: Final = ROOT / "benchmarks" / "results" / "long_use.json"
PICTURE: Final = ROOT / "docs" / "images" / "long_use.png"
SIZES: Final = (3, 10, 30, 100, 300)
READINGS_A_ROUND: Final = 8000 / 300
REFITS: Final = (1, 4, 11, 21, 31, 61, 101, 141, 181, 221, 261)
"""Rounds before which surrogates are fitted again."""

LEARNED_AT: Final = 30
"""Rounds after which the hyperparameters of all later frozen models are learned."""

SWEEP_C: Final = (25.0, 40.0, 60.0, 75.0, 90.0)
N_PARTS: Final = 3
"""Results of a round come in as many parts, each recorded and scored."""

LIMITS: Final = {"status": 1.0, "propose": 30.0, "report": 30.0, "peak_mb": 1500.0}


@dataclass
class Lab:
    """The virtual laboratory, and what it has made so far.

    Attributes:
        virtual: Makes and measures.
        rng: Draws recipes.
        jars: Jars by id.
        recipes: What each was told to be.
        n_readings: Readings taken.
    """

    virtual: VirtualLab = field(default_factory=lambda: VirtualLab(World("A"), seed=1))
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(7))
    jars: dict[str, Any] = field(default_factory=dict)
    recipes: dict[str, GlassRecipe] = field(default_factory=dict)
    n_readings: int = 0

    def glass(self) -> dict[str, Any]:
        """A recipe of a glass on the grid of the search space."""
        rng = self.rng
        return {
            "x": round(float(rng.integers(0, 61)) / 100, 2),
            "milling_time_h": float(rng.integers(2, 41)) / 2,
            "milling_media": str(rng.choice(["stainless_steel", "zirconia", "agate"])),
            "milling_speed_rpm": 500.0,
            "pressing_pressure_mpa": 75.0 + 25.0 * float(rng.integers(0, 18)),
        }


def n_cells(number: int) -> int:
    """Cells of a round: one, one, two, and so on."""
    return 2 if number % 3 == 0 else 1


@contextmanager
def learned_once(known: dict[tuple[float, ...], Any], *, learn: bool) -> Iterator[None]:
    """Inside it hyperparameters are those learned before, or learned and kept with ``learn``."""
    learn_them = gp.hyper_posterior

    def looked_up(prior: Any, told: Any, leftover: Any = None) -> Any:
        key = tuple(prior.medians.theta)
        if learn or key not in known:
            known[key] = learn_them(prior, told, leftover)
        found = known[key]
        return found if leftover is None else replace(
            found, points=(found.best,), weights=np.ones(1)
        )  # fmt: skip

    with mock.patch.object(gp, "hyper_posterior", looked_up):
        yield


def build(to: Path, sizes: Sequence[int]) -> None:
    """Write the campaigns ``to/0003`` and so on.

    Args:
        to: Folder; must not exist.
        sizes: Rounds after which the campaign is copied, ascending.
    """
    to.mkdir(parents=True)
    config = CampaignConfig(name="years", mlflow=MlflowConfig(folder="../mlruns"))
    folder, lab = to / "growing" / "years", Lab()
    folder.parent.mkdir()
    Campaign.create(folder, config, pictures=False).close()
    ledger = Ledger.open(folder / "ledger.db")
    known: dict[tuple[float, ...], Any] = {}
    starts = [start for start in REFITS if start <= sizes[-1]]
    begun = time.perf_counter()
    frozen: Frozen | None = None
    for start, end in zip(starts, [*starts[1:], sizes[-1] + 1], strict=True):
        with learned_once(known, learn=start <= LEARNED_AT + 1):
            knowledge = fit_knowledge(ledger, config)
        frozen = Frozen.of(ledger, config, knowledge, lab, frozen)
        print(f"{time.perf_counter() - begun:6.1f} s: fitted before round {start}", flush=True)
        for number, round_ in planned(config, frozen, lab, range(start, end)):
            write_round(ledger, config, frozen, lab, round_, number, folder)
            if number in sizes:
                shutil.copytree(folder, to / f"{number:04d}" / "years")
    ledger.close()
    shutil.rmtree(folder.parent)


@dataclass
class Frozen:
    """What rounds between two fits have in common.

    Attributes:
        knowledge: As fitted.
        text: Its body as it is kept.
        plan: A round planned with it, for what is said of a row.
        volumes: Hypervolumes then.
        runs: What MLflow is told of the surrogates.
        body: The frozen surrogates.
    """

    knowledge: Knowledge
    text: str
    plan: dict[str, Any]
    volumes: dict[str, Any]
    runs: list[dict[str, Any]]
    body: dict[str, Any]

    @classmethod
    def of(
        cls,
        ledger: Ledger,
        config: CampaignConfig,
        knowledge: Knowledge,
        lab: Lab,
        before: "Frozen | None",
    ) -> "Frozen":
        """Plan a round with random recipes, as a template; after many rounds the last one."""
        _, body = knowledge.frozen()
        counts = {name: model.n_readings for name, model in knowledge.layers.items()}
        counts |= dict.fromkeys(("critical_current_density", "area_specific_resistance"), 1)
        runs = surrogate_runs(body, counts, {})
        if before is not None and len(ledger.rounds()) > LEARNED_AT:
            return replace(before, knowledge=knowledge, text=canonical(body), runs=runs, body=body)
        run = lab.glass()["milling_time_h"]
        batch = GlassBatch(
            glasses=tuple(
                Proposed(
                    recipe=lab.glass() | {"milling_time_h": run},
                    role="exploit",
                    why="drawn at random",
                )
                for _ in range(2)
            ),
            run_why="drawn at random",
            learned=1 < len(ledger.rounds()) <= LEARNED_AT,
        )

        def cells(powder: Any) -> CellBatch:
            return random_cells(config, powder, k=2, rng=np.random.default_rng(0))

        def choose(*_: Any, **__: Any) -> Choice:
            return choice_of(ledger, config, batch, cells)

        plan = plan_round(ledger, config, knowledge, glasses=2, trilayers=2, choose=choose)
        return cls(knowledge, canonical(body), plan, hypervolumes(knowledge, config), runs, body)

    def model(self, number: int) -> str:
        """The model of a round: one count differs, so that each is a row of its own."""
        place = self.text.index('"n_specimens":') + len('"n_specimens":')
        return f"{self.text[:place]}{number + 1000}{self.text[self.text.index(',', place) :]}"


def write_round(
    ledger: Ledger,
    config: CampaignConfig,
    frozen: Frozen,
    lab: Lab,
    round_: dict[str, Any],
    number: int,
    folder: Path,
) -> None:
    """Propose, make, measure, score and close a round."""
    name = str(round_["round"])
    text = frozen.model(number)
    digest = sha256(text.encode()).hexdigest()
    round_ |= frozen_header(name, [*round_["glasses"], *round_["trilayers"]], digest)
    header = {k: v for k, v in round_.items() if k not in ("glasses", "trilayers")}
    texts = round_texts(round_, config)
    data = frozen.knowledge.fitted.to_csv(index=False)
    with acting("Ada", "command line"), ledger.transaction() as tx:
        tx.add_round(
            name, number=number, seed=0,
            config={"campaign": config.model_dump(mode="json"), "round": header},
        )  # fmt: skip
        tx.add_model(text)
        for row in planned_rows(round_, name):
            add = {"jar": tx.add_jar, "pellet": tx.add_pellet, "cell": tx.add_cell}[row.kind]
            add(row)
        for kind, items in (("glass", round_["glasses"]), ("trilayer", round_["trilayers"])):
            for item in items:
                tx.add_proposal(
                    ProposalRow(
                        round_id=name, specimen=item["id"], kind=kind,
                        recipe={k: v for k, v in item.items() if k != "predictions"},
                        prediction=item["predictions"], model_sha256=digest,
                        role=item["role"], why=item["why"],
                    )
                )  # fmt: skip
        told = [tx.add_outbox(OutboxRow(
            kind="round_opened", round_id=name,
            payload={
                "artifacts": {k: texts[k] for k in ("batch.csv", "batch_sheet.html")}
                | {"predictions.json": json.dumps(round_, indent=1)},
                "dataset": {"name": "readings", "csv": data},
                "models": frozen.body, "surrogates": frozen.runs, "step": number,
            },
        ))]  # fmt: skip
    parts = results(lab, round_, number)
    operator = "Ada"
    for place, part in enumerate(parts):
        with acting(operator, "page"), ledger.transaction() as tx:
            if place == 0:
                for row in made_rows(lab, round_, name, operator):
                    fix = {"jar": tx.correct_jar, "pellet": tx.correct_pellet,
                           "cell": tx.correct_cell}[row.kind]  # fmt: skip
                    fix(row)
            tx.add_file(f"{number:032d}{place:032d}", name="results.csv", counts={"readings": 9})
            for reading in part:
                tx.add_reading(reading)
            tx.add_round_event(name, "recorded", {"not_measured": []})
        told_so_far = [reading for part in parts[: place + 1] for reading in part]
        found = scores_of(round_, told_so_far, config.temperature_c)
        with acting_by_itself(), ledger.transaction() as tx:
            tx.add_round_event(name, "scored", {
                "scores": [asdict(one) for one in found],
                "surprises": [as_plain(one) for one in bare_surprises(found)],
                "summary": summary(found), "hypervolume": frozen.volumes,
            })  # fmt: skip
            told.append(tx.add_outbox(OutboxRow(
                kind="round_recorded", round_id=name,
                payload={"metrics": {}, "step": number,
                         "artifacts": {"scores.csv": scores_frame(found).to_csv(index=False)}},
            )))  # fmt: skip
    with acting_by_itself(), ledger.transaction() as tx:
        tx.add_round_event(name, "closed")
        tx.add_round_event(name, "tracked", {"run_id": f"{number:032x}", "uri": "sqlite:///x"})
    for message in told:
        ledger.mark_delivered(message)
    here = folder / "rounds" / name
    here.mkdir(parents=True)
    for file, content in texts.items():
        (here / file).write_text(content, encoding="utf-8")
    (here / "predictions.png").write_bytes(b"\x89PNG" + bytes(60_000))


def planned(
    config: CampaignConfig, frozen: Frozen, lab: Lab, numbers: range
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Rounds like the template, with recipes of their own and what is expected of them."""
    glasses: list[dict[str, Any]] = []
    cells: list[dict[str, Any]] = []
    for number in numbers:
        name, run = f"R{number:02d}", lab.glass()["milling_time_h"]
        ids = [f"{name}-G{place + 1}" for place in range(2)]
        for place, jar in enumerate(ids):
            recipe = lab.glass() | {"milling_time_h": run}
            masses = masses_for(recipe["x"], config.glasses.batch_mass_g, Assays())
            make_jar(lab, jar, recipe)
            glasses.append({
                **frozen.plan["glasses"][place], "id": jar, "pellet": f"{jar}-P1", "of": number,
                "recipe": {**recipe, "mass_mg": config.glasses.pellet_mass_mg},
                "masses_mg": {"na2s": round(masses.na2s_mg, 1), "p2s5": round(masses.p2s5_mg, 1),
                              "p2o5": round(masses.p2o5_mg, 1)},
            })  # fmt: skip
        for place in range(n_cells(number)):
            cell = cell_item(frozen, lab, f"{name}-C{place + 1}", ids)
            cells += [] if cell is None else [cell | {"of": number}]
    knowledge = frozen.knowledge
    recipes = pd.DataFrame([one["recipe"] for one in glasses], index=[g["id"] for g in glasses])
    tables = knowledge.predict_pellets(recipes)
    glasses = [one | {"predictions": as_predictions(tables, one["id"])} for one in glasses]
    if cells:
        whole = pd.DataFrame([whole_cell(one["recipe"]) for one in cells],
                             index=[one["id"] for one in cells])  # fmt: skip
        tables = knowledge.predict_cells(whole)
        cells = [one | {"predictions": as_predictions(tables, one["id"])} for one in cells]
    told = with_baselines(config, knowledge, {"glasses": glasses, "trilayers": cells})
    for number in numbers:
        own = {
            kind: [{k: v for k, v in item.items() if k != "of"}
                   for item in told[kind] if item["of"] == number]
            for kind in ("glasses", "trilayers")
        }  # fmt: skip
        yield number, {**frozen.plan, "round": f"R{number:02d}", **own}


def whole_cell(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """A cell in columns, with the recipes of its layers."""
    plain = {k: v for k, v in recipe.items() if not k.endswith("_recipe")}
    return plain | {
        f"{side}_{key}": value
        for side in ("core", "skin")
        for key, value in recipe[f"{side}_recipe"].items()
    }


def make_jar(lab: Lab, jar: str, recipe: Mapping[str, Any]) -> None:
    """Mill a glass."""
    told = GlassRecipe(**{name: recipe[name] for name in JAR_COLUMNS})
    lab.recipes[jar] = told
    lab.jars[jar] = lab.virtual.make_jar(jar, told)


def cell_item(frozen: Frozen, lab: Lab, cell: str, ids: Sequence[str]) -> dict[str, Any] | None:
    """A cell of one of this round's jars and of an earlier one, the richer in oxygen as skin."""
    sound = [jar for jar in [*lab.jars][-40:] if lab.jars[jar].failure is None]
    if len(sound) < 2:
        return None
    first = next((jar for jar in ids if jar in sound), sound[-1])
    other = str(lab.rng.choice([jar for jar in sound if jar != first]))
    core, skin = sorted([first, other], key=lambda jar: lab.recipes[jar].x)
    recipe = {
        "core": core, "skin": skin, "core_mass_mg": 150.0,
        "skin_mass_mg": float(lab.rng.integers(15, 41)), "pressing_pressure_mpa": 450.0,
        "precompaction_pressure_mpa": 75.0, "stack_pressure_mpa": 7.0, "temperature_c": 60.0,
    }  # fmt: skip
    own = {f"{side}_recipe": {k: getattr(lab.recipes[jar], k) for k in JAR_COLUMNS}
           for side, jar in (("core", core), ("skin", skin))}  # fmt: skip
    template = {"role": "exploit", "why": "drawn at random", "cost_h": 3.0, "success": {},
                "explanation": None}  # fmt: skip
    template |= next(iter(frozen.plan["trilayers"]), {})
    return {**template, "id": cell, "recipe": {**recipe, **own}}


def as_predictions(tables: Mapping[str, pd.DataFrame], row: str) -> dict[str, dict[str, Any]]:
    """Predictions of a row as a round holds them."""
    return {
        name: {**{str(k): float(v) for k, v in table.loc[row].items()},
               "unit": property_of(name).unit, "sd_unit": property_of(name).sd_unit}
        for name, table in tables.items()
    }  # fmt: skip


def planned_rows(round_: Mapping[str, Any], name: str) -> Iterator[JarRow | PelletRow | CellRow]:
    """Rows of a round's specimens as planned."""
    for item in round_["glasses"]:
        recipe = item["recipe"]
        yield JarRow(
            id=item["id"], origin="lab", round_id=name, status="planned", batch_mass_g=2.0,
            **{key: recipe[key] for key in JAR_COLUMNS},
        )  # fmt: skip
        yield PelletRow(
            id=item["pellet"], jar=item["id"], round_id=name, status="planned",
            pressing_pressure_mpa=recipe["pressing_pressure_mpa"], mass_mg=recipe["mass_mg"],
        )  # fmt: skip
    for item in round_["trilayers"]:
        recipe = {k: v for k, v in item["recipe"].items() if not k.endswith("_recipe")}
        yield CellRow(id=item["id"], round_id=name, status="planned", **recipe)


def made_rows(
    lab: Lab, round_: Mapping[str, Any], name: str, operator: str
) -> Iterator[JarRow | PelletRow | CellRow]:
    """The same rows once the laboratory has made them."""
    for item in round_["glasses"]:
        jar, recipe = lab.jars[item["id"]], item["recipe"]
        masses = masses_for(jar.x, 2.0, Assays())
        yield JarRow(
            id=item["id"], origin="lab", round_id=name, batch_mass_g=2.0, operator=operator,
            status="failed" if jar.failure else "made", reason=jar.failure or "", x=jar.x,
            na2s_mg=round(masses.na2s_mg, 1), p2s5_mg=round(masses.p2s5_mg, 1),
            p2o5_mg=round(masses.p2o5_mg, 1), recovered_mass_mg=round(2000 * jar.recovery, 0),
            **{key: recipe[key] for key in JAR_COLUMNS if key != "x"},
        )  # fmt: skip
        pellet = pressed(lab, item)
        failure = pellet.failure if pellet else None
        yield PelletRow(
            id=item["pellet"], jar=item["id"], round_id=name, operator=operator,
            status="not_made" if pellet is None else "failed" if failure else "made",
            reason=failure or "", pressing_pressure_mpa=recipe["pressing_pressure_mpa"],
            mass_mg=recipe["mass_mg"],
        )  # fmt: skip
    for item in round_["trilayers"]:
        recipe = {k: v for k, v in item["recipe"].items() if not k.endswith("_recipe")}
        failure = assembled(lab, item).failure
        yield CellRow(id=item["id"], round_id=name, operator=operator, reason=failure or "",
                      status="failed" if failure else "made", **recipe)  # fmt: skip


def pressed(lab: Lab, item: Mapping[str, Any]) -> Any:
    """The pellet of a glass; ``None`` of a jar that failed."""
    jar = lab.jars[item["id"]]
    if jar.failure:
        return None
    return lab.virtual.press(item["pellet"], jar, item["recipe"]["pressing_pressure_mpa"], 150.0)


def assembled(lab: Lab, item: Mapping[str, Any]) -> Any:
    """A cell put together."""
    recipe = item["recipe"]
    told = TrilayerRecipe(
        core=lab.recipes[recipe["core"]], skin=lab.recipes[recipe["skin"]],
        **{k: v for k, v in recipe.items() if k[:4] not in ("core", "skin") or k.endswith("_mg")},
    )  # fmt: skip
    jars = (lab.jars[recipe[side]] for side in ("core", "skin"))
    return lab.virtual.make_cell(item["id"], *jars, told)


def results(lab: Lab, round_: Mapping[str, Any], number: int) -> list[list[ReadingRow]]:
    """Readings of a round in the parts they come in, repeats until there are enough."""
    pellets = [pellet for item in round_["glasses"] if (pellet := pressed(lab, item)) is not None]
    pellets = [pellet for pellet in pellets if pellet.failure is None]
    first, second, third = [], [], []
    for pellet in pellets:
        for temperature_c in SWEEP_C:
            first.append(reading(lab.virtual.measure(pellet, "ionic_conductivity", temperature_c)))
        for name in ("relative_density", "youngs_modulus", "charge_transfer_resistance"):
            second.append(reading(lab.virtual.measure(pellet, name)))
        second.append(reading(lab.virtual.measure(pellet, "electronic_conductivity")))
    for item in round_["trilayers"]:
        cell = assembled(lab, item)
        if cell.failure is None and not (cell.core.failure or cell.skin.failure):
            for name in ("critical_current_density", "area_specific_resistance"):
                third.append(reading(lab.virtual.measure_cell(cell, name)))
    wanted = int(number * READINGS_A_ROUND) - lab.n_readings
    again, seed = 0, 1
    while pellets and again < wanted - len(first) - len(second) - len(third) + again:
        seed += 1
        other = VirtualLab(World("A"), seed=seed)  # the same jar and pellet, read on another day
        for pellet in pellets:
            for name in ("ionic_conductivity", "electronic_conductivity", "youngs_modulus"):
                third.append(reading(other.measure(pellet, name)))
                again += 1
    lab.n_readings += len(first) + len(second) + len(third)
    return [first, second, third]


def reading(measured: Measurement) -> ReadingRow:
    """A measurement as the ledger keeps it."""
    interval = parse_value(measured.text, measured.property, measured.unit)
    protocol = measured.protocol
    return ReadingRow(
        specimen=measured.specimen, property=measured.property,
        lower=interval.lower, upper=interval.upper, se=measured.se, n=measured.n,
        temperature_c=measured.temperature_c,
        method=measured.method.removeprefix("simulated").strip(), text=measured.text,
        protocol=None if protocol is None else json.dumps(asdict(protocol)),
        source="results.csv", recorded_by="Ada",
    )  # fmt: skip


def scores_of(
    round_: Mapping[str, Any], readings: Sequence[ReadingRow], temperature_c: float
) -> list[Any]:
    """Scores of readings at the campaign's temperature against what was expected."""
    items = {item.get("pellet", item["id"]): item
             for item in (*round_["glasses"], *round_["trilayers"])}  # fmt: skip
    found = []
    for row in readings:
        elsewhere = abs((row.temperature_c or temperature_c) - temperature_c) > 2
        if row.property in TEMPERATURE_DEPENDENT and elsewhere:
            continue
        item = items[row.specimen]
        expected = item["predictions"][row.property]
        plain = {"specimen": row.specimen, "property": row.property, "lower": row.lower,
                 "upper": row.upper, "se": row.se}  # fmt: skip
        found.append(score(plain, expected, as_proposed=expected,
                           baselines=item["baselines"].get(row.property)))  # fmt: skip
    return found


@dataclass(frozen=True, slots=True)
class Cost:
    """What a command took.

    Attributes:
        wall_s: From start to end of its process.
        cpu_s: User and system time of the process.
        peak_mb: Its largest resident memory.
    """

    wall_s: float
    cpu_s: float
    peak_mb: float


_MARK: Final = "\n#usage "
_STARTER: Final = """
import json, resource, subprocess, sys, time
begun = time.perf_counter()
done = subprocess.run(sys.argv[1:])
wall = time.perf_counter() - begun
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print("\\n#usage", json.dumps([wall, used.ru_utime + used.ru_stime, used.ru_maxrss]), flush=True)
sys.exit(done.returncode)
"""


def cost_of(command: Sequence[str], *, cwd: Path) -> tuple[Cost, str]:
    """Run a command in a process of its own.

    Returns:
        What it took, and what it printed.

    Raises:
        SystemExit: If it failed.
    """
    # A process begins with the peak of the one it was started from, so a small one starts it.
    run = subprocess.run(
        [sys.executable, "-S", "-c", _STARTER, *command],
        cwd=cwd, capture_output=True, text=True, check=False,
    )  # fmt: skip
    said, _, usage = run.stdout.rpartition(_MARK)
    if run.returncode:
        raise SystemExit(f"{' '.join(command)}: {run.stderr[-2000:]}")
    wall, cpu, peak = json.loads(usage)
    return Cost(round(wall, 3), round(cpu, 3), round(peak / 1024, 1)), said


def glassloop() -> str:
    """The command as a user calls it."""
    return str(Path(sys.executable).with_name("glassloop"))


def measure(campaigns: Path, work: Path, sizes: Sequence[int]) -> Iterator[dict[str, Any]]:
    """What the commands take at each size.

    Args:
        campaigns: What ``build`` made.
        work: Empty folder for copies.
        sizes: Rounds of the campaigns to measure.

    Yields:
        One row a size and command.
    """
    imports, _ = cost_of([sys.executable, "-c", "import experiments.campaign"], cwd=work)
    yield {"command": "imports", "size": 0, **asdict(imports), "load": os.getloadavg()[0]}
    for size in sizes:
        copy = work / f"{size:04d}" / "years"
        shutil.copytree(campaigns / f"{size:04d}" / "years", copy)
        held = size_of(copy)
        for command, arguments in commands(copy):
            cost, said = cost_of([glassloop(), *arguments, "--campaign", str(copy)], cwd=work)
            row = {"command": command, "size": size, **held, **asdict(cost)}
            row |= {"load": round(os.getloadavg()[0], 1), "yardstick_s": round(yardstick(), 3)}
            if command.startswith("propose"):
                note_words(row, json.loads(said))
            print(json.dumps(row), flush=True)
            yield row
        shutil.rmtree(copy.parent)


def yardstick() -> float:
    """Processor seconds of the same piece of work each time: how busy the machine is.

    It is the first figure of ``benchmarks/speed.py``: four properties of 60 exact readings.
    """
    seconds, _ = four_properties(censored=0.0, seed=0)
    return seconds


def commands(copy: Path) -> Iterator[tuple[str, list[str]]]:
    """Commands in the order in which they are run, each in a process of its own."""
    yield "status, nothing kept", ["status", "--quick", "--json"]  # fits, and keeps in a large one
    yield "status", ["status", "--quick", "--json"]
    yield "report", ["report", "--out", str(copy / "report")]
    yield "propose", ["propose", "--json"]
    yield "status after propose", ["status", "--quick", "--json"]
    made, results = copy / "made.csv", copy / "results.csv"
    filled(copy, made, results)
    yield "record", ["record", str(made), str(results), "--json"]
    yield "status after record", ["status", "--quick", "--json"]
    yield "propose, nothing kept", ["propose", "--json"]


def filled(copy: Path, made: Path, results: Path) -> None:
    """Fill the files of the round proposed: everything made, one conductivity read."""
    folder = max((copy / "rounds").iterdir(), key=lambda path: int(path.name[1:]))
    table = pd.read_csv(folder / "made.csv", dtype=str)
    table.assign(status="made", operator="Ada").to_csv(made, index=False)
    rows = pd.read_csv(folder / "results.csv", dtype=str)
    rows = rows.loc[rows["property"] == "ionic_conductivity"].head(1)
    rows.assign(value="1.2e-4", unit="S/cm").to_csv(results, index=False)
    shutil.rmtree(copy / ".kept", ignore_errors=True)  # recording after a propose finds its fit


def size_of(copy: Path) -> dict[str, Any]:
    """How large a campaign is."""
    with Ledger.open(copy / "ledger.db") as ledger:
        return {
            "rounds": len(ledger.rounds()),
            "readings": len(ledger.readings()),
            "jars": len(ledger.jars()),
            "pellets": len(ledger.pellets()),
            "cells": len(ledger.cells()),
            "ledger_mb": round((copy / "ledger.db").stat().st_size / 1e6, 1),
        }


def note_words(row: dict[str, Any], round_: Mapping[str, Any]) -> None:
    """Keep what the round says of its size."""
    row["warnings"] = [text for text in round_["warnings"] if text.startswith("large campaign")]


def drawn(rows: Sequence[Mapping[str, Any]]) -> None:
    """The picture: seconds by the clock and peak memory against rounds."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.2, 3.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    names = ("status", "status, nothing kept", "propose", "report", "record")
    for name in names:
        own = [row for row in rows if row["command"] == name]
        own = sorted(own, key=lambda row: row["size"])
        at = [row["size"] for row in own]
        left.plot(at, [row["wall_s"] for row in own], marker="o", ms=4, label=name)
        right.plot(at, [row["peak_mb"] for row in own], marker="o", ms=4)
    for axes, title in ((left, "seconds, imports included"), (right, "peak memory, MB")):
        axes.set_xscale("log")
        axes.set_xlabel("rounds (27 readings each)")
        axes.set_title(title, fontsize=10)
        axes.grid(alpha=0.3)
    left.set_yscale("log")
    left.axhline(LIMITS["status"], color="0.5", lw=0.8, ls="--")
    left.axhline(LIMITS["propose"], color="0.5", lw=0.8, ls="--")
    right.axhline(LIMITS["peak_mb"], color="0.5", lw=0.8, ls="--")
    left.legend(fontsize=8)
    figure.savefig(PICTURE, dpi=130, metadata={"Software": None})


def main() -> None:
    """Build, measure, draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="?", choices=("all", "build", "measure"), default="all")
    parser.add_argument("--to", type=Path, help="where to build; a temporary folder by default")
    parser.add_argument("--from", type=Path, dest="source", help="what was built before")
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    asked = parser.parse_args()
    sizes = [int(size) for size in asked.sizes.split(",")]
    with tempfile.TemporaryDirectory() as place:
        campaigns = asked.source or asked.to or Path(place) / "campaigns"
        if asked.what != "measure":
            build(campaigns, sizes)
        if asked.what == "build":
            return
        work = Path(place) / "work"
        work.mkdir()
        for row in measure(campaigns, work, sizes):
            written(row)
    drawn(json.loads(RESULT.read_text(encoding="utf-8"))["rows"])


def written(row: dict[str, Any]) -> None:
    """Put a row into the results, in place of an earlier one of the same size and command."""
    held: dict[str, Any] = {"rows": []}
    if RESULT.exists():
        held = json.loads(RESULT.read_text(encoding="utf-8"))
    key = (row["size"], row["command"])
    rows = [one for one in held["rows"] if (one["size"], one["command"]) != key]
    machine = {"cpus": os.cpu_count(), "python": platform.python_version()}
    told = {"machine": machine, "limits": LIMITS, "rows": [*rows, row]}
    RESULT.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
