import json

import numpy as np
import optuna
import pandas as pd
import pytest
from joblib import parallel_config

from features.errors import ReadingError, TableError
from models.property_gp import PropertyGP
from models.settings import GPSettings
from models.settings_search import SettingsSearch, settings_in_words, settings_of, trials_table
from models.tuning import n_steps, tune

pytestmark = pytest.mark.usefixtures("optuna_closed")


def glasses(n, pellets_each=1):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "x": np.linspace(0, 0.6, n).round(3),
            "milling_time_h": rng.choice([2.0, 5.0, 10.0, 20.0], n),
            "milling_media": rng.choice(["zirconia", "stainless_steel", "agate"], n),
            "milling_speed_rpm": rng.choice([400.0, 500.0], n),
            "pressing_pressure_mpa": rng.choice([150.0, 300.0, 450.0], n),
            "jar": [f"J{i}" for i in range(n)],
        }
    )
    table = table.loc[np.repeat(np.arange(n), pellets_each)]
    return table.set_axis([f"P{i}" for i in range(len(table))])


def moduli(recipes, of_x, noise=0.5):
    rng = np.random.default_rng(1)
    value = of_x(recipes["x"].to_numpy()) + noise * rng.standard_normal(len(recipes))
    return pd.DataFrame(
        {
            "specimen": recipes.index,
            "property": "youngs_modulus",
            "lower": value,
            "upper": value,
            "se": np.nan,
        }
    )


def nothing(x):
    return np.full(len(x), 18.0)


def only_oxygen(x):
    return 14 + 15 * x


@pytest.fixture(scope="module")
def tuned():
    """Nine glasses of which only oxygen matters: less flexible settings pay."""
    recipes = glasses(9)
    readings = moduli(recipes, only_oxygen)
    search = SettingsSearch(property_id="youngs_modulus", n_trials=6)
    return search, recipes, readings, tune(search, recipes, readings)


def test_the_value_is_the_mean_over_jars_of_the_left_out_log_density():
    recipes = glasses(4, pellets_each=2)
    readings = moduli(recipes, only_oxygen)
    settings = GPSettings(kernel="rbf")
    process = PropertyGP("youngs_modulus", settings=settings).fit(recipes, readings).process
    by_jar = process.left_out_log_density("jar")
    value = SettingsSearch(property_id="youngs_modulus").log_density(settings, recipes, readings)
    assert len(by_jar) == 4
    assert value == pytest.approx(by_jar.mean())


def test_the_default_settings_are_tried_first_and_the_best_are_chosen(tuned):
    _, _, _, tuning = tuned
    first = tuning.trials.drop(columns="log_density").iloc[0]
    default = GPSettings().to_dict()
    assert {name: first[name] for name in default if name != "oxygen_scale"} == {
        name: value for name, value in default.items() if name != "oxygen_scale"
    }
    assert np.isnan(first["oxygen_scale"])
    assert tuning.in_sample == tuning.trials["log_density"].max() >= tuning.default_in_sample
    assert len(tuning.trials) == 6


def test_one_seed_gives_one_choice_on_any_number_of_workers():
    recipes = glasses(3)
    readings = moduli(recipes, only_oxygen)
    search = SettingsSearch(property_id="youngs_modulus", n_trials=3)
    one = tune(search, recipes, readings)
    with parallel_config(backend="threading"):  # processes would take seconds to start
        two = tune(search, recipes, readings, n_jobs=2)
    assert one.chosen == two.chosen
    assert one.nested_nlpd == pytest.approx(two.nested_nlpd, rel=1e-12)


def test_the_nested_score_is_of_choices_made_without_the_glass(tuned):
    search, recipes, readings, tuning = tuned
    without = recipes.iloc[1:]
    known = readings.loc[readings["specimen"].isin(without.index)]
    settings = search.chosen(without, known)
    assert settings.to_dict() == pytest.approx(
        tuning.chosen_by_fold.iloc[0].replace({np.nan: None}).to_dict()
    )
    assert tuning.difference == pytest.approx(tuning.nested_nlpd - tuning.default_nested_nlpd)
    assert tuning.difference_lower <= tuning.difference <= tuning.difference_upper


def test_choosing_helps_where_the_default_settings_are_too_flexible(tuned):
    _, _, _, tuning = tuned
    assert tuning.helped
    assert tuning.settings == tuning.chosen != GPSettings()
    assert tuning.verdict.startswith("choosing helped: NLPD -")
    assert "95 %" in tuning.verdict


def test_where_choosing_does_not_help_the_default_settings_are_kept(monkeypatch):
    recipes = glasses(8)
    readings = moduli(recipes, only_oxygen)
    monkeypatch.setattr(
        SettingsSearch,
        "chosen",
        lambda *_: GPSettings(lengthscale_median=0.05),  # what an unlucky search picks
    )
    tuning = tune(SettingsSearch(property_id="youngs_modulus", n_trials=3), recipes, readings)
    assert not tuning.helped
    assert tuning.settings == GPSettings()
    assert tuning.difference > 0
    assert "the default settings are kept" in tuning.verdict
    assert tuning.verdict.startswith(("choosing made it worse", "choosing did not help"))


def test_with_few_glasses_it_says_so_and_keeps_the_default_settings():
    recipes = glasses(3)
    readings = moduli(recipes, only_oxygen)
    tuning = tune(SettingsSearch(property_id="youngs_modulus", n_trials=2), recipes, readings)
    assert tuning.verdict.startswith("3 glasses: too few to tell whether choosing helps (8 needed)")
    assert (tuning.settings, tuning.n_glasses, tuning.n_jars) == (GPSettings(), 3, 3)


def test_fewer_than_three_glasses_are_refused():
    recipes = glasses(2, pellets_each=3)
    with pytest.raises(TableError, match=r"choosing settings: .*3 glasses or more, got 2"):
        tune(SettingsSearch(property_id="youngs_modulus"), recipes, moduli(recipes, nothing))


def test_an_unknown_property_is_refused():
    recipes = glasses(3)
    with pytest.raises(ReadingError, match="colour"):
        tune(SettingsSearch(property_id="colour"), recipes, moduli(recipes, nothing))


def test_jars_of_a_glass_are_left_out_together():
    recipes = pd.concat([glasses(4), glasses(4).assign(jar=["K0", "K1", "K2", "K3"])])
    recipes = recipes.set_axis([f"P{i}" for i in range(8)])
    search = SettingsSearch(property_id="youngs_modulus", n_trials=1)
    tuning = tune(search, recipes, moduli(recipes, only_oxygen))
    assert (tuning.n_glasses, tuning.n_jars) == (4, 8)
    # One trial is the default one: nothing was chosen, nothing can differ.
    assert (tuning.difference, tuning.chosen) == (0.0, GPSettings())


def test_a_jar_that_stands_alone_leaves_no_choice():
    recipes = glasses(1, pellets_each=2)
    search = SettingsSearch(property_id="youngs_modulus", n_trials=5)
    assert search.chosen(recipes, moduli(recipes, nothing)) == GPSettings()
    assert search.chosen(recipes, moduli(recipes, nothing).iloc[:0]) == GPSettings()


@pytest.mark.parametrize(
    "bounds",
    [
        pytest.param(lambda d: d.assign(lower=np.nan, upper=30.0), id="all censored"),
        pytest.param(lambda d: d.assign(lower=18.0, upper=18.0), id="constant"),
        pytest.param(lambda d: pd.concat([d, d]), id="every reading twice"),
    ],
)
def test_odd_tables_give_finite_numbers(bounds):
    recipes = glasses(3)
    readings = bounds(moduli(recipes, only_oxygen))
    tuning = tune(SettingsSearch(property_id="youngs_modulus", n_trials=2), recipes, readings)
    assert np.isfinite([tuning.in_sample, tuning.nested_nlpd, tuning.difference]).all()


def test_physics_is_tried_only_where_there_is_a_law():
    def tried(property_id):
        recipes = glasses(3)
        readings = moduli(recipes, only_oxygen).assign(property=property_id)
        study = SettingsSearch(property_id=property_id, n_trials=12).study(recipes, readings)
        return set(trials_table(study)["physics"])

    assert tried("youngs_modulus") == {True, False}
    assert tried("hardness") == {False}


def test_a_stored_study_is_read_by_optuna_and_completed_rather_than_repeated(tmp_path):
    recipes = glasses(3)
    readings = moduli(recipes, only_oxygen)
    url = f"sqlite:///{tmp_path / 'studies.db'}"

    def study(n_trials, table=readings):
        search = SettingsSearch(property_id="youngs_modulus", n_trials=n_trials)
        return search.study(recipes, table, storage=url)

    first = study(2)
    assert len(study(5).trials) == 5
    stored = optuna.load_study(study_name=first.study_name, storage=url)
    assert stored.best_value == max(trial.value for trial in stored.trials)
    assert len({json.dumps(trial.params) for trial in stored.trials}) == 5
    assert study(2, readings.assign(upper=20.0, lower=20.0)).study_name != first.study_name
    assert len(optuna.get_all_study_names(url)) == 2


def test_progress_is_told_as_often_as_announced(tuned):
    search, recipes, readings, _ = tuned
    few = SettingsSearch(property_id="youngs_modulus", n_trials=1)
    told = []
    tune(few, recipes, readings, progress=lambda: told.append(1))
    assert len(told) == n_steps(search, recipes, readings) == 10


def test_everything_goes_into_json(tuned):
    _, _, _, tuning = tuned
    plain = json.loads(json.dumps(tuning.to_dict(), allow_nan=False))
    assert plain["verdict"] == tuning.verdict
    assert GPSettings(**plain["chosen"]) == tuning.chosen
    assert len(plain["chosen_by_fold"]) == 9


def test_optuna_says_nothing_and_its_level_is_restored(capfd):
    recipes = glasses(3)
    before = optuna.logging.get_verbosity()
    search = SettingsSearch(property_id="youngs_modulus", n_trials=2)
    search.study(recipes, moduli(recipes, nothing))
    assert optuna.logging.get_verbosity() == before
    assert capfd.readouterr().err == ""


def test_settings_in_words_name_what_is_not_default():
    assert settings_in_words(GPSettings()) == "the default settings"
    warped = settings_of({"warp_oxygen": True, "oxygen_scale": 0.123456, "physics": True})
    assert settings_in_words(warped) == "oxygen_scale 0.123, physics True"
