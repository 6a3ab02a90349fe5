"""Campaigns that are served, and a server of its own for each test that needs one."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from experiments.campaign import Campaign
from experiments.config import CampaignConfig, MlflowConfig
from experiments.web.app import make_app

ADDRESS = "http://127.0.0.1"


@pytest.fixture(scope="session")
def served_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``sim``: round R01 simulated and closed, R02 open, no draft."""
    root = tmp_path_factory.mktemp("served")
    config = CampaignConfig(name="sim", mlflow=MlflowConfig(track=False))
    with Campaign.create(root / "sim", config, pictures=False) as campaign:
        campaign.propose(glasses=3, trilayers=1)
        campaign.simulate()
        campaign.propose(glasses=2, trilayers=1)
    return root


@pytest.fixture(scope="session")
def real_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``lab``: a real campaign with the paper's data and R01 open."""
    root = tmp_path_factory.mktemp("real")
    config = CampaignConfig(name="lab", mlflow=MlflowConfig(track=False))
    with Campaign.create(root / "lab", config, pictures=False) as campaign:
        campaign.propose(glasses=2, trilayers=1)
    return root


@pytest.fixture
def own(tmp_path: Path) -> Callable[[Path], Path]:
    """A copy of a served folder that a test may change."""

    def copy(folder: Path) -> Path:
        return Path(shutil.copytree(folder, tmp_path / "own"))

    return copy


@pytest.fixture(scope="module")
def looker(served_folder: Path) -> Iterator[TestClient]:
    """Somebody who only looks, at a server that nobody needs a token for."""
    with TestClient(make_app(served_folder), base_url=ADDRESS) as client:
        yield client


@pytest.fixture
def lab(own: Callable[[Path], Path], real_folder: Path) -> Iterator[TestClient]:
    """Somebody at a real campaign of their own; ``client.root`` is its folder."""
    root = own(real_folder)
    with TestClient(make_app(root), base_url=ADDRESS) as client:
        client.root = root  # type: ignore[attr-defined]
        yield client
