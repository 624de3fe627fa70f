"""A torch module as something to attack, made fast without changing what it says."""

from __future__ import annotations

import copy
from collections import Counter

import torch
from torch import Tensor, fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from efficienttrust.threats._objective import Answer

FOLD_TOLERANCE = 1e-3  # of the largest logit: folding that changes more than this is not used
_CHECKED_ROWS = 8
CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


class ModuleVictim:
    """Logits of a module in evaluation mode, as a differentiable function of its input.

    The module given is not touched: a frozen copy in evaluation mode is attacked. The attack runs on a stand-in, whose
    batch norms are folded into the convolutions before them and which, with `screen`, computes in bfloat16. The verdict
    on each row is that of the module as it was given, in its own precision: no row counts as fooled before it says so.

    Args:
        module: Maps [m, ...] float32 inputs to logits [m, K], or to one logit [m] or [m, 1].
        screen: Whether to attack in bfloat16. None: where the hardware multiplies it natively and the module convolves.
        fold: Whether to fold batch norms.
    """

    differentiable = True

    def __init__(self, module: nn.Module, *, screen: bool | None = None, fold: bool = True) -> None:
        self._exact = frozen(module)
        self._image = any(isinstance(layer, nn.Conv2d) for layer in module.modules())
        convolves = any(isinstance(layer, CONVOLUTIONS) for layer in module.modules())
        self._screen = (convolves and bfloat16_is_native()) if screen is None else screen
        self._fold = fold and any(isinstance(layer, BATCH_NORMS) for layer in module.modules())
        self._fast: nn.Module | None = None
        if self._screen or self._fold:
            self.bind_exact = self._bind_exact  # only a stand-in has to be checked

    def bind(self, rows: Tensor) -> Answer:
        """Return the stand-in, or the module where there is none; which rows are asked about does not matter."""
        del rows
        return self._answer_fast if self._screen or self._fold else self._answer

    def _bind_exact(self, rows: Tensor) -> Answer:
        del rows
        return self._answer

    def _answer(self, points: Tensor) -> Tensor:
        return _logits(self._exact(points))

    def _answer_fast(self, points: Tensor) -> Tensor:
        if self._fast is None:
            self._fast = self._prepared(points)
        if self._image and points.ndim == 4:
            points = points.contiguous(memory_format=torch.channels_last)
        return _logits(self._fast(points.to(torch.bfloat16) if self._screen else points)).float()

    def _prepared(self, points: Tensor) -> nn.Module:
        """Build the stand-in at the first points seen; folding is kept only where it says the same on them."""
        folded = _folded(self._exact, points[:_CHECKED_ROWS].detach()) if self._fold else self._exact
        fast = copy.deepcopy(folded)
        if self._image:
            fast = fast.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return fast.to(torch.bfloat16) if self._screen else fast


def frozen(module: nn.Module) -> nn.Module:
    """Return a copy of a module in evaluation mode whose weights ask for no gradient."""
    twin = copy.deepcopy(module).eval()
    for parameter in twin.parameters():
        parameter.requires_grad_(False)
    return twin


def bfloat16_is_native() -> bool:
    """Return whether this machine multiplies bfloat16 in hardware, so that screening in it pays."""
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def _logits(answer: Tensor) -> Tensor:
    return answer.squeeze(1) if answer.ndim == 2 and answer.shape[1] == 1 else answer


def _folded(module: nn.Module, points: Tensor) -> nn.Module:
    """Return the module with batch norms folded into convolutions, or itself where that is impossible or inexact."""
    try:
        folded = _fold(fx.symbolic_trace(copy.deepcopy(module)))
        with torch.no_grad():
            wanted, given = module(points), folded(points)
    except Exception:  # a module that cannot be traced (data-dependent control flow, foreign operators)
        return module
    if not bool(wanted.isfinite().all()):
        return module
    slack = FOLD_TOLERANCE * float(wanted.abs().max().clamp_min(1.0))
    exact = wanted.shape == given.shape and torch.allclose(given, wanted, rtol=0.0, atol=slack)
    return frozen(folded) if exact else module


def _fold(traced: fx.GraphModule) -> fx.GraphModule:
    """Fold every batch norm that follows a convolution whose output nobody else reads."""
    layers = dict(traced.named_modules())
    calls = Counter(node.target for node in traced.graph.nodes if node.op == "call_module")
    for node in list(traced.graph.nodes):
        if node.op != "call_module" or not isinstance(layers[node.target], BATCH_NORMS):
            continue
        before = node.args[0]
        if before.op != "call_module" or not isinstance(layers[before.target], CONVOLUTIONS):
            continue
        if len(before.users) > 1 or calls[before.target] > 1 or calls[node.target] > 1:
            continue
        parent, _, name = before.target.rpartition(".")
        setattr(layers[parent], name, fuse_conv_bn_eval(layers[before.target], layers[node.target]))
        node.replace_all_uses_with(before)
        traced.graph.erase_node(node)
    traced.delete_all_unused_submodules()
    traced.recompile()
    return traced
