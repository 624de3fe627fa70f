"""A foreign ONNX file is fed what it takes (raw columns, a matrix, images in either order) or is refused."""

from __future__ import annotations

import numpy as np
import pytest
from foreign_models import (
    IMAGES,
    columns_graph,
    columns_logit,
    image_graph,
    loan_rows,
    matrix_graph,
    number_rows,
    pictures,
    saved,
    weights,
)
from onnx import TensorProto

from efficienttrust.errors import UsageError
from efficienttrust.evaluation.subjects import open_subject


def refusal(*arguments, **options) -> str:
    with pytest.raises(UsageError) as refused:
        open_subject(*arguments, **options)
    assert "\n" not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize("zipped", [True, False])
def test_raw_columns_by_name(tmp_path, zipped):
    rows = loan_rows()
    subject = open_subject(saved(columns_graph(zipped=zipped), tmp_path), rows)
    answer = subject.answer(rows.inputs)
    z = columns_logit(rows.inputs)
    assert not subject.encoded
    assert np.allclose(answer.margin, z, atol=1e-4)
    assert np.array_equal(answer.prediction, z > 0)
    assert np.allclose(answer.score, 1 / (1 + np.exp(-z)), atol=1e-5)
    assert np.array_equal(subject.answer(rows.inputs[rows.inputs.columns[::-1]]).prediction, answer.prediction)


def test_names_may_be_spelt_as_an_exporter_must(tmp_path):
    rows = loan_rows()
    model = columns_graph()
    renamed = rows.inputs.rename(columns={"income": "In-come"})
    for node in model.graph.node:
        node.input[:] = ["in_come" if name == "income" else name for name in node.input]
    model.graph.input[0].name = "in_come"
    from dataclasses import replace

    subject = open_subject(saved(model, tmp_path), replace(rows, inputs=renamed))
    assert np.allclose(subject.answer(renamed).margin, columns_logit(rows.inputs), atol=1e-4)


def test_the_encoded_matrix(tmp_path):
    rows = loan_rows()
    d = rows.problem.encoder.n_features
    subject = open_subject(saved(matrix_graph(d, 2), tmp_path), rows)
    weight, bias = weights(d, 2)
    z = rows.x @ weight + bias
    assert subject.encoded
    assert np.allclose(subject.answer(rows.inputs).margin, z[:, 1] - z[:, 0], atol=1e-4)
    assert np.array_equal(subject.answer(rows.x).prediction, subject.answer(rows.inputs).prediction)


def test_raw_numbers_and_the_choice_between_two_matrices(tmp_path):
    rows = number_rows()
    path = saved(matrix_graph(3, 2), tmp_path)
    weight, bias = weights(3, 2)
    raw, encoded = rows.inputs[["a", "b", "c"]].to_numpy(), rows.x
    for wish, matrix in (("auto", raw), ("raw", raw), ("encoded", encoded)):
        subject = open_subject(path, rows, inputs=wish)
        z = matrix @ weight + bias
        assert np.allclose(subject.answer(rows.inputs).margin, z[:, 1] - z[:, 0], atol=1e-4)
        assert subject.encoded == (wish == "encoded")
    assert any("--inputs encoded" in note for note in open_subject(path, rows).notes)
    with_group = open_subject(saved(matrix_graph(4, 2), tmp_path, "four"), rows)
    assert with_group.inputs == "[n, 4]: raw columns a, b, c, group"


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("kind", [TensorProto.FLOAT, TensorProto.UINT8])
def test_images_in_either_order(tmp_path, channels_last, kind):
    rows = pictures(tmp_path)
    subject = open_subject(saved(image_graph(channels_last=channels_last, kind=kind), tmp_path), rows)
    weight, bias = weights(3 * 8 * 9, 4)
    scale = 1.0 if kind == TensorProto.UINT8 else 255.0
    z = (IMAGES / scale).reshape(60, -1).astype(np.float32) @ weight + bias
    answer = subject.answer(rows.inputs)
    assert np.array_equal(answer.prediction, z.argmax(axis=1))
    assert np.allclose(answer.logits, z, rtol=1e-3, atol=1e-3)
    assert np.array_equal(subject.answer(rows.x).prediction, answer.prediction)


@pytest.mark.parametrize("batch", [1, 7])
def test_a_batch_that_the_graph_fixes(tmp_path, batch):
    rows = pictures(tmp_path)
    model = image_graph()
    for value in (model.graph.input[0], model.graph.output[0]):
        value.type.tensor_type.shape.dim[0].Clear()
        value.type.tensor_type.shape.dim[0].dim_value = batch
    free = open_subject(saved(image_graph(), tmp_path), rows)
    fixed = open_subject(saved(model, tmp_path, "fixed"), rows)
    assert np.allclose(fixed.answer(rows.inputs).logits, free.answer(rows.inputs).logits, atol=1e-5)


def test_what_does_not_fit_is_refused_with_both_sides(tmp_path):
    rows, images = loan_rows(), pictures(tmp_path)
    d = rows.problem.encoder.n_features
    said = refusal(saved(matrix_graph(d + 2, 2), tmp_path), rows)
    assert f"takes rows of {d + 2} numbers" in said
    assert f"the data have {d} encoded features" in said
    said = refusal(saved(columns_graph(), tmp_path), number_rows())
    assert "takes income [n, 1], debt [n, 1]" in said
    assert "no column 'income'" in said
    said = refusal(saved(image_graph(), tmp_path), rows)
    assert "the table has no column 'x'" in said
    said = refusal(saved(matrix_graph(d, 2), tmp_path), images)
    assert f"takes x [n, {d}]; the data are images of 3 channels, 8x9" in said
    np.savez(tmp_path / "small.npz", x=IMAGES[:, :, :7], y=np.arange(60) % 4)
    from efficienttrust.data.images import load_images
    from efficienttrust.evaluation.subjects import image_rows

    said = refusal(saved(image_graph(), tmp_path), image_rows(load_images(tmp_path / "small.npz")))
    assert "takes x [n, 3, 8, 9]; the data are images of 3 channels, 7x9" in said


def test_whole_numbers_cannot_be_missing(tmp_path):
    said = refusal(saved(columns_graph(age_kind=TensorProto.INT64), tmp_path), loan_rows())
    assert "column 'age' has missing cells, but the model takes whole numbers" in said


def test_a_file_that_is_no_model(tmp_path):
    (tmp_path / "bad.onnx").write_bytes(b"not a graph")
    assert "is not an ONNX file" in refusal(tmp_path / "bad.onnx", loan_rows())
    (tmp_path / "table.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    assert "is not a model that can be audited" in refusal(tmp_path / "table.csv", loan_rows())
    assert "there is no model" in refusal(tmp_path / "gone.onnx", loan_rows())
    assert "Did you mean 'bad.onnx'?" in refusal(tmp_path / "bed.onnx", loan_rows())
    assert "is a folder but not a run" in refusal(tmp_path, loan_rows())
    (tmp_path / "w.safetensors").write_bytes(b"")
    assert "weights without the model" in refusal(tmp_path / "w.safetensors", loan_rows())
