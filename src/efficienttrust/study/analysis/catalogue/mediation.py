"""Does a constraint hurt the outcome through the mediator, or directly?"""

from __future__ import annotations

import numpy as np

from efficienttrust.study._design import Factor
from efficienttrust.study.analysis._constraint_rows import MediationRow
from efficienttrust.study.analysis._document import Mediation, Refusal
from efficienttrust.study.analysis._kinds import Kind, constraint_of, kinds_of
from efficienttrust.study.analysis._paths import moments, paths
from efficienttrust.study.analysis._rows import Estimate
from efficienttrust.study.analysis._sections import GAPS, Material, sections
from efficienttrust.study.analysis._table import bare
from efficienttrust.study.analysis._units import percentile

METHOD = (
    (
        "Linear structural model within data set × seed × levels of all other factors: mediator on tightness (a), "
        "outcome on tightness (direct) and mediator (b); the indirect effect is a · b, its interval from the "
        "hierarchical bootstrap."
    ),
    (
        "Tightness is 0 for the unconstrained and rises in equal steps to 1 for the tightest level of its kind; "
        "effects are those of the tightest level."
    ),
    (
        "With an interaction of tightness and mediator, natural effects are evaluated at the unconstrained mean of "
        "the mediator (direct) and at the tightest level (indirect)."
    ),
    (
        "The constraint was assigned by design, the mediator was not: that nothing else moves mediator and outcome "
        "together cannot be tested. rho is the correlation of their errors at which the indirect effect vanishes "
        "(Imai, Keele and Yamamoto 2010, theorem 4), r2 its square: the product of the shares of residual variance "
        "that a hidden common cause would have to explain."
    ),
)


@sections.register("mediation")
def mediation(material: Material) -> Mediation:
    """Split the effect of each kind of constraint on each gap into paths through and past each mediator."""
    table = material.table
    factor, kinds = constraint_of(table), kinds_of(table)
    mediators, outcomes = _mediators(material), _outcomes(material)
    refusals = []
    if factor is None or not kinds:
        refusals.append(Refusal("mediation", "no constraint with a dose varies in the table"))
    if not mediators:
        refusals.append(Refusal("mediation", "there is no metric to mediate: name one with the option `mediators`"))
    if not outcomes:
        refusals.append(Refusal("mediation", "no headline metric compares groups: name one with `headline`"))
    rows = []
    if factor is not None and not refusals:
        for kind in kinds:
            for mediator in mediators:
                for outcome in outcomes:
                    row = _row(material, factor, kind, mediator, outcome)
                    if isinstance(row, Refusal):
                        refusals.append(row)
                    else:
                        rows.append(row)
    return Mediation(title="Paths to the gaps", method=METHOD, refusals=tuple(refusals), paths=tuple(rows))


def _row(material: Material, factor: Factor, kind: Kind, mediator: str, outcome: str) -> MediationRow | Refusal:
    table, level = material.table, material.options.level
    what = f"paths from {kind.name} through {mediator} to {outcome}"
    if factor.reference in kind.levels:
        return Refusal(what, f"the reference {factor.reference!r} is itself constrained")
    at = [factor.levels.index(factor.reference), *kind.at]
    position = table.factors.index(factor)
    m, y = (table.spread(material.values(one), position)[:, at] for one in (mediator, outcome))
    tightness = np.linspace(0.0, 1.0, len(at))
    by_unit = moments(tightness, m, y)
    used = by_unit.rows > 0
    found = paths(by_unit.total(np.ones((1, table.units))))
    if not np.isfinite(found.indirect[0]):
        return Refusal(what, "zero variance of the mediator within units, or too few trials")
    drawn = paths(by_unit.total(material.resampling.counts))
    if int(used.sum()) < 2:
        drawn = paths(by_unit.total(np.full((2, table.units), np.nan)))

    def estimate(name: str) -> Estimate:
        return percentile(float(getattr(found, name)[0]), getattr(drawn, name), level)

    total = estimate("total")
    clear = total.low > 0 or total.high < 0
    rho = float(found.rho[0])
    return MediationRow(
        kind.name, mediator, outcome, total, estimate("direct"), estimate("indirect"),
        estimate("share") if clear else Estimate(float("nan"), float("nan"), float("nan")),
        estimate("to_mediator"), estimate("from_mediator"), estimate("interaction"),
        estimate("direct_interacting"), estimate("indirect_interacting"), rho, rho**2,
        int(by_unit.rows.sum()), int(used.sum()),
    )  # fmt: skip


def _mediators(material: Material) -> list[str]:
    if material.options.mediators:
        return list(material.options.mediators)
    plain = [name for name in material.headline if not _compares_groups(name)]
    margins = [name for name in material.columns if "margin" in bare(name) and not _compares_groups(name)]
    return [name for name in dict.fromkeys([*plain[:1], *margins]) if material.varies(name)]


def _outcomes(material: Material) -> list[str]:
    return [name for name in material.headline if _compares_groups(name)]


def _compares_groups(column: str) -> bool:
    return any(word in bare(column) for word in GAPS)
