"""A campaign: ledger, configuration and what follows from them. The only mutable object."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from experiments.assumptions import apply_assumptions, plant_paper
from experiments.comparison import CampaignComparison, Progress, compare_campaign
from experiments.comparison_record import track_comparison
from experiments.comparison_words import Pictures
from experiments.config import CONFIG_NAME, CampaignConfig, read_config, write_config
from experiments.feasibility_data import fit_feasibility
from experiments.frozen_check import altered_files, lost_rounds, refuse_altered, refuse_any_altered
from experiments.kept_status import keep_status, mark_of
from experiments.knowledge import (
    PELLET_PROPERTIES,
    Knowledge,
    feature_ranges,
    fit_knowledge,
    is_crowded,
)
from experiments.laboratory import Laboratory
from experiments.ledger import Ledger, Transaction
from experiments.literature_file import write_example
from experiments.literature_record import record_literature
from experiments.logs import note
from experiments.measurements import Ranking, rank_measurements
from experiments.new_folder import new_folder
from experiments.notebook_file import read_notebook
from experiments.outbox import Delivery, LedgerOutbox
from experiments.recording import Report, hashes_of, record_files, take_in
from experiments.round_files import (
    PICTURE,
    ROUND_FILES,
    label_simulated,
    round_files,
    withhold_unsafe,
)
from experiments.round_folder import lacking, set_aside, write_folder
from experiments.round_ledger import Also, Plan, write_as_of_now
from experiments.round_plan import JAR_COLUMNS, Chooser, Round, choose_round, plan_round
from experiments.safe_sheet import with_warning
from experiments.score_check import wrong_scores
from experiments.settling import close, settle, unsettled
from experiments.simulation import VIRTUAL, VirtualChemist
from experiments.status import status_of
from experiments.storage import ledger_target, open_ledger
from experiments.stored_round import stored_round
from experiments.tracked_report import track_report
from experiments.tracking_home import Tracked
from experiments.virtual_lab import VirtualLab
from experiments.virtual_worlds import World
from features.errors import CampaignError, LedgerError
from features.properties import TEMPERATURE_DEPENDENT
from features.recipe import GlassRecipe
from features.stoichiometry import Assays
from models.baselines import MeanSurrogate
from models.folds import Folds

if TYPE_CHECKING:
    from experiments.report import ReportFiles

ROUNDS_FOLDER: Final = "rounds"
USUAL_WORTH: Final = 0.01
"""Rise of the hypervolume, as a share of it, that makes a round worth it by default."""

_ROUND: Final = re.compile(r"R\d+")
UNTOLD: Final = "nobody told of it before the round was closed"


class Campaign:
    """A search space, objectives and a ledger of what was made and measured.

    Use as a context manager, or call ``close``.

    Attributes:
        folder: Where it lives.
        config: What ``campaign.yaml`` says.
        ledger: The truth.
        pictures: Whether rounds' folders get a picture; a study of many campaigns goes without.

    Examples:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp()) / "first"
        >>> with Campaign.create(folder, CampaignConfig(name="first")) as campaign:
        ...     campaign.status()["in_words"][0]
        '3 conductivity readings: too few to learn from; the prior decides'
    """

    def __init__(
        self, folder: Path, config: CampaignConfig, ledger: Ledger, *, pictures: bool = True
    ) -> None:
        self.folder = folder
        self.pictures = pictures
        self.config = config
        self.ledger = ledger
        ledger.shelf = folder

    @classmethod
    def create(
        cls,
        folder: Path,
        config: CampaignConfig | None = None,
        *,
        empty: bool = False,
        pictures: bool = True,
    ) -> "Campaign":
        """Make a campaign's folder with configuration, ledger and the paper's data.

        The folder appears whole or not at all. Where the configuration names a database, the
        ledger lies in that.

        Args:
            folder: Must not exist yet, or be empty.
            config: The shipped one, named after the folder, when left out.
            empty: Leave the paper's data out.
            pictures: Draw a picture of each round's predictions.

        Returns:
            The campaign, open.

        Raises:
            CampaignError: If the folder is taken or cannot be written.
            LedgerError: If the database cannot be used, or has a campaign of that name.
        """
        config = config or CampaignConfig(name=folder.name)
        with new_folder(folder) as draft:
            write_config(config, draft)
            write_example(draft)
            with Ledger.create(ledger_target(draft, config), campaign=config.name) as ledger:
                plant_paper(ledger, config, empty=empty)
        return cls.open(folder, pictures=pictures)

    @classmethod
    def join(cls, folder: Path, config: CampaignConfig) -> "Campaign":
        """Make a folder for a campaign that others keep in a shared database.

        Its configuration is that of the newest round, so that all search the same space.

        Args:
            folder: Must not exist yet, or be empty.
            config: Names the database and the campaign; the rest counts before the first round.

        Returns:
            The campaign, open.

        Raises:
            CampaignError: If no database is named, or the folder is taken or cannot be written.
            LedgerError: If the database has no campaign of that name or cannot be used.
        """
        if config.database is None:
            raise CampaignError(
                "only a campaign in a shared database can be joined; name it with --database, "
                "such as postgresql://user@host/database"
            )
        with open_ledger(folder, config) as ledger:
            rounds = ledger.rounds()
        if len(rounds):
            held = CampaignConfig.model_validate(rounds["config"].iloc[-1]["campaign"])
            own = {"name": config.name, "database": config.database, "mlflow": config.mlflow}
            config = held.model_copy(update=own)
        with new_folder(folder) as draft:
            write_config(config, draft)
            write_example(draft)
        return cls.open(folder)

    @classmethod
    def open(cls, folder: Path, *, pictures: bool = True) -> "Campaign":
        """Open a campaign; changed assumptions are applied, results left unscored are scored.

        Args:
            folder: The campaign's folder.
            pictures: Draw a picture of each round's predictions.

        Returns:
            The campaign.

        Raises:
            CampaignError: If the folder is no campaign or its configuration is wrong.
            LedgerError: If the ledger cannot be read, or is of a newer version.
        """
        config = read_config(folder / CONFIG_NAME)
        campaign = cls(folder, config, open_ledger(folder, config), pictures=pictures)
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

    def propose(
        self,
        *,
        glasses: int | None = None,
        trilayers: int | None = None,
        budget_h: float | None = None,
        choose: Chooser = choose_round,
        also: Also = None,
    ) -> Round:
        """Open a new round: the next mill run and the next tri-layers.

        Args:
            glasses: Jars in the run; the configuration's number when left out.
            trilayers: Cells; the configuration's number when left out.
            budget_h: The most the round may cost, h, by ``costs`` of the configuration; fewer
                glasses and cells are proposed then, with a warning.
            choose: What chooses the recipes; another strategy in a study.
            also: Writes more in the transaction that writes the round.

        Returns:
            The round, as plain data. It is in the ledger, its folder is written, and MLflow is
            told when it can be reached.

        Raises:
            CampaignError: If more jars are asked for than are owned, or the budget pays for none.
            ConflictError: If others change the ledger again and again while it is planned.
            SpaceError: If nothing new can be proposed.
        """
        q = self.config.batch.glasses if glasses is None else glasses
        k = self.config.batch.trilayers if trilayers is None else trilayers

        def plan() -> Plan:
            knowledge = self.knowledge()
            round_ = plan_round(
                self.ledger,
                self.config,
                knowledge,
                glasses=q,
                trilayers=k,
                budget_h=budget_h,
                choose=choose,
            )
            return Plan(knowledge, round_, self.making_room(also))

        return self.show(write_as_of_now(self.ledger, self.config, plan))

    def measure(self) -> Ranking:
        """Which measurement next, beside making new glasses. Opens no round, writes nothing.

        Returns:
            Readings that could be taken and specimens that could be made, ranked by the expected
            rise of the hypervolume of the posterior means an hour.

        Raises:
            CampaignError: If the die's rating leaves no pressing pressure to choose.
            SpaceError: If an objective has no reference.
        """
        with self.ledger.kept():
            return rank_measurements(self.ledger, self.config, self.knowledge())

    def show(self, round_id: str) -> Round:
        """A round as it was proposed, with its MLflow run; its folder is completed if need be.

        If it breaks a rule of every sheet, by the limits of now, loud warnings head its own and its
        sheet is withheld.

        Raises:
            CampaignError: If there is no such round.
        """
        round_ = with_warning(stored_round(self.ledger, round_id), self.config)
        self.deliver()
        round_["mlflow_run_id"] = LedgerOutbox(self.ledger).run_id(round_id)
        folder = self.round_folder(round_id)
        if lacking(folder, self._wanted_files()):
            write_folder(folder, round_files(round_, self.config, picture=self.pictures))
        withhold_unsafe(folder, round_, self.config)
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
            CampaignError: If a lab's files meet a simulated campaign, or the other way round, or
                a predictions.json was altered.
            LedgerError: If frozen predictions in the ledger were altered.
        """
        report = record_files(
            self.ledger, self.config, made, results, by=by, check=self._refuse_altered
        )
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
        report = take_in(
            self.ledger, self.config,
            lambda known: read_notebook(table, mapping, known)[:2],
            hashes=hashes_of(table), by=by, check=self._refuse_altered,
        )  # fmt: skip
        return self._settled(report, end=False)

    def record_literature(self, table: Path, *, by: str = "") -> Report:
        """Take in what others made and measured; learned from only if ``literature.use`` is true.

        Args:
            table: A CSV file of literature, see ``docs/literature.md``.
            by: Who records.

        Returns:
            What was done.

        Raises:
            InputError: With every problem found; nothing was written.
        """
        return record_literature(self.ledger, table, by=by)

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
            close(tx, round_id, self.config)
        note("round closed", campaign=self.config.name, round=round_id)
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
            CampaignError: If no round is open, or a lab has filled in the files.
            LedgerError: If the campaign holds a lab's own data.
        """
        waiting = self.open_rounds()
        if not waiting:
            raise CampaignError("there is no open round to simulate; run 'glassloop propose' first")
        laboratory = VirtualLab(World(world), seed=seed)
        files = self.fill(laboratory, waiting[0])
        return None if fill_only else self.record(*files, by=f"{VIRTUAL}: {laboratory.source}")

    def rehearse(self, rounds: int, *, world: str = "A", seed: int = 0) -> Report | None:
        """Propose and simulate round after round; an open one is simulated first.

        MLflow gets the surrogates after the last round.

        Args:
            rounds: How many are simulated, at least 1.
            world: Letter of the virtual world, A to G.
            seed: Seed of the virtual laboratory.

        Returns:
            What was recorded last.

        Raises:
            CampaignError: As ``simulate``.
            LedgerError: As ``simulate``.
            SpaceError: If nothing new can be proposed.
        """
        report = None
        for _ in range(rounds):
            if not self.open_rounds():
                self.propose()
            report = self.simulate(world=world, seed=seed)
        LedgerOutbox(self.ledger).log_models(self.knowledge(), self.config, self.folder)
        return report

    def fill(
        self,
        laboratory: Laboratory,
        round_id: str,
        *,
        late: Collection[str] = (),
        without: Collection[str] = (),
    ) -> tuple[Path, Path]:
        """Fill a round's files by making and measuring it in a simulated laboratory.

        The campaign becomes simulated, for good.

        Args:
            laboratory: Makes and measures.
            round_id: The round.
            late: Properties whose values are not there yet; their rows stay blank.
            without: Properties that nobody measures; their rows say so.

        Returns:
            ``made.csv`` and ``results.csv``, to be recorded.

        Raises:
            CampaignError: If there is no such round, or a lab has filled in the files.
            LedgerError: If the campaign holds a lab's own data.
        """
        assays = Assays(**self.config.assays.model_dump())
        chemist = VirtualChemist(laboratory, self._glass, assays)
        self._refuse_altered([round_id])
        self.show(round_id)
        folder = self.round_folder(round_id)
        made, results = folder / "made.csv", folder / "results.csv"
        filled = chemist.fill_made(made.read_text(), self.config.glasses.batch_mass_g)
        values = chemist.fill_results(results.read_text(), late=late, without=without)
        with self.ledger.transaction() as tx:
            tx.set_kind("simulated")
        label_simulated(folder, self.show(round_id), self.config, picture=self.pictures)
        made.write_text(filled)
        results.write_text(values)
        return made, results

    def predict(self, recipes: pd.DataFrame) -> dict[str, dict[str, pd.DataFrame]]:
        """Predictions of two surrogates side by side for any pellet recipes.

        Args:
            recipes: Columns x, milling_time_h, milling_media, milling_speed_rpm,
                pressing_pressure_mpa; optional temperature_c, else the campaign's.

        Returns:
            By property, by surrogate (``GP`` and ``mean``), the predictions table. The mean knows
            no temperature: it is left out where another one is asked for that matters.
        """
        knowledge = self.knowledge()
        asked = recipes.get("temperature_c", pd.Series(dtype=float))
        is_elsewhere = bool(((asked - self.config.temperature_c).abs() > 0).any())
        made = knowledge.pellets.loc[knowledge.pellets["status"] == "made"]
        found = {}
        for name in PELLET_PROPERTIES:
            readings = knowledge.fitted.loc[knowledge.fitted["property"] == name]
            mean = MeanSurrogate(name).fit(made, readings)
            found[name] = {"GP": knowledge.layers[name].predict(recipes)}
            if not (is_elsewhere and name in TEMPERATURE_DEPENDENT):
                found[name]["mean"] = mean.predict(recipes)
        return found

    def activation_energies(self, recipes: pd.DataFrame) -> dict[str, pd.DataFrame]:
        """How fast conductivities grow with temperature, learned from all temperatures.

        Args:
            recipes: As for ``predict``.

        Returns:
            By conductivity, mean, sd, lower and upper (90 %), kJ/mol.
        """
        layers = self.knowledge().layers
        return {
            name: layers[name].activation_energy(recipes)
            for name in ("ionic_conductivity", "electronic_conductivity")
        }

    def predict_success(self, recipes: pd.DataFrame) -> pd.DataFrame:
        """Probability that a new jar of a recipe is sound, and a pellet of it too.

        Args:
            recipes: As for ``predict``.

        Returns:
            One row a recipe: probability, lower and upper (90 %), and the weakest level.
        """
        learned = fit_feasibility(self.ledger, feature_ranges(self.config))
        return learned.glass_success(recipes)

    def compare(
        self,
        *,
        properties: Sequence[str] = (),
        surrogates: Sequence[str] = (),
        folds: Folds = "glass",
        n_jobs: int | None = None,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> CampaignComparison:
        """Which surrogate to believe, judged on glasses it has not seen. Writes nothing.

        Args:
            properties: Catalogue ids; those with readings when empty.
            surrogates: Names of ``models.registry``; all when empty. The mean always takes part.
            folds: Leave out all jars of a ``glass`` together, or all of a ``source``.
            n_jobs: Processes; two when left out.
            seed: Of bootstrap and randomised transforms.
            progress: Told after each fit how many are done, of how many.

        Returns:
            Scores, differences and verdicts by property.

        Raises:
            CampaignError: If nothing can be compared; says why.
            ReadingError: If a property is unknown.
            SpaceError: If a surrogate is unknown.
        """
        return compare_campaign(
            self.ledger, self.config, self.knowledge(),
            properties=properties, surrogates=surrogates, folds=folds, n_jobs=n_jobs, seed=seed,
            progress=progress,
        )  # fmt: skip

    def track(self, comparison: CampaignComparison, *, page: str, pictures: Pictures) -> Tracked:
        """Tell MLflow of a comparison; never fails because of MLflow.

        Args:
            comparison: What ``compare`` gave.
            page: Its page.
            pictures: Its pictures.

        Returns:
            The run, or what was not stored and why.
        """
        return track_comparison(
            comparison, page=page, pictures=pictures, config=self.config, folder=self.folder,
            campaign_id=str(self.ledger.id),
        )  # fmt: skip

    def in_words(self) -> dict[str, str]:
        """What each pellet property's predictions rest on, one sentence each."""
        return {name: model.in_words() for name, model in self.knowledge().layers.items()}

    def status(self, *, worth: float | None = None) -> dict[str, Any]:
        """Where the campaign stands, as plain data.

        Args:
            worth: Rise of the hypervolume, as a share of it, that makes a round worth it; without
                it nothing is said of the next round.

        Returns:
            As ``experiments.status.status_of``; of a large campaign without the next round it is
            kept for the next who asks.
        """
        rests_on = mark_of(self.folder)
        with self.ledger.kept():
            knowledge = self.knowledge()
            state = status_of(self.ledger, self.config, knowledge, worth=worth)
            state |= {"altered": [*state["altered"], *self._altered_files()]}
        if worth is None and knowledge.is_crowded:
            keep_status(self.folder, state, rests_on=rests_on)
        return state

    def keep_status(self) -> None:
        """Work out the state of a large campaign, so that ``glassloop status`` has it at once."""
        if is_crowded(self.ledger):
            self.status()

    def share_asked(self, worth: float | None, *, quick: bool) -> float | None:
        """What ``status`` is to look at the next round by, if at all.

        Args:
            worth: As asked for; when left out the usual one, and nothing in a large campaign.
            quick: Whether the next round is not to be looked at.
        """
        if quick or (worth is None and is_crowded(self.ledger)):
            return None
        return USUAL_WORTH if worth is None else worth

    def report(self, folder: Path) -> "ReportFiles":
        """Write the report: a page that stands alone, and its figures. Changes nothing else.

        Args:
            folder: Made if need be; an earlier report there is replaced.

        Returns:
            The files.

        Raises:
            CampaignError: If the folder cannot be written, or a predictions.json was altered.
            LedgerError: If frozen predictions in the ledger were altered.
        """
        from experiments.report import write_report  # Matplotlib is not for every command

        with self.ledger.kept():
            refuse_any_altered(self.ledger, self.folder / ROUNDS_FOLDER)
            knowledge = self.knowledge()
            state = status_of(self.ledger, self.config, knowledge)
            return write_report(self.ledger, self.config, knowledge, state, folder)

    def track_report(self, files: "ReportFiles") -> Tracked:
        """Give MLflow a report; never fails because of MLflow.

        Args:
            files: What ``report`` wrote.

        Returns:
            The run, or what was not stored and why.
        """
        return track_report(
            {path.name: path.read_bytes() for path in (files.page, *files.figures)},
            config=self.config, folder=self.folder, campaign_id=str(self.ledger.id),
        )  # fmt: skip

    def verify(self) -> list[str]:
        """What is wrong with ledger, scores, and the folders of rounds; empty when all is sound."""
        faults = self.ledger.verify()
        try:
            return [
                *faults,
                *lost_rounds(self.ledger),
                *self._altered_files(),
                *self._folders_of_nothing(),
                *wrong_scores(self.ledger),
            ]
        except LedgerError:  # a ledger too damaged to be read: its faults say so
            return faults

    def _folders_of_nothing(self) -> list[str]:
        """Folders of rounds that the ledger does not know."""
        root = self.folder / ROUNDS_FOLDER
        found = sorted(part.name for part in root.glob("R*") if part.is_dir())
        known = {*map(str, self.ledger.rounds()["id"])}  # read last: rounds come before folders
        return [
            f"{root / name}: there is no round {name} in the ledger; move the folder away, or "
            "restore the ledger it belongs to"
            for name in found
            if _ROUND.fullmatch(name) and name not in known
        ]

    def deliver(self) -> Delivery:
        """Tell MLflow what waits in the outbox; never fails because of MLflow."""
        return LedgerOutbox(self.ledger).deliver(self.config, self.folder)

    def where_tracked(self, round_id: str) -> str:
        """Where MLflow holds a round, in words."""
        return LedgerOutbox(self.ledger).describe(round_id, self.config, self.folder)

    def _refuse_altered(self, rounds: Sequence[str]) -> None:
        """Refuse rounds whose frozen predictions were altered."""
        refuse_altered(self.ledger, rounds, self.folder / ROUNDS_FOLDER)

    def making_room(self, also: Also = None) -> Also:
        """What writes more with a new round, after its folder's place was made free."""

        def write(tx: Transaction, round_id: str) -> None:
            set_aside(self.round_folder(round_id))
            if also is not None:
                also(tx, round_id)

        return write

    def complete_folders(self, rounds: Sequence[str]) -> None:
        """Lay lost and cut off files of rounds out again, from the ledger."""
        for round_id in rounds:
            folder = self.round_folder(round_id)
            if folder.is_dir() and lacking(folder, self._wanted_files()):
                self.show(round_id)

    def complete_open_rounds(self) -> None:
        """Write the folders of open rounds as far as they are not there, or not whole.

        A command that was killed between the ledger and the folder leaves a round like that.

        Raises:
            CampaignError: If a folder cannot be written.
        """
        for round_id in self.open_rounds():
            if lacking(self.round_folder(round_id), self._wanted_files()) and len(
                self.ledger.proposals(round_id)
            ):
                self.show(round_id)

    def _wanted_files(self) -> set[str]:
        return set(ROUND_FILES) if self.pictures else {*ROUND_FILES} - {PICTURE}

    def _altered_files(self) -> list[str]:
        """Files of predictions that no longer say what was frozen, one sentence each."""
        return altered_files(self.ledger, self.folder / ROUNDS_FOLDER)

    def _settled(self, report: Report, *, end: bool) -> Report:
        self.complete_folders(report.named)
        closed = settle(self.ledger, self.config)
        if end:
            waiting = self.open_rounds()
            for round_id in report.named or (waiting if len(waiting) == 1 else ()):
                if round_id in waiting:
                    self.end_round(round_id)
                    closed.append(round_id)
        self.deliver()
        unscored = [
            f"round {name}: its readings are recorded, but were not scored: what it was predicted "
            "with was altered, or frozen by another version of glassloop; 'glassloop verify' says "
            "more"
            for name in unsettled(self.ledger)
            if name in report.named
        ]
        return replace(
            report,
            closed=tuple(dict.fromkeys(closed)),
            warnings=(*report.warnings, *unscored),
        )

    def _glass(self, jar: str) -> GlassRecipe:
        """The recipe a jar was proposed with, for the virtual lab to make it again."""
        for row in self.ledger.proposals().to_dict("records"):
            if row["specimen"] == jar:
                recipe = row["recipe"]["recipe"]
                return GlassRecipe(**{name: recipe[name] for name in JAR_COLUMNS})
        made = self.ledger.jar(jar)
        return GlassRecipe(**{name: getattr(made, name) for name in JAR_COLUMNS})


def _planned(frame: pd.DataFrame, round_id: str) -> list[str]:
    rows = (frame["round_id"] == round_id) & (frame["status"] == "planned")
    return [str(name) for name in frame.index[rows]]
