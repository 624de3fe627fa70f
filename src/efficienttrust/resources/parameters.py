"""How many numbers a model has learned, and the bytes it takes on disk."""

from __future__ import annotations

import io
import os
import pickle
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from efficienttrust.errors import UsageError


@dataclass(frozen=True)
class ParameterCount:
    """The learned numbers of a model.

    Attributes:
        total: All of them.
        nonzero: Those that are not zero; None when their values are not known.
        note: What the count leaves open; empty when it is exact.
    """

    total: int
    nonzero: int | None
    note: str = ""


def count_estimator_parameters(estimator: object) -> ParameterCount:
    """Estimate the parameters of a fitted scikit-learn estimator or pipeline from the arrays it holds.

    Counted are the elements of floating-point arrays and sparse matrices in fitted attributes (`coef_`, `_fit_X`, …),
    of the estimators inside it too, each array once. A tree counts its nodes: a node is a threshold or a leaf.
    Class names, diagnostics of the fit (`feature_importances_`, …) and hyperparameters do not count.
    """
    total = nonzero = 0
    for count, filled in _arrays(estimator, set(), inside=False):
        total += count
        nonzero += filled
    return ParameterCount(
        total, nonzero, "parameters are an estimate: the floating-point arrays of the fitted estimator, nodes of trees"
    )


_NOT_LEARNED = frozenset(
    {
        *("classes_", "class_weight_", "train_score_", "validation_score_", "validation_scores_", "cv_results_"),
        *("feature_importances_", "estimator_errors_", "oob_improvement_", "oob_scores_", "oob_prediction_"),
        *("oob_decision_function_", "loss_curve_", "intercept_init_", "coef_init_", "scores_", "pvalues_"),
    }
)
_PRIVATE_STATE = frozenset({"_fit_X", "_predictors", "_baseline_prediction", "_final_estimator", "_estimator"})


def _arrays(value: Any, seen: set[int], *, inside: bool) -> Iterator[tuple[int, int]]:
    """Yield (elements, nonzero elements) of what was fitted; `inside` a fitted attribute, or a parameter of one."""
    if isinstance(value, str | bytes | int | float | type) or value is None or id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, np.ndarray) and value.dtype == object:
        value = value.ravel().tolist()
    if isinstance(value, np.ndarray):
        if inside and value.dtype.kind == "f":
            yield value.size, int(np.count_nonzero(value))
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _arrays(part, seen, inside=inside)
    elif isinstance(value, list | tuple | set | frozenset):
        for part in value:
            yield from _arrays(part, seen, inside=inside)
    elif (nodes := _nodes(value)) is not None:
        yield nodes, nodes
    elif inside and hasattr(value, "nnz") and hasattr(value, "dtype"):  # a scipy sparse matrix
        yield int(np.prod(value.shape)), int(value.count_nonzero())
    else:
        yield from _attributes(value, seen)


def _attributes(value: Any, seen: set[int]) -> Iterator[tuple[int, int]]:
    state = getattr(value, "__dict__", {})
    for name, part in state.items():
        if name in _NOT_LEARNED or (name.startswith("_") and name not in _PRIVATE_STATE):
            continue
        fitted = name.endswith("_") or name in _PRIVATE_STATE
        yield from _arrays(part, seen, inside=fitted)


def _nodes(value: Any) -> int | None:
    """Return the number of nodes of a tree of scikit-learn, None for anything else."""
    count = getattr(value, "node_count", None)
    if isinstance(count, int) and hasattr(value, "threshold"):
        return count
    nodes = getattr(value, "nodes", None)  # of histogram-based boosting
    if isinstance(nodes, np.ndarray) and nodes.dtype.names and "num_threshold" in nodes.dtype.names:
        return len(nodes)
    return None


def size_on_disk(path: str | os.PathLike[str]) -> int:
    """Return the bytes of a model file with the external data an ONNX file names, or of all files in a folder."""
    path = Path(path)
    try:
        if path.is_dir():
            return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
        return path.stat().st_size + sum((path.parent / name).stat().st_size for name in _external_files(path))
    except OSError as error:
        raise UsageError(f"cannot read the size of {error.filename or path}: {error.strerror or error}.") from error


def _external_files(path: Path) -> set[str]:
    if path.suffix != ".onnx":
        return set()
    import onnx

    graph = onnx.load(path, load_external_data=False).graph
    return {entry.value for value in graph.initializer for entry in value.external_data if entry.key == "location"}


def pickled_size(value: object) -> int:
    """Return the bytes an object takes when pickled (as joblib does without compression, up to some padding)."""
    sink = ByteCounter()
    pickle.Pickler(sink, protocol=pickle.HIGHEST_PROTOCOL).dump(value)
    return sink.size


class ByteCounter(io.RawIOBase):
    """A file that keeps only the number of bytes written to it, so that measuring a size needs no second copy."""

    def __init__(self) -> None:
        super().__init__()
        self.size = 0

    def writable(self) -> bool:
        """Say that it may be written to."""
        return True

    def write(self, data: Any) -> int:
        """Count the bytes."""
        count = memoryview(data).nbytes
        self.size += count
        return count
