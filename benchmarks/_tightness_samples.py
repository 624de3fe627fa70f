"""T7, T10 and T11: intervals, chance gaps and description lengths beside what samples of Adult show."""

from __future__ import annotations

import math
from functools import partial
from textwrap import wrap

import numpy as np
from theory_tightness import layers_of

from efficienttrust import fit, load_problem
from efficienttrust.compression import cut_encoded
from efficienttrust.theory._lipschitz import logit
from efficienttrust.theory.catalogue.description_length import fairness_gap_bound, occam_kl_upper, occam_width
from efficienttrust.theory.catalogue.fairness_certificates import dpd_interval, dpd_null_bias, min_group_size
from efficienttrust.theory.catalogue.group_size import exact_test_size, min_group_n_lower

REPEATS = 2000
SIZES = (50, 200, 1000, 4000)
METHODS = ("newcombe", "mcdiarmid", "clopper-pearson")
CANDIDATES = 64
wrapped = partial(wrap, width=120, break_long_words=False, break_on_hyphens=False)


def run() -> str:
    """Return the section."""
    return "\n".join([*_certificates(), "", *_description(), "", *_sizes()])


def _certificates() -> list[str]:
    """Return how wide and how often right the intervals of a gap are, and the gap of chance."""
    problem = load_problem("adult", sensitive="sex", seed=0)
    made = fit(problem, budget="time=1500 steps", targets=(), model="mlp(widths=64-32)", seed=0)
    parts = [problem.splits[name] for name in ("calibrate", "certify", "test")]
    said = [logit(layers_of(made), p.x) > cut_encoded(made.decision, p.x, p.groups) for p in parts]
    decisions, groups = np.concatenate(said), np.concatenate([p.groups for p in parts])
    rates = [float(decisions[groups == code].mean()) for code in (1, 0)]
    truth, pooled = rates[0] - rates[1], float(decisions.mean())
    rng = np.random.default_rng(0)
    lines = [
        "## Certificates and chance gaps (T7)",
        "",
        *wrapped(
            f"Decisions of a network on {len(decisions):,} rows of Adult that it was not trained on, as the population "
            f"(its gap between the sexes is {truth:.4f}); {REPEATS:,} samples with n rows of each sex, drawn with "
            "replacement (seed 0). *Half-width* and *cover* of the 95 % intervals; *spread*: the half-width that would "
            "have covered 95 % of these samples. *Chance*: mean gap where the sexes are dealt at random, as seen ± 2 "
            "standard errors and as computed."
        ),
        "",
        "| n | spread | " + " | ".join(f"{m}: half-width | cover" for m in METHODS) + " | chance, seen | computed |",
        "|---|---|" + "---|---|" * len(METHODS) + "---|---|",
    ]
    for n in SIZES:
        hits = rng.binomial(n, rates, (REPEATS, 2))
        spread = float(np.quantile(np.abs(hits[:, 0] / n - hits[:, 1] / n - truth), 0.95))
        cells = []
        for method in METHODS:
            ends = np.array([dpd_interval(a, n, b, n, method=method).value for a, b in hits.tolist()])
            right = (ends[:, 0] <= truth) & (truth <= ends[:, 1])
            cells.append(f"{np.diff(ends, axis=1).mean() / 2:.4f} | {right.mean():.3f}")
        dealt = np.abs(np.diff(rng.binomial(n, pooled, (REPEATS, 2)) / n, axis=1))
        error = 2 * dealt.std() / math.sqrt(REPEATS)
        computed = float(dpd_null_bias(pooled, (n, n)))
        lines.append(
            f"| {n} | {spread:.4f} | {' | '.join(cells)} | {dealt.mean():.4f} ± {error:.4f} | {computed:.4f} |"
        )
    return lines


def _description() -> list[str]:
    """Return the bound by bits beside the distance of training and test error."""
    problem = load_problem("adult", sensitive="sex", seed=0)
    train, test = problem.splits["train"], problem.splits["test"]
    sizes = [int((train.groups == code).sum()) for code in (0, 1)]
    lines = [
        "## Description length (T10)",
        "",
        *wrapped(
            f"Networks trained on {len(train.y):,} rows of Adult for 1,500 steps (seed 0) and rounded, one scale of 32 "
            "bits a layer, biases as 32 bits, the encoding as 64 bits a column; the architecture was fixed before. The "
            f"last row chooses, by the error on the certify rows, among {CANDIDATES} thresholds of one network. "
            "*Distance*: of the error on the rows of the bound from that on test. *Limit*: of the true error by the "
            "inverse of kl. *Gap of errors*: between the sexes on test, and its bound."
        ),
        "",
        "| model | bits | error | test error | distance | width | limit | gap of errors | bound |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for model, bits in (("linear", 2), ("linear", 4), ("linear", 8), ("mlp(widths=16)", 4), ("mlp(widths=64-32)", 32)):
        made = fit(problem, budget="time=1500 steps", targets=(), model=model, seed=0)
        layers = layers_of(made)
        scales = [np.abs(w).max() / (2 ** (bits - 1) - 1) for w, _ in layers]
        layers = [(np.round(w / scale) * scale, b) for (w, b), scale in zip(layers, scales, strict=True)]
        length = 64 * train.x.shape[1] + sum(w.size * bits + 32 + 32 * b.size for w, b in layers)
        wrong = [(logit(layers, p.x) > 0) != (p.y == 1) for p in (train, test)]
        name = f"`{model}`, {bits} bits a weight" if bits < 32 else f"`{model}`, float32"
        lines.append(_length_row(name, length, *wrong, train.groups, test.groups, sizes))
    certify = problem.splits["certify"]
    scores = [logit(layers, p.x) for p in (certify, test)]
    cuts = np.linspace(-2, 2, CANDIDATES)
    cut = min(cuts, key=lambda c: float(((scores[0] > c) != (certify.y == 1)).mean()))
    wrong = [(z > cut) != (p.y == 1) for z, p in zip(scores, (certify, test), strict=True)]
    sizes = [int((certify.groups == code).sum()) for code in (0, 1)]
    name = f"choice of {CANDIDATES} on {len(certify.y):,} rows"
    lines.append(_length_row(name, math.log2(CANDIDATES), *wrong, certify.groups, test.groups, sizes))
    return lines


def _length_row(name, bits, wrong, wrong_test, groups, groups_test, sizes) -> str:  # type: ignore[no-untyped-def]
    n, seen, true = len(wrong), float(wrong.mean()), float(wrong_test.mean())
    gaps = [abs(float(w[g == 1].mean() - w[g == 0].mean())) for w, g in ((wrong, groups), (wrong_test, groups_test))]
    width, limit = occam_width(bits, n), occam_kl_upper(seen, bits, n)
    bound = fairness_gap_bound(bits, sizes, gaps[0])

    def shown(value) -> str:  # type: ignore[no-untyped-def]
        return "vacuous" if value.vacuous else f"{float(value):.4f}"

    return (
        f"| {name} | {bits:,g} | {seen:.4f} | {true:.4f} | {abs(seen - true):.4f} | {shown(width)} | {shown(limit)} | "
        f"{gaps[1]:.4f} | {shown(bound)} |"
    )


def _sizes() -> list[str]:
    """Return how far the lower bound on rows is from the best test, and from what the certificates need."""
    lines = [
        "## Rows that a group needs (T11, T7)",
        "",
        *wrapped(
            "To tell a rate p from p + tau with both errors at most 0.05: no test needs fewer than the lower bound, "
            "the best test needs exactly so many. Below: rows of each of two groups that certify a gap of 0.02 to be "
            "below 0.05."
        ),
        "",
        "| p | tau | lower bound | best test | ratio |",
        "|---|---|---|---|---|",
    ]
    for p, tau in ((0.1, 0.05), (0.3, 0.05), (0.5, 0.05), (0.3, 0.02), (0.3, 0.1)):
        low, exact = int(min_group_n_lower(p, tau).value), int(exact_test_size(p, tau).value)
        lines.append(f"| {p} | {tau} | {low:,} | {exact:,} | {exact / low:.2f} |")
    rates = (0.1, 0.2, 0.5)
    lines += ["", "| method | " + " | ".join(f"rate {rate}" for rate in rates) + " |", "|---|" + "---|" * len(rates)]
    for method in METHODS:
        sizes = [int(min_group_size(0.05, 0.02, method=method, rate=rate).value) for rate in rates]
        lines.append(f"| {method} | " + " | ".join(f"{size:,}" for size in sizes) + " |")
    return lines
