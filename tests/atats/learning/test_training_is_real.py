"""The training of micro-tasks: its step is the gradient of the stated loss, and more training learns more."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from efficienttrust.atats import TrustAction, make_policy
from efficienttrust.atats.learning import MicroRuns, draw_tasks
from efficienttrust.atats.learning._linear import LinearRules
from efficienttrust.atats.learning._tasks import Task
from tests.atats.learning.quick import quick_tasks

BATCH = 32


def first_batch(task: Task) -> tuple[LinearRules, np.ndarray, np.ndarray, np.ndarray]:
    rules = LinearRules(1, BATCH)
    rules.begin(0, task)
    return rules, *(one[0, :BATCH].astype(np.float64) for one in (rules._x, rules._y, rules._group))


@pytest.mark.parametrize(("share", "weight"), [(0.0, 0.0), (1.0, 0.0), (0.5, 0.0), (0.25, 0.8)])
def test_a_step_follows_the_gradient_of_the_stated_loss(share: float, weight: float) -> None:
    task = draw_tasks(1, 1)[0]
    rules, x, y, group = first_batch(task)
    w, b = (one[0] for one in rules.weights(np.array([0])))
    attacked = np.arange(BATCH) < round(share * BATCH)

    def loss(parameters: np.ndarray) -> float:
        weights, intercept = parameters[:-1], parameters[-1]
        moved = x - attacked[:, None] * task.eps * np.sign(weights) * y[:, None]
        z = moved @ weights + intercept
        score = 1 / (1 + np.exp(-z))
        gap = score[group == 1].mean() - score[group == 0].mean()
        return float(np.logaddexp(0, -y * z).mean() + weight * abs(gap))

    at, h = np.append(w, b), 1e-5
    features = [*range(task.features), len(w)]
    numeric = np.zeros_like(at)
    for place in features:
        up, down = at.copy(), at.copy()
        up[place], down[place] = up[place] + h, down[place] - h
        numeric[place] = (loss(up) - loss(down)) / (2 * h)
    action = TrustAction(lambda_fair=weight, adversarial_share=share)
    told = rules.train(np.array([0]), np.array([1]), np.zeros((1, 2)), [action], np.random.default_rng(0))
    after = np.append(*rules.weights(np.array([0])))
    np.testing.assert_allclose((at - after) / task.rate, numeric, atol=2e-4)
    assert told[0] == pytest.approx(loss(at) - weight * _gap(x, y, group, attacked, w, b, task.eps), abs=1e-4)


def _gap(x, y, group, attacked, w, b, eps):  # type: ignore[no-untyped-def]
    score = 1 / (1 + np.exp(-((x - attacked[:, None] * eps * np.sign(w) * y[:, None]) @ w + b)))
    return abs(score[group == 1].mean() - score[group == 0].mean())


def outcomes(policy: str, tasks: list[Task]) -> MicroRuns:
    runs = MicroRuns(tasks, [make_policy(policy) for _ in tasks], seed=0)
    while not runs.finished.all():
        runs.decide()
    return runs


def test_attacks_buy_robustness_and_the_penalty_buys_parity() -> None:
    tasks = [replace(task, fairness_bound=0.0, robustness_bound=1.0, aware=False) for task in draw_tasks(2, 12)]
    exact = {
        text: outcomes(f"static({text})", tasks).exact.mean(axis=0)
        for text in ("lambda_fair=0, adversarial_share=0", "lambda_fair=0, adversarial_share=1",
                     "lambda_fair=2, adversarial_share=0")
    }  # fmt: skip
    plain, attacked, penalised = exact.values()
    assert attacked[2] > plain[2] + 0.01
    assert penalised[1] < 0.6 * plain[1]


def test_no_run_spends_more_than_its_budget_and_attacks_cost_steps() -> None:
    tasks = [replace(task, cost_ratio=4.0, cost_jitter=0.0) for task in quick_tasks(4, 12, budget=300)]
    plain = outcomes("static(lambda_fair=0, adversarial_share=0)", tasks)
    attacked = outcomes("static(lambda_fair=0, adversarial_share=1)", tasks)
    for runs in (plain, attacked):
        assert all(outcome is not None and outcome.overspend == 0.0 for outcome in runs.outcomes)
        assert all(runs.spent <= [plan.end + 1e-9 for plan in runs.plans])
    called = [not np.isnan(task.robustness_bound) and plan.attack != "noise"
              for task, plan in zip(tasks, plain.plans, strict=True)]  # fmt: skip
    assert sum(called) > 3
    assert all(attacked.steps[called] < 0.4 * plain.steps[called])


def test_the_same_seed_gives_the_same_runs_and_another_gives_others() -> None:
    first, again, other = (outcomes("plan", quick_tasks(seed, 6)).outcomes for seed in (7, 7, 8))
    assert first == again
    assert first != other
