"""Realistic audits in the shape of `audit.json`, for the tests and for looking at the page."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
from audit_parts import ROBUST, alarms, corruption_rows, curve, group_row, latency, measurement, share
from report_fixture import rate

DPD = "demographic_parity_difference"
IMAGE_ROBUST = "robust_accuracy(standard, eps=0.03137, norm=linf)"
HOSTILE = '<script>alert("x")</script>\'&{{ 7*7 }}'

CORRUPTIONS = (
    "gaussian_noise", "shot_noise", "impulse_noise", "defocus_blur", "glass_blur", "motion_blur", "zoom_blur", "snow",
    "frost", "fog", "brightness", "contrast", "elastic_transform", "pixelate", "jpeg_compression", "speckle_noise",
    "gaussian_blur", "spatter", "saturate",
)  # fmt: skip
TABLE_NOISE = ("gaussian_noise", "salt_noise", "missing_at_random", "missing_not_at_random", "unit_error", "swap")
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

ENVIRONMENT = {
    "python": "3.11.7",
    "platform": "Linux-6.1.0-x86_64",
    "cores": 2,
    "memory": 8318029824,
    "versions": {"torch": "2.9.1", "numpy": "2.3.5", "onnxruntime": "1.23.2"},
    "threads": 1,
    "gpu": None,
}


def make_table_audit() -> dict[str, Any]:
    """A foreign ONNX file on Adult: two targets, two fired alarms, tabular corruptions, a shift between age bands."""
    n, attacked = 9769, 2000
    strengths = [0.0, 0.05, 0.1, 0.25, 0.5]
    return {
        "schema_version": 1,
        "kind": "audit",
        "created": "2026-11-24T09:12:44+00:00",
        "command": "efficienttrust audit model.onnx --data adult --sensitive sex,race --suite full "
        f'--target "{DPD} <= 0.05" --target "{ROBUST} >= 0.8" --out audits/m',
        "seed": 0,
        "suite": "full",
        "model": {
            "source": "model.onnx",
            "kind": "onnx",
            "task": "binary",
            "classes": ["<=50K", ">50K"],
            "inputs": "12 columns by name",
            "outputs": "probabilities",
            "size_bytes": 248310,
            "parameters": 60417,
            "facts": {"opset": "18", "quantised": "no", "threshold": "0.41"},
        },
        "data": {
            "name": "adult",
            "source": "adult (bundled)",
            "fingerprint": "9f2c6d5e1c0b4a7f8e3d2c1b0a9f8e7d6c5b4a39281706f5e4d3c2b1a0f9e8d7",
            "n": n,
            "rows": "test split",
            "attributes": {
                "sex": [
                    {"group": "Female", "n": 3242, "base_rate": 0.1093},
                    {"group": "Male", "n": 6527, "base_rate": 0.3038},
                ],
                "race": [
                    {"group": "White", "n": 8345, "base_rate": 0.254},
                    {"group": "Black", "n": 951, "base_rate": 0.121},
                    {"group": "Asian-Pac-Islander", "n": 302, "base_rate": 0.269},
                    {"group": "Amer-Indian-Eskimo", "n": 92, "base_rate": 0.117},
                    {"group": "Other", "n": 22, "base_rate": 0.123},
                ],
            },
            "notes": ["fnlwgt was dropped: a sampling weight, not a property of a person"],
        },
        "verdicts": [
            {
                "target": f"{DPD} <= 0.05",
                "status": "met",
                "qualifier": "uncertifiable",
                "value": 0.0418,
                "low": 0.0287,
                "high": 0.0549,
                "n": n,
                "reason": "the estimate on test is 0.0418; the audit kept no rows for a certificate",
                "certificate": None,
            },
            {
                "target": f"{ROBUST} >= 0.8",
                "status": "missed",
                "qualifier": "",
                "value": 0.7109,
                "low": 0.6906,
                "high": 0.7304,
                "n": attacked,
                "reason": "the estimate on test is 0.7109",
                "certificate": None,
            },
        ],
        "metrics": {
            "accuracy": share("accuracy", 0.8421, n),
            "balanced_accuracy": measurement("balanced_accuracy", 0.7436, 0.0103, n),
            "auc": measurement("auc", 0.8987, 0.0061, n),
            "average_precision": measurement("average_precision", 0.7422, 0.0141, n),
            "f1": measurement("f1", 0.6212, 0.0161, n),
            "mcc": measurement("mcc", 0.5302, 0.0189, n),
            "log_loss": measurement("log_loss", 0.3411, 0.0093, n),
            "brier": measurement("brier", 0.1102, 0.0031, n),
            "calibration_error": measurement("calibration_error", 0.0312, 0.0057, n),
            DPD: measurement(DPD, 0.0418, 0.0131, n),
            "demographic_parity_ratio": measurement("demographic_parity_ratio", 0.7772, 0.0632, n),
            "equalized_odds_difference": measurement("equalized_odds_difference", 0.1132, 0.0391, n),
            "worst_group_accuracy": share("worst_group_accuracy", 0.8013, 6527),
            "group_auc_gap": measurement("group_auc_gap", math.nan, math.nan, n, "no positive rows in group Other"),
            ROBUST: share(ROBUST, 0.7109, attacked),
        },
        "groups": [
            group_row("sex", "Female", 3242, (0.109, 0.1458, 0.711, 0.0767, 0.9021, 0.83)),
            group_row("sex", "Male", 6527, (0.304, 0.1876, 0.5289, 0.0391, 0.8123, 0.67)),
            group_row("race", "White", 8345, (0.254, 0.181, 0.561, 0.052, 0.838, 0.70)),
            group_row("race", "Black", 951, (0.121, 0.107, 0.602, 0.039, 0.911, 0.79)),
            group_row("race", "Asian-Pac-Islander", 302, (0.269, 0.21, 0.588, 0.071, 0.834, 0.72)),
            group_row("race", "Amer-Indian-Eskimo", 92, (0.117, 0.09, 0.51, 0.042, 0.901, 0.75)),
            group_row("race", "Other", 22, (0.123, 0.09, 0.49, 0.04, 0.9, 0.81)),
        ],
        "robustness": {
            "norm": "linf",
            "unit": "training standard deviations of the numeric columns",
            "attack": "standard",
            "curve": curve(
                strengths, 0.8421, 1.0, attacked,
                {"sex": {"Female": 0.55, "Male": 1.25},
                 "race": {"White": 1.05, "Black": 0.7, "Asian-Pac-Islander": 1.1, "Amer-Indian-Eskimo": 0.9}},
            ),
            "stages": [
                {"name": "clean", "attacked": 2000, "fooled": 316, "forwards": 2000, "backwards": 0, "seconds": 0.02},
                {"name": "pgd", "attacked": 1684, "fooled": 201, "forwards": 64112, "backwards": 64112,
                 "seconds": 1.9},
                {"name": "apgd_ce", "attacked": 1483, "fooled": 31, "forwards": 148200, "backwards": 148200,
                 "seconds": 4.4},
                {"name": "square", "attacked": 1452, "fooled": 30, "forwards": 7260000, "backwards": 0,
                 "seconds": 41.2},
            ],
            "complete": False,
            "how": "Worst of all attacks for each row; every change was checked against the file itself.",
            "notes": ["Categorical columns may not be changed."],
        },
        "alarms": alarms("black_box_beats_gradient", "zero_gradients"),
        "corruptions": {
            "kind": "table",
            "rows": corruption_rows(TABLE_NOISE, 0.8421, n, seed=1),
            "clean": share("accuracy", 0.8421, n),
            "mean_corruption_error": measurement("mean_corruption_error", 0.2711, 0.0088, n),
            "relative_mce": None,
            "notes": ["Severities 1 to 5 are 5, 10, 20, 30 and 50 % of cells."],
        },
        "ood": {
            "sets": [
                {
                    "against": against,
                    "nearness": nearness,
                    "n": 1200,
                    "detectors": [
                        {
                            "name": name,
                            "auroc": measurement("auroc", value + extra, 0.021, 2400),
                            "fpr_at_95_tpr": measurement("fpr_at_95_tpr", 1.15 - value - extra, 0.03, 2400),
                            "aupr_in": measurement("aupr_in", value + extra - 0.02, 0.02, 2400),
                            "aupr_out": measurement("aupr_out", value + extra - 0.04, 0.02, 2400),
                            "by_group": {"sex": [{"group": "Female", **rate(0.03, 3242)},
                                                 {"group": "Male", **rate(0.06, 6527)}]},
                        }
                        for name, value in (("msp", 0.61), ("energy", 0.64), ("mahalanobis", 0.71), ("knn", 0.74))
                    ],
                }
                for against, nearness, extra in (("german credit", "far", 0.15), ("held-out: farming", "near", -0.12))
            ],
            "notes": [],
        },
        "shift": {
            "column": "age_band",
            "environments": [
                {
                    "name": name,
                    "n": rows,
                    "accuracy": share("accuracy", 0.8421 - drop, rows),
                    "drop": measurement("drop", drop, 0.012 if rows > 1000 else 0.09, rows),
                    "worst_group": share("worst", 0.80 - drop, max(rows // 2, 4)),
                }
                for name, rows, drop in (
                    ("17-25", 1805, -0.101), ("26-40", 3810, 0.021), ("41-60", 3422, 0.064), ("61-79", 704, 0.031),
                    ("80+", 19, 0.052),
                )
            ],
            "notes": [],
        },
        "resources": {
            "latency": latency(contended=True),
            "parameters": {"total": 60417, "nonzero": 45313},
            "size_bytes": 248310,
            "flops_per_row": 120320,
            "peak_memory_bytes": 61_000_000,
            "energy": {"joule_per_row": 2.1e-6, "label": "estimate", "how": "CPU time × 12 W a core"},
            "notes": [],
        },
        "environment": ENVIRONMENT,
        "artifacts": {"audit": "audits/m/audit.json", "report": "audits/m/report.html",
                      "predictions": "audits/m/predictions.parquet"},
    }  # fmt: skip


def make_image_audit() -> dict[str, Any]:
    """A torch module on CIFAR-10: ten classes, eps in 255ths, all 19 corruptions, no target, no alarm fired."""
    document = make_table_audit()
    n, attacked = 10000, 1000
    strengths = [eps / 255 for eps in (0, 1, 2, 4, 8, 12, 16)]
    per_class = {name: 0.6 + 0.1 * index for index, name in enumerate(CLASSES)}
    groups = []
    for index, name in enumerate(CLASSES):
        accuracy = 0.97 - 0.02 * index
        groups.append(
            {"attribute": "class", "group": name, "n": 1000, "positives": 1000, "accuracy": rate(accuracy, 1000),
             "selection_rate": rate(0.1 + 0.003 * (index - 5), n), "tpr": rate(accuracy, 1000),
             "fpr": rate(0.004 + 0.001 * index, 9000),
             **{f"robust_accuracy(standard, eps={eps:.5f}, norm=linf)": rate(accuracy * 0.5 ** (eps * 255 / 8), 100)
                for eps in strengths[1:]}}
        )  # fmt: skip
    document |= {
        "command": "efficienttrust audit mypackage.models:build --weights w.safetensors --data cifar10:../data",
        "model": {
            "source": "mypackage.models:build",
            "kind": "torch",
            "task": "multiclass",
            "classes": list(CLASSES),
            "inputs": "[m, 3, 32, 32] float32 in [0, 1]",
            "outputs": "logits",
            "size_bytes": None,
            "parameters": 272474,
            "facts": {"weights": "w.safetensors", "device": "cpu"},
        },
        "data": {
            "name": "cifar10", "source": "cifar10:../data", "fingerprint": "c0ffee" * 10, "n": n, "rows": "test split",
            "attributes": {"class": [{"group": name, "n": 1000, "base_rate": None} for name in CLASSES]}, "notes": [],
        },
        "verdicts": [],
        "metrics": {
            "accuracy": share("accuracy", 0.8812, n),
            "f1": measurement("f1", 0.8805, 0.0064, n),
            "auc": measurement("auc", 0.9911, 0.0011, n),
            "log_loss": measurement("log_loss", 0.4012, 0.019, n),
            "calibration_error": measurement("calibration_error", 0.0212, 0.006, n),
            "worst_group_accuracy": share("worst_group_accuracy", 0.79, 1000),
            IMAGE_ROBUST: share(IMAGE_ROBUST, 0.4406, attacked),
            "mean_corruption_error": measurement("mean_corruption_error", 0.312, 0.004, n),
        },
        "groups": groups,
        "robustness": document["robustness"]
        | {
            "unit": "pixels in [0, 1]",
            "curve": curve(strengths, 0.8812, 8 / 255, attacked, {"class": per_class}),
            "complete": True,
            "notes": [],
        },
        "alarms": alarms(),
        "corruptions": {
            "kind": "image",
            "rows": corruption_rows(CORRUPTIONS, 0.8812, 1000),
            "clean": share("accuracy", 0.8812, n),
            "mean_corruption_error": measurement("mean_corruption_error", 0.312, 0.004, n),
            "relative_mce": measurement("relative_mce", 0.83, 0.021, n),
            "notes": ["Severity tables of CIFAR-10-C."],
        },
        "shift": None,
    }  # fmt: skip
    document["resources"] = document["resources"] | {"latency": latency(contended=False)}
    document["ood"] = copy.deepcopy(document["ood"])
    for one, against in zip(document["ood"]["sets"], ("svhn", "cifar100"), strict=True):
        one["against"] = against
    return document


def make_null_audit() -> dict[str, Any]:
    """Every part of the document is there and null."""
    return dict.fromkeys(make_table_audit())


def make_groups(count: int) -> dict[str, Any]:
    """The table audit with `count` groups of one attribute, the last of them too small."""
    document = make_table_audit()
    random = np.random.default_rng(count)
    names = [f"Female & Amer-Indian-Eskimo & {20 + index}-{25 + index}" for index in range(count)]
    sizes = [7 if count > 1 and index == count - 1 else int(random.integers(60, 900)) for index in range(count)]
    rates = [tuple(random.uniform(0.1, 0.9, 6)) for _ in names]
    document["groups"] = [
        group_row("sex & race & age", name, n, values) for name, n, values in zip(names, sizes, rates, strict=True)
    ]
    document["data"]["attributes"] = {
        "sex & race & age": [{"group": g, "n": n, "base_rate": 0.2} for g, n in zip(names, sizes, strict=True)]
    }
    factors = {name: float(random.uniform(0.5, 1.5)) for name in names}
    document["robustness"]["curve"] = curve([0.0, 0.1, 0.25], 0.84, 0.5, 3000, {"sex & race & age": factors})
    return document


def make_many_metrics(count: int) -> dict[str, Any]:
    """The table audit with `count` metrics of all kinds."""
    document = make_table_audit()
    kinds = ("utility_{}", "some_loss_{}", "parity_difference(by=column_{})", "robust_accuracy(pgd, eps=0.{})")
    document["metrics"] = {
        name: measurement(name, 0.3 + index / (2 * count), 0.05, 900)
        for index in range(count)
        for name in [kinds[index % 4].format(index)]
    }
    return document


def make_regression_audit() -> dict[str, Any]:
    """A regression: errors in the unit of the label, a negative R², an interval beyond 1."""
    document = make_table_audit()
    document["model"] |= {"task": "regression", "classes": [], "outputs": "numbers"}
    document["verdicts"] = []
    document["metrics"] = {
        "r2": measurement("r2", -0.18, 0.11, 800),
        "mean_absolute_error": measurement("mean_absolute_error", 3241.7, 122.0, 800),
        "mean_squared_error": measurement("mean_squared_error", 2.31e7, 1.9e6, 800),
        "mean_outcome_gap": measurement("mean_outcome_gap", 812.0, 240.0, 800),
        "ratio_of_errors": measurement("ratio_of_errors", 1.18, 0.2, 800),
    }
    document["groups"] = [
        {name: row[name] for name in ("attribute", "group", "n")}
        | {
            name: {"value": value + row["n"] / 10, "low": value - 200.0, "high": value + 1100.0, "n": row["n"]}
            for name, value in (("mean_label", 9000.0), ("mean_prediction", 9100.0), ("rmse", 4100.0))
        }
        for row in document["groups"]
    ]
    document |= {"robustness": None, "corruptions": None, "ood": None}
    return document
