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
from efficienttrust.study.analysis._units import nanmean, within

METHOD = (
    "Infeasible trials are results: they enter P(feasible) and P(hit) as 0. Failed trials enter neither.",
    (
        "Intervals of shares are Wilson's and, exact, Clopper and Pearson's; both take trials as independent, and "
        "trials of one data set and seed are not quite."
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
        rates += _rates(table, outcome, values, level)
        if known.min() == known.max():
            always = "every" if known[0] else "no"
            refusals.append(Refusal(f"model of P({outcome})", f"{always} trial is {outcome}: nothing to explain"))
        else:
            odds += _odds(table, outcome, values, level, refusals)
    budgets, reasons = cheapest(material)
    return Feasibility(
        title="Feasibility, and targets that were hit",
        method=METHOD,
        refusals=(*refusals, *reasons),
        rates=tuple(rates),
        odds=tuple(odds),
        censored=tuple(_censored(material)),
        cheapest=budgets,
    )


def _rates(table: Table, outcome: Outcome, values: Floats, level: float) -> list[RateRow]:
    """Count by single factor, and by constraint × mitigation; pooled, and by data set."""
    chosen = [(i,) for i in range(len(table.factors))]
    pair = [table.factor(name) for name in ("constraint", "mitigation")]
    together = [tuple(i for i in pair if i is not None)] if None not in pair else []
    known = np.isfinite(values)
    rows = []
    for factors in (*chosen, *together):
        codes = table.cells[table.cell][:, list(factors)]
        kinds, kind = np.unique(codes, axis=0, return_inverse=True)
        block = table.block_of_unit[table.unit]
        for data, inside in [(POOLED, known), *((name, known & (block == i)) for i, name in enumerate(table.blocks))]:
            trials = np.bincount(kind.ravel()[inside], minlength=len(kinds))
            counts = np.bincount(kind.ravel()[inside], weights=values[inside], minlength=len(kinds)).astype(int)
            for levels, n, k in zip(kinds, trials, counts, strict=True):
                named = {
                    table.factors[i].name: table.factors[i].levels[code]
                    for i, code in zip(factors, levels, strict=True)
                }
                exact = clopper_pearson(int(k), int(n), level)
                rows.append(RateRow(outcome, named, data, int(k), int(n), wilson(int(k), int(n), level), exact))
    return rows


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
