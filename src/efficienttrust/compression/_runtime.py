"""Run the exported file as it is deployed: onnxruntime, one CPU thread, raw columns in."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from efficienttrust.compression._core import count_weights
from efficienttrust.compression._export import CLASSES_KEY, COLUMNS_KEY, FORMAT, FORMAT_KEY, TASK_KEY
from efficienttrust.compression._inputs import Input, columns_from_text, outputs_of
from efficienttrust.compression._sessions import open_session, read_file
from efficienttrust.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

_CHUNK = 1024  # rows per call of the session: bounds memory, keeps activations in the cache


@dataclass(frozen=True, eq=False)
class DeployedOutput:
    """What the file said, one entry per row.

    Attributes:
        score: Sigmoid of the logit, float32 [n]; of more classes their probabilities [n, K]; of a regression the
            predicted numbers [n].
        margin: Logit minus threshold and group term, float32 [n]; of more classes the lead of the largest logit; of a
            regression, which decides nothing, empty [0].
        decision: 1 where margin > 0, int64 [n]; of more classes the class code; of a regression empty [0].
    """

    score: npt.NDArray[np.float32]
    margin: npt.NDArray[np.float32]
    decision: npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Feeds:
    """A table converted once to what the file takes.

    Attributes:
        numeric: Raw numeric features, float64 [n, p], NaN = missing; columns in the order of the encoder.
        others: One array [n] for each further input: object with str ("" = missing), or float64 for a group by bands.
    """

    numeric: npt.NDArray[np.float64]
    others: tuple[npt.NDArray[Any], ...]

    def __len__(self) -> int:
        return len(self.numeric)


class DeployedModel:
    """An exported model, evaluated by onnxruntime on one CPU thread.

    Args:
        source: Path of the file, or its content.

    Attributes:
        inputs: What the file takes, in its order: numeric features, categorical ones, then what only tells the group.
        metadata: What the file says of itself, text to text.
        task: `binary`, `multiclass` or `regression`.
        classes: Names of the classes by code, of a multiclass model; else empty.
        size_bytes: Size of the file.
    """

    def __init__(self, source: str | os.PathLike[str] | bytes) -> None:
        content, name = (
            (source, "the model") if isinstance(source, bytes) else (read_file(Path(source)), os.fspath(source))
        )
        self._content = content
        self._session = open_session(content, name)
        self.metadata: Mapping[str, str] = dict(self._session.get_modelmeta().custom_metadata_map)
        _check_origin(self.metadata, [output.name for output in self._session.get_outputs()], name)
        self.inputs: tuple[Input, ...] = tuple(
            Input(value.name, column, value.type == "tensor(double)", feature)
            for value, (column, feature) in zip(
                self._session.get_inputs(), columns_from_text(self.metadata[COLUMNS_KEY]), strict=True
            )
        )
        self.task = self.metadata.get(TASK_KEY, "binary")
        self.classes: tuple[str, ...] = tuple(json.loads(self.metadata.get(CLASSES_KEY, "[]")))
        self._outputs = list(outputs_of(self.task))
        self._n_numeric = sum(entry.numeric and entry.feature for entry in self.inputs)
        self.size_bytes = len(content)

    @cached_property
    def n_parameters(self) -> int:
        """Number of learned values in the scorer and the group head; the vocabulary and the scaling do not count."""
        import onnx

        graph = onnx.load_model_from_string(self._content).graph
        count = count_weights(graph)
        for node in graph.node:
            if node.op_type == "TreeEnsembleRegressor":  # a threshold or a leaf value per node, and the baselines
                lists = {entry.name: entry for entry in node.attribute}
                count += len(lists["nodes_nodeids"].ints) + len(lists["base_values"].floats)
        return count

    def prepare(self, frame: pd.DataFrame) -> Feeds:
        """Convert a table to what the file takes, with the same casts as at training.

        Args:
            frame: Has at least the columns of the model; others are ignored.

        Returns:
            Feeds for `run_feeds`, which may be used many times.
        """
        known = [str(column) for column in frame.columns]
        cells = [_cells(_column(frame, known, entry.column), entry.numeric) for entry in self.inputs]
        p = self._n_numeric
        numeric = np.stack(cells[:p], axis=1) if p else np.zeros((len(frame), 0))
        return Feeds(numeric, tuple(cells[p:]))

    def run(self, frame: pd.DataFrame) -> DeployedOutput:
        """Score and decide every row of a table of raw columns."""
        return self.run_feeds(self.prepare(frame))

    def run_feeds(
        self,
        feeds: Feeds,
        *,
        numeric: npt.NDArray[np.float64] | None = None,
        rows: npt.NDArray[np.int64] | None = None,
    ) -> DeployedOutput:
        """Score and decide prepared rows, or the same rows with other numeric values (an attack on the file).

        Args:
            feeds: From `prepare`.
            numeric: Raw numeric values to use instead, float64 [m, p], one per row that is run.
            rows: Which rows of the feeds to run, int64 [m]; all when None.

        Returns:
            Output of the m rows, in the order of `rows`.
        """
        count = len(feeds) if rows is None else len(rows)
        if numeric is not None and numeric.shape != (count, feeds.numeric.shape[1]):
            raise ValueError(f"numeric has shape {numeric.shape}, want {(count, feeds.numeric.shape[1])}")
        parts = []
        for start in range(0, count, _CHUNK):
            chunk = slice(start, min(start + _CHUNK, count))
            chosen: Any = chunk if rows is None else rows[chunk]
            values = feeds.numeric[chosen] if numeric is None else numeric[chunk]
            parts.append(
                self._session.run(self._outputs, self._feed(values, [cells[chosen] for cells in feeds.others]))
            )
        none, nothing = np.zeros(0, dtype=np.float32), np.zeros(0, dtype=np.int64)
        if not parts:
            empty = np.zeros((0, len(self.classes)), dtype=np.float32) if self.classes else none
            return DeployedOutput(empty, none, nothing)
        columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
        return DeployedOutput(columns[0], none, nothing) if self.task == "regression" else DeployedOutput(*columns)

    def single_row_call(self, frame: pd.DataFrame) -> Callable[[], object]:
        """Return a call that scores the first row of a table through the session, to measure latency with."""
        feeds = self.prepare(frame.head(1))
        if not len(feeds):
            raise ValueError("latency needs a row to score, the table has none")
        feed = self._feed(feeds.numeric, list(feeds.others))
        session, outputs = self._session, self._outputs
        return lambda: session.run(outputs, feed)

    def _feed(self, numeric: npt.NDArray[np.float64], others: list[npt.NDArray[Any]]) -> dict[str, Any]:
        columns = [*np.ascontiguousarray(numeric.T, dtype=np.float64), *others]
        return {entry.name: column.reshape(-1, 1) for entry, column in zip(self.inputs, columns, strict=True)}


def _check_origin(metadata: Mapping[str, str], outputs: list[str], name: str) -> None:
    written = metadata.get(FORMAT_KEY)
    if written is None or COLUMNS_KEY not in metadata or outputs != list(outputs_of(metadata.get(TASK_KEY, ""))):
        raise UsageError(f"{name} is an ONNX file that EfficientTrust did not write. Give the model.onnx of a run.")
    if written != FORMAT:
        raise UsageError(f"{name} has format {written}, this version reads {FORMAT}. Upgrade efficienttrust.")


def _column(frame: pd.DataFrame, known: list[str], name: str) -> pd.Series[Any]:
    count = known.count(name)
    if count == 1:
        return frame.iloc[:, known.index(name)]
    if count:
        raise UsageError(
            f"the table has {count} columns called {name!r}; the model needs one. Rename or drop the others."
        )
    raise UsageError(f"the table lacks the column {name!r}, which the model needs.{did_you_mean(name, known)}")


def _cells(series: pd.Series[Any], numeric: bool) -> npt.NDArray[Any]:
    """Convert a column with the casts of the encoder: float64 with NaN, or object with str and "" for missing."""
    from efficienttrust.data import as_text
    from efficienttrust.data._columns import numbers

    if numeric:
        return numbers(series)
    texts = as_text(series)
    return np.array([text or "" for text in texts], dtype=object)
