"""The cheapest budget that still reaches the targets."""

from __future__ import annotations

import numpy as np

from efficienttrust.study._columns import COST
from efficienttrust.study.analysis._constraint_rows import CheapestRow
from efficienttrust.study.analysis._document import Refusal
from efficienttrust.study.analysis._kinds import CONSTRAINT, MITIGATION, Kind, kinds_of
from efficienttrust.study.analysis._outcomes import outcome_of
from efficienttrust.study.analysis._proportions import wilson
from efficienttrust.study.analysis._sections import Material
from efficienttrust.study.analysis._table import Floats
from efficienttrust.study.analysis._units import nanmean


def cheapest(material: Material) -> tuple[tuple[CheapestRow, ...], tuple[Refusal, ...]]:
    """Find it for every mitigation, kind of constraint and data set."""
    table = material.table
    kinds = kinds_of(table)
    hit = outcome_of(table, "hit")
    if not kinds or not np.isfinite(hit).any():
        why = "no constraint has a dose" if not kinds else "no targets were asked"
        return (), (Refusal("cheapest budget that reaches the targets", why),)
    hits = _by_mitigation(material, table.placed(hit))
    costs = {
        name: nanmean(_by_mitigation(material, material.values(name)), 3)
        for name in material.columns
        if name.startswith(COST)
    }
    position = table.factor(MITIGATION)
    mitigations = ("",) if position is None else table.factors[position].levels
    rows = []
    for m, mitigation in enumerate(mitigations):
        for kind in kinds:
            for block, data in enumerate(table.blocks):
                mine = table.block_of_unit == block
                own = hits[mine][:, list(kind.at), m]
                there = {name: one[mine][:, list(kind.at), m] for name, one in costs.items()}
                rows.append(_row(material, mitigation, kind, data, own, there))
    return tuple(rows), ()


def tightest(rates: Floats, share: float) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return the index of the tightest level such that it and all looser ones reach a share; −1 where none does.

    Args:
        rates: [..., levels from loose to tight]; NaN reaches nothing.
        share: To be reached.
    """
    reach = np.where(np.isfinite(rates), rates, -1.0) >= share
    found: np.ndarray[tuple[int], np.dtype[np.int64]] = np.cumprod(reach, axis=-1).sum(-1) - 1
    return found


def _row(
    material: Material, mitigation: str, kind: Kind, data: str, hits: Floats, costs: dict[str, Floats]
) -> CheapestRow:
    """Return the row of one data set; hits are 0 or 1 by [seeds, levels, other factors]."""
    share, level = material.options.share_of_hits, material.options.level
    rng = np.random.default_rng(material.options.seed)
    rates, seeds = nanmean(hits, 2), len(hits)
    doses = np.array(kind.doses)
    at = int(tightest(nanmean(rates, 0), share))
    counts = rng.multinomial(seeds, [1 / seeds] * seeds, material.options.resamples).astype(float)
    known = np.isfinite(rates)
    with np.errstate(invalid="ignore"):
        drawn = counts @ np.where(known, rates, 0.0) / (counts @ known)
    found = tightest(drawn, share)
    reached = float((found >= 0).mean())
    low = high = float("nan")
    if reached == 1.0 and seeds > 1:
        low, high = (float(doses[i]) for i in np.quantile(found, [(1 - level) / 2, (1 + level) / 2], method="nearest"))
        low, high = min(low, high), max(low, high)
    if at < 0:
        return CheapestRow(mitigation, kind.name, data, "", float("nan"), low, high, reached, wilson(0, 0, level), {})
    there = hits[:, at][np.isfinite(hits[:, at])]
    return CheapestRow(
        mitigation, kind.name, data, kind.levels[at], float(doses[at]), low, high, reached,
        wilson(int(there.sum()), len(there), level), {name: float(nanmean(one, 0)[at]) for name, one in costs.items()},
    )  # fmt: skip


def _by_mitigation(material: Material, placed: Floats) -> Floats:
    """Return values by [units, levels of constraint, levels of mitigation, other factors]."""
    table = material.table
    constraint, mitigation = table.factor(CONSTRAINT), table.factor(MITIGATION)
    assert constraint is not None  # there are kinds of it
    if mitigation is None:
        return table.spread(placed, constraint)[:, :, None]
    return table.spread(placed, constraint, mitigation)
