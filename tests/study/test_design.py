"""A design survives its way through the metadata of the table of results."""

from __future__ import annotations

import json

from efficienttrust.study import Constraint, Design, Factor, Hypothesis


def test_plain_values_and_back():
    design = Design(
        name="small",
        question="what does time cost?",
        factors=(Factor("data", ("adult", "compas"), "adult", block=True), Factor("model", ("mlp",), "mlp")),
        constraints={"none": Constraint("none"), "time 10 %": Constraint("time", 0.1, "share of the reference")},
        hypotheses=(
            Hypothesis("H1", "main", "plan beats none", "metric.accuracy", "model", {"mlp": 1.0}, {"data": ("adult",)}),
        ),
        alpha=0.05,
        targets={"adult": ("accuracy >= 0.8",)},
        seeds=(0, 1),
        planned=8,
        spec_hash="a",
        declared_hash="b",
    )
    assert Design.from_plain(json.loads(json.dumps(design.as_plain()))) == design
