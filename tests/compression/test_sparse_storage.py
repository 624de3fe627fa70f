"""Weights that are mostly zero take fewer bytes, say the same bit for bit, and run as the same operators."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest

from efficienttrust.compression import Decision, ModuleScorer, workpiece_of
from efficienttrust.compression import scorer_of as folded
from efficienttrust.compression._core import count_weights
from efficienttrust.compression._graph import IR_VERSION, OPSET, Graph
from efficienttrust.compression._images import DeployedImages, export_images
from efficienttrust.compression._sparse_storage import store_sparse
from efficienttrust.compression.pruning import parse_pruning, prune
from efficienttrust.compression.quantisation import parse_quantisation, quantise
from efficienttrust.models import Inputs, make_network

CLASSES = ("a", "b", "c")
SHAPE = (3, 16, 16)
IMAGES = np.random.default_rng(0).random((40, *SHAPE)).astype(np.float32)


def thinned(amount: float) -> ModuleScorer:
    module = make_network("resnet8", Inputs("image", SHAPE), 3, seed=0).eval()
    scorer = ModuleScorer(module, SHAPE, 3, "resnet8")
    piece = workpiece_of(scorer)
    prune(piece, parse_pruning(f"magnitude:{amount}"), sample=IMAGES, seed=0)
    return folded(piece, scorer)


def exported(scorer, monkeypatch, *, dense: bool) -> bytes:
    with monkeypatch.context() as patch:
        if dense:
            patch.setattr("efficienttrust.compression._images.store_sparse", lambda graph: None)
        return export_images(scorer, Decision(), CLASSES)


def operators(content: bytes, path) -> list[str]:
    """What the runtime executes of a file."""
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath, options.log_severity_level = str(path), 3
    onnxruntime.InferenceSession(content, options)
    return sorted(node.op_type for node in onnx.load(path).graph.node)


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize(("amount", "share"), [(0.8, 0.35), (0.95, 0.25)])
def test_the_file_is_smaller_and_nothing_else_changes(amount, share, whole, monkeypatch, tmp_path):
    scorer = thinned(amount)
    if whole:
        scorer, share = quantise(scorer, parse_quantisation("int8"), IMAGES), 0.75
    dense, sparse = (exported(scorer, monkeypatch, dense=dense) for dense in (True, False))
    assert len(sparse) < share * len(dense)
    one, other = DeployedImages(dense).run(IMAGES), DeployedImages(sparse).run(IMAGES)
    assert np.array_equal(one.score, other.score)
    assert np.array_equal(one.margin, other.margin)
    assert operators(sparse, tmp_path / "sparse.onnx") == operators(dense, tmp_path / "dense.onnx")
    assert DeployedImages(sparse).n_parameters == DeployedImages(dense).n_parameters


def test_a_dense_file_stays_as_it_was_to_the_byte(monkeypatch):
    scorer = thinned(0.01)
    assert exported(scorer, monkeypatch, dense=True) == exported(scorer, monkeypatch, dense=False)


@pytest.mark.parametrize("kind", [np.float32, np.int8])
@pytest.mark.parametrize("shape", [(9000,), (61, 167), (3, 5, 7, 101)])
def test_any_shape_is_unpacked(kind, shape):
    rng = np.random.default_rng(3)
    value = (rng.integers(-120, 120, shape) * (rng.random(shape) < 0.1)).astype(kind)
    graph = Graph(["x", "y"])
    graph.constant("scorer.weight", value)
    graph.add("Identity", "scorer.weight", name="y", out="y")
    store_sparse(graph)
    stored = {one.name for one in graph.initialisers}
    assert "scorer.weight" not in stored
    kinds = {np.float32: onnx.TensorProto.FLOAT, np.int8: onnx.TensorProto.INT8}
    answer = onnx.helper.make_tensor_value_info("y", kinds[kind], list(shape))
    made = onnx.helper.make_graph(graph.nodes, "g", [], [answer], graph.initialisers)
    model = onnx.helper.make_model(made, opset_imports=[onnx.helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    onnx.checker.check_model(model, full_check=True)
    assert len(model.SerializeToString()) < value.nbytes
    said = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {})[0]
    assert said.dtype == kind
    assert np.array_equal(said, value)
    if kind is np.float32:
        assert count_weights(made) == value.size


def test_a_weight_of_zeros_alone():
    graph = Graph(["y"])
    graph.constant("w", np.zeros((100, 50), np.float32))
    graph.add("Identity", "w", name="y", out="y")
    store_sparse(graph)
    answer = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [100, 50])
    made = onnx.helper.make_graph(graph.nodes, "g", [], [answer], graph.initialisers)
    model = onnx.helper.make_model(made, opset_imports=[onnx.helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    assert not onnxruntime.InferenceSession(model.SerializeToString()).run(None, {})[0].any()
