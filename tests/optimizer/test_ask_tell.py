"""The optimizer as its users see it."""

import numpy as np
import pandas as pd
import pytest

from features.errors import SpaceError, TableError
from optimizer.ask_tell import Optimizer
from optimizer.categorical import Categorical
from optimizer.hypervolume import hypervolume
from optimizer.limits import Limit
from optimizer.objectives import Objective, reference_utilities, utilities
from optimizer.parameters import Continuous, Discrete
from optimizer.rows import row_keys
from optimizer.space import SearchSpace

SPACE = SearchSpace(
    [Continuous("u", 0, 1), Discrete("v", 0.0, 1.0, step=0.05), Categorical("w", ["a", "b", "c"])]
)
OBJECTIVES = [
    Objective("branin", "minimize", reference=120.0, best=0.4),
    Objective("slope", "maximize", reference=-1.0, best=4.0),
    Objective("decades", "minimize", reference=1e-5, scale="log10", best=1e-9),
]
NAMES = [objective.name for objective in OBJECTIVES]


def world(recipes):
    """Three objectives over a mixed space; the first is Branin's function."""
    u, v = recipes["u"].to_numpy(dtype=float), recipes["v"].to_numpy(dtype=float)
    w = recipes["w"].map({"a": 0.0, "b": 0.4, "c": -0.3}).to_numpy(dtype=float)
    x, y = 15 * u - 5, 15 * v
    valley = (y - 5.1 / (4 * np.pi**2) * x**2 + 5 / np.pi * x - 6) ** 2
    return recipes[SPACE.columns].assign(
        branin=valley + 10 * (1 - 1 / (8 * np.pi)) * np.cos(x) + 10 + 20 * np.abs(w),
        slope=3 * u + 2 * w - 4 * (v - 0.5) ** 2,
        decades=10 ** (-6 - 2 * v + np.sin(4 * u) - w),
    )


def told_optimizer(n=8, *, objectives=OBJECTIVES, space=SPACE, seed=0):
    optimizer = Optimizer(space, objectives, seed=seed)
    optimizer.tell(world(SPACE.spread(n, np.random.default_rng(7))))
    return optimizer


@pytest.fixture
def plain():
    """One objective: quick to ask."""
    return told_optimizer(objectives=OBJECTIVES[1:2])


def test_the_documented_example_runs():
    space = SearchSpace(
        [
            Continuous("x", 0.0, 0.6),
            Discrete("pressing_pressure_mpa", 75, 500, step=25),
            Categorical("milling_media", ["stainless_steel", "zirconia"]),
        ]
    )
    objectives = [
        Objective("ionic_conductivity", "maximize", reference=1e-6, scale="log10"),
        Objective("electronic_conductivity", "minimize", reference=1e-7, scale="log10"),
    ]
    optimizer = Optimizer(space, objectives, seed=0)
    first = optimizer.ask(4)
    assert first.shape == (4, 3 + 2 * 4)
    assert first.iloc[:, 3:].isna().all(axis=None)
    table = first[space.columns].assign(
        ionic_conductivity=[1e-5, 3e-5, "2e-5..2.01e-5", np.nan],
        electronic_conductivity=["<1e-10", 1e-9, 3e-9, 5e-9],
        ionic_conductivity_se=1e-6,
    )
    optimizer.tell(table)
    batch = optimizer.ask(4)
    assert batch.columns.tolist() == [
        "x", "pressing_pressure_mpa", "milling_media",
        *(f"ionic_conductivity_{part}" for part in ("mean", "sd", "lower", "upper")),
        *(f"electronic_conductivity_{part}" for part in ("mean", "sd", "lower", "upper")),
    ]  # fmt: skip
    assert batch.notna().all(axis=None)
    optimizer.withdraw(batch)
    assert optimizer.pending.empty


def test_batches_beat_random_search_with_the_same_budget():
    reference = reference_utilities(OBJECTIVES)

    def reached(table):
        return hypervolume(utilities(OBJECTIVES, table[NAMES].to_numpy()), reference)

    gains = []
    for seed in range(5):
        optimizer, tables = Optimizer(SPACE, OBJECTIVES, seed=seed), []
        for q in (6, 3, 3, 3):
            tables.append(world(optimizer.ask(q)))
            optimizer.tell(tables[-1])
        unit = np.random.default_rng([seed, 99]).random((15, 3))
        random = {p.name: p.value_at(unit[:, j]) for j, p in enumerate(SPACE.parameters)}
        gains.append(reached(pd.concat(tables)) - reached(world(pd.DataFrame(random))))
    resampled = np.random.default_rng(0).choice(gains, (2000, 5)).mean(axis=1)
    assert np.quantile(resampled, 0.025) > 0


def test_the_same_seed_and_tables_give_the_same_batches():
    one, two = (told_optimizer(objectives=OBJECTIVES[1:2], seed=0) for _ in range(2))
    first = one.ask(2)
    pd.testing.assert_frame_equal(first, two.ask(2))
    pd.testing.assert_frame_equal(one.ask(1), two.ask(1))


def test_another_seed_starts_elsewhere():
    one, other = (Optimizer(SPACE, OBJECTIVES, seed=seed).ask(4) for seed in (0, 1))
    assert not one.equals(other)


def test_pending_rows_are_not_proposed_again_until_withdrawn(plain):
    first, second = plain.ask(3), plain.ask(3)
    assert len(set(row_keys(pd.concat([first, second]), SPACE.columns))) == 6
    assert len(plain.pending) == 6
    plain.withdraw(first.iloc[:2])
    assert row_keys(plain.pending, SPACE.columns) == row_keys(
        pd.concat([first.iloc[2:], second]), SPACE.columns
    )


def test_a_told_row_is_no_longer_pending_and_not_proposed_again(plain):
    batch = plain.ask(2)
    plain.tell(world(batch.head(1)))
    assert row_keys(plain.pending, SPACE.columns) == row_keys(batch.tail(1), SPACE.columns)
    known = set(row_keys(plain.told, SPACE.columns))
    assert not known & set(row_keys(plain.ask(3), SPACE.columns))


def test_a_withdrawn_row_is_free_again():
    pool = SearchSpace.from_candidates(SPACE.spread(9, np.random.default_rng(7)))
    optimizer = told_optimizer(8, objectives=OBJECTIVES[1:2], space=pool)
    last = optimizer.ask(1)
    with pytest.raises(SpaceError, match=r"asked for 1 new row, got 0"):
        optimizer.ask(1)
    optimizer.withdraw(last)
    assert row_keys(optimizer.ask(1), SPACE.columns) == row_keys(last, SPACE.columns)


def test_withdrawing_what_was_never_asked_is_refused(plain):
    batch = plain.ask(1)
    with pytest.raises(TableError, match=r"row 4: only a pending recipe .* 'v': 0.35.*see pending"):
        plain.withdraw(batch.assign(v=0.35, u=0.111).set_axis([4]))
    assert len(plain.pending) == 1


def test_a_whole_pool_is_ranked_with_and_without_data():
    pool = SearchSpace.from_candidates(SPACE.spread(12, np.random.default_rng(2)))
    fresh = Optimizer(pool, OBJECTIVES[1:2], seed=0).ask(12)
    assert set(row_keys(fresh, SPACE.columns)) == set(row_keys(pool.frame, SPACE.columns))
    ranked = told_optimizer(objectives=OBJECTIVES[1:2], space=pool).ask(12)
    assert set(row_keys(ranked, SPACE.columns)) == set(row_keys(pool.frame, SPACE.columns))
    truth = world(ranked)["slope"]
    assert truth.head(4).mean() > truth.tail(4).mean()


def test_the_same_recipe_told_twice_is_a_replicate(plain):
    row = world(plain.told.head(1))
    before = plain.predict(row)["slope_sd"][0]
    plain.tell(row)
    assert len(plain.told) == 9
    assert plain.predict(row)["slope_sd"][0] < before


def test_rows_beyond_the_bounds_count_as_data_and_are_never_proposed():
    optimizer = told_optimizer(objectives=OBJECTIVES[1:2])
    beyond = SPACE.spread(1, np.random.default_rng(0)).assign(u=2.0, slope=40.0)
    optimizer.tell(beyond)
    assert optimizer.predict(beyond)["slope_mean"][0] > 20
    assert optimizer.ask(2)["u"].max() <= 1


def test_objectives_not_measured_are_nan_and_keep_the_start_space_filling():
    optimizer = Optimizer(SPACE, OBJECTIVES[1:], seed=0)
    optimizer.tell(world(SPACE.spread(6, np.random.default_rng(7))).assign(decades=np.nan))
    batch = optimizer.ask(2)
    assert batch["slope_mean"].notna().all()
    assert batch["decades_mean"].isna().all()
    assert np.isnan(optimizer.hypervolume()["value"])


def test_a_prior_predicts_without_data_in_physical_units_and_decades():
    objective = Objective("leak", "minimize", reference=1e-7, scale="log10", prior=(-9.0, 1.5))
    rows = Optimizer(SPACE, [objective]).ask(40)
    assert np.log10(rows["leak_mean"]).to_numpy() == pytest.approx(-9, abs=0.01)
    # over the space, since a trend is known worst at its ends
    assert np.sqrt((rows["leak_sd"] ** 2).mean()) == pytest.approx(1.5, rel=0.1)
    decades = np.log10(rows["leak_upper"] / rows["leak_lower"])
    assert decades.to_numpy() == pytest.approx(3.29 * rows["leak_sd"].to_numpy(), rel=0.01)


def test_predictions_follow_the_data(plain):
    predicted = plain.predict(plain.told)
    truth = world(plain.told)["slope"]
    assert np.corrcoef(predicted["slope_mean"], truth)[0, 1] > 0.95
    assert (predicted["slope_lower"] < predicted["slope_upper"]).all()


def test_constant_data_are_no_trouble():
    optimizer = Optimizer(SPACE, [Objective("y", "maximize")], seed=0)
    optimizer.tell(SPACE.spread(5, np.random.default_rng(0)).assign(y=0.0))
    assert optimizer.ask(2)["y_sd"].gt(0).all()


def test_bounds_and_intervals_are_learnt_from(plain):
    rows = SPACE.spread(4, np.random.default_rng(11))
    before = plain.predict(rows)
    plain.tell(rows.assign(slope=["1.0..1.001", "-1..3", ">9", "<-9"]))
    after = plain.predict(rows)
    assert after["slope_mean"].iloc[0] == pytest.approx(1.0, abs=0.2)
    assert after["slope_mean"].iloc[2] > before["slope_mean"].iloc[2]
    assert after["slope_mean"].iloc[3] < before["slope_mean"].iloc[3]


def test_bounds_alone_are_enough_to_predict():
    optimizer = Optimizer(SPACE, [Objective("y", "maximize")], seed=0)
    optimizer.tell(SPACE.spread(4, np.random.default_rng(0)).assign(y=[">1", ">2", "<5", "0..9"]))
    assert optimizer.ask(2)["y_sd"].gt(0).all()


def test_the_control_comes_first_once():
    control = {"u": 0.5, "v": 0.15, "w": "a"}
    optimizer = Optimizer(SPACE, OBJECTIVES, seed=0, control=control)
    assert optimizer.ask(2)[SPACE.columns].iloc[0].to_dict() == control
    assert control not in optimizer.ask(2)[SPACE.columns].to_dict("records")


def test_hypervolume_is_that_of_the_told_rows_with_an_interval():
    optimizer = told_optimizer(12)
    volume = optimizer.hypervolume()
    truth = utilities(OBJECTIVES, world(optimizer.told)[NAMES].to_numpy())
    assert volume["lower"] <= volume["value"] <= volume["upper"]
    exact = hypervolume(truth, reference_utilities(OBJECTIVES))
    assert volume["value"] == pytest.approx(exact, rel=0.25)
    assert Optimizer(SPACE, OBJECTIVES).hypervolume()["value"] == 0


def test_a_refused_table_changes_nothing(plain):
    table = world(SPACE.spread(2, np.random.default_rng(1))).assign(slope=["1", "many"])
    with pytest.raises(TableError, match=r"row 1, column 'slope'"):
        plain.tell(table)
    assert len(plain.told) == 8


@pytest.mark.parametrize(
    ("build", "message"),
    [
        pytest.param(
            lambda: Optimizer(SPACE, [Objective("u", "maximize")]),
            r"not that of a parameter, got u; rename",
            id="name",
        ),
        pytest.param(
            lambda: Optimizer(SPACE, [Objective(n, "maximize") for n in "yz"]),
            r"each of several needs a reference, got none for y, z",
            id="reference",
        ),
        pytest.param(
            lambda: Optimizer(SPACE, OBJECTIVES, control={"u": 0.5, "v": 0.12, "w": "a"}),
            r"control: must be a recipe that may be proposed, got .*'v': 0.12",
            id="control",
        ),
        pytest.param(lambda: Optimizer(SPACE, OBJECTIVES).ask(0), r"q must be .* got 0", id="q"),
        pytest.param(
            lambda: Optimizer(SPACE, [Objective("y", "maximize")]).hypervolume(),
            r"objective 'y' needs a reference, got none",
            id="hypervolume",
        ),
    ],
)
def test_what_cannot_be_is_refused(build, message):
    with pytest.raises(SpaceError, match=message):
        build()


def test_bounds_alone_leave_the_other_side_open():
    optimizer = Optimizer(SPACE, [Objective("leak", "minimize", scale="log10")], seed=0)
    optimizer.tell(SPACE.spread(4, np.random.default_rng(0)).assign(leak=["<1e-10"] * 4))
    predicted = optimizer.predict(SPACE.spread(3, np.random.default_rng(9)))
    assert (predicted["leak_lower"] < 1e-11).all()
    assert (predicted["leak_sd"] > 0.4).all()


def test_recipes_that_failed_are_avoided_and_said():
    pool = SPACE.spread(40, np.random.default_rng(1))
    failing = pool["u"] > 0.5
    table = world(pool).assign(failed=failing)
    table[NAMES] = table[NAMES].astype(object).mask(np.repeat(failing.to_numpy()[:, None], 3, 1))
    optimizer = Optimizer(SPACE, OBJECTIVES[1:], seed=0)
    optimizer.tell(table)
    plain = Optimizer(SPACE, OBJECTIVES[1:], seed=0)
    plain.tell(world(pool)[~failing])
    batch, unaware = optimizer.ask(4), plain.ask(4)
    assert batch["success"].between(0, 1).all()
    assert batch["u"].mean() < unaware["u"].mean()
    assert optimizer.failed.sum() == failing.sum()


def test_a_failed_recipe_with_a_result_is_refused(plain):
    row = world(SPACE.spread(1, np.random.default_rng(0)))
    with pytest.raises(TableError, match=r"column 'slope': a recipe that failed must have no res"):
        plain.tell(row.assign(failed=True))
    with pytest.raises(TableError, match=r"column 'failed': must be true or false, got 'maybe'"):
        plain.tell(row.assign(failed="maybe"))


def test_an_outcome_that_is_only_limited_steers_the_batch():
    told = world(SPACE.spread(16, np.random.default_rng(7))).assign(v2=lambda t: t["v"])
    free = Optimizer(SPACE, OBJECTIVES[1:], seed=0)
    held = Optimizer(SPACE, OBJECTIVES[1:], seed=0, limits=[Limit("v2", at_most=0.3)])
    free.tell(told)
    held.tell(told)
    assert held.ask(3)["v"].max() <= 0.4 < free.ask(3)["v"].max()


def test_a_reference_out_of_reach_is_said():
    optimizer = told_optimizer(
        objectives=[Objective("slope", "maximize", reference=1e6), OBJECTIVES[0]]
    )
    assert len(optimizer.ask(2)) == 2
    assert "expected to reach the reference 1e+06 of slope: the batch" in optimizer.notes[0]


def test_a_limit_out_of_reach_is_named_and_the_batch_spreads():
    optimizer = Optimizer(SPACE, OBJECTIVES[1:], seed=0, limits=[Limit("branin", at_most=-1e5)])
    optimizer.tell(world(SPACE.spread(10, np.random.default_rng(7))))
    batch = optimizer.ask(3)
    assert "expected to reach the limit of branin:" in optimizer.notes[0]
    at = SPACE.encode(batch)
    gaps = np.linalg.norm(at[:, None] - at[None], axis=-1)[np.triu_indices(3, 1)]
    assert gaps.min() > 0.05


def test_few_readings_leave_wide_ranges():
    rng, inside = np.random.default_rng(0), []
    for _ in range(40):
        slope, phase = rng.normal(size=2), rng.uniform(0, 6)

        def truth(rows, slope=slope, phase=phase):
            return slope[0] * rows["u"] + slope[1] * np.sin(4 * rows["v"] + phase)

        rows = SPACE.spread(2, rng)
        optimizer = Optimizer(SPACE, [Objective("y", "maximize", reference=0.0)], seed=0)
        optimizer.tell(rows.assign(y=truth(rows)))
        asked = SPACE.spread(20, rng)
        predicted = optimizer.predict(asked)
        inside.append(truth(asked).between(predicted["y_lower"], predicted["y_upper"]).mean())
    assert 0.75 < np.mean(inside) <= 1.0


def test_a_batch_keeps_the_rules_of_the_mill():
    optimizer = told_optimizer(objectives=OBJECTIVES[1:2])
    batch = optimizer.ask(3, shared=["v"], capacity={"w": {"a": 1}})
    assert batch["v"].nunique() == 1
    assert (batch["w"] == "a").sum() <= 1
    with pytest.raises(SpaceError, match=r"budget must be positive and needs a cost"):
        optimizer.ask(2, budget=3.0)


def test_an_objective_never_read_is_said():
    optimizer = Optimizer(SPACE, OBJECTIVES[:2], seed=0)
    table = world(SPACE.spread(9, np.random.default_rng(7)))
    optimizer.tell(table.assign(slope=np.nan))
    optimizer.ask(2)
    assert optimizer.notes == ("slope has no reading yet: the batch fills the space",)


def test_more_than_five_objectives_are_refused_unless_asked_for():
    many = [Objective(f"y{j}", "maximize", reference=-3.0) for j in range(6)]
    with pytest.raises(SpaceError, match=r"up to 5 are improved together exactly, got 6"):
        Optimizer(SPACE, many)
    optimizer = Optimizer(SPACE, many, many=True)
    rows = SPACE.spread(10, np.random.default_rng(0))
    optimizer.tell(rows.assign(**{f"y{j}": -((rows["u"] - j / 6) ** 2) for j in range(6)}))
    assert len(optimizer.ask(2)) == 2
    volume = optimizer.hypervolume()
    assert 0 < volume["lower"] <= volume["value"] <= volume["upper"]


def test_the_gain_of_another_round_shrinks_as_rounds_go_by():
    optimizer = Optimizer(SPACE, OBJECTIVES[1:], seed=0)
    assert optimizer.expected_gain(3) is None
    gains = []
    for q in (8, 4, 4, 4):
        optimizer.tell(world(optimizer.ask(q)))
        gains.append(optimizer.expected_gain(4).expected_gain)
        assert optimizer.pending.empty
    assert gains[-1] < 0.5 * gains[0]


def test_a_table_with_more_columns_than_rows_is_learned_from():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.random((60, 20)), columns=[f"c{i}" for i in range(20)])
    pool = SearchSpace.from_candidates(frame)
    optimizer = Optimizer(pool, [Objective("y", "maximize", reference=-1.0)], seed=0)
    optimizer.tell(frame.head(12).assign(y=lambda t: t["c0"]))
    assert optimizer.ask(4)["c0"].mean() > 0.6
