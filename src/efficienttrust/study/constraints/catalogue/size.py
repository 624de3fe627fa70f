"""Size: a limit on the bytes of the deployed file."""

from __future__ import annotations

from efficienttrust.study.constraints._amounts import limit_of_the_budget
from efficienttrust.study.constraints._kind import constraint_kinds

constraint_kinds.register("size")(
    limit_of_the_budget("size", "bytes", "size=25%", "the bytes of the deployed file", whole=True)
)
