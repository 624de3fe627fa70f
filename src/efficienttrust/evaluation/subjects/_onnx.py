"""Foreign ONNX files through onnxruntime: whatever layout they take, whatever they call their outputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from efficienttrust.data import as_text
from efficienttrust.data._columns import numbers
from efficienttrust.errors import UsageError, did_you_mean
from efficienttrust.evaluation.subjects._build import build_subject, read_outputs
from efficienttrust.evaluation.subjects._layouts import (
    Layout,
    Wish,
    columns_layout,
    find_columns,
    matrix_layout,
    offered_columns,
)
from efficienttrust.evaluation.subjects._onnx_outputs import Outputs, choose_outputs
from efficienttrust.evaluation.subjects._outputs import Raw
from efficienttrust.evaluation.subjects._rows import Inputs, Rows
from efficienttrust.evaluation.subjects._subject import Check, Subject
from efficienttrust.resources.onnx_counting import count_onnx_parameters
from efficienttrust.resources.parameters import size_on_disk

TYPES: Mapping[str, type[np.generic]] = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(float16)": np.float16,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(bool)": np.bool_,
    "tensor(uint8)": np.uint8,
}
CHANNELS = (1, 3, 4)


@dataclass(frozen=True, eq=False)
class OnnxModel:
    """A foreign ONNX file that runs.

    Attributes:
        session: Of onnxruntime, one thread.
        layout: What it is fed.
        feeds: Input of the graph -> raw column; empty where one tensor holds a row.
        types: Input of the graph -> its type.
        channels_last: Whether images go in as [n, H, W, C].
        outputs: Which outputs are read, and how.
        batch: Rows that one call takes, where the graph fixes them; else None.
    """

    session: Any
    layout: Layout
    feeds: Mapping[str, str]
    types: Mapping[str, str]
    channels_last: bool
    outputs: Outputs
    batch: int | None = None

    def prepare(self, inputs: Inputs) -> dict[str, NDArray[Any]]:
        """Return one array per input of the graph."""
        if self.feeds:
            frame = self.layout.frame(inputs)
            return {name: _cells(frame[column], self.types[name]).reshape(-1, 1) for name, column in self.feeds.items()}
        (name, kind), *_ = self.types.items()
        if self.layout.kind == "columns":  # one matrix of texts
            frame = self.layout.frame(inputs)
            return {name: np.stack([_cells(frame[column], kind) for column in frame.columns], axis=1)}
        matrix = self.layout.matrix(inputs)
        if self.channels_last:
            matrix = np.ascontiguousarray(matrix.transpose(0, 2, 3, 1))
        if TYPES[kind] == np.uint8 and self.layout.kind == "images":
            matrix = np.rint(matrix * 255)
        return {name: matrix.astype(TYPES[kind])}

    def run(self, prepared: Any) -> Raw:
        """Return what the graph says."""
        if self.batch is None:
            return self._call(prepared)
        n = len(next(iter(prepared.values())))
        parts = []
        for start in range(0, n, self.batch):
            rows = np.minimum(np.arange(start, start + self.batch), n - 1)  # the last row fills the last call up
            parts.append(self._call({name: cells[rows] for name, cells in prepared.items()}))
        return Raw.joined(parts).head(n)

    def _call(self, prepared: Any) -> Raw:
        try:
            said = self.session.run(list(self.outputs.names), prepared)
        except Exception as error:  # the runtime raises a dozen classes of its own
            raise UsageError(f"onnxruntime could not run the model on these rows: {_line(error)}") from error
        return self.outputs.read(said)


def open_onnx(path: Path, rows: Rows, wish: Wish) -> Subject:
    """Open an ONNX file that EfficientTrust did not write.

    Raises:
        UsageError: It is not an ONNX file, or takes or gives something that does not fit the data.
    """
    session = open_session(path)
    inputs = session.get_inputs()
    layout, feeds, channels_last = _layout(inputs, rows, wish, path.name)
    model = OnnxModel(
        session=session,
        layout=layout,
        feeds=feeds,
        types={entry.name: entry.type for entry in inputs},
        channels_last=channels_last,
        outputs=choose_outputs(session, path),
        batch=_fixed_batch(inputs),
    )
    reading = read_outputs(model, rows)
    if not reading.decides:
        model = replace(model, outputs=replace(model.outputs, label=None))
    return build_subject(
        model,
        rows,
        name=path.stem,
        source=str(path),
        kind="onnx",
        inputs=layout.text,
        encoded=layout.kind == "encoded",
        size_bytes=size_on_disk(path),
        parameters=count_onnx_parameters(path).total,
        reading=reading,
        facts={"outputs read": ", ".join(model.outputs.names)},
        checks=(_train_mode(_nodes_in_training(path)),),
        notes=(layout.note,),
        artefact=path,
    )


def open_session(path: Path) -> Any:
    """Return a session of one thread; raises `UsageError` when the file is not ONNX."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime raises a dozen classes of its own
        raise UsageError(
            f"{path} is not an ONNX file that onnxruntime {onnxruntime.__version__} can open: {_line(error)}"
        ) from error


def _fixed_batch(inputs: list[Any]) -> int | None:
    """Return the number of rows that the graph fixes, as exporters do that were given an example."""
    sizes = {entry.shape[0] for entry in inputs if entry.shape and isinstance(entry.shape[0], int)}
    return sizes.pop() if len(sizes) == 1 else None


def _layout(inputs: list[Any], rows: Rows, wish: Wish, who: str) -> tuple[Layout, dict[str, str], bool]:
    for entry in inputs:
        if entry.type != "tensor(string)" and entry.type not in TYPES:
            raise UsageError(f"input {entry.name!r} of {who} takes {entry.type}, which no table or image holds")
    names = [entry.name for entry in inputs]
    if rows.kind == "image":
        return _image_layout(inputs, rows, who)
    first = inputs[0]
    width = first.shape[1] if len(first.shape) == 2 and isinstance(first.shape[1], int) else None
    if len(inputs) == 1 and len(first.shape) == 2 and width != 1:
        if first.type != "tensor(string)":
            return matrix_layout(rows, width, wish, who), {}, False
        columns = offered_columns(rows)
        if width in (len(columns), None):
            return columns_layout(columns), {}, False
        raise UsageError(f"{who} takes {width} texts a row; the table has {len(columns)} columns besides the label")
    found = find_columns(names, rows)
    if found is not None and all(len(entry.shape) <= 2 for entry in inputs):
        return columns_layout(found), dict(zip(names, found, strict=True)), False
    known = [str(name) for name in rows.inputs.columns]
    lacking = next((name for name in names if find_columns([name], rows) is None), names[0])
    wants = ", ".join(f"{entry.name} {_shape(entry.shape)}" for entry in inputs[:4])
    raise UsageError(
        f"{who} takes {wants}{', …' if len(inputs) > 4 else ''}; the table has no column {lacking!r}."
        f"{did_you_mean(lacking, known)}"
    )


def _image_layout(inputs: list[Any], rows: Rows, who: str) -> tuple[Layout, dict[str, str], bool]:
    channels, height, width = rows.inputs.shape[1:]
    has = f"the data are images of {channels} channels, {height}x{width}"
    if len(inputs) != 1 or len(inputs[0].shape) != 4 or inputs[0].type == "tensor(string)":
        wants = ", ".join(f"{entry.name} {_shape(entry.shape)}" for entry in inputs[:4])
        raise UsageError(f"{who} takes {wants}; {has}: give a model of one input [n, C, H, W] or [n, H, W, C]")
    fixed = inputs[0].shape[1:]
    for last, wanted in ((False, (channels, height, width)), (True, (height, width, channels))):
        if all(not isinstance(size, int) or size == want for size, want in zip(fixed, wanted, strict=True)):
            order = "[n, H, W, C]" if last else "[n, C, H, W]"
            kind = "0 to 255" if inputs[0].type == "tensor(uint8)" else "in [0, 1]"
            return Layout("images", text=f"images {order} {kind}"), {}, last
    raise UsageError(f"{who} takes {inputs[0].name} {_shape(inputs[0].shape)}; {has}")


def _cells(series: Any, kind: str) -> NDArray[Any]:
    if kind == "tensor(string)":
        return np.array([text or "" for text in as_text(series)], dtype=object)
    values = numbers(series)
    target = TYPES[kind]
    if issubclass(target, np.integer | np.bool_) and np.isnan(values).any():
        raise UsageError(
            f"column {str(series.name)!r} has missing cells, but the model takes whole numbers: fill them first"
        )
    return values.astype(target)


def _nodes_in_training(path: Path) -> list[str]:
    """Return the operators that were exported in training mode."""
    import onnx
    from onnx import numpy_helper

    try:
        graph = onnx.load_model(str(path), load_external_data=False).graph
    except Exception:  # a schema newer than ours: onnxruntime has opened it, so go on without
        return []
    constants = {value.name: value for value in graph.initializer}
    trained = []
    for node in graph.node:
        if node.op_type == "BatchNormalization" and any(a.name == "training_mode" and a.i for a in node.attribute):
            trained.append(node.op_type)
        if node.op_type == "Dropout" and len(node.input) > 2:
            mode = constants.get(node.input[2])
            if mode is not None and bool(numpy_helper.to_array(mode)):
                trained.append(node.op_type)
    return trained


def _train_mode(nodes: list[str]) -> Check:
    return Check(
        name="train_mode_left_on",
        fired=bool(nodes),
        value=float(len(nodes)),
        threshold=0.0,
        meaning="Dropout or batch normalisation works as in training: answers are random or depend on the batch.",
        detail=f"nodes in training mode: {', '.join(sorted(set(nodes)))}" if nodes else "no node is in training mode",
    )


def _shape(shape: list[Any]) -> str:
    return "[" + ", ".join("n" if size is None or isinstance(size, str) else str(size) for size in shape) + "]"


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]
