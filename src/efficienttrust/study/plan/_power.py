"""What a declared hypothesis can find, from the spread between seeds that a pilot has seen."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from efficienttrust.study._design import Design, Hypothesis

if TYPE_CHECKING:
    from efficienttrust.study.store import StoredTrial

WANTED = 0.8
LEVEL = 0.95
GRID = 400  # quantiles of the spread over which the power of an equivalence test is averaged


@dataclass(frozen=True)
class Power:
    """The power of one hypothesis.

    The model is the one of independent seeds: the contrast is a weighted mean over the cells it concerns, its error the
    pooled spread between seeds of a cell, and its test a t test. What differs between data sets is not in it, so that
    for a statement about further data sets this is the most that can be hoped for.

    Attributes:
        hypothesis: Its name.
        effect: True value of the contrast at which `power` holds: 0 for equivalence, twice the margin for superiority;
            NaN for a difference, which has no margin.
        power: Chance that the hypothesis is concluded at that effect; NaN where nothing is known.
        power_low: The same at the upper end of the 95 % interval of the spread.
        power_high: At its lower end.
        detectable: Smallest effect found with a chance of 80 %; for equivalence the smallest margin shown with it.
        detectable_low: The same at the lower end of the interval of the spread.
        detectable_high: At its upper end.
        spread: Standard deviation between seeds of one cell, pooled; NaN where no cell has two seeds.
        degrees: Degrees of freedom of the spread.
        units: Replicates of the contrast in the study: cells of other factors by seeds.
        note: How it was computed, or why it is not known.
    """

    hypothesis: str
    effect: float
    power: float
    power_low: float
    power_high: float
    detectable: float
    detectable_low: float
    detectable_high: float
    spread: float
    degrees: int
    units: int
    note: str


def power_of(one: Hypothesis, design: Design, cells: Sequence[tuple[str, ...]], stored: Iterable[StoredTrial]) -> Power:
    """Return the power of a hypothesis.

    Args:
        one: The hypothesis.
        design: Of the study; its family shares alpha, which is divided evenly here: the first step of Holm's method.
        cells: Of the study.
        stored: Trials of its store, those that ended among them.
    """
    units, involved = _units(one, design, cells)
    spread, degrees = _spread(one, design, stored)
    effect = {"equivalence": 0.0, "superiority": 2 * one.margin}.get(one.test, math.nan)
    if not degrees or not units:
        why = "no cell has results of two seeds: add --pilot" if units else "no cells hold all levels of its contrast"
        nan = math.nan
        return Power(one.name, effect, nan, nan, nan, nan, nan, nan, nan, 0, units, why)
    from scipy.stats import chi2

    alpha = design.alpha / sum(other.family == one.family for other in design.hypotheses)
    scale = math.sqrt(sum(weight**2 for weight in one.contrast.values()) / units)
    freedom = max(involved * (len(design.seeds) - 1), 1)
    tail = (1 - LEVEL) / 2
    low, high = (spread * math.sqrt(degrees / chi2.ppf(q, degrees)) for q in (1 - tail, tail))
    errors = [spread * scale, low * scale, high * scale]
    power = [math.nan if math.isnan(effect) else _chance(one, effect, se, freedom, alpha) for se in errors]
    found = [_detectable(one, se, freedom, alpha) for se in errors]
    how = "averaged over the spread" if one.test == "equivalence" else "noncentral t"
    note = f"{how}, {freedom} degrees of freedom, alpha {alpha:.3g}"
    return Power(
        one.name, effect, power[0], power[2], power[1], found[0], found[1], found[2], spread, degrees, units, note
    )


def _concerns(one: Hypothesis, levels: Mapping[str, str]) -> bool:
    return one.contrast.get(levels[one.factor], 0.0) != 0 and all(levels[k] in v for k, v in one.where.items())


def _units(one: Hypothesis, design: Design, cells: Sequence[tuple[str, ...]]) -> tuple[int, int]:
    """Return the replicates of the contrast, and the cells that it concerns."""
    names = [factor.name for factor in design.factors]
    wanted = {level for level, weight in one.contrast.items() if weight}
    met: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for cell in cells:
        levels = dict(zip(names, cell, strict=True))
        if _concerns(one, levels):
            met[tuple(level for name, level in levels.items() if name != one.factor)].add(levels[one.factor])
    whole = sum(found == wanted for found in met.values())
    return whole * len(design.seeds), whole * len(wanted)


def _spread(one: Hypothesis, design: Design, stored: Iterable[StoredTrial]) -> tuple[float, int]:
    """Return the pooled standard deviation between seeds of a cell, and its degrees of freedom.

    It is that of the cells the hypothesis concerns, or of all cells where those have no two seeds.
    """
    own: dict[str, list[float]] = defaultdict(list)
    every: dict[str, list[float]] = defaultdict(list)
    for row in stored:
        value = math.nan if row.outcome is None else row.outcome.figures.get(one.metric, math.nan)
        if row.state != "done" or math.isnan(value):
            continue
        every[row.trial.cell].append(value)
        if _concerns(one, row.trial.factors):
            own[row.trial.cell].append(value)
    for groups in (own, every):
        degrees = sum(len(values) - 1 for values in groups.values())
        if degrees:
            squares = math.fsum((v - math.fsum(vs) / len(vs)) ** 2 for vs in groups.values() for v in vs)
            return math.sqrt(squares / degrees), degrees
    return math.nan, 0


def _chance(one: Hypothesis, effect: float, error: float, freedom: int, alpha: float) -> float:
    """Return the chance that a hypothesis is concluded where the contrast is an effect in its direction."""
    from scipy.stats import nct, t

    if error == 0:
        return 1.0 if (effect < one.margin if one.test == "equivalence" else effect > one.margin) else alpha
    if one.test == "equivalence":
        return _equivalence(one.margin, error, freedom, alpha)
    if one.test == "superiority":
        return float(nct.sf(t.ppf(1 - alpha, freedom), freedom, (effect - one.margin) / error))
    if one.direction != "two-sided":
        return float(nct.sf(t.ppf(1 - alpha, freedom), freedom, effect / error))
    critical, shift = t.ppf(1 - alpha / 2, freedom), effect / error
    return float(nct.sf(critical, freedom, shift) + nct.cdf(-critical, freedom, shift))


def _equivalence(margin: float, error: float, freedom: int, alpha: float) -> float:
    """Return the chance that two one-sided tests succeed at no difference, exactly but for the grid.

    Given the estimated error s the mean is normal, so the chance is averaged over the distribution of s.
    """
    import numpy as np
    from scipy.stats import chi2, norm, t

    quantiles = (np.arange(GRID) + 0.5) / GRID
    s = error * np.sqrt(chi2.ppf(quantiles, freedom) / freedom)
    room = np.maximum(margin - t.ppf(1 - alpha, freedom) * s, 0.0)
    return float(np.mean(2 * norm.cdf(room / error) - 1))


def _detectable(one: Hypothesis, error: float, freedom: int, alpha: float) -> float:
    """Return the smallest effect (margin, for equivalence) that is found with a chance of 80 %."""
    from scipy.optimize import brentq

    if error == 0:
        return 0.0

    def lacks(value: float) -> float:
        if one.test == "equivalence":
            return _equivalence(value, error, freedom, alpha) - WANTED
        return _chance(one, value, error, freedom, alpha) - WANTED

    start = one.margin if one.test == "superiority" else 0.0
    end = start + error
    while lacks(end) < 0:
        end = start + 2 * (end - start)
    return float(brentq(lacks, start, end, rtol=1e-6))
