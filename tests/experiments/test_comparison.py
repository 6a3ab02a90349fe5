"""A campaign's surrogates are compared on what it measured, and what cannot be is said."""

from dataclasses import replace
from pathlib import Path

import pytest

from experiments.campaign import Campaign
from experiments.comparison import compare_campaign, default_jobs, unused_in_words
from experiments.comparison_words import (
    LABELS,
    data_sentence,
    difference_rows,
    folds_sentence,
    score_heading,
    score_rows,
)
from experiments.config import CampaignConfig
from features.errors import CampaignError, ReadingError, SpaceError, TableError
from models.registry import SURROGATES

pytest_plugins = ["tests.experiments.compared_campaign"]


def test_every_property_with_three_glasses_is_compared(compared):
    assert list(compared.comparisons) == ["ionic_conductivity", "electronic_conductivity"]
    assert compared.comparisons["ionic_conductivity"].n_folds == 9
    assert compared.comparisons["electronic_conductivity"].n_censored == 3


def test_a_property_with_too_few_glasses_is_named_with_the_reason(compared):
    assert list(compared.not_compared) == ["youngs_modulus"]
    assert "3 glasses" in compared.not_compared["youngs_modulus"]
    assert "got 1" in compared.not_compared["youngs_modulus"]


def test_the_mean_always_takes_part(compared):
    assert compared.comparisons["ionic_conductivity"].surrogates == ("mean", "ridge")
    assert set(compared.fitted["ionic_conductivity"]) == {"mean", "ridge"}


def test_the_fits_to_all_readings_are_kept(compared):
    assert compared.fitted["ionic_conductivity"]["ridge"].n_readings == 9


def test_no_pellet_is_predicted_from_its_own_jar(compared):
    table = compared.comparisons["ionic_conductivity"].predictions
    assert table.groupby("jar")["fold"].nunique().eq(1).all()


def test_progress_is_told_of_every_fit_and_ends_at_the_total(measured):
    told = []
    measured.compare(
        surrogates=["ridge"], properties=["ionic_conductivity"], n_jobs=1,
        progress=lambda done, total: told.append((done, total)),
    )  # fmt: skip
    assert told == [(done, 20) for done in range(1, 21)]


def test_processes_do_not_change_the_numbers(measured, compared):
    again = measured.compare(surrogates=["ridge"], properties=["ionic_conductivity"], n_jobs=2)
    first = compared.comparisons["ionic_conductivity"]
    assert again.comparisons["ionic_conductivity"].scores.equals(first.scores)
    assert again.comparisons["ionic_conductivity"].differences.equals(first.differences)


def test_whole_sources_can_be_left_out(measured):
    found = measured.compare(
        surrogates=["ridge"], properties=["ionic_conductivity"], folds="source", n_jobs=1
    )
    table = found.comparisons["ionic_conductivity"].predictions
    assert set(table["fold"]) == {"lab", "history"}
    assert "source" in folds_sentence(found.folds)


def test_stated_errors_are_kept_for_the_bars(compared):
    usual = compared.errors["ionic_conductivity"]
    assert usual["J0-P"] == 0.02
    assert set(usual) == {f"J{number}-P" for number in range(9)}


def test_readings_are_scored_at_the_temperature_of_the_campaign(measured):
    elsewhere = CampaignConfig(name="cold", cells={"temperature_c": 25})
    with pytest.raises(CampaignError, match=r"9 readings, none within 2.5 °C of 25 °C"):
        compare_campaign(
            measured.ledger, elsewhere, measured.knowledge(),
            properties=["ionic_conductivity"], surrogates=["ridge"], n_jobs=1,
        )  # fmt: skip


def test_nothing_to_compare_is_one_message(tmp_path):
    with Campaign.create(tmp_path / "empty", CampaignConfig(name="empty"), empty=True) as campaign:
        with pytest.raises(CampaignError, match=r"needs readings of 3 glasses .* record results"):
            campaign.compare(n_jobs=1)
        with pytest.raises(CampaignError, match=r"no property can be compared.* got 0; measure"):
            campaign.compare(properties=["youngs_modulus"], n_jobs=1)


def test_cells_without_readings_and_what_no_surrogate_predicts_are_refused_with_a_reason(measured):
    with pytest.raises(CampaignError, match=r"must be readings of 3 glasses.*no surrogate predict"):
        measured.compare(properties=["critical_current_density", "hardness"], n_jobs=1)


def test_an_unknown_surrogate_is_refused(measured):
    with pytest.raises(SpaceError, match=r"must be one of mean.*, got 'oracle'"):
        measured.compare(surrogates=["oracle"], n_jobs=1)


def test_an_unknown_property_is_refused(measured):
    with pytest.raises(ReadingError, match="colour"):
        measured.compare(properties=["colour"], n_jobs=1)


def test_readings_that_wait_are_counted_by_reason(measured):
    knowledge = measured.knowledge()
    two = knowledge.fitted.head(2).assign(
        property="ionic_conductivity", why_not="shown only, see its note"
    )
    clauses = unused_in_words(replace(knowledge, waiting=two), ("ionic_conductivity",))
    specimens = ", ".join(dict.fromkeys(two["specimen"]))
    assert clauses == (f"ionic conductivity, 2 readings ({specimens}): shown only, see its note",)
    assert unused_in_words(replace(knowledge, waiting=two), ("youngs_modulus",)) == ()


def test_at_most_two_processes_are_the_default():
    assert 1 <= default_jobs() <= 2


def test_all_surrogates_of_the_registry_take_part_unless_said_otherwise(measured, monkeypatch):
    asked = []

    def enough(_property_id, _recipes, _readings, surrogates, **_):
        asked.append(tuple(surrogates))
        raise TableError("enough")

    monkeypatch.setattr("experiments.comparison.n_fits", enough)
    with pytest.raises(CampaignError, match="enough"):
        measured.compare(properties=["ionic_conductivity"])
    assert asked == [tuple(SURROGATES)]


def test_scores_are_printed_best_first_with_units(compared):
    found = compared.comparisons["ionic_conductivity"]
    names = [name for name, _ in score_rows(found)]
    assert names == list(found.scores.sort_values("nlpd").index)
    assert all(len(texts) == len(LABELS) for _, texts in score_rows(found))
    assert data_sentence(found) == "9 readings of 9 glasses"
    assert score_heading("sharpness", "relative_density") == "90 % width"


@pytest.mark.parametrize(
    ("ends", "word"),
    [((-0.5, -0.1), "better"), ((0.1, 0.5), "worse"), ((-0.1, 0.5), "not told apart")],
    ids=["better", "worse", "unknown"],
)
def test_a_difference_has_a_word_only_when_its_interval_excludes_zero(compared, ends, word):
    found = compared.comparisons["ionic_conductivity"]
    table = found.differences.assign(lower=ends[0], upper=ends[1])
    rows = difference_rows(replace(found, differences=table), against=("mean",))
    assert [(row.surrogate, row.against, row.word) for row in rows] == [("ridge", "mean", word)]


def test_a_difference_without_value_is_a_dash(compared):
    found = compared.comparisons["ionic_conductivity"]
    table = found.differences.assign(difference=float("nan"))
    rows = difference_rows(replace(found, differences=table), against=("mean",))
    assert rows[0].values == ("-", "-", "-")


def test_the_docs_name_every_surrogate():
    text = (Path(__file__).parents[2] / "docs/compare.md").read_text(encoding="utf-8")
    assert [name for name in SURROGATES if f"| `{name}` |" not in text] == []
