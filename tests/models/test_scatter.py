"""What is said of a level of scatter."""

import pytest

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
