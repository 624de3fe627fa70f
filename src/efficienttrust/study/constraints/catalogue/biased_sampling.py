"""Biased sampling: one group is under-represented."""

from __future__ import annotations

from efficienttrust.study.constraints._amounts import limitation_of_the_data
from efficienttrust.study.constraints._kind import constraint_kinds

constraint_kinds.register("biased_sampling")(
    limitation_of_the_data(
        "biased_sampling",
        "biased_sampling",
        "share of the group's rows",
        "biased_sampling=0.8, by=sex, group=Female",
        "A share of the rows of one group, named by `by` and `group`, is removed.",
        options=("by", "group"),
        required=("by", "group"),
    )
)
