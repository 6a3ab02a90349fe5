import json

import numpy as np
import pytest

from features.errors import TableError
from models.evidence import Evidence, Points
from models.told import LEAST_ERROR, SHARPEST, Units

INF, NAN = np.inf, np.nan


def evidence(order=(0, 1, 2, 3)):
    rows = np.array(order)
    points = Points.of(
        np.array([[0.5, 0.1], [0.2, 0.9], [0.5, 0.1], [0.2, 0.3]])[rows],
        tilt=np.array([0.0, 0.1, 0.2, 0.0])[rows],
        offset=np.array([1.0, 2.0, 1.0, 3.0])[rows],
        basis=np.array([[0.1], [0.2], [0.1], [0.3]])[rows],
    )
    return Evidence.of(
        points,
        lower=np.array([1.0, -INF, 2.0, 0.5])[rows],
        upper=np.array([1.0, 3.0, INF, 0.7])[rows],
        noise_sd=np.array([0.1, NAN, 0.2, 0.0])[rows],
        groups={"jar": np.array(["b", "a", "b", ""])[rows]},
    ).canonical()


class TestOrder:
    @pytest.mark.parametrize("order", [(3, 2, 1, 0), (2, 0, 3, 1)], ids=str)
    def test_that_of_the_table_changes_nothing(self, order):
        assert evidence(order).to_dict() == evidence().to_dict()

    def test_rows_are_sorted_by_recipe_first(self):
        np.testing.assert_array_equal(
            evidence().points.x, [[0.2, 0.3], [0.2, 0.9], [0.5, 0.1], [0.5, 0.1]]
        )
        np.testing.assert_array_equal(evidence().points.offset, [3, 2, 1, 1])
        np.testing.assert_array_equal(evidence().lower, [0.5, -INF, 1, 2])

    def test_it_is_kept_unless_asked_for(self):
        given = Evidence.of(
            Points.of([[0.9], [0.1]]),
            lower=[1, 2],
            upper=[1, 2],
            noise_sd=[0, 0],
            groups={"jar": ["", "a"]},
        )
        np.testing.assert_array_equal(given.lower, [1, 2])
        np.testing.assert_array_equal(given.canonical().lower, [2, 1])
        np.testing.assert_array_equal(given.canonical().groups["jar"], [0, -1])

    def test_no_reading_is_evidence_too(self):
        empty = Evidence.exact(np.zeros((0, 3)), [], [])
        assert len(empty.canonical()) == 0
        assert Evidence.from_dict(json.loads(json.dumps(empty.to_dict()))).points.x.shape == (0, 3)


class TestGroups:
    def test_are_numbered_by_first_appearance_and_an_empty_label_belongs_to_none(self):
        np.testing.assert_array_equal(evidence().groups["jar"], [-1, 0, 1, 1])

    @pytest.mark.parametrize(
        ("labels", "numbers"),
        [
            pytest.param(["z", "a", "z"], [0, 1, 0], id="text"),
            pytest.param([7, 7, 3], [0, 0, 1], id="numbers"),
            pytest.param(["", "", ""], [-1, -1, -1], id="none"),
        ],
    )
    def test_labels_may_be_anything(self, labels, numbers):
        grouped = Evidence.of(
            Points.of([[0.0], [0.1], [0.2]]),
            lower=[1, 2, 3],
            upper=[1, 2, 3],
            noise_sd=[0, 0, 0],
            groups={"jar": labels},
        )
        np.testing.assert_array_equal(grouped.groups["jar"], numbers)

    def test_readings_of_no_group_share_nothing_not_even_with_themselves(self):
        told = Units(0.0, 1.0, 0.0, 1.0).told(evidence(), ["jar"], learn_reading=True)
        jar, reading = told.same
        of_row = jar[np.ix_(np.argsort(told.row), np.argsort(told.row))]
        np.testing.assert_array_equal(
            of_row, [[0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1]]
        )
        assert reading.sum() == 1  # one error was not stated

    def test_a_slope_has_no_part_in_the_scatter_of_levels(self):
        points = Points.of([[0.0], [0.0]], level=[1.0, 0.0], tilt=[0.0, 1.0])
        both = Evidence.of(
            points, lower=[1, 2], upper=[1, 2], noise_sd=[0, 0], groups={"jar": ["a", "a"]}
        )
        told = Units(0.0, 1.0, 0.0, 1.0).told(both, ["jar"], learn_reading=False)
        assert told.same.sum() == 1


class TestKeeping:
    def test_evidence_survives_json_to_the_last_bit(self):
        plain = json.loads(json.dumps(evidence().to_dict()))
        again = Evidence.from_dict(plain)
        assert again.to_dict() == plain
        for name in ("lower", "upper", "noise_sd"):
            np.testing.assert_array_equal(getattr(again, name), getattr(evidence(), name))
        np.testing.assert_array_equal(again.points.basis, evidence().points.basis)

    def test_json_has_no_infinity(self):
        json.dumps(evidence().to_dict(), allow_nan=False)

    def test_taking_rows_keeps_everything_together(self):
        some = evidence().take(np.array([True, False, False, True]))
        np.testing.assert_array_equal(some.lower, [0.5, 2])
        np.testing.assert_array_equal(some.groups["jar"], [-1, 1])
        np.testing.assert_array_equal(some.points.tilt, [0, 0.2])

    def test_readings_can_be_moved_to_other_points(self):
        moved = evidence().moved(Points.of(np.zeros((4, 1))))
        assert moved.points.x.shape == (4, 1)
        np.testing.assert_array_equal(moved.lower, evidence().lower)


class TestUnits:
    def test_what_is_told_is_in_prior_sds_with_exact_readings_first(self):
        told = Units(centre=-5.0, sd=2.0, slope_centre=40.0, slope_sd=10.0).told(
            evidence(), [], learn_reading=False
        )
        assert told.n_exact == 1
        row = evidence().points.offset[told.row[0]] + 0.0 * 40.0
        assert told.low[0] == told.high[0] == pytest.approx((1.0 - row) / 2)
        np.testing.assert_allclose(told.points.tilt, evidence().points.tilt[told.row] * 5)
        np.testing.assert_allclose(told.points.basis, evidence().points.basis[told.row] / 2)

    def test_the_slopes_centre_is_taken_off_by_the_tilt(self):
        points = Points.of([[0.0]], tilt=[0.1])
        known = Units(centre=-5.0, sd=2.0, slope_centre=40.0, slope_sd=10.0).known(points)
        assert known == pytest.approx([-5 + 0.1 * 40])

    def test_no_reading_is_believed_without_any_error(self):
        told = Units(0.0, 2.0, 0.0, 1.0).told(
            Evidence.of(
                Points.of([[0.0], [0.1], [0.2]]),
                lower=[1, 2, 3],
                upper=[1, INF, 3],
                noise_sd=[0.0, 0.0, NAN],
                groups={},
            ),
            [],
            learn_reading=True,
        )
        exact, unstated, bound = np.sqrt(told.noise_variance)
        assert (exact, unstated, bound) == (LEAST_ERROR, 0.0, SHARPEST)


class TestComplaints:
    @pytest.mark.parametrize(
        ("change", "message"),
        [
            pytest.param({"lower": [2.0]}, r"lower must not be above upper, got .* row 0", id="x"),
            pytest.param({"lower": [NAN]}, "must be finite, or open on one side", id="nan"),
            pytest.param({"lower": [INF], "upper": [INF]}, "open on one side", id="infinite"),
            pytest.param({"lower": [-INF], "upper": [INF]}, "must have a bound", id="open"),
            pytest.param({"noise_sd": [-0.1]}, "not negative, got .* noise_sd = -0.1", id="noise"),
            pytest.param({"noise_sd": [INF]}, "noise_sd must be finite", id="infinite-noise"),
            pytest.param({"lower": [1, 2]}, r"y must have shape \(1,\) .* got \(2,\)", id="longer"),
            pytest.param({"groups": {"jar": ["a", "b"]}}, r"jar must have shape \(1,\)", id="jar"),
        ],
    )
    def test_name_rule_and_row(self, change, message):
        given = {"lower": [1.0], "upper": [1.0], "noise_sd": [0.1], "groups": {}, **change}
        with pytest.raises(TableError, match=message):
            Evidence.of(Points.of([[0.5]]), **given)

    @pytest.mark.parametrize(
        ("x", "parts", "message"),
        [
            pytest.param([0.5], {}, r"x must have shape \(n, d\), got \(1,\)", id="flat"),
            pytest.param([[]], {}, r"x must have shape \(n, d\), got \(1, 0\)", id="no-column"),
            pytest.param([[NAN]], {}, r"x must be finite, got \[nan\] in row 0", id="nan"),
            pytest.param([[0.1]], {"tilt": [1, 2]}, "tilt must have 1 rows as x has", id="tilt"),
            pytest.param([[0.1]], {"offset": [NAN]}, "offset must be finite", id="offset"),
            pytest.param([[0.1]], {"basis": [[INF]]}, "basis must be finite", id="basis"),
        ],
    )
    def test_points_name_what_is_wrong(self, x, parts, message):
        with pytest.raises(TableError, match=message):
            Points.of(x, **parts)
