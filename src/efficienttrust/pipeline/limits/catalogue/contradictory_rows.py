"""T13 at radius 0: rows that a model cannot tell apart and that carry both labels."""

from __future__ import annotations

from collections.abc import Iterator

from efficienttrust.evaluation.targets import Target
from efficienttrust.pipeline.limits._finding import Assessor, Finding, Question, assessors


def assess(question: Question, target: Target) -> Iterator[Finding]:
    """Yield where more accuracy is asked for than rows that are alike allow.

    A deterministic model says the same of rows that it reads alike, so in each set of them it is wrong on the rarer
    label at least.
    """
    if target.metric != "accuracy":
        return
    bound = question.knowledge.most_right
    if bound is not None and target.bound > float(bound):
        yield Finding(
            "impossible",
            "T13",
            f"no model exceeds accuracy {float(bound):.4f} on these test rows: "
            f"{bound.inputs['contradictory']:,} of them look to it like another one with the other label",
            bound,
            refuses=True,
            fewest=min(bound.inputs["contradictory"], round((1 - float(bound)) * bound.inputs["n"])),
        )


assessors.register("contradictory_rows")(Assessor(assess, cheap=True))
