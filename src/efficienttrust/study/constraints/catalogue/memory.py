"""Memory: a limit on the peak of the whole process while training."""

from __future__ import annotations

from efficienttrust.study.constraints._amounts import limit_of_the_budget
from efficienttrust.study.constraints._kind import constraint_kinds

constraint_kinds.register("memory")(
    limit_of_the_budget("memory", "bytes", "memory=800MB", "the peak of the whole process while training", whole=True)
)
