"""The virtual laboratory scatters, censors and fails as it says, whatever the order of calls."""

from itertools import product

import numpy as np
import pytest

from experiments.virtual_lab import VirtualLab
from experiments.virtual_measurement import (
    critical_current_reading,
    density_reading,
    electronic_floor_s_cm,
    electronic_reading,
    ionic_reading,
    modulus_reading,
    transfer_reading,
)
from experiments.virtual_specimens import VirtualCell, VirtualJar, VirtualPellet
from experiments.virtual_worlds import World
from features.errors import ReadingError, RecipeError
from features.properties import property_of
from features.reading import CcdProtocol, parse_value
from features.recipe import GlassRecipe, TrilayerRecipe

CORE = GlassRecipe(0.15, 3, "stainless_steel")
SKIN = GlassRecipe(0.60, 5, "stainless_steel")
PELLET_PROPERTIES = [
    "relative_density",
    "ionic_conductivity",
    "youngs_modulus",
    "electronic_conductivity",
    "charge_transfer_resistance",
]
CELL_PROPERTIES = ["critical_current_density", "area_specific_resistance"]
DRAWS = 3000


def trilayer(**changes: float) -> TrilayerRecipe:
    masses = {"core_mass_mg": 150.0, "skin_mass_mg": 25.0}
    return TrilayerRecipe(core=CORE, skin=SKIN, **(masses | changes))


def pressed(lab: VirtualLab, name: str, glass: GlassRecipe = CORE) -> VirtualPellet:
    return lab.press(f"{name}-P1", lab.make_jar(name, glass), 450, 150)


def assembled(lab: VirtualLab, name: str, **changes: float) -> VirtualCell:
    core, skin = lab.make_jar(f"{name}-core", CORE), lab.make_jar(f"{name}-skin", SKIN)
    return lab.make_cell(name, core, skin, trilayer(**changes))


def many_jars(glass: GlassRecipe, letter: str = "A") -> list[VirtualJar]:
    lab = VirtualLab(World(letter), seed=0)
    return [lab.make_jar(f"J{i}", glass) for i in range(DRAWS)]


@pytest.fixture
def lab() -> VirtualLab:
    return VirtualLab(World("A"), seed=0)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


class TestLuck:
    def test_results_do_not_depend_on_the_order_of_calls(self) -> None:
        there, back = VirtualLab(World("A"), 1), VirtualLab(World("A"), 1)
        names = [f"G{i}" for i in range(5)]
        pairs = list(product(names, PELLET_PROPERTIES))
        first = {pair: there.measure(pressed(there, pair[0]), pair[1]) for pair in pairs}
        again = {pair: back.measure(pressed(back, pair[0]), pair[1]) for pair in reversed(pairs)}
        assert first == again

    def test_another_seed_or_another_specimen_has_other_luck(self, lab: VirtualLab) -> None:
        other = VirtualLab(World("A"), seed=1)
        texts = {
            made.measure(pressed(made, name), "ionic_conductivity").text
            for made, name in ((lab, "G1"), (lab, "G2"), (other, "G1"))
        }
        assert len(texts) == 3

    def test_a_specimen_has_the_same_luck_in_every_world(self) -> None:
        jars = [VirtualLab(World(letter), 0).make_jar("G1", CORE) for letter in "ADG"]
        assert len({(jar.powder.x, jar.ln_ionic, jar.recovery) for jar in jars}) == 1

    def test_a_cell_can_be_measured_twice(self, lab: VirtualLab) -> None:
        cell = assembled(lab, "C1")
        assert lab.measure_cell(cell, "critical_current_density") == lab.measure_cell(
            cell, "critical_current_density"
        )

    def test_pellets_of_one_jar_share_its_batch_effect(self, lab: VirtualLab) -> None:
        logs = []
        for i in range(400):
            jar = lab.make_jar(f"J{i}", CORE)
            pair = [
                lab.measure(lab.press(f"J{i}-P{j}", jar, 450), "ionic_conductivity") for j in (1, 2)
            ]
            logs.append([np.log(float(measurement.text)) for measurement in pair])
        first, second = np.array(logs).T
        expected = 0.12**2 / (0.12**2 + 0.08**2 + 0.024**2)
        assert np.corrcoef(first, second)[0, 1] == pytest.approx(expected, abs=0.08)


class TestNoise:
    """Means and spreads of domain notes 6.6."""

    def test_jars_scatter_as_assigned(self) -> None:
        jars = many_jars(CORE)
        x = np.array([jar.powder.x for jar in jars])
        assert x.mean() == pytest.approx(0.15, abs=2e-4)
        assert x.std() == pytest.approx(0.002, rel=0.05)
        assert np.std([jar.ln_ionic for jar in jars]) == pytest.approx(0.12, rel=0.05)
        assert np.std([jar.relative_modulus for jar in jars]) == pytest.approx(0.04, rel=0.05)
        assert np.std([jar.log10_electronic for jar in jars]) == pytest.approx(0.15, rel=0.05)
        recovery = [jar.recovery for jar in jars]
        assert 0.80 <= min(recovery) < 0.805 < 0.945 < max(recovery) <= 0.95

    def test_oxygen_never_falls_below_zero(self) -> None:
        x = [jar.powder.x for jar in many_jars(GlassRecipe(0.0, 20, "agate"))]
        assert min(x) == 0.0
        assert np.mean(np.array(x) == 0.0) == pytest.approx(0.5, abs=0.05)

    def test_conductivity_scatters_between_jars_and_pellets(self, lab: VirtualLab) -> None:
        pellets = [pressed(lab, f"G{i}") for i in range(DRAWS)]
        values = [float(lab.measure(pellet, "ionic_conductivity").text) for pellet in pellets]
        assert np.median(values) == pytest.approx(2.70e-4, rel=0.02)
        assert np.std(np.log(values)) == pytest.approx(np.hypot(0.12, 0.08), rel=0.06)

    def test_modulus_of_a_new_jar_scatters_by_4_percent(self, lab: VirtualLab) -> None:
        glass = GlassRecipe(0.60, 3, "stainless_steel")
        pellets = [pressed(lab, f"G{i}", glass) for i in range(DRAWS)]
        values = [float(lab.measure(pellet, "youngs_modulus").text) for pellet in pellets]
        assert np.mean(values) == pytest.approx(20.9, abs=0.1)
        assert np.std(values) / 20.9 == pytest.approx(np.hypot(0.04, 0.011), rel=0.06)

    @pytest.mark.parametrize(
        ("density", "relative_sd"),
        [pytest.param(1.0, 0.033, id="dense"), pytest.param(0.95, 0.066, id="porous")],
    )
    def test_nine_indents_err_by_their_standard_error(
        self, rng: np.random.Generator, density: float, relative_sd: float
    ) -> None:
        readings = [modulus_reading(20.9, density, rng) for _ in range(DRAWS)]
        values = [float(reading.text) for reading in readings]
        assert np.std(values) == pytest.approx(20.9 * relative_sd / 3, rel=0.06)
        assert readings[0].n == 9
        assert readings[0].se == pytest.approx(20.9 * relative_sd / 3, rel=0.1)

    def test_the_papers_scatter_of_nine_indents_is_0_7_gpa(self, rng: np.random.Generator) -> None:
        se = modulus_reading(20.9, 1.0, rng).se
        assert se is not None
        assert 3 * se == pytest.approx(0.7, abs=0.03)

    def test_density_can_exceed_one(self, rng: np.random.Generator) -> None:
        values = [float(density_reading(0.99, rng).text) for _ in range(DRAWS)]
        assert np.std(values) == pytest.approx(0.012, rel=0.05)
        assert 1.01 < max(values) < 1.05

    def test_impedance_errs_by_its_standard_error(self, rng: np.random.Generator) -> None:
        readings = [ionic_reading(2.7e-4, 560, rng) for _ in range(DRAWS)]
        scores = [(float(r.text) - 2.7e-4) / r.se for r in readings if r.se]
        assert len(scores) == DRAWS
        assert np.std(scores) == pytest.approx(1.0, abs=0.06)
        assert readings[0].se == pytest.approx(0.023 * 2.7e-4, rel=0.1)

    def test_polarisation_is_a_mean_of_three(self, rng: np.random.Generator) -> None:
        readings = [electronic_reading(1e-10, 1e-13, rng) for _ in range(DRAWS)]
        logs = np.log10([float(reading.text) for reading in readings])
        assert logs.std() == pytest.approx(0.12 / np.sqrt(3), rel=0.05)
        assert readings[0].n == 3

    def test_transfer_resistance_scatters_by_005_dex(self, rng: np.random.Generator) -> None:
        logs = np.log10([float(transfer_reading(10, rng).text) for _ in range(DRAWS)])
        assert logs.mean() == pytest.approx(1.0, abs=0.005)
        assert logs.std() == pytest.approx(0.05, rel=0.05)

    def test_cell_resistance_scatters_around_the_sum(self, lab: VirtualLab) -> None:
        cells = [assembled(lab, f"C{i}") for i in range(600)]
        values = [
            float(lab.measure_cell(cell, "area_specific_resistance").text)
            for cell in cells
            if not cell.failure
        ]
        assert np.median(values) == pytest.approx(425, rel=0.03)
        assert 0.03 < np.log10(values).std() < 0.07


class TestCriticalCurrent:
    def test_the_median_cell_of_the_paper_reads_2_30(self, rng: np.random.Generator) -> None:
        endless = CcdProtocol(end_ma_cm2=20)
        readings = [critical_current_reading(2.32, endless, rng).text for _ in range(DRAWS)]
        lower = np.array([float(text.split("..")[0]) for text in readings])
        assert np.median(lower) == pytest.approx(2.30, abs=0.051)
        assert lower.std() / lower.mean() == pytest.approx(0.194, abs=0.012)

    def test_intervals_are_one_step_wide_and_on_the_programme(
        self, rng: np.random.Generator
    ) -> None:
        protocol = CcdProtocol()
        for _ in range(200):
            text = critical_current_reading(1.0, protocol, rng).text
            lower, upper = (float(part) for part in text.split(".."))
            assert upper - lower == pytest.approx(0.05)
            assert lower / 0.05 == pytest.approx(round(lower / 0.05))

    @pytest.mark.parametrize(
        ("truth", "text"),
        [
            pytest.param(9.0, ">3.0", id="programme-ends"),
            pytest.param(0.0, "<0.05", id="first-step-fails"),
        ],
    )
    def test_readings_are_censored_at_both_ends(
        self, rng: np.random.Generator, truth: float, text: str
    ) -> None:
        readings = [critical_current_reading(truth, CcdProtocol(), rng).text for _ in range(200)]
        assert np.mean([reading == text for reading in readings]) > 0.9

    def test_a_shorter_programme_censors_earlier(self, rng: np.random.Generator) -> None:
        protocol = CcdProtocol(end_ma_cm2=1.0)
        assert critical_current_reading(2.32, protocol, rng).text == ">1.0"

    def test_one_soft_short_in_twenty_passes_one_step_more(self, rng: np.random.Generator) -> None:
        protocol = CcdProtocol()
        texts = [critical_current_reading(1e-6, protocol, rng).text for _ in range(DRAWS)]
        assert set(texts) == {"<0.05", "0.05..0.10"}
        assert np.mean([text != "<0.05" for text in texts]) == pytest.approx(0.05, abs=0.012)

    def test_skins_rich_in_oxygen_are_often_censored(self, lab: VirtualLab) -> None:
        rich = GlassRecipe(0.8, 5, "stainless_steel")
        recipe = TrilayerRecipe(core=CORE, skin=rich, core_mass_mg=150, skin_mass_mg=25)
        core, skin = lab.make_jar("core", CORE), lab.make_jar("skin", rich)
        cells = [lab.make_cell(f"C{i}", core, skin, recipe) for i in range(200)]
        texts = [lab.measure_cell(cell, "critical_current_density").text for cell in cells]
        assert 0.5 < np.mean([text == ">3.0" for text in texts]) < 0.95


class TestFloors:
    def test_the_floor_follows_the_channel(self) -> None:
        floors = [electronic_floor_s_cm(current, 550) for current in (1, 0.1, 1e-3)]
        assert floors == pytest.approx([8.3e-11, 8.3e-12, 8.3e-14], rel=0.01)

    def test_a_reading_at_the_floor_is_a_bound(self, rng: np.random.Generator) -> None:
        reading = electronic_reading(1e-13, 8.3e-12, rng)
        assert reading.text == "<8.3e-12"
        assert reading.se is None

    def test_a_coarse_channel_often_censors_x_060(self) -> None:
        coarse = VirtualLab(World("A"), seed=0, smallest_current_na=1.0)
        texts = [
            coarse.measure(pressed(coarse, f"G{i}", SKIN), "electronic_conductivity").text
            for i in range(300)
        ]
        assert 0.1 < np.mean([text.startswith("<") for text in texts]) < 0.6

    @pytest.mark.parametrize(
        ("truth", "sign"),
        [pytest.param(1e-10, "<1e-9", id="too-low"), pytest.param(0.03, ">", id="too-high")],
    )
    def test_impedance_has_two_ends(
        self, rng: np.random.Generator, truth: float, sign: str
    ) -> None:
        reading = ionic_reading(truth, 560, rng)
        assert reading.text.startswith(sign)
        assert reading.se is None


class TestFailures:
    def test_under_milled_jars_fail_as_unreacted(self) -> None:
        jars = many_jars(GlassRecipe(0.60, 3, "stainless_steel"))
        shares = {
            reason: np.mean([jar.failure == reason for jar in jars])
            for reason in ("unreacted", "handling", "crystallised")
        }
        assert shares["unreacted"] == pytest.approx(0.056, abs=0.015)
        assert shares["handling"] == pytest.approx(0.03 * 0.944, abs=0.01)
        assert shares["crystallised"] == pytest.approx(0.007, abs=0.006)

    def test_over_milled_jars_fail_as_crystallised(self) -> None:
        jars = many_jars(GlassRecipe(0.15, 30, "stainless_steel"))
        share = np.mean([jar.failure == "crystallised" for jar in jars])
        assert share == pytest.approx(0.85, abs=0.03)
        assert "t-Na3PS4" in jars[0].xrd

    def test_a_failed_jar_still_gives_a_biased_value(self, lab: VirtualLab) -> None:
        short_run = GlassRecipe(0.60, 1, "stainless_steel")
        pellet = pressed(lab, "G1", short_run)
        measurement = lab.measure(pellet, "ionic_conductivity")
        assert pellet.jar.failure == measurement.failure == "unreacted"
        assert "reagents" in pellet.jar.xrd
        assert float(measurement.text) < 0.5 * 8.2e-5

    @pytest.mark.parametrize("mpa", [40, 600])
    def test_pellets_crack_at_either_end(self, lab: VirtualLab, mpa: float) -> None:
        jar = lab.make_jar("G1", CORE)
        failures = [lab.press(f"P{i}", jar, mpa).failure for i in range(300)]
        assert set(failures) == {"cracked", None}
        assert np.mean([failure == "cracked" for failure in failures]) > 0.7

    def test_a_good_jar_looks_amorphous(self, lab: VirtualLab) -> None:
        assert lab.make_jar("G1", CORE).xrd == "amorphous (<3 mol%)"

    def test_cells_short_under_too_much_stack_pressure(self, lab: VirtualLab) -> None:
        cells = [assembled(lab, f"C{i}", stack_pressure_mpa=20.0) for i in range(400)]
        shorted = [cell for cell in cells if cell.failure == "short"]
        assert len(shorted) / len(cells) == pytest.approx(0.5, abs=0.08)
        current = lab.measure_cell(shorted[0], "critical_current_density")
        resistance = lab.measure_cell(shorted[0], "area_specific_resistance")
        assert current.failure == resistance.failure == "short"
        assert resistance.text.startswith("<6.")
        assert current.text == "<0.05"


class TestRecords:
    @pytest.mark.parametrize("letter", list("ABCDEFG"))
    def test_every_text_parses_into_the_catalogues_unit(self, letter: str) -> None:
        lab = VirtualLab(World(letter, seed=2), seed=5, smallest_current_na=1.0)
        measurements = [
            lab.measure(pressed(lab, f"G{i}", glass), name)
            for i, (glass, name) in enumerate(product([CORE, SKIN] * 5, PELLET_PROPERTIES))
        ] + [
            lab.measure_cell(assembled(lab, f"C{i}"), name)
            for i, name in product(range(20), CELL_PROPERTIES)
        ]
        for measurement in measurements:
            entry = property_of(measurement.property)
            interval = parse_value(measurement.text, measurement.property, measurement.unit)
            assert measurement.unit == entry.unit
            assert interval.is_exact == (measurement.se is not None), measurement
            for bound in (interval.lower, interval.upper):
                assert bound is None or entry.reject[0] <= bound <= entry.reject[1], measurement

    def test_everything_is_marked_simulated(self, lab: VirtualLab) -> None:
        pellet, cell = pressed(lab, "G1"), assembled(lab, "C1")
        measurements = [lab.measure(pellet, name) for name in PELLET_PROPERTIES]
        measurements += [lab.measure_cell(cell, name) for name in CELL_PROPERTIES]
        assert pellet.simulated
        assert cell.simulated
        assert pellet.jar.simulated
        assert all(m.simulated for m in measurements)
        assert all(m.method.startswith("simulated") for m in measurements)
        assert {m.source for m in measurements} == {"simulated world A, laboratory seed 0"}

    def test_modulus_and_density_are_taken_at_room_temperature(self, lab: VirtualLab) -> None:
        pellet = pressed(lab, "G1")
        temperatures = {m: lab.measure(pellet, m).temperature_c for m in PELLET_PROPERTIES}
        assert temperatures["youngs_modulus"] == temperatures["relative_density"] == 25.0
        assert temperatures["ionic_conductivity"] == 60.0

    def test_a_critical_current_carries_its_protocol(self, lab: VirtualLab) -> None:
        cell = assembled(lab, "C1", stack_pressure_mpa=5.0)
        current = lab.measure_cell(cell, "critical_current_density")
        assert current.protocol == CcdProtocol(stack_pressure_mpa=5.0)
        assert lab.measure_cell(cell, "area_specific_resistance").protocol is None

    def test_cold_pellets_conduct_less(self, lab: VirtualLab) -> None:
        pellet = pressed(lab, "G1")
        warm, cold = (float(lab.measure(pellet, "ionic_conductivity", t).text) for t in (60, 25))
        assert cold / warm == pytest.approx(0.172, rel=0.1)

    def test_a_pellet_carries_no_critical_current(self, lab: VirtualLab) -> None:
        with pytest.raises(ReadingError, match=r"got 'critical_current_density' \(pellet G1-P1\)"):
            lab.measure(pressed(lab, "G1"), "critical_current_density")

    def test_a_cell_carries_no_modulus(self, lab: VirtualLab) -> None:
        with pytest.raises(ReadingError, match=r"got 'youngs_modulus' \(cell C1\)"):
            lab.measure_cell(assembled(lab, "C1"), "youngs_modulus")

    def test_swapped_jars_are_refused(self, lab: VirtualLab) -> None:
        core, skin = lab.make_jar("G1", CORE), lab.make_jar("G2", SKIN)
        with pytest.raises(RecipeError, match=r"core of cell C1 must be x = 0\.15 .* got jar G2"):
            lab.make_cell("C1", skin, core, trilayer())

    def test_an_impossible_press_is_refused(self, lab: VirtualLab) -> None:
        jar = lab.make_jar("G1", CORE)
        with pytest.raises(RecipeError, match="pressing_pressure_mpa must lie between"):
            lab.press("G1-P1", jar, 5000)
