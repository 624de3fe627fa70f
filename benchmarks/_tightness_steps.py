"""T8 and T16: what k steps reach on Adult and COMPAS beside what no k gradients can beat, and the worst-case bound."""

from __future__ import annotations

import math

import numpy as np

from efficienttrust import load_problem
from efficienttrust.theory.catalogue.iterations import descent_bound, gd_path
from efficienttrust.theory.catalogue.step_frontier import step_budget_floor, step_budget_frontier

STEPS = (1, 2, 3, 5, 10, 20, 50, 100, 1000, math.inf)
SETS = (("adult", "sex"), ("compas", "race"))
GAP = 0.05
EPS = 0.1
PENALTIES = (0.0, *np.geomspace(1e-3, 1e6, 37))
ZOOMS = 4
RATES = tuple(np.linspace(0.02, 0.99, 33))
ABOUT = f"""## Linear scores under a step budget (T8, T16)

Least squares on the encoded training rows, columns and labels centred, gradient descent from 0. The error is the mean
squared one, its value without any step is the variance of the labels. *Reached*: smallest error with a gap of mean
scores of at most {GAP} over {len(PENALTIES)} penalties × {len(RATES)} step sizes, {ZOOMS} times refined around the
best. *Floor*: what no method of so many gradients can be below at this gap. *Robust*: error of the reached point under
an l2 attack of {EPS}. *Excess*: error of plain gradient descent above least squares, and its worst-case bound
L D² / (2k + 1) or (1 − mu/L)^k L D² (twice that of half the squared error). Only the split is random (seed 0)."""


def run() -> str:
    """Return the section."""
    lines = [ABOUT]
    for name, by in SETS:
        part = load_problem(name, sensitive=by, seed=0).splits["train"]
        kept = np.isin(part.groups, np.argsort(np.bincount(part.groups[part.groups >= 0]))[-2:])
        x, y = part.x[kept].astype(np.float64), part.y[kept].astype(np.float64)
        x, y = x - x.mean(axis=0), y - y.mean()
        codes = (part.groups[kept] == part.groups[kept].max()).astype(np.int64)
        lines += ["", f"### {name}, the two largest groups of {by}: {len(y):,} rows, {x.shape[1]} columns", ""]
        lines += _table(x, y, codes)
    return "\n".join(lines)


def _table(x: np.ndarray, y: np.ndarray, codes: np.ndarray) -> list[str]:
    curvature = np.linalg.eigvalsh(x.T @ x / len(x))
    finite = [k for k in STEPS if not math.isinf(k)]
    path = gd_path(x, y, codes, 1 / curvature[-1], [*finite, math.inf])
    best, distance = path.utility.value[-1], float(np.linalg.norm(path.beta[:, -1]))
    smallest = float(curvature[curvature > 1e-12 * curvature[-1]][0])
    gap = abs(float(path.gap.value[-1]))
    lines = [
        f"Variance of the labels {(y**2).mean():.5f}, least squares {best:.5f} at a gap of {gap:.4f}.",
        "",
        "| steps | reached | floor | reached / floor | robust | excess | worst case |",
        "|---|---|---|---|---|---|---|",
    ]
    for place, k in enumerate(STEPS):
        reached, robust = _reached(x, y, codes, k)
        floor = float(step_budget_floor(x, y, codes, k, [GAP]).value[0])
        worst = 0.0 if math.isinf(k) else 2 * float(descent_bound(int(k), curvature[-1], distance, smallest))
        excess = max(0.0, float(path.utility.value[place] - best))
        assert reached >= floor * (1 - 1e-9), "the floor is broken"
        assert excess <= worst + 1e-9, "the worst case is broken"
        lines.append(
            f"| {k:g} | {reached:.5f} | {floor:.5f} | {reached / floor:.4f} | {robust:.5f} | "
            f"{excess:.2e} | {worst:.2e} |"
        )
    return lines


def _reached(x: np.ndarray, y: np.ndarray, codes: np.ndarray, steps: float) -> tuple[float, float]:
    """Return the smallest error that is reached with the gap allowed, and the robust error there."""
    penalties = np.array(PENALTIES)
    for _ in range(ZOOMS + 1):
        front = step_budget_frontier(x, y, codes, steps, penalties=penalties, rates=RATES)
        allowed = np.flatnonzero(front.gap.value <= GAP)
        point = allowed[np.argmin(front.utility.value[allowed])]
        place = point // (len(front.settings) // len(penalties))
        used, reached, rate = penalties[place], float(front.utility.value[point]), front.settings[point][2]
        penalties = np.linspace(penalties[max(0, place - 1)], penalties[min(len(penalties) - 1, place + 1)], 37)
    largest = np.linalg.eigvalsh(x.T @ x / len(x))[-1]
    g = x[codes == 1].mean(axis=0) - x[codes == 0].mean(axis=0)
    hessian = x.T @ x / len(x) + used * largest / (g @ g) * np.outer(g, g)
    share = rate * np.linalg.eigvalsh(hessian)[-1] / 2
    final = step_budget_frontier(x, y, codes, steps, EPS, penalties=(used,), rates=(share,))
    return reached, float(final.robust.value[0])
