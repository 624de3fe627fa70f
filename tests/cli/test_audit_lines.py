"""What `audit` prints of each section: the figures that count in one line, and why a figure is missing."""

from __future__ import annotations

import math

from efficienttrust.cli._audit_lines import bound_of, reasons, section_lines

NOT_KNOWN = {"value": math.nan, "low": math.nan, "high": math.nan, "n": 0, "note": "no rows"}


def figure(value, n=200):
    return {"value": value, "low": value - 0.05, "high": value + 0.05, "n": n, "note": ""}


def document(**other):
    return {
        "robustness": {
            "norm": "linf", "unit": "training standard deviations", "attack": "pgd", "complete": True,
            "curve": [{"eps": eps, "accuracy": figure(value)} for eps, value in ((0.0, 0.9), (0.1, 0.8), (0.25, 0.6))],
        },
        "corruptions": {
            "mean_corruption_error": figure(0.31),
            "rows": [
                {"name": name, "severity": severity, "accuracy": accuracy}
                for name, severity, accuracy in (
                    ("noise", 1, figure(0.8)), ("u", 5, figure(0.4)), ("lost", 5, NOT_KNOWN)
                )
            ],
        },
        "ood": {
            "sets": [
                {
                    "against": "age >= 70", "nearness": "near", "n": 40,
                    "detectors": [
                        {"name": "msp", "auroc": figure(0.6)},
                        {"name": "knn", "auroc": figure(0.7)},
                        {"name": "vim", "auroc": NOT_KNOWN},
                    ],
                },
                {"against": "lost", "nearness": "far", "n": 3, "detectors": [{"name": "msp", "auroc": NOT_KNOWN}]},
            ]
        },
        "shift": {
            "column": "state",
            "environments": [
                {"name": name, "accuracy": figure(0.8 - drop), "drop": figure(drop)}
                for name, drop in (("north", 0.01), ("south", 0.2), ("east", -0.1))
            ],
        },
        "resources": {"latency": [{"batch": 1, "p50_ms": 0.5}, {"batch": 256, "p50_ms": 2.0}], "size_bytes": 80_000},
        "alarms": [{"name": name, "fired": fired} for name, fired in (("a", True), ("b", False), ("c", None))],
        **other,
    }  # fmt: skip


def test_a_line_for_every_section():
    assert list(section_lines(document())) == [
        "accuracy under attack (pgd, linf, n = 200): 0.800 [0.750, 0.850] at eps 0.1, 0.600 [0.550, 0.650] at eps 0.25",
        "corruptions: mean corruption error 0.310 [0.260, 0.360]; worst u at severity 5: accuracy 0.400 [0.350, 0.450]",
        "detection of age >= 70 (near, n = 40): best AUROC 0.700 [0.650, 0.750] by knn, of 2 detectors",
        "detection of lost (far, n = 3): no detector could be measured",
        "shift by state: worst is south, accuracy 0.600 [0.550, 0.650], drop 0.200 [0.150, 0.250], of 3 environments",
        "resources: 0.5 ms a call of 1, 2 ms a call of 256, 80 kB",
        "alarms: 1 of 2 evaluated fired: a (1 could not be looked for)",
    ]


def test_strengths_of_images_are_written_in_255ths():
    robustness = document()["robustness"] | {
        "unit": "pixels in [0, 1]", "complete": False, "curve": [{"eps": 8 / 255, "accuracy": figure(0.5)}],
    }  # fmt: skip
    line = next(section_lines(document(robustness=robustness)))
    assert line.endswith("0.500 [0.450, 0.550] at eps 8/255")
    assert "a sample: not every row was attacked" in line


def test_sections_that_were_not_measured_have_no_line_and_alarms_say_so():
    absent = dict.fromkeys(("robustness", "corruptions", "ood", "shift"))
    lines = list(
        section_lines(document(**absent, alarms=[{"name": "b", "fired": False}, {"name": "c", "fired": None}]))
    )
    assert [line.split(":")[0] for line in lines] == ["resources", "alarms"]
    assert lines[1] == (
        "alarms: none of 1 evaluated fired (1 could not be looked for); "
        "most alarms need attacks, as suite standard makes"
    )


def test_a_missing_figure_has_its_reason_and_a_verdict_its_bound():
    missing = {"name": "auc", "value": math.nan, "note": "one class only"}
    assert list(reasons([missing, {"name": "f1", "value": 0.5, "note": ""}])) == ["auc: not estimated: one class only"]
    proof = {"bound": 0.0969, "level": 0.95}
    assert bound_of({"target": "dpd <= 0.1", "certificate": proof}) == "<= 0.0969 at 95 %"
    assert bound_of({"target": "accuracy >= 0.1", "certificate": proof}).startswith(">= ")
    assert bound_of({"target": "dpd <= 0.1", "certificate": None}) == "-"
