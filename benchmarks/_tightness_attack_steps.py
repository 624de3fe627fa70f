"""T14: robust accuracy over the attack steps of training, under budgets of FLOPs, beside the planned number."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from _tightness_matching import PlainVictim
from scipy import optimize, stats
from theory_tightness import layers_of

from efficienttrust import Problem, fit, load_problem
from efficienttrust.pipeline import Run
from efficienttrust.theory import plan_attack_steps
from efficienttrust.threats import Objective, reach
from efficienttrust.training._attacked import training_pgd

SEEDS = (0, 1, 2)
PILOT_SEED = 100
BUDGETS = (2e9, 8e9, 32e9)  # FLOPs
STEPS = (0, 1, 2, 4, 8)  # 0: no attack
PILOTS = (25, 50, 100, 200, 400, 800)  # training steps
EPS = 0.5
MODEL = "mlp(widths=32)"
ROBUST = f"robust_accuracy(pgd, eps={EPS}, norm=linf)"
STRONG = 50
ABOUT = """## Attack steps under a budget (T14)

Adult, `{model}`, every row of a batch attacked by PGD of k steps (linf, eps {eps} standard
deviations; 0: no attack); robust accuracy on test under the evaluator's PGD, mean and 95 % t-interval over seeds
{seeds} of training, and the training steps that the budget bought. *Planned*: k of `plan_attack_steps`, with
constants from pilot runs of another seed: D·G by least squares of loss = L + D·G/√T over pilots of T =
{pilots} steps with k = {most}, the loss under {strong} steps of PGD on monitor rows; g₀ and ρ
from a pilot of {longest} steps without an attack, whose loss under {strong} steps exceeds that under k by
g₀ρ^k, fitted by least squares for k = 0, 1, 2, 4; *in logarithms*: the same from a line through the logarithms
of what is left; c from the steps that the middle budget buys with k = {most}."""


@dataclass(frozen=True)
class Fitted:
    """Constants of the rule: D G, g0, rho in units of the loss, c in FLOPs; and what they were fitted to."""

    dg: float
    share: tuple[float, float]  # g0, rho
    share_by_logarithms: tuple[float, float]
    cost: float
    losses: tuple[float, ...]
    unfound: tuple[float, ...]


def run() -> str:
    """Return the section."""
    problem = load_problem("adult", sensitive="sex", seed=0)
    fitted = _fitted(problem)
    lines = [
        ABOUT.format(
            model=MODEL, eps=EPS, seeds=", ".join(map(str, SEEDS)), pilots=", ".join(map(str, PILOTS)),
            most=STEPS[-1], strong=STRONG, longest=PILOTS[-1],
        ),
        "",
        f"Pilots: losses {_listed(fitted.losses)}, so D·G = {fitted.dg:.2f}; c = {fitted.cost:.3g} FLOPs.",
        (
            f"Unfound: {_listed(fitted.unfound)}, so g₀ = {fitted.share[0]:.4f} and ρ = {fitted.share[1]:.2g}; in "
            f"logarithms {fitted.share_by_logarithms[0]:.4f} and {fitted.share_by_logarithms[1]:.2g}."
        ),
        "",
        f"| budget, FLOPs | {' | '.join(f'k = {k}' for k in STEPS)} | best | planned | in logarithms |",
        f"|---|{'---|' * len(STEPS)}---|---|---|",
    ]  # fmt: skip
    for budget in BUDGETS:
        found = [[_trained(problem, f"time={budget:g} flops", k, seed) for seed in SEEDS] for k in STEPS]
        robust = np.array([[one.metrics[ROBUST]["value"] for one in runs] for runs in found])
        bought = [np.mean([_steps(one) for one in runs]) for runs in found]
        planned, by_logarithms = (
            int(plan_attack_steps(budget, fitted.cost, fitted.dg, *share).value)
            for share in (fitted.share, fitted.share_by_logarithms)
        )
        cells = [f"{_interval(values)} ({count:,.0f} steps)" for values, count in zip(robust, bought, strict=True)]
        best = STEPS[int(robust.mean(axis=1).argmax())]
        lines.append(f"| {budget:.2g} | {' | '.join(cells)} | {best} | {planned} | {by_logarithms} |")
    return "\n".join(lines)


def _trained(problem: Problem, budget: str, attack_steps: int, seed: int) -> Run:
    return fit(
        problem,
        budget=budget,
        targets=[f"robust_accuracy(pgd, eps={EPS}) >= 0.5"],
        policy=f"static(adversarial_share=1.0, attack=pgd, attack_steps={attack_steps})"
        if attack_steps
        else "static(adversarial_share=0.0)",
        model=MODEL,
        seed=seed,
    )


def _steps(made: Run) -> float:
    return float(made.history["step"].max())


def _fitted(problem: Problem) -> Fitted:
    """Return the rule's constants, from pilot runs."""
    losses = []
    for count in PILOTS:
        made = _trained(problem, f"time={count} steps", STEPS[-1], PILOT_SEED)
        losses.append(_loss(problem, made, STRONG))
    design = np.column_stack([np.ones(len(PILOTS)), 1 / np.sqrt(PILOTS)])
    dg = float(optimize.nnls(design, np.array(losses))[0][1])
    plain = _trained(problem, f"time={PILOTS[-1]} steps", 0, PILOT_SEED)
    most = _loss(problem, plain, STRONG)
    unfound = [most - _loss(problem, plain, k) for k in STEPS[:-1]]
    kept = [(k, math.log(left)) for k, left in zip(STEPS, unfound, strict=False) if left > 1e-5]
    (g0, rho), _ = optimize.curve_fit(
        lambda k, g0, rho: g0 * rho**k,
        STEPS[:-1],
        unfound,
        p0=(unfound[0], 0.5),
        bounds=((1e-9, 1e-9), (np.inf, 1 - 1e-9)),
    )
    slope, start = np.polyfit(*zip(*kept, strict=True), 1)
    middle = BUDGETS[1]
    bought = _steps(_trained(problem, f"time={middle:g} flops", STEPS[-1], PILOT_SEED))
    cost = middle / (bought * (STEPS[-1] + 1))
    return Fitted(dg, (float(g0), float(rho)), (math.exp(start), math.exp(slope)), cost, tuple(losses), tuple(unfound))


def _loss(problem: Problem, made: Run, attack_steps: int) -> float:
    """Return the mean cross-entropy of monitor rows under PGD of so many steps; 0 are no attack."""
    part = problem.splits["monitor"]
    x, y = torch.from_numpy(part.x), torch.from_numpy(part.y).long()
    rows = torch.arange(len(y))
    answer = PlainVictim(layers_of(made), x, torch.zeros(len(y)), len(problem.domain.lower)).bind(rows)
    points = x[:, : len(problem.domain.lower)]
    if attack_steps:
        generator = torch.Generator().manual_seed(0)
        points = training_pgd(attack_steps).run(Objective(answer, y), reach(problem.domain, x, EPS), generator)[0]
    with torch.no_grad():
        return float(torch.nn.functional.softplus((1 - 2 * y) * answer(points)).mean())


def _listed(values: tuple[float, ...]) -> str:
    return ", ".join(f"{value:.4f}" for value in values)


def _interval(values: np.ndarray) -> str:
    half = stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / math.sqrt(len(values))
    return f"{values.mean():.4f} ± {half:.4f}"
