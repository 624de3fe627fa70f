"""Steps of the optimiser."""

from __future__ import annotations

from efficienttrust.study.constraints._amounts import limit_in
from efficienttrust.study.constraints._kind import constraint_kinds

constraint_kinds.register("steps")(limit_in("steps", "steps=120"))
