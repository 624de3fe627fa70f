"""scikit-learn estimators and pipelines, and whatever follows their protocol."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from efficienttrust.errors import UsageError, did_you_mean
from efficienttrust.evaluation.subjects._build import build_subject, read_outputs
from efficienttrust.evaluation.subjects._classes import texts_of
from efficienttrust.evaluation.subjects._layouts import (
    Layout,
    Wish,
    columns_layout,
    encoded_layout,
    matrix_layout,
    offered_columns,
)
from efficienttrust.evaluation.subjects._outputs import Kind, Raw
from efficienttrust.evaluation.subjects._rows import Inputs, Rows
from efficienttrust.evaluation.subjects._subject import Subject
from efficienttrust.resources.parameters import count_estimator_parameters, pickled_size

Methods = tuple[tuple[str, Kind], ...]
METHODS: Methods = (("predict_proba", "probabilities"), ("decision_function", "logits"))


@dataclass(frozen=True, eq=False)
class SklearnModel:
    """A fitted estimator that runs.

    Attributes:
        estimator: The estimator.
        layout: What it is fed.
        names: Names of the encoded columns, when it was fitted on a frame of them.
        method: What gives its numbers, or an empty text.
        meaning: What these are.
        classes: Its classes as texts.
        decides: Whether its own decisions are asked for too, and not only its numbers.
    """

    estimator: Any
    layout: Layout
    names: tuple[str, ...]
    method: str
    meaning: Kind
    classes: tuple[str, ...] | None
    decides: bool = True

    def prepare(self, inputs: Inputs) -> Any:
        """Return the frame or matrix that the estimator takes."""
        if self.layout.kind == "columns":
            return self.layout.frame(inputs)
        matrix = self.layout.matrix(inputs)
        if not self.names:
            return matrix
        import pandas as pd

        return pd.DataFrame(matrix, columns=list(self.names))

    def run(self, prepared: Any) -> Raw:
        """Return probabilities or decision values, and decisions."""
        try:
            with warnings.catch_warnings():  # what it warned of when it was fitted is not the auditor's to repeat
                warnings.simplefilter("ignore")
                labels = np.asarray(self.estimator.predict(prepared)) if self.decides else None
                values = np.asarray(getattr(self.estimator, self.method)(prepared)) if self.method else None
        except Exception as error:  # an estimator may raise anything
            raise UsageError(
                f"{type(self.estimator).__name__} could not answer these rows: {' '.join(str(error).split())[:200]}"
            ) from error
        if labels is not None and labels.ndim == 2 and labels.shape[1] == 1:
            labels = labels[:, 0]
        if labels is not None and labels.ndim != 1:
            raise UsageError(f"the model decides {list(labels.shape[1:])} values a row; one class a row is needed")
        return Raw(values, labels, self.classes, self.meaning)


def open_sklearn(
    estimator: Any,
    rows: Rows,
    wish: Wish,
    *,
    name: str,
    source: str,
    size_bytes: int | None = None,
    notes: tuple[str, ...] = (),
) -> Subject:
    """Open a fitted estimator.

    Raises:
        UsageError: It is no fitted classifier (of a label that is a number: regressor), or was fitted on other columns
            or labels.
    """
    _refuse_another_task(estimator, rows)
    layout, names = _layout(estimator, rows, wish)
    of_numbers = rows.task == "regression"
    methods: Methods = (("predict", "numbers"),) if of_numbers else METHODS
    method, meaning = next(
        ((method, kind) for method, kind in methods if callable(_attribute(estimator, method))), ("", "decisions")
    )
    known = None if of_numbers else _attribute(estimator, "classes_")
    classes = None if known is None else texts_of(np.asarray(known).tolist())
    model = SklearnModel(estimator, layout, names, method, meaning, classes, decides=not of_numbers)
    reading = read_outputs(model, rows)
    facts = {"estimator": _described(estimator), "numbers from": method or "predict: decisions only"}
    no_probabilities = (
        "scores are the sigmoid or softmax of decision values: log loss, Brier score and calibration judge that sigmoid"
    )
    return build_subject(
        replace(model, decides=reading.decides),
        rows,
        name=name,
        source=source,
        kind="sklearn",
        inputs=layout.text,
        encoded=layout.kind == "encoded",
        size_bytes=_size(estimator) if size_bytes is None else size_bytes,
        parameters=count_estimator_parameters(estimator).total,
        reading=reading,
        facts=facts,
        notes=(*notes, layout.note, no_probabilities if method == "decision_function" else ""),
        artefact=estimator,
    )


def is_estimator(thing: object) -> bool:
    """Return whether an object follows scikit-learn's protocol."""
    return callable(getattr(thing, "predict", None)) and callable(getattr(thing, "fit", None))


def _refuse_another_task(estimator: Any, rows: Rows) -> None:
    """Raise `UsageError` for what is not fitted, for a regressor of classes, and for a classifier of numbers."""
    if isinstance(estimator, type):
        raise UsageError(f"{estimator.__name__} is a class, not a fitted estimator: fit one and give that")
    if not callable(getattr(estimator, "predict", None)):
        raise UsageError(f"a {type(estimator).__name__} is no model: it has no predict")
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    name = type(estimator).__name__
    if rows.task == "regression" and _is_a("classifier", estimator):
        raise UsageError(f"{name} is a classifier, but the label {rows.problem.label!r} is a number: give a regressor")
    if rows.task != "regression" and _is_a("regressor", estimator):
        raise UsageError(
            f"{name} is a regressor, the data have classes {', '.join(map(repr, rows.classes[:4]))}"
            + (": for a label that is a number add --task regression" if rows.kind == "table" else "")
        )
    try:
        if hasattr(estimator, "get_params"):
            check_is_fitted(estimator)
    except NotFittedError:
        raise UsageError(f"{type(estimator).__name__} is not fitted: fit it before it is audited") from None
    except TypeError:  # not of scikit-learn, so whether it is fitted shows when it answers
        return


def _is_a(kind: Literal["classifier", "regressor"], estimator: Any) -> bool:
    from sklearn.base import is_classifier, is_regressor

    if _attribute(estimator, "_estimator_type") == kind:
        return True
    ask = is_classifier if kind == "classifier" else is_regressor
    return hasattr(estimator, "__sklearn_tags__") and bool(ask(estimator))


def _layout(estimator: Any, rows: Rows, wish: Wish) -> tuple[Layout, tuple[str, ...]]:
    who = type(estimator).__name__
    if rows.kind == "image":
        raise UsageError(f"{who} takes rows of a table, the data are images: give a table, or a torch or ONNX model")
    fitted = _attribute(estimator, "feature_names_in_")
    if fitted is not None:
        names = tuple(map(str, fitted))
        if set(names) <= set(rows.inputs.columns) and wish != "encoded":
            return columns_layout(names), ()
        if set(names) == set(rows.problem.encoder.feature_names) and len(names) == rows.problem.encoder.n_features:
            if names == rows.problem.encoder.feature_names:
                return encoded_layout(rows), names
            raise UsageError(f"{who} was fitted on the encoded columns in another order: fit it on problem.splits[…].x")
        lacking = next((name for name in names if name not in rows.inputs.columns), names[0])
        raise UsageError(
            f"{who} was fitted on {len(names)} columns; the table has no column {lacking!r}."
            f"{did_you_mean(lacking, map(str, rows.inputs.columns))}"
        )
    width = _attribute(estimator, "n_features_in_")
    if width is None and wish != "encoded":
        return columns_layout(offered_columns(rows)), ()
    return matrix_layout(rows, None if width is None else int(width), wish, who), ()


def _attribute(estimator: Any, name: str) -> Any:
    """Return an attribute, None where reading it fails: a pipeline asks its steps, which may not have it."""
    try:
        return getattr(estimator, name, None)
    except Exception:  # raised by a property of somebody else's class
        return None


def _described(estimator: Any) -> str:
    steps = [type(step).__name__ for _name, step in _attribute(estimator, "steps") or ()]
    return f"{type(estimator).__name__}({' -> '.join(steps)})" if steps else type(estimator).__name__


def _size(estimator: Any) -> int | None:
    try:
        return pickled_size(estimator)
    except Exception:  # an estimator of somebody else's that cannot be pickled has no size on disk
        return None
