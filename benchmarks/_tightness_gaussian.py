"""T3, T4 and T12 on real tables: what the Gaussian model, and the price of parity, say beside what is measured."""

from __future__ import annotations

import numpy as np

from efficienttrust import load_problem
from efficienttrust.data import Problem
from efficienttrust.theory import (
    dp_regression_price,
    gaussian_class_tradeoff,
    gaussian_robust_classifier,
    gaussian_robust_risk,
    linear_robust_error,
)

SEEDS = (0, 1, 2)
EPS = (0.0, 0.1, 0.25, 0.5)
CASES = (("adult", "sex"), ("compas", "race"))
ATTACK = 0.25  # of T12
ABOUT = f"""## The Gaussian model and the price of parity on real data (T3, T4, T12)

Numeric columns alone, in training standard deviations, linf balls without the table's domain; splits of seeds
{", ".join(map(str, SEEDS))}, mean (range). Means, covariance and base rate are those of the training rows, errors
are exact on the test rows (T5). *Model*: the error that the result states of these moments. *Its rule*: what that
very linear rule measures. *Logistic*: the best of four logistic regressions under that attack, chosen on test, which
flatters them."""


def run() -> str:
    """Return the section."""
    return "\n".join([ABOUT, "", *_robust(), "", *_classes(), "", *_price()])


def _robust() -> list[str]:
    lines = ["### T4: least robust error", "", "| data | eps | model | its rule | logistic |", "|---|---|---|---|---|"]
    for name, sensitive in CASES:
        found: dict[float, list[tuple[float, ...]]] = {eps: [] for eps in EPS}
        for seed in SEEDS:
            problem = load_problem(name, sensitive=sensitive, seed=seed)
            (x, y), (x_test, y_test) = _numeric(problem, "train"), _numeric(problem, "test")
            means = [x[y == label].mean(axis=0) for label in (0, 1)]
            centre, mu = (means[0] + means[1]) / 2, (means[1] - means[0]) / 2
            covariance = sum(np.cov(x[y == label].T, bias=True) * np.mean(y == label) for label in (0, 1))
            rules = _logistic(x, y)
            for eps in EPS:
                settings = {"pi": float(y.mean()), "covariance": covariance}
                rule = gaussian_robust_classifier(mu, eps, "linf", **settings)
                own = linear_robust_error(rule.w, float(rule.b) - float(rule.w @ centre), x_test, y_test, eps)
                best = min(float(linear_robust_error(w, b, x_test, y_test, eps)) for w, b in rules)
                model = float(gaussian_robust_risk(mu, eps, "linf", **settings))
                found[eps].append((model, float(own), best))
        lines += [f"| {name} | {eps} | {' | '.join(_spread(column) for column in zip(*rows, strict=True))} |"
                  for eps, rows in found.items()]  # fmt: skip
    return lines


def _classes() -> list[str]:
    lines = [
        f"### T12: errors of the classes along the best direction, rules against an attack of {ATTACK}",
        "",
        "| data | K | rule | model: narrow, wide | measured: narrow, wide | gap: model | gap: measured |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, sensitive in CASES:
        found: dict[str, list[tuple[float, ...]]] = {}
        for seed in SEEDS:
            problem = load_problem(name, sensitive=sensitive, seed=seed)
            (x, y), (x_test, y_test) = _numeric(problem, "train"), _numeric(problem, "test")
            within = sum(np.cov(x[y == label].T, bias=True) for label in (0, 1))
            w = np.linalg.solve(within, x[y == 1].mean(axis=0) - x[y == 0].mean(axis=0))
            z, z_test = x @ w, x_test @ w
            spread = [z[y == label].std() for label in (0, 1)]
            wide = int(spread[1] >= spread[0])
            middle = (z[y == 0].mean() + z[y == 1].mean()) / 2
            unit = spread[1 - wide] * (1 if wide else -1)  # so that the wide class lies above
            m = abs(z[y == 1].mean() - z[y == 0].mean()) / 2 / spread[1 - wide]
            k = spread[wide] / spread[1 - wide]
            found_rules = gaussian_class_tradeoff(m, k, ATTACK * np.abs(w).sum() / spread[1 - wide]).rules
            place, is_wide = (z_test - middle) / unit, (y_test == 1) == bool(wide)
            for rule, one in found_rules.items():
                if one.standard.vacuous:
                    continue
                says_wide = place > one.threshold
                measured = [float(says_wide[~is_wide].mean()), float((~says_wide)[is_wide].mean())]
                model = [float(error) for error in one.standard.value]
                found.setdefault(rule, []).append((k, *model, *measured))
        for rule, rows in found.items():
            k, *errors = np.mean(rows, axis=0)
            lines.append(
                f"| {name} | {k:.2f} | {rule} | {errors[0]:.3f}, {errors[1]:.3f} | {errors[2]:.3f}, {errors[3]:.3f} | "
                f"{errors[1] - errors[0]:+.3f} | {errors[3] - errors[2]:+.3f} |"
            )
    return lines


def _price() -> list[str]:
    from sklearn.ensemble import HistGradientBoostingRegressor

    lines = [
        "### T3: price of parity, Adult's hours a week by sex",
        "",
        "Predictions of boosted trees that read the sex; *price* is what the result says that parity adds to the mean",
        "squared error, *added* what the transformed predictions lose on the labels of the test rows.",
        "",
        "| unfairness that stays | squared error | price | added | largest gap of distributions before, after |",
        "|---|---|---|---|---|",
    ]
    for alpha in (0.0, 0.25):
        rows = []
        for seed in SEEDS:
            problem = load_problem("adult", label="hours-per-week", task="regression", sensitive="sex", seed=seed)
            train, test = problem.splits["train"], problem.splits["test"]
            model = HistGradientBoostingRegressor(early_stopping=False, random_state=seed)
            model.fit(np.column_stack([train.x, train.groups]), train.y)
            predicted = model.predict(np.column_stack([test.x, test.groups]))
            parts = [np.flatnonzero(test.groups == code) for code in range(len(problem.group_names))]
            bound = dp_regression_price([predicted[part] for part in parts], [len(part) for part in parts], alpha)
            moved = predicted.copy()
            for part, values in zip(parts, bound.details["transformed"], strict=True):
                moved[part] = values
            error = float(np.mean((test.y - predicted) ** 2))
            added = float(np.mean((test.y - moved) ** 2)) - error
            rows.append((error, float(bound), added, _apart(predicted, parts), _apart(moved, parts)))
        error, price, added, before, after = (_spread(column) for column in zip(*rows, strict=True))
        lines.append(f"| {alpha} | {error} | {price} | {added} | {before}, {after} |")
    return lines


def _apart(values: np.ndarray, parts: list[np.ndarray]) -> float:
    from scipy.stats import ks_2samp

    return float(ks_2samp(values[parts[0]], values[parts[1]]).statistic)


def _numeric(problem: Problem, split: str) -> tuple[np.ndarray, np.ndarray]:
    part = problem.splits[split]
    count = sum(column.kind in ("numeric", "integer") for column in problem.columns)
    return part.x[:, :count].astype(np.float64), part.y.astype(np.int64)


def _logistic(x: np.ndarray, y: np.ndarray) -> list[tuple[np.ndarray, float]]:
    from sklearn.linear_model import LogisticRegression

    models = [LogisticRegression(C=strength, max_iter=500).fit(x, y) for strength in (1e-4, 1e-3, 1e-2, 1.0)]
    return [(model.coef_[0], float(model.intercept_[0])) for model in models]


def _spread(values: tuple[float, ...]) -> str:
    return f"{np.mean(values):.4f} ({min(values):.4f}-{max(values):.4f})"
