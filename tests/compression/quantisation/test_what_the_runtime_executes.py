"""Quantised networks are whole numbers, smaller, close to the float network, and the same every time."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from efficienttrust.compression import score_encoded, scorer_of, workpiece_of
from efficienttrust.compression._core import core_of
from efficienttrust.compression.quantisation import add_rounding, parse_quantisation, quantise
from efficienttrust.compression.quantisation._verify import verify_quantised
from efficienttrust.errors import UsageError
from tests.compression.quantisation.cases import mlp, module, rows_of

NETWORKS = {  # (network, an operator on whole numbers, how many times smaller the file is at least)
    "mlp": (lambda: mlp((256, 128)), "DequantizeLinear", 3.2),
    "resnet8": (lambda: module("resnet8", 10), "DequantizeLinear", 3.0),
    "lstm": (lambda: module("lstm"), "DynamicQuantizeLSTM", 2.5),
    "time_transformer": (lambda: module("time_transformer", depth=1), "DequantizeLinear", 2.4),
}


@pytest.fixture(scope="module", params=NETWORKS)
def case(request):
    make, operator, ratio = NETWORKS[request.param]
    scorer = make()
    return request.param, scorer, quantise(scorer, parse_quantisation("int8"), rows_of(scorer, 300)), operator, ratio


def test_nearly_all_weights_are_whole_numbers(case):
    name, _scorer, made, operator, ratio = case
    assert made.facts["integer_share"] > 0.95, name
    assert made.facts["operators"][operator] >= 1
    assert made.facts["bytes_after"] == len(made.core)
    assert made.facts["bytes_before"] / made.facts["bytes_after"] > ratio, name


def test_answers_stay_close(case):
    _name, scorer, made, _operator, _ratio = case
    rows = rows_of(scorer, 200, seed=7)
    z, q = score_encoded(scorer, rows), score_encoded(made, rows)
    assert q.shape == z.shape
    assert q.dtype == np.float32
    assert np.abs(q - z).mean() < 0.05 * z.std()
    assert np.abs(q - z).max() > 0  # it is another network


def test_static_ranges_answer_a_row_alike_in_any_company(case):
    name, _scorer, made, _operator, _ratio = case
    if name == "lstm":
        assert made.facts["batch_dependence"] > 0
        assert any("depends on the rows" in note for note in made.facts["notes"])
    else:
        assert made.facts["batch_dependence"] < 1e-4
        assert made.facts["notes"] == [] or all("depends" not in note for note in made.facts["notes"])


def test_the_same_bytes_every_time():
    scorer = mlp()
    rows = rows_of(scorer, 100)
    step = parse_quantisation("int8")
    assert quantise(scorer, step, rows).core == quantise(scorer, step, rows).core


def test_four_bits_in_a_matrix_product():
    scorer = mlp((256, 128))
    made = quantise(scorer, parse_quantisation("int4"), rows_of(scorer, 50))
    assert made.facts["operators"]["MatMulNBits"] == 3  # Gemm was taken apart: the quantiser passes over it
    assert made.facts["bytes_before"] / made.facts["bytes_after"] > 5
    rows = rows_of(scorer, 100, seed=3)
    z, q = score_encoded(scorer, rows), made.score(rows)
    assert 0 < np.abs(q - z).mean() < 0.3 * z.std()


def test_by_hand_on_one_layer():
    """q(x) q(w) + b with 256 steps from the least to the largest input, and 127 up to the largest weight of an output.

    Sums of products are exact; they are handed on as floats, so nothing else is rounded.
    """
    scorer = mlp((), features=16)
    rows, x = rows_of(scorer, 64), rows_of(scorer, 40, seed=5)
    made = quantise(scorer, parse_quantisation("int8"), rows)
    weight, bias = (part.astype(np.float64) for part in scorer.layers[0])
    low, high = min(float(rows.min()), 0.0), max(float(rows.max()), 0.0)
    scale = (high - low) / 255
    zero = round(-low / scale)
    whole = np.clip(np.round(x / scale) + zero, 0, 255) - zero
    step = np.abs(weight).max() / 127
    expected = (whole * scale) @ (np.round(weight / step) * step)[:, 0] + np.round(
        bias[0] / scale / step
    ) * scale * step
    np.testing.assert_allclose(made.score(x), expected, atol=1e-5)
    assert np.abs(made.score(x) - score_encoded(scorer, x)).max() > 1e-3


@pytest.mark.parametrize("name", ["mlp", "time_transformer"])
def test_four_bits_are_the_grid_that_training_sees(name):
    """What recovers with rounded weights is what is stored: the conversion changes nothing more."""
    scorer = mlp((64, 32)) if name == "mlp" else module("time_transformer", depth=1)
    step = parse_quantisation("int4")
    piece = workpiece_of(scorer)
    add_rounding(piece, step)
    seen, rows = scorer_of(piece, scorer), rows_of(scorer, 60, seed=2)
    np.testing.assert_allclose(
        quantise(scorer, step, rows_of(scorer, 40)).score(rows), score_encoded(seen, rows), atol=2e-5
    )


def test_eight_bits_are_the_grid_that_training_sees():
    scorer = mlp((64, 32))
    step = parse_quantisation("int8")
    piece = workpiece_of(scorer)
    add_rounding(piece, step)
    stored = onnx.load_model_from_string(quantise(scorer, step, rows_of(scorer, 40)).core).graph.initializer
    held = {value.name: onnx.numpy_helper.to_array(value) for value in stored}
    for k, (weight, _) in enumerate(scorer_of(piece, scorer).layers):
        whole, scale = held[f"scorer.{k}.weight_quantized"], held[f"scorer.{k}.weight_scale"]
        np.testing.assert_allclose(whole * scale, weight, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "method", "says"),
    [
        ("gru", "int8", "no whole-number kernel for GRU"),
        ("lstm", "int8_static", "LSTM"),
        ("resnet8", "int4", "Conv"),
    ],
)
def test_what_was_not_quantised_is_an_error(name, method, says):
    scorer = module(name)
    with pytest.raises(UsageError, match=says) as caught:
        quantise(scorer, parse_quantisation(method), rows_of(scorer, 64))
    assert "weights:" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_quantiser_that_does_nothing_is_caught(monkeypatch):
    """Without its preparation the runtime's tool leaves an LSTM in floats, and says nothing."""
    from efficienttrust.compression.quantisation import _quantise

    monkeypatch.setattr(_quantise, "prepared", onnx.load_model_from_string)
    scorer = module("lstm")
    with pytest.raises(UsageError, match="whole numbers"):
        quantise(scorer, parse_quantisation("int8"), rows_of(scorer, 64))


def test_floats_that_stay_beside_the_whole_numbers_are_said():
    scorer = mlp((256, 128))
    step = parse_quantisation("int8")
    made = quantise(scorer, step, rows_of(scorer, 64))
    assert made.facts["notes"] == []
    assert made.facts["integer_tensors"] == 3
    model = onnx.load_model_from_string(made.core)
    weight = np.ascontiguousarray(scorer.layers[1][0])
    model.graph.initializer.append(onnx.numpy_helper.from_array(weight, "forgotten"))
    (note,) = verify_quantised(core_of(scorer), model.SerializeToString(), step)["notes"]
    assert "8 bits would save" in note


def test_what_is_too_small_grows_and_says_so():
    scorer = mlp((16, 8))
    (note,) = quantise(scorer, parse_quantisation("int8"), rows_of(scorer, 64)).facts["notes"]
    assert note.startswith("the network is too small for whole numbers to pay")


def test_too_few_rows_to_measure_ranges_by():
    scorer = mlp()
    with pytest.raises(UsageError, match="31 training rows are too few"):
        quantise(scorer, parse_quantisation("int8"), rows_of(scorer, 31))
    for needs_none in ("int8_dynamic", "int4"):
        assert np.isfinite(
            quantise(scorer, parse_quantisation(needs_none), rows_of(scorer, 3)).score(rows_of(scorer, 5))
        ).all()


def test_nothing_is_printed(capfd):
    scorer = mlp()
    quantise(scorer, parse_quantisation("int8"), rows_of(scorer, 64))
    said = capfd.readouterr()
    assert said.out == ""
    assert said.err == ""
