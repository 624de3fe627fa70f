"""T6: certified radii of networks on Adult beside the nearest attack found, and what the law of robustness says."""

from __future__ import annotations

from typing import Any

import numpy as np
from theory_tightness import layers_of

from efficienttrust import fit, load_problem
from efficienttrust.compression import cut_encoded
from efficienttrust.theory._lipschitz import certified_radius, lipschitz_constant, logit
from efficienttrust.theory.catalogue.law_of_robustness import law_of_robustness

ROWS = 1000
STEPS = 50
MODELS = ("linear", "mlp(widths=16)", "mlp(widths=64-32)")
ABOUT = """## Certified radius and law of robustness (T6)

Adult, l2 distance of encoded rows (no regard to which values a person can change), {rows:,} test rows, networks trained
for 1,500 steps (seed 0). *Certified*: |z − t| / Lipschitz bound, median over rows. *Attacked*: median distance at which
DeepFool ({steps} steps, then bisection) changes the decision, an upper bound of the true radius; *ratio* is the median
of certified / attacked, 1 is tight. *Slope seen*: largest |∇z| at these rows, a lower bound of the Lipschitz constant.
*Law*: smallest slope by the law of robustness for these parameters (e = 0.1, W = 10, J = 100)."""


def run() -> str:
    """Return the section."""
    problem = load_problem("adult", sensitive="sex", seed=0)
    part, n = problem.splits["test"], len(problem.splits["train"].y)
    x = part.x[:ROWS].astype(np.float64)
    lines = [
        ABOUT.format(rows=ROWS, steps=STEPS),
        "",
        "| model | Lipschitz bound | slope seen | certified | attacked | ratio | rows attacked | law |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for model in MODELS:
        made = fit(problem, budget="time=1500 steps", targets=(), model=model, seed=0)
        layers = layers_of(made)
        cut = cut_encoded(made.decision, x.astype(np.float32), part.groups[:ROWS]).astype(np.float64)
        radius = certified_radius(layers, x, thresholds=cut).value
        found = _deepfool(layers, x, cut)
        hit = np.isfinite(found)
        assert (found >= radius * (1 - 1e-9)).all(), "the radius is broken"
        law = law_of_robustness(n, x.shape[1], sum(w.size + b.size for w, b in layers))
        slope = np.linalg.norm(_gradient(layers, x), axis=1).max()
        lines.append(
            f"| `{model}` | {float(lipschitz_constant(layers)):.3f} | {slope:.3f} | {np.median(radius[hit]):.4f} | "
            f"{np.median(found[hit]):.4f} | {np.median(radius[hit] / found[hit]):.3f} | {hit.mean():.3f} | "
            f"{float(law):.5f}{' (vacuous)' if law.vacuous else ''} |"
        )
    return "\n".join(lines)


def _gradient(layers: Any, x: np.ndarray) -> np.ndarray:
    on, a = [], x
    for w, b in layers[:-1]:
        a = a @ w + b
        on.append(a > 0)
        a = np.maximum(a, 0)
    slope = np.broadcast_to(layers[-1][0].T, (len(x), layers[-1][0].shape[0]))
    for (w, _), active in zip(reversed(layers[:-1]), reversed(on), strict=True):
        slope = (slope * active) @ w.T
    return np.asarray(slope)


def _deepfool(layers: Any, x: np.ndarray, cut: np.ndarray) -> np.ndarray:
    """Return the distance of the nearest changed decision found for each row; infinite where none was."""
    positive, moved = logit(layers, x) > cut, x.copy()
    for _ in range(STEPS):
        z, slope = logit(layers, moved) - cut, _gradient(layers, moved)
        size = np.maximum((slope**2).sum(axis=1), 1e-12)
        still = (z > 0) == positive
        moved -= np.where(still, 1.02 * z / size + np.where(positive, 1e-9, -1e-9), 0.0)[:, None] * slope
    changed = (logit(layers, moved) > cut) != positive
    near, far = np.zeros(len(x)), np.ones(len(x))
    for _ in range(40):
        middle = (near + far) / 2
        flips = (logit(layers, x + middle[:, None] * (moved - x)) > cut) != positive
        near, far = np.where(flips, near, middle), np.where(flips, middle, far)
    return np.where(changed, far * np.linalg.norm(moved - x, axis=1), np.inf)
