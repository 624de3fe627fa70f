"""Throughput: a limit at a share of what was measured on the baseline's file."""

from __future__ import annotations

from efficienttrust.pipeline.levels._budgets import of_the_file
from efficienttrust.pipeline.levels._constraint import constraints

constraints.register("throughput")(of_the_file("throughput", "rows/s", "the time that a row takes in large batches"))
