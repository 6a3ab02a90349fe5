"""Search space, objectives, acquisition, batches: an ask/tell optimizer without any chemistry.

It works on any table: say what can be varied and what is wanted, tell it what was measured, ask
what to make next. See ``Optimizer``.
"""

from optimizer.ask_tell import Optimizer
from optimizer.batch import propose_batch
from optimizer.categorical import Categorical
from optimizer.hypervolume import hypervolume, hypervolume_draws
from optimizer.objectives import Objective
from optimizer.parameters import Continuous, Discrete
from optimizer.space import SearchSpace

__all__ = [
    "Categorical",
    "Continuous",
    "Discrete",
    "Objective",
    "Optimizer",
    "SearchSpace",
    "hypervolume",
    "hypervolume_draws",
    "propose_batch",
]
