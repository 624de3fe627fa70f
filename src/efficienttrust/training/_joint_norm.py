"""Batch norms over several processes: the statistics are those of the joint batch.

`torch.nn.SyncBatchNorm` does the same on GPUs only; this one runs wherever sums over processes do.
"""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.nn.modules.batchnorm import _BatchNorm


class JointBatchNorm(_BatchNorm):
    """A batch norm whose mean and variance in training mode are those of the rows of all processes.

    It keeps the names of weights and buffers; in evaluation mode it is the batch norm that it was made of.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Normalise a batch [n, C, ...]."""
        if not self.training or not distributed.is_initialized():
            normed: Tensor = super().forward(x)
            return normed
        dims, shape = [0, *range(2, x.ndim)], [1, -1, *[1] * (x.ndim - 2)]
        values = x.float()
        count = values.new_tensor([values.numel() / values.shape[1]])
        sums = _summed(torch.cat([values.sum(dims), count]))
        n = sums[-1]
        mean = sums[:-1] / n
        centred = values - mean.view(shape)
        variance = _summed(centred.square().sum(dims)) / n
        if self.track_running_stats and self.running_mean is not None and self.running_var is not None:
            self._remember(mean.detach(), (variance * n / (n - 1).clamp_min(1.0)).detach())
        normed = centred * torch.rsqrt(variance + self.eps).view(shape)
        if self.affine:
            normed = normed * self.weight.view(shape) + self.bias.view(shape)
        return normed.to(x.dtype)

    def _check_input_dim(self, input: Tensor) -> None:
        """Take any number of dimensions: what the norm was made of has checked its own."""

    def _remember(self, mean: Tensor, variance: Tensor) -> None:
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        with torch.no_grad():
            self.num_batches_tracked += 1
            weight = 1.0 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
            self.running_mean.lerp_(mean, weight)
            self.running_var.lerp_(variance, weight)


def join_norms(network: nn.Module) -> None:
    """Make the batch norms of a network joint, in place: names, weights, buffers and references stay."""
    for module in network.modules():
        if type(module) in (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d):
            module.__class__ = JointBatchNorm


class _Sum(torch.autograd.Function):
    """The sum over processes; its gradient is the sum of the gradients, as every process reads it."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        total = values.detach().clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].contiguous().clone()
        distributed.all_reduce(total)
        return total


def _summed(values: Tensor) -> Tensor:
    total: Tensor = _Sum.apply(values)  # type: ignore[no-untyped-call]
    return total


def joined(network: nn.Module, device: torch.device) -> nn.Module:
    """Return the training pass whose gradients are those of all processes; weights become those of process 0."""
    join_norms(network)
    parallel = nn.parallel.DistributedDataParallel
    renamed = "forward_sync_buffers" in inspect.signature(parallel).parameters  # in torch 2.13
    options: dict[str, Any] = {"forward_sync_buffers" if renamed else "broadcast_buffers": False}  # they stay equal
    return parallel(network, device_ids=[device] if device.type == "cuda" else None, **options)
