"""The cases of the ATATS benchmark: data, targets, budgets, methods. Targets were set before any row was run.

Those of Adult, COMPAS, German and diabetes130 are the ones of earlier benchmarks (`fit_quality`, `data_quality`), which
chose them by pilots on other seeds. Where a case says `ruled`, targets follow from the *unconstrained* model alone, by
one rule (`ruled_targets`): halve both of its defects. A regression has no lever beside calibration: there the methods
are told apart by utility at a budget.

Heavy data are made small, so that a row takes a minute at most: sequences are 4,000 stays of the generated release in
twelve bins of four hours, films 500 at 64 pixels, CIFAR-10 the first 1,017 images of each official batch (lossless).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("EFFICIENTTRUST_SHARED", ROOT.parent / "shared" / "data"))
SHARES = (0.1, 0.3, 1.0)  # of the unconstrained cost
SEEDS, IMAGE_SEEDS = (0, 1, 2, 3, 4), (0, 1, 2)
STAYS, HOURS, FILMS = 4000, 4, 500
FRESH = 100  # added to a seed for the oracle's second run

POLICIES = ("plan", "rule", "pid", "dual", "rl", "conditional", "static")
BASELINES = (
    "unconstrained", "early_stop", "reduced_width", "threshold", "threshold_aware", "reweighing",
    "adversarial_debiasing", "fair_batch", "group_dro", "pgd_at", "free_at", "fast_at", "trades",
    "exponentiated_gradient", "grid_search", "eg_on_robust", "prune_only", "quantise_only", "static_grid",
    "successive_halving", "trees_threshold", "trees_eg",
)  # fmt: skip
PEERS = ("peer Cooper nuPI", "peer humancompatible ALM", "peer fairret", "peer OxonFair", "peer torchattacks PGD-AT")
EIGHT = ("plan", "rule", "pid", "dual", "rl", "static", "unconstrained", "early_stop")
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
    "diabetes130 ever": {"sensitive": "gender", "ruled": ("dpd", "robust_accuracy(pgd, eps=0.25)"), "methods": EIGHT},
    "sequences": {
        "sensitive": "sex",
        "ruled": ("dpd", "robust_accuracy(pgd, eps=0.1)"),
        "model": "lstm(width=0.5)",
        "methods": EIGHT,
        "most_seconds": 15.0,
    },
    "nih": {
        "sensitive": "sex",
        "ruled": ("dpd", "robust_accuracy(pgd, eps=0.00784)"),
        "methods": EIGHT,
        "most_seconds": 15.0,
    },
    "cifar10": {
        "sensitive": "",
        "ruled": ("robust_accuracy(pgd, eps=0.00784)",),
        "methods": EIGHT,
        "most_seconds": 15.0,
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
    if case == "diabetes130 ever":  # within 30 days 11 % come back: a model that says never is right, fair and robust
        source = f"diabetes130:{SHARED / 'diabetes130'}"
        return load_problem(source, label="readmitted_ever", sensitive=sensitive, seed=seed)
    if case == "nih":
        return load_image_problem(
            f"nih_cxr:{SHARED / 'nih_cxr1000'}", sensitive=sensitive, resolution=64, limit=FILMS, seed=seed
        )
    if case == "cifar10":
        return load_image_problem(f"cifar10:{SHARED / 'cifar10' / 'cifar10_lossless_subset.npz'}", seed=seed)
    from data_quality import BAYES

    return load_problem(
        _short_sequences(), label="los_over_3_days", sensitive=sensitive, unit="subject_id", seed=seed,
        name="mimic-shaped", drop=["los", "mortality", "readmission_30_days", BAYES],
    )  # fmt: skip


@cache
def _short_sequences() -> Any:
    """Return the first stays of the generated release, each variable averaged over four hours."""
    import data_quality
    import pandas as pd

    data_quality.MADE.mkdir(parents=True, exist_ok=True)
    stays = data_quality._sequences().iloc[:STAYS]
    of_bin: dict[str, list[str]] = {}
    for column in stays.columns:
        variable, at, hour = column.partition("@")
        if at:
            of_bin.setdefault(f"{variable}@{int(hour) // HOURS:02d}", []).append(column)
    binned = pd.DataFrame({name: stays[columns].mean(axis=1) for name, columns in of_bin.items()})
    return pd.concat([stays[[column for column in stays.columns if "@" not in column]], binned], axis=1)


def ruled_targets(case: str, found: Mapping[str, float]) -> tuple[str, ...]:
    """Return targets that ask for half of what the unconstrained model lacks, and of nothing that it has.

    Args:
        case: A case that is `ruled`.
        found: What the unconstrained model has on calibrate: `accuracy` and the value of each ruled metric, means of
            the seeds of the plateau, which no row uses.
    """
    targets = []
    for metric in CASES[case]["ruled"]:
        if metric == "dpd":
            targets.append(f"dpd <= {found[metric] / 2:.3f}")
        else:
            targets.append(f"{metric} >= {(found['accuracy'] + found[metric]) / 2:.3f}")
    return tuple(targets)


def targets_of(case: str, rows: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the targets of a case; those of a ruled one are on record with its plateau."""
    if "targets" in CASES[case]:
        return tuple(CASES[case]["targets"])
    plateau = next(row for row in rows if row["kind"] == "plateau" and row["case"] == case and "error" not in row)
    return ruled_targets(case, plateau["defects"])
