"""Numbers made easy for a network: clipped smoothly, and written as a position among quantiles."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from efficienttrust.models._network import Inputs

Floats = NDArray[np.float64]

CLIP = 3.0  # where the smooth clipping saturates, in robust units
NARROWEST = 1e-3  # narrowest bin after clipping; a narrower one would make gradients of 1 / width
CURVE_GAIN = 5.0  # steps of the curves, which start flat and see few rows per bin, against those of other weights
ASSUMED_ROWS = 4096  # values of a column that no sample was given for


def column_sample(inputs: Inputs) -> Floats:
    """Return the numeric columns of the sample, [m, p]; without a sample those of standard normal columns."""
    if inputs.sample is not None:
        return np.asarray(inputs.sample[:, : inputs.n_numeric], dtype=np.float64)
    levels = (torch.arange(ASSUMED_ROWS, dtype=torch.float64, device="cpu") + 0.5) / ASSUMED_ROWS
    return np.repeat(torch.special.ndtri(levels).numpy()[:, None], inputs.n_numeric, axis=1)


LEAST_SPREAD = 1e-6  # of a standardised column: less is constant but for rounding


class RobustClip(nn.Module):
    """Centres columns at their medians, divides by their spread and clips smoothly to (−3, 3).

    c(x) = r / √(1 + (r/3)²) with r = (x − median) / spread, as in RealMLP (Holzmüller et al. 2024, "Better by
    Default"); the spread reaches from the first to the third quartile. Differs in columns that repeat one value
    (amounts that are mostly 0): the quartiles are those of the rarer values, and the spread reaches to the median, so
    that neither the common value nor the rare ones are cut away. A column that is constant in the sample keeps its
    scale.

    Args:
        sample: float64 [m, p] with m ≥ 1, values to take the statistics from.
    """

    centre: Tensor
    scale: Tensor

    def __init__(self, sample: Floats) -> None:
        super().__init__()
        centre, scale = np.zeros(sample.shape[1]), np.ones(sample.shape[1])
        for j, values in enumerate(sample.T):
            _, rare = _common_and_rare(values, shares=4)
            centre[j] = np.median(values)
            lower, upper = np.quantile(rare if len(rare) else values, [0.25, 0.75])
            spread = max(upper, centre[j]) - min(lower, centre[j])
            scale[j] = 1 / spread if spread > LEAST_SPREAD else 1.0
        self.register_buffer("centre", torch.tensor(centre, dtype=torch.float32))
        self.register_buffer("scale", torch.tensor(scale, dtype=torch.float32))

    def forward(self, x: Tensor) -> Tensor:
        """Clip columns [n, p]; the result rises with each of them."""
        robust = (x - self.centre) * self.scale
        return robust * torch.rsqrt(1 + (robust / CLIP).square())


class PiecewiseLinear(nn.Module):
    """Embeds each number as a learned piecewise linear curve whose knots are quantiles, [n, p] to [n, p, e].

    Component t of the encoding of x is (x − bₜ) / (bₜ₊₁ − bₜ) cut to [0, 1], the first one open below and the last one
    open above; a linear map of its own per column follows, and a plain linear term is added (Gorishniy et al. 2022, "On
    Embeddings for Numerical Features"; as version B of the authors' package, whose curves start flat). Differs in that
    common values get knots of their own and the quantiles are those of the others: of a column that is 0 in nine rows
    of ten, quantiles alone would see nearly nothing of the tenth.

    Args:
        sample: float64 [m, p] with m ≥ 1, values to take the quantiles from.
        bins: About the most bins of a column, ≥ 1.
        size: e.
    """

    slope: Tensor
    offset: Tensor
    lower: Tensor
    upper: Tensor

    def __init__(self, sample: Floats, *, bins: int, size: int) -> None:
        super().__init__()
        columns = [_knots(values, bins) for values in sample.T]
        shape = (len(columns), max((len(knots) - 1 for knots in columns), default=0))
        slope, offset = np.zeros(shape), np.zeros(shape)
        lower, upper = np.zeros(shape), np.ones(shape)
        for j, knots in enumerate(columns):
            used = len(knots) - 1
            slope[j, :used] = 1 / np.diff(knots)
            offset[j, :used] = -knots[:-1] * slope[j, :used]
            lower[j, : min(used, 1)] = -np.inf
            upper[j, max(used - 1, 0) : used] = np.inf
        for name, values in (("slope", slope), ("offset", offset), ("lower", lower), ("upper", upper)):
            self.register_buffer(name, torch.tensor(values, dtype=torch.float32))
        self.curve = nn.Parameter(torch.zeros(*shape, size))
        self.linear = nn.Parameter(torch.empty(len(columns), size).uniform_(-1, 1))
        self.bias = nn.Parameter(torch.empty(len(columns), size).uniform_(-1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Embed numbers [n, p]."""
        positions = x[:, :, None] * self.slope + self.offset
        # Not `clamp`: at a knot these two share the gradient of both sides, while it would add them up.
        positions = torch.maximum(torch.minimum(positions, self.upper), self.lower)
        curves = torch.bmm(positions.transpose(0, 1), CURVE_GAIN * self.curve).transpose(0, 1)
        return curves + x[:, :, None] * self.linear + self.bias


def _common_and_rare(values: Floats, *, shares: int) -> tuple[Floats, Floats]:
    """Return the distinct values that fill more than one of so many equal shares, and all other values."""
    distinct, counts = np.unique(values, return_counts=True)
    common = distinct[counts * shares > len(values)]
    return common, values[np.isin(values, common, invert=True)]


def _knots(values: Floats, bins: int) -> Floats:
    """Return the knots of one column, rising; a single one where all values are (nearly) equal."""
    common, rare = _common_and_rare(values, shares=bins)
    levels = np.linspace(0, 1, max(bins + 1 - len(common), 2))
    among = np.quantile(rare, levels) if len(rare) else rare
    kept: list[float] = []
    for knot in np.unique([values.min(), values.max(), *common, *among]):
        if not kept or knot - kept[-1] >= NARROWEST:
            kept.append(float(knot))
    return np.array(kept)
