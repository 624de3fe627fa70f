"""Latency: a limit at a share of what was measured on the baseline's file."""

from __future__ import annotations

from efficienttrust.pipeline.levels._budgets import of_the_file
from efficienttrust.pipeline.levels._constraint import constraints

constraints.register("latency")(of_the_file("latency", "ms", "the p95 latency of one row"))
