"""Posterior draws dressed as a BoTorch model, so that BoTorch's acquisitions can read them.

Inputs are row numbers; the posterior at rows is a lookup in the draws, and the sampler hands it
out as it is.
"""

from typing import Any, final

import numpy as np
import torch
from botorch.models.model import Model
from botorch.posteriors.posterior import Posterior
from botorch.sampling.base import MCSampler
from numpy.typing import NDArray
from torch import Tensor

Draws = NDArray[np.float64]


@final
class BoxesPerDraw:
    """The part of BoTorch's partitioning that its acquisition reads, with one set a draw."""

    def __init__(self, lower: Draws, upper: Draws) -> None:
        self.lower, self.upper = torch.as_tensor(lower), torch.as_tensor(upper)
        self.pareto_Y = self.lower  # read for its dtype and device
        self.num_outcomes = lower.shape[2]

    def get_hypercell_bounds(self) -> Tensor:
        """Shape (2, S, c, m)."""
        return torch.stack([self.lower, self.upper])


@final
class TablePosterior(Posterior):
    """Draws already made."""

    def __init__(self, values: Tensor) -> None:
        self.values = values

    @property
    def device(self) -> torch.device:
        """Where the draws live."""
        return self.values.device

    @property
    def dtype(self) -> torch.dtype:
        """Their type."""
        return self.values.dtype

    def rsample(self, sample_shape: torch.Size | None = None) -> Tensor:
        """All draws, whatever shape is asked."""
        return self.values


@final
class TableModel(Model):
    """A model over row numbers: its posterior at rows is a lookup in the draws."""

    def __init__(self, outputs: Draws) -> None:
        super().__init__()
        self.outputs = torch.as_tensor(outputs, dtype=torch.float64)

    @property
    def num_outputs(self) -> int:
        """Objectives and limits."""
        return int(self.outputs.shape[-1])

    @property
    def batch_shape(self) -> torch.Size:
        """None."""
        return torch.Size([])

    def posterior(self, X: Tensor, *args: Any, **kwargs: Any) -> TablePosterior:
        """Draws of shape (S, ..., q, m + k) at row numbers of shape (..., q, 1)."""
        return TablePosterior(self.outputs[:, X[..., 0].long()])


@final
class TableSampler(MCSampler):
    """Hands out the draws as they are."""

    def forward(self, posterior: Posterior) -> Tensor:
        """All draws."""
        return posterior.rsample(self.sample_shape)
