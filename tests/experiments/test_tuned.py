from dataclasses import replace

import numpy as np
import optuna
import pandas as pd
import pytest

from experiments.campaign import Campaign
from experiments.tuned import STUDIES_NAME, tune_campaign
from features.errors import CampaignError, ReadingError, TableError
from models.settings import GPSettings

pytestmark = pytest.mark.usefixtures("optuna_closed")


@pytest.fixture
def campaign(tmp_path):
    with Campaign.create(tmp_path / "first") as made:
        yield made


@pytest.fixture
def three_glasses(campaign, monkeypatch):
    """A campaign that knows three further glasses made like the paper's."""
    told = campaign.knowledge()
    paper = told.pellets.iloc[[0]]
    pellets, readings = [told.pellets], [told.fitted]
    template = told.fitted.loc[told.fitted["property"] == "ionic_conductivity"].iloc[[0]]
    for name, x, value in (("A", 0.3, 1e-4), ("B", 0.4, 9e-5), ("C", 0.5, 8e-5)):
        pellets.append(paper.set_axis([name]).assign(x=x, jar=name))
        readings.append(template.assign(specimen=name, lower=value, upper=value, se=np.nan))
    more = replace(told, pellets=pd.concat(pellets), fitted=pd.concat(readings, ignore_index=True))
    monkeypatch.setattr(Campaign, "knowledge", lambda _: more)
    return campaign


def test_the_study_is_kept_in_the_campaigns_folder(three_glasses):
    steps = []
    tuning = tune_campaign(
        three_glasses,
        "ionic_conductivity",
        2,
        n_jobs=1,
        progress=lambda done, total: steps.append((done, total)),
    )
    assert tuning.settings == GPSettings()
    assert "too few to tell" in tuning.verdict
    assert steps[-1] == (tuning.n_glasses + 1, tuning.n_glasses + 1)
    url = f"sqlite:///{three_glasses.folder / STUDIES_NAME}"
    assert optuna.get_all_study_names(url) == [tuning.study]


def test_another_storage_may_be_given(three_glasses, tmp_path):
    url = f"sqlite:///{tmp_path / 'elsewhere.db'}"
    tune_campaign(three_glasses, "ionic_conductivity", 1, url, n_jobs=1)
    assert len(optuna.get_all_study_names(url)) == 1
    assert not (three_glasses.folder / STUDIES_NAME).exists()


@pytest.mark.parametrize(
    "url",
    ["nonsense", "sqlite:////no/such/folder/x.db", "no_such_driver://x"],
    ids=["no URL", "no folder", "no driver"],
)
def test_a_storage_that_cannot_be_opened_is_refused_in_one_line(three_glasses, url):
    with pytest.raises(CampaignError, match=r"must be a database Optuna can open") as told:
        tune_campaign(three_glasses, "ionic_conductivity", 1, url, n_jobs=1)
    assert "\n" not in str(told.value)


def test_too_few_glasses_are_refused(campaign):
    with pytest.raises(TableError, match=r"choosing settings: .*3 glasses or more, got \d"):
        tune_campaign(campaign, "youngs_modulus", 1, n_jobs=1)


def test_a_property_of_cells_is_refused(campaign):
    with pytest.raises(CampaignError, match="no surrogate of pellets predicts"):
        tune_campaign(campaign, "critical_current_density", 1)
    with pytest.raises(ReadingError, match="colour"):
        tune_campaign(campaign, "colour", 1)


def test_no_trials_are_refused(campaign):
    with pytest.raises(CampaignError, match="1 trial or more, got 0"):
        tune_campaign(campaign, "youngs_modulus", 0)
