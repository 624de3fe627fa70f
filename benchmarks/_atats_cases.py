"""The cases of the ATATS benchmark: data, targets, budgets, methods. Targets were set before any row was run.

Those of Adult, COMPAS, German, diabetes130, films and sequences are the ones of earlier benchmarks (`fit_quality`,
`data_quality`), which chose them by pilots on other seeds. A regression has no lever beside calibration: there the
methods are told apart by utility at a budget.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("EFFICIENTTRUST_SHARED", ROOT.parent / "shared" / "data"))
SHARES = (0.1, 0.3, 1.0)  # of the unconstrained cost
SEEDS, IMAGE_SEEDS = (0, 1, 2, 3, 4), (0, 1, 2)
FRESH = 100  # added to a seed for the oracle's second run

POLICIES = ("plan", "rule", "pid", "dual", "rl", "conditional", "static")
BASELINES = (
    "unconstrained", "early_stop", "reduced_width", "threshold", "threshold_aware", "reweighing",
    "adversarial_debiasing", "fair_batch", "group_dro", "pgd_at", "free_at", "fast_at", "trades",
    "exponentiated_gradient", "grid_search", "eg_on_robust", "prune_only", "quantise_only", "static_grid",
    "successive_halving", "trees_threshold", "trees_eg",
)  # fmt: skip
PEERS = ("peer Cooper nuPI", "peer humancompatible ALM", "peer fairret", "peer OxonFair", "peer torchattacks PGD-AT")
IMAGE_METHODS = ("plan", "rule", "pid", "static", "threshold", "fast_at", "trades", "unconstrained")
ORACLE_GRID = tuple((weight, share) for weight in (0.0, 0.1, 0.3, 0.8) for share in (0.0, 0.5, 1.0))

CASES: dict[str, dict[str, Any]] = {
    "adult": {
        "sensitive": "sex",
        "targets": ("dpd <= 0.05", "robust_accuracy(pgd, eps=0.25) >= 0.80"),
        "methods": (*POLICIES, *BASELINES, *PEERS),
    },
    "compas": {
        "sensitive": "race",
        "targets": ("dpd <= 0.20", "robust_accuracy(pgd, eps=0.25) >= 0.58"),
        "methods": (*POLICIES, *BASELINES),
    },
    "german": {
        "sensitive": "sex",
        "targets": ("dpd <= 0.10", "robust_accuracy(pgd, eps=0.25) >= 0.70"),
        "methods": (*POLICIES, *BASELINES),
    },
    "diabetes130": {
        "sensitive": "gender",
        "targets": ("dpd <= 0.02", "robust_accuracy(pgd, eps=0.25) >= 0.85"),
        "methods": (*POLICIES, *BASELINES),
    },
    "nih": {
        "sensitive": "sex",
        "targets": ("dpd <= 0.10", "robust_accuracy(pgd, eps=0.00784) >= 0.55"),
        "methods": IMAGE_METHODS,
        "most_seconds": 180.0,
    },
    "cifar10": {
        "sensitive": "",
        "targets": ("worst_group_accuracy >= 0.30", "robust_accuracy(pgd, eps=0.00784) >= 0.40"),
        "methods": IMAGE_METHODS,
        "most_seconds": 240.0,
    },
    "sequences": {
        "sensitive": "sex",
        "targets": ("dpd <= 0.05", "robust_accuracy(pgd, eps=0.1) >= 0.80"),
        "model": "lstm",
        "methods": ("plan", "rule", "pid", "conditional", "static", "threshold", "fast_at", "unconstrained"),
        "most_seconds": 120.0,
    },
    "regression": {
        "sensitive": "sex",
        "targets": ("r2 >= 0.18",),
        "methods": ("plan", "static", "unconstrained", "early_stop", "reduced_width"),
    },
}
QUICK = ("adult",)


def seeds_of(case: str) -> tuple[int, ...]:
    """Return the seeds of a case."""
    return IMAGE_SEEDS if "most_seconds" in CASES[case] else SEEDS


def problem_of(case: str, seed: int) -> Any:
    """Load the data of a case; the seed is that of the split too."""
    from efficienttrust import load_problem
    from efficienttrust.data import load_image_problem

    sensitive = CASES[case]["sensitive"]
    if case in ("adult", "compas", "german"):
        return load_problem(case, sensitive=sensitive, seed=seed)
    if case == "regression":
        return load_problem("adult", label="hours-per-week", task="regression", sensitive=sensitive, seed=seed)
    if case == "diabetes130":
        return load_problem(f"diabetes130:{SHARED / 'diabetes130'}", sensitive=sensitive, seed=seed)
    if case == "nih":
        return load_image_problem(f"nih_cxr:{SHARED / 'nih_cxr1000'}", sensitive=sensitive, seed=seed)
    import data_quality

    data_quality.prepare()
    return data_quality.problem_of({"cifar10": "cifar10 (JPEG)", "sequences": "mimic-shaped sequences"}[case], seed)
