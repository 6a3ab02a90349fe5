"""Plans: what is compared, what is refused, what imagined campaigns say together."""

import hashlib
from dataclasses import replace
from math import inf

import numpy as np
import pytest

from experiments.campaign import Campaign
from experiments.config import CampaignConfig, MlflowConfig
from experiments.fantasy import FantasyLab, Standing
from experiments.ledger import Ledger
from experiments.ledger_rows import OutboxRow
from experiments.next_round import NextRounds
from experiments.plan import Plan, PlannedOption, plan_ahead
from experiments.plan_console import plan_report, require_png
from experiments.plan_options import PlanOption, options_of
from experiments.plan_plot import plan_figure
from experiments.plan_reach import Best, Reach, cell_pool, glass_pool, reach_of
from experiments.plan_statistics import Estimate, chance, difference_of, mean, outcome_of
from experiments.plan_words import plan_json, plan_rows, plan_sentences, recommendation
from experiments.plan_world import (
    PlannedRound,
    Run,
    Snapshot,
    finish_open_rounds,
    lived_through,
)
from experiments.storage import LEDGER_NAME
from experiments.targets import Target
from experiments.workers import workers
from features.cell_limits import Limits, allowed
from features.errors import CampaignError, LedgerError

CURRENT = Target.of(["critical_current_density>3"])
STIFF = Target.of(["youngs_modulus>21"])
NOTHING: NextRounds = {"glasses": None, "cells": None}


@pytest.fixture
def config():
    return CampaignConfig(name="t", mlflow=MlflowConfig(track=False))


@pytest.fixture(scope="module")
def campaign(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plan") / "first"
    config = CampaignConfig(name="first", mlflow=MlflowConfig(track=False))
    with Campaign.create(folder, config, pictures=False) as campaign:
        yield campaign


@pytest.fixture(scope="module")
def knowledge(campaign):
    return campaign.knowledge()


def run(world, *, met_at=None, n=3, hours=10.0, option=0):
    """A campaign of n rounds of equal hours, or up to the one that meets the target."""
    n = n if met_at is None else met_at
    rounds = tuple(
        PlannedRound(
            hours=hours * (k + 1), weeks=k + 1.0, pellets=4 * (k + 1), cells=2 * (k + 1),
            met=met_at is not None and k + 1 == n,
        )
        for k in range(n)
    )  # fmt: skip
    ended = "target" if met_at is not None else "rounds"
    return Run(world=world, option=option, met_before=met_at == 0, rounds=rounds, ended=ended)


def plan_of(*each, budget_h=30.0, n_within=31):
    """A plan of options whose campaigns are given, world by world."""
    options = []
    for place, runs in enumerate(each):
        options.append(
            PlannedOption(
                option=PlanOption(glasses=4 - place, trilayers=1),
                round_hours=10.0,
                rounds=3,
                outcome=outcome_of(runs, 3) if runs else None,
                difference=difference_of(runs, each[0], budget_h=budget_h) if place else None,
            )
        )
    best = Best(
        property="critical_current_density", median=2.0, lower=1.0, upper=4.0,
        wanted="critical current density of at least 3 mA/cm2", probability=n_within / 32,
    )  # fmt: skip
    return Plan(
        campaign="t", simulated=False, target=CURRENT, budget_h=budget_h, n_worlds=len(each[0]),
        seed=0, reach=Reach(n_worlds=32, n_recipes=9, n_within=n_within, best=(best,)),
        options=tuple(options), too_dear=(), open_rounds=("R03",), next_rounds=NOTHING,
        n_readings={"critical_current_density": 1}, programme_end_ma_cm2=3.0, assumptions=(),
        runs=tuple(replace(r, option=i) for i, runs in enumerate(each) for r in runs),
    )  # fmt: skip


def fingerprint(folder):
    """Every file of a folder with what is in it."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(p): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


class TestOptions:
    def test_own_batch_half_of_it_and_no_indentation_stand_in(self, config):
        labels = [option.label for option in options_of(config, CURRENT)]
        assert labels == ["4+2", "2+1", "4+2 without Young's modulus"]

    def test_what_the_target_asks_for_is_not_left_out_by_default(self, config):
        assert [o.label for o in options_of(config, STIFF)] == ["4+2", "2+1"]

    def test_batches_and_measurements_asked_for(self, config):
        found = options_of(
            config, CURRENT, batches=["3+1", "3 + 1", "2+2"],
            without=["relative_density,charge_transfer_resistance"],
        )  # fmt: skip
        assert [(o.glasses, o.trilayers, len(o.without)) for o in found] == [
            (3, 1, 0), (2, 2, 0), (3, 1, 2)
        ]  # fmt: skip

    def test_pellets_only_for_a_target_of_pellets(self, config):
        assert options_of(config, STIFF, batches=["3"])[0].trilayers == 0

    def test_hours_of_a_round_are_those_of_hands(self, config):
        whole, less = options_of(config, CURRENT, batches=["4+2"], without=["youngs_modulus"])
        spared = 4 * config.costs.of("youngs_modulus").hands_h
        assert whole.round_hours(config) - less.round_hours(config) == pytest.approx(spared)

    def test_what_is_not_measured_is_no_objective(self, config):
        option = PlanOption(glasses=4, trilayers=2, without=("youngs_modulus",))
        applied = option.applied(config)
        assert "youngs_modulus" not in applied.glasses.objectives
        assert not applied.mlflow.track

    @pytest.mark.parametrize(
        ("given", "match"),
        [
            ({"batches": ["four"]}, "a batch is glasses and cells, such as 4\\+2, got 'four'"),
            ({"batches": ["9+1"]}, "1 to 7 glasses, as many jars as are owned, got '9\\+1'"),
            ({"batches": ["0+1"]}, "1 to 7 glasses"),
            ({"batches": ["3"]}, "the target is of cells, got a batch 3\\+0 that makes none"),
            ({"without": ["colour"]}, "only what a round measures can be left out, got 'colour'"),
            ({"without": ["youngs_modulis"]}, "did you mean youngs_modulus"),
            ({"without": ["critical_current_density"]}, "must be measured, got --without"),
            (
                {"without": ["ionic_conductivity,youngs_modulus,electronic_conductivity"]},
                "leaves no objective of glasses",
            ),
        ],
        ids=["words", "jars", "none", "no cells", "unknown", "misspelt", "target's", "all"],
    )
    def test_what_cannot_be_planned_is_refused(self, config, given, match):
        with pytest.raises(CampaignError, match=match):
            options_of(config, CURRENT, **given)


class TestRefusals:
    @pytest.mark.parametrize(
        ("given", "match"),
        [
            ({"budget_h": 0.0}, "a number of working hours above zero, got 0"),
            ({"budget_h": float("nan")}, "a number of working hours above zero, got nan"),
            ({"budget_h": 3.0}, "3 h do not pay for one round, got a need of"),
            ({"rounds": 0}, "one round at least, got 0"),
            ({"n_worlds": 0}, "one drawn truth at least, got 0"),
        ],
    )
    def test_a_plan_of_nothing(self, campaign, knowledge, given, match):
        with pytest.raises(CampaignError, match=match):
            plan_ahead(
                campaign.ledger, campaign.config, knowledge, target=CURRENT,
                options=options_of(campaign.config, CURRENT), **given,
            )  # fmt: skip

    @pytest.mark.parametrize(
        ("texts", "match"),
        [
            ([], "at least one condition"),
            (["critical_current_density"], "needs a property, < or >, and a number"),
            (["colour>3"], "no property with a surrogate"),
            (["hardness>1"], "no property with a surrogate"),
            (["critical_current_density>three"], "a number"),
        ],
    )
    def test_a_target_that_is_none(self, texts, match):
        with pytest.raises(CampaignError, match=match):
            Target.of(texts)

    def test_a_figure_that_is_no_png(self, tmp_path):
        with pytest.raises(CampaignError, match=r"the figure is a PNG, got plan\.jpg"):
            require_png(tmp_path / "plan.jpg")
        with pytest.raises(CampaignError, match="no folder"):
            require_png(tmp_path / "nowhere" / "plan.png")


class TestCopy:
    def test_a_copy_is_simulated_and_tells_nobody(self, tmp_path, add_glass):
        with Ledger.create(tmp_path / "ledger.db", campaign="real") as ledger:
            add_glass(ledger, "H1", ionic_conductivity=2e-4)
            with ledger.transaction() as tx:
                tx.add_round("R01", number=1, seed=0, config={})
                tx.add_outbox(OutboxRow(kind="round_closed", round_id="R01", payload={}))
            ledger.fantasy_copy(tmp_path / "copy.db")
            with Ledger.open(tmp_path / "copy.db") as copy:
                assert (copy.kind, ledger.kind) == ("simulated", "real")
                assert len(copy.readings()) == len(ledger.readings()) == 1
                assert copy.outbox().empty
            assert len(ledger.outbox()) == 1

    def test_a_copy_never_replaces_a_file(self, campaign, tmp_path):
        (tmp_path / "copy.db").write_text("mine")
        with pytest.raises(LedgerError, match="exists already"):
            campaign.ledger.fantasy_copy(tmp_path / "copy.db")

    def test_open_rounds_of_a_real_campaign_are_imagined_in_the_copy_only(
        self, tmp_path, add_glass
    ):
        config = CampaignConfig(name="real", mlflow=MlflowConfig(track=False))
        (tmp_path / "copy").mkdir()
        with Campaign.create(tmp_path / "real", config, pictures=False) as real:
            add_glass(real.ledger, "H1", ionic_conductivity=2e-4)
            real.propose(glasses=2, trilayers=0)
            before = fingerprint(tmp_path / "real")
            snapshot = Snapshot.of(real.ledger, real.config)
            option = PlanOption(glasses=2, trilayers=0)
            with snapshot.unpacked(tmp_path / "copy", option) as copy:
                lab = FantasyLab.drawn(
                    copy.knowledge(), copy.config, seed=1, standing=Standing.of(copy.ledger)
                )
                assert finish_open_rounds(copy, lab) == ["R01"]
                assert copy.open_rounds() == []
                read = copy.ledger.readings()
                sound = copy.ledger.pellets().query("round_id == 'R01' and status == 'made'")
                told = read.loc[read["specimen"].isin(sound.index)]
                assert len(told) == 5 * len(sound)
                assert copy.verify() == [] or all("origin lab" in s for s in copy.verify())
            assert real.open_rounds() == ["R01"]
            assert fingerprint(tmp_path / "real") == before


class TestReach:
    def test_pools_keep_to_the_search_space_and_the_rules(self, config):
        glasses, cells = glass_pool(config, 50), cell_pool(config)
        assert glasses["x"].between(0.0, 0.6).all()
        assert set(glasses["milling_media"]) <= set(config.glasses.jars_owned)
        assert len(cells) == 256
        assert allowed(cells, Limits()).all()

    def test_a_target_out_of_reach_is_said_and_not_imagined(self, campaign, knowledge):
        target = Target.of(["youngs_modulus>300"])
        with workers(1):
            plan = plan_ahead(
                campaign.ledger, campaign.config, knowledge, target=target,
                options=options_of(campaign.config, target), n_worlds=1, rounds=1,
            )  # fmt: skip
        assert plan.reach.is_hopeless
        assert not plan.was_imagined
        sentence = plan_sentences(plan)[0]
        assert sentence.startswith("No candidate is believed to meet the target")
        assert "best reachable: Young's modulus" in sentence
        assert plan_json(plan)["truths"] == 0

    def test_conditions_must_hold_in_one_specimen(self, campaign, knowledge):
        one = Target.of(["youngs_modulus>22"])
        both = Target.of(["youngs_modulus>22", "ionic_conductivity>3e-4"])
        with workers(1):
            alone = reach_of(knowledge, campaign.config, one, n_worlds=32)
            together = reach_of(knowledge, campaign.config, both, n_worlds=32)
        assert together.n_within <= alone.n_within
        assert together.probability <= min(best.probability for best in together.best)


class TestStatistics:
    def test_chances_by_round_and_times(self):
        runs = [run(0, met_at=1), run(1, met_at=2), run(2), run(3, met_at=0)]
        found = outcome_of(runs, 3)
        assert [e.value for e in found.by_round] == [0.25, 0.5, 0.75, 0.75]
        assert found.rounds_to_target == Estimate(value=1.0, lower=0.0, upper=inf)
        assert found.hours_to_target.value == 10.0
        assert found.endings == {"target": 3, "rounds": 1}
        assert found.hours.value == pytest.approx((10 + 20 + 30 + 0) / 4)

    def test_intervals_of_chances_cover(self):
        rng = np.random.default_rng(0)
        held = [
            found.lower <= 0.3 <= found.upper
            for found in (chance(int(k), 20) for k in rng.binomial(20, 0.3, 1000))
        ]
        assert np.mean(held) == pytest.approx(0.9, abs=0.05)

    def test_options_are_compared_world_by_world(self):
        first = [run(w) for w in range(12)]
        other = [run(w, met_at=1) for w in range(10)] + [run(10), run(11)]
        found = difference_of(other, first, budget_h=30.0)
        assert (found.only_this, found.only_first) == (10, 0)
        assert found.chance.value == pytest.approx(10 / 12)
        assert found.chance.tells_apart
        assert found.hours.value == pytest.approx(-20 * 10 / 12)

    def test_the_same_campaigns_differ_by_nothing(self):
        runs = [run(w, met_at=1 + w % 3) for w in range(8)]
        found = difference_of(runs, runs, budget_h=30.0)
        assert (found.chance.value, found.hours.value) == (0.0, 0.0)
        assert not found.chance.tells_apart
        assert not found.hours.tells_apart

    def test_one_value_has_no_interval(self):
        assert mean([2.0]) == Estimate(value=2.0, lower=-inf, upper=inf)


class TestWords:
    def test_ties_are_ties(self):
        runs = [run(w, met_at=2 if w % 2 else None) for w in range(4)]
        said = recommendation(plan_of(runs, runs))
        assert said.startswith("Not told apart by 4 drawn truths: 4+1 and 3+1, nor by their work")

    def test_a_better_option_is_recommended(self):
        plan = plan_of([run(w) for w in range(12)], [run(w, met_at=1) for w in range(12)])
        assert recommendation(plan) == "Recommendation: 3+1; it meets the target more often"

    def test_worse_options_leave_the_first(self):
        plan = plan_of([run(w, met_at=1) for w in range(12)], [run(w) for w in range(12)])
        said = "Recommendation: 4+1; the others meet the target less often"
        assert recommendation(plan) == said

    def test_less_work_decides_between_equals(self):
        slow = [run(w, met_at=3) for w in range(12)]
        quick = [run(w, met_at=1) for w in range(12)]
        assert "Recommendation: 3+1, for less work" in recommendation(plan_of(slow, quick))
        assert "Recommendation: 4+1, for less work" in recommendation(plan_of(quick, slow))

    def test_nothing_is_recommended_where_nothing_succeeds(self):
        runs = [run(w) for w in range(4)]
        assert "no option met the target" in recommendation(plan_of(runs, runs))

    def test_never_is_said_as_beyond_the_plan(self):
        (row,) = plan_rows(plan_of([run(0), run(1)]))
        assert row[4:6] == (">3", ">30")
        (row,) = plan_rows(plan_of([run(0, met_at=1), run(1)]))
        assert row[4] == "1 (1..>3)"

    def test_what_a_reader_must_know_is_said(self):
        said = " ".join(plan_sentences(plan_of([run(0, met_at=1), run(1)])))
        assert "readings of the critical current density end at 3 mA/cm2" in said
        assert "Open rounds are imagined first: R03" in said
        assert "from 1 reading of critical current density: so few" in said
        assert "Next round (4+1): the target is met after it with 50 %" in said

    def test_the_picture_has_both_axes_and_the_target(self):
        figure = plan_figure(plan_of([run(0, met_at=1), run(1)], [run(0), run(1, met_at=3)]))
        rounds, hours = figure.axes
        assert (rounds.get_xlabel(), hours.get_xlabel()) == ("round", "work of hands (h)")
        assert [t.get_text() for t in rounds.get_legend().get_texts()] == ["4+1", "3+1"]
        assert "at least 3 mA/cm2" in figure.get_suptitle()


@pytest.fixture(scope="module")
def plan(campaign, knowledge):
    before = fingerprint(campaign.folder)
    told = []
    with workers(1):
        plan = plan_ahead(
            campaign.ledger, campaign.config, knowledge, target=STIFF,
            options=[PlanOption(glasses=2, trilayers=0, without=("relative_density",))],
            n_worlds=2, rounds=1, progress=lambda done, of: told.append((done, of)),
        )  # fmt: skip
    assert told == [(1, 2), (2, 2)]
    ledger = {name: h for name, h in before.items() if LEDGER_NAME in name}
    after = fingerprint(campaign.folder)
    assert {name: after[name] for name in ledger} == ledger
    assert set(after) == set(before)
    return plan


class TestWholePlan:
    def test_campaigns_end_at_the_target_or_the_budget(self, plan):
        assert [part.rounds for part in plan.options] == [1]
        for one in plan.runs:
            assert one.met_at is None or one.met_at == len(one.rounds)
            assert one.hours <= plan.budget_h + 1e-6

    def test_everything_is_said_in_words_and_as_data(self, plan):
        data = plan_json(plan)
        assert data["truths"] == 2
        assert [o["label"] for o in data["options"]] == ["2+0 without relative density"]
        assert len(data["options"][0]["outcome"]["by_round"]) == 2
        assert plan_report(plan).renderables

    def test_a_world_is_lived_through_alike_twice(self, campaign, plan):
        again = lived_through(
            Snapshot.of(campaign.ledger, campaign.config), plan.options[0].option, STIFF,
            world=1, rounds=1, budget_h=plan.budget_h,
        )  # fmt: skip
        assert again == plan.runs_of(0)[1]
