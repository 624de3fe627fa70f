"""Comparisons that need no model: interquartile means, probability of improvement, ranks over data sets."""

from __future__ import annotations

import itertools
import math

import numpy as np

from efficienttrust.study._design import Factor
from efficienttrust.study.analysis._adjust import holm
from efficienttrust.study.analysis._document import Comparisons, Refusal
from efficienttrust.study.analysis._rows import Estimate, ImprovementRow, IqmRow, RankRow
from efficienttrust.study.analysis._sections import Material, sections
from efficienttrust.study.analysis._table import Floats, Ints, better
from efficienttrust.study.analysis._units import FEW_DATA_SETS, nanmean, percentile

MOST_RANKED = 30
"""Levels beyond which pairs are so many that Holm's method leaves nothing distinct."""
METHOD = (
    (
        "Interquartile mean: of the middle half of the figures over data sets, seeds and other factors, with "
        "percentiles of the hierarchical bootstrap (Agarwal et al. 2021)."
    ),
    (
        "Probability of improvement: share of trials in which the level is better than the reference at the same data"
        " set, seed and levels of the other factors; ties count half; data sets weigh alike."
    ),
    "Ranks of the means of data sets: Friedman's test, then Wilcoxon's signed ranks for each pair with Holm's method.",
)


@sections.register("comparisons")
def comparisons(material: Material) -> Comparisons:
    """Compare the levels of every factor on the headline metrics."""
    table = material.table
    refusals: list[Refusal] = []
    iqm: list[IqmRow] = []
    improvement: list[ImprovementRow] = []
    ranks: list[RankRow] = []
    enough = len(table.blocks) >= FEW_DATA_SETS
    if not enough:
        refusals.append(
            Refusal(
                "critical-difference diagrams and ranks over data sets",
                f"{len(table.blocks)} of the {FEW_DATA_SETS} data sets that they take: with fewer, signed ranks are "
                "hardly ever significant; "
                "see the differences by data set",
            )
        )
    for column in material.headline:
        direction = better(column)
        if not direction:
            refusals.append(Refusal(f"improvement of {column}", "it is not known which direction is better"))
        for i, factor in enumerate(table.factors):
            values = table.spread(material.values(column), i)
            iqm += [
                IqmRow(column, factor.name, level, _iqm(material, values[:, code]))
                for code, level in enumerate(factor.levels)
                if np.isfinite(values[:, code]).any()
            ]
            if direction:
                sign = 1.0 if direction == "higher" else -1.0
                improvement += _improvement(material, column, factor, sign * values)
                if enough:
                    ranks += _ranks(material, column, factor, sign * values, refusals)
    return Comparisons(
        title="Comparisons without a model",
        method=METHOD,
        refusals=tuple(refusals),
        iqm=tuple(iqm),
        improvement=tuple(improvement),
        ranks=tuple(ranks),
    )


def interquartile_mean(values: Floats, unit: Ints, counts: Floats) -> Floats:
    """Return the mean of the middle half of values in each replicate; a figure on a quartile counts in part.

    Sorted values are summed up in about √n pieces, and only the pieces with a quartile are looked at figure by figure.

    Args:
        values: [n], all finite.
        unit: Of each [n].
        counts: How often each unit counts [replicates, units].
    """
    order = np.argsort(values, kind="stable")
    centre = values[order[len(order) // 2]]
    pieces = max(1, math.isqrt(len(values)))
    width = -(-len(values) // pieces)
    number, units = pieces * width, counts.shape[1]
    y, own = np.zeros(number), np.full(number, units)  # what fills the last piece belongs to a unit that never counts
    y[: len(values)], own[: len(values)] = values[order] - centre, unit[order]
    counts = np.column_stack([counts, np.zeros(len(counts))])
    at = np.repeat(np.arange(pieces), width) * (units + 1) + own
    weight, total = (
        np.cumsum(counts @ np.bincount(at, one, pieces * (units + 1)).reshape(pieces, -1).T, axis=1)
        for one in (np.ones(number), y)
    )
    in_pieces, owners = y.reshape(pieces, width), own.reshape(pieces, width)

    def below(share: float) -> Floats:
        """Return the sum of y up to a share of the weight."""
        target = share * weight[:, -1]
        piece = np.minimum((weight < target[:, None]).sum(1), pieces - 1)
        before = piece > 0
        rows = np.arange(len(counts))
        done = np.where(before, weight[rows, piece - 1], 0.0)
        inside = np.cumsum(np.take_along_axis(counts, owners[piece], 1), axis=1)
        inside = np.minimum(inside, (target - done)[:, None])
        part = (np.diff(inside, axis=1, prepend=0.0) * in_pieces[piece]).sum(1)
        summed: Floats = np.where(before, total[rows, piece - 1], 0.0) + part
        return summed

    with np.errstate(invalid="ignore", divide="ignore"):
        mean: Floats = centre + (below(0.75) - below(0.25)) / (weight[:, -1] / 2)
    return mean


def _iqm(material: Material, values: Floats) -> Estimate:
    known = np.isfinite(values)
    unit = np.broadcast_to(np.arange(len(values))[:, None], values.shape)[known]
    value = float(interquartile_mean(values[known], unit, np.ones((1, len(values))))[0])
    drawn = interquartile_mean(values[known], unit, material.resampling.counts)
    return percentile(value, drawn, material.options.level)


def _improvement(material: Material, column: str, factor: Factor, values: Floats) -> list[ImprovementRow]:
    reference = factor.levels.index(factor.reference)
    other = values[:, [reference]]
    both = np.isfinite(values) & np.isfinite(other)
    with np.errstate(invalid="ignore"):
        won = np.where(both, (values > other) + 0.5 * (values == other), np.nan)
    by_unit = nanmean(won, 2)
    replicates = material.resampling.means(by_unit)
    blocks = material.table.block_of_unit
    value = nanmean(np.stack([nanmean(by_unit[blocks == i], 0) for i in np.unique(blocks)]), 0)
    return [
        ImprovementRow(
            column, factor.name, level, factor.reference,
            percentile(float(value[i]), replicates[:, i], material.options.level),
        )
        for i, level in enumerate(factor.levels)
        if i != reference and np.isfinite(value[i])
    ]  # fmt: skip


def _ranks(material: Material, column: str, factor: Factor, values: Floats, refusals: list[Refusal]) -> list[RankRow]:
    from scipy import stats

    blocks = material.table.block_of_unit
    complete = np.isfinite(values).all(1, keepdims=True)  # a level is ranked where all others are known
    by_unit = nanmean(np.where(complete, values, np.nan), 2)
    means = np.stack([nanmean(by_unit[blocks == i], 0) for i in np.unique(blocks)])
    means = means[np.isfinite(means).all(1)]
    if len(means) < FEW_DATA_SETS or means.shape[1] < 2:
        why = f"{len(means)} data sets have all levels" if means.shape[1] > 1 else "one level"
        refusals.append(Refusal(f"ranks of {factor.name} on {column}", why))
        return []
    if means.shape[1] > MOST_RANKED:
        refusals.append(Refusal(f"ranks of {factor.name} on {column}", f"more than {MOST_RANKED} levels"))
        return []
    ranks = stats.rankdata(-means, axis=1).mean(0)
    pairs = list(itertools.combinations(range(means.shape[1]), 2))
    with np.errstate(invalid="ignore", divide="ignore"):
        p = [
            float(stats.wilcoxon(means[:, a], means[:, b]).pvalue) if (means[:, a] != means[:, b]).any() else 1.0
            for a, b in pairs
        ]
    alike = {pair for pair, one in zip(pairs, holm(p), strict=True) if one > 1 - material.options.level}
    friedman = float(stats.friedmanchisquare(*means.T).pvalue) if means.shape[1] > 2 else p[0]
    return [
        RankRow(
            column, factor.name, level, float(ranks[i]), friedman,
            tuple(factor.levels[j] for j in range(len(ranks)) if (min(i, j), max(i, j)) in alike),
        )
        for i, level in enumerate(factor.levels)
    ]  # fmt: skip
