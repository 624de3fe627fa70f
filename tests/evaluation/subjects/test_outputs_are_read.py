"""Probabilities, logits, one number or decisions: how an output is read is found out, said, and agrees with numpy."""

from __future__ import annotations

import numpy as np
import pytest
from foreign_models import columns_graph, graph, loan_rows, matrix_graph, pictures, saved, weights
from onnx import TensorProto, helper

from efficienttrust.errors import UsageError
from efficienttrust.evaluation.subjects import open_subject
from efficienttrust.evaluation.subjects._outputs import Raw, make_reading


def reading_of(values=None, labels=None, classes=("no", "yes"), names=None, rest=False):
    raw = Raw(None if values is None else np.asarray(values), None if labels is None else np.asarray(labels), names)
    return make_reading(raw, classes, rest), raw


def refusal(*arguments, **options) -> str:
    with pytest.raises(UsageError) as refused:
        reading_of(*arguments, **options)
    assert "\n" not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize(
    ("k", "last", "kind"),
    [(2, None, "logits"), (2, "Softmax", "probabilities"), (1, None, "logits"), (1, "Sigmoid", "probabilities")],
)
def test_every_end_of_a_network_gives_the_same_decisions(tmp_path, k, last, kind):
    rows = loan_rows()
    d = rows.problem.encoder.n_features
    weight, bias = weights(d, k)
    z = rows.x @ weight + bias
    margin = z[:, 0] if k == 1 else z[:, 1] - z[:, 0]
    subject = open_subject(saved(matrix_graph(d, k, last), tmp_path), rows)
    answer = subject.answer(rows.inputs)
    assert subject.outputs == kind
    assert kind in subject.facts["outputs"]
    assert np.allclose(answer.margin, margin, atol=1e-3)
    assert np.allclose(answer.score, 1 / (1 + np.exp(-margin)), atol=1e-5)
    assert np.array_equal(answer.prediction, margin > 0)


def test_scores_of_more_classes(tmp_path):
    rows = pictures(tmp_path)
    logits = np.random.default_rng(0).normal(size=(60, 4)) * 3
    softmax = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    by_logits = open_subject(lambda _images: logits[: len(_images)], rows).answer(rows.inputs)
    by_shares = open_subject(lambda _images: softmax[: len(_images)], rows).answer(rows.inputs)
    assert np.allclose(by_logits.score, softmax)
    assert np.array_equal(by_logits.logits, logits)
    assert by_shares.logits is None
    assert np.array_equal(by_logits.prediction, by_shares.prediction)


def test_columns_are_put_into_the_order_of_the_data():
    shares = [[0.1, 0.9], [0.8, 0.2]]
    reading, raw = reading_of(shares, names=("yes", "no"))
    assert reading.answer(raw).score.tolist() == [0.1, 0.8]
    assert reading.answer(raw).prediction.tolist() == [0, 1]
    three, raw = reading_of([[5.0, 0.0, 1.0], [0.0, 1.0, 5.0]], names=("c", "a", "b"), classes=("a", "b", "c"))
    assert three.answer(raw).prediction.tolist() == [2, 1]


def test_a_single_number_whose_high_side_is_the_negative_class():
    reading, raw = reading_of([2.0, -1.0], names=("yes", "no"))
    assert reading.answer(raw).prediction.tolist() == [0, 1]
    assert reading.answer(raw).margin.tolist() == [-2.0, 1.0]


@pytest.mark.parametrize("names", [("0", "1"), ("False", "True"), ("-1", "1")])
def test_numbers_for_two_classes_are_taken_and_said(names):
    reading, raw = reading_of([[0.3, 0.7]], names=names)
    assert reading.answer(raw).prediction.tolist() == [1]
    assert reading.facts["classes"] == f"{names[0]} is taken as 'no', {names[1]} as 'yes'"


def test_one_class_against_the_rest():
    reading, raw = reading_of(
        [[0.2, 0.5, 0.3], [0.4, 0.2, 0.4], [0.1, 0.1, 0.8]],
        names=("cat", "dog", "eel"), classes=("not dog", "dog"), rest=True,
    )  # fmt: skip
    assert reading.answer(raw).prediction.tolist() == [1, 0, 0]
    assert reading.answer(raw).score.tolist() == [0.5, 0.2, 0.1]


@pytest.mark.parametrize("k", [1, 2])
def test_no_rows_have_no_answers(tmp_path, k):
    rows = loan_rows()
    subject = open_subject(saved(matrix_graph(rows.problem.encoder.n_features, k), tmp_path), rows)
    some, none = subject.answer(rows.inputs), subject.answer(rows.inputs.head(0))
    for name in ("prediction", "score", "margin"):
        one, other = getattr(some, name), getattr(none, name)
        assert (other.shape, other.dtype) == ((0,), one.dtype)


def test_decisions_only():
    reading, raw = reading_of(labels=["yes", "no", "yes"])
    answer = reading.answer(raw)
    assert reading.kind == "decisions"
    assert answer.prediction.tolist() == [1, 0, 1]
    assert np.isnan(answer.score).all()
    assert answer.margin is None
    assert any("decisions only" in note for note in reading.notes)
    numbers, raw = reading_of(labels=[1, 0, 1])
    assert numbers.answer(raw).prediction.tolist() == [1, 0, 1]


def test_a_model_with_a_threshold_of_its_own_is_measured_by_its_decisions():
    shares = np.array([[0.9, 0.1], [0.65, 0.35], [0.2, 0.8]])
    reading, raw = reading_of(shares, labels=["no", "yes", "yes"], names=("no", "yes"))
    assert reading.answer(raw).prediction.tolist() == [0, 1, 1]
    assert reading.answer(raw).margin is None
    assert "differ from its most probable class in 1 rows" in reading.notes[0]


def test_a_mismatch_names_both_sides():
    assert "gives 3 numbers a row, the data have 2 classes (no, yes)" in refusal(np.zeros((4, 3)))
    assert "one number a row, the data have 3 classes" in refusal(np.zeros(4), classes=("a", "b", "c"))
    said = refusal(np.full((2, 2), 0.5), names=("good", "bad"))
    assert "{'good', 'bad'}" in said
    assert "{'no', 'yes'}" in said
    assert "{'maybe', 'sure'}" in refusal(labels=["maybe", "sure"])
    said = refusal(np.full((2, 2), 0.5), names=("a", "b"), classes=("a", "c"))
    assert "('c' unknown to the model)" in said
    assert "names 3 classes but gives 2 numbers" in refusal(np.full((2, 2), 0.5), names=("a", "b", "c"))


def test_a_label_that_appears_later_is_refused():
    reading, _raw = reading_of(labels=["yes", "no"])
    with pytest.raises(UsageError, match="decides 'perhaps', which is no label"):
        reading.answer(Raw(labels=np.array(["perhaps"])))


def test_string_labels_of_other_data_are_refused(tmp_path):
    with pytest.raises(UsageError, match=r"classes \{'bad', 'good'\} are not those of the data \{'no', 'yes'\}"):
        open_subject(saved(columns_graph(("bad", "good")), tmp_path), loan_rows())


def test_reading_holds_when_values_leave_the_unit_interval(tmp_path):
    """Settled on the rows under audit, not on what an attack makes of them."""
    reading, _raw = reading_of([0.2, 0.7])
    assert reading.answer(Raw(np.array([0.9]))).prediction.tolist() == [1]
    logits, _raw = reading_of([-3.0, 2.0])
    assert logits.answer(Raw(np.array([0.2, -0.1]))).prediction.tolist() == [1, 0]


def test_several_outputs_prefer_probabilities(tmp_path):
    rows = loan_rows()
    d = rows.problem.encoder.n_features
    model = matrix_graph(d, 2, "Softmax")
    model.graph.node[-1].output[0] = "probabilities"
    model.graph.output[0].name = "probabilities"
    model.graph.output.insert(0, helper.make_tensor_value_info("z", TensorProto.FLOAT, ["n", 2]))
    subject = open_subject(saved(model, tmp_path), rows)
    assert subject.facts["outputs read"] == "probabilities"


def test_a_graph_without_anything_to_read(tmp_path):
    d = loan_rows().problem.encoder.n_features
    nodes = [helper.make_node("Cast", ["x"], ["u"], to=TensorProto.UINT16)]
    model = graph(nodes, {"x": (TensorProto.FLOAT, ["n", d])}, {"u": (TensorProto.UINT16, ["n", d])})
    with pytest.raises(UsageError, match="decisions, probabilities or logits are needed"):
        open_subject(saved(model, tmp_path), loan_rows())


def test_columns_of_whole_number_classes_stand_in_numerical_order():
    values = np.eye(12)[np.arange(12)] * 0.9 + 0.1 / 12
    classes = tuple(str(code) for code in range(12))
    reading = make_reading(Raw(values, np.arange(12)), classes, negative_is_rest=False)
    assert reading.codes == tuple(range(12))
    assert not reading.decides
