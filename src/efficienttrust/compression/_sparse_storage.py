"""Compressed storage of weights that are mostly zero: one bit for each, and the values that are not zero.

Standard operators unpack them, on constants alone, so that the runtime does it once when it opens the file and runs the
same kernels on the same matrices as before: bytes fall, the time of a call does not, and opening takes longer and more
memory. The shapes of all of them are known beforehand: onnxruntime does not fold what it cannot tell the size of, such
as `NonZero`, and would unpack in every call. The `sparse_initializer` of ONNX is not used: onnxruntime reads it with
indices of 4 or 8 bytes, which doubles what a value takes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from efficienttrust.compression._core import SPARSE_MASK, SPARSE_SHAPE, SPARSE_VALUES

if TYPE_CHECKING:
    from efficienttrust.compression._graph import Graph

BYTE = 8
FRAME = 6
"""Bytes that a graph takes for having an entry, besides those of the entry, at most: its tag and its length."""


def store_sparse(graph: Graph) -> None:
    """Replace every weight of a graph that becomes smaller so; others, and dense graphs as a whole, stay as they are.

    All bytes are counted, those of operators and names too, so that no file grows.

    Args:
        graph: Is changed: weights of floats and of whole numbers of 8 bits whose zeros are stored as 0.
    """
    before, nodes = graph.initialisers[:], graph.nodes[:]
    graph.initialisers.clear()
    graph.nodes.clear()
    shared = {
        "weights": graph.constant("sparse.weights", (2 ** np.arange(BYTE)).astype(np.uint8)),
        "start": graph.constant("sparse.start", np.zeros(1, np.int64)),
        "flat": graph.constant("sparse.flat", np.array([-1], np.int64)),
        "axis": graph.constant("sparse.axis", np.int64(0)),
    }
    saved = -_bytes(graph.initialisers)
    kept: list[Any] = []
    for k, initialiser in enumerate(before):
        value = _candidate(initialiser)
        gain = 0 if value is None else _pack(graph, initialiser, value, shared, f"sparse.{k}")
        saved += gain
        if not gain:
            kept.append(initialiser)
    if saved <= 0:
        graph.initialisers[:], graph.nodes[:] = before, nodes
        return
    graph.initialisers[:0] = kept
    graph.nodes.extend(nodes)


def _candidate(initialiser: Any) -> NDArray[Any] | None:
    """Return the values of a weight that may become smaller; None of what is of another type, or too dense."""
    from onnx import TensorProto, numpy_helper

    if initialiser.data_type not in (TensorProto.FLOAT, TensorProto.INT8) or not initialiser.dims:
        return None
    value: NDArray[Any] = numpy_helper.to_array(initialiser)
    packed = -(-value.size // BYTE) + int(np.count_nonzero(value)) * value.itemsize
    return value if packed < value.nbytes else None


def _pack(graph: Graph, initialiser: Any, value: NDArray[Any], shared: dict[str, str], stem: str) -> int:
    """Add a weight as mask and values, and what makes the tensor of them; returns the bytes that this saves.

    Where it saves none the graph stays as it was, and 0 is returned.
    """
    constants, operators = len(graph.initialisers), len(graph.nodes)
    _unpack(graph, initialiser.name, value, shared, stem)
    gain: int = initialiser.ByteSize() - _bytes(graph.initialisers[constants:]) - _bytes(graph.nodes[operators:])
    if gain > 0:
        return gain
    del graph.initialisers[constants:], graph.nodes[operators:]
    return 0


def _unpack(graph: Graph, name: str, value: NDArray[Any], shared: dict[str, str], stem: str) -> None:
    """Add the parts of a weight, and the operators that make the tensor `name` of them."""
    from onnx import TensorProto

    filled = value.ravel() != 0
    mask = graph.constant(f"{name}{SPARSE_MASK}", np.packbits(filled, bitorder="little")[:, None])
    # The value at place 0 is that of every zero; places count from 1.
    values = np.concatenate([np.zeros(1, value.dtype), value.ravel()[filled]])
    held = graph.constant(f"{name}{SPARSE_VALUES}", values)
    shape = graph.constant(f"{name}{SPARSE_SHAPE}", np.asarray(value.shape, np.int64))
    bits = graph.add("BitwiseAnd", mask, shared["weights"], name=f"{stem}.bits")
    # Everything that can be is done while an entry takes one byte: the runtime holds all steps at once.
    set_ = graph.add("Cast", bits, name=f"{stem}.set", to=TensorProto.BOOL)
    row = graph.add("Reshape", set_, shared["flat"], name=f"{stem}.row")
    if value.size % BYTE:
        size = graph.constant(f"{stem}.size", np.array([value.size], np.int64))
        row = graph.add("Slice", row, shared["start"], size, name=f"{stem}.cut")
    ones = graph.add("Cast", row, name=f"{stem}.ones", to=TensorProto.INT32)
    places = graph.add("CumSum", ones, shared["axis"], name=f"{stem}.places")
    at = graph.add("Mul", places, ones, name=f"{stem}.at")
    found = graph.add("Gather", held, at, name=f"{stem}.found")
    graph.add("Reshape", found, shape, name=name, out=name)


def _bytes(entries: list[Any]) -> int:
    """Return how many bytes entries of a graph take in a file, at most."""
    return sum(entry.ByteSize() + FRAME for entry in entries)
