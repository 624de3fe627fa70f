"""ONNX graphs against hand formulas; see tests/models/counting for the agreement with torch."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from efficienttrust.errors import UsageError
from efficienttrust.resources.onnx_counting import (
    Cost,
    count_onnx_flops,
    count_onnx_parameters,
    onnx_flop_formulas,
)

OPSETS = [helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 3), helper.make_opsetid("com.microsoft", 1)]


def model(nodes, inputs, weights=None, outputs=("y",)):
    """Make a model of nodes from shapes of float inputs (a text is an open dimension) and arrays of weights."""
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(name, TensorProto.UNDEFINED, None) for name in outputs],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in (weights or {}).items()],
    )
    return helper.make_model(graph, opset_imports=OPSETS, ir_version=9)


def ones(*shape, dtype=np.float32):
    return np.ones(shape, dtype=dtype)


def node(operator, inputs, output="y", **attributes):
    """Make a node of one output; `_` stands for an input that is left out."""
    names = ["" if name == "_" else name for name in inputs.split()]
    return helper.make_node(operator, names, [output], **attributes)


@pytest.mark.parametrize(
    ("operators", "shape", "weights", "per_row"),
    [
        ([node("MatMul", "x w")], ["n", 10], {"w": ones(10, 3)}, 60),
        ([node("Gemm", "x w b", transB=1)], ["n", 10], {"w": ones(3, 10), "b": ones(3)}, 63),
        ([node("Gemm", "x w b", alpha=2.0)], ["n", 10], {"w": ones(10, 3), "b": ones(3)}, 66),
        ([node("Einsum", "x w", equation="bi,ij->bj")], ["n", 10], {"w": ones(10, 3)}, 60),
        ([node("Conv", "x w b")], ["n", 4, 8, 8], {"w": ones(6, 4, 3, 3), "b": ones(6)}, 6 * 36 * (2 * 36 + 1)),
        ([node("Conv", "x w", group=2)], ["n", 4, 8, 8], {"w": ones(6, 2, 3, 3)}, 6 * 36 * 2 * 18),
        ([node("BatchNormalization", "x s b m v")], ["n", 2, 4], dict.fromkeys("sbmv", ones(2)), 16),
        ([node("LayerNormalization", "x s")], ["n", 6], {"s": ones(6)}, 36),
        ([node("Softmax", "x")], ["n", 6], {}, 30),
        ([node("MaxPool", "x", kernel_shape=[2, 2], strides=[2, 2])], ["n", 3, 8, 8], {}, 4 * 48),
        ([node("GlobalAveragePool", "x")], ["n", 3, 8, 8], {}, 192),
        ([node("ReduceMean", "x a")], ["n", 6], {"a": np.array([1])}, 6),
        ([node("Clip", "x low high")], ["n", 6], {"low": np.float32(0), "high": np.float32(6)}, 12),
        ([node("Clip", "x low")], ["n", 6], {"low": np.float32(0)}, 6),
        ([node("Sum", "x x x")], ["n", 6], {}, 12),
        ([node("Mean", "x x x")], ["n", 6], {}, 18),
        ([node("Resize", "x _ s", mode="linear")], ["n", 3, 4, 4], {"s": np.array([1, 1, 2, 2], np.float32)}, 9 * 192),
        ([node("QuantizeLinear", "x s", "q"), node("DequantizeLinear", "q s")], ["n", 5], {"s": np.float32(2)}, 30),
        ([node("Gelu", "x", domain="com.microsoft")], ["n", 5], {}, 25),
        ([node("Scaler", "x", domain="ai.onnx.ml", offset=[0.0], scale=[1.0])], ["n", 5], {}, 10),
        ([node("Reshape", "x s")], ["n", 6], {"s": np.array([-1, 3, 2])}, 0),
        ([node("Gather", "x i", axis=1)], ["n", 6], {"i": np.array([1, 2])}, 0),
    ],
    ids=lambda value: value[0].op_type if isinstance(value, list) and hasattr(value[0], "op_type") else "",
)
def test_hand_formulas(operators, shape, weights, per_row):
    assert count_onnx_flops(model(operators, {"x": shape}, weights)).per_row == per_row


@pytest.mark.parametrize(("kind", "gates", "per_unit"), [("LSTM", 4, 8 + 4 + 9), ("GRU", 3, 6 + 10), ("RNN", 1, 4)])
@pytest.mark.parametrize("direction", ["forward", "bidirectional"])
def test_recurrent_layers(kind, gates, per_unit, direction):
    ways = 2 if direction == "bidirectional" else 1
    weights = {"w": ones(ways, gates * 5, 7), "r": ones(ways, gates * 5, 5), "b": ones(ways, 2 * gates * 5)}
    layer = node(kind, "x w r b", hidden_size=5, direction=direction)
    count = count_onnx_flops(model([layer], {"x": [11, 3, 7]}, weights), rows=3)
    assert count.multiply_adds == 11 * ways * gates * 5 * 12
    assert count.per_row == 11 * ways * (2 * gates * 5 * 12 + 5 * per_unit)


def tree_ensemble():
    """Two trees: one of depth 2 with three leaves, one of depth 1 with two."""
    return node(
        "TreeEnsembleRegressor",
        "x",
        domain="ai.onnx.ml",
        n_targets=1,
        nodes_treeids=[0, 0, 0, 0, 0, 1, 1, 1],
        nodes_nodeids=[0, 1, 2, 3, 4, 0, 1, 2],
        nodes_featureids=[0, 1, 0, 0, 0, 1, 0, 0],
        nodes_modes=["BRANCH_LEQ", "BRANCH_LEQ", "LEAF", "LEAF", "LEAF", "BRANCH_LEQ", "LEAF", "LEAF"],
        nodes_values=[0.5, 0.2, 0, 0, 0, 0.1, 0, 0],
        nodes_truenodeids=[1, 3, 0, 0, 0, 1, 0, 0],
        nodes_falsenodeids=[2, 4, 0, 0, 0, 2, 0, 0],
        target_treeids=[0, 0, 0, 1, 1],
        target_nodeids=[2, 3, 4, 1, 2],
        target_ids=[0, 0, 0, 0, 0],
        target_weights=[1.0, 0.0, 3.0, 4.0, 5.0],
    )


def test_trees_at_full_depth():
    trees = model([tree_ensemble()], {"x": ["n", 2]})
    count = count_onnx_flops(trees)
    assert count.per_row == 2 + 1 + 2  # comparisons, and a sum per tree
    assert "upper bound" in count.note
    parameters = count_onnx_parameters(trees)
    assert (parameters.total, parameters.nonzero) == (3 + 5, 3 + 4)
    ReferenceEvaluator(trees)  # it is a valid model


def test_rows_are_the_first_dimension():
    weights = {"w": ones(10, 3)}
    assert count_onnx_flops(model([node("MatMul", "x w")], {"x": [8, 10]}, weights)).per_row == 60
    open_rows = model([node("MatMul", "x w")], {"x": ["n", 10]}, weights)
    assert count_onnx_flops(open_rows, shapes={"x": (64, 10)}).per_row == 60
    assert count_onnx_flops(open_rows.SerializeToString()).per_row == 60


def test_what_depends_on_constants_alone_is_free():
    nodes = [node("Mul", "w w", "v"), node("MatMul", "x v")]
    assert count_onnx_flops(model(nodes, {"x": [1, 10]}, {"w": ones(10, 3)})).per_row == 60


def test_arithmetic_on_shapes_is_free():
    nodes = [node("Shape", "x", "shape"), node("Div", "shape two", "half"), node("Cast", "half", to=1)]
    assert count_onnx_flops(model(nodes, {"x": [4, 6]}, {"two": np.array([2])})).per_row == 0


def test_shapes_that_inference_cannot_know_come_from_a_run():
    """The number of positions is computed from floating-point values."""
    nodes = [
        node("ReduceSum", "x", "total", keepdims=0),
        node("Cast", "total", "count", to=TensorProto.INT64),
        node("Add", "count seven", "length"),
        node("Unsqueeze", "length zero", "size"),
        node("ConstantOfShape", "size", "blank"),
        node("Exp", "blank"),
    ]
    weights = {"seven": np.array(7), "zero": np.array([0])}
    count = count_onnx_flops(model(nodes, {"x": [1, 6]}, weights))
    assert count.by_operator == {"Exp": 7, "ReduceSum": 6}


def test_a_shape_that_nothing_reveals_is_an_error_not_a_guess():
    """An operator of unknown origin gives what the next one works on; neither inference nor runtime knows it."""
    onnx_flop_formulas.register("theirs.Opaque")(lambda node: Cost())
    graph = model([node("Opaque", "x", "hidden", domain="theirs"), node("Relu", "hidden")], {"x": [1, 3]})
    graph.opset_import.append(helper.make_opsetid("theirs", 1))
    with pytest.raises(UsageError, match=r"the shape of 'hidden' at a theirs\.Opaque is not known"):
        count_onnx_flops(graph)


def test_local_functions_are_looked_into():
    body = [helper.make_node("MatMul", ["a", "b"], ["c"]), helper.make_node("Relu", ["c"], ["d"])]
    block = helper.make_function("ours", "Block", ["a", "b"], ["d"], body, OPSETS[:1])
    outer = model([node("Block", "x w", domain="ours")], {"x": [1, 10]}, {"w": ones(10, 3)})
    outer.functions.append(block)
    outer.opset_import.append(helper.make_opsetid("ours", 1))
    assert count_onnx_flops(outer).per_row == 63


def test_uncounted_operators_are_errors_until_a_formula_is_registered():
    graph = model([node("Det", "x", "d"), node("Mystery", "d", domain="theirs")], {"x": [1, 3, 3]})
    graph.opset_import.append(helper.make_opsetid("theirs", 1))
    with pytest.raises(UsageError, match=r"no formula for Det, theirs\.Mystery\. Register one"):
        count_onnx_flops(graph)
    onnx_flop_formulas.register("Det")(lambda node: Cost(other=node.input_size))
    assert count_onnx_flops(model([node("Det", "x")], {"x": [1, 3, 3]})).by_operator == {"Det": 9}


def test_branches_and_loops_are_not_passed_over():
    assert not {"If", "Loop", "Scan", "SequenceMap"} & set(onnx_flop_formulas.names())


def test_every_formula_is_for_an_operator_that_exists():
    known = {f"{schema.domain}.{schema.name}".lstrip(".") for schema in onnx.defs.get_all_schemas_with_history()}
    ours = {name for name in onnx_flop_formulas.names() if not name.startswith(("com.microsoft.", "theirs."))}
    assert ours - known - {"SimplifiedLayerNormalization"} == set()  # known to onnxruntime, without a domain


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"shapes": {"z": (1, 2)}}, "no input 'z'"),
        ({"shapes": {"x": (1, 2)}}, "has 4 dimensions, not 2"),
        ({}, "leaves dimension 2 open"),
    ],
)
def test_open_dimensions_are_asked_for(arguments, message):
    graph = model([node("Relu", "x")], {"x": ["n", 3, "h", "w"]})
    with pytest.raises(UsageError, match=message):
        count_onnx_flops(graph, **arguments)
    assert count_onnx_flops(graph, shapes={"x": (2, 3, 4, 5)}).per_row == 60


def test_what_is_not_a_model_is_refused(tmp_path):
    (tmp_path / "model.onnx").write_bytes(b"PK nothing of the kind")
    for source in (tmp_path / "model.onnx", b"", b"\xff\xff", tmp_path / "none.onnx"):
        for count in (count_onnx_flops, count_onnx_parameters):
            with pytest.raises(UsageError, match=r"is not an ONNX model|cannot read the model"):
                count(source)


def test_parameters_are_weights_not_shapes():
    weights = {
        "w": np.eye(4, dtype=np.float32),
        "q": ones(4, 4, dtype=np.int8),
        "zero_point": np.int8(0),
        "scale": np.float32(0.1),
        "shape": np.array([-1, 4]),
        "mask": np.array([True, False]),
        "words": np.array(["a", "b"], dtype=object),
    }
    nodes = [
        node("Constant", "", "c", value=numpy_helper.from_array(ones(6))),
        node("MatMul", "x w"),
        node("LinearClassifier", "x", "z", domain="ai.onnx.ml", coefficients=[1.0, 0.0], intercepts=[3.0]),
        node("LabelEncoder", "x", "l", domain="ai.onnx.ml", keys_floats=[1.0, 2.0], values_floats=[3.0, 4.0]),
    ]
    count = count_onnx_parameters(model(nodes, {"x": [1, 4]}, weights))
    assert (count.total, count.nonzero) == (16 + 16 + 6 + 3, 4 + 16 + 6 + 2)


def test_vectors_of_one_element_are_weights_and_single_numbers_are_not():
    weights = {"w": ones(4, 1), "b": ones(1), "factor": np.float32(2)}
    nodes = [node("Gemm", "x w b", "z"), node("Mul", "z factor")]
    assert count_onnx_parameters(model(nodes, {"x": [1, 4]}, weights)).total == 5


def test_a_quantised_network_multiplies_as_often(tmp_path):
    from onnxruntime.quantization import quantize_dynamic

    rng = np.random.default_rng(0)
    weights = {name: rng.normal(size=size).astype(np.float32) for name, size in (("w", (10, 32)), ("v", (32, 3)))}
    plain = model(
        [node("MatMul", "x w", "h"), node("Relu", "h", "a"), node("MatMul", "a v")], {"x": ["n", 10]}, weights
    )
    onnx.save(onnx.shape_inference.infer_shapes(plain), tmp_path / "plain.onnx")
    quantize_dynamic(tmp_path / "plain.onnx", tmp_path / "int8.onnx")
    before, after = count_onnx_flops(plain), count_onnx_flops(tmp_path / "int8.onnx")
    assert "MatMulInteger" in after.by_operator
    assert after.multiply_adds == before.multiply_adds == 10 * 32 + 32 * 3
    assert after.per_row > before.per_row  # rounding to integers and back is work too
    assert count_onnx_parameters(tmp_path / "int8.onnx").total == count_onnx_parameters(plain).total


def test_missing_external_files_are_said(tmp_path):
    graph = model([node("MatMul", "x w")], {"x": [1, 50]}, {"w": np.eye(50, dtype=np.float32)})
    file = tmp_path / "model.onnx"
    onnx.save(graph, file, save_as_external_data=True, location="weights.bin", size_threshold=0)
    (tmp_path / "weights.bin").unlink()
    with pytest.raises(UsageError, match="cannot read the values of 'w'"):
        count_onnx_parameters(file)
    assert count_onnx_flops(file).per_row == 5000


def test_parameters_in_external_files_are_read(tmp_path):
    graph = model([node("MatMul", "x w")], {"x": [1, 50]}, {"w": np.eye(50, dtype=np.float32)})
    file = tmp_path / "model.onnx"
    onnx.save(graph, file, save_as_external_data=True, location="weights.bin", size_threshold=0)
    count = count_onnx_parameters(file)
    assert (count.total, count.nonzero) == (2500, 50)
    assert count_onnx_flops(file).per_row == 5000
