"""A simulated campaign with a scored and an open round, and its report.

Test modules that need it name it in ``pytest_plugins``; PYTEST_DONT_REWRITE, since by then the
search for doctests has imported it.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from experiments.campaign import Campaign
from experiments.config import CampaignConfig, MlflowConfig
from experiments.report import ReportFiles


@pytest.fixture(scope="session")
def rehearsed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Campaign]:
    """The campaign, open."""
    folder = tmp_path_factory.mktemp("rehearsed") / "rehearsal"
    config = CampaignConfig(name="rehearsal", mlflow=MlflowConfig(track=False))
    with Campaign.create(folder, config) as campaign:
        campaign.pictures = False
        campaign.propose()
        campaign.simulate(world="A", seed=1)
        campaign.propose(glasses=2, trilayers=1)
        yield campaign


@pytest.fixture(scope="session")
def reported(rehearsed: Campaign, tmp_path_factory: pytest.TempPathFactory) -> ReportFiles:
    """Its report."""
    folder: Path = tmp_path_factory.mktemp("reported") / "deep" / "report"
    return rehearsed.report(folder)
