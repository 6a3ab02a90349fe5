"""BoTorch's single-task Gaussian process with its defaults: what a planner would use unasked."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from models.baseline_table import Answer, BaselineTable, TableSurrogate

Array = NDArray[np.float64]


@final
@dataclass(frozen=True, eq=False)
class BotorchSurrogate(TableSurrogate):
    """``SingleTaskGP`` as it comes: its kernel, its priors, one noise for all readings.

    Double precision on one thread, seeded. torch is loaded when the first fit needs it.

    References:
        Balandat et al., Adv. Neural Inf. Process. Syst. 33 (2020) 21524.

    Examples:
        >>> BotorchSurrogate("youngs_modulus").in_words()
        "0 Young's modulus readings: too few to learn from; the prior decides"
    """

    def learn(self, table: BaselineTable) -> dict[str, Any]:
        """Hyperparameters of the largest posterior density.

        Args:
            table: Readings that show a trend.

        Returns:
            ``parameters``: raw values by BoTorch's name.
        """
        from botorch import fit_gpytorch_mll
        from botorch.exceptions.errors import ModelFittingError
        from gpytorch.mlls import ExactMarginalLogLikelihood

        with _quiet_and_repeatable():
            model = _single_task(table)
            start = _plain_parameters(model)
            try:
                fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model))
            except ModelFittingError:
                return {"parameters": start}  # the priors' own values, an honest second best
            return {"parameters": _plain_parameters(model)}

    def answer(self, x: Array) -> Answer:
        """Posterior of the process, and its noise.

        Args:
            x: Shape (N, 6), in the unit cube.

        Returns:
            Moments on the property's scale.
        """
        import torch

        with _quiet_and_repeatable(), torch.no_grad():
            model = self._model
            posterior = model.posterior(torch.as_tensor(x, dtype=torch.float64))
            mean = posterior.mean.numpy().reshape(-1).astype(float)
            covariance = posterior.distribution.covariance_matrix.numpy().astype(float)
            unit = float(model.outcome_transform.stdvs)
            noise = float(model.likelihood.noise) * unit**2
        floor = np.finfo(float).eps * unit**2
        covariance[np.diag_indices_from(covariance)] = np.maximum(np.diagonal(covariance), floor)
        return Answer(mean=mean, covariance=covariance, noise_variance=noise)

    @cached_property
    def _model(self) -> Any:
        """The model with what was learned; nothing is optimised again."""
        import torch

        model = _single_task(self.fitted_table)
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                parameter.copy_(
                    torch.tensor(self.fitted_numbers["parameters"][name], dtype=torch.float64)
                )
        return model.eval()


def _single_task(table: BaselineTable) -> Any:
    import torch
    from botorch.models import SingleTaskGP

    return SingleTaskGP(torch.tensor(table.x, dtype=torch.float64), torch.tensor(table.y[:, None]))


def _plain_parameters(model: Any) -> dict[str, Any]:
    return {name: parameter.tolist() for name, parameter in model.named_parameters()}


@contextmanager
def _quiet_and_repeatable() -> Iterator[None]:
    """One thread, an own seed and no warnings within; all as before outside."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.manual_seed(0)
            yield
    finally:
        torch.set_num_threads(threads)
