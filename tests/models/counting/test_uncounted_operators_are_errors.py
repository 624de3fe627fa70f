"""A hole in the sum is never passed over: it is an error that names the operator, and a formula can be registered."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from efficienttrust.errors import UsageError
from efficienttrust.models.counting import Cost, count_flops, flop_formulas


class Inverse(nn.Module):
    def forward(self, x):
        return torch.linalg.inv(x) @ x


def test_the_error_names_every_operator_and_the_remedy():
    with pytest.raises(UsageError, match=r"no formula for .*aten\.linalg_inv_ex.* Register one") as caught:
        count_flops(Inverse(), [torch.eye(3).expand(2, 3, 3)])
    assert "aten.bmm" not in str(caught.value)
    assert "\n" not in str(caught.value)


@torch.library.custom_op("efficienttrust_tests::halve", mutates_args=())
def halve(x: torch.Tensor) -> torch.Tensor:
    return x / 2


@halve.register_fake
def _(x):
    return torch.empty_like(x)


class Halve(nn.Module):
    def forward(self, x):
        return halve(x)


def test_a_registered_formula_is_used():
    with pytest.raises(UsageError, match=r"efficienttrust_tests\.halve"):
        count_flops(Halve(), [torch.zeros(2, 5)])
    flop_formulas.register("efficienttrust_tests.halve")(lambda arguments, output: Cost(other=arguments["x"].numel()))
    assert count_flops(Halve(), [torch.zeros(2, 5)]).by_operator == {"efficienttrust_tests.halve": 5}


def test_fused_kernels_that_hide_operators_have_no_formula():
    names = set(flop_formulas.names())
    for name in (
        "mkldnn_rnn_layer",
        "_transformer_encoder_layer_fwd",
        "_native_multi_head_attention",
        "quantize_per_tensor",
    ):
        assert f"aten.{name}" not in names


def test_every_formula_is_for_an_operator_that_exists():
    """So that a misspelt name on the list of free operators is found."""
    missing = [
        name
        for name in flop_formulas.names()
        if name.startswith("aten.") and not hasattr(torch.ops.aten, name.removeprefix("aten."))
    ]
    assert missing == []


def test_inputs_that_do_not_fit_are_said():
    with pytest.raises(UsageError, match="does not run on the given inputs"):
        count_flops(nn.Linear(3, 2), [torch.zeros(2, 4)])
    with pytest.raises(UsageError, match="no input is a tensor with rows"):
        count_flops(nn.Linear(3, 2), [7])
