import numpy as np
import pandas as pd
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from models.mol_percent import MolPercent


@pytest.mark.filterwarnings("ignore:.*SCIPY_ARRAY_API")
@parametrize_with_checks([MolPercent()])
def test_scikit_learns_estimator_checks_pass(estimator, check):
    check(estimator)


def test_rare_components_share_a_column_and_nothing_is_lost():
    shares = np.array([[60, 40, 0, 0], [60, 30, 10, 0], [60, 30, 0, 10.0]])
    reduced = MolPercent(fewest=2).fit_transform(shares)
    np.testing.assert_array_equal(reduced, [[60, 40, 0], [60, 30, 10], [60, 30, 10]])
    np.testing.assert_allclose(reduced.sum(axis=1), shares.sum(axis=1))


def test_what_is_rare_is_learned_from_the_training_glasses_only():
    learned = MolPercent(fewest=1).fit([[60.0, 40.0, 0.0]])
    np.testing.assert_array_equal(learned.transform([[50.0, 20.0, 30.0]]), [[50, 20, 30]])
    assert list(learned.get_feature_names_out(["Na2S", "P2S5", "GeS2"])) == [
        "Na2S", "P2S5", "other",
    ]  # fmt: skip


def test_with_nothing_rare_there_is_no_other():
    glasses = pd.DataFrame({"Na2S": [60.0, 50.0], "P2S5": [40.0, 50.0]})
    described = MolPercent(fewest=2).set_output(transform="pandas").fit_transform(glasses)
    pd.testing.assert_frame_equal(described, glasses)
