"""Whom a compression hurt: what both files said on the test rows, and the bound on what could have flipped."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from efficienttrust.compression import DeployedModel, ModuleScorer, NetworkScorer, cut_encoded, score_encoded
from efficienttrust.data import Problem
from efficienttrust.evaluation.harm import Answers, compare
from efficienttrust.pipeline._origin import file_of
from efficienttrust.pipeline._run import Run
from efficienttrust.theory import bound_flips, perturbation_reach, weight_errors

IMAGES_AT_ONCE = 256
SAME = 1e-3
"""What a float file may differ by from its parent, relative to the largest logit; whole numbers differ by more."""
FLOAT32 = 2e-5
"""Twice what a file and its float parent may differ by, relative to the logit: sums in float32."""


def harm_of(
    problem: Problem, dense: Sequence[Run], compressed: Run, parent: NetworkScorer | ModuleScorer
) -> dict[str, Any]:
    """Return the entries `harm` and `flip_bound` of `document["compression"]`.

    Args:
        problem: The problem.
        dense: The dense ensemble, the run that was compressed first.
        compressed: The compressed run.
        parent: The dense float network.
    """
    answers, after = [_answers(problem, run) for run in dense], _answers(problem, compressed)
    bound = _flip_bound(problem, dense[0], compressed, parent, answers[0], after)
    return {"harm": compare(problem, "test", answers, after).to_dict(), "flip_bound": bound}


def _flip_bound(
    problem: Problem,
    dense: Run,
    compressed: Run,
    parent: NetworkScorer | ModuleScorer,
    before: Answers,
    after: Answers,
) -> dict[str, Any]:
    """Return what the weights alone prove of flips, or the reason why they prove nothing."""
    changed, part = compressed.scorer, problem.splits["test"]
    if not isinstance(parent, NetworkScorer) or problem.task != "binary":
        return {"kind": None, "reason": "the bound is for ReLU networks of plain layers with two classes"}
    if not isinstance(changed, NetworkScorer):
        return {"kind": None, "reason": "activations are rounded too, which a bound by weights does not cover"}
    try:
        errors = weight_errors(parent.layers, changed.layers)
    except ValueError as error:
        return {"kind": None, "reason": str(error)}
    cuts = [cut_encoded(run.decision, part.x, part.groups).astype(np.float64) for run in (dense, compressed)]
    z = before.margin + cuts[0]
    if np.abs(z - score_encoded(parent, part.x)).max() > SAME * max(1.0, float(np.abs(z).max())):
        return {"kind": None, "reason": "the file that was compressed was quantised: it is not the float network"}
    reach = perturbation_reach(parent.layers, errors, part.x)
    reach += np.abs(cuts[0] - cuts[1]) + FLOAT32 * np.maximum(np.abs(z), 1.0)
    flipped = before.decision != after.decision
    whole = bound_flips(before.margin, reach, y=part.y)
    groups, gaps = [], []
    for by, codes in part.codes.items():
        names = problem.attribute_names[by]
        bound = bound_flips(before.margin, reach, groups=codes, k=len(names))
        for code, name in enumerate(names):
            rows = codes == code
            seen = float(flipped[rows].mean()) if rows.any() else math.nan
            groups.append(
                {"by": by, "group": name, "n": int(rows.sum()), "undecided": bound.groups[code], "observed": seen}
            )
        gaps.append({"by": by, "before": bound.gap, "low": bound.gap_low, "high": bound.gap_high})
    return {
        "reason": "",
        "kind": "exact",
        "n": whole.n,
        "undecided": whole.undecided,
        "observed": float(flipped.mean()),
        "error_change_low": whole.error_low,
        "error_change_high": whole.error_high,
        "median_reach": float(np.median(reach)),
        "largest_reach": float(reach.max()),
        "groups": groups,
        "gaps": gaps,
        "citation": "Weng et al. 2020, Towards certificated model robustness against weight perturbations",
    }


def _answers(problem: Problem, run: Run) -> Answers:
    """Return what the file of a run says on the test rows."""
    file, part = file_of(run), problem.splits["test"]
    if isinstance(file, DeployedModel):
        said = file.run(problem.raw("test"))
        return Answers(said.decision, said.margin, said.score)
    starts = range(0, len(part), IMAGES_AT_ONCE)
    parts = [file.run(part.inputs(slice(start, start + IMAGES_AT_ONCE))) for start in starts]
    joined = [np.concatenate([getattr(one, name) for one in parts]) for name in ("decision", "margin", "score")]
    return Answers(*joined)
