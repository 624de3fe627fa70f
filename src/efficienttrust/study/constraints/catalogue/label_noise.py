"""Label noise: labels to learn from are wrong."""

from __future__ import annotations

from efficienttrust.study.constraints._amounts import limitation_of_the_data
from efficienttrust.study.constraints._kind import constraint_kinds

constraint_kinds.register("label_noise")(
    limitation_of_the_data(
        "label_noise",
        "label_noise",
        "share of the labels",
        "label_noise=0.2",
        "A share of the labels to learn from is wrong.",
        options=("by", "group", "how"),
    )
)
