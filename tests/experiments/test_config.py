"""What ``campaign.yaml`` may say, and in which words it is refused."""

from pathlib import Path

import pytest

from experiments.config import (
    CampaignConfig,
    GlassConfig,
    Range,
    extremes,
    read_config,
    write_config,
)
from features.errors import CampaignError
from models.settings import GPSettings


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    write_config(CampaignConfig(name="c"), tmp_path)
    return tmp_path / "campaign.yaml"


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    config = CampaignConfig(
        name="Gläser 1",
        seed=7,
        glasses=GlassConfig(x=0.3, jars_owned={"agate": 1}, batch_mass_g=4.0),
    )
    write_config(config, tmp_path)
    assert read_config(tmp_path / "campaign.yaml") == config


def test_a_configuration_saved_with_a_byte_order_mark_works(shipped: Path) -> None:
    shipped.write_bytes(shipped.read_text().replace("\n", "\r\n").encode("utf-8-sig"))
    assert read_config(shipped).name == "c"


def test_a_number_holds_a_parameter_and_a_range_frees_it(shipped: Path) -> None:
    glasses = read_config(shipped).glasses
    assert extremes(glasses.milling_speed_rpm) == (500.0, 500.0)
    assert extremes(glasses.x) == (0.0, 0.6)


REFUSED = {
    "unknown-key": (
        "seed: 0", "sed: 0", r"campaign\.yaml: sed: unknown key; did you mean seed\?",
    ),
    "unknown-key-far-from-any": (
        "seed: 0", "colour: 0", r"colour: unknown key; campaign\.schema\.json lists those",
    ),
    "unknown-key-within": (
        "    high: 0.6", "    hihg: 0.6", r"glasses\.x\.hihg: unknown key; did you mean high\?",
    ),
    "missing-key": ("    high: 0.6\n", "", r"glasses\.x\.high: is missing; add it"),
    "reversed-bounds": (
        "low: 0.0\n    high: 0.6", "low: 0.6\n    high: 0.0",
        r"glasses\.x: low must be below high, got low 0\.6 and high 0; swap them",
    ),
    "equal-bounds": (
        "low: 0.0\n    high: 0.6", "low: 0.6\n    high: 0.6", r"glasses\.x: low must be below high",
    ),
    "step-wider-than-the-range": ("step: 0.01", "step: 3", r"glasses\.x: step 3 is wider"),
    "beyond-the-route": (
        "high: 0.6", "high: 3", r"glasses: x must stay between 0 and 2\.5 .*got 0 to 3",
    ),
    "decimal-comma": (
        "high: 0.6", "high: 0,6", r"glasses\.x\.high: .*got '0,6'; write a decimal point",
    ),
    "no-number": ("high: 0.6", "high: .nan", r"glasses\.x\.high: .*finite number, got nan"),
    "negative-time": (
        "low: 1.0\n    high: 20.0", "low: -1.0\n    high: 20.0",
        r"glasses: milling_time_h: milling time: -1 h is below",
    ),
    "grams-for-milligrams": (
        "pellet_mass_mg: 150.0", "pellet_mass_mg: 0.15", r"did you mean 0\.15 g \(150 mg\)\?",
    ),
    "impossible-skin": ("low: 15.0\n    high: 40.0", "low: 15.0\n    high: 900.0", r"skin mass"),
    "too-hot-for-sodium": (
        "temperature_c: 60.0", "temperature_c: 95.0",
        r"cells\.temperature_c: input should be less than or equal to 90, got 95\.0",
    ),
    "unknown-medium": (
        "agate: 2", "glass: 2", r"jars_owned names unknown media glass; known: stainless_steel",
    ),
    "no-jars": (
        "stainless_steel: 3\n    zirconia: 2\n    agate: 2", "agate: 0", r"holds no jar at all",
    ),
    "unknown-medium-of-the-control": (
        "milling_media: stainless_steel", "milling_media: steel",
        r"control: milling_media names unknown media steel",
    ),
    "control-in-percent": ("  x: 0.15", "  x: 15", r"control: x: x: 15 is above"),
    "unknown-ball-set": (
        "ball_sets: {}", "ball_sets: {steel: A}", r"equipment: ball_sets names unknown media steel",
    ),
    "precompaction-above-the-die": (
        "die_rating_mpa: 500.0", "die_rating_mpa: 50.0",
        r"cells\.precompaction_pressure_mpa: 75 MPa is above equipment\.die_rating_mpa 50; lower",
    ),
    "objective-the-catalogue-lacks": (
        "youngs_modulus:", "toughness:", r"objective 'toughness' is not in the property catalogue",
    ),
    "objective-of-the-other-carrier": (
        "youngs_modulus:", "critical_current_density:", r"cannot be an objective of a pellet",
    ),
    "reference-off-the-scale": (
        "reference: 1.0e-06", "reference: -1", r"reference of ionic_conductivity must be above",
    ),
    "unknown-direction": (
        "direction: maximize", "direction: maximise", r"direction: .*got 'maximise'",
    ),
    "key-twice": ("seed: 0", "seed: 0\nseed: 1", r"line \d+: .*the key seed stands twice"),
    "no-yaml": ("name: c", "name: [", r"campaign\.yaml, line \d+: not readable as YAML"),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_a_configuration_that_cannot_be_meant_is_refused(
    shipped: Path, old: str, new: str, message: str
) -> None:
    text = shipped.read_text()
    assert old in text
    shipped.write_text(text.replace(old, new, 1))
    with pytest.raises(CampaignError, match=message):
        read_config(shipped)


def test_all_faults_are_named_at_once(shipped: Path) -> None:
    text = shipped.read_text().replace("seed: 0", "sed: 0").replace("high: 0.6", "high: 0,6")
    shipped.write_text(text)
    with pytest.raises(CampaignError, match=r"(?s)glasses\.x\.high: .*sed: unknown key"):
        read_config(shipped)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"must hold keys and values, got NoneType; compare it"),
        (b"- a\n- b\n", r"must hold keys and values, got list"),
        ("name: Gläser".encode("cp1252"), r"not readable as YAML .*save it as UTF-8"),
    ],
    ids=["empty", "list", "windows-1252"],
)
def test_a_file_that_is_no_configuration_is_refused(
    shipped: Path, content: bytes, message: str
) -> None:
    shipped.write_bytes(content)
    with pytest.raises(CampaignError, match=message):
        read_config(shipped)


def test_a_folder_that_is_no_campaign_is_named_with_the_way_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(CampaignError, match=r"is not a campaign: .*'glassloop init NAME'"):
        read_config(tmp_path / "campaign.yaml")


def test_search_ranges_know_their_extremes() -> None:
    assert Range(low=1, high=2, step=0.5).extremes == (1.0, 2.0)


def test_settings_of_a_process_are_read_and_are_the_default_where_nothing_is_said(
    shipped: Path,
) -> None:
    text = shipped.read_text(encoding="utf-8")
    text = text.replace("surrogates: {}", "surrogates: {youngs_modulus: {physics: true}}")
    shipped.write_text(text, encoding="utf-8")
    config = read_config(shipped)
    assert config.settings_of("youngs_modulus") == GPSettings(physics=True)
    assert config.settings_of("ionic_conductivity") == GPSettings()


@pytest.mark.parametrize(
    ("section", "message"),
    [
        pytest.param("{hardness: {physics: true}}", "hardness: the property must", id="hardness"),
        pytest.param(
            "{critical_current_density: {kernel: rbf}}", "only physics can be set", id="cells"
        ),
        pytest.param("{youngs_modulus: {kernel: cubic}}", "kernel", id="kernel"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(
    shipped: Path, section: str, message: str
) -> None:
    text = shipped.read_text(encoding="utf-8")
    shipped.write_text(text.replace("surrogates: {}", f"surrogates: {section}"), encoding="utf-8")
    with pytest.raises(CampaignError, match=message):
        read_config(shipped)


def test_aliases_that_stand_for_billions_of_values_are_refused_quickly(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for number in range(1, 16):
        tens = ", ".join([f"*a{number - 1}"] * 10)
        lines.append(f"a{number}: &a{number} [{tens}]")
    (tmp_path / "campaign.yaml").write_text("\n".join([*lines, "name: *a15"]), encoding="utf-8")
    with pytest.raises(CampaignError, match="name") as refused:
        read_config(tmp_path / "campaign.yaml")
    assert len(str(refused.value)) < 2_000
