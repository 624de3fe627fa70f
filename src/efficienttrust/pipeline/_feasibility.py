"""Contradictions between targets that no model on these rows can escape.

Only identities: for any classifier, err_a + err_b >= |p_a − p_b| − DPD on the same rows, since a group's selection rate
differs from its base rate by at most its error (Zhao and Gordon 2022). Estimates never refuse.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from efficienttrust.data import Problem
from efficienttrust.errors import InfeasibleError
from efficienttrust.evaluation.splits import codes_of
from efficienttrust.evaluation.targets import Target


def refuse_contradictions(problem: Problem, targets: Sequence[Target]) -> None:
    """Raise `InfeasibleError` if demographic parity and accuracy targets exclude each other on the test split.

    With groups of shares w and base rates p, a demographic parity difference of at most t forces an error of at least
    min(w_a, w_b) (|p_a − p_b| − t) over all rows, and of half of |p_a − p_b| − t in one of both groups.
    """
    if problem.task != "binary":
        return
    test = problem.splits["test"]
    for parity in (target for target in targets if target.metric == "demographic_parity_difference"):
        codes, n_groups = codes_of(problem, test, str(dict(parity.arguments).get("by") or ""))
        weight = np.ones(len(codes)) if test.weight is None else test.weight.astype(np.float64)
        sizes = np.array([weight[codes == code].sum() for code in range(n_groups)])
        present = np.flatnonzero(sizes)
        if len(present) < 2:
            continue
        rates = np.array([np.average(test.y[codes == code], weights=weight[codes == code]) for code in present])
        low, high = present[int(rates.argmin())], present[int(rates.argmax())]
        excess = float(rates.max() - rates.min()) - parity.bound
        if excess <= 0:
            continue
        best = {
            "accuracy": 1 - min(sizes[low], sizes[high]) / weight.sum() * excess,
            "worst_group_accuracy": 1 - excess / 2,
        }
        for target in targets:
            same_groups = target.metric == "accuracy" or dict(target.arguments) == dict(parity.arguments)
            if target.metric in best and same_groups and target.bound > best[target.metric]:
                raise InfeasibleError(
                    f"targets {parity.text!r} and {target.text!r} exclude each other here: base rates differ by "
                    f"{rates.max() - rates.min():.3f}, so no model exceeds {target.metric} {best[target.metric]:.4f}; "
                    "loosen one of them"
                )
