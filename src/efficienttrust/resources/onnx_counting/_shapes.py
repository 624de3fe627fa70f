"""The shape and type of every value in a graph."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from efficienttrust.errors import UsageError, did_you_mean
from efficienttrust.resources.onnx_counting._node import Shape


@dataclass(frozen=True)
class Shapes:
    """What is known of the values of a graph, by name.

    Attributes:
        shapes: Shape of every tensor; a value that is not a tensor (a sequence, a map) is left out.
        types: Element type, as ONNX numbers them.
    """

    shapes: Mapping[str, Shape]
    types: Mapping[str, int]

    def shape(self, name: str, operator: str) -> Shape:
        """Return the shape of a tensor that an operator takes or gives."""
        if name not in self.shapes:
            raise UsageError(
                f"FLOPs cannot be counted: the shape of {name!r} at a {operator} is not known. "
                "Give the shapes of the inputs (shapes={'name': (1, 3, 32, 32)})."
            )
        return self.shapes[name]

    def is_floating(self, name: str) -> bool:
        """Whether the elements of a value are floating-point; of unknown type counts as such."""
        import onnx

        kind = self.types.get(name)
        return kind is None or np.issubdtype(onnx.helper.tensor_dtype_to_np_dtype(kind), np.floating)


def load(source: str | os.PathLike[str] | bytes | Any) -> Any:
    """Return the model behind a path, the content of a file, or itself; its local functions are written out."""
    import onnx

    if isinstance(source, onnx.ModelProto):
        name, model = "the model", source
    else:
        name = "the given content" if isinstance(source, bytes) else os.fspath(source)
        model = _parse(source, name)
    if not model.graph.node:
        raise UsageError(f"{name} is not an ONNX model, or has no node.")
    if model.functions:
        from onnx import inliner

        model = inliner.inline_local_functions(model)
    return model


def _parse(source: str | os.PathLike[str] | bytes, name: str) -> Any:
    import onnx

    try:
        if isinstance(source, bytes):
            return onnx.load_model_from_string(source)
        return onnx.load(Path(source), load_external_data=False)
    except OSError as error:
        raise UsageError(f"cannot read the model {name}: {error.strerror or error}.") from error
    except Exception as error:  # protobuf has errors of its own
        raise UsageError(f"{name} is not an ONNX model: {' '.join(str(error).split())[:120]}") from error


def with_inputs(model: Any, shapes: Mapping[str, Sequence[int]]) -> tuple[Any, int]:
    """Return a copy of the model with every dimension of its inputs fixed, and the first dimension of the first one."""
    import onnx

    fixed = onnx.ModelProto()
    fixed.CopyFrom(model)
    constants = {value.name for value in fixed.graph.initializer}
    inputs = [value for value in fixed.graph.input if value.name not in constants]
    names = [value.name for value in inputs]
    for name in shapes:
        if name not in names:
            raise UsageError(f"the model has no input {name!r}.{did_you_mean(name, names)}")
    for value in inputs:
        _fix(value, shapes.get(value.name))
    del fixed.graph.value_info[:]  # written for other dimensions, perhaps
    for value in fixed.graph.output:
        value.type.tensor_type.ClearField("shape")
    tensors = [value.type.tensor_type.shape.dim for value in inputs]
    return fixed, next((dimensions[0].dim_value for dimensions in tensors if len(dimensions)), 1)


def _fix(value: Any, shape: Sequence[int] | None) -> None:
    tensor = value.type.tensor_type
    if shape is not None:
        if tensor.HasField("shape") and len(tensor.shape.dim) != len(shape):
            raise UsageError(f"input {value.name!r} has {len(tensor.shape.dim)} dimensions, not {len(shape)}.")
        tensor.shape.Clear()
        for size in shape:
            tensor.shape.dim.add().dim_value = int(size)
    for position, dimension in enumerate(tensor.shape.dim):
        if dimension.dim_value <= 0:
            if position > 0:
                raise UsageError(
                    f"input {value.name!r} leaves dimension {position} open; give shapes={{{value.name!r}: (1, …)}}."
                )
            dimension.dim_value = 1


def infer(model: Any) -> Shapes:
    """Return shapes and types of all values: by inference, and by a run on zeros where that gives up."""
    import onnx

    inferred = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    shapes: dict[str, Shape] = {value.name: tuple(value.dims) for value in inferred.initializer}
    types = {value.name: value.data_type for value in inferred.initializer}
    for value in (*inferred.input, *inferred.value_info, *inferred.output):
        kind = value.type.tensor_type
        if not value.type.HasField("tensor_type"):
            continue
        if kind.elem_type:
            types[value.name] = kind.elem_type
        if kind.HasField("shape") and all(dimension.HasField("dim_value") for dimension in kind.shape.dim):
            shapes[value.name] = tuple(dimension.dim_value for dimension in kind.shape.dim)
    made = [name for node in model.graph.node for name in node.output if name]
    missing = [name for name in made if name not in shapes]
    if missing:
        ran, kinds = _run(model, missing)
        shapes.update(ran)
        types.update(kinds)
    return Shapes(shapes, types)


def _run(model: Any, names: Sequence[str]) -> tuple[dict[str, Shape], dict[str, int]]:
    """Return shapes and types of values in a run on zeros; empty when the runtime cannot run the model."""
    import onnx
    import onnxruntime

    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    del watched.graph.output[:]
    watched.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    constants = {value.name for value in watched.graph.initializer}
    if not all(value.type.HasField("tensor_type") for value in watched.graph.input):
        return {}, {}
    feed = {value.name: _zeros(value) for value in watched.graph.input if value.name not in constants}
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(watched.SerializeToString(), options, providers=["CPUExecutionProvider"])
        results = dict(zip(names, session.run(list(names), feed), strict=True))
    except Exception:  # the runtime raises a dozen classes of its own; what stays unknown is an error where it matters
        return {}, {}
    arrays = {name: value for name, value in results.items() if isinstance(value, np.ndarray)}
    return (
        {name: value.shape for name, value in arrays.items()},
        {name: onnx.helper.np_dtype_to_tensor_dtype(value.dtype) for name, value in arrays.items()},
    )


def _zeros(value: Any) -> np.ndarray:
    import onnx

    kind = value.type.tensor_type
    shape = [dimension.dim_value for dimension in kind.shape.dim]
    if kind.elem_type == onnx.TensorProto.STRING:
        return np.full(shape, "", dtype=object)
    return np.zeros(shape, dtype=onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type))
