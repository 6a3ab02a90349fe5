"""A broken surrogate or optimizer is planted: nothing it proposes is written anywhere."""

import math
import shutil
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from experiments.campaign import Campaign
from experiments.draft import accept_draft, begin_draft, discard_draft
from experiments.proposed import Proposed
from experiments.round_plan import choice_of
from features.errors import GlassError, InputError, UnsafeProposalError
from features.stoichiometry import Masses
from tests.experiments.drafted_campaign import GLASSES, HELD, RUN, Chosen, current, edit

pytest_plugins = ["tests.experiments.drafted_campaign"]

NAN, INF = math.nan, math.inf


class BrokenSurrogate:
    """Gives one number wherever a surrogate is asked; or says that it cannot."""

    def __init__(self, inner: Any, value: float | None, *, draws: bool) -> None:
        self._inner, self._value, self._draws = inner, value, draws

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def predict(self, *given: Any, **more: Any) -> Any:
        found = self._inner.predict(*given, **more)
        if self._value is None:
            raise FloatingPointError("the kernel is singular")
        if isinstance(found, dict):
            return {name: table * 0 + self._value for name, table in found.items()}
        return found * 0 + self._value

    def sample(self, *given: Any, **more: Any) -> Any:
        found = self._inner.sample(*given, **more)
        if not self._draws:
            return found
        if isinstance(found, dict):
            return {name: np.full_like(draws, self._value) for name, draws in found.items()}
        return np.full_like(found, self._value)


@pytest.fixture(scope="module")
def bench(drafted_folder, tmp_path_factory):
    """The campaign, for tests after which it must be as it was."""
    folder = shutil.copytree(drafted_folder, tmp_path_factory.mktemp("bench") / "c")
    with Campaign.open(folder, pictures=False) as opened:
        yield opened


def break_surrogates(monkeypatch, campaign, value, *, draws=False):
    sound = campaign.knowledge()
    layers = {
        name: BrokenSurrogate(layer, value, draws=draws) for name, layer in sound.layers.items()
    }
    trilayer = BrokenSurrogate(sound.trilayer, value, draws=draws)
    broken = replace(sound, layers=layers, trilayer=trilayer)
    monkeypatch.setattr(campaign, "knowledge", lambda: broken)


def planted(*, glass=None, every_glass=None, cell=None, n=1):
    """A ``Chooser`` whose first glass or cell has other values than a sound one; n times."""

    def choose(ledger, config, knowledge, **more):
        sound = Chosen()(ledger, config, knowledge, **more)
        glasses = [
            Proposed(recipe={**row.recipe, **(every_glass or {})}, role=row.role, why=row.why)
            for row in sound.batch.glasses
        ]
        second = glasses[1]
        glasses[1:2] = [replace(second, recipe={**second.recipe, **(glass or {})})] * n
        first, *cells = sound.cells.cells
        cells.insert(0, replace(first, recipe={**first.recipe, **(cell or {})}))
        batch = replace(sound.batch, glasses=tuple(glasses))
        chosen = replace(sound.cells, cells=tuple(cells))
        return choice_of(ledger, config, batch, lambda _powder: chosen)

    return choose


def nothing_was_written(campaign):
    return (
        campaign.ledger.rounds().empty
        and len(campaign.ledger.drafts()) == 1
        and not (campaign.folder / "rounds").exists()
        and campaign.verify() == []
    )


@pytest.mark.parametrize("value", [NAN, INF, -INF, 0.0, -5.0, 1e30])
def test_no_round_rests_on_a_surrogate_that_gives_no_prediction(monkeypatch, campaign, value):
    break_surrogates(monkeypatch, campaign, value)
    with pytest.raises(UnsafeProposalError, match=r"nothing was written; report it") as caught:
        campaign.propose(choose=Chosen())
    told = "\n".join(caught.value.problems)
    assert "R01-G1: ionic_conductivity" in told or "R01-G1.predictions" in told
    discard_draft(campaign, "D01", 1)
    with pytest.raises(UnsafeProposalError, match="nothing was written"):
        begin_draft(campaign, choose=Chosen())
    assert nothing_was_written(campaign)
    assert list(campaign.ledger.drafts()["state"]) == ["discarded"]


@pytest.mark.parametrize("value", [NAN, INF])
def test_draws_that_are_no_numbers_are_refused_too(monkeypatch, bench, value):
    break_surrogates(monkeypatch, bench, value, draws=True)
    with pytest.raises(GlassError, match="utilities must be finite"):
        bench.propose(choose=Chosen())
    assert nothing_was_written(bench)


def test_the_whole_planner_on_a_broken_surrogate_writes_nothing(monkeypatch, bench):
    break_surrogates(monkeypatch, bench, 1e30)
    with pytest.raises(UnsafeProposalError, match="to be of a glass, got 1e\\+30"):
        bench.propose(glasses=2, trilayers=1)
    assert nothing_was_written(bench)


def test_a_surrogate_that_fails_writes_nothing(monkeypatch, bench):
    break_surrogates(monkeypatch, bench, None)
    with pytest.raises(FloatingPointError, match="singular"):
        bench.propose(choose=Chosen())
    assert nothing_was_written(bench)


BROKEN = {
    "beyond what is searched": ({"glass": {"x": 0.95}}, r"R01-G2: x must lie between 0 and 0\.6 "),
    "percent": ({"glass": {"x": 15.0}}, r"R01-G2: x must lie between 0 and 2\.5 .*got 15"),
    "below nothing": ({"glass": {"x": -0.1}}, r"R01-G2: x must lie between 0 and 2\.5"),
    "no x": ({"glass": {"x": NAN}}, r"R01-G2: x must be a finite number, got nan"),
    "900 MPa": ({"glass": {"pressing_pressure_mpa": 900.0}}, r"between 1 and 500 MPa .*got 900"),
    "no pressure": ({"glass": {"pressing_pressure_mpa": None}}, r"pressing_pressure_mpa must be a"),
    "no number": ({"glass": {"pressing_pressure_mpa": "hard"}}, r"got 'hard'"),
    "mixed times": ({"glass": {"milling_time_h": 9.0}}, r"milling_time_h must be the 5\.0 of the"),
    "mixed speeds": ({"glass": {"milling_speed_rpm": 400.0}}, r"milling_speed_rpm must be the 500"),
    "endless": ({"every_glass": {"milling_time_h": 900.0}}, r"between 0\.1 and 100 h .*got 900"),
    "no time": ({"every_glass": {"milling_time_h": NAN}}, r"milling_time_h must be a finite"),
    "too fast": ({"every_glass": {"milling_speed_rpm": 5000.0}}, r"between 50 and 1100 rpm"),
    "lead balls": ({"glass": {"milling_media": "lead"}}, r"milling_media must be one of stain"),
    "30 jars": ({"n": 30}, r"got jar 3 of zirconia of 2 owned"),
    "120 C": ({"cell": {"temperature_c": 120.0}}, r"between -20 and 90 °C \(sodium melts at 97\.8"),
    "no temperature": ({"cell": {"temperature_c": NAN}}, r"temperature_c must be a finite"),
    "pressed too hard": ({"cell": {"pressing_pressure_mpa": 900.0}}, r"R01-C1: pressing_pressure"),
    "core too hard": ({"cell": {"precompaction_pressure_mpa": 900.0}}, r"precompaction_pressure_m"),
    "squeezed out": ({"cell": {"stack_pressure_mpa": 50.0}}, r"stack_pressure_mpa must lie betw"),
    "50 g core": ({"cell": {"core_mass_mg": 50000.0}}, r"core_mass_mg must lie between 20 and 600"),
    "negative skin": ({"cell": {"skin_mass_mg": -25.0}}, r"skin_mass_mg must lie between 15 and"),
    "no core": ({"cell": {"core_mass_mg": NAN}}, r"core_mass_mg must be a finite number"),
    "more than milled": ({"cell": {"core_mass_mg": 300.0}}, r"R01-G1: powder for its pellet and"),
    "no such jar": ({"cell": {"core": "R99-G9"}}, r"R01-C1: core must be a jar of this round or"),
    "poor skin": ({"cell": {"skin": "R01-G1"}}, r"R01-C1: skin_x must be at least 0\.3 against"),
}  # fmt: skip


@pytest.mark.parametrize("fault", BROKEN)
def test_no_round_is_made_of_what_a_broken_optimizer_proposes(bench, fault):
    how, said = BROKEN[fault]
    before = bench.ledger.state()
    with pytest.raises(UnsafeProposalError, match=said):
        bench.propose(choose=planted(**how))
    assert bench.ledger.state() == before
    assert nothing_was_written(bench)


@pytest.mark.parametrize("fault", ["900 MPa", "120 C", "no x", "beyond what is searched"])
def test_no_draft_is_made_of_what_a_broken_optimizer_proposes(campaign, fault):
    how, said = BROKEN[fault]
    discard_draft(campaign, "D01", 1)
    before = campaign.ledger.state()
    with pytest.raises(UnsafeProposalError, match=said):
        begin_draft(campaign, choose=planted(**how))
    assert campaign.ledger.state() == before


def test_a_sound_plan_passes_the_same_door(campaign):
    assert campaign.propose(choose=planted())["round"] == "R01"


@pytest.mark.parametrize(
    "wrong",
    [
        lambda m: Masses(m.na2s_mg, m.p2o5_mg, m.p2s5_mg),
        lambda m: Masses(m.na2s_mg * 10, m.p2s5_mg, m.p2o5_mg),
        lambda m: Masses(-m.na2s_mg, m.p2s5_mg, m.p2o5_mg),
        lambda m: Masses(50_000.0, m.p2s5_mg, m.p2o5_mg),
        lambda m: Masses(m.na2s_mg, m.p2s5_mg, m.p2o5_mg * 2),  # molar mass of P4O10
        lambda m: Masses(m.na2s_mg, m.p2s5_mg + 0.3, m.p2o5_mg),
        lambda m: Masses(NAN, m.p2s5_mg, m.p2o5_mg),
    ],
)
def test_masses_that_give_another_glass_are_refused(monkeypatch, bench, wrong):
    from experiments import round_plan

    right = round_plan.masses_for
    monkeypatch.setattr(round_plan, "masses_for", lambda *given: wrong(right(*given)))
    with pytest.raises(UnsafeProposalError, match=r"R01-G1: masses_mg\.|masses_mg\.na2s"):
        bench.propose(choose=Chosen())
    assert nothing_was_written(bench)


def test_an_edit_cannot_get_round_the_rules(monkeypatch, bench):
    """What a person asks for is refused by the editor; were that broken, by the sheet's rules."""
    from experiments import draft_plan

    monkeypatch.setattr(draft_plan, "sheet_problems", lambda *given: [])
    for row, values, said in (
        ("G2", {"pressing_pressure_mpa": 700.0}, r"R01-G2: pressing_pressure_mpa must lie"),
        ("C1", {"skin_mass_mg": 5.0}, r"R01-C1: skin_mass_mg must lie between 15"),
        ("C1", {"core_mass_mg": 300.0}, r"R01-G1: powder for its pellet and cells"),
        ("G1", {"milling_media": "alumina"}, r"R01-G1: milling_media must be one of which a jar"),
    ):
        with pytest.raises(UnsafeProposalError, match=said):
            edit(bench, {"row": row, "set": values})
    assert nothing_was_written(bench)


def test_a_person_is_told_what_the_balance_cannot_weigh(monkeypatch, bench):
    equipment = bench.config.equipment.model_copy(update={"balance_mg": 5.0})
    config = bench.config.model_copy(update={"equipment": equipment})
    monkeypatch.setattr(bench, "config", config)
    with pytest.raises(InputError, match=r"row G2, column x: 0.05 takes 3.1 mg of a reagent"):
        edit(bench, {"row": "G2", "set": {"x": 0.05}})
    assert nothing_was_written(bench)


def test_a_person_may_leave_the_search_range(campaign):
    draft = edit(campaign, {"row": "G2", "set": {"x": 0.95}}, {"run": {"milling_time_h": 30.0}})
    round_ = accept_draft(campaign, draft.id, draft.version)
    assert round_["glasses"][1]["recipe"]["x"] == 0.95


def test_a_draft_is_checked_again_when_it_is_accepted(monkeypatch, campaign):
    draft = current(campaign)
    break_surrogates(monkeypatch, campaign, NAN)
    with pytest.raises(UnsafeProposalError, match="nothing was written"):
        accept_draft(campaign, draft.id, draft.version)
    assert nothing_was_written(campaign)


def test_what_is_planted_is_otherwise_sound():
    assert {"x", "milling_media"} == set(GLASSES["G2"][1])
    assert (RUN["milling_time_h"], HELD["temperature_c"]) == (5.0, 60.0)
