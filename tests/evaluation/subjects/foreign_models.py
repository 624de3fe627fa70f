"""Small foreign ONNX graphs, as other people's exporters write them, and the rows they are audited on."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import onnx
import pandas as pd
from onnx import TensorProto, helper, numpy_helper

from efficienttrust.data import load_problem
from efficienttrust.data.images import load_images
from efficienttrust.evaluation.subjects import Rows, image_rows, table_rows
from tests.small_problems import loans

RNG = np.random.default_rng(7)
IMAGES = RNG.integers(0, 256, (60, 3, 8, 9), dtype=np.uint8)
IMAGE_LABELS = np.arange(60) % 4


def graph(nodes, inputs, outputs, constants=None) -> onnx.ModelProto:
    """Put a graph together; `inputs` and `outputs` map a name to (type, shape)."""
    infos = [
        [helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in part.items()]
        for part in (inputs, outputs)
    ]
    initializers = [numpy_helper.from_array(np.asarray(value), name) for name, value in (constants or {}).items()]
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 3)]
    made = helper.make_graph(nodes, "foreign", *infos, initializer=initializers)
    return helper.make_model(made, opset_imports=opsets, ir_version=9)


def saved(model: onnx.ModelProto, folder: Path, name: str = "foreign") -> Path:
    path = folder / f"{name}.onnx"
    onnx.save(model, path)
    return path


def weights(d: int, k: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(0, 0.4, (d, k)).astype(np.float32), rng.normal(0, 0.2, k).astype(np.float32)


def matrix_graph(d: int, k: int, last: str | None = None, *, kind=TensorProto.FLOAT, seed: int = 0) -> onnx.ModelProto:
    """A linear model on a matrix [n, d], with `Softmax` or `Sigmoid` at the end or nothing."""
    weight, bias = weights(d, k, seed)
    nodes = [
        helper.make_node("Cast", ["x"], ["f"], to=TensorProto.FLOAT),
        helper.make_node("Gemm", ["f", "w", "b"], ["z"]),
    ]
    if last:
        nodes.append(helper.make_node(last, ["z"], ["p"]))
    outputs = {"p" if last else "z": (TensorProto.FLOAT, ["n", k])}
    return graph(nodes, {"x": (kind, ["n", d])}, outputs, {"w": weight, "b": bias})


def columns_graph(classes=("no", "yes"), *, zipped: bool = True, age_kind=TensorProto.FLOAT) -> onnx.ModelProto:
    """A pipeline as skl2onnx writes one: a tensor per raw column, a label and probabilities out.

    z = 0.2 (income - 33) - 0.25 (debt - 10) + 1 if housing is own, from the columns by name.
    """
    nodes = [
        helper.make_node(
            "LabelEncoder", ["housing"], ["own"], domain="ai.onnx.ml",
            keys_strings=["own", "rent", "free"], values_floats=[1.0, 0.0, 0.0], default_float=0.0,
        ),
        helper.make_node("Cast", ["age"], ["age_float"], to=TensorProto.FLOAT),
        helper.make_node("Concat", ["income", "debt", "own"], ["f"], axis=1),
        helper.make_node("Gemm", ["f", "w", "b"], ["z"]),
        helper.make_node("Neg", ["z"], ["minus"]),
        helper.make_node("Concat", ["minus", "z"], ["both"], axis=1),
        helper.make_node("Softmax", ["both"], ["probability"], axis=1),
        helper.make_node("ArgMax", ["probability"], ["code"], axis=1, keepdims=0),
        helper.make_node(
            "LabelEncoder", ["code"], ["label"], domain="ai.onnx.ml",
            keys_int64s=[0, 1], values_strings=list(classes), default_string="?",
        ),
    ]  # fmt: skip
    outputs = {"label": (TensorProto.STRING, ["n"])}
    if zipped:
        nodes.append(
            helper.make_node("ZipMap", ["probability"], ["zip"], domain="ai.onnx.ml", classlabels_strings=list(classes))
        )
    else:
        outputs["probability"] = (TensorProto.FLOAT, ["n", 2])
    inputs = {
        "income": (TensorProto.FLOAT, ["n", 1]),
        "debt": (TensorProto.FLOAT, ["n", 1]),
        "age": (age_kind, ["n", 1]),
        "housing": (TensorProto.STRING, ["n", 1]),
    }
    constants = {"w": np.array([[0.1], [-0.125], [0.5]], np.float32), "b": np.array([-3.3 + 1.25], np.float32)}
    model = graph(nodes, inputs, outputs, constants)
    if zipped:
        value = helper.make_map_type_proto(TensorProto.STRING, helper.make_tensor_type_proto(TensorProto.FLOAT, []))
        model.graph.output.append(helper.make_value_info("zip", helper.make_sequence_type_proto(value)))
    return model


def columns_logit(frame: pd.DataFrame) -> np.ndarray:
    """The logit of `columns_graph` in numpy."""
    own = (frame["housing"] == "own").to_numpy()
    half = 0.1 * frame["income"].to_numpy() - 0.125 * frame["debt"].to_numpy() + 0.5 * own - 3.3 + 1.25
    return 2 * half


def image_graph(k: int = 4, *, channels_last: bool = False, kind=TensorProto.FLOAT) -> onnx.ModelProto:
    """A linear model on images of 3 x 8 x 9."""
    weight, bias = weights(3 * 8 * 9, k)
    nodes = [helper.make_node("Cast", ["x"], ["f"], to=TensorProto.FLOAT)]
    if channels_last:
        nodes.append(helper.make_node("Transpose", ["f"], ["c"], perm=[0, 3, 1, 2]))
    nodes += [
        helper.make_node("Flatten", ["c" if channels_last else "f"], ["flat"]),
        helper.make_node("Gemm", ["flat", "w", "b"], ["logits"]),
    ]
    shape = ["n", 8, 9, 3] if channels_last else ["n", 3, 8, 9]
    return graph(nodes, {"x": (kind, shape)}, {"logits": (TensorProto.FLOAT, ["n", k])}, {"w": weight, "b": bias})


@cache
def loan_rows() -> Rows:
    return table_rows(loans(), "test")


@cache
def number_rows() -> Rows:
    """A table of numbers only."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(300, 3))
    table = pd.DataFrame(x, columns=["a", "b", "c"])
    table["group"] = rng.integers(0, 2, 300)
    table["y"] = (x @ [1.0, -1.0, 0.5] + 0.3 * rng.normal(size=300) > 0).astype(int)
    return table_rows(load_problem(table, label="y", sensitive="group", name="numbers"), "all")


def pictures(folder: Path, labels: np.ndarray = IMAGE_LABELS) -> Rows:
    np.savez(folder / "pictures.npz", x=IMAGES, y=labels)
    return image_rows(load_images(folder / "pictures.npz"))
