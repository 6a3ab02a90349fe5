"""A campaign: ledger, configuration and what follows from them. The only mutable object."""

import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import numpy as np
import pandas as pd

from experiments.assumptions import apply_assumptions, assumption_sentences, plant_paper
from experiments.cell_batch import CellBatch, Powder, propose_cells, whole_cells
from experiments.config import CONFIG_NAME, CampaignConfig, read_config, write_config
from experiments.glass_batch import GlassBatch, propose_glasses
from experiments.knowledge import (
    CELL_PROPERTIES,
    GLASS_COLUMNS,
    PELLET_PROPERTIES,
    Knowledge,
    canonical,
    fit_knowledge,
)
from experiments.ledger import Ledger
from experiments.ledger_rows import CellRow, JarRow, Origin, OutboxRow, PelletRow, ProposalRow
from experiments.notebook_file import read_notebook
from experiments.outbox import Delivery, LedgerOutbox
from experiments.progress import flat_hypervolumes, hypervolumes
from experiments.recording import Report, bench, record_files, write
from experiments.round_files import ROUND_FILES, round_files, round_texts
from experiments.round_folder import write_folder
from experiments.settling import close, settle
from experiments.simulation import VirtualChemist
from experiments.status import status_of
from features.cell_limits import Limits
from features.errors import CampaignError, InputError
from features.properties import property_of
from features.recipe import GlassRecipe
from features.stoichiometry import Assays, masses_for
from models.baselines import MeanSurrogate
from models.wording import count_in_words

LEDGER_NAME: Final = "ledger.db"
ROUNDS_FOLDER: Final = "rounds"
UNTOLD: Final = "nobody told of it before the round was closed"

Round = dict[str, Any]
"""A round as plain data: what ``propose --json`` prints and the batch sheet shows."""


class Campaign:
    """A search space, objectives and a ledger of what was made and measured.

    Use as a context manager, or call ``close``.

    Attributes:
        folder: Where it lives.
        config: What ``campaign.yaml`` says.
        ledger: The truth.

    Examples:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp()) / "first"
        >>> with Campaign.create(folder, CampaignConfig(name="first")) as campaign:
        ...     campaign.status()["in_words"][0]
        '3 conductivity readings: too few to learn from; the prior decides'
    """

    def __init__(self, folder: Path, config: CampaignConfig, ledger: Ledger) -> None:
        self.folder = folder
        self.config = config
        self.ledger = ledger

    @classmethod
    def create(
        cls, folder: Path, config: CampaignConfig | None = None, *, empty: bool = False
    ) -> "Campaign":
        """Make a campaign's folder with configuration, ledger and the paper's data.

        The folder appears whole or not at all.

        Args:
            folder: Must not exist yet, or be empty.
            config: The shipped one, named after the folder, when left out.
            empty: Leave the paper's data out.

        Returns:
            The campaign, open.

        Raises:
            CampaignError: If the folder is taken or cannot be written.
        """
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise CampaignError(
                f"{folder} exists already and is not empty; choose another name, or open it with "
                "--campaign"
            )
        config = config or CampaignConfig(name=folder.name)
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        except OSError as error:
            raise CampaignError(f"{folder}: cannot be written ({error.strerror})") from error
        try:
            draft.chmod(0o755)
            write_config(config, draft)
            with Ledger.create(draft / LEDGER_NAME, campaign=config.name) as ledger:
                plant_paper(ledger, config, empty=empty)
            if folder.exists():
                folder.rmdir()
            draft.rename(folder)
        except OSError as error:
            raise CampaignError(f"{folder}: cannot be written ({error.strerror})") from error
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        return cls.open(folder)

    @classmethod
    def open(cls, folder: Path) -> "Campaign":
        """Open a campaign; changed assumptions are applied, results left unscored are scored.

        Args:
            folder: The campaign's folder.

        Returns:
            The campaign.

        Raises:
            CampaignError: If the folder is no campaign or its configuration is wrong.
            LedgerError: If the ledger cannot be read, or is of a newer version.
        """
        config = read_config(folder / CONFIG_NAME)
        campaign = cls(folder, config, Ledger.open(folder / LEDGER_NAME))
        try:
            apply_assumptions(campaign.ledger, config)
            settle(campaign.ledger, config)
        except BaseException:
            campaign.close()
            raise
        return campaign

    def close(self) -> None:
        """Release the ledger."""
        self.ledger.close()

    def __enter__(self) -> "Campaign":
        """The campaign itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Release the ledger."""
        self.close()

    @property
    def kind(self) -> str:
        """``real`` or ``simulated``."""
        return self.ledger.kind

    def knowledge(self) -> Knowledge:
        """Specimens, readings and surrogates fitted to them now."""
        return fit_knowledge(self.ledger, self.config)

    def propose(self, *, glasses: int | None = None, trilayers: int | None = None) -> Round:
        """Open a new round: the next mill run and the next tri-layers.

        Args:
            glasses: Jars in the run; the configuration's number when left out.
            trilayers: Cells; the configuration's number when left out.

        Returns:
            The round, as plain data. It is in the ledger, its folder is written, and MLflow is
            told when it can be reached.

        Raises:
            CampaignError: If more jars are asked for than are owned.
            SpaceError: If nothing new can be proposed.
        """
        q = self.config.batch.glasses if glasses is None else glasses
        k = self.config.batch.trilayers if trilayers is None else trilayers
        number = len(self.ledger.rounds()) + 1
        knowledge = self.knowledge()
        rng = np.random.default_rng([self.config.seed, number])
        stock = self._stock()
        wants_skin = k > 0 and not self._has_skin(stock)
        batch = propose_glasses(knowledge, self.config, q=q, wants_skin=wants_skin, rng=rng)
        powder = self._powder(knowledge, stock, batch, number)
        cells = propose_cells(knowledge, self.config, powder, k=k, rng=rng)
        round_ = self._round(knowledge, number, batch, cells, powder)
        self._open_round(knowledge, round_)
        return self.show(round_["round"])

    def show(self, round_id: str) -> Round:
        """A round as it was proposed, with its MLflow run; its folder is completed if need be.

        Raises:
            CampaignError: If there is no such round.
        """
        configs = {str(row["id"]): row["config"] for row in _records(self.ledger.rounds())}
        if round_id not in configs:
            known = ", ".join(configs) or "none yet"
            raise CampaignError(f"there is no round {round_id!r}; rounds: {known}")
        round_ = self._stored(round_id, configs[round_id]["round"])
        self.deliver()
        round_["mlflow_run_id"] = LedgerOutbox(self.ledger).run_id(round_id)
        folder = self.round_folder(round_id)
        if any(not (folder / name).exists() for name in ROUND_FILES):
            write_folder(folder, round_files(round_, self.config))
        return round_

    def round_folder(self, round_id: str) -> Path:
        """Where a round's files lie."""
        return self.folder / ROUNDS_FOLDER / round_id

    def open_rounds(self) -> list[str]:
        """Rounds whose results are not all in, oldest first."""
        rounds = self.ledger.rounds()
        return [str(name) for name in rounds.loc[rounds["state"] == "open", "id"]]

    def record(self, made: Path, results: Path, *, end: bool = False, by: str = "") -> Report:
        """Take a round's files in: check everything, then write all of it or nothing.

        Args:
            made: The filled ``made.csv``.
            results: The filled ``results.csv``.
            end: Close the rounds touched with what is there.
            by: Who records.

        Returns:
            What was done.

        Raises:
            InputError: With every problem of both files; nothing was written.
            CampaignError: If a lab's files meet a simulated campaign, or the other way round.
        """
        report = record_files(self.ledger, self.config, made, results, by=by)
        return self._settled(report, end=end)

    def record_notebook(self, table: Path, mapping: Mapping[str, str], *, by: str = "") -> Report:
        """Take a lab's own table in as history: one row a specimen, any column names.

        Args:
            table: A CSV file.
            mapping: Column of the file to recipe column or ``property:unit``.
            by: Who records.

        Returns:
            What was done.

        Raises:
            InputError: With every problem found; nothing was written.
            CampaignError: If the campaign is simulated.
        """
        if self.kind == "simulated":
            raise CampaignError(
                "this campaign is simulated and takes no results of a lab; record them in a real "
                "campaign, made with 'glassloop init'"
            )
        specimens, outcome, digest = read_notebook(table, mapping, bench(self.ledger, self.config))
        problems = [*specimens.problems, *outcome.problems]
        if problems:
            raise InputError(problems)
        report = write(self.ledger, specimens, outcome, hashes={table.name: digest}, by=by)
        return self._settled(report, end=False)

    def end_round(self, round_id: str) -> None:
        """Close a round with what is there; specimens nobody told of count as not made.

        Raises:
            CampaignError: If there is no such open round.
        """
        if round_id not in self.open_rounds():
            raise CampaignError(
                f"there is no open round {round_id!r}; "
                f"open: {', '.join(self.open_rounds()) or 'none'}"
            )
        cells = [self.ledger.cell(name) for name in _planned(self.ledger.cells(), round_id)]
        pellets = [self.ledger.pellet(name) for name in _planned(self.ledger.pellets(), round_id)]
        jars = [self.ledger.jar(name) for name in _planned(self.ledger.jars(), round_id)]
        with self.ledger.transaction() as tx:
            for cell in cells:
                tx.correct_cell(replace(cell, status="not_made", note=UNTOLD))
            for pellet in pellets:
                tx.correct_pellet(replace(pellet, status="not_made", note=UNTOLD))
            for jar in jars:
                tx.correct_jar(replace(jar, status="not_made", note=UNTOLD))
            close(tx, round_id)
        self.deliver()

    def simulate(
        self, *, world: str = "A", seed: int = 0, fill_only: bool = False
    ) -> Report | None:
        """Fill the oldest open round from the virtual lab, and record it.

        The campaign becomes simulated, for good.

        Args:
            world: Letter of the virtual world, A to G.
            seed: Seed of the virtual laboratory.
            fill_only: Fill the files and stop before recording.

        Returns:
            What was recorded; ``None`` with ``fill_only``.

        Raises:
            CampaignError: If no round is open.
            LedgerError: If the campaign holds a lab's own data.
        """
        waiting = self.open_rounds()
        if not waiting:
            raise CampaignError("there is no open round to simulate; run 'glassloop propose' first")
        round_id = waiting[0]
        chemist = VirtualChemist(world, seed, self._glass)
        with self.ledger.transaction() as tx:
            tx.set_kind("simulated")
        self.show(round_id)
        folder = self.round_folder(round_id)
        made, results = folder / "made.csv", folder / "results.csv"
        filled = chemist.fill_made(made.read_text(), self.config.glasses.batch_mass_g)
        values = chemist.fill_results(results.read_text())
        made.write_text(filled)
        results.write_text(values)
        return None if fill_only else self.record(made, results, by=chemist.operator)

    def predict(self, recipes: pd.DataFrame) -> dict[str, dict[str, pd.DataFrame]]:
        """Predictions of two surrogates side by side for any pellet recipes.

        Args:
            recipes: Columns x, milling_time_h, milling_media, milling_speed_rpm,
                pressing_pressure_mpa.

        Returns:
            By property, by surrogate (``GP`` and ``mean``), the predictions table.
        """
        knowledge = self.knowledge()
        made = knowledge.pellets.loc[knowledge.pellets["status"] == "made"]
        found = {}
        for name in PELLET_PROPERTIES:
            readings = knowledge.fitted.loc[knowledge.fitted["property"] == name]
            mean = MeanSurrogate(name).fit(made, readings)
            found[name] = {
                "GP": knowledge.layers[name].predict(recipes),
                "mean": mean.predict(recipes),
            }
        return found

    def status(self) -> dict[str, Any]:
        """Where the campaign stands, as plain data."""
        return status_of(self.ledger, self.config, self.knowledge())

    def verify(self) -> list[str]:
        """What is wrong with the ledger; empty when it is sound."""
        return self.ledger.verify()

    def deliver(self) -> Delivery:
        """Tell MLflow what waits in the outbox; never fails because of MLflow."""
        return LedgerOutbox(self.ledger).deliver(self.config, self.folder)

    def where_tracked(self, round_id: str) -> str:
        """Where MLflow holds a round, in words."""
        return LedgerOutbox(self.ledger).describe(round_id, self.config, self.folder)

    def _settled(self, report: Report, *, end: bool) -> Report:
        closed = settle(self.ledger, self.config)
        if end:
            for round_id in report.rounds or self.open_rounds()[:1]:
                if round_id in self.open_rounds():
                    self.end_round(round_id)
                    closed.append(round_id)
        self.deliver()
        return replace(report, closed=tuple(dict.fromkeys(closed)))

    def _stock(self) -> pd.DataFrame:
        return self.ledger.stock(
            expected_recovery=self.config.equipment.expected_recovery
        ).set_index("jar")

    def _has_skin(self, stock: pd.DataFrame) -> bool:
        jars = self.ledger.jars().loc[stock.index[stock["left_mg"] >= _LEAST_SKIN_POWDER_MG]]
        return bool((jars["x"] >= Limits().min_skin_x_against_sodium).any())

    def _powder(
        self, knowledge: Knowledge, stock: pd.DataFrame, batch: GlassBatch, number: int
    ) -> Powder:
        """Jars in stock and of this batch, and what every cell of the past was made of."""
        jars = self.ledger.jars()[list(_JAR_COLUMNS)]
        new = pd.DataFrame(
            [{name: glass.recipe[name] for name in _JAR_COLUMNS} for glass in batch.glasses],
            index=[_jar_id(number, i) for i in range(len(batch.glasses))],
        )
        left = {str(jar): float(mg) for jar, mg in stock["left_mg"].items()}
        expected = 1000 * self.config.glasses.batch_mass_g
        expected *= self.config.equipment.expected_recovery
        expected -= self.config.glasses.pellet_mass_mg
        return Powder(
            jars=pd.concat([jars, new]), left_mg=left | dict.fromkeys(new.index, expected)
        )

    def _round(
        self,
        knowledge: Knowledge,
        number: int,
        batch: GlassBatch,
        cells: CellBatch,
        powder: Powder,
    ) -> Round:
        glasses = self._glass_items(knowledge, number, batch)
        return {
            "round": _round_id(number),
            "campaign": self.config.name,
            "simulated": self.kind == "simulated",
            "created": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "seed": self.config.seed,
            "mill_run": {
                "milling_time_h": glasses[0]["recipe"]["milling_time_h"],
                "milling_speed_rpm": glasses[0]["recipe"]["milling_speed_rpm"],
                "why": batch.run_why,
            },
            "glasses": glasses,
            "trilayers": self._cell_items(knowledge, number, cells, powder),
            "counts": [
                *(count_in_words(m.n_readings, name) for name, m in knowledge.layers.items()),
                count_in_words(knowledge.trilayer.n_readings, "critical_current_density"),
            ],
            "assumptions": assumption_sentences(self.ledger, self.config),
            "warnings": [*batch.warnings, *cells.warnings],
            "hypervolume": hypervolumes(knowledge, self.config),
            "mlflow_run_id": None,
        }

    def _glass_items(
        self, knowledge: Knowledge, number: int, batch: GlassBatch
    ) -> list[dict[str, Any]]:
        ids = [_jar_id(number, i) for i in range(len(batch.glasses))]
        recipes = pd.DataFrame([dict(g.recipe) for g in batch.glasses], index=ids)
        predictions = knowledge.predict_pellets(recipes[list(GLASS_COLUMNS)])
        assays = Assays(**self.config.assays.model_dump())
        batch_g = self.config.glasses.batch_mass_g
        items = []
        for jar, glass in zip(ids, batch.glasses, strict=True):
            masses = masses_for(float(glass.recipe["x"]), batch_g, assays)
            items.append(
                {
                    "id": jar,
                    "pellet": f"{jar}-P1",
                    "role": glass.role,
                    "why": glass.why,
                    "recipe": {
                        **{name: _plain(glass.recipe[name]) for name in GLASS_COLUMNS},
                        "mass_mg": self.config.glasses.pellet_mass_mg,
                    },
                    "masses_mg": {
                        "na2s": round(masses.na2s_mg, 1),
                        "p2s5": round(masses.p2s5_mg, 1),
                        "p2o5": round(masses.p2o5_mg, 1),
                    },
                    "batch_mass_g": batch_g,
                    "predictions": _predictions(predictions, jar),
                }
            )
        return items

    def _cell_items(
        self, knowledge: Knowledge, number: int, cells: CellBatch, powder: Powder
    ) -> list[dict[str, Any]]:
        if not cells.cells:
            return []
        ids = [f"{_round_id(number)}-C{i + 1}" for i in range(len(cells.cells))]
        choice = pd.DataFrame([dict(cell.recipe) for cell in cells.cells], index=ids)
        predictions = knowledge.predict_cells(whole_cells(choice, powder.jars))
        return [
            {
                "id": name,
                "role": cell.role,
                "why": cell.why,
                "recipe": {
                    **{key: _plain(value) for key, value in cell.recipe.items()},
                    **{
                        f"{layer}_recipe": {
                            key: _plain(powder.jars.loc[cell.recipe[layer], key])
                            for key in _JAR_COLUMNS
                        }
                        for layer in ("core", "skin")
                    },
                },
                "predictions": _predictions(predictions, name),
            }
            for name, cell in zip(ids, cells.cells, strict=True)
        ]

    def _open_round(self, knowledge: Knowledge, round_: Round) -> None:
        """Write the round: specimens planned, predictions frozen, MLflow to be told."""
        digest, body = knowledge.frozen()
        round_id, number = str(round_["round"]), int(str(round_["round"])[1:])
        header = {k: v for k, v in round_.items() if k not in ("glasses", "trilayers")}
        origin: Origin = "simulated" if self.kind == "simulated" else "lab"
        with self.ledger.transaction() as tx:
            tx.add_round(
                round_id,
                number=number,
                seed=self.config.seed,
                config={"campaign": self.config.model_dump(mode="json"), "round": header},
            )
            tx.add_model(canonical(body))
            for item in round_["glasses"]:
                recipe = item["recipe"]
                tx.add_jar(
                    JarRow(
                        id=item["id"],
                        origin=origin,
                        round_id=round_id,
                        status="planned",
                        batch_mass_g=item["batch_mass_g"],
                        **{name: recipe[name] for name in _JAR_COLUMNS},
                    )
                )
                tx.add_pellet(
                    PelletRow(
                        id=item["pellet"],
                        jar=item["id"],
                        round_id=round_id,
                        status="planned",
                        pressing_pressure_mpa=recipe["pressing_pressure_mpa"],
                        mass_mg=recipe["mass_mg"],
                    )
                )
            for item in round_["trilayers"]:
                recipe = {k: v for k, v in item["recipe"].items() if not k.endswith("_recipe")}
                tx.add_cell(CellRow(id=item["id"], round_id=round_id, status="planned", **recipe))
            for kind, items in (("glass", round_["glasses"]), ("trilayer", round_["trilayers"])):
                for item in items:
                    tx.add_proposal(
                        ProposalRow(
                            round_id=round_id,
                            specimen=item["id"],
                            kind=kind,
                            recipe={k: v for k, v in item.items() if k != "predictions"},
                            prediction=item["predictions"],
                            model_sha256=digest,
                            role=item["role"],
                            why=item["why"],
                        )
                    )
            tx.add_outbox(
                OutboxRow(
                    kind="round_opened",
                    round_id=round_id,
                    payload=self._opened(knowledge, round_, body),
                )
            )

    def _opened(
        self, knowledge: Knowledge, round_: Round, body: Mapping[str, Any]
    ) -> dict[str, Any]:
        """What MLflow is told of a new round."""
        readings = knowledge.fitted[
            ["specimen", "property", "lower", "upper", "se", "temperature_c", "source"]
        ]
        made = knowledge.pellets[list(GLASS_COLUMNS)]
        data = readings.join(made, on="specimen").to_csv(index=False)
        counts = {
            f"n_readings_{name}": float((readings["property"] == name).sum())
            for name in (*PELLET_PROPERTIES, *CELL_PROPERTIES)
        }
        files = round_texts(round_, self.config)
        return {
            "params": {
                "seed": str(self.config.seed),
                "temperature_c": f"{self.config.temperature_c:g}",
                "n_glasses": str(len(round_["glasses"])),
                "n_trilayers": str(len(round_["trilayers"])),
                **{k: str(v) for k, v in self.config.assumptions.model_dump().items()},
            },
            "tags": {"glassloop.simulated": str(round_["simulated"]).lower()},
            "metrics": flat_hypervolumes(round_["hypervolume"]) | counts,
            "step": int(str(round_["round"])[1:]),
            "artifacts": {
                "batch.csv": files["batch.csv"],
                "batch_sheet.html": files["batch_sheet.html"],
                "predictions.json": json.dumps(round_, indent=1),
                "campaign.json": self.config.model_dump_json(indent=1),
            },
            "dataset": {"name": "readings", "csv": data, "sha256": _sha256(data)},
            "models": dict(body),
        }

    def _stored(self, round_id: str, header: Mapping[str, Any]) -> Round:
        rows = _records(self.ledger.proposals(round_id))
        items = {"glass": list[dict[str, Any]](), "trilayer": list[dict[str, Any]]()}
        for row in rows:
            items[str(row["kind"])].append({**row["recipe"], "predictions": row["prediction"]})
        return {
            **header,
            "simulated": self.kind == "simulated",
            "glasses": items["glass"],
            "trilayers": items["trilayer"],
        }

    def _glass(self, jar: str) -> GlassRecipe:
        """The recipe a jar was proposed with, for the virtual lab to make it again."""
        for row in _records(self.ledger.proposals()):
            if row["specimen"] == jar:
                recipe = row["recipe"]["recipe"]
                return GlassRecipe(**{name: recipe[name] for name in _JAR_COLUMNS})
        made = self.ledger.jar(jar)
        return GlassRecipe(**{name: getattr(made, name) for name in _JAR_COLUMNS})


_JAR_COLUMNS: Final = ("x", "milling_time_h", "milling_media", "milling_speed_rpm")
_LEAST_SKIN_POWDER_MG: Final = 100.0


def _planned(frame: pd.DataFrame, round_id: str) -> list[str]:
    rows = (frame["round_id"] == round_id) & (frame["status"] == "planned")
    return [str(name) for name in frame.index[rows]]


def _round_id(number: int) -> str:
    return f"R{number:02d}"


def _jar_id(number: int, index: int) -> str:
    return f"{_round_id(number)}-G{index + 1}"


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]


def _sha256(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def _plain(value: Any) -> Any:
    """NumPy scalars as Python's own, so that they are JSON."""
    return value.item() if isinstance(value, np.generic) else value


def _predictions(tables: Mapping[str, pd.DataFrame], row: str) -> dict[str, dict[str, Any]]:
    found = {}
    for name, table in tables.items():
        entry = property_of(name)
        values = {part: float(table[part].loc[row]) for part in map(str, table.columns)}
        found[name] = {**values, "unit": entry.unit, "sd_unit": entry.sd_unit}
    return found
