"""From what people have (lists, arrays, series, data frames, names instead of codes) to the columns of an `Outcome`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from numbers import Real
from typing import Any, cast

import numpy as np

from efficienttrust.errors import UsageError, unknown_name
from efficienttrust.metrics.values import TASKS, Array, Outcome


def outcome_from(
    y: Any,
    prediction: Any = None,
    *,
    score: Any = None,
    groups: Any = None,
    weight: Any = None,
    task: str | None = None,
    classes: Sequence[object] | None = None,
) -> Outcome:
    """Return the outcome that columns of any kind describe.

    Args:
        y: Labels: a list, an array or a series of numbers, truth values or names; [n, K] of 0 and 1 for many labels.
        prediction: Decisions of the same kind; without them, what the scores say: above 0.5, or the highest.
        score: Probabilities [n] of the positive class, or [n, K]; for two classes their second column is taken.
        groups: One label per row, or a mapping (or data frame) of attribute -> labels; labels that are missing
            leave their rows out of group metrics.
        weight: Weights of the rows, 0 or more.
        task: `binary`, `multiclass`, `multilabel` or `regression`. Without it: two-dimensional labels are `multilabel`;
            labels or predictions with fractions are `regression`; 0 and 1, -1 and 1, truth values, or two `classes`
            are `binary`; anything else is `multiclass`.
        classes: The classes in the order of the columns of `score`; of two, the second is the positive one. Needed for
            two names, or where `y` may lack a class.

    Raises:
        UsageError: The columns contradict each other or the task, or there are no decisions and the scores are not
            probabilities that could be cut at 0.5.
    """
    outcome = read_columns(y, prediction, score=score, groups=groups, weight=weight, task=task, classes=classes)
    if prediction is None:
        refuse_undecided("an outcome", outcome)
    return outcome


def refuse_undecided(what: str, outcome: Outcome) -> None:
    """Refuse scores that cannot have been cut at 0.5: logits would be decided wrongly without a word."""
    if outcome.task in ("binary", "multilabel") and ((outcome.score < 0) | (outcome.score > 1)).any():
        raise UsageError(
            f"{what} needs decisions, and scores outside 0 to 1 cannot be cut at 0.5: pass prediction=, "
            "or probabilities as score="
        )


def read_columns(
    y: Any,
    prediction: Any = None,
    *,
    score: Any = None,
    groups: Any = None,
    weight: Any = None,
    task: str | None = None,
    classes: Sequence[object] | None = None,
) -> Outcome:
    """Return the outcome as `outcome_from` does, scores of any kind cut at 0.5: for who does not look at decisions."""
    labels, decided, scores = _array(y), *(None if part is None else _array(part) for part in (prediction, score))
    _refuse_gaps("y", labels)
    if task is not None and task not in TASKS:
        raise unknown_name("task", task, TASKS)
    found = task or _task(labels, decided, scores, classes)
    if decided is not None and found != "regression":
        _refuse_gaps("prediction", decided)
    if found == "binary" and scores is not None and scores.ndim == 2 and scores.shape[1] == 2:
        scores = scores[:, 1]
    scores = None if scores is None else _numbers("score", scores)
    if decided is None:
        if scores is None:
            raise UsageError("give prediction= or score=: there is nothing to compare y with")
        decided, coded = _decide(found, scores), True
    else:
        coded = False
    names: tuple[str, ...] = () if classes is None else tuple(str(name) for name in classes)
    if found == "regression":
        labels, decided = _numbers("y", labels), _numbers("prediction", decided)
        scores = decided
    elif found == "multilabel":
        labels, decided = (_zeros_and_ones(name, part) for name, part in (("y", labels), ("prediction", decided)))
    else:
        known = _classes(found, labels, None if coded else decided, scores, classes)
        labels = _codes("y", labels, known)
        decided = decided if coded else _codes("prediction", decided, known)
        names = tuple(str(name) for name in known)
    if scores is None:
        wide = (len(labels), len(names) or labels.shape[-1]) if found in ("multiclass", "multilabel") else labels.shape
        scores = np.broadcast_to(np.nan, wide)
    codes, group_names, attributes = _groups(groups, len(labels))
    try:
        return Outcome(
            y=labels,
            prediction=decided,
            score=scores,
            groups=codes,
            group_names=group_names,
            attributes=attributes,
            weight=None if weight is None else _weights(weight),
            task=found,
            classes=names,
        )
    except ValueError as error:
        raise UsageError(str(error)) from None


def _array(values: Any) -> Array:
    array = _with_gaps(values)
    if array.dtype == object and all(isinstance(value, (bool, np.bool_, Real)) for value in array.ravel()):
        return array.astype(np.float64)
    return array


def _with_gaps(values: Any) -> Array:
    """Return values as an array in which what is missing stays so: numpy makes a name, `nan`, of a gap among names."""
    array = np.asarray(values)
    if array.dtype.kind == "U" and isinstance(values, list | tuple):
        return np.array(values, dtype=object) if any(value != value for value in values) else array
    return array


def _refuse_gaps(name: str, values: Array) -> None:
    if values.dtype.kind not in "fO":
        return
    import pandas as pd

    if (gaps := pd.isna(values)).any():
        row = int(np.argmax(gaps.reshape(len(values), -1).any(axis=1)))
        raise UsageError(f"{name} has no value in row {row}: leave out the rows without one")


def _numbers(name: str, values: Array) -> Array:
    try:
        return values.astype(np.float64, copy=False)
    except (TypeError, ValueError):
        odd = next(value for value in values.ravel().tolist() if not _is_number(value))
        raise UsageError(f"{name} holds {odd!r}, which is not a number") from None


def _is_number(value: object) -> bool:
    try:
        float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False
    return True


def _task(y: Array, prediction: Array | None, score: Array | None, classes: Sequence[object] | None) -> str:
    if y.ndim == 2:
        return "multilabel"
    if classes is not None:
        return "binary" if len(classes) == 2 else "multiclass"
    if any(
        part is not None and part.dtype.kind == "f" and np.any(part[np.isfinite(part)] % 1 != 0)
        for part in (y, prediction)
    ):
        return "regression"
    if score is not None and score.ndim == 2 and score.shape[1] > 2:
        return "multiclass"
    if y.dtype.kind in "biuf":
        distinct = set(np.unique(y).tolist())
        return "binary" if distinct <= {0, 1} or distinct <= {-1, 1} else "multiclass"
    return "multiclass"


def _decide(task: str, scores: Array) -> Array:
    if task == "regression":
        return scores
    if task == "multiclass" and scores.ndim == 2:
        return np.asarray(scores.argmax(axis=1))
    return (scores > 0.5).astype(np.int8)


def _zeros_and_ones(name: str, values: Array) -> Array:
    numbers = _numbers(name, values)
    odd = numbers[(numbers != 0) & (numbers != 1)]
    if odd.size:
        raise UsageError(f"{name} holds {odd.flat[0]:g}: several labels are 0 or 1 each; pass probabilities as score=")
    return numbers.astype(np.int8)


def _classes(
    task: str, y: Array, prediction: Array | None, score: Array | None, classes: Sequence[object] | None
) -> list[object]:
    """Return the classes in the order of their codes."""
    if classes is not None:
        if task == "binary" and len(classes) != 2:
            raise UsageError(f"a binary task has 2 classes, not {len(classes)}")
        return list(classes)
    if prediction is not None and (y.dtype.kind in "biuf") != (prediction.dtype.kind in "biuf"):
        raise UsageError("of y and prediction one holds names and the other numbers: name the classes as classes=")
    seen = np.unique(np.concatenate([part.ravel() for part in (y, prediction) if part is not None])).tolist()
    columns = score.shape[1] if score is not None and score.ndim == 2 else None
    if task == "binary":
        odd = [value for value in seen if value not in (-1, 0, 1)]
        if odd and y.dtype.kind in "biuf" and not set(odd) & set(np.unique(y).tolist()):
            raise UsageError(f"prediction holds {odd[0]!r}: decisions are 0 or 1; pass probabilities as score=")
        if odd or {-1, 0} <= set(seen):
            raise UsageError(
                f"y holds {odd[0] if odd else -1!r}: name both classes, the positive one last, as classes="
            )
        return [-1, 1] if -1 in seen else [0, 1]
    if columns is not None and y.dtype.kind in "biuf" and set(seen) <= set(range(columns)):
        return list(range(columns))
    if columns is not None and len(seen) != columns:
        raise UsageError(
            f"score has {columns} columns, y and prediction hold {len(seen)} classes: name them as classes="
        )
    if len(seen) == 2 and not isinstance(seen[0], (int, float)):
        raise UsageError(f"which is positive? write classes=({seen[0]!r}, {seen[1]!r}), the positive one last")
    return list(seen)


def _codes(name: str, values: Array, classes: list[object]) -> Array:
    """Return the position of each value among the classes; whole numbers are codes where the classes are names."""
    if values.ndim != 1:
        raise UsageError(f"{name} has the shape {list(values.shape)}: give one value a row")
    if values.dtype.kind in "biuf" and all(isinstance(known, str) for known in classes):
        classes = list(range(len(classes)))
    coded = classes == list(range(len(classes))) and values.dtype.kind in "biu"
    if coded and (len(values) == 0 or (values.min() >= 0 and values.max() < len(classes))):
        return values.astype(np.int64, copy=False)
    distinct, inverse = np.unique(values, return_inverse=True)
    place = {known: code for code, known in enumerate(classes)}
    unknown = [value for value in distinct.tolist() if value not in place]
    if unknown:
        shown = ", ".join(str(known) for known in classes[:6]) + (", …" if len(classes) > 6 else "")
        raise UsageError(f"{name} holds {unknown[0]!r}, which is none of the classes {shown}")
    return np.array([place[value] for value in distinct.tolist()], dtype=np.int64)[inverse]


def _weights(values: Any) -> Array:
    weight = _numbers("weight", np.asarray(values))
    if not (np.isfinite(weight).all() and (weight >= 0).all() and (weight.size == 0 or weight.any())):
        raise UsageError("weight must hold numbers of at least 0, not all of them 0")
    return weight


def _groups(groups: Any, n: int) -> tuple[Array, tuple[str, ...], dict[str, tuple[Array, tuple[str, ...]]]]:
    """Return (codes of the intersections, their names, attribute -> (codes, names))."""
    if groups is None:
        return np.full(n, -1), (), {}
    if hasattr(groups, "columns") or isinstance(groups, Mapping):
        keys: Iterable[Any] = groups.columns if hasattr(groups, "columns") else groups
        attributes = {str(key): _group_codes(groups[key], n) for key in keys}
    else:
        name = getattr(groups, "name", None)
        attributes = {name if isinstance(name, str) and name else "group": _group_codes(groups, n)}
    if not attributes:
        raise UsageError("groups holds no attribute")
    codes, names = next(iter(attributes.values()))
    if len(attributes) > 1:
        known = np.all([own >= 0 for own, _ in attributes.values()], axis=0)
        together, parts = np.zeros(np.count_nonzero(known), dtype=np.int64), [cast("tuple[str, ...]", ())]
        for own, labels in attributes.values():  # only what occurs is named: all combinations may be billions
            occurring, together = np.unique(together * len(labels) + own[known], return_inverse=True)
            parts = [(*parts[code // len(labels)], labels[code % len(labels)]) for code in occurring]
        codes = np.full(n, -1)
        codes[known], names = together, tuple(map(" & ".join, parts))
    return codes, names, attributes


def _group_codes(labels: Any, n: int) -> tuple[Array, tuple[str, ...]]:
    import pandas as pd

    values = _with_gaps(labels)
    if values.ndim != 1 or len(values) != n:
        raise UsageError(f"groups has the shape {list(values.shape)}, y has {n} rows: give one label a row")
    codes, distinct = pd.factorize(values)
    found = list(distinct)
    try:
        order = sorted(range(len(found)), key=lambda code: found[code])
    except TypeError:  # labels of several kinds
        order = sorted(range(len(found)), key=lambda code: str(found[code]))
    place = np.empty(len(order) + 1, dtype=np.int64)
    place[order] = np.arange(len(order))
    place[-1] = -1
    return place[codes], tuple(str(found[code]) for code in order)
