"""Search space, objectives, acquisition, batches: an ask/tell optimizer without any chemistry.

It works on any table: say what can be varied and what is wanted, tell it what was measured, ask
what to make next. See ``Optimizer``.
"""

from optimizer.ask_tell import Optimizer
from optimizer.batch import outlook_of_draws, propose_batch
from optimizer.categorical import Categorical
from optimizer.constraints import LinearConstraint, Rule
from optimizer.hypervolume import hypervolume, hypervolume_draws
from optimizer.limits import Limit
from optimizer.objectives import Objective
from optimizer.parameters import Continuous, Discrete
from optimizer.regions import Excluded, When
from optimizer.space import SearchSpace

__all__ = [
    "Categorical",
    "Continuous",
    "Discrete",
    "Excluded",
    "Limit",
    "LinearConstraint",
    "Objective",
    "Optimizer",
    "Rule",
    "SearchSpace",
    "When",
    "hypervolume",
    "hypervolume_draws",
    "outlook_of_draws",
    "propose_batch",
]
