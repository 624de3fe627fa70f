"""Sequence networks exported to ONNX say the same, with one recurrent operator per layer in place of a loop."""

from __future__ import annotations

import pytest

from tests.models.network_cases import assert_export_agrees, sequences


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "options", "operator", "count"),
    [
        ("linear", {}, "Gemm", 1),
        ("lstm", {"width": 0.25, "layers": 2}, "LSTM", 2),
        ("gru", {"width": 0.25}, "GRU", 1),
        ("time_transformer", {"width": 0.5, "depth": 2}, "Softmax", 2),
    ],
)
@pytest.mark.parametrize("outputs", [1, 3])
def test_every_kind_of_sequence_network(name, options, operator, count, outputs):
    operators = assert_export_agrees(name, sequences(), outputs, **options)
    assert operators.count(operator) == count
    assert not {"Loop", "Scan"} & set(operators)
