"""Parameters: a limit at a share of what was measured on the baseline's file."""

from __future__ import annotations

from efficienttrust.pipeline.levels._budgets import of_the_file
from efficienttrust.pipeline.levels._constraint import constraints

constraints.register("parameters")(of_the_file("parameters", "parameters", "the number of parameters"))
