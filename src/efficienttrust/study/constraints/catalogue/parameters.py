"""Parameters: a limit on the number of parameters of the deployed model."""

from __future__ import annotations

from efficienttrust.study.constraints._amounts import limit_of_the_budget
from efficienttrust.study.constraints._kind import constraint_kinds

constraint_kinds.register("parameters")(
    limit_of_the_budget(
        "parameters", "parameters", "parameters=25%", "the number of parameters of the deployed model", whole=True
    )
)
