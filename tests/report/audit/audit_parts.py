"""The bricks that audits of the tests are built from."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from report_fixture import ROBUST as FIT_ROBUST
from report_fixture import group_row as fit_group_row
from report_fixture import metric, rate

ROBUST = "robust_accuracy(standard, eps=0.25, norm=linf)"

_ALARMS = (
    ("eps_zero_is_clean", 0.0, 0.0, "Under an attack of strength 0 accuracy must equal clean accuracy."),
    ("monotone_in_eps", 0.0, 0.0, "Accuracy must not rise when the attack may change more."),
    ("unbounded_attack_succeeds", 0.004, 0.02, "An attack without limits must bring accuracy to chance."),
    ("black_box_beats_gradient", 0.061, 0.002, "A search without gradients fooled rows that gradient attacks did not."),
    ("zero_gradients", 214, 0, "Where the gradient is zero a gradient attack is blind: its success says little."),
    ("flat_loss", 0.04, 0.1, "The loss must rise along the path of an attack."),
    ("restarts_still_gain", 0.001, 0.005, "If more restarts still fool more rows, the attack has not converged."),
    ("randomness", 0.0, 0.0, "Two answers to the same row must agree."),
    ("train_mode", 0, 0, "Dropout or batch statistics were still on."),
    ("normalisation", 0.0, 0.0, "Inputs must be normalised inside the model, so that eps is in the data's units."),
)


def group_row(attribute: str, group: str, n: int, rates: tuple[float, ...]) -> dict[str, Any]:
    """A row of the group table with robust accuracy under the attack of the audit."""
    row = fit_group_row(attribute, group, n, rates)  # type: ignore[arg-type]
    return {ROBUST if key == FIT_ROBUST else key: cell for key, cell in row.items()}


def measurement(name: str, value: float, half: float, n: int, note: str = "") -> dict[str, Any]:
    """A measurement as the document holds it; NaN as the null it becomes on disk."""
    found = {"name": name, **metric(value, half, n, "Wilson 95%", f"What {name} is.", note)}
    return {key: None if isinstance(cell, float) and math.isnan(cell) else cell for key, cell in found.items()}


def share(name: str, value: float, n: int) -> dict[str, Any]:
    """A rate with its Wilson interval as a measurement."""
    return measurement(name, value, 0.0, n) | rate(value, n)


def alarms(*fired: str) -> list[dict[str, Any]]:
    """The alarms of the checklist; the named ones fired."""
    found = []
    for name, value, threshold, meaning in _ALARMS:
        detail = f"{value:g} against {threshold:g}, counted on 1,000 attacked rows" if name in fired else ""
        row = {"name": name, "fired": name in fired, "value": value, "threshold": threshold, "meaning": meaning}
        found.append(row | {"detail": detail})
    return found


def curve(
    strengths: list[float], clean: float, half: float, n: int, groups: dict[str, dict[str, float]]
) -> list[dict[str, Any]]:
    """Accuracy that halves at every `half` of eps; the groups hold factors on that rate."""
    points = []
    for eps in strengths:
        by_group = {
            attribute: [
                {"group": group, **rate(clean * 0.5 ** (eps / half * factor), max(5, n // len(factors)))}
                for group, factor in factors.items()
            ]
            for attribute, factors in groups.items()
        }
        cells = [row["value"] for listed in by_group.values() for row in listed]
        gap = measurement("worst gap", max(cells) - min(cells), 0.04, n) if cells else None
        point = {"eps": eps, "accuracy": share("robust_accuracy", clean * 0.5 ** (eps / half), n)}
        points.append(point | {"by_group": by_group, "gap": gap})
    return points


def corruption_rows(names: tuple[str, ...], clean: float, n: int, seed: int = 0) -> list[dict[str, Any]]:
    """Accuracy that falls with severity, by a rate of each corruption's own."""
    random = np.random.default_rng(seed)
    found = []
    for name in names:
        loss = random.uniform(0.01, 0.14)
        for severity in (1, 2, 3, 4, 5):
            value = max(0.1, clean - loss * severity)
            worst = max(0.05, value - random.uniform(0.02, 0.1))
            found.append(
                {
                    "name": name,
                    "severity": severity,
                    "accuracy": share("corruption_accuracy", value, n),
                    "worst_group": share("worst_group", worst, n // 3),
                    "gap": measurement("gap", value - worst, 0.03, n),
                }
            )
    return found


def latency(contended: bool) -> list[dict[str, Any]]:
    return [
        {"batch": batch, "p50_ms": p50, "p95_ms": p50 * 1.4, "p99_ms": p50 * 2.1,
         "rows_per_second": 1000 * batch / p50, "contended": contended and batch == 1, "n": 500}
        for batch, p50 in ((1, 0.061), (16, 0.19), (256, 2.05))
    ]  # fmt: skip
