"""Probabilities of the rows of a problem by quick, strong models of the other rows."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from efficienttrust.data import Problem
from efficienttrust.errors import UsageError, unknown_name
from efficienttrust.theory._cross_fitting import dealt_folds
from efficienttrust.theory._frontier_rows import Attribute, Codes, Floats

FOLDS = 5
MOST_ROWS = 60_000
NOT_TEST = ("train", "monitor", "calibrate", "certify")


@dataclass(frozen=True, eq=False)
class HeldOutScores:
    """Scores of rows that whatever made the scores has not seen; n rows, G groups.

    Attributes:
        scores: Probabilities of label 1 [n].
        y: Labels 0 or 1 [n].
        groups: Groups [n].
        weight: Weights [n], or None.
        group_probabilities: P(A = a | row) [n, G] or P(A = a | row, Y = y) [n, 2, G], the columns in rising order of
            the groups; None where a rule may read the group.
        model: What made them.
        log_loss: Of each model that was tried, on the rows that it did not see.
    """

    scores: ArrayLike
    y: ArrayLike
    groups: ArrayLike
    weight: ArrayLike | None = None
    group_probabilities: ArrayLike | None = None
    model: str = ""
    log_loss: Mapping[str, float] | None = None


def held_out_scores(
    problem: Problem,
    *,
    by: str = "",
    attribute: Attribute = "aware",
    splits: Sequence[str] = NOT_TEST,
    folds: int = FOLDS,
    seed: int = 0,
) -> HeldOutScores:
    """Return scores of the rows of a problem, each by a model of the other folds.

    Logistic regression and boosted trees (scikit-learn) are both fitted, and the one of the lower log loss on rows that
    it did not see is taken. Aware models read the group; blind ones do not, and a second model of the same kind gives
    P(A = a | x, Y = y). Of more than 60,000 rows that many are drawn. Rows of unknown group are left out.

    Args:
        problem: A table with two classes.
        by: Sensitive attribute; their intersections by default.
        attribute: Whether the group may be read.
        splits: Whose rows; the test split plays no part by default.
        folds: At least 2.
        seed: Of folds and models.

    Raises:
        UsageError: The problem is no table of two classes, a name is unknown, or a class is missing.
    """
    if problem.task != "binary" or problem.kind != "table":
        raise UsageError(
            f"{problem.name} is a {problem.task} problem of {problem.kind}s: a frontier needs a table of two"
        )
    if by and by not in problem.attribute_names:
        raise unknown_name("sensitive attribute", by, problem.attribute_names)
    if unknown := sorted(set(splits) - set(problem.splits)):
        raise unknown_name("split", unknown[0], problem.splits)
    if folds < 2:
        raise UsageError(f"folds is {folds}: rows can be held out of at least 2")
    parts = [problem.splits[name] for name in splits]
    codes = np.concatenate([part.codes[by] if by else part.groups for part in parts])
    chosen = np.flatnonzero(codes >= 0)
    if len(chosen) > MOST_ROWS:
        chosen = np.sort(np.random.default_rng(seed).permutation(chosen)[:MOST_ROWS])
    x = np.concatenate([part.x for part in parts])[chosen]
    y = np.concatenate([part.y for part in parts])[chosen].astype(np.int64)
    if len(np.unique(y)) < 2:
        raise UsageError(f"the rows of {', '.join(splits)} are all of one class: there is nothing to predict")
    weight = None
    if parts[0].weight is not None:
        weight = np.concatenate([np.asarray(part.weight, np.float64) for part in parts])[chosen]
    names = np.array(problem.attribute_names[by] if by else problem.group_names)
    present, codes = np.unique(names[codes[chosen]], return_inverse=True)
    fold = dealt_folds(y.astype(np.float64), codes, folds, seed)
    if attribute == "aware":
        x = np.concatenate([x, np.eye(len(present), dtype=x.dtype)[codes]], axis=1)
    tried = {name: _held_out(make, x, y, weight, fold, [x], 2, seed)[0] for name, make in MODELS.items()}
    loss = {name: _log_loss(y, found[:, 1], weight) for name, found in tried.items()}
    best = min(loss, key=loss.__getitem__)
    members = None
    if attribute == "blind":
        told = [np.concatenate([x, np.full((len(x), 1), label, x.dtype)], axis=1) for label in (0, 1)]
        read = np.concatenate([x, y[:, None].astype(x.dtype)], axis=1)
        members = np.stack(_held_out(MODELS[best], read, codes, weight, fold, told, len(present), seed), axis=1)
    return HeldOutScores(tried[best][:, 1], y, present[codes], weight, members, best, loss)


def _held_out(
    make: Callable[[int], Any],
    x: NDArray[np.float32],
    target: NDArray[np.int64],
    weight: Floats | None,
    fold: Codes,
    asked: Sequence[NDArray[np.float32]],
    k: int,
    seed: int,
) -> list[Floats]:
    """Return for each array of inputs the probabilities of k classes [n, k], by models of the other folds."""
    found = [np.zeros((len(target), k)) for _ in asked]
    for one in np.unique(fold):
        other, here = np.flatnonzero(fold != one), np.flatnonzero(fold == one)
        model = make(seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # one that did not converge is judged by its log loss, like any other
            model.fit(x[other], target[other], sample_weight=None if weight is None else weight[other])
        for answer, inputs in zip(found, asked, strict=True):
            answer[np.ix_(here, model.classes_)] = model.predict_proba(inputs[here])
    return found


def _log_loss(y: NDArray[np.int64], probability: Floats, weight: Floats | None) -> float:
    said = np.clip(np.where(y == 1, probability, 1 - probability), 1e-12, 1)
    return float(-np.average(np.log(said), weights=weight))


def _logistic(seed: int) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(max_iter=200, random_state=seed)


def _trees(seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(
        learning_rate=0.2,  # half the trees at twice the rate: half the time, and on Adult the log loss rises by 0.0001
        max_iter=50,
        max_leaf_nodes=16,
        l2_regularization=1.0,
        early_stopping=False,
        random_state=seed,
    )


MODELS: Mapping[str, Callable[[int], Any]] = {"logistic regression": _logistic, "boosted trees": _trees}
