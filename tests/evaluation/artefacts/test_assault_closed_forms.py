"""Where the worst case is known, the assault finds it: linear models in closed form, trees by brute force."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
import torch
from shipped_worlds import all_rows, images, labelled, linear, table
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from torch import nn

from efficienttrust.data import load_problem
from efficienttrust.evaluation.artefacts import assault
from efficienttrust.evaluation.subjects import open_subject

RADII = {"linf": [0.01, 0.03], "l2": [0.04, 0.12]}
BORDER = {"linf": 1e-5, "l2": 5e-3}
"""Of eps times the dual norm: a descent in L2 approaches the worst direction and does not jump to it."""


def exact(model: nn.Sequential, rows, eps: float, norm: str) -> tuple[np.ndarray, np.ndarray]:
    """Return (stands, is clear of the border) of a linear model: each margin against eps times the dual norm."""
    weight, x, y = model[1].weight, torch.from_numpy(rows.x), torch.from_numpy(rows.y)
    with torch.no_grad():
        z = model(x)
        gap = z.gather(1, y[:, None]) - z
        order = 1 if norm == "linf" else 2
        dual = torch.linalg.vector_norm(weight[y][:, None] - weight[None], ord=order, dim=2)
        slack = torch.where(torch.arange(z.shape[1]) == y[:, None], torch.inf, gap - eps * dual).amin(1)
    return (slack > 0).numpy(), (slack.abs() > BORDER[norm] * eps * dual.amax(1)).numpy()


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize(("attack", "classes"), [("apgd_ce", 2), ("standard", 4)])
def test_a_linear_module_stands_exactly_where_its_margin_exceeds_the_dual_norm(norm, attack, classes):
    model = linear(classes)
    rows = labelled(images(60 if attack == "standard" else 200, classes), model)
    found = assault(open_subject(model, rows), rows, RADII[norm], attack=attack, norm=norm)
    for eps, right in zip(RADII[norm], found.right, strict=True):
        stands, clear = exact(model, rows, eps, norm)
        assert clear.mean() > 0.98
        assert 0.02 < stands.mean() < 0.98
        assert np.array_equal(right[clear], stands[clear])


@pytest.mark.parametrize(("encoded", "norm", "most"), [(True, "linf", 400), (False, "linf", 150), (True, "l2", 60)])
def test_logistic_regression_falls_where_its_closed_form_says(encoded, norm, most):
    problem = table()
    rows, train = all_rows(problem).take(np.arange(most)), problem.splits["train"]
    estimator = LogisticRegression().fit(train.x, train.y)
    model = estimator if encoded else _of_raw_columns(estimator, problem)
    eps = [0.1, 0.3]
    found = assault(open_subject(model, rows), rows, eps, attack="standard" if norm == "l2" else "pgd", norm=norm)
    for radius, right in zip(eps, found.right, strict=True):
        stands, optimistic = _worst_of(estimator, problem, rows, radius, norm)
        assert not (right & ~optimistic & ~stands).any()  # a search cannot miss what one column can do
        assert (right != stands).sum() <= 1
        assert not (stands & ~right).any()  # what the closed form says stands cannot be fooled


def _of_raw_columns(estimator, problem):
    def score(frame: pd.DataFrame) -> np.ndarray:
        return estimator.predict_proba(problem.encoder.transform(frame))[:, 1]

    return score


def _worst_of(estimator, problem, rows, eps: float, norm: str) -> tuple[np.ndarray, np.ndarray]:
    """Return (stands under the exact worst case, stands when single columns are moved)."""
    domain, x = problem.domain, rows.x.astype(np.float64)
    p = len(domain.lower)
    weight, y = estimator.coef_[0][:p], 2 * rows.y - 1
    margin = y * estimator.decision_function(rows.x)
    numeric = x[:, :p]
    up = np.clip(domain.upper - numeric, 0, eps)
    down = np.clip(numeric - domain.lower, 0, eps)
    for column in range(p):
        if domain.step[column] > 0:
            unit = float(domain.step[column])
            up[:, column] = np.floor(up[:, column] / unit + 1e-4) * unit
            down[:, column] = np.floor(down[:, column] / unit + 1e-4) * unit
        if domain.indicator[column] >= 0:
            held = x[:, domain.indicator[column]] > 0
            up[held, column] = down[held, column] = 0
    loss = np.abs(weight) * np.where(y[:, None] * weight > 0, down, up)
    if norm == "linf":
        return margin - loss.sum(1) > 0, margin - loss.max(1) > 0
    # The best of the box within the ball, whole units aside: a bound that no allowed point can pass.
    reach = np.where(y[:, None] * weight > 0, down, up)
    worst = np.array([_box_and_ball(np.abs(weight), reach[row], eps) for row in range(len(x))])
    return margin - worst > 0, margin - loss.max(1) > 0


def _box_and_ball(weight: np.ndarray, reach: np.ndarray, eps: float) -> float:
    """Return the largest weight @ s with 0 <= s <= reach and |s| <= eps: clip along the gradient (water filling)."""
    if np.linalg.norm(reach) <= eps:
        return float(weight @ reach)
    low, high = 0.0, 1e6
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if np.linalg.norm(np.minimum(middle * weight, reach)) < eps else (low, middle)
    return float(weight @ np.minimum(low * weight, reach))


@pytest.fixture(scope="module")
def grid():
    """Trees on three columns that count things, so that every allowed point can be tried."""
    rng = np.random.default_rng(1)
    n = 200
    frame = pd.DataFrame({name: rng.integers(0, 12, n) for name in ("a", "b", "c")})
    frame["label"] = np.where((frame["a"] - 6) * (frame["b"] - 6) + rng.normal(0, 6, n) > 0, "yes", "no")
    frame["sex"] = rng.choice(["F", "M"], n)
    problem = load_problem(frame, label="label", positive="yes", sensitive="sex")
    rows = all_rows(problem)
    forest = RandomForestClassifier(5, max_depth=5, random_state=0)
    return problem, rows, forest.fit(rows.inputs[["a", "b", "c"]].iloc[:120], rows.y[:120])


@pytest.mark.parametrize("outputs", ["scores", "decisions"])
def test_trees_never_fall_below_brute_force_and_come_close_to_it(grid, outputs):
    problem, rows, forest = grid
    columns = ["a", "b", "c"]
    if outputs == "scores":
        model = forest
    else:

        def model(frame: pd.DataFrame) -> np.ndarray:
            return forest.predict(frame[columns])

    eps = 0.6  # two units of every column
    found = assault(open_subject(model, rows), rows, [eps], attack="pgd")
    stands = _brute_force(problem, rows, forest, eps)
    assert 0.1 < stands.mean() < found.clean_right.mean() - 0.1
    right = found.right[0]
    assert not (stands & ~right).any()
    assert (right & ~stands).sum() <= 2


def _brute_force(problem, rows, forest, eps: float) -> np.ndarray:
    scale = {feature.column: feature.scale for feature in problem.encoder.numeric}
    raw = rows.inputs[["a", "b", "c"]].to_numpy()
    low = np.array([feature.lower for feature in problem.encoder.numeric])
    high = np.array([feature.upper for feature in problem.encoder.numeric])
    assert [feature.column for feature in problem.encoder.numeric] == ["a", "b", "c"]
    units = [int(np.floor(eps * scale[name] + 1e-4)) for name in ("a", "b", "c")]
    stands = np.ones(len(raw), dtype=bool)
    for shift in itertools.product(*(range(-most, most + 1) for most in units)):
        moved = raw + np.array(shift)
        allowed = ((moved >= low) & (moved <= high)).all(1) | (np.array(shift) == 0).all()
        said = forest.predict(pd.DataFrame(moved, columns=["a", "b", "c"]))
        stands &= ~allowed | (said == rows.y)
    return stands
