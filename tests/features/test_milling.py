"""Milling media, relative intensity and dose, against hand values."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import RecipeError
from features.milling import MEDIA, medium, relative_dose, relative_intensity

media_ids = st.sampled_from(sorted(MEDIA))


@pytest.mark.parametrize(
    ("media_id", "time_h", "dose", "intensity"),
    [
        pytest.param("stainless_steel", 3, 1.0, 1.0, id="oxysulfides-of-the-paper"),
        pytest.param("agate", 20, 2.26, 0.34, id="sulfide-of-the-paper"),
        pytest.param("zirconia", 20, 5.1, 0.77, id="zirconia-of-the-earlier-work"),
    ],
)
def test_dose_and_intensity_match_hand_values(media_id, time_h, dose, intensity):
    assert relative_dose(media_id, time_h, 500) == pytest.approx(dose, abs=0.05)
    assert relative_dose(media_id, time_h, 500) == pytest.approx(dose, rel=0.006)
    assert round(relative_intensity(media_id, 500), 2) == intensity


@settings(deadline=None)
@given(media_id=media_ids, time_h=st.floats(0.1, 100), speed_rpm=st.floats(50, 500))
def test_dose_is_linear_in_time_and_cubic_in_speed(media_id, time_h, speed_rpm):
    dose = relative_dose(media_id, time_h, speed_rpm)
    assert relative_dose(media_id, 2 * time_h, speed_rpm) == pytest.approx(2 * dose)
    assert relative_dose(media_id, time_h, 2 * speed_rpm) == pytest.approx(8 * dose)


@settings(deadline=None)
@given(media_id=media_ids, speed_rpm=st.floats(50, 500))
def test_intensity_is_quadratic_in_speed_and_cubic_in_ball_size(media_id, speed_rpm):
    intensity = relative_intensity(media_id, speed_rpm)
    assert relative_intensity(media_id, 2 * speed_rpm) == pytest.approx(4 * intensity)
    bigger = relative_intensity(media_id, speed_rpm, relative_ball_size=2)
    assert bigger == pytest.approx(8 * intensity)


def test_more_balls_and_less_powder_raise_the_dose():
    dose = relative_dose("zirconia", 10, 400)
    assert relative_dose("zirconia", 10, 400, relative_ball_load=3) == pytest.approx(3 * dose)
    assert relative_dose("zirconia", 10, 400, powder_g=1.0) == pytest.approx(2 * dose)


def test_media_are_filed_under_their_own_ids_with_sources():
    assert set(MEDIA) == {
        "stainless_steel", "zirconia", "agate", "tungsten_carbide", "alumina", "silicon_nitride",
    }  # fmt: skip
    for media_id, entry in MEDIA.items():
        assert entry.id == media_id
        assert entry.source


def test_metals_leave_conducting_debris_and_ceramics_do_not():
    conducting = {media_id for media_id, entry in MEDIA.items() if entry.metallic_debris}
    assert conducting == {"stainless_steel", "tungsten_carbide"}


@pytest.mark.parametrize(
    "use",
    [
        pytest.param(medium, id="medium"),
        pytest.param(lambda media_id: relative_intensity(media_id, 500), id="intensity"),
        pytest.param(lambda media_id: relative_dose(media_id, 3, 500), id="dose"),
    ],
)
@pytest.mark.parametrize("media_id", ["steel", "ZrO2", ""])
def test_unknown_medium_is_refused_beside_those_there_are(use, media_id):
    message = (
        rf"milling_media must be one of stainless_steel, .*silicon_nitride, got '{media_id}'; "
        "use one of these ids"
    )
    with pytest.raises(RecipeError, match=message):
        use(media_id)
