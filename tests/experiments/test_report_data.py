"""The numbers behind a report are those of the surrogates, the readings and the rounds."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from experiments.campaign import Campaign
from experiments.config import CampaignConfig, LiteratureConfig, MlflowConfig
from experiments.display import counted
from experiments.ledger_rows import ReadingRow
from experiments.report_front import attained_surface, fronts, standing_cells, standing_glasses
from experiments.report_history import Coverage, coverage, coverages, pit_bins, scores, volumes
from experiments.report_map import cell_map
from experiments.report_recipes import held_text, is_usual, usual_cell, usual_recipe
from experiments.report_slices import bar, peaks, slice_along
from experiments.report_words import calibration_words, methods
from optimizer.objectives import Objective

pytest_plugins = ["tests.experiments.reported_campaign"]

MORE_A = Objective("a", "maximize", scale="log10", reference=1e-6, best=1e-3)
LESS_B = Objective("b", "minimize", reference=10.0, best=1.0)


@pytest.fixture
def campaign(tmp_path):
    config = CampaignConfig(name="c", mlflow=MlflowConfig(track=False))
    with Campaign.create(tmp_path / "c", config, empty=True) as made:
        yield made


def read(campaign, specimen, name, low, high, *, at_c=60.0, se=None):
    with campaign.ledger.transaction() as tx:
        tx.add_reading(
            ReadingRow(
                specimen=specimen, property=name, lower=low, upper=high, se=se, temperature_c=at_c
            )
        )


def curve_of(campaign, name, variable="x"):
    drawn = slice_along(campaign.knowledge(), campaign.config, variable)
    return next(curve for curve in drawn.curves if curve.property_id == name)


def test_a_curve_is_the_prediction_at_the_usual_processing(campaign, add_glass):
    add_glass(campaign.ledger, "J1", ionic_conductivity=2e-4)
    curve = curve_of(campaign, "ionic_conductivity")
    recipes = pd.DataFrame({**usual_recipe(campaign.config), "x": curve.at})
    expected = campaign.knowledge().layers["ionic_conductivity"].predict(recipes)
    np.testing.assert_allclose(curve.bands["upper"], expected["upper"])
    assert (curve.at[0], curve.at[-1]) == (0.0, 0.6)


def test_marks_say_what_was_made_otherwise(campaign, add_glass):
    add_glass(campaign.ledger, "J1", ionic_conductivity=2e-4, x=0.3)
    add_glass(campaign.ledger, "J2", ionic_conductivity=2e-4, milling_media="zirconia")
    add_glass(campaign.ledger, "J3", ionic_conductivity=2e-4, pressing_pressure_mpa=300.0)
    usual = {m.specimen: m.is_usual for m in curve_of(campaign, "ionic_conductivity").marks}
    assert usual == {"J1-P": True, "J2-P": False, "J3-P": False}
    along = curve_of(campaign, "ionic_conductivity", "pressing_pressure_mpa").marks
    assert {m.specimen: m.is_usual for m in along} == {
        "J1-P": False, "J2-P": False, "J3-P": True,
    }  # fmt: skip


def test_a_bound_is_open_and_a_reading_elsewhere_is_counted_and_not_drawn(campaign, add_glass):
    pellet = add_glass(campaign.ledger, "J1")
    read(campaign, pellet, "electronic_conductivity", None, 1e-10)
    read(campaign, pellet, "electronic_conductivity", 1e-9, 1e-9, at_c=90.0)
    curve = curve_of(campaign, "electronic_conductivity")
    (mark,) = curve.marks
    assert (mark.dot, mark.high) == (1e-10, 1e-10)
    assert np.isnan(mark.low)
    assert (curve.n_elsewhere, curve.n_readings) == (1, 2)


def test_the_bar_of_a_reading_is_its_own_error():
    row = {"property": "youngs_modulus", "lower": 20.0, "upper": 20.0, "se": 0.5}
    dot, low, high = bar(row)
    assert dot == 20.0
    assert (low, high) == pytest.approx((20 - 1.645 * 0.5, 20 + 1.645 * 0.5))
    wide = {**row, "lower": 19.0, "upper": 21.0}
    assert bar(wide) == (20.0, 19.0, 21.0)


def test_failed_and_planned_glasses_lie_on_the_axis(rehearsed):
    drawn = slice_along(rehearsed.knowledge(), rehearsed.config, "x")
    planned = rehearsed.show("R02")["glasses"]
    assert sorted(drawn.planned) == sorted(item["recipe"]["x"] for item in planned)


def test_literature_is_drawn_as_somebody_elses(tmp_path):
    config = CampaignConfig(
        name="c", mlflow=MlflowConfig(track=False), literature=LiteratureConfig(use=True)
    )
    table = tmp_path / "literature.csv"
    table.write_text(
        "source,doi,specimen,x,milling_time_h,milling_media,milling_speed_rpm,"
        "pressing_pressure_mpa,property,value,unit,se,temperature_c,note\n"
        "Somebody 2021,10.1000/1,g1,0.2,3,stainless_steel,500,450,youngs_modulus,19,GPa,,25,\n"
    )
    with Campaign.create(tmp_path / "c", config, empty=True) as campaign:
        campaign.record_literature(table)
        (mark,) = curve_of(campaign, "youngs_modulus").marks
        assert (mark.is_literature, mark.is_own, mark.dot) == (True, False, 19.0)
        assert standing_glasses(campaign.knowledge(), campaign.config) == ()


def test_a_peak_is_located_only_where_the_data_say_so(rehearsed, campaign):
    assert not any(part.is_located for part in peaks(campaign.knowledge(), campaign.config))
    for part in peaks(rehearsed.knowledge(), rehearsed.config):
        assert part.low <= part.at <= part.high


def test_the_best_are_ranked_by_what_is_known_and_not_by_a_lucky_reading(campaign, add_glass):
    for number in range(8):
        add_glass(campaign.ledger, f"J{number}", ionic_conductivity=1e-4)
    add_glass(campaign.ledger, "JL", ionic_conductivity=2e-4)
    made = {p.specimen: p for p in standing_glasses(campaign.knowledge(), campaign.config)}
    lucky = made["JL-P"].values["ionic_conductivity"]
    assert lucky["mean"] < 1.3e-4
    assert lucky["lower"] < lucky["mean"] < lucky["upper"]
    assert made["JL-P"].values["youngs_modulus"]["read"] == 0


def test_specimens_of_the_paper_are_not_the_campaigns_own(rehearsed):
    knowledge, config = rehearsed.knowledge(), rehearsed.config
    own = {
        part.specimen: part.is_own
        for part in (*standing_glasses(knowledge, config), *standing_cells(knowledge, config))
    }
    assert not own["CHI-015-P"]
    assert not own["CHI-TRI"]
    assert own["R01-G1-P1"]


def test_fronts_pair_the_first_objective_with_the_others(rehearsed):
    knowledge, config = rehearsed.knowledge(), rehearsed.config
    found = fronts(knowledge, config, standing_glasses(knowledge, config))
    assert [(part.across, part.up) for part in found] == [
        ("ionic_conductivity", "youngs_modulus"),
        ("ionic_conductivity", "electronic_conductivity"),
    ]
    assert {part.specimen for part in found[0].planned} == {"R02-G1-P1", "R02-G2-P1"}


def test_the_attained_surface_of_one_sure_draw_is_its_staircase():
    draws = np.array([[[1e-5, 2.0], [1e-4, 5.0]]])
    surface = attained_surface([MORE_A, LESS_B], draws, np.array([1e-6, 1e-5, 5e-5, 1e-3]))
    np.testing.assert_allclose(surface[1, :3], [2.0, 2.0, 5.0])
    assert np.isnan(surface[:, 3]).all()


def test_more_of_the_one_never_attains_more_of_the_other():
    rng = np.random.default_rng(0)
    draws = np.stack([10 ** rng.normal(-4, 0.5, (60, 5)), rng.normal(5, 2, (60, 5))], axis=-1)
    surface = attained_surface([MORE_A, LESS_B], draws, np.geomspace(1e-6, 1e-2, 30))
    for row in surface:
        known = row[np.isfinite(row)]
        assert (np.diff(known) >= 0).all()  # less is better
    assert (surface[0][np.isfinite(surface[0])] >= surface[2][np.isfinite(surface[0])]).all()


def test_the_map_is_of_cells_that_sodium_leaves_alone(rehearsed):
    found = cell_map(rehearsed.knowledge(), rehearsed.config)
    assert found.skin_x[0] == pytest.approx(0.30)
    assert found.core_x[0] == 0.0
    cell = {**usual_cell(rehearsed.config), "core_x": found.core_x[3], "skin_x": found.skin_x[5]}
    alone = rehearsed.knowledge().predict_cells(pd.DataFrame([cell]))["critical_current_density"]
    ratio = found.centre["critical_current_density"][5, 3] / float(alone["mean"].iloc[0])
    assert abs(np.log10(ratio)) < float(alone["sd"].iloc[0])
    states = {mark.specimen: mark.state for mark in found.marks}
    assert states["CHI-TRI"] == "made"
    assert states["R02-C1"] == "planned"


def test_hypervolumes_are_those_the_rounds_hold(rehearsed):
    found = volumes(rehearsed.ledger)
    opened = rehearsed.show("R01")["hypervolume"]["glasses"]
    assert [part.after for part in found["glasses"]] == ["start", "R01"]
    assert found["glasses"][0].value == opened["value"]
    assert found["cells"][1].lower <= found["cells"][1].value <= found["cells"][1].upper


def test_scores_are_those_of_the_ledger(rehearsed):
    rows = scores(rehearsed.ledger)
    assert len(rows) == rehearsed.status()["scores"]["n"] == 24
    ninety = next(part for part in coverages(rows) if part.level == 90)
    assert ninety.inside / ninety.n == rehearsed.status()["coverage"]["90"]


@pytest.mark.parametrize(
    ("inside", "words"),
    [(65, "as often as right ranges would"), (50, "too narrow"), (70, "wider than need be")],
)
def test_coverage_is_judged_by_what_chance_allows(inside, words):
    rows = [{"inside_90": place < inside} for place in range(70)]
    assert words in calibration_words(coverage("all", 90, rows))


def test_chance_covers_what_it_should():
    part = Coverage(label="all", level=90, n=70, inside=59, low=59, high=67)
    assert part.is_chance


def test_every_reading_is_in_a_bin():
    rows = [{"pit": value} for value in np.linspace(0.0, 1.0, 70)]
    edges, counts, (low, high) = pit_bins(rows)
    assert (counts.sum(), len(counts), len(edges)) == (70, 10, 11)
    assert low < 7 < high


def test_the_usual_recipe_stays_within_what_is_searched():
    shipped = CampaignConfig(name="c")
    glasses = shipped.glasses.model_copy(
        update={"milling_time_h": 5.0, "jars_owned": {"zirconia": 2, "stainless_steel": 0}}
    )
    usual = usual_recipe(shipped.model_copy(update={"glasses": glasses}))
    assert usual["milling_time_h"] == 5.0
    assert usual["milling_media"] == "zirconia"
    assert held_text(usual, but="milling_time_h", temperature_c=60.0) == (
        "x = 0.15, milled at 500 rpm in zirconia (Y-TZP), pressed at 450 MPa, at 60 °C"
    )


def test_an_unweighed_recipe_is_not_the_usual_one():
    usual = usual_recipe(CampaignConfig(name="c"))
    rows = pd.DataFrame([usual, {**usual, "milling_time_h": np.nan}])
    assert is_usual(rows, usual, but="x").tolist() == [True, False]


def test_methods_name_the_source_and_the_campaign(rehearsed):
    text = " ".join(
        methods(
            rehearsed.knowledge(), rehearsed.config, campaign_id="abc", now=datetime.now(UTC)
        )
    )  # fmt: skip
    assert "doi:10.1038/s41467-022-30517-y" in text
    assert "campaign abc, at 60 °C" in text


def test_counts_have_their_plural():
    assert [counted(n, "glass") for n in (0, 1, 2)] == ["0 glasses", "1 glass", "2 glasses"]
