"""The campaigns a server serves: what a new one may be called."""

from pathlib import Path

import pytest

from experiments.web.shelf import Shelf
from features.errors import CampaignError


@pytest.mark.parametrize(
    "name",
    ["mlruns", "MLRuns", "mlruns.", "access.db", "ACCESS.DB", "access.db-wal", "campaign.yaml",
     "ledger.db"],
)  # fmt: skip
def test_a_name_of_the_server_s_own_files_is_refused(tmp_path: Path, name: str):
    with pytest.raises(CampaignError, match=f"name: '{name}' is kept for the server's own files"):
        Shelf(tmp_path).new_folder(name)


@pytest.mark.parametrize("name", [".mlruns", "..", "", "a/b", "-a", "a" * 61, "a\n"])
def test_a_name_that_is_not_plain_is_refused(tmp_path: Path, name: str):
    with pytest.raises(CampaignError, match=r"name: must be up to 60 letters, .*; choose another"):
        Shelf(tmp_path).new_folder(name)


@pytest.mark.parametrize("name", ["first", "2026-05_b", "mlruns2", "accessories", "my.ledger.db"])
def test_any_other_name_is_a_folder_below_the_served_one(tmp_path: Path, name: str):
    assert Shelf(tmp_path).new_folder(name) == tmp_path / name
