"""T9: the bound on flips beside the flips, over bits and shares of pruned weights, on networks trained on Adult."""

from __future__ import annotations

from typing import Any

import numpy as np
from theory_tightness import layers_of

from efficienttrust import fit, load_problem
from efficienttrust.compression import cut_encoded
from efficienttrust.theory._flip_curve import flip_curve, pruning_errors
from efficienttrust.theory._lipschitz import logit
from efficienttrust.theory.flip_bound import rounding_errors

SEEDS = (0, 1, 2)
BITS = (2, 3, 4, 5, 6, 7, 8, 9, 10)
SPARSITIES = (0.01, 0.05, 0.1, 0.2, 0.3, 0.5)
MODELS = ("linear", "mlp(widths=16)", "mlp(widths=64-32)")
ABOUT = """## Flips of compressed networks (T9)

Adult, sensitive sex, {n:,} test rows; each network is trained for 1,500 steps without targets; mean (range) over seeds
{seeds}. *Bound*: largest share of decisions that can flip, from the float network and the number of bits (or the pruned
weights) alone. *Weng*: the same bound without the look at which units are off. *Observed*: share that flips. *Gap*:
largest change of the demographic parity difference by the bound, and the change observed (its size)."""


def run() -> str:
    """Return the section."""
    problem = load_problem("adult", sensitive="sex", seed=0)
    part = problem.splits["test"]
    lines = [ABOUT.format(n=len(part.y), seeds=", ".join(map(str, SEEDS)))]
    for model in MODELS:
        lines += [
            "",
            f"### `{model}`",
            "",
            "| change | bound | Weng | observed | gap, bound | gap, observed |",
            "|---|---|---|---|---|---|",
        ]
        tables = []
        for seed in SEEDS:
            run_ = fit(problem, budget="time=1500 steps", targets=(), model=model, seed=seed)
            cut = cut_encoded(run_.decision, part.x, part.groups).astype(np.float64)
            tables.append(_table(layers_of(run_), part.x, cut, part.groups))
        names = [f"{bits} bits" for bits in BITS] + [f"{share:.0%} pruned" for share in SPARSITIES]
        for name, rows in zip(names, np.array(tables).transpose(1, 2, 0), strict=True):
            cells = [f"{seeds.mean():.4f} ({seeds.min():.4f}–{seeds.max():.4f})" for seeds in rows]
            lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _table(layers: Any, x: Any, cut: Any, groups: Any) -> list[list[float]]:
    """Return one row a change: bound, bound without units that are off, flips, change of the gap by bound and seen."""
    rows = []
    before = logit(layers, x) - cut
    settings: list[dict[str, Any]] = [{"bits": (bits,)} for bits in BITS] + [{"sparsities": (s,)} for s in SPARSITIES]
    for setting in settings:
        curve = flip_curve(layers, x, thresholds=cut, groups=groups, **setting)
        if "bits" in setting:
            errors, changed = rounding_errors(layers, setting["bits"][0]), _rounded(layers, setting["bits"][0])
        else:
            errors = pruning_errors(layers, setting["sparsities"][0])
            changed = [(np.where(error > 0, 0, w), b) for (w, b), (error, _) in zip(layers, errors, strict=True)]
        after = logit(changed, x) - cut
        gaps = [np.ptp([(z > 0)[groups == code].mean() for code in (0, 1)]) for z in (before, after)]
        rows.append(
            [
                float(curve.flips.value[0]),
                float((np.abs(before) <= _weng(layers, errors, x)).mean()),
                float(((before > 0) != (after > 0)).mean()),
                float(curve.gap.value[0]),
                float(abs(gaps[1] - gaps[0])),
            ]
        )
        assert rows[-1][2] <= rows[-1][0] <= rows[-1][1], "the bound is broken"
    return rows


def _rounded(layers: Any, bits: int) -> list[tuple[Any, Any]]:
    steps = [np.abs(np.asarray(w, dtype=np.float64)).max() / (2 ** (bits - 1) - 1) for w, _ in layers]
    return [(np.round(w / step) * step, b) for (w, b), step in zip(layers, steps, strict=True)]


def _weng(layers: Any, errors: Any, x: Any) -> Any:
    a, e = np.asarray(x, dtype=np.float64), np.zeros(x.shape)
    for (w, b), (error, offset) in zip(layers, errors, strict=True):
        e = e @ (np.abs(np.asarray(w, dtype=np.float64)) + error) + np.abs(a) @ error + offset
        a = np.maximum(a @ np.asarray(w, dtype=np.float64) + b, 0)
    return e[:, 0]
