"""The batch sheet holds everything a chemist needs at the box, and nothing it should not."""

import json
import re
from pathlib import Path

import pytest

from experiments.batch_sheet import SAFETY, mill_programme, render
from experiments.typeset import chemistry
from features.errors import CampaignError

ASSAYS = {"na2s": 0.991, "p2s5": 0.99, "p2o5": 0.985}
PROTOCOL = {"start_ma_cm2": 0.05, "step_ma_cm2": 0.1, "half_cycle_h": 0.5, "end_ma_cm2": 3.0}


@pytest.fixture
def sample():
    text = Path(__file__).with_name("sample_round.json").read_text(encoding="utf-8")
    return json.loads(text)


def sheet(sample, **changes):
    settings = {
        "assays": ASSAYS,
        "jar_set": {"stainless_steel": "15 × 10 mm"},
        "ccd_protocol": PROTOCOL,
    }
    return render(sample, **(settings | changes))


def words(html):
    """What a reader sees: cells and lines apart, single spaces."""
    body = html[html.index("<body>") :].replace("&ensp;", " ")
    apart = re.sub(r"<(?:br|/td|/th|/p|/li|/div)>", " ", body)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", apart))


def test_the_sample_round_is_a_full_batch(sample):
    assert (len(sample["glasses"]), len(sample["trilayers"])) == (4, 2)


@pytest.mark.parametrize(
    "phrase",
    [
        pytest.param("Batch sheet R01", id="round"),
        pytest.param("oxysulfide-2026", id="campaign"),
        pytest.param("MLflow run 9f2c61d0a3b84e1fb0a7c55d3e1f8a42", id="mlflow-run"),
        pytest.param("Date", id="date-blank"),
        pytest.param("Operator", id="operator-blank"),
        pytest.param("Glovebox O2, ppm", id="oxygen-blank"),
        pytest.param("H2O, ppm", id="water-blank"),
        pytest.param("Na2S last", id="order-of-addition"),
        pytest.param("assay 0.991", id="assay"),
        pytest.param("Na3PS3.85O0.15", id="formula"),
        pytest.param("zirconia (Y-TZP)", id="medium"),
        pytest.param("15 × 10 mm", id="ball-set"),
        pytest.param("balls not recorded: relative dose with load 1", id="unknown-ball-set"),
        pytest.param("500 rpm", id="speed"),
        pytest.param("15 min on / 15 min off", id="pauses"),
        pytest.param("12 cycles", id="cycles"),
        pytest.param("net 3 h", id="net-time"),
        pytest.param("on the clock 6.0 h", id="total-time"),
        pytest.param("one time for all jars", id="why-of-the-mill-run"),
        pytest.param("recovered, mg", id="recovered-blank"),
        pytest.param("0 1 2 3", id="caking-scale"),
        pytest.param("XRD file", id="xrd-blank"),
        pytest.param("medium: same glass as G1 without iron", id="role-and-why"),
        pytest.param("R01-G4-P1", id="pellet"),
        pytest.param("thickness, µm", id="thickness-blank"),
        pytest.param("25, 40, 60, 75, 90 °C", id="temperature-list"),
        pytest.param("C1, C2: 60 °C under 7 MPa (0.93 kN, 0.095 t-f)", id="cell-conditions"),
        pytest.param("start 0.05, step 0.1, end 3 mA/cm², 0.5 h each way", id="ccd-programme"),
        pytest.param("rises by more than 10 %", id="stop-rule"),
        pytest.param("18.0 mg skin, each side: G4 jar 4, x 0.60", id="skin-of-a-cell"),
        pytest.param("explore: thinner skins", id="why-of-a-cell"),
        pytest.param("Trained on 3 conductivity readings", id="counts"),
        pytest.param("Too few to learn from", id="too-few"),
        pytest.param("taken at 60 °C (the paper does not say; A1)", id="assumption"),
        pytest.param("Warning: stainless steel: iron wears in", id="warning"),
    ],
)
def test_the_sheet_prints(sample, phrase):
    assert phrase in words(sheet(sample))


def test_masses_are_printed_to_a_tenth_of_a_milligram_in_the_order_of_addition(sample):
    text = words(sheet(sample))
    first_jar = text[text.index("R01-G1") : text.index("R01-G2")]
    assert re.findall(r"\d+\.\d(?!\d)", first_jar) == ["934.7", "38.1", "1047.4", "2020.2"]


def test_a_compound_that_is_not_needed_has_no_blank_for_weighing(sample):
    text = words(sheet(sample))
    second_jar = text[text.index("R01-G2") : text.index("R01-G3")]
    assert "0.0 leave out" in second_jar
    assert second_jar.count("weighed") == 2


def test_pressures_are_given_as_force_on_the_die_too(sample):
    row = words(sheet(sample)).split("R01-G1-P1")[1].split("R01-G2-P1")[0]
    assert row.split()[:4] == ["150.0", "450", "59.7", "6.09"]


def test_a_wider_die_needs_more_force(sample):
    row = words(sheet(sample, die_diameter_mm=26.0)).split("R01-G1-P1")[1]
    assert float(row.split()[2]) == pytest.approx(4 * 59.73, rel=0.01)


def test_conductivities_are_scientific_with_millisiemens_beside_them(sample):
    html = sheet(sample)
    assert "2.4×10<sup>−4</sup>" in html
    assert "1.5×10<sup>−4</sup> to 3.9×10<sup>−4</sup>" in html  # the range of a new reading
    assert "0.24 mS/cm" in html


EXPLANATION = {
    "gain_per_objective": {
        "ionic_conductivity": {"expected": 0.08, "unit": "dex", "probability_better": 0.4},
        "youngs_modulus": {"expected": 0.2, "unit": "GPa", "probability_better": 0.3},
    },
    "probability_on_front": 0.77, "exploration_share": 0.6, "loss_share": 0.3,
    "loss_if_left_out": 0.01, "loss_error": 0.001,
    "nearest": [
        {"specimen": "S01", "distance": 0.1, "recipe": "x 0.15, 3 h, SS", "differs": "x +0.05"}
    ],
}  # fmt: skip
IN_FOR = (
    "front 77 %; beyond the best: ionic conductivity 0.08 dex (40 %); exploration 60 %; "
    "loss if left out 30 %; nearest S01: x +0.05"
)
SUCCESS = {"probability": 0.68, "lower": 0.12, "upper": 0.99, "weakest": "jar"}


@pytest.mark.parametrize("kind", ["glasses", "trilayers"])
def test_a_row_that_surrogates_chose_says_what_it_is_in_for(sample, kind):
    sample[kind][0] |= {"role": "explore", "explanation": EXPLANATION, "success": SUCCESS}
    text = words(sheet(sample))
    assert text.count(IN_FOR) == 1
    assert text.count("success 68 % (12 to 99 %)") == 1


@pytest.mark.parametrize("role", ["core", "skin", "replicate"])
def test_glasses_with_a_part_of_their_own_say_what_they_are_in_for_too(sample, role):
    sample["glasses"][1] |= {"role": role, "explanation": EXPLANATION}
    text = words(sheet(sample))
    assert "exploration 60 %; loss if left out 30 %" in text
    assert ("30 % (pellets only)" in text) is (role in ("core", "skin"))


def test_a_budget_is_printed_with_the_hours_of_each_row(sample):
    for item in [*sample["glasses"], *sample["trilayers"]]:
        item["cost_h"] = 11.5 if "pellet" in item else 79.0
    assert "cost" not in words(sheet(sample | {"budget": None}))
    text = words(sheet(sample | {"budget": {"allowed_h": 220.0, "planned_h": 204.0}}))
    assert "Budget: 204 of 220 h" in text
    assert (text.count("; cost 11.5 h"), text.count("; cost 79 h")) == (4, 2)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({}, id="older-round"),
        pytest.param({"explanation": None}, id="start"),
        pytest.param({"explanation": EXPLANATION, "role": "control"}, id="control"),
    ],
)
def test_other_rows_have_no_such_line(sample, change):
    sample["glasses"][0] |= change
    assert "exploration" not in words(sheet(sample))


def test_every_safety_line_is_printed_whatever_the_round(sample):
    html = sheet(sample | {"glasses": sample["glasses"][:1], "trilayers": []})
    for line in SAFETY:
        assert str(chemistry(line)) in html


def test_text_from_the_campaign_cannot_become_html(sample):
    sample["warnings"] = ["<script>alert(1)</script>"]
    sample["glasses"][0]["why"] = "x < 0.2 & <b>bold</b>"
    html = sheet(sample, jar_set={"stainless_steel": "<img src=x>"})
    assert "<script" not in html
    assert "<img" not in html
    assert "x &lt; 0.2 &amp; &lt;b&gt;bold" in html


def test_the_sheet_loads_nothing(sample):
    assert not re.search(r"https?://|<link|<script|@import|url\(", sheet(sample))


@pytest.mark.parametrize("mean", [None, float("nan")], ids=["none", "nan"])
def test_a_missing_prediction_is_said_in_words(sample, mean):
    sample["glasses"][0]["predictions"]["youngs_modulus"]["mean"] = mean
    del sample["glasses"][1]["predictions"]["relative_density"]
    sample["glasses"][2]["predictions"]["ionic_conductivity"]["reading_lower"] = float("nan")
    text = words(sheet(sample))
    assert "no data, prior only" in text
    assert not re.search(r"\b(nan|None)\b", text, flags=re.IGNORECASE)


@pytest.mark.parametrize("simulated", [True, False], ids=["simulated", "real"])
def test_only_a_simulated_round_carries_the_banner(sample, simulated):
    assert ("SIMULATED" in sheet(sample | {"simulated": simulated})) is simulated


def test_a_round_without_cells_has_no_tri_layer_table(sample):
    text = words(sheet(sample | {"trilayers": []}))
    assert "Tri-layers" not in text
    assert "6 Test" in text


def test_a_core_from_stock_is_named_in_full(sample):
    sample["trilayers"][0]["recipe"]["core"] = "HT-Na3PS4"
    assert "core: HT-Na3PS4 stock" in words(sheet(sample))


def test_cells_tested_differently_get_a_line_each(sample):
    sample["trilayers"][1]["recipe"]["temperature_c"] = 75
    text = words(sheet(sample))
    assert "C1: 60 °C" in text
    assert "C2: 75 °C" in text


def test_a_missing_assay_is_asked_for(sample):
    with pytest.raises(CampaignError, match=r"assays must hold .*, got no p2o5; enter it in"):
        sheet(sample, assays={"na2s": 1.0, "p2s5": 1.0})


def test_a_missing_number_of_the_ccd_programme_is_asked_for(sample):
    with pytest.raises(CampaignError, match=r"ccd_protocol must hold .*, got no step_ma_cm2"):
        sheet(sample, ccd_protocol={k: v for k, v in PROTOCOL.items() if k != "step_ma_cm2"})


@pytest.mark.parametrize(
    ("net_h", "n_cycles", "last_on_min", "total_h"),
    [
        pytest.param(3.0, 12, 15.0, 6.0, id="paper"),
        pytest.param(20.0, 80, 15.0, 40.0, id="long"),
        pytest.param(1.1, 5, 6.0, 2.35, id="last-cycle-shorter"),
        pytest.param(0.1, 1, 6.0, 0.35, id="less-than-a-cycle"),
    ],
)
def test_the_mill_turns_for_the_net_time(net_h, n_cycles, last_on_min, total_h):
    programme = mill_programme(net_h)
    assert programme.n_cycles == n_cycles
    assert programme.last_on_min == pytest.approx(last_on_min)
    assert programme.total_h == pytest.approx(total_h)
