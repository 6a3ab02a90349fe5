"""A jar is spent on a recipe made before only where that tells more than a new glass."""

import pandas as pd
import pytest

from experiments.campaign import Campaign
from experiments.knowledge import GLASS_COLUMNS
from experiments.replicates import replicate_instead

STEEL = {"milling_time_h": 3.0, "milling_media": "stainless_steel", "milling_speed_rpm": 500.0}
NEVER = pd.DataFrame(columns=list(GLASS_COLUMNS))


@pytest.fixture(scope="module")
def learned(tmp_path_factory, add_glass):
    """Four glasses of one run; A and B are on the front, and a reading of A is doubtful."""
    with Campaign.create(tmp_path_factory.mktemp("again") / "again", empty=True) as campaign:
        for name, x, conductivity in (
            ("A", 0.30, 9e-4),
            ("B", 0.32, 5e-4),
            ("C", 0.05, 2e-5),
            ("D", 0.60, 1e-5),
        ):
            add_glass(
                campaign.ledger,
                name,
                x=x,
                ionic_conductivity=conductivity,
                youngs_modulus=19.0,
                electronic_conductivity=2e-9,
            )
        return campaign.knowledge(), campaign.config


def glass(x, **parts):
    return {"x": x, **STEEL, "pressing_pressure_mpa": 450.0, **parts}


LITTLE_NEW = glass(0.31)
"""Between A and B: little is left to learn of it."""


def asked(learned, new, *, others=NEVER, media=("stainless_steel",)):
    return replicate_instead(*learned, new, others=others, media=media)


def test_a_new_glass_that_promises_nothing_gives_way_to_one_made_before(learned):
    again = asked(learned, LITTLE_NEW)
    assert again is not None
    assert again.role == "replicate"
    assert again.recipe in [glass(0.30), glass(0.32), glass(0.05), glass(0.60)]
    assert "in a jar of its own" in again.why


def test_both_figures_are_in_the_reason_and_the_replicates_is_larger(learned):
    words = asked(learned, LITTLE_NEW).why.replace(",", "").split()
    again, new = (float(words[i + 1]) for i, word in enumerate(words) if word == "by")
    assert again > new > 0


@pytest.mark.parametrize(
    ("media", "others", "change"),
    [
        pytest.param(("agate",), NEVER, {}, id="no-jar-of-the-medium"),
        pytest.param(("stainless_steel",), NEVER, {"milling_time_h": 7.0}, id="another-mill-run"),
        pytest.param(
            ("stainless_steel",),
            pd.DataFrame([glass(x) for x in (0.30, 0.32, 0.05, 0.60)]),
            {},
            id="in-the-batch-already",
        ),
    ],
)
def test_a_replicate_must_fit_the_run(learned, media, others, change):
    new = LITTLE_NEW | change
    assert asked(learned, new, others=others, media=media) is None


def test_a_glass_far_from_all_that_is_known_keeps_its_jar(learned):
    assert asked(learned, glass(0.0, pressing_pressure_mpa=75.0)) is None


def test_the_same_question_has_the_same_answer(learned):
    assert asked(learned, LITTLE_NEW) == asked(learned, LITTLE_NEW)
