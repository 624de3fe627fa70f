"""T1 and T2: how far delivered models of Adult and COMPAS are from the estimated frontier and the base-rate bound."""

from __future__ import annotations

import numpy as np

from efficienttrust import Problem, fit, load_problem
from efficienttrust.theory import base_rate_bound, estimated_frontier

DATA = (("adult", "sex"), ("compas", "race"))
SEEDS = (0,)
MODELS = (("linear", "network"), ("mlp", "network"), (None, "trees"))
ALLOWED = (None, 0.1, 0.05, 0.02)
BUDGETS = {"network": "time=1000 steps", "trees": "time=200 steps"}
GAPS = np.round(np.linspace(0, 0.5, 51), 2)
ABOUT = """## Delivered models and the frontier (T1, T2)

Demographic parity on the test split, models that may and may not read the group; each is trained with and without a
target (`dpd <= ...`) for 1,000 steps (trees: 200 rounds), seed {seeds}, split seed 0. *Frontier*: the estimated highest
accuracy at the gap that the model has on test, with its 95 % band, from held-out scores of all rows but test. *Left*:
frontier less accuracy, in points; the accuracy on test has a standard error of its own, {adult:.2f} points (Adult) and
{compas:.2f} (COMPAS). *T2*: the highest accuracy at this gap by base rates of test alone."""


def run() -> str:
    """Return the section."""
    problems = {name: load_problem(name, sensitive=sensitive, seed=0) for name, sensitive in DATA}
    error = {name: 100 * np.sqrt(0.86 * 0.14 / len(one.splits["test"])) for name, one in problems.items()}
    error["compas"] *= np.sqrt(0.68 * 0.32 / (0.86 * 0.14))
    parts = [ABOUT.format(seeds=" and ".join(map(str, SEEDS)), **error)]
    parts += [_table(name, one, aware=aware) for name, one in problems.items() for aware in (False, True)]
    return "\n\n".join(parts)


def _table(name: str, problem: Problem, *, aware: bool) -> str:
    found = estimated_frontier(problem, attribute="aware" if aware else "blind", deltas=GAPS)
    part = problem.splits["test"]
    sizes = np.bincount(part.groups[part.groups >= 0])
    base = [part.y[part.groups == code].mean() for code in range(len(sizes))]
    lines = [
        f"### {name}, {', '.join(problem.sensitive)}: the group {'may' if aware else 'may not'} be read",
        "",
        "| model | target | gap | accuracy | frontier (band) | left | T2 |",
        "|---|---|---|---|---|---|---|",
    ]
    left, slack = [], []
    for model, trainer in MODELS:
        for allowed in ALLOWED:
            rows = []
            for seed in SEEDS:
                targets = () if allowed is None else (f"dpd <= {allowed}",)
                run_ = fit(
                    problem,
                    budget=BUDGETS[trainer],
                    targets=targets,
                    trainer=trainer,
                    model=model,
                    seed=seed,
                    use_groups_at_prediction=aware,
                )
                gap = run_.metrics["demographic_parity_difference"]["value"]
                accuracy = run_.metrics["accuracy"]["value"]
                limits = [np.interp(gap, GAPS, curve) for curve in (found.accuracy.value, found.low, found.high)]
                rows.append((gap, accuracy, *limits, float(base_rate_bound(base, sizes, min(1.0, gap)))))
            left += [limit - accuracy for _, accuracy, limit, *_ in rows]
            slack += [bound - accuracy for _, accuracy, *_, bound in rows]
            gap, accuracy, limit, low, high, bound = np.mean(rows, axis=0)
            target = "none" if allowed is None else f"≤ {allowed:g}"
            lines.append(
                f"| {model or trainer} | {target} | {gap:.3f} | {accuracy:.4f} | {limit:.4f} ({low:.4f}-{high:.4f}) | "
                f"{100 * (limit - accuracy):+.2f} | {bound:.4f} |"
            )
    lines += [
        "",
        (
            f"{len(left)} models: {100 * np.mean(left):.2f} points below the frontier in the mean, "
            f"{100 * min(left):+.2f} to {100 * max(left):+.2f}; {100 * min(slack):.1f} points and more below T2."
        ),
    ]
    return "\n".join(lines)
