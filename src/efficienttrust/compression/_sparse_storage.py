"""Compressed storage of weights that are mostly zero: one bit for each, and the values that are not zero.

Standard operators unpack them, on constants alone, so that the runtime does it once when it opens the file and runs the
same kernels on the same matrices as before: bytes fall, time does not. The `sparse_initializer` of ONNX is not used:
onnxruntime reads it with indices of 4 or 8 bytes, which doubles what a value takes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from efficienttrust.compression._core import SPARSE_MASK, SPARSE_SHAPE, SPARSE_VALUES

if TYPE_CHECKING:
    from efficienttrust.compression._graph import Graph

NODES = 900
"""Bytes that the operators which unpack one weight take, and a little more, so that no file grows."""
BYTE = 8


def store_sparse(graph: Graph) -> None:
    """Replace every weight of a graph that becomes smaller so; others, and dense graphs as a whole, stay as they are.

    Args:
        graph: Is changed: weights of floats and of whole numbers of 8 bits whose zeros are stored as 0.
    """
    from onnx import TensorProto, numpy_helper

    kept: list[Any] = []
    packed: list[tuple[str, NDArray[Any]]] = []
    for initialiser in graph.initialisers:
        fits = initialiser.data_type in (TensorProto.FLOAT, TensorProto.INT8) and initialiser.dims
        value = numpy_helper.to_array(initialiser) if fits else None
        if value is not None and _packed_bytes(value) + NODES < value.nbytes:
            packed.append((initialiser.name, value))
        else:
            kept.append(initialiser)
    if not packed:
        return
    graph.initialisers[:] = kept
    before = list(graph.nodes)
    graph.nodes.clear()
    shared = {
        "weights": graph.constant("sparse_bits", (2 ** np.arange(BYTE)).astype(np.uint8)),
        "none": graph.constant("sparse_none", np.uint8(0)),
        "start": graph.constant("sparse_start", np.zeros(1, np.int64)),
        "column": graph.constant("sparse_column", np.array([-1, 1], np.int64)),
        "flat": graph.constant("sparse_flat", np.array([-1], np.int64)),
        "axis": graph.constant("sparse_axis", np.int64(0)),
    }
    for name, value in packed:
        _unpack(graph, name, value, shared)
    graph.nodes.extend(before)


def _packed_bytes(value: NDArray[Any]) -> int:
    return -(-value.size // BYTE) + int(np.count_nonzero(value)) * value.itemsize


def _unpack(graph: Graph, name: str, value: NDArray[Any], shared: dict[str, str]) -> None:
    """Add a weight as mask and values, and what makes the tensor `name` of them."""
    from onnx import TensorProto

    filled = value.ravel() != 0
    mask = graph.constant(f"{name}{SPARSE_MASK}", np.packbits(filled, bitorder="little"))
    # The value at place 0 is that of every zero; places count from 1.
    values = np.concatenate([np.zeros(1, value.dtype), value.ravel()[filled]])
    held = graph.constant(f"{name}{SPARSE_VALUES}", values)
    shape = graph.constant(f"{name}{SPARSE_SHAPE}", np.asarray(value.shape, np.int64))
    size = graph.constant(f"{name}.sparse_size", np.array([value.size], np.int64))
    column = graph.add("Reshape", mask, shared["column"], name="sparse.column")
    bits = graph.add("BitwiseAnd", column, shared["weights"], name="sparse.bits")
    set_ = graph.add("Greater", bits, shared["none"], name="sparse.set")
    counted = graph.add("Cast", set_, name="sparse.counted", to=TensorProto.INT32)
    flat = graph.add("Reshape", counted, shared["flat"], name="sparse.flat")
    ones = graph.add("Slice", flat, shared["start"], size, name="sparse.ones")
    places = graph.add("CumSum", ones, shared["axis"], name="sparse.places")
    at = graph.add("Mul", places, ones, name="sparse.at")
    found = graph.add("Gather", held, at, name="sparse.found")
    graph.add("Reshape", found, shape, name=name, out=name)
