"""Inference over units: a figure per data set × seed, and intervals that never take trials for independent ones.

`within` asks about these data sets: seeds scatter within them, data sets weigh alike, and the degrees of freedom are
Satterthwaite's, so that data sets may differ in noise. `across` asks about data sets like these: their means are the
sample. The hierarchical bootstrap draws data sets, then seeds in each.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from efficienttrust.study.analysis._rows import Estimate

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
FEW_DATA_SETS = 8
"""Below so many, a bootstrap over data sets is too short and ranks over them say nothing."""
NOTHING = Estimate(np.nan, np.nan, np.nan)


@dataclass(frozen=True)
class Tested:
    """A mean over units with its interval, and p of the hypothesis that it is 0."""

    estimate: Estimate
    error: float
    df: float
    p: float


UNKNOWN = Tested(NOTHING, np.nan, np.nan, np.nan)


def within(z: Floats, blocks: Ints, level: float) -> Tested:
    """Return the mean over data sets of figures by unit [units]; see `within_each`."""
    return within_each(z[:, None], blocks, level)[0]


def within_each(z: Floats, blocks: Ints, level: float) -> list[Tested]:
    """Return means over data sets with t intervals from the scatter of seeds within them.

    Args:
        z: Figures by unit; NaN where unknown [units, figures].
        blocks: Data set of each unit [units].
        level: Of the interval.

    Returns:
        By figure. A data set with one seed has no scatter of its own: its variance is taken as the mean of the
        others'. The interval is NaN where no data set has two seeds, and where nothing scatters.
    """
    parts = [_moments(z[blocks == block]) for block in np.unique(blocks)]
    count, mean, variance = (np.stack(one) for one in zip(*parts, strict=True))
    sets = (count > 0).sum(0)
    with np.errstate(invalid="ignore", divide="ignore"):
        value = np.where(count > 0, mean, 0.0).sum(0) / sets
        repeated = count > 1
        share = np.where(repeated, variance / count, 0.0)
        usual = np.where(repeated, variance, 0.0).sum(0) / repeated.sum(0)
        total = share.sum(0) + (count == 1).sum(0) * usual
        df = share.sum(0) ** 2 / np.where(repeated, share**2 / np.maximum(count - 1, 1), 0.0).sum(0)
        error = np.sqrt(total) / sets
    return _student(value, error, df, level, _size(z))


def across(z: Floats, blocks: Ints, level: float) -> Tested:
    """Return the mean over data sets of figures by unit [units]; see `across_each`."""
    return across_each(z[:, None], blocks, level)[0]


def across_each(z: Floats, blocks: Ints, level: float) -> list[Tested]:
    """Return means over data sets with t intervals from the scatter of the means of data sets; as `within_each`."""
    means = np.stack([_moments(z[blocks == block])[1] for block in np.unique(blocks)])
    number, value, variance = _moments(means)
    with np.errstate(invalid="ignore", divide="ignore"):
        error = np.where(number > 1, np.sqrt(variance / number), np.nan)
    return _student(value, error, number - 1.0, level, _size(z))


@dataclass(frozen=True, eq=False)
class Resampling:
    """Replicates of the hierarchical bootstrap.

    Attributes:
        counts: How often each unit was drawn [replicates, units].
        drawn: How often each data set was drawn [replicates, data sets].
        blocks: Data set of each unit [units].
    """

    counts: Floats
    drawn: Floats
    blocks: Ints

    def means(self, z: Floats) -> Floats:
        """Return the mean over data sets of figures by unit, in each replicate.

        Args:
            z: [units, ...]; NaN where unknown, which a replicate leaves out.

        Returns:
            [replicates, ...].
        """
        flat = z.reshape(len(z), -1)
        known = np.isfinite(flat)
        filled = np.where(known, flat, 0.0)
        total = np.zeros((len(self.counts), flat.shape[1]))
        weight = np.zeros_like(total)
        for block, mine in enumerate(self._members):
            count = self.counts[:, mine] @ known[mine]
            with np.errstate(invalid="ignore"):
                mean = self.counts[:, mine] @ filled[mine] / count
            drawn = self.drawn[:, block, None] * (count > 0)
            total += np.where(count > 0, mean, 0.0) * drawn
            weight += drawn
        with np.errstate(invalid="ignore"):
            return (total / weight).reshape(len(self.counts), *z.shape[1:])

    @functools.cached_property
    def _members(self) -> list[Ints]:
        return [np.flatnonzero(self.blocks == block) for block in range(int(self.blocks.max()) + 1)]


def resampling(blocks: Ints, replicates: int, seed: int) -> Resampling:
    """Draw data sets with replacement, then seeds in each draw of one; one data set alone is kept."""
    rng = np.random.default_rng(seed)
    number = int(blocks.max()) + 1
    drawn = np.ones((replicates, 1)) if number == 1 else rng.multinomial(number, [1 / number] * number, replicates)
    counts = np.zeros((replicates, len(blocks)))
    for block in range(number):
        mine = np.flatnonzero(blocks == block)
        counts[:, mine] = rng.multinomial(len(mine) * drawn[:, block].astype(int), [1 / len(mine)] * len(mine))
    return Resampling(counts, np.asarray(drawn, dtype=float), blocks)


def mean_of_blocks(z: Floats, blocks: Ints) -> Floats:
    """Return the mean over data sets of means over seeds of [units, ...]."""
    flat = z.reshape(len(z), -1)
    means = [nanmean(flat[blocks == block], 0) for block in np.unique(blocks)]
    return np.asarray(nanmean(np.stack(means), 0)).reshape(z.shape[1:])


def percentile(value: float, replicates: Floats, level: float) -> Estimate:
    """Return a figure with its percentile interval; NaN ends where fewer than half the replicates know it."""
    known = replicates[np.isfinite(replicates)]
    if not np.isfinite(value) or len(known) < max(2, len(replicates) / 2):
        return Estimate(value, np.nan, np.nan)
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(value, float(low), float(high))


def nanmean(values: Floats, axis: int | tuple[int, ...]) -> Floats:
    """Return the mean of what is finite along an axis; NaN, without a warning, where nothing is."""
    known = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        mean: Floats = np.where(known, values, 0.0).sum(axis) / known.sum(axis)
    return mean


def _moments(z: Floats) -> tuple[Floats, Floats, Floats]:
    """Return number, mean and variance of what is finite in each column; NaN where there is too little."""
    known = np.isfinite(z)
    count = known.sum(0).astype(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(known, z, 0.0).sum(0) / count
        variance = np.where(known, (z - mean) ** 2, 0.0).sum(0) / (count - 1)
    return count, mean, np.where(count > 1, variance, np.nan)


def _size(z: Floats) -> Floats:
    largest: Floats = np.where(np.isfinite(z), np.abs(z), 0.0).max(0, initial=0.0)
    return largest


def _student(value: Floats, error: Floats, df: Floats, level: float, size: Floats) -> list[Tested]:
    """Return values with their t intervals; an error that is rounding is 0 and makes no interval."""
    from scipy import stats

    error = np.where(error <= 1e-12 * size, 0.0, error)
    with np.errstate(invalid="ignore", divide="ignore"):
        usable = (error > 0) & (df > 0)
        degrees = np.where(usable, df, 1.0)
        reach = np.where(usable, stats.t.ppf((1 + level) / 2, degrees) * error, np.nan)
        p = np.where(usable, 2 * stats.t.sf(np.abs(value) / np.where(usable, error, 1.0), degrees), np.nan)
    df = np.where(usable, df, np.nan)
    return [
        Tested(Estimate(float(one), float(one - by), float(one + by)), float(e), float(d), float(q))
        for one, by, e, d, q in zip(value, reach, error, df, p, strict=True)
    ]
