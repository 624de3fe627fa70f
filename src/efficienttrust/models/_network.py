"""What a network reads, and the one way to make any network reproducibly."""

from __future__ import annotations

import importlib
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from efficienttrust.errors import UsageError, did_you_mean, unknown_name
from efficienttrust.registry import Registry

if TYPE_CHECKING:
    from torch import nn

Kind = Literal["table", "sequence", "image"]


@dataclass(frozen=True, eq=False)
class Inputs:
    """What a network reads: rows of an encoded table, of which a part may be a sequence, or images.

    The features of a table lie as `efficienttrust.data.Encoder` lays them: the p numeric columns, standardised; the
    missing indicators (1 = missing); one block of 0/1 slots per categorical column, exactly one of which is 1. A
    sequence is a table whose numeric columns are the cells of a grid of T time steps and C channels; what is in no cell
    of the grid (other numeric columns, their indicators, blocks) describes the whole row.

    Attributes:
        kind: What a row is.
        shape: Shape of a row: (d,), or (channels, height, width) with pixels in [0, 1].
        n_numeric: p; 0 for images.
        indicator: int64 [p], feature index of the missing indicator of each numeric column, -1 without one.
        blocks: [start, stop) of every one-hot block.
        grid: int64 [T, C], feature index of each cell of a sequence, -1 where a cell never occurs; None for others.
        sample: float32 [m, *shape], some training rows (at most a few thousand) to set quantiles and scales by.
    """

    kind: Kind
    shape: tuple[int, ...]
    n_numeric: int = 0
    indicator: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    blocks: tuple[tuple[int, int], ...] = ()
    grid: NDArray[np.int64] | None = None
    sample: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class Network:
    """A kind of network that is found by name.

    Attributes:
        name: Name on the command line.
        kinds: What it can read.
        title: One sentence for reports, with the source.
        make: Called as `make(inputs, outputs, **options)`; gives a module that maps [n, *shape] float32 to logits
            [n, outputs], or [n] where there is one output. Weights are drawn from torch's global generator.
        options: Names and defaults of the options; `width` (a factor, 1 = as published) scales the layers.
        learning_rate: Peak learning rate of AdamW that suits it.
        weight_decay: Decoupled weight decay that suits it.
        epochs: Passes over the data after which more training buys little.
    """

    name: str
    kinds: tuple[Kind, ...]
    title: str
    make: Callable[..., nn.Module]
    options: Mapping[str, Any] = field(default_factory=dict)
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    epochs: float = 20.0


networks: Registry[Network] = Registry("network", "efficienttrust.models.catalogue", of=Network)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draw from torch's global generator by a seed, and put it back as it was."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def parse_network(text: str) -> tuple[str, dict[str, Any]]:
    """Return name and options of `resnet20(width=0.5)` or `mlp(widths=64-32)`; `module:function` is a user's own.

    Raises:
        UsageError: No such network or option, or an option that is not a number.
    """
    match = re.fullmatch(r"\s*([\w.:-]+)\s*(?:\((.*)\))?\s*", text)
    if match is None:
        raise UsageError(f"model {text!r} is not of the form NAME or NAME(option=number, …)")
    network = network_of(match[1])
    options: dict[str, Any] = {}
    for part in filter(None, (piece.strip() for piece in (match[2] or "").split(","))):
        name, _, value = (piece.strip() for piece in part.partition("="))
        if name not in network.options:
            raise unknown_name(f"option of {network.name}", name, network.options)
        try:
            options[name] = _option(value, network.options[name])
        except ValueError:
            raise UsageError(f"model option {name}={value!r} is not a number above 0") from None
    return network.name, options


def _option(text: str, default: Any) -> Any:
    """Read an option of the type of its default; several whole numbers are written as `64-32`."""
    if isinstance(default, tuple):
        numbers = tuple(int(part) for part in text.split("-"))
        if min(numbers) < 1:
            raise ValueError(text)
        return numbers
    number = float(text)
    if not 0 <= number < float("inf") or (isinstance(default, float) and number == 0):
        raise ValueError(text)
    if isinstance(default, float):
        return number
    if number != int(number):
        raise ValueError(text)
    return type(default)(number)


def refuse_less_than_one(**counts: int) -> None:
    """Raise `UsageError` for options that count things and are 0."""
    for name, count in counts.items():
        if count < 1:
            raise UsageError(f"model option {name}={count}: it counts things, give 1 or more")


def network_of(name: str) -> Network:
    """Return a registered network, or a user's own: `package.module:function` called as `function(inputs, outputs)`.

    Raises:
        UsageError: There is no such network, module or function.
    """
    module_name, colon, function_name = name.partition(":")
    if not colon:
        return networks.get(name)
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())  # as for `python -m`: the user's own files come first
    if not module_name.strip(".") or not function_name.isidentifier():
        raise UsageError(f"model {name!r} is not of the form module:function")
    try:
        module = importlib.import_module(module_name)
    except Exception as error:  # whatever the user's file does while it is imported
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise UsageError(f"model {name}: {module_name} cannot be imported here ({reason})") from error
    function = getattr(module, function_name, None)
    if not callable(function):
        raise UsageError(
            f"model {name}: {module_name} has no function {function_name}.{did_you_mean(function_name, dir(module))}"
        )
    return Network(name, ("table", "sequence", "image"), f"own network {name}", _checked(name, function))


def _checked(name: str, function: Callable[..., Any]) -> Callable[..., nn.Module]:
    """Let a user's single logit be a column [n, 1], as most write it, and refuse answers of another shape."""
    import torch
    from torch import Tensor, nn

    class FlatLogit(nn.Module):
        def __init__(self, module: nn.Module) -> None:
            super().__init__()
            self.module = module

        def forward(self, rows: Tensor) -> Tensor:
            z: Tensor = self.module(rows)
            return z.squeeze(1) if z.ndim == 2 else z

    def make(inputs: Inputs, outputs: int) -> nn.Module:
        made = function(inputs, outputs)
        if not isinstance(made, nn.Module):
            raise UsageError(f"model {name} returns a {type(made).__name__}, not a torch.nn.Module")
        module: nn.Module = FlatLogit(made) if outputs == 1 else made
        learning = module.training
        with torch.no_grad():
            shape = tuple(module.eval()(torch.zeros(2, *inputs.shape)).shape)
        module.train(learning)
        if shape != ((2,) if outputs == 1 else (2, outputs)):
            wanted = "[n] or [n, 1]" if outputs == 1 else f"[n, {outputs}]"
            raise UsageError(f"model {name} answers 2 rows with a tensor of shape {list(shape)}, not {wanted} logits")
        return module

    return make


def make_network(name: str, inputs: Inputs, outputs: int = 1, *, seed: int, **options: Any) -> nn.Module:
    """Make a network whose initial weights depend on `seed` alone, not on torch's global state.

    Args:
        name: Name of a registered network, e.g. `"resnet8"`.
        inputs: What it reads.
        outputs: Number of logits.
        seed: Seed of the initial weights.
        **options: Options of the network; those not given keep their defaults.

    Raises:
        UsageError: No such network or option, or the network cannot read such rows.
    """
    network = network_of(name)
    if inputs.kind not in network.kinds:
        able = [other for other in networks.names() if inputs.kind in networks.get(other).kinds]
        raise UsageError(
            f"network {network.name!r} reads {' or '.join(network.kinds)}, not {inputs.kind}; choose {', '.join(able)}"
        )
    for option in options:
        if option not in network.options:
            raise unknown_name(f"option of {network.name}", option, network.options)
    with seeded(seed):
        return network.make(inputs, outputs, **{**network.options, **options})
