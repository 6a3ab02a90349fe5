"""What is said of a level of scatter."""

import numpy as np
import pytest

from models.evidence import Evidence, Points
from models.gp import GaussianProcess
from models.scatter import Scatter
from models.told import READING

WORDS = {
    "jar": "recipe{} made in two jars or more",
    "pellet": "jar{} with two pellets or more",
    READING: "specimen{} read twice or more without a stated error",
    "sample": "recipe{} made twice or more",
}


@pytest.mark.parametrize(("n", "ending"), [(0, "s"), (1, ""), (2, "s")])
@pytest.mark.parametrize("determined", [True, False])
@pytest.mark.parametrize("level", WORDS)
def test_repeats_are_counted_in_the_singular_and_the_plural(level, determined, n, ending):
    scatter = Scatter(
        level=level,
        sd=0.1,
        lower=0.05,
        upper=0.2,
        prior_lower=0.01,
        prior_upper=1.0,
        n_repeated=n,
        determined=determined,
    )
    assert scatter.in_words("dex").endswith(f" {n} {WORDS[level].format(ending)}")


@pytest.mark.parametrize(
    ("second", "n_repeated"),
    [
        pytest.param(0.25 + 0.003 / 0.6, 1, id="as-it-weighs-out"),
        pytest.param(0.30, 0, id="another-recipe"),
    ],
)
def test_a_recipe_made_again_is_a_repeat_though_it_weighs_out_a_little_differently(
    second, n_repeated
):
    evidence = Evidence.of(
        Points.of([[0.25], [second], [0.9]]),
        lower=[1.0, 1.1, 2.0],
        upper=[1.0, 1.1, 2.0],
        noise_sd=np.full(3, 0.01),
        groups={"jar": np.array(["J1", "J2", "J3"])},
    )
    process = GaussianProcess(0.0, 1.0, 0.1, levels={"jar": 1.0}).fit_evidence(evidence)
    assert process.scatter()[0].n_repeated == n_repeated
