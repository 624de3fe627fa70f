"""The contrasts that were declared before the first trial."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace

import numpy as np

from efficienttrust.study._columns import FACTOR
from efficienttrust.study._design import Hypothesis, hash_of_declared
from efficienttrust.study.analysis._adjust import holm
from efficienttrust.study.analysis._document import Hypotheses, Refusal
from efficienttrust.study.analysis._rows import ContrastRow, Estimate
from efficienttrust.study.analysis._sections import Material, sections
from efficienttrust.study.analysis._table import Floats
from efficienttrust.study.analysis._units import NOTHING, Tested, within

METHOD = (
    (
        "A contrast is taken within data set, seed and the levels of all other factors, averaged over these in each "
        "unit, and tested by t over the seeds within data sets: it is about these data sets."
    ),
    (
        "Superiority: the contrast lies beyond the margin in the declared direction. Equivalence: two one-sided "
        "tests, inside the margin on both sides; its interval is the one at 1 − 2 alpha that decides it."
    ),
    "Holm's method within each family; a hypothesis that cannot be tested keeps its place in it, as p = 1.",
)


@sections.register("hypotheses")
def hypotheses(material: Material) -> Hypotheses:
    """Test every declared hypothesis as it was declared."""
    design = material.table.design
    refusals, notes = [], []
    if not design.hypotheses:
        refusals.append(Refusal("confirmatory statements", "no hypothesis was declared: all results are exploratory"))
    elif hash_of_declared(design.hypotheses) != design.declared_hash:
        notes.append(
            "The hypotheses are not those whose hash was taken before the first trial: read them as exploratory."
        )
    rows = [_tested(material, one) for one in design.hypotheses]
    refusals += [Refusal(f"hypothesis {one.name}", one.reason) for one in rows if one.reason]
    families: dict[str, list[int]] = defaultdict(list)
    for i, row in enumerate(rows):
        families[row.family].append(i)
    for members in families.values():
        adjusted = holm([rows[i].p if np.isfinite(rows[i].p) else 1.0 for i in members])
        for i, p in zip(members, adjusted, strict=True):
            if not rows[i].reason:
                supported = p <= design.alpha
                rows[i] = replace(rows[i], p_holm=p, verdict="supported" if supported else "not supported")
    return Hypotheses(
        title="Declared hypotheses",
        method=METHOD,
        notes=tuple(notes),
        refusals=tuple(refusals),
        contrasts=tuple(rows),
    )


def contrast_by_unit(material: Material, hypothesis: Hypothesis) -> Floats:
    """Return a contrast within each unit and the levels of all other factors, averaged over these [units]."""
    table = material.table
    position = table.factor(hypothesis.factor)
    if position is None:
        raise ValueError(f"{hypothesis.factor} does not vary")
    chosen = table.done.copy()
    for name, levels in hypothesis.where.items():
        chosen &= np.asarray(table.frame[FACTOR + name].isin(levels))
    measured = np.where(chosen, table.figures(hypothesis.metric), np.nan)
    spread = table.spread(table.placed(measured), position)
    at = [table.factors[position].levels.index(level) for level in hypothesis.contrast]
    weights = np.array(list(hypothesis.contrast.values()))
    used = weights != 0
    each = np.tensordot(weights[used], spread[:, np.array(at)[used]], (0, 1))
    known = np.isfinite(each)
    with np.errstate(invalid="ignore"):
        mean: Floats = np.where(known, each, 0.0).sum(1) / known.sum(1)
    return mean


@dataclass(frozen=True)
class Decision:
    """p of a declared test, with the interval that goes with it."""

    p: float
    interval: Estimate


def decide(hypothesis: Hypothesis, tested: Tested, level: float, alpha: float) -> Decision:
    """Return p of the declared test of a contrast, from its mean, standard error and degrees of freedom."""
    from scipy import stats

    value, error, df, margin = tested.estimate.value, tested.error, tested.df, hypothesis.margin
    above, below = (
        float(stats.t.sf((value - bound) / error * sign, df))
        for bound, sign in (
            ((-margin, 1), (margin, -1)) if hypothesis.test == "equivalence" else ((margin, 1), (-margin, -1))
        )
    )
    if hypothesis.test == "equivalence":
        reach = float(stats.t.ppf(1 - alpha, df)) * error
        return Decision(max(above, below), Estimate(value, value - reach, value + reach))
    if hypothesis.direction == "two-sided":
        return Decision(min(1.0, 2 * min(above, below)), tested.estimate)
    return Decision(above if hypothesis.direction == "greater" else below, tested.estimate)


def _tested(material: Material, hypothesis: Hypothesis) -> ContrastRow:
    reason = _refused(material, hypothesis)
    decision, units, value = Decision(float("nan"), NOTHING), 0, NOTHING
    if not reason:
        z = contrast_by_unit(material, hypothesis)
        units = int(np.isfinite(z).sum())
        tested = within(z, material.table.block_of_unit, material.options.level)
        value = tested.estimate
        if not units:
            reason = "no unit has all cells of the contrast"
        elif tested.error == 0:
            reason = "zero variance: the contrast is the same in all units"
        elif not np.isfinite(tested.df):
            reason = "one seed: the scatter of replicates is not known"
        else:
            decision = decide(hypothesis, tested, material.options.level, material.table.design.alpha)
            value = decision.interval
    return ContrastRow(
        hypothesis.name,
        hypothesis.family,
        hypothesis.statement,
        hypothesis.metric,
        hypothesis.factor,
        hypothesis.test,
        hypothesis.direction,
        hypothesis.margin,
        value,
        decision.p,
        float("nan"),
        "not tested",
        units,
        reason,
    )


def _refused(material: Material, hypothesis: Hypothesis) -> str:
    """Return why a hypothesis cannot be tested, or an empty text."""
    table = material.table
    if hypothesis.metric not in table.frame.columns:
        return f"the table has no column {hypothesis.metric}"
    if reason := material.refused(hypothesis.metric):
        return reason
    position = table.factor(hypothesis.factor)
    if position is None:
        blocks = {factor.name for factor in table.design.factors if factor.block}
        kind = "is a block" if hypothesis.factor in blocks else "does not vary in the table"
        return f"the factor {hypothesis.factor} {kind}"
    unknown = set(hypothesis.contrast) - set(table.factors[position].levels)
    if unknown:
        return f"the factor {hypothesis.factor} has no level {min(unknown)}"
    if not any(hypothesis.contrast.values()):
        return "the contrast has no weights"
    if absent := [name for name in hypothesis.where if FACTOR + name not in table.frame.columns]:
        return f"there is no factor {absent[0]}"
    if hypothesis.test == "superiority" and hypothesis.direction == "two-sided":
        return "superiority needs a direction"
    if hypothesis.test == "equivalence" and hypothesis.margin <= 0:
        return "equivalence needs a margin above 0"
    return ""
