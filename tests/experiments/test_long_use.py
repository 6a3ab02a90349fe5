"""Large campaigns: what is kept, what is said, and that work grows no faster than the campaign."""

import json
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from experiments import knowledge
from experiments.campaign import Campaign
from experiments.clusters import joined_jars
from experiments.contenders import contenders
from experiments.frozen_check import altered_in_ledger, altered_rounds
from experiments.kept_status import KEPT, kept_status
from experiments.ledger import Ledger
from experiments.ledger_rows import JarRow, ReadingRow
from experiments.limits_of_size import NEXT_ROUND_LEFT_OUT, limits_of_size
from experiments.progress import hypervolumes, objectives_of
from experiments.settling import last_summary
from experiments.status import status_of
from optimizer.objectives import reference_utilities
from tests.experiments.reported_campaign import rehearsed

__all__ = ["rehearsed"]


@pytest.fixture
def folder(rehearsed, tmp_path):
    return Path(shutil.copytree(rehearsed.folder, tmp_path / "copy"))


@pytest.fixture
def large(monkeypatch):
    """Every campaign of more than twenty readings counts as a large one."""
    monkeypatch.setattr(knowledge, "MANY_READINGS", 20)
    knowledge._fit.cache_clear()
    yield
    knowledge._fit.cache_clear()


def one_more_reading(campaign):
    pellet = str(campaign.ledger.pellets().index[-1])
    with campaign.ledger.transaction() as tx:
        tx.add_reading(
            ReadingRow(specimen=pellet, property="hardness", lower=1.0, upper=1.0, se=0.1)
        )


def plan_a_jar(campaign, name):
    with campaign.ledger.transaction() as tx:
        tx.add_jar(
            JarRow(
                id=name, origin="simulated", x=0.2, milling_time_h=3.0,
                milling_media="zirconia", milling_speed_rpm=500.0, status="planned",
            )
        )  # fmt: skip


@pytest.mark.sqlite_file
@pytest.mark.usefixtures("large")
class TestOfStatus:
    def test_it_is_kept_as_it_was_worked_out(self, folder):
        assert kept_status(folder) is None
        with Campaign.open(folder) as campaign:
            state = campaign.status()
        assert kept_status(folder) == json.loads(json.dumps(state))
        assert state["left_out"] == [NEXT_ROUND_LEFT_OUT]

    def test_that_it_is_large_is_known_without_a_fit(self, folder, monkeypatch):
        with Campaign.open(folder) as campaign:
            assert campaign.knowledge().is_crowded
            knowledge._fit.cache_clear()
            with monkeypatch.context() as patch:
                patch.setattr("experiments.campaign.fit_knowledge", None)
                assert campaign.share_asked(None, quick=False) is None
                assert campaign.share_asked(0.02, quick=False) == 0.02
            assert kept_status(folder) is None
            campaign.keep_status()
        assert kept_status(folder) is not None

    @pytest.mark.parametrize("changed", ["ledger", "configuration", "file", "kept"])
    def test_whatever_is_changed_it_is_worked_out_again(self, folder, changed):
        with Campaign.open(folder) as campaign:
            campaign.status()
            if changed == "ledger":
                one_more_reading(campaign)
        if changed == "configuration":
            with (folder / "campaign.yaml").open("a") as file:
                file.write("\n# nothing\n")
        if changed == "file":
            with (folder / "rounds" / "R01" / "predictions.json").open("a") as file:
                file.write(" ")
        if changed == "kept":
            path = folder / KEPT / "status.json"
            path.write_text(path.read_text().replace('"real"', '"reel"').replace("R01", "R77"))
        assert kept_status(folder) is None

    def test_what_came_while_it_was_worked_out_is_not_lost(self, folder, monkeypatch):
        with Campaign.open(folder) as campaign:
            slow = status_of

            def interrupted(*args, **kwargs):
                found = slow(*args, **kwargs)
                one_more_reading(campaign)
                return found

            monkeypatch.setattr("experiments.campaign.status_of", interrupted)
            campaign.status()
        assert kept_status(folder) is None

    def test_shown_as_kept_it_needs_no_surrogates(self, folder):
        with Campaign.open(folder) as campaign:
            campaign.status()
        code = (
            "import sys; from experiments.cli import app\n"
            "try: app(['status', '--campaign', sys.argv[1]])\n"
            "except SystemExit: pass\n"
            "sys.exit(bool({'torch', 'pandas', 'sqlalchemy', 'scipy'} & {*sys.modules}))"
        )
        shown = subprocess.run(
            [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=False
        )
        assert shown.returncode == 0, shown.stderr
        assert "rehearsal (simulated)" in shown.stdout
        assert NEXT_ROUND_LEFT_OUT.split(":", maxsplit=1)[0] in shown.stdout


def test_a_campaign_of_usual_size_keeps_nothing_and_leaves_nothing_out(folder):
    with Campaign.open(folder) as campaign:
        assert campaign.status()["left_out"] == []
        assert limits_of_size(campaign.knowledge()) == []
        assert campaign.share_asked(None, quick=False) == 0.01
    assert not (folder / KEPT).exists()


@pytest.mark.usefixtures("large")
class TestOfAFit:
    def test_it_is_done_once_for_all_processes(self, folder, monkeypatch):
        learned = Counter()

        def counted(*args):
            learned["fits"] += 1
            return learn(*args)

        learn = sys.modules["models.gp"].hyper_posterior
        monkeypatch.setattr("models.gp.hyper_posterior", counted)
        tables = []
        for _ in range(2):
            knowledge._fit.cache_clear()  # as in another process
            with Campaign.open(folder) as campaign:
                found = campaign.knowledge()
                volumes = hypervolumes(found, campaign.config)
                cells = found.predict_cells(found.cells.dropna().head(2))
                plan_a_jar(campaign, f"G{len(tables)}")  # what is planned teaches nothing
                tables.append((found.frozen()[0], volumes, cells["critical_current_density"]))
        assert learned["fits"] == 9  # five layers, cells, and success at three levels
        assert tables[0][:2] == tables[1][:2]
        np.testing.assert_array_equal(tables[0][2], tables[1][2])

    def test_of_other_data_or_damaged_it_is_done_again(self, folder):
        with Campaign.open(folder) as campaign:
            first = campaign.knowledge()
            assert first.shelf.get(knowledge.FIT) is not None
            path = folder / KEPT / f"{knowledge.FIT}.json"
            path.write_text(path.read_text().replace("ionic", "ironic", 1))
            assert first.shelf.get(knowledge.FIT) is None
            one_more_reading(campaign)
            assert campaign.knowledge().shelf.get(knowledge.FIT) is not None
            assert first.shelf.get(knowledge.FIT) is None

    def test_what_is_recorded_meanwhile_is_in_no_part_of_it(self, folder, monkeypatch):
        sifted = knowledge._sifted

        def meanwhile(*args):
            monkeypatch.setattr(knowledge, "_sifted", sifted)
            with Campaign.open(folder) as other:
                one_more_reading(other)
            return sifted(*args)

        monkeypatch.setattr(knowledge, "_sifted", meanwhile)
        with Campaign.open(folder) as campaign:
            n_before = len(campaign.ledger.readings())
            found = campaign.knowledge()
            assert len(found.fitted) + len(found.waiting) == n_before
            assert found.shelf.get(knowledge.FIT) is not None
            now = campaign.knowledge()
            assert len(now.fitted) + len(now.waiting) == n_before + 1
            assert now.shelf.told != found.shelf.told
            assert found.shelf.get(knowledge.FIT) is None

    def test_a_round_says_what_is_not_done_in_full(self, folder):
        with Campaign.open(folder) as campaign:
            found = limits_of_size(campaign.knowledge())
        assert len(found) == 1
        assert found[0].startswith("large campaign: ")


class TestOfReading:
    def asked(self, monkeypatch, campaign):
        """How often status asks the ledger for whole tables, and for models."""
        calls, found = Counter(), campaign.knowledge()
        for name in ("rounds", "proposals", "round_events", "readings", "model"):
            read = getattr(Ledger, name)

            def counted(self, *args, _name=name, _read=read, **kwargs):
                calls[_name] += 1
                return _read(self, *args, **kwargs)

            monkeypatch.setattr(Ledger, name, counted)
        status_of(campaign.ledger, campaign.config, found)
        monkeypatch.undo()
        return calls

    def test_status_reads_each_table_as_often_whatever_the_number_of_rounds(
        self, folder, monkeypatch
    ):
        with Campaign.open(folder) as campaign:
            campaign.end_round("R02")
            few = self.asked(monkeypatch, campaign)
            for number in (3, 4, 5, 6):
                again(campaign.ledger, number)
            many = self.asked(monkeypatch, campaign)
        assert many["model"] == 2  # one of each round that has proposals
        assert {**many, "model": 0} == {**few, "model": 0}

    def test_all_rounds_at_once_are_checked_as_one_by_one(self, folder):
        with Campaign.open(folder) as campaign:
            found = altered_rounds(campaign.ledger)
            assert found == {name: altered_in_ledger(campaign.ledger, name) for name in found}
            assert list(found) == ["R01", "R02"]

    def test_scores_are_those_of_round_by_round(self, rehearsed):
        state = rehearsed.status()
        assert state["scores"] == last_summary(rehearsed.ledger)
        for entry in state["rounds"]:
            assert entry["scored"] == last_summary(rehearsed.ledger, entry["id"])


def again(ledger, number):
    """The first round once more, closed and empty of specimens."""
    first = ledger.rounds().iloc[0]
    with ledger.transaction() as tx:
        name = f"R{number:02d}"
        tx.add_round(name, number=number, seed=0, config={**first["config"], "round": {}})
        tx.add_round_event(name, "closed")


def test_jars_are_joined_as_by_going_through_all_of_them():
    rng = np.random.default_rng(0)
    jars = [f"G{number:02d}" for number in range(40)]
    import pandas as pd

    cells = pd.DataFrame(rng.choice(jars, (25, 2)), columns=["core", "skin"])
    slow = {jar: jar for jar in jars}
    for core, skin in zip(cells["core"], cells["skin"], strict=True):
        keep, gone = sorted([slow[core], slow[skin]])
        slow = {jar: keep if head == gone else head for jar, head in slow.items()}
    found = joined_jars(jars, {}, cells)
    assert {jar: found[jar] for jar in jars} == slow


def test_contenders_hold_the_volume_of_all(monkeypatch):
    import pandas as pd

    from experiments.config import CampaignConfig
    from optimizer.hypervolume import hypervolume_draws
    from optimizer.objectives import utilities

    objectives = objectives_of(CampaignConfig(name="any").cells.objectives)
    reference = reference_utilities(objectives)
    rng = np.random.default_rng(1)
    centre, n = np.column_stack([rng.normal(-0.3, 0.3, 150), rng.normal(1.6, 0.3, 150)]), 150
    made = pd.DataFrame(index=[f"C{place}" for place in range(n)])

    def draw(frame, names, count, rng):
        places = [int(str(name)[1:]) for name in frame.index]
        return 10 ** (centre[places] + 0.1 * rng.standard_normal((count, len(places), 2)))

    few = contenders(made, draw, objectives, reference)
    assert len(few) < n / 2
    drawn = draw(made, (), 400, np.random.default_rng(2))
    places = [int(name[1:]) for name in few.index]
    whole, part = (
        hypervolume_draws(utilities(objectives, some), reference)
        for some in (drawn, drawn[:, places])
    )
    assert part.mean() == pytest.approx(whole.mean(), rel=0.005)
