"""Linear constraints, forbidden regions, rules: what is drawn under them, and their complaints."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import SpaceError
from optimizer.axes import Axis
from optimizer.categorical import Categorical
from optimizer.constraints import Known, LinearConstraint, Rule
from optimizer.lattice import whole_kernel
from optimizer.parameters import Continuous, Discrete
from optimizer.polytope import Polytope
from optimizer.regions import Excluded, When
from optimizer.rows import row_keys
from optimizer.space import SearchSpace

PARTS = list("abcdef")
MIXTURE = LinearConstraint(dict.fromkeys(PARTS, 1), equals=1, name="mixture")


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def mixture_space(kind, *constraints):
    grids = {"continua": "", "grids": "abcdef", "both": "def"}[kind]
    parameters = [
        Discrete(name, 0, 1, step=0.05) if name in grids else Continuous(name, 0, 1)
        for name in PARTS
    ]
    return SearchSpace(
        [*parameters, Categorical("m", ["p", "q"])], constraints=[MIXTURE, *constraints]
    )


def assert_sound(space, frame):
    assert space.allows(frame).all()
    assert len(set(row_keys(frame, space.columns))) == len(frame)


@pytest.mark.parametrize("kind", ["continua", "grids", "both"])
def test_a_mixture_is_filled_evenly_and_adds_up(kind, rng):
    space = mixture_space(kind, LinearConstraint({"a": 1}, at_least=0.3))
    rows = space.spread(1000, rng)
    assert len(rows) == 1000
    assert_sound(space, rows)
    np.testing.assert_allclose(rows[PARTS].sum(axis=1), 1.0, atol=1e-12)
    # what is left over 0.3 is shared by six: mean of each component of a flat Dirichlet
    means = np.array([0.3 + 0.7 / 6, *[0.7 / 6] * 5])
    np.testing.assert_allclose(rows[PARTS].mean(), means, atol=0.02)
    assert (rows["m"] == "p").mean() == pytest.approx(0.5, abs=0.06)


def test_the_spread_of_a_mixture_component_is_that_of_a_flat_dirichlet(rng):
    x = mixture_space("continua").spread(2000, rng)["a"]
    # P(a > t) = (1 - t)^5 for six components
    for t in (0.1, 0.3, 0.5):
        assert (x > t).mean() == pytest.approx((1 - t) ** 5, abs=0.03)


@pytest.mark.parametrize("kind", ["continua", "grids", "both"])
def test_neighbours_of_a_mixture_stay_mixtures_and_move_every_part(kind, rng):
    space = mixture_space(kind)
    row = space.spread(1, rng).iloc[0]
    around = space.near(row, 64, rng)
    assert len(around) == 64
    assert_sound(space, around)
    assert (np.abs(around[PARTS] - row[PARTS].astype(float)) > 0).any(axis=0).all()
    assert set(around["m"]) == {"p", "q"}
    same = np.isclose(around[PARTS], row[PARTS].astype(float)).all(axis=1)
    assert around.loc[same, "m"].tolist() == [{"p": "q", "q": "p"}[row["m"]]]


def test_neighbours_of_a_corner_and_of_a_row_that_breaks_the_sum_are_found(rng):
    space = mixture_space("continua")
    corner = {**dict.fromkeys(PARTS, 0.0), "a": 1.0, "m": "p"}
    outside = {**dict.fromkeys(PARTS, 1.0), "m": "p"}
    for row in (corner, outside):
        around = space.near(row, 20, rng)
        assert len(around) >= 10
        assert_sound(space, around)


@given(
    weights=st.lists(st.sampled_from([-2.0, -1.0, -1 / 3, 0.5, 1.0, 3.0]), min_size=3, max_size=3),
    centre=st.tuples(st.floats(0, 1), st.integers(0, 10), st.integers(0, 4)),
    width=st.sampled_from([0.0, 1e-3, 0.5]),
    seed=st.integers(0, 2**20),
)
@settings(max_examples=40, deadline=None)
def test_rows_meet_a_constraint_that_some_row_meets(weights, centre, width, seed):
    point = {"x": centre[0], "t": centre[1] * 0.1, "n": centre[2] * 25}
    middle = sum(w * v for w, v in zip(weights, point.values(), strict=True))
    constraint = LinearConstraint(
        dict(zip(point, weights, strict=True)),
        **(
            {"at_least": middle - width, "at_most": middle + width} if width else {"equals": middle}
        ),
    )
    space = SearchSpace(
        [
            Continuous("x", 0, 1),
            Discrete("t", 0, 1, step=0.1),
            Discrete("n", 0, 100, step=25),
            Categorical("m", ["p", "q"]),
        ],
        constraints=[constraint, Excluded({"m": ["q"], "t": (0.5, 1)})],
    )
    rng = np.random.default_rng(seed)
    rows = space.spread(12, rng)
    assert len(rows)
    assert_sound(space, rows)
    around = space.near(rows.iloc[0], 12, rng)
    assert_sound(space, around)
    total = rows[list(point)] @ weights
    assert (np.abs(total - middle) <= width + 1e-4).all()
    again = space.spread(12, np.random.default_rng(seed))
    pd.testing.assert_frame_equal(again, rows)


def test_a_narrow_band_is_filled_along_its_length(rng):
    space = SearchSpace(
        [Continuous("a", 0, 1), Continuous("b", 0, 1), Continuous("c", 0, 1)],
        constraints=[
            LinearConstraint({"a": 1, "b": -1}, at_least=0, at_most=1e-4),
            LinearConstraint({"b": 1, "c": -1}, at_least=0, at_most=1e-4),
        ],
    )
    rows = space.spread(300, rng)
    assert_sound(space, rows)
    counts, _ = np.histogram(rows["a"], bins=5, range=(0, 1))
    assert counts.min() > 30


def test_grid_values_stay_exact_decimals_under_a_sum(rng):
    rows = mixture_space("grids").spread(200, rng)
    assert set(np.unique(rows[PARTS])) <= {k / 20 for k in range(21)}


def test_a_ratio_of_two_pressures_holds_on_the_grid(rng):
    space = SearchSpace(
        [Discrete("pre", 10, 200, step=10), Discrete("final", 75, 500, step=25)],
        constraints=[LinearConstraint({"pre": 1, "final": -1 / 3}, at_most=0)],
    )
    rows = space.spread(1000, rng)
    grid = [(p, f) for p in range(10, 201, 10) for f in range(75, 501, 25) if 3 * p <= f]
    assert sorted(row_keys(rows, ["pre", "final"])) == sorted(grid)


def test_fixed_values_are_kept_under_a_sum(rng):
    space = mixture_space("both")
    fixed = {"d": 0.25, "m": "q"}
    rows = space.spread(50, rng, fixed)
    around = space.near(rows.iloc[0], 50, rng, fixed)
    for frame in (rows, around):
        assert_sound(space, frame)
        assert set(frame["d"]) == {0.25}
        assert set(frame["m"]) == {"q"}


def test_a_constraint_of_one_level_leaves_the_others_free(rng):
    space = SearchSpace(
        [Continuous("a", 0, 1), Continuous("b", 0, 1), Categorical("m", ["p", "q", "r"])],
        constraints=[
            When({"m": ["p"]}, LinearConstraint({"a": 1, "b": 1}, equals=1)),
            When({"m": ["q"]}, LinearConstraint({"a": 1, "b": 1}, at_least=3)),
        ],
    )
    rows = space.spread(200, rng)
    assert_sound(space, rows)
    assert set(rows["m"]) == {"p", "r"}
    np.testing.assert_allclose(rows.loc[rows["m"] == "p", ["a", "b"]].sum(axis=1), 1.0)
    assert rows.loc[rows["m"] == "r", ["a", "b"]].sum(axis=1).std() > 0.2


def test_an_excluded_region_and_a_rule_hold_together(rng):
    space = SearchSpace(
        [Continuous("hours", 1, 20), Categorical("medium", ["steel", "agate"])],
        constraints=[
            Excluded({"hours": (10, 20), "medium": ["agate"]}),
            Rule("steel mills long", lambda t: (t["medium"] != "steel") | (t["hours"] > 5)),
        ],
    )
    rows = space.spread(100, rng)
    assert rows.loc[rows["medium"] == "agate", "hours"].max() < 10
    assert rows.loc[rows["medium"] == "steel", "hours"].min() > 5
    table = pd.DataFrame({"hours": [10.0, 9.0, 10.0], "medium": ["agate", "agate", "steel"]})
    assert space.allows(table).tolist() == [False, True, True]


def test_a_rule_that_few_mixtures_meet_still_gets_its_rows(rng):
    rare = Rule("mostly a", lambda t: t["a"] > 0.7)  # 0.24 % of the mixtures
    space = SearchSpace([Continuous(name, 0, 1) for name in PARTS], constraints=[MIXTURE, rare])
    rows = space.spread(8, rng)
    assert len(rows) == 8
    assert_sound(space, rows)


def test_rounding_does_not_break_a_sum_but_a_weighing_error_does():
    space = mixture_space("continua")
    thirds = {"a": [1 / 3, 0.333], "b": [1 / 3, 0.333], "c": [1 - 2 / 3 + 1e-12, 0.333]}
    rows = pd.DataFrame({**thirds, "d": 0.0, "e": 0.0, "f": 0.0, "m": "p"})
    assert space.allows(rows).tolist() == [True, False]


def test_a_gradient_moves_only_continua_that_no_sum_binds():
    space = SearchSpace(
        [
            Categorical("m", ["p", "q"]),
            Continuous("x", 0, 10),
            Continuous("held", 5, 5),
            Continuous("a", 0, 1),
            Continuous("b", 0, 1),
            Discrete("t", 1, 3),
        ],
        constraints=[
            LinearConstraint({"a": 1, "b": 1}, equals=1),
            LinearConstraint({"x": 1, "t": -1}, at_least=0),
        ],
    )
    assert space.continuous == {"x": 2}
    rows = pd.DataFrame({"m": ["p"], "x": [1.0], "held": [5.0], "a": [0.5], "b": [0.5], "t": [2]})
    there = space.moved(rows, np.full((1, 7), 0.7))
    assert there["x"].tolist() == [7.0]
    pd.testing.assert_frame_equal(there.drop(columns="x"), rows.drop(columns="x"))


L = LinearConstraint
BOX = [
    Continuous("a", 0, 1),
    Discrete("b", 0, 1, step=0.1),
    Continuous("c", 0, 1),
    Categorical("m", ["p", "q"]),
]


@pytest.mark.parametrize(
    ("constraints", "message"),
    [
        pytest.param(
            [L({"a": 1}, at_least=2), L({"c": 1}, at_most=0.5)],
            r"row must meet 'a >= 2', got none with a from 0 to 1; loosen the constraint or widen",
            id="bound",
        ),
        pytest.param(
            [
                L({"a": 1, "b": 1}, at_most=0.1, name="lean"),
                L({"a": 1}, at_least=0.5),
                L({"c": 1}, at_most=1),
            ],
            r"meet 'lean' \(a \+ b <= 0.1\) and 'a >= 0.5' together, got none with b from 0 to 1 "
            r"in steps of 0.1; loosen one of the constraints or widen the bounds$",
            id="pair",
        ),
        pytest.param(
            [L({"a": 1, "c": 1, "b": 1}, at_least=3.5)],
            r"'a \+ c \+ b >= 3.5', got none with a and c from 0 to 1, b from 0 to 1 in steps",
            id="alike",
        ),
        pytest.param(
            [L({"b": 2}, equals=0.3)],
            r"must meet '2 b = 0.3', got none with b from 0 to 1 in steps of 0.1; ",
            id="grid",
        ),
        pytest.param(
            [
                L({"a": 1, "c": -1}, at_least=0.5),
                L({"a": 1}, at_most=0.9),
                L({"a": 1, "c": -1}, at_most=-0.5),
            ],
            r"'a - c >= 0.5' and 'a - c <= -0.5' together, got none; loosen one of the "
            r"constraints$",
            id="no-bounds",
        ),
        pytest.param(
            [L({"m": 1}, at_most=1)], r"'m <= 1': must name numeric .* categorical 'm'", id="level"
        ),
        pytest.param(
            [L({"z": 1}, at_most=1)], r"'z <= 1': must name .* got z; it has a, b, c, m", id="name"
        ),
        pytest.param(
            [Excluded({"m": ["x"]})],
            r"'not \(m x\)': m must be .* got x; it has p, q",
            id="level-x",
        ),
        pytest.param(
            [Excluded({"a": (1, 0)})], r"a needs its lowest and highest .* got \[1, 0\]", id="swap"
        ),
        pytest.param(
            [When({"z": (0, 1)}, MIXTURE)], r"mixture when z 0 to 1': must name .* z", id="when"
        ),
        pytest.param(
            [When({"m": ["p"]}, MIXTURE)], r"'mixture': must name .* got d, e, f", id="then"
        ),
        pytest.param([len], r"must be LinearConstraint, .* give a function a name", id="function"),
    ],
)
def test_constraints_that_cannot_hold_are_refused_when_the_space_is_built(constraints, message):
    with pytest.raises(SpaceError, match=message):
        SearchSpace(BOX, constraints=constraints)


HOT, COLD = Rule("hot", lambda t: t["a"] > 0.9), Rule("cold", lambda t: t["a"] < 0.1)
SUM = L({"a": 1, "c": 1}, equals=1)


@pytest.mark.parametrize(
    ("constraints", "message"),
    [
        pytest.param(
            [Excluded({"m": ["p"]}), HOT, COLD], r"meet 'hot' and 'cold' together", id="2"
        ),
        pytest.param(
            [HOT, Rule("never", lambda t: t["a"] > 2)], r"meet 'never', got none in", id="1"
        ),
        pytest.param(
            [Excluded({"a": s}) for s in ((0, 0.5), (0.5, 0.8), (0.8, 1))],
            r"'not \(a 0 to 0.5\)', 'not \(a 0.5 to 0.8\)' and 'not \(a 0.8 to 1\)' together",
            id="3",
        ),
        pytest.param(
            [SUM, Rule("never", lambda t: t["a"] > 2)], r"meet 'never', got", id="not-sum"
        ),
        pytest.param([L({"a": 1}, at_most=0.5), HOT], r"meet 'a <= 0.5' and 'hot'", id="mixed"),
    ],
)
def test_rules_that_no_sampled_row_meets_are_named(constraints, message, rng):
    with pytest.raises(SpaceError, match=message):
        SearchSpace(BOX, constraints=constraints).spread(5, rng)


def test_fixed_values_that_conflict_are_named(rng):
    space = SearchSpace(BOX, constraints=[L({"a": 1}, at_least=0.5)])
    with pytest.raises(SpaceError, match=r"meet 'a >= 0.5', got none in \d+ tries \(a = 0.1\)"):
        space.spread(3, rng, {"a": 0.1})
    with pytest.raises(SpaceError, match=r"must be within bounds and on the grid, got b = 0.15"):
        space.spread(3, rng, {"b": 0.15})
    with pytest.raises(SpaceError, match=r"fixed values must be of its parameters, got z"):
        space.spread(3, rng, {"z": 1})


@pytest.mark.parametrize(
    ("build", "message"),
    [
        pytest.param(lambda: L({}, at_most=1), r"at least one not 0, got none", id="empty"),
        pytest.param(lambda: L({"a": 0}, at_most=1), r"not 0, got {'a': 0.0}", id="zero"),
        pytest.param(lambda: L({"a": np.nan}, at_most=1), r"must be finite .* nan", id="nan"),
        pytest.param(lambda: L({"a": 1}), r"equals or one or both .* got none of them", id="free"),
        pytest.param(
            lambda: L({"a": 1}, at_most=1, equals=1), r"got equals and a bound \(a\)", id="both"
        ),
        pytest.param(
            lambda: L({"a": 1}, at_least=0, at_most=np.nan), r"finite numbers, got nan", id="bound"
        ),
        pytest.param(
            lambda: L({"a": 1}, at_least=2, at_most=1),
            r"not exceed at_most, got 2 and 1",
            id="swap",
        ),
        pytest.param(lambda: Excluded({}), r"excluded region: .* got no column", id="no-side"),
        pytest.param(lambda: Excluded({"m": "pq"}), r"got one text for m", id="text"),
        pytest.param(lambda: When({}, SUM), r"condition of When: .* got no column", id="when"),
        pytest.param(lambda: Rule("", len), r"rule: needs a name and a function", id="rule"),
    ],
)
def test_a_malformed_constraint_is_refused(build, message):
    with pytest.raises(SpaceError, match=message):
        build()


def test_a_rule_that_gives_no_booleans_is_named(rng):
    space = SearchSpace(BOX, constraints=[Rule("odd", lambda t: t["a"])])
    with pytest.raises(SpaceError, match=r"rule 'odd': must return one boolean a row, got float64"):
        space.spread(3, rng)


@pytest.mark.parametrize(
    ("constraint", "label"),
    [
        (L({"a": 1, "b": -1 / 3}, at_most=0), "a - 0.3333 b <= 0"),
        (L({"a": -2, "b": 1}, at_least=-1, at_most=1), "-1 <= -2 a + b <= 1"),
        (L({"a": 1}, at_least=0, name="sense"), "sense"),
        (When({"m": ["p", "q"]}, L({"a": 1}, at_most=1)), "a <= 1 when m p or q"),
    ],
    ids=["ratio", "band", "name", "when"],
)
def test_a_constraint_is_called_by_its_name_or_formula(constraint, label):
    assert constraint.label == label


def test_steps_on_a_grid_are_found_for_several_sums_at_once():
    sums = np.array([[1.0, 1.0, 1.0, 1.0], [0.0, 1.0, 2.0, 3.0]])
    steps = whole_kernel(sums)
    assert len(steps) >= 2
    np.testing.assert_allclose(sums @ steps.T, 0.0, atol=1e-12)
    assert np.linalg.matrix_rank(steps) == 2


def test_continua_give_way_when_a_grid_parameter_steps():
    axes = [Axis("a", 0, 0.3, 3, True), Axis("x", 0, 1, 1, False), Axis("y", 0, 1, 1, False)]
    known = Known({"a": 0.9, "x": 1, "y": 1}, {})
    polytope = Polytope(axes, [L({"a": 1, "x": 1, "y": -1}, equals=0.5)], known)
    rows = polytope.drawn(400, np.random.default_rng(0))
    assert set(rows[:, 0]) == {0.0, 1.0, 2.0, 3.0}
    np.testing.assert_allclose(0.3 * rows[:, 0] + rows[:, 1] - rows[:, 2], 0.5)
