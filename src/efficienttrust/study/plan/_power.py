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
DATA = "data"
Others = tuple[tuple[str, str], ...]
"""Levels of the factors other than the one of a contrast."""
GRID = 400  # quantiles of the spread over which the power of an equivalence test is averaged


@dataclass(frozen=True)
class Power:
    """The power of one hypothesis.

    The model is the one of the analysis: a figure for each unit, data set × seed, which is the contrast within it, and
    a t test on their scatter between the seeds of a data set. Where the store has whole contrasts, theirs is the
    spread; before, it is what independent trials would have, which is too large where levels share split and start.
    What differs between data sets is not in it, so that for a statement about further data sets this is the most to
    hope for.

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
        spread: Standard deviation of a unit's contrast between seeds, pooled over data sets; NaN where not known.
        degrees: Degrees of freedom of the spread.
        units: Units of the study in which the contrast can be taken: data sets by seeds.
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
    sets, groups = _whole(one, design, cells)
    units = sets * len(design.seeds)
    spread, degrees, whole = _spread(one, groups, stored)
    effect = {"equivalence": 0.0, "superiority": 2 * one.margin}.get(one.test, math.nan)
    freedom = sets * (len(design.seeds) - 1)
    if not degrees or not freedom:
        why = (
            "no cells hold all levels of its contrast" if not units
            else "one seed has no spread" if not freedom
            else "no cell has results of two seeds: add --pilot"
        )  # fmt: skip
        nan = math.nan
        return Power(one.name, effect, nan, nan, nan, nan, nan, nan, nan, 0, units, why)
    from scipy.stats import chi2

    alpha = design.alpha / sum(other.family == one.family for other in design.hypotheses)
    tail = (1 - LEVEL) / 2
    low, high = (spread * math.sqrt(degrees / chi2.ppf(q, degrees)) for q in (1 - tail, tail))
    errors = [value / math.sqrt(units) for value in (spread, low, high)]
    power = [math.nan if math.isnan(effect) else _chance(one, effect, se, freedom, alpha) for se in errors]
    found = [_detectable(one, se, freedom, alpha) for se in errors]
    how = "averaged over the spread" if one.test == "equivalence" else "noncentral t"
    seen = "spread of whole contrasts" if whole else "spread as of independent trials"
    note = f"{seen}, {how}, {freedom} degrees of freedom, alpha {alpha:.3g}"
    return Power(
        one.name, effect, power[0], power[2], power[1], found[0], found[1], found[2], spread, degrees, units, note
    )


def _concerns(one: Hypothesis, levels: Mapping[str, str]) -> bool:
    return one.contrast.get(levels[one.factor], 0.0) != 0 and all(levels[k] in v for k, v in one.where.items())


def _whole(one: Hypothesis, design: Design, cells: Sequence[tuple[str, ...]]) -> tuple[int, float]:
    """Return how many data sets have cells with all levels of the contrast, and how many such contrasts each has."""
    names = [factor.name for factor in design.factors]
    wanted = {level for level, weight in one.contrast.items() if weight}
    met: dict[Others, set[str]] = defaultdict(set)
    for cell in cells:
        levels = dict(zip(names, cell, strict=True))
        if _concerns(one, levels):
            met[_others(one, levels)].add(levels[one.factor])
    whole = [dict(others)[DATA] for others, found in met.items() if found == wanted]
    sets = len({*whole})
    return sets, len(whole) / sets if sets else 0.0


def _others(one: Hypothesis, levels: Mapping[str, str]) -> Others:
    return tuple((name, level) for name, level in levels.items() if name != one.factor)


def _spread(one: Hypothesis, groups: float, stored: Iterable[StoredTrial]) -> tuple[float, int, bool]:
    """Return the standard deviation of a unit's contrast, its degrees of freedom, and whether it is of whole contrasts.

    Else it is that of independent trials: from the seeds of the cells that are concerned, or of all cells where those
    have no two seeds.
    """
    own: dict[str, list[float]] = defaultdict(list)
    every: dict[str, list[float]] = defaultdict(list)
    by_level: dict[tuple[Others, int], dict[str, float]] = defaultdict(dict)
    for row in stored:
        value = math.nan if row.outcome is None else row.outcome.figures.get(one.metric, math.nan)
        if row.state != "done" or math.isnan(value):
            continue
        every[row.trial.cell].append(value)
        if _concerns(one, row.trial.factors):
            own[row.trial.cell].append(value)
            by_level[_others(one, row.trial.factors), row.trial.seed][row.trial.factors[one.factor]] = value
    spread, degrees = _pooled(_units(one, by_level).values())
    if degrees:
        return spread, degrees, True
    scale = math.sqrt(math.fsum(weight**2 for weight in one.contrast.values()) / max(groups, 1.0))
    spread, degrees = next((found for one in (own, every) if (found := _pooled(one.values()))[1]), (math.nan, 0))
    return spread * scale, degrees, False


def _units(one: Hypothesis, by_level: Mapping[tuple[Others, int], Mapping[str, float]]) -> Mapping[str, list[float]]:
    """Return the contrasts of units by data set: in each, the mean over what the other factors are."""
    weights = {level: weight for level, weight in one.contrast.items() if weight}
    several: dict[tuple[str, int], list[float]] = defaultdict(list)
    for (others, seed), values in by_level.items():
        if values.keys() >= weights.keys():
            contrast = math.fsum(weight * values[level] for level, weight in weights.items())
            several[dict(others)[DATA], seed].append(contrast)
    units: dict[str, list[float]] = defaultdict(list)
    for (data, _seed), contrasts in several.items():
        units[data].append(math.fsum(contrasts) / len(contrasts))
    return units


def _pooled(groups: Iterable[Sequence[float]]) -> tuple[float, int]:
    """Return the standard deviation within groups, and its degrees of freedom."""
    kept = [values for values in groups if len(values) > 1]
    degrees = sum(len(values) - 1 for values in kept)
    squares = math.fsum((v - math.fsum(vs) / len(vs)) ** 2 for vs in kept for v in vs)
    return (math.sqrt(squares / degrees), degrees) if degrees else (math.nan, 0)


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
