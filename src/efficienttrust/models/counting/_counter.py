"""Run a module where every operator can be seen, and add up what they cost."""

from __future__ import annotations

import contextlib
import copy
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode

from efficienttrust.errors import UsageError
from efficienttrust.models.counting._formulas import Formula, flop_formulas
from efficienttrust.resources.flops import Cost, FlopCount


def count_flops(
    module: nn.Module,
    inputs: Sequence[Any],
    *,
    keywords: Mapping[str, Any] | None = None,
    rows: int | None = None,
) -> FlopCount:
    """Count the floating-point operations of one forward pass in evaluation mode, by shapes on the meta device.

    A module that cannot run there (it reads values, or holds tensors that are neither parameters nor buffers) is run
    for real, with the same counter, and the note says so. What a module computes outside torch is not seen. Work that
    does not depend on the batch (e.g. on the weights alone) is shared among its rows.

    Args:
        module: Left as it was, its training mode included.
        inputs: Positional inputs, one batch; of tensors only shapes, types and layout matter on the meta device.
        keywords: Inputs by name.
        rows: Rows in the batch; by default the first dimension of the first tensor.

    Raises:
        UsageError: An operator has no formula, or the module does not run on these inputs.
    """
    keywords = keywords or {}
    rows = _rows([*inputs, *keywords.values()]) if rows is None else rows
    note = ""
    # A guard around everything: random numbers (initial states, noise) must not change what comes after.
    with torch.no_grad(), torch.random.fork_rng(devices=[]), _nothing_fused():
        try:
            counter = _count_on_meta(module, inputs, keywords)
        except Exception as error:  # anything may fail there, and running for real decides whether it matters
            reason = " ".join(str(error).split())[:120]
            note = f"FLOPs were counted in a real forward pass, as the meta device cannot run it: {reason}"
            counter = _count_for_real(module, inputs, keywords)
    if counter.unknown:
        raise UsageError(
            f"FLOPs cannot be counted: no formula for {', '.join(sorted(counter.unknown))}. Register one with "
            "efficienttrust.models.counting.flop_formulas.register(name)(formula)."
        )
    return FlopCount.of(counter.costs, rows, note)


class _Counter(TorchDispatchMode):
    """Collects (operator, cost) of everything dispatched, and the operators without a formula."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._formulas: dict[str, Formula] = {name: flop_formulas.get(name) for name in flop_formulas.names()}
        self.costs: list[tuple[str, Cost]] = []
        self.unknown: set[str] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        name = f"{func.namespace}.{func._schema.name.partition('::')[2]}"
        if name not in self._formulas:
            name = name.removesuffix("_")
        formula = self._formulas.get(name)
        if formula is None:
            self.unknown.add(name)
        else:
            self.costs.append((name, formula(_by_name(func, args, kwargs or {}), output)))
        return output


def _by_name(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    named = {
        argument.name: argument.default_value if argument.has_default_value() else None
        for argument in func._schema.arguments
    }
    named.update(zip(named, args, strict=False))
    named.update(kwargs)
    return named


def _count_on_meta(module: nn.Module, inputs: Sequence[Any], keywords: Mapping[str, Any]) -> _Counter:
    moved: dict[int, Any] = {}  # of the caller's objects; also keeps `query is key` what it was
    for tensor in (*module.parameters(), *module.buffers()):
        moved[id(tensor)] = _on_meta(tensor)
    stand_in = copy.deepcopy(module, moved).eval()
    positional = [moved.setdefault(id(value), _on_meta(value)) for value in inputs]
    named = {name: moved.setdefault(id(value), _on_meta(value)) for name, value in keywords.items()}
    counter = _Counter()
    with counter:
        stand_in(*positional, **named)
    return counter


def _on_meta(value: Any) -> Any:
    if not isinstance(value, Tensor):
        return value
    shape_only = torch.empty_like(value, device="meta")
    return nn.Parameter(shape_only, requires_grad=False) if isinstance(value, nn.Parameter) else shape_only


def _count_for_real(module: nn.Module, inputs: Sequence[Any], keywords: Mapping[str, Any]) -> _Counter:
    training = [part for part in module.modules() if part.training]
    counter = _Counter()
    try:
        with counter:
            module.eval()(*inputs, **keywords)
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise UsageError(f"FLOPs cannot be counted: the model does not run on the given inputs: {reason}") from error
    finally:
        for part in training:
            part.training = True
    return counter


@contextlib.contextmanager
def _nothing_fused() -> Iterator[None]:
    """Switch off the kernels that do several operators at once: oneDNN's LSTM, the encoder fast path, flash attention.

    With them FlopCounterMode misses all of an LSTM and 99 % of a transformer encoder.
    """
    fast_path = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*TF32.*")  # the flags set one for GPUs that are not there
            with torch.backends.mkldnn.flags(enabled=False), sdpa_kernel(SDPBackend.MATH):
                yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast_path)


def _rows(values: Sequence[Any]) -> int:
    for value in values:
        if isinstance(value, Tensor) and value.dim() and len(value):
            return len(value)
    raise UsageError("FLOPs are counted per row, and no input is a tensor with rows; give rows=1 or more.")
