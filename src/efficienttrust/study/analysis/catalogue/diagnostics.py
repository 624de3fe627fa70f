"""Whether the assumptions hold: residuals, variances, influence, missing cells, circumstances of the runs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from efficienttrust.study.analysis._document import Diagnostics, Refusal
from efficienttrust.study.analysis._linear import fit, residuals, sums
from efficienttrust.study.analysis._model import coding_of
from efficienttrust.study.analysis._rows import (
    InfluentialTrial,
    MissingCell,
    ResidualRow,
    RunCircumstances,
    VarianceRow,
)
from efficienttrust.study.analysis._sections import CLOCKS, Material, sections
from efficienttrust.study.analysis._table import Floats

QUANTILES = 99
MOST_INFLUENTIAL = 5
MOST_MISSING = 200
UNEVEN = 3.0
"""Ratio of standard deviations from which on a note says so."""
METHOD = (
    "Residuals are those of the model of variance: main effects and interactions of two factors, the unit as block.",
    (
        "Variances: Brown and Forsythe's test on residuals. Normality: D'Agostino and Pearson's test on the "
        "standardised residuals; with thousands of trials look at the quantiles, not at p."
    ),
    "Influence: Cook's distance in that model.",
)


@sections.register("diagnostics")
def diagnostics(material: Material) -> Diagnostics:
    """Look at residuals of the headline metrics and at what is missing."""
    table = material.table
    notes: list[str] = []
    refusals = [
        Refusal(f"comparisons of {name}", material.refused(name))
        for name in (*CLOCKS, "cost.time_cpu")
        if name in table.frame.columns and material.refused(name)
    ]
    residual_rows: list[ResidualRow] = []
    variances: list[VarianceRow] = []
    influential: list[InfluentialTrial] = []
    for column in material.headline if table.factors else ():
        used = np.asarray(np.isfinite(material.values(column)).any(0), dtype=np.bool_)
        coding = coding_of(table.cells[used])
        data = sums(coding, material.values(column)[:, used], np.arange(table.units))
        found = fit(data, np.arange(coding.x.shape[1]))
        if found.df < 1 or found.rss <= 0:
            refusals.append(Refusal(f"residuals of {column}", "no degree of freedom or no variance is left for them"))
            continue
        left, hat = (_placed(one, used) for one in residuals(coding, data, found))
        error = found.rss / found.df
        with np.errstate(invalid="ignore", divide="ignore"):
            standard = np.where(hat < 1 - 1e-9, left / np.sqrt(error * (1 - hat)), np.nan)
        residual_rows += _residuals(column, standard)
        variances += _variances(material, column, left, notes)
        parameters = len(found.kept) + int((data.rows > 0).sum())
        influential += _influential(material, parameters, column, left, standard, hat)
    missing = _missing(material)
    if len(missing) > MOST_MISSING:
        notes.append(f"{len(missing)} cells lack trials; the first {MOST_MISSING} are listed.")
    if missing:
        notes.append("The design is not balanced: type II and III differ, and means are of other mixtures of cells.")
    return Diagnostics(
        title="Diagnostics",
        method=METHOD,
        notes=tuple(notes),
        refusals=tuple(refusals),
        residuals=tuple(residual_rows),
        variances=tuple(variances),
        influential=tuple(influential),
        missing=tuple(missing[:MOST_MISSING]),
        circumstances=_circumstances(material),
    )


def _placed(values: Floats, used: NDArray[np.bool_]) -> Floats:
    """Return values of [units, used cells] among all cells; NaN in the others."""
    out = np.full((len(values), len(used)), np.nan)
    out[:, used] = values
    return out


def _residuals(column: str, standard: Floats) -> list[ResidualRow]:
    from scipy import stats

    known = standard[np.isfinite(standard)]
    if len(known) < 20:  # of which scipy's test of normality wants at least so many
        return []
    at = np.arange(1, QUANTILES + 1) / (QUANTILES + 1)
    return [
        ResidualRow(
            column,
            tuple(float(one) for one in stats.norm.ppf(at)),
            tuple(float(one) for one in np.quantile(known, at)),
            float(stats.skew(known)),
            float(stats.kurtosis(known)),
            float(stats.normaltest(known).pvalue),
        )
    ]


def _variances(material: Material, column: str, left: Floats, notes: list[str]) -> list[VarianceRow]:
    from scipy import stats

    table, rows = material.table, []
    for i, factor in enumerate(table.factors):
        groups = [left[:, table.cells[:, i] == code] for code in np.unique(table.cells[:, i])]
        groups = [one[np.isfinite(one)] for one in groups]
        groups = [one for one in groups if len(one) > 2]
        if len(groups) < 2:
            continue
        spreads = [float(one.std(ddof=1)) for one in groups]
        statistic, p = stats.levene(*groups, center="median")
        rows.append(VarianceRow(column, factor.name, float(statistic), float(p), min(spreads), max(spreads)))
        if max(spreads) > UNEVEN * min(spreads):
            notes.append(
                f"{column} scatters {max(spreads) / max(min(spreads), 1e-300):.1f} times as much at one level of "
                f"{factor.name} as at another: read p_hc3 and p_units, not p."
            )
    return rows


def _influential(
    material: Material, parameters: int, column: str, left: Floats, standard: Floats, hat: Floats
) -> list[InfluentialTrial]:
    table = material.table
    with np.errstate(invalid="ignore", divide="ignore"):
        cook = standard**2 * hat / (1 - hat) / parameters
    order = np.argsort(np.where(np.isfinite(cook), -cook, 0.0), axis=None, kind="stable")[:MOST_INFLUENTIAL]
    row_of = np.full(cook.size, -1)
    row_of[table.unit * len(table.cells) + table.cell] = np.arange(len(table.frame))
    rows = []
    for at in order:
        unit, cell = divmod(int(at), len(table.cells))
        if not np.isfinite(cook[unit, cell]):
            continue
        trial = str(table.frame["trial"].iloc[int(row_of[at])])
        levels = {"data": table.blocks[table.block_of_unit[unit]], **table.levels_of(cell)}
        rows.append(
            InfluentialTrial(
                column, trial, levels, int(table.seed_of_unit[unit]), float(cook[unit, cell]), float(left[unit, cell])
            )
        )
    return rows


def _missing(material: Material) -> list[MissingCell]:
    table = material.table
    status = np.asarray(table.frame["status"])
    blocks = len(table.blocks)
    at = table.block_of_unit[table.unit] * len(table.cells) + table.cell
    size = blocks * len(table.cells)
    counts = {
        name: np.bincount(at[status == name], minlength=size).reshape(blocks, -1)
        for name in ("done", "infeasible", "failed")
    }
    seeds = np.bincount(table.block_of_unit, minlength=blocks)
    reasons: dict[int, str] = {}
    told = table.frame["reason"].fillna("") if "reason" in table.frame else [""] * len(table.frame)
    for place, reason, done in zip(at, told, table.done, strict=True):
        if not done:
            reasons.setdefault(int(place), str(reason))
    rows = []
    for block, cell in np.argwhere(counts["done"] < seeds[:, None]):
        infeasible, failed = (int(counts[name][block, cell]) for name in ("infeasible", "failed"))
        absent = int(seeds[block] - counts["done"][block, cell]) - infeasible - failed
        levels = {"data": table.blocks[block], **table.levels_of(int(cell))}
        reason = reasons.get(int(block) * len(table.cells) + int(cell), "")
        rows.append(MissingCell(levels, infeasible, failed, max(0, absent), reason))
    return rows


def _circumstances(material: Material) -> RunCircumstances:
    frame = material.table.frame

    def column(name: str, default: float) -> Floats:
        return np.asarray(frame[name], dtype=float) if name in frame else np.full(len(frame), default)

    contended = int((column("run.contended", 0.0) > 0).sum())
    load = column("run.load", np.nan)
    return RunCircumstances(
        contended,
        material.threads,
        float(np.nanmax(load)) if np.isfinite(load).any() else float("nan"),
        int(np.nanmax(np.append(column("attempt", 1.0), 1.0))),
    )
