"""Tables that try the arithmetic of surrogates and optimizer: one function a kind, any number each.

A case is made of a generator of random numbers and gives what a user would see of it: arrays by
name, which must all be finite. A complaint (``GlassError``) is an answer too.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.milling import MEDIA
from features.properties import CATALOGUE
from models.evidence import Evidence, Points
from models.feasibility import FeasibilitySurrogate
from models.gp import GaussianProcess
from models.property_gp import PropertyGP
from models.surrogate import Z_90
from optimizer.ask_tell import Optimizer
from optimizer.categorical import Categorical
from optimizer.hypervolume import hypervolume, hypervolume_draws
from optimizer.objectives import Objective
from optimizer.parameters import Continuous, Discrete
from optimizer.space import SearchSpace

Array = NDArray[np.float64]
Seen = dict[str, Any]
Case = Callable[[np.random.Generator], Seen]

MODELLED: Final = tuple(
    entry.id for entry in CATALOGUE.values() if entry.modelled and entry.carrier == "pellet"
)
MANY: Final = 5000
"""Readings of one glass."""


# Gaussian processes on the unit cube


def _asked(rng: np.random.Generator, d: int, near: Array) -> Array:
    """Where predictions are asked: everywhere, at readings, next to them and far outside."""
    own = near[:3] if len(near) else np.zeros((0, d))
    return np.vstack([rng.random((5, d)), own, own + 1e-13, np.full((1, d), 1e3)])


def _of_process(process: GaussianProcess, at: Array, rng: np.random.Generator) -> Seen:
    mean, sd = process.marginal(at)
    _, wide = process.predictive(at)
    return {
        "mean": mean, "sd": sd, "predictive": wide, "draws": process.sample(at, 8, rng),
        "positive": np.where(sd > 0, 1.0, np.nan),
        "scatter": [level.sd for level in process.scatter()],
        "likelihood": [process.log_marginal_likelihood],
    }  # fmt: skip


def _process(rng: np.random.Generator) -> GaussianProcess:
    kernel = ["matern52", "matern32", "rbf"][int(rng.integers(3))]
    return GaussianProcess(prior_centre=0.0, prior_sd=1.0, scatter_sd=0.1, kernel=kernel)  # type: ignore[arg-type]


def _exact(rng: np.random.Generator, x: Array, y: Array, noise_sd: Array) -> Seen:
    return _of_process(_process(rng).fit(x, y, noise_sd), _asked(rng, x.shape[1], x), rng)


def nearly_equal_recipes(rng: np.random.Generator) -> Seen:
    """Recipes equal up to 1e-12, without any error: the kernel is as good as singular."""
    n, d = int(rng.integers(2, 30)), int(rng.integers(1, 6))
    x = rng.random((1, d)) + 1e-12 * rng.standard_normal((n, d))
    return _exact(rng, x, rng.standard_normal(n), np.zeros(n))


def twelve_decades(rng: np.random.Generator) -> Seen:
    """Linear readings from 1e-6 to 1e6 prior standard deviations, of either sign."""
    n, d = int(rng.integers(1, 25)), int(rng.integers(1, 6))
    y = 10.0 ** rng.uniform(-6, 6, n) * rng.choice([-1.0, 1.0], n)
    return _exact(rng, rng.random((n, d)), y, 10.0 ** rng.uniform(-12, 6, n))


def one_point(rng: np.random.Generator) -> Seen:
    """A single reading, anywhere, of any value and error."""
    x = rng.choice([0.0, 0.5, 1.0, 1e3, -1e3], (1, int(rng.integers(1, 8))))
    return _exact(rng, x, rng.choice([0.0, 1.0, -1e6, 1e6], 1), rng.choice([0.0, 1e-12, 1e6], 1))


def constant(rng: np.random.Generator) -> Seen:
    """Every reading is the same number."""
    n, d = int(rng.integers(2, 40)), int(rng.integers(1, 6))
    value = float(rng.choice([0.0, 1.0, -1e6, 1e-12]))
    return _exact(rng, rng.random((n, d)), np.full(n, value), np.zeros(n))


def extreme_errors(rng: np.random.Generator) -> Seen:
    """Standard errors of 1e-12 beside such of 1e6."""
    n, d = int(rng.integers(2, 30)), int(rng.integers(1, 6))
    return _exact(
        rng, rng.random((n, d)), rng.standard_normal(n), rng.choice([0.0, 1e-12, 1.0, 1e6], n)
    )


def one_level(rng: np.random.Generator) -> Seen:
    """All recipes are one."""
    n, d = int(rng.integers(2, 40)), int(rng.integers(1, 6))
    return _exact(rng, np.full((n, d), 0.5), rng.standard_normal(n), np.full(n, 0.01))


def thousands_of_one_glass(rng: np.random.Generator) -> Seen:
    """Five thousand readings of one glass, some of them bounds, in few jars or in many."""
    x = np.full((MANY, 2), 0.3)
    y = rng.normal(0.0, float(rng.choice([0.0, 0.1, 10.0])), MANY)
    is_bound = rng.random(MANY) < float(rng.choice([0.0, 0.01]))
    jars = rng.integers(0, int(rng.choice([1, 5, MANY])), MANY)
    evidence = Evidence.of(
        Points.of(x), lower=np.where(is_bound, -np.inf, y), upper=y,
        noise_sd=np.full(MANY, float(rng.choice([0.0, 1e-12, 0.1, 1e6]))), groups={"sample": jars},
    )  # fmt: skip
    return _of_process(_process(rng).fit_evidence(evidence), _asked(rng, 2, x), rng)


def _between(rng: np.random.Generator, low: Array, high: Array, x: Array) -> Seen:
    evidence = Evidence.of(
        Points.of(x), lower=low, upper=high,
        noise_sd=rng.choice([0.0, 1e-12, 0.1, 1e6], len(low)), groups={},
    )  # fmt: skip
    process = _process(rng).fit_evidence(evidence)
    seen = _of_process(process, _asked(rng, x.shape[1], x), rng)
    return {**seen, "readings": process.readings(4, rng)}


def only_bounds(rng: np.random.Generator) -> Seen:
    """No exact reading: all above or below something, near or absurdly far."""
    n, d = int(rng.integers(1, 25)), int(rng.integers(1, 5))
    at = rng.standard_normal(n) * 10.0 ** float(rng.integers(-6, 4))
    below = rng.random(n) < 0.5
    low, high = np.where(below, -np.inf, at), np.where(below, at, np.inf)
    return _between(rng, low, high, rng.random((n, d)))


def contradicting_bounds(rng: np.random.Generator) -> Seen:
    """The same recipe is surely above something and surely below less."""
    n, d = int(rng.integers(2, 14)), int(rng.integers(1, 4))
    gap = 10.0 ** rng.uniform(-3, 4)
    below = np.arange(n) % 2 == 0
    low, high = np.where(below, -np.inf, gap), np.where(below, -gap, np.inf)
    return _between(rng, low, high, np.full((n, d), 0.5))


def narrow_intervals(rng: np.random.Generator) -> Seen:
    """Intervals as narrow as rounding, at one place and at many, contradicting exact readings."""
    n, d = int(rng.integers(2, 20)), int(rng.integers(1, 4))
    low = rng.standard_normal(n)
    x = rng.random((n, d)) if rng.random() < 0.5 else np.full((n, d), 0.5)
    return _between(rng, low, low + 10.0 ** rng.uniform(-15, -1, n), x)


# Properties of pellets


def _pellets(rng: np.random.Generator, n: int) -> pd.DataFrame:
    same = rng.random() < 0.3
    rows = pd.DataFrame(
        {
            "x": rng.choice([0.0, 1e-12, 0.15, 0.15 + 1e-12, 0.6, 2.5], n),
            "milling_time_h": rng.choice([0.1, 3.0, 3.0 + 1e-12, 100.0], n),
            "milling_media": rng.choice(list(MEDIA), n),
            "milling_speed_rpm": rng.choice([50.0, 500.0, 1100.0], n),
            "pressing_pressure_mpa": rng.choice([1.0, 450.0, 1000.0], n),
            "jar": [f"J{k}" for k in rng.integers(0, 3, n)],
        },
        index=[f"S{k}" for k in range(n)],
    )
    return rows.iloc[[0] * n].set_axis(rows.index) if same else rows


def property_extremes(rng: np.random.Generator) -> Seen:
    """Readings over the whole range a laboratory may enter, bounds and temperatures at their ends.

    Errors are from 1e-12 to 1e6 of the value.
    """
    name = MODELLED[int(rng.integers(len(MODELLED)))]
    entry = CATALOGUE[name]
    n = int(rng.integers(0, 20))
    recipes = _pellets(rng, max(n, 1))
    low, high = entry.reject
    value = (
        10.0 ** rng.uniform(np.log10(low), np.log10(high), n)
        if entry.scale == "log10"
        else rng.uniform(low, high, n)
    )
    kind = rng.integers(0, 4, n)
    readings = pd.DataFrame(
        {
            "specimen": recipes.index[rng.integers(0, len(recipes), n)],
            "property": name,
            "lower": np.where(kind == 1, np.nan, value),
            "upper": np.where(kind == 2, np.nan, np.where(kind == 3, value * 1.000001, value)),
            "se": np.where(
                rng.random(n) < 0.5, np.nan, value * 10.0 ** rng.choice([-12.0, -2.0, 6.0], n)
            ),
            "temperature_c": rng.choice([np.nan, -20.0, 25.0, 60.0, 90.0, 120.0], n),
        }
    )
    surrogate = PropertyGP(name, temperature_c=float(rng.choice([-20.0, 25.0, 60.0, 90.0])))
    fitted = surrogate.fit(recipes, readings)
    asked = _pellets(rng, 6).assign(temperature_c=rng.choice([-20.0, 25.0, 60.0, 90.0], 6))
    return {
        "predictions": fitted.predict(asked).to_numpy(),
        "draws": fitted.sample(asked, 8, rng),
    }


def feasibility_extremes(rng: np.random.Generator) -> Seen:
    """All failed, none failed, one specimen, or hundreds of one recipe."""
    n = int(rng.choice([0, 1, 2, 10, 150]))
    jars = _pellets(rng, max(n, 1)).iloc[:n]
    share = float(rng.choice([0.0, 0.5, 1.0]))
    outcomes = pd.Series(
        np.where(rng.random(n) < share, "made", "unreacted"), index=jars.index, dtype=object
    )
    fitted = FeasibilitySurrogate("jar").fit(jars, outcomes)
    found = fitted.predict(_pellets(rng, 6)).to_numpy(dtype=float)
    return {"chance": found, "within": np.where((found >= 0) & (found <= 1), 1.0, np.nan)}


# Optimizer


def _space(rng: np.random.Generator) -> SearchSpace:
    return SearchSpace(
        [
            Continuous("a", 0.0, float(rng.choice([1e-9, 1.0, 1e9]))),
            Discrete("b", 0.0, 1.0, step=0.25),
            Categorical("m", ["p", "q"]),
        ]
    )


def _of_optimizer(
    rng: np.random.Generator, objectives: list[Objective], values: Mapping[str, Any], n: int,
    *, failed: NDArray[np.bool_] | None = None, rows: pd.DataFrame | None = None,
    space: SearchSpace | None = None,
) -> Seen:  # fmt: skip
    space = space or _space(rng)
    optimizer = Optimizer(space, objectives, seed=0)
    told = space.spread(n, rng) if rows is None else rows
    n = len(told)
    table = told.assign(**{k: np.asarray(v, dtype=object)[:n] for k, v in values.items()})
    if failed is not None:
        table["failed"] = failed[:n]
    optimizer.tell(table)
    batch = optimizer.ask(2)
    seen: Seen = {"batch": batch.select_dtypes("number").to_numpy(dtype=float)}
    if all(objective.reference is not None for objective in objectives):
        seen["hypervolume"] = list(optimizer.hypervolume().values())
    return seen


def optimizer_decades(rng: np.random.Generator) -> Seen:
    """Objectives over twelve decades on a linear and on a log scale, bounds and errors as well."""
    n = int(rng.integers(4, 9))
    values = 10.0 ** rng.uniform(-6, 6, (2, n))
    cells: list[Any] = [
        f"<{v:.3g}" if k == 1 else f">{v:.3g}" if k == 2 else v
        for v, k in zip(values[1], rng.integers(0, 4, n), strict=True)
    ]
    told = {"y": values[0], "z": cells}
    if rng.random() < 0.5:
        told["y_se"] = values[0] * 10.0 ** rng.choice([-12.0, 6.0], n)
    objectives = [
        Objective("y", "maximize", reference=1e-6),
        Objective("z", "minimize", reference=1e6, scale="log10"),
    ]
    return _of_optimizer(rng, objectives, told, n)


def optimizer_constants(rng: np.random.Generator) -> Seen:
    """Every reading is one number, which may be the reference itself."""
    n = int(rng.integers(4, 9))
    value = float(rng.choice([0.0, 1.0, -1e9, 1e-12]))
    objectives = [
        Objective("y", "maximize", reference=value), Objective("z", "minimize", reference=value)
    ]  # fmt: skip
    return _of_optimizer(rng, objectives, {"y": np.full(n, value), "z": np.full(n, value)}, n)


def optimizer_bounds(rng: np.random.Generator) -> Seen:
    """Nothing but bounds, some contradicting each other at one recipe."""
    n = int(rng.integers(4, 8))
    cells = [f"<{10.0 ** rng.uniform(-3, 3):.3g}" for _ in range(n)]
    if rng.random() < 0.5:
        cells[0], cells[1] = ">1000", "<0.001"
    space = _space(rng)
    rows = space.spread(n, rng)
    if rng.random() < 0.5:
        rows.iloc[1] = rows.iloc[0]
    objective = Objective("y", "maximize", reference=1.0, scale="log10")
    return _of_optimizer(rng, [objective], {"y": cells}, n, rows=rows, space=space)


def optimizer_far_away(rng: np.random.Generator) -> Seen:
    """A recipe told lies up to 1e18 ranges outside of what is searched, as in a wrong unit."""
    space = SearchSpace([Continuous("a", 0.0, 1.0), Continuous("b", 0.0, 1.0)])
    rows = space.spread(6, rng)
    rows.loc[0, "a"] = 10.0 ** rng.uniform(0, 18)
    y = rng.standard_normal(6)
    cells: list[Any] = [v if rng.random() < 0.5 else f"<{v:.3f}" for v in y]
    objective = Objective("y", "maximize", reference=-3.0)
    return _of_optimizer(rng, [objective], {"y": cells}, 6, rows=rows, space=space)


def optimizer_failures(rng: np.random.Generator) -> Seen:
    """Everything told has failed, or all but one recipe."""
    n = int(rng.integers(4, 9))
    failed = np.ones(n, dtype=bool)
    failed[0] = rng.random() < 0.5
    values = [None if bad else 1.0 for bad in failed]
    prior = (0.0, 1.0) if failed.all() else None  # without any there is nothing to predict from
    objective = Objective("y", "maximize", reference=0.0, prior=prior)
    return _of_optimizer(rng, [objective], {"y": values}, n, failed=failed)


def optimizer_repeats(rng: np.random.Generator) -> Seen:
    """One recipe told hundreds of times, or recipes apart by 1e-12."""
    n = int(rng.choice([10, 60, 250]))
    a = 0.5 + (0.0 if rng.random() < 0.5 else 1e-12) * rng.standard_normal(n)
    rows = pd.DataFrame({"a": a, "b": 0.5, "m": "p"})
    space = SearchSpace([Continuous("a", 0.0, 1.0), Discrete("b", 0.0, 1.0, step=0.25),
                         Categorical("m", ["p", "q"])])  # fmt: skip
    y = rng.normal(0.0, float(rng.choice([0.0, 1.0])), n)
    objective = Objective("y", "maximize", reference=-1.0)
    return _of_optimizer(rng, [objective], {"y": y}, n, rows=rows, space=space)


def fronts(rng: np.random.Generator) -> Seen:
    """Fronts of equal points, points on the reference, one apart by 1e-300, and huge ones.

    Volumes of draws are the box up to the best of each objective less what is free in it: they may
    be off by rounding of that box, which is huge here.
    """
    m, n = int(rng.integers(1, 6)), int(rng.choice([1, 3, 12, 80]))
    points = rng.choice([0.0, 1e-300, 1e-12, 1.0, 1.0 + 1e-15, 1e9], (n, m))
    if rng.random() < 0.3:
        points[:] = points[0]
    reference = rng.choice([0.0, 1.0, -1e9], m)
    whole = hypervolume(points, reference)
    draws = hypervolume_draws(np.stack([points, points[::-1]]), reference)
    box = float(np.maximum(points.max(axis=0) - reference, 0.0).prod())
    agree = np.abs(draws - whole) <= 1e-6 * abs(whole) + 1e-12 * box + 1e-9
    return {"whole": [whole], "draws": draws, "not negative": np.where(draws >= 0, 1.0, np.nan),
            "the same": np.where(agree, 1.0, np.nan)}  # fmt: skip


def covered(how: str, n: int) -> dict[str, float]:
    """How often the 90 % range of a truth drawn from the prior holds it.

    Args:
        how: ``stated``: errors of 0.1 prior standard deviations; ``extreme``: of 1e-12, 1e-3 or
            1e6, mixed; ``bounds``: half of the readings say only above or below.
        n: Truths.

    Returns:
        ``truths``, asked at four recipes each, ``share`` within and its standard error.
    """
    inside = np.zeros((n, 4))
    for seed in range(n):
        rng = np.random.default_rng([seed, len(how)])
        x = rng.random((16, 2))
        gaps = np.sqrt(((x[:, None] - x[None]) ** 2).sum(-1)) / rng.lognormal(np.log(0.6), 0.3)
        root5 = np.sqrt(5.0) * gaps
        covariance = 0.5 + 0.5 * (1 + root5 + root5**2 / 3) * np.exp(-root5)
        truth = np.linalg.cholesky(covariance + 1e-10 * np.eye(16)) @ rng.standard_normal(16)
        errors = np.full(12, 0.1)
        if how == "extreme":
            errors = rng.choice([1e-12, 1e-3, 1e6], 12)
        read = truth[:12] + 0.1 * rng.standard_normal(12) + errors * rng.standard_normal(12)
        low, high = read.copy(), read.copy()
        if how == "bounds":
            at = read + rng.standard_normal(12)
            bound = rng.random(12) < 0.5
            low = np.where(bound, np.where(at < read, at, -np.inf), read)
            high = np.where(bound, np.where(at < read, np.inf, at), read)
        evidence = Evidence.of(Points.of(x[:12]), lower=low, upper=high, noise_sd=errors, groups={})
        process = GaussianProcess(prior_centre=0.0, prior_sd=1.0, scatter_sd=0.1)
        mean, sd = process.fit_evidence(evidence).marginal(x[12:])
        inside[seed] = np.abs(truth[12:] - mean) <= Z_90 * sd
    each = inside.mean(axis=1)
    return {
        "truths": n, "share": round(float(each.mean()), 3),
        "se": round(float(each.std(ddof=1) / np.sqrt(n)), 3),
    }  # fmt: skip


KINDS: Final[Mapping[str, Case]] = {
    case.__name__: case
    for case in (
        nearly_equal_recipes, twelve_decades, one_point, constant, extreme_errors, one_level,
        thousands_of_one_glass, only_bounds, contradicting_bounds, narrow_intervals,
        property_extremes, feasibility_extremes, optimizer_decades, optimizer_constants,
        optimizer_bounds, optimizer_far_away, optimizer_failures, optimizer_repeats, fronts,
    )
}  # fmt: skip
"""Every kind of case by its name."""

SLOW: Final = frozenset({"thousands_of_one_glass", "optimizer_repeats"})
"""Kinds that take seconds each."""


def missing(seen: Seen) -> list[str]:
    """Names of arrays that hold something else than finite numbers."""
    return [
        name for name, part in seen.items() if not np.isfinite(np.asarray(part, dtype=float)).all()
    ]
