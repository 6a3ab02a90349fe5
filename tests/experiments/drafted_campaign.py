"""A laboratory's campaign with a draft: three glasses and two cells that nobody had to search for.

Test modules that need it name it in ``pytest_plugins``; PYTEST_DONT_REWRITE, since by then the
search for doctests has imported it.
"""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from experiments.acting import acting
from experiments.campaign import Campaign
from experiments.cell_batch import CellBatch
from experiments.config import CampaignConfig, GlassConfig, MlflowConfig
from experiments.draft import Draft, begin_draft, edit_draft, open_draft
from experiments.glass_batch import GlassBatch
from experiments.proposed import Proposed
from experiments.round_plan import Choice, choice_of
from features.errors import InputError

RUN = {"milling_time_h": 5.0, "milling_speed_rpm": 500.0}
GLASSES = {
    "G1": ("control", {"x": 0.15, "milling_media": "stainless_steel"}, 450.0),
    "G2": ("exploit", {"x": 0.6, "milling_media": "zirconia"}, 350.0),
    "G3": ("exploit", {"x": 0.3, "milling_media": "agate"}, 300.0),
}
CELLS = {"C1": ("G1", "G2"), "C2": ("G3", "G2")}
HELD = {
    "core_mass_mg": 150.0, "skin_mass_mg": 25.0, "pressing_pressure_mpa": 450.0,
    "precompaction_pressure_mpa": 75.0, "stack_pressure_mpa": 7.0, "temperature_c": 60.0,
}  # fmt: skip

MADE: Sequence[dict[str, Any]] = (
    {"x": 0.0, "milling_media": "agate", "values": (2.0e-4, 17.5, 3e-9)},
    {"x": 0.1, "milling_media": "zirconia", "values": (3.1e-4, 18.0, 2e-9)},
    {"x": 0.2, "milling_media": "zirconia", "values": (2.6e-4, 18.9, 1e-9)},
    {"x": 0.4, "milling_media": "stainless_steel", "values": (1.4e-4, 20.3, 8e-10)},
    {"x": 0.5, "milling_media": "agate", "values": (9.0e-5, 20.8, 4e-10)},
)
"""What the laboratory made: jars J0 to J4, in stock."""

PROPERTIES = ("ionic_conductivity", "youngs_modulus", "electronic_conductivity")


class Chosen:
    """A ``Chooser`` of the rows above; a start if surrogates are said not to have chosen."""

    def __init__(self, *, learned: bool = True) -> None:
        self.learned = learned

    def __call__(
        self, ledger: Any, config: Any, knowledge: Any, *, glasses: int, trilayers: int,
        budget_h: float | None = None,
    ) -> Choice:  # fmt: skip
        number = f"R{len(ledger.rounds()) + 1:02d}"
        batch = GlassBatch(
            glasses=tuple(
                Proposed(
                    recipe={**recipe, **RUN, "pressing_pressure_mpa": pressure_mpa},
                    role=role,
                    why=f"chosen as {role}",
                )
                for role, recipe, pressure_mpa in GLASSES.values()
            ),
            run_why="a time for tests",
            learned=self.learned,
            warnings=("a jar stays empty",),
        )
        cells = CellBatch(
            cells=tuple(
                Proposed(
                    recipe={"core": f"{number}-{core}", "skin": f"{number}-{skin}", **HELD},
                    role="exploit" if self.learned else "space_filling",
                    why="chosen for a test",
                )
                for core, skin in CELLS.values()
            )
        )
        return choice_of(ledger, config, batch, lambda powder: cells)


@pytest.fixture(scope="session")
def drafted_folder(tmp_path_factory: pytest.TempPathFactory, add_glass: Any) -> Path:
    """The campaign's folder; its draft D01 was begun by Ada. Jars give powder for one cell."""
    folder = tmp_path_factory.mktemp("drafted") / "c"
    config = CampaignConfig(
        name="c", glasses=GlassConfig(batch_mass_g=0.5), mlflow=MlflowConfig(track=False)
    )
    with Campaign.create(folder, config) as campaign:
        for number, glass in enumerate(MADE):
            values = dict(zip(PROPERTIES, glass["values"], strict=True))
            recipe = {"x": glass["x"], "milling_media": glass["milling_media"]}
            add_glass(campaign.ledger, f"J{number}", **recipe, **values)
        with acting("Ada", "library"):
            begin_draft(campaign, choose=Chosen())
    return folder


@pytest.fixture
def campaign(drafted_folder: Path, tmp_path: Path) -> Iterator[Campaign]:
    """A copy of it, open."""
    shutil.copytree(drafted_folder, tmp_path / "c")
    with Campaign.open(tmp_path / "c", pictures=False) as opened:
        yield opened


def current(campaign: Campaign) -> Draft:
    """The open draft."""
    draft = open_draft(campaign.ledger)
    assert draft is not None
    return draft


def edit(campaign: Campaign, *edits: Any, by: str = "Bo") -> Draft:
    """The open draft with edits by somebody."""
    draft = current(campaign)
    with acting(by, "page"):
        return edit_draft(campaign, draft.id, draft.version, edits)


def refused(campaign: Campaign, *edits: Any) -> list[str]:
    """Problems of edits that must be refused; nothing may have been written."""
    before = current(campaign).version
    with pytest.raises(InputError, match="nothing was written") as caught:
        edit(campaign, *edits)
    assert current(campaign).version == before
    return list(caught.value.problems)


def row(draft: Draft, key: str) -> dict[str, Any]:
    """One row as plain data."""
    return next(each for each in draft.rows if each["key"] == key)
