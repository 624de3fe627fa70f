"""Encoded rows taken apart into what was observed when, and what describes the whole row."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from efficienttrust.errors import UsageError
from efficienttrust.models._image_layers import Head
from efficienttrust.models._network import Inputs


class Sequence(NamedTuple):
    """A batch of sequences.

    Attributes:
        values: [n, T, C], standardised; 0 (the mean) where nothing was observed.
        observed: bool [n, T, C].
        statics: [n, S], the features outside the grid.
    """

    values: Tensor
    observed: Tensor
    statics: Tensor


class Reader(nn.Module):
    """Gathers the cells of the grid, what was observed of them, and the other features, from encoded rows.

    A cell counts as observed unless its missing indicator is 1 or it never occurs. Whatever number a missing cell
    holds, nothing that follows depends on it.

    Args:
        inputs: Rows with a grid.
        network: Name for messages.

    Raises:
        UsageError: The inputs have no grid.
    """

    cells: Tensor
    indicators: Tensor
    occurs: Tensor
    indicated: Tensor
    others: Tensor

    def __init__(self, inputs: Inputs, network: str) -> None:
        super().__init__()
        if inputs.grid is None:
            raise UsageError(
                f"network {network!r} reads sequences: numeric columns named NAME@00, NAME@01, ... for time bins; "
                "this table has none, choose a network for tables or name its columns so"
            )
        grid = np.asarray(inputs.grid, dtype=np.int64)
        self.steps, self.channels = grid.shape
        cells = grid.ravel()
        occurs = cells >= 0
        indicators = np.full(len(cells), -1, dtype=np.int64)
        indicators[occurs] = np.asarray(inputs.indicator, dtype=np.int64)[cells[occurs]]
        taken = np.concatenate([cells[occurs], indicators[indicators >= 0]])
        others = np.setdiff1d(np.arange(inputs.shape[0]), taken)
        self.n_statics = len(others)
        self.register_buffer("cells", torch.from_numpy(cells.clip(0)))
        self.register_buffer("indicators", torch.from_numpy(indicators.clip(0)))
        self.register_buffer("occurs", torch.from_numpy(occurs))
        self.register_buffer("indicated", torch.from_numpy(indicators >= 0))
        self.register_buffer("others", torch.from_numpy(others))

    def forward(self, x: Tensor) -> Sequence:
        """Take encoded rows [n, d] apart."""
        missing = (x.index_select(1, self.indicators) > 0.5) & self.indicated
        observed = self.occurs & ~missing
        values = torch.where(observed, x.index_select(1, self.cells), 0.0)
        shape = (-1, self.steps, self.channels)
        return Sequence(values.reshape(shape), observed.reshape(shape), x.index_select(1, self.others))


class Filled(nn.Module):
    """Turns a sequence into one vector per time step: filled value, whether observed, how long ago.

    A value that is missing is the last one observed, which fades to the mean with a learned rate per channel: the
    decay of the input of GRU-D (Che et al. 2018), whose decay of the state is left out, as it would need a loop over
    time. How long ago is in shares of the whole time; before the first observation, since just before the start.

    Args:
        channels: C.
        steps: T.
    """

    last_step: Tensor

    def __init__(self, channels: int, steps: int) -> None:
        super().__init__()
        self.rate = nn.Parameter(torch.ones(channels))  # per whole time; before the absolute value
        self.register_buffer("last_step", torch.arange(steps, dtype=torch.int64)[:, None])
        self.steps = steps

    @property
    def features(self) -> int:
        """3 C, the width of the vectors."""
        return 3 * self.rate.numel()

    def forward(self, sequence: Sequence) -> Tensor:
        """Return [n, T, 3 C]."""
        last = last_observed(sequence.observed, self.last_step)
        ago = (self.last_step - last).to(sequence.values.dtype) / self.steps
        carried = sequence.values.gather(1, last.clamp_min(0))
        carried = torch.where(last >= 0, carried, 0.0) * torch.exp(-self.rate.abs() * ago)
        return torch.cat([carried, sequence.observed.to(carried.dtype), ago], dim=2)


def last_observed(observed: Tensor, step: Tensor) -> Tensor:
    """Return the latest step up to each one at which a channel was observed, int64 [n, T, C]; -1 where none was.

    Args:
        observed: bool [n, T, C].
        step: int64 [T, 1], the number of each step.
    """
    last = torch.where(observed, step, -1)
    reach = 1
    while reach < step.shape[0]:  # doubling: ONNX has no running maximum
        earlier = functional.pad(last[:, :-reach], (0, 0, reach, 0), value=-1)
        last = torch.maximum(last, earlier)
        reach *= 2
    return last


PRIOR = 4  # measurements that the mean of a channel counts for, in the mean over those of a row


class Summary(nn.Module):
    """Totals of each channel over time, as a linear model would want them.

    How high a channel is and how it moves is the first thing that one asks of a clinical record. A recurrent network
    has to learn to add, which takes it more rows than most cohorts have.

    Args:
        channels: C.
        steps: T.
    """

    time: Tensor

    def __init__(self, channels: int, steps: int) -> None:
        super().__init__()
        self.features, self.scale = 5 * channels, steps**-0.5
        self.register_buffer("time", torch.linspace(-1, 1, steps)[:, None])

    def forward(self, sequence: Sequence) -> Tensor:
        """Return [n, 5 C]: sums and sums weighted by time in [-1, 1], both again by measurement, and share observed."""
        observed = sequence.observed.to(sequence.values.dtype)
        count = observed.sum(1)
        level, trend = sequence.values.sum(1), (sequence.values * self.time).sum(1)
        known = 1.0 / (count + PRIOR)
        parts = [level * self.scale, trend * self.scale, level * known, trend * known, observed.mean(1)]
        return torch.cat(parts, dim=1)


class RecurrentNetwork(nn.Module):
    """A recurrent network over filled sequences; its last state, totals and static features go through a small MLP.

    Totals and static features also reach the logits directly, by weights that start at zero.

    Recurrent weights start orthogonal (Saxe et al. 2014), forget gates open (Jozefowicz et al. 2015).

    Args:
        kind: `nn.LSTM` or `nn.GRU`.
        inputs: Rows with a grid.
        outputs: Number of logits.
        network: Name for messages.
        hidden: Units of the state.
        layers: Number of recurrent layers.
    """

    def __init__(
        self, kind: type[nn.LSTM | nn.GRU], inputs: Inputs, outputs: int, *, network: str, hidden: int, layers: int
    ) -> None:
        super().__init__()
        if layers < 1:
            raise UsageError(f"{network} needs layers >= 1, not {layers}")
        self.read = Reader(inputs, network)
        self.fill = Filled(self.read.channels, self.read.steps)
        self.recurrent = kind(self.fill.features, hidden, layers, batch_first=True)
        self.summarise = Summary(self.read.channels, self.read.steps)
        known = self.summarise.features + self.read.n_statics
        self.joint = nn.Linear(hidden + known, hidden)
        self.head, self.direct = Head(hidden, outputs), zeroed(Head(known, outputs))
        for name, weight in self.recurrent.named_parameters():
            if name.startswith("weight"):
                start = nn.init.orthogonal_ if name.startswith("weight_hh") else nn.init.xavier_uniform_
                for gate in weight.detach().view(-1, hidden, weight.shape[1]):
                    start(gate)
            else:
                nn.init.zeros_(weight)
                if kind is nn.LSTM and name.startswith("bias_ih"):
                    nn.init.ones_(weight.detach()[hidden : 2 * hidden])  # the forget gate is the second

    def forward(self, x: Tensor) -> Tensor:
        """Map encoded rows [n, d] to logits [n, outputs], or [n] for one output."""
        sequence = self.read(x)
        states, _ = self.recurrent(self.fill(sequence))
        known = torch.cat([self.summarise(sequence), sequence.statics], dim=1)
        joint = torch.cat([states[:, -1], known], dim=1)
        logits: Tensor = self.head(functional.relu(self.joint(joint))) + self.direct(known)
        return logits


def zeroed(head: Head) -> Head:
    """Return a head whose logits start at zero."""
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    return head
