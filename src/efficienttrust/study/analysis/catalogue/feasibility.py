"""P(feasible) and P(all targets hit), beside metrics given feasible: infeasible trials are censored data."""

from __future__ import annotations

import numpy as np

from efficienttrust.study.analysis._cheapest import cheapest
from efficienttrust.study.analysis._constraint_rows import CensoredRow, OddsRow, RateRow
from efficienttrust.study.analysis._document import Feasibility, Refusal
from efficienttrust.study.analysis._firth import firth
from efficienttrust.study.analysis._linear import independent
from efficienttrust.study.analysis._outcomes import Outcome, outcome_of
from efficienttrust.study.analysis._proportions import clopper_pearson, wilson
from efficienttrust.study.analysis._rows import POOLED, Estimate
from efficienttrust.study.analysis._sections import Material, sections
from efficienttrust.study.analysis._table import Floats, Table
from efficienttrust.study.analysis._units import FEW_DATA_SETS, mean_of_blocks, nanmean, percentile, within

METHOD = (
    "Infeasible trials are results: they enter P(feasible) and P(hit) as 0. Failed trials enter neither.",
    (
        "Shares have three intervals. Wilson's and, exact, Clopper and Pearson's take trials as independent, which "
        "those of one data set and seed are not; the clustered one is of the mean over data sets of the shares of "
        "their seeds, by a hierarchical bootstrap (data sets, then seeds; in one data set, seeds), and is missing "
        "where all data sets and seeds agree, of which a bootstrap knows no scatter."
    ),
    (
        "Log odds come from one logistic model of the main effects of all factors and data sets by Firth's penalised "
        "likelihood, which stays finite where a level has no success or no failure; tests compare penalised "
        "likelihoods."
    ),
    "The mean given feasible is over trials that could be run, and says nothing about the others: read both columns.",
    (
        "The cheapest budget is the tightest level such that it and all looser ones reach the share of hits; its "
        "interval draws seeds with replacement."
    ),
)


@sections.register("feasibility")
def feasibility(material: Material) -> Feasibility:
    """Say how probable it is that a budget can be kept and that all targets are hit."""
    table, level = material.table, material.options.level
    refusals: list[Refusal] = []
    rates: list[RateRow] = []
    odds: list[OddsRow] = []
    outcomes: tuple[Outcome, ...] = ("feasible", "hit")
    for outcome in outcomes:
        values = outcome_of(table, outcome)
        known = values[np.isfinite(values)]
        if not len(known):
            why = "no trial ran to an end" if outcome == "feasible" else "no targets were asked"
            refusals.append(Refusal(f"P({outcome})", why))
            continue
        rates += _rates(material, outcome, values)
        if known.min() == known.max():
            always = "every" if known[0] else "no"
            refusals.append(Refusal(f"model of P({outcome})", f"{always} trial is {outcome}: nothing to explain"))
        else:
            odds += _odds(table, outcome, values, level, refusals)
    budgets, reasons = cheapest(material)
    notes = []
    if 1 < len(table.blocks) < FEW_DATA_SETS:
        notes.append(f"With {len(table.blocks)} data sets the clustered intervals of all together are too short.")
    return Feasibility(
        title="Feasibility, and targets that were hit",
        method=METHOD,
        notes=tuple(notes),
        refusals=(*refusals, *reasons),
        rates=tuple(rates),
        odds=tuple(odds),
        censored=tuple(_censored(material)),
        cheapest=budgets,
    )


def _rates(material: Material, outcome: Outcome, values: Floats) -> list[RateRow]:
    """Count by single factor, and by constraint × mitigation; pooled, and by data set."""
    table, level = material.table, material.options.level
    chosen = [(i,) for i in range(len(table.factors))]
    pair = [table.factor(name) for name in ("constraint", "mitigation")]
    together = [tuple(i for i in pair if i is not None)] if None not in pair else []
    known = np.isfinite(values)
    block = table.block_of_unit[table.unit]
    rows = []
    for factors in (*chosen, *together):
        kinds, kind = np.unique(table.cells[table.cell][:, list(factors)], axis=0, return_inverse=True)
        place = (table.unit * len(kinds) + kind.ravel())[known]
        size = table.units * len(kinds)
        with np.errstate(invalid="ignore"):
            shares = np.bincount(place, values[known], size) / np.bincount(place, minlength=size)
        by_unit = shares.reshape(table.units, -1)
        for at, data in ((-1, POOLED), *enumerate(table.blocks)):
            inside = known if at < 0 else known & (block == at)
            trials = np.bincount(kind.ravel()[inside], minlength=len(kinds))
            counts = np.bincount(kind.ravel()[inside], weights=values[inside], minlength=len(kinds)).astype(int)
            clustered = _clustered(material, by_unit, at)
            for levels, n, k, one in zip(kinds, trials, counts, clustered, strict=True):
                named = {
                    table.factors[i].name: table.factors[i].levels[code]
                    for i, code in zip(factors, levels, strict=True)
                }
                shared = wilson(int(k), int(n), level), clopper_pearson(int(k), int(n), level)
                rows.append(RateRow(outcome, named, data, int(k), int(n), *shared, one))
    return rows


def _clustered(material: Material, by_unit: Floats, block: int) -> list[Estimate]:
    """Return shares by column of [units, columns] with bootstrap intervals, of a data set or of all (−1)."""
    blocks = material.table.block_of_unit
    mine = by_unit if block < 0 else by_unit[blocks == block]
    sampling = material.resampling if block < 0 else material.resampling_of(block)
    values = mean_of_blocks(mine, blocks) if block < 0 else nanmean(mine, 0)
    drawn = np.where([len(np.unique(one[np.isfinite(one)])) > 1 for one in mine.T], sampling.means(mine), np.nan)
    return [percentile(float(value), one, material.options.level) for value, one in zip(values, drawn.T, strict=True)]


def _odds(table: Table, outcome: Outcome, values: Floats, level: float, refusals: list[Refusal]) -> list[OddsRow]:
    from scipy import stats

    known = np.isfinite(values)
    codes = np.column_stack([table.block_of_unit[table.unit], table.cells[table.cell]])[known]
    groups, group = np.unique(codes, axis=0, return_inverse=True)
    trials = np.bincount(group.ravel()).astype(float)
    successes = np.bincount(group.ravel(), weights=values[known]).astype(float)
    columns = [np.ones(len(groups))]
    owners: list[tuple[int, int]] = [(-1, 0)]
    for j in range(groups.shape[1]):
        reference = 0 if j == 0 else table.factors[j - 1].levels.index(table.factors[j - 1].reference)
        for code in np.unique(groups[:, j]):
            if code != reference:
                columns.append((groups[:, j] == code).astype(float))
                owners.append((j - 1, int(code)))
    x = np.column_stack(columns)
    kept = independent(x.T @ x)
    x, owners = x[:, kept], [owners[i] for i in kept]
    full = firth(x, successes, trials)
    if not full.converged:
        refusals.append(Refusal(f"model of P({outcome})", "the penalised likelihood did not converge"))
        return []
    z, rows = float(stats.norm.ppf((1 + level) / 2)), []
    for i, factor in enumerate(table.factors):
        mine = np.array([j for j, (owner, _) in enumerate(owners) if owner == i], dtype=int)
        if not len(mine):
            continue
        without = firth(x, successes, trials, fixed=mine)
        p = float(stats.chi2.sf(max(0.0, 2 * (full.likelihood - without.likelihood)), len(mine)))
        for j in mine:
            code = owners[j][1]
            compared = [groups[:, i + 1] == one for one in (code, factor.levels.index(factor.reference))]
            separated = any(successes[at].sum() in (0, trials[at].sum()) for at in compared)
            reach = z * float(np.sqrt(full.covariance[j, j]))
            b = float(full.b[j])
            estimate = Estimate(b, b - reach, b + reach)
            rows.append(
                OddsRow(outcome, factor.name, factor.levels[code], factor.reference, estimate, p, bool(separated))
            )
    return rows


def _censored(material: Material) -> list[CensoredRow]:
    table, level = material.table, material.options.level
    feasible = outcome_of(table, "feasible")
    failed = np.asarray(table.frame["status"] == "failed")
    rows = []
    for column in material.headline:
        for i, factor in enumerate(table.factors):
            by_unit = nanmean(table.spread(material.values(column), i), 2)
            codes = table.cells[table.cell][:, i]
            for code, name in enumerate(factor.levels):
                mine = (codes == code) & np.isfinite(feasible)
                share = wilson(int(feasible[mine].sum()), int(mine.sum()), level)
                given = within(by_unit[:, code], table.block_of_unit, level).estimate
                lost = int((failed & (codes == code)).sum())
                rows.append(CensoredRow(column, factor.name, name, share, given, lost))
    return rows
