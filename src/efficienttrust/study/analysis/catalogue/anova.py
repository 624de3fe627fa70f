"""Analysis of variance, types II and III, with the effect sizes and tests that respect the unit of inference."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np

from efficienttrust.study.analysis._document import Anova, Refusal
from efficienttrust.study.analysis._linear import Coding, Fit, Solved, Sums, fit, hc3, sums
from efficienttrust.study.analysis._model import MOST_COLUMNS, coding_of
from efficienttrust.study.analysis._refusals import Refusals
from efficienttrust.study.analysis._rows import CellMean, TermRow
from efficienttrust.study.analysis._sections import Material, sections
from efficienttrust.study.analysis._strata import over_units
from efficienttrust.study.analysis._table import Floats
from efficienttrust.study.analysis._term_designs import ModelDesign, TermDesign
from efficienttrust.study.analysis._units import nanmean, percentile, within_each

SLOW_RESAMPLES = 100
"""Replicates where units lack different cells, so that each replicate is a fit of its own."""
METHOD = (
    (
        "Main effects and interactions of two factors, coded by sums (type III depends on the reference level "
        "otherwise); the unit (data set × seed) is a fixed block."
    ),
    (
        "f and p take the trials of a unit as independent given its block, and p_hc3 also lets their variance differ."
        " p_units estimates the term in each unit and tests the mean against the scatter of seeds within data sets "
        "(Greenhouse and Geisser's correction): read this one. p_across takes data sets as the units."
    ),
    (
        "Partial eta squared is SS / (SS + SS_error); partial omega squared, (SS − df MSE) / (SS + (N − df) MSE), is "
        "less biased. Their intervals are percentiles of a bootstrap of units (data sets, then seeds), which is "
        "biased upwards for an effect near 0."
    ),
    "p values are not adjusted over metrics and terms: the table is exploratory.",
)


@sections.register("anova")
def anova(material: Material) -> Anova:
    """Decompose the variance of every metric and cost."""
    table = material.table
    refused, refusals = Refusals(), []
    terms: list[TermRow] = []
    means: list[CellMean] = []
    notes: list[str] = []
    designs: dict[bytes, ModelDesign] = {}
    if not table.factors:
        return Anova(title="Analysis of variance", method=METHOD, refusals=(Refusal("all of it", "no factor varies"),))
    coding = coding_of(table.cells)
    codings = {np.ones(len(table.cells), dtype=bool).tobytes(): coding}
    if len(table.factors) > 1 and len(coding.terms) == len(table.factors):
        refusals.append(Refusal("interactions", f"they would need more than {MOST_COLUMNS} columns"))
    for column in material.columns:
        if not material.varies(column):
            refused.add("analysis of", column, "zero variance: all trials have the same figure")
            continue
        used = np.isfinite(material.values(column)).any(0)  # a level without figures must not confound the others
        coding = codings.setdefault(used.tobytes(), coding_of(table.cells[used]))
        data = sums(coding, material.values(column)[:, used], np.arange(table.units))
        for i, factor in enumerate(table.factors):
            if len(np.unique(table.cells[used, i])) == 1:
                refused.add(f"{factor.name} in the analysis of", column, "one level alone has figures")
        key = used.tobytes() + data.key
        if key not in designs:
            designs[key] = ModelDesign(coding, data, material.resampling.counts[:SLOW_RESAMPLES])
        terms += _of_column(material, column, coding, data, designs[key], refused)
        means += _means(material, column)
    if any(len(design.terms) and np.isnan(one.in_blocks).all() for design in designs.values() for one in design.terms):
        notes.append("Where p_units is missing, no unit has all the cells that its term needs.")
    if any("replicates" in vars(design) for design in designs.values()):
        notes.append(f"Units lack different cells: effect sizes have at most {SLOW_RESAMPLES} bootstrap replicates.")
    return Anova(
        title="Analysis of variance",
        method=METHOD,
        notes=tuple(notes),
        refusals=(*refusals, *refused.listed()),
        terms=tuple(terms),
        means=tuple(means),
    )


def _of_column(
    material: Material, column: str, coding: Coding, data: Sums, design: ModelDesign, refused: Refusals
) -> list[TermRow]:
    table = material.table
    full = fit(data, design.full.kept, solved=design.full)
    if full.df < 1:
        refused.add("analysis of", column, "no degree of freedom is left for the residual")
        return []
    names = {id(term): " × ".join(table.factors[i].name for i in term.factors) for term in coding.terms}
    aliased = [names[id(term)] for term in design.lost if len(term.factors) == 1]
    if aliased:
        why = table.design.fraction or "its levels never vary apart from theirs"
        reason = f"{', '.join(aliased)} is confounded with the factors before it ({why})"
        refused.add("analysis of", column, reason)
        return []
    tested = {id(one.term) for one in design.terms}
    for term in design.lost:
        if id(term) not in tested:
            refused.add(f"{names[id(term)]} for", column, "confounded with other terms, or no joint cells")
    if design.lost:
        empty = ", ".join(names[id(term)] for term in design.lost)
        refused.add("type III of", column, f"empty cells ({empty}): see type II")
    sampled = _Sampled(material, design, data, full) if table.units > 1 else None
    covariances: dict[int, Floats] = {}
    rows: list[TermRow] = []
    for one in design.terms:
        if one.kind == "III" and rows[-1].term == names[id(one.term)] and not one.differs:
            rows.append(replace(rows[-1], kind="III"))  # no other term contains it
            continue
        model = fit(data, one.solved.kept, solved=one.solved)
        if id(one.solved) not in covariances:
            covariances[id(one.solved)] = hc3(coding, data, model)
        rows.append(
            _row(material, column, names[id(one.term)], one, data, model, full, covariances[id(one.solved)], sampled)
        )
    return rows


def _row(
    material: Material,
    column: str,
    name: str,
    term: TermDesign,
    data: Sums,
    model: Fit,
    full: Fit,
    covariance: Floats,
    sampled: _Sampled | None,
) -> TermRow:
    from scipy import stats

    df, error, b = len(term.mine), full.rss / full.df, model.b[term.mine]
    ss = float(b @ term.metric @ b)
    f = ss / df / error if error > 0 else np.nan
    z = np.einsum("bkp,bp->bk", term.in_blocks[data.pattern], data.r[:, term.solved.kept])
    units = over_units(z, material.table.block_of_unit)
    sizes = effect_sizes(
        np.array([ss]), np.array([full.rss]), df, np.array([full.df]), np.array([float(data.rows.sum())])
    )
    level = material.options.level
    drawn = sampled.sizes(term) if sampled else (np.full(1, np.nan),) * 2
    eta, omega = (percentile(float(one[0]), boot, level) for one, boot in zip(sizes, drawn, strict=True))
    return TermRow(
        column, name, "III" if term.kind == "III" else "II", df, ss, f, full.df, float(stats.f.sf(f, df, full.df)),
        _wald(covariance[np.ix_(term.mine, term.mine)], b, model.df), eta, omega,
        units.f, units.df, units.p, units.p_across,
    )  # fmt: skip


def _wald(covariance: Floats, b: Floats, df: int) -> float:
    from scipy import stats

    if not np.isfinite(covariance).all() or np.linalg.matrix_rank(covariance, hermitian=True) < len(b):
        return float("nan")
    return float(stats.f.sf(float(b @ np.linalg.solve(covariance, b)) / len(b), len(b), df))


class _Sampled:
    """Effect sizes in bootstrap replicates of units."""

    def __init__(self, material: Material, design: ModelDesign, data: Sums, full: Fit) -> None:
        self.design, self.data, self.full = design, data, full
        self.alike = len(data.a) == 1
        counts = material.resampling.counts
        self.counts = counts if self.alike else counts[:SLOW_RESAMPLES]
        self.rows, self.squares, self.r = (self.counts @ one for one in (data.rows, data.squares, data.r))
        self.number = self.counts @ (data.rows > 0)
        self._coefficients: dict[bytes, list[Floats]] = {}
        if self.alike:
            self.rss = self.squares - (self._b(design.full) * self.r[:, design.full.kept]).sum(1)
            self.df = self.rows - self.number - len(design.full.kept)
        else:
            key = design.full.kept.tobytes()
            solved = [one[key] for one in design.replicates]
            self.rss = self.squares - np.array(
                [self.r[i, one.kept] @ one.inverse @ self.r[i, one.kept] for i, one in enumerate(solved)]
            )
            self.df = self.rows - self.number - np.array([len(one.kept) for one in solved])

    def sizes(self, term: TermDesign) -> tuple[Floats, Floats]:
        """Return (partial eta squared, partial omega squared) of a term in each replicate."""
        if self.alike:
            b = self._b(term.solved)[:, term.mine]
            ss = ((b @ term.metric) * b).sum(1) * self.number / len(self.data.rows)
        else:
            key = self.design.key_of(term)
            if key not in self._coefficients:
                each = [one[key] for one in self.design.replicates]
                self._coefficients[key] = [one.inverse @ self.r[i, one.kept] for i, one in enumerate(each)]
            own = self.design.replicate_metrics(term)
            ss = np.array(
                [b[mine] @ metric @ b[mine] for b, (mine, metric) in zip(self._coefficients[key], own, strict=True)]
            )
        return effect_sizes(ss, np.maximum(self.rss, 0.0), len(term.mine), self.df, self.rows)

    def _b(self, solved: Solved) -> Floats:
        """All units have the same cells: A is that of the table but for a factor, so no replicate needs a fit."""
        return (self.r[:, solved.kept] @ solved.inverse) * (len(self.data.rows) / self.number)[:, None]


def effect_sizes(ss: Floats, rss: Floats, df: int, df_error: Floats, rows: Floats) -> tuple[Floats, Floats]:
    """Return (partial eta squared, partial omega squared); omega is negative where F < 1."""
    with np.errstate(invalid="ignore", divide="ignore"):
        error = np.where(df_error > 0, rss / df_error, np.nan)
        return ss / (ss + rss), (ss - df * error) / (ss + (rows - df) * error)


def _means(material: Material, column: str) -> list[CellMean]:
    table, rows = material.table, []
    for one, other in itertools.combinations(range(len(table.factors)), 2):
        factors = table.factors[one], table.factors[other]
        by_unit = nanmean(table.spread(material.values(column), one, other), 3)
        flat = by_unit.reshape(len(by_unit), -1)
        tested = within_each(flat, table.block_of_unit, material.options.level)
        known = np.isfinite(flat).sum(0)
        pairs = itertools.product(factors[0].levels, factors[1].levels)
        names = factors[0].name, factors[1].name
        rows += [
            CellMean(column, names, levels, test.estimate, int(number))
            for levels, test, number in zip(pairs, tested, known, strict=True)
        ]
    return rows
