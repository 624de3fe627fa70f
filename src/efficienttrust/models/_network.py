"""What a network reads, and the one way to make any network reproducibly."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from efficienttrust.errors import UsageError, unknown_name
from efficienttrust.models._size import refuse_extremes, refuse_too_large
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
        most: Largest values of options that have one; of each number of a list.
        learning_rate: Peak learning rate of AdamW that suits it.
        weight_decay: Decoupled weight decay that suits it.
        epochs: Passes over the data after which more training buys little.
    """

    name: str
    kinds: tuple[Kind, ...]
    title: str
    make: Callable[..., nn.Module]
    options: Mapping[str, Any] = field(default_factory=dict)
    most: Mapping[str, float] = field(default_factory=dict)
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    epochs: float = 20.0


networks: Registry[Network] = Registry("network", "efficienttrust.models.catalogue", of=Network)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draw from torch's global generator by a seed, and put it back as it was."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # `torch.manual_seed` seeds devices too, which takes a millisecond
        yield


def parse_network(text: str) -> tuple[str, dict[str, Any]]:
    """Return name and options of `resnet20(width=0.5)` or `mlp(widths=64-32)`; `module:function` is a user's own.

    Raises:
        UsageError: No such network or option, or an option given twice, that is no number, or beyond its largest value.
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
        if name in options:
            raise UsageError(f"model option {name} is given twice in {text!r}: leave out one of the two")
        options[name] = _option(name, value, network.options[name])
    refuse_extremes(network, options)
    return network.name, options


def _option(name: str, text: str, default: Any) -> Any:
    """Read an option of the type of its default; several whole numbers are written as `64-32`."""
    if isinstance(default, tuple):
        if not re.fullmatch(r"0*[1-9]\d{0,15}(-0*[1-9]\d{0,15})*", text, re.ASCII):
            raise UsageError(f"model option {name}={text[:40]!r} is not a list of whole numbers above 0, as 64-32")
        return tuple(int(part) for part in text.split("-"))
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if isinstance(default, bool):
        if number not in (0, 1):
            raise UsageError(f"model option {name}={text!r}: it is on or off, give 1 or 0")
    elif isinstance(default, int):
        if not (number >= 0 and number == number // 1):
            raise UsageError(f"model option {name}={text!r} is not a whole number of 0 or more")
    elif not 0 < number < math.inf:
        raise UsageError(f"model option {name}={text!r} is not a number above 0")
    return type(default)(number)


def refuse_less_than_one(**counts: int) -> None:
    """Raise `UsageError` for options that count things and are 0."""
    for name, count in counts.items():
        if count < 1:
            raise UsageError(f"model option {name}={count}: it counts things, give 1 or more")


def network_of(name: str) -> Network:
    """Return a registered network, or a user's own: `package.module:function` called as `function(inputs, outputs)`.

    Raises:
        UsageError: There is no such network, module or function, or importing the module fails.
    """
    if ":" in name:
        from efficienttrust.models._own import own_network

        return own_network(name)
    return networks.get(name)


def make_network(name: str, inputs: Inputs, outputs: int = 1, *, seed: int, **options: Any) -> nn.Module:
    """Make a network whose initial weights depend on `seed` alone, not on torch's global state.

    Args:
        name: Name of a registered network, e.g. `"resnet8"`.
        inputs: What it reads.
        outputs: Number of logits.
        seed: Seed of the initial weights.
        **options: Options of the network; those not given keep their defaults.

    Raises:
        UsageError: No such network or option, the network cannot read such rows or would be too large, or a user's own
            code fails.
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
    chosen = {**network.options, **options}
    refuse_extremes(network, chosen)
    if ":" not in network.name:
        refuse_too_large(network, inputs, outputs, chosen)
    with seeded(seed):
        return network.make(inputs, outputs, **chosen)
