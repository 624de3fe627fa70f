"""Weights that are mostly zero take fewer bytes, say the same bit for bit, and run as the same operators."""

from __future__ import annotations

from functools import cache

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from efficienttrust.compression import Decision, DeployedModel, ModuleScorer, export_onnx, workpiece_of
from efficienttrust.compression import scorer_of as folded
from efficienttrust.compression._core import core_of, count_weights
from efficienttrust.compression._graph import IR_VERSION, OPSET, Graph
from efficienttrust.compression._images import DeployedImages, export_images
from efficienttrust.compression._sparse_storage import store_sparse
from efficienttrust.compression.pruning import parse_pruning, prune
from efficienttrust.compression.quantisation import parse_quantisation, quantise
from efficienttrust.models import Inputs, make_network
from efficienttrust.resources.onnx_counting import count_onnx_parameters
from tests.compression.conftest import adult_like_encoder, adult_like_frame, random_network
from tests.compression.pruning.cases import ours, rows

CLASSES = ("a", "b", "c")
SHAPE = (3, 16, 16)
IMAGES = np.random.default_rng(0).random((40, *SHAPE)).astype(np.float32)


ENCODER, FRAME = adult_like_encoder(), adult_like_frame(300)
ENCODED = ENCODER.transform(FRAME)


@cache
def thinned(amount: float) -> ModuleScorer:
    module = make_network("resnet8", Inputs("image", SHAPE), 3, seed=0).eval()
    return masked(ModuleScorer(module, SHAPE, 3, "resnet8"), amount, IMAGES)


def masked(scorer, amount: float, sample: np.ndarray):
    piece = workpiece_of(scorer)
    prune(piece, parse_pruning(f"magnitude:{amount}"), sample=sample, seed=0)
    return folded(piece, scorer)


def exported(scorer, monkeypatch, *, dense: bool) -> bytes:
    with monkeypatch.context() as patch:
        if dense:
            patch.setattr("efficienttrust.compression._images.store_sparse", lambda graph: None)
        return export_images(scorer, Decision(), CLASSES)


def executed(content: bytes, path) -> tuple[list[str], list[tuple[int, ...]]]:
    """What the runtime executes of a file, and the types and shapes of the arrays that it holds."""
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath, options.log_severity_level = str(path), 3
    onnxruntime.InferenceSession(content, options)
    graph = onnx.load(path).graph
    return sorted(node.op_type for node in graph.node), sorted((one.data_type, *one.dims) for one in graph.initializer)


def network_alone(graph: Graph, output: str) -> onnx.ModelProto:
    """A graph without inputs as a model."""
    answer = onnx.helper.make_tensor_value_info(output, onnx.TensorProto.FLOAT, None)
    made = onnx.helper.make_graph(graph.nodes, "g", [], [answer], graph.initialisers)
    return onnx.helper.make_model(made, opset_imports=[onnx.helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize(("amount", "share"), [pytest.param(0.8, 0.35, marks=pytest.mark.slow), (0.95, 0.25)])
def test_the_file_is_smaller_and_nothing_else_changes(amount, share, whole, monkeypatch, tmp_path):
    scorer = thinned(amount)
    if whole:
        scorer, share = quantise(scorer, parse_quantisation("int8"), IMAGES), 0.75
    dense, sparse = (exported(scorer, monkeypatch, dense=dense) for dense in (True, False))
    assert len(sparse) < share * len(dense)
    one, other = DeployedImages(dense).run(IMAGES), DeployedImages(sparse).run(IMAGES)
    assert np.array_equal(one.score, other.score)
    assert np.array_equal(one.margin, other.margin)
    assert executed(sparse, tmp_path / "sparse.onnx") == executed(dense, tmp_path / "dense.onnx")
    assert DeployedImages(sparse).n_parameters == DeployedImages(dense).n_parameters


@pytest.mark.parametrize(("method", "share"), [("", 0.35), ("int8", 0.75), ("int8_dynamic", 0.75), ("int4", 1.0)])
def test_a_table_file_is_smaller_and_nothing_else_changes(method, share, monkeypatch, tmp_path):
    scorer = masked(random_network((ENCODER.n_features, 128, 64, 1)), 0.9, ENCODED)
    if method:
        scorer = quantise(scorer, parse_quantisation(method), ENCODED)
    sparse = export_onnx(None, ENCODER, scorer, Decision(0.3))
    monkeypatch.setattr("efficienttrust.compression._export.store_sparse", lambda graph: None)
    dense = export_onnx(None, ENCODER, scorer, Decision(0.3))
    assert len(sparse) <= share * len(dense)
    assert np.array_equal(DeployedModel(sparse).run(FRAME).margin, DeployedModel(dense).run(FRAME).margin)
    assert executed(sparse, tmp_path / "sparse.onnx") == executed(dense, tmp_path / "dense.onnx")
    assert DeployedModel(sparse).n_parameters == DeployedModel(dense).n_parameters
    assert count_onnx_parameters(sparse) == count_onnx_parameters(dense)


@pytest.mark.parametrize("method", [pytest.param("", marks=pytest.mark.slow), "int8_dynamic"])
def test_a_recurrent_network_runs_as_the_same_operators(method, tmp_path):
    float_network = ours("lstm")
    sample = rows(float_network.shape, 64)
    scorer = masked(float_network, 0.9, sample)
    core = quantise(scorer, parse_quantisation(method), sample).core if method else core_of(scorer)
    model = onnx.load_model_from_string(core)
    graph = Graph([])
    graph.nodes, graph.initialisers = list(model.graph.node), list(model.graph.initializer)
    store_sparse(graph)
    del model.graph.node[:], model.graph.initializer[:]
    model.graph.node.extend(graph.nodes)
    model.graph.initializer.extend(graph.initialisers)
    if model.opset_import[0].version < OPSET:
        model.opset_import[0].version = OPSET
    sparse = model.SerializeToString()
    assert len(sparse) < 0.6 * len(core)
    said = [onnxruntime.InferenceSession(one).run(None, {"rows": sample})[0] for one in (core, sparse)]
    assert np.array_equal(*said)
    assert executed(sparse, tmp_path / "sparse.onnx") == executed(core, tmp_path / "dense.onnx")


@given(
    size=st.integers(1, 2000),
    density=st.floats(0, 1),
    letters=st.integers(1, 200),
    weights=st.integers(1, 4),
)
@settings(max_examples=60, deadline=None)
def test_no_file_grows(size, density, letters, weights):
    value = (np.random.default_rng(size).random(size) < density).astype(np.float32)
    graph = Graph(["y"])
    for k in range(weights):
        graph.add("Identity", graph.constant("w" * letters + str(k), value), name="out", out="y" if k == 0 else None)
    before = network_alone(graph, "y").ByteSize()
    store_sparse(graph)
    assert network_alone(graph, "y").ByteSize() <= before


def test_the_names_of_many_weights_do_not_add_up():
    value = np.zeros((100, 30), np.float32)
    sizes = []
    for weights in (10, 20, 200):
        graph = Graph(["y"])
        for k in range(weights):
            graph.add("Identity", graph.constant(f"w{k:03}", value), name=f"o{k:03}")
        store_sparse(graph)
        sizes.append(network_alone(graph, "o000").ByteSize())
    each = (sizes[1] - sizes[0]) / 10
    assert sizes[2] - sizes[1] < 1.1 * 180 * each


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
