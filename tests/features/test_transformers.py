"""One contract for all transformers, then what each of them says."""

import re

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks

from features import transformers
from features.errors import RecipeError, TableError
from features.milling import MEDIA
from features.transformers import (
    COMPOSITION_FEATURES,
    GLASS_FEATURES,
    CompositionFeatures,
    GlassFeatures,
    MediumCategory,
)

TRANSFORMERS = [GlassFeatures(), MediumCategory(), CompositionFeatures()]
every = pytest.mark.parametrize("transformer", TRANSFORMERS, ids=lambda t: type(t).__name__)

READS_A_NUMBER = [
    pytest.param(GlassFeatures(), "x", id="glass-x"),
    pytest.param(GlassFeatures(), "milling_time_h", id="glass-time"),
    pytest.param(GlassFeatures(), "milling_speed_rpm", id="glass-speed"),
    pytest.param(GlassFeatures(), "pressing_pressure_mpa", id="glass-pressure"),
    pytest.param(CompositionFeatures(), "x", id="composition-x"),
]
READS_A_MEDIUM = [
    pytest.param(GlassFeatures(), "milling_media", id="glass-media"),
    pytest.param(MediumCategory(), "milling_media", id="category-media"),
]


@pytest.fixture
def recipes():
    return pd.DataFrame(
        {
            "operator": ["A", "B", "A"],
            "milling_media": ["stainless_steel", "agate", "zirconia"],
            "x": [0.15, 0.0, 0.60],
            "milling_time_h": [3, 20, 20],
            "milling_speed_rpm": [500, 500, 500],
            "pressing_pressure_mpa": [450, 450, 150],
        },
        index=["S01", "S02", "S03"],
    )


# GlassFeatures and MediumCategory read a text column by name, which scikit-learn's numeric
# arrays do not have; the contract below takes its place for them.
@parametrize_with_checks([CompositionFeatures(), CompositionFeatures(bridging_fraction=0.9)])
def test_composition_features_pass_the_checks_of_scikit_learn(estimator, check):
    check(estimator)


def test_every_transformer_is_under_contract():
    public = {
        name
        for name, value in vars(transformers).items()
        if hasattr(value, "transform") and value.__module__ == transformers.__name__
    }
    assert {name for name in public if not name.startswith("_")} == {
        type(transformer).__name__ for transformer in TRANSFORMERS
    }


@every
class TestTransformerContract:
    def test_transforms_a_table_without_being_fitted(self, transformer, recipes):
        unfitted = clone(transformer)
        assert get_tags(unfitted).requires_fit is False
        fitted = clone(transformer).fit(recipes)
        np.testing.assert_array_equal(unfitted.transform(recipes), fitted.transform(recipes))

    def test_fit_returns_itself_and_learns_nothing_from_the_values(self, transformer, recipes):
        fitted = clone(transformer)
        assert fitted.fit(recipes) is fitted
        elsewhere = clone(transformer).fit(recipes.assign(x=2.0, milling_time_h=50.0))
        np.testing.assert_array_equal(fitted.transform(recipes), elsewhere.transform(recipes))

    def test_names_match_the_columns(self, transformer, recipes):
        names = transformer.get_feature_names_out()
        assert transformer.transform(recipes).shape == (3, len(names))
        assert len(set(names)) == len(names)
        assert list(transformer.get_feature_names_out(recipes.columns)) == list(names)

    def test_pandas_output_keeps_the_specimen_ids(self, transformer, recipes):
        described = clone(transformer).set_output(transform="pandas").fit_transform(recipes)
        assert isinstance(described, pd.DataFrame)
        assert list(described.index) == list(recipes.index)
        assert list(described.columns) == list(transformer.get_feature_names_out())
        np.testing.assert_array_equal(described.to_numpy(), transformer.transform(recipes))

    def test_global_pandas_output_is_respected(self, transformer, recipes):
        with config_context(transform_output="pandas"):
            assert isinstance(clone(transformer).fit_transform(recipes), pd.DataFrame)

    def test_rows_are_described_one_by_one(self, transformer, recipes):
        whole = transformer.transform(recipes)
        np.testing.assert_array_equal(transformer.transform(recipes.iloc[::-1]), whole[::-1])
        np.testing.assert_array_equal(transformer.transform(recipes.iloc[[1]]), whole[[1]])

    def test_column_order_and_further_columns_do_not_matter(self, transformer, recipes):
        turned = recipes.drop(columns="operator").iloc[:, ::-1]
        np.testing.assert_array_equal(transformer.transform(turned), transformer.transform(recipes))

    def test_output_is_finite_floats_and_the_table_is_left_alone(self, transformer, recipes):
        before = recipes.copy(deep=True)
        described = transformer.fit(recipes).transform(recipes)
        assert described.dtype == np.float64
        assert np.isfinite(described).all()
        pd.testing.assert_frame_equal(recipes, before)

    def test_clone_and_params_round_trip(self, transformer, recipes):
        copy = clone(transformer).set_params(**transformer.get_params())
        assert copy is not transformer
        assert copy.get_params() == transformer.get_params()

    def test_works_inside_a_pipeline(self, transformer, recipes):
        pipeline = make_pipeline(clone(transformer), StandardScaler())
        assert pipeline.fit(recipes).transform(recipes).shape[0] == 3
        assert list(pipeline.get_feature_names_out()) == list(transformer.get_feature_names_out())


@pytest.mark.parametrize(("transformer", "name"), READS_A_NUMBER + READS_A_MEDIUM)
def test_missing_column_is_named(transformer, name, recipes):
    message = re.escape(f"recipes: column '{name}' must be there once, got it 0 times")
    with pytest.raises(TableError, match=message):
        transformer.transform(recipes.drop(columns=name))
    with pytest.raises(TableError, match=message):
        clone(transformer).fit(recipes.drop(columns=name))


@pytest.mark.parametrize("transformer", [GlassFeatures(), MediumCategory()], ids=["glass", "cat"])
@pytest.mark.parametrize("media_id", ["steel", float("nan")], ids=["unknown", "missing"])
def test_unknown_medium_is_named_with_its_row(transformer, media_id, recipes):
    recipes["milling_media"] = ["agate", media_id, media_id]
    message = rf"recipes, row S02: milling_media must be one of stainless_steel.* got '?{media_id}"
    with pytest.raises(RecipeError, match=message):
        transformer.transform(recipes)


@pytest.mark.parametrize(("transformer", "name"), READS_A_NUMBER)
def test_value_that_is_no_number_is_named_with_its_row(transformer, name, recipes):
    recipes[name] = recipes[name].astype(float)
    recipes.loc["S03", name] = np.nan
    message = rf"recipes: {name} must be a finite number in every row, got nan \(row S03\)"
    with pytest.raises(TableError, match=message):
        transformer.transform(recipes)


@pytest.mark.parametrize("name", ["milling_time_h", "milling_speed_rpm"])
def test_milling_that_did_not_happen_is_refused(name, recipes):
    recipes.loc["S01", name] = 0
    message = rf"recipes: {name} must be above zero in every row, got 0 \(row S01\)"
    with pytest.raises(TableError, match=message):
        GlassFeatures().transform(recipes)


@pytest.mark.parametrize("transformer", [GlassFeatures(), MediumCategory()], ids=["glass", "cat"])
def test_plain_array_is_refused_where_columns_need_names(transformer):
    with pytest.raises(TableError, match=r"recipes: must be a pandas DataFrame .* got ndarray"):
        transformer.transform(np.zeros((2, 5)))


def test_glass_features_match_hand_values(recipes):
    assert list(GlassFeatures().get_feature_names_out()) == list(GLASS_FEATURES)
    expected = [
        [0.15, 0.0, 0.0, 650, 1, 450],
        [0.0, np.log10(2.265), np.log10(0.3397), 1000, 0, 450],
        [0.60, np.log10(5.128), np.log10(0.7692), 1250, 0, 150],
    ]
    np.testing.assert_allclose(GlassFeatures().transform(recipes), expected, atol=2e-4)


def test_medium_category_marks_the_one_medium_of_each_row(recipes):
    described = MediumCategory().set_output(transform="pandas").transform(recipes)
    assert list(described.columns) == [f"milling_media_{media_id}" for media_id in MEDIA]
    assert described.idxmax(axis=1).str.removeprefix("milling_media_").tolist() == [
        "stainless_steel", "agate", "zirconia",
    ]  # fmt: skip
    assert (described.sum(axis=1) == 1).all()


def test_empty_table_gives_no_rows(recipes):
    assert GlassFeatures().transform(recipes.iloc[:0]).shape == (0, len(GLASS_FEATURES))
    assert MediumCategory().transform(recipes.iloc[:0]).shape == (0, len(MEDIA))


def test_features_join_in_a_union(recipes):
    union = FeatureUnion([("glass", GlassFeatures()), ("medium", MediumCategory())])
    assert union.fit_transform(recipes).shape == (3, len(GLASS_FEATURES) + len(MEDIA))


def test_composition_features_match_hand_values(recipes):
    described = CompositionFeatures().set_output(transform="pandas").transform(recipes)
    assert list(described.columns) == list(COMPOSITION_FEATURES)
    skin = described.loc["S03"]
    assert skin["anion_oxygen_percent"] == pytest.approx(15)
    assert skin["p2o5_mol_percent"] == pytest.approx(6)
    assert skin["molar_mass_g_mol"] == pytest.approx(218.55, abs=0.005)
    assert skin["true_density_g_cm3"] == pytest.approx(2.28)
    assert skin["molar_volume_cm3_mol"] == pytest.approx(95.9, abs=0.06)
    assert skin["bridging_oxygen"] == pytest.approx(0.30)
    assert skin["mean_field_strength_per_a2"] == pytest.approx(0.427, abs=6e-4)


def test_composition_features_take_a_table_and_an_array_alike(recipes):
    from_table = CompositionFeatures().fit_transform(recipes)
    from_array = CompositionFeatures().fit_transform(recipes[["x"]].to_numpy())
    np.testing.assert_array_equal(from_table, from_array)


def test_two_columns_of_x_are_described_side_by_side():
    both = CompositionFeatures().set_output(transform="pandas").fit_transform([[0.15, 0.60]])
    assert both["x0_anion_oxygen_percent"].item() == pytest.approx(3.75)
    assert both["x1_anion_oxygen_percent"].item() == pytest.approx(15)


def test_bridging_fraction_reaches_the_network_features_only(recipes):
    names = np.array(COMPOSITION_FEATURES)
    half = CompositionFeatures().transform(recipes)
    none = CompositionFeatures(bridging_fraction=0.0).transform(recipes)
    changed = names[(half != none).any(axis=0)]
    assert set(changed) == {"bridging_oxygen", "p1_fraction", "free_na2s", "p_o_bonds"}


def test_impossible_bridging_fraction_is_refused_when_used(recipes):
    with pytest.raises(RecipeError, match=r"bridging_fraction must lie between 0 and 0.9, got 1"):
        CompositionFeatures(bridging_fraction=1).transform(recipes)
