"""Whatever a user's own network does, the user reads one line: which network, what happened, and where."""

from __future__ import annotations

import copy
import importlib
import sys

import pytest
import torch
from torch import nn

from efficienttrust.errors import UsageError
from efficienttrust.models import Inputs, make_network, named_failures

TABLE = Inputs("table", (5,), n_numeric=5)
OWN = """
import torch
from torch import nn


def raises(inputs, outputs):
    raise ValueError("boom\\nand more")  # line 7


def exits(inputs, outputs):
    raise SystemExit(7)


def takes_nothing():  # line 14
    return nn.Linear(5, 1)


def too_large(inputs, outputs):
    return nn.Linear(inputs.shape[0], 10**13)


class Plain(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.layer = nn.Linear(inputs.shape[0], outputs)

    def forward(self, rows):
        return self.layer(rows)


class RaisesAtOnce(Plain):
    def forward(self, rows):
        return rows.no_such_thing  # line 33


class RaisesWhileLearning(Plain):
    def forward(self, rows):
        if self.training:
            raise RuntimeError("late")  # line 39
        return super().forward(rows)


class Exits(Plain):
    def forward(self, rows):
        raise SystemExit


class AnswersWithDict(Plain):
    def forward(self, rows):
        return {"logits": super().forward(rows)}


class TwoAnswersWhileLearning(Plain):
    def forward(self, rows):
        return (super().forward(rows), rows) if self.training else super().forward(rows)


class Detached(Plain):
    def forward(self, rows):
        return super().forward(rows).detach()


class Codes(Plain):
    def forward(self, rows):
        return (super().forward(rows) > 0).long()


class OneAnswer(Plain):
    def forward(self, rows):
        return super().forward(rows)[:1]


class NoParameters(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()

    def forward(self, rows):
        return rows[:, :1]


def frozen(inputs, outputs):
    return Plain(inputs, outputs).requires_grad_(False)
"""


@pytest.fixture
def own(workdir, monkeypatch):
    """A module of the user's in the current folder."""
    (workdir / "failing_networks.py").write_text(OWN)
    monkeypatch.setattr(sys, "path", list(sys.path))
    importlib.invalidate_caches()
    yield
    sys.modules.pop("failing_networks", None)


def one_line(refused) -> str:
    message = str(refused.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    ("function", "said"),
    [
        ("raises", "making it fails with ValueError: boom and more (failing_networks.py:7)"),
        ("exits", "making it fails with SystemExit: 7 (failing_networks.py:11)"),
        ("takes_nothing", "takes 0 positional arguments but 2 were given (failing_networks.py:14)"),
        ("too_large", "allocate"),
        (
            "RaisesAtOnce",
            "the forward pass fails with AttributeError: 'Tensor' object has no attribute 'no_such_thing'",
        ),
        ("RaisesAtOnce", "(failing_networks.py:33)"),
        ("Exits", "the forward pass fails with SystemExit (failing_networks.py:45)"),
        ("AnswersWithDict", "answers with a dict, not with a tensor of logits"),
        ("Detached", "no gradient reaches its parameters"),
        ("Codes", "answers with int64, not with float logits"),
        ("OneAnswer", "answers 2 rows with a tensor of shape [1]"),
        ("NoParameters", "has no parameter that can be trained"),
        ("frozen", "has no parameter that can be trained"),
    ],
)
def test_a_network_that_cannot_be_made(own, function, said):
    with pytest.raises(UsageError) as refused:
        make_network(f"failing_networks:{function}", TABLE, 1, seed=0)
    message = one_line(refused)
    assert f"failing_networks:{function}" in message
    assert said in message


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize(
    ("function", "said"),
    [
        ("RaisesWhileLearning", "the forward pass fails with RuntimeError: late (failing_networks.py:39)"),
        ("TwoAnswersWhileLearning", "answers with a tuple, not with a tensor of logits"),
    ],
)
def test_a_network_that_fails_later(own, function, said, outputs):
    module = make_network(f"failing_networks:{function}", TABLE, outputs, seed=0)
    for one in (module, copy.deepcopy(module)):
        assert one.eval()(torch.zeros(4, 5)).shape == ((4,) if outputs == 1 else (4, outputs))
        with pytest.raises(UsageError) as refused:
            one.train()(torch.zeros(4, 5))
        assert said in one_line(refused)


def test_only_what_a_user_wrote_is_renamed():
    with pytest.raises(ValueError, match="ours"), named_failures("mlp", "the backward pass"):
        raise ValueError("ours")
    with pytest.raises(UsageError, match=r"^as it stands$"), named_failures("own:net", "the backward pass"):
        raise UsageError("as it stands")
    with pytest.raises(KeyboardInterrupt), named_failures("own:net", "the backward pass"):
        raise KeyboardInterrupt
    with (
        pytest.raises(UsageError, match=r"own:net: the backward pass fails with ValueError \(.*in_one_line.py:\d+\)"),
        named_failures("own:net", "the backward pass"),
    ):
        raise ValueError


def test_what_torch_says_while_it_traces_is_left_to_those_who_trace(own):
    module = make_network("failing_networks:Plain", TABLE, 1, seed=0)
    assert isinstance(module, nn.Module)

    def interrupted(rows):
        raise torch.fx.experimental.symbolic_shapes.ConstraintViolationError("a size")

    module.module.forward = interrupted
    with pytest.raises(torch.fx.experimental.symbolic_shapes.ConstraintViolationError):
        module(torch.zeros(2, 5))
