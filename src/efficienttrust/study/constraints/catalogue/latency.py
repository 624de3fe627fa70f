"""Latency: a limit on the p95 latency of one row."""

from __future__ import annotations

from efficienttrust.study.constraints._amounts import limit_of_the_budget
from efficienttrust.study.constraints._kind import constraint_kinds

constraint_kinds.register("latency")(
    limit_of_the_budget("latency", "ms", "latency=1ms", "the p95 latency of one row", whole=False)
)
