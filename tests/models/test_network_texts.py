"""A network is named by a text; what is misspelt is refused in one line that says what is known."""

from __future__ import annotations

import sys

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from efficienttrust.errors import UsageError
from efficienttrust.models import Inputs, make_network, network_of, networks, parse_network

OWN = """
from torch import nn


def linear(inputs, outputs):
    return nn.Linear(inputs.shape[0], outputs)


def flat(inputs, outputs):
    return nn.Sequential(linear(inputs, outputs), nn.Flatten(0))


def wrong(inputs, outputs):
    return nn.Linear(inputs.shape[0], outputs + 1)


def nothing(inputs, outputs):
    return "a network"


number = 3
"""
TABLE = Inputs("table", (5,), n_numeric=5)


@pytest.fixture
def own(workdir, monkeypatch):
    """A module of the user's in the current folder."""
    (workdir / "own_networks.py").write_text(OWN)
    (workdir / "broken_networks.py").write_text("def linear(:\n")
    (workdir / "raising_networks.py").write_text("raise RuntimeError('no\\nlicence')\n")
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    for name in ("own_networks", "broken_networks", "raising_networks"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize(
    ("text", "name", "options"),
    [
        ("resnet8", "resnet8", {}),
        (" resnet20 ( width = 0.5 ) ", "resnet20", {"width": 0.5}),
        ("resnet8()", "resnet8", {}),
        ("mlp(widths=64-32)", "mlp", {"widths": (64, 32)}),
        ("mlp(widths=7)", "mlp", {"widths": (7,)}),
        ("ft_transformer(width=0.25, depth=1)", "ft_transformer", {"width": 0.25, "depth": 1}),
        ("tabular(bins=8,members=2)", "tabular", {"bins": 8, "members": 2}),
        ("resnet8(zero_gamma=1)", "resnet8", {"zero_gamma": True}),
    ],
)
def test_name_and_options_are_read(text, name, options):
    found = parse_network(text)
    assert found == (name, options)
    assert {key: type(value) for key, value in found[1].items()} == {k: type(v) for k, v in options.items()}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("resnet9", "unknown network 'resnet9'. Did you mean"),
        ("", "is not of the form NAME"),
        ("resnet8(width=0.5", "is not of the form NAME"),
        ("resnet8)(", "is not of the form NAME"),
        ("resnet8(widht=1)", "unknown option of resnet8 'widht'. Did you mean 'width'?"),
        ("resnet8(0.5)", "unknown option of resnet8 '0.5'"),
        ("resnet8(width)", "width='' is not a number"),
        ("resnet8(width=wide)", "width='wide' is not a number"),
        ("resnet8(width=0)", "is not a number above 0"),
        ("resnet8(width=-1)", "is not a number above 0"),
        ("resnet8(width=nan)", "is not a number above 0"),
        ("resnet8(width=inf)", "is not a number above 0"),
        ("ft_transformer(depth=1.5)", "depth='1.5' is not a whole number"),
        ("resnet8(zero_gamma=2)", "zero_gamma='2': it is on or off, give 1 or 0"),
        ("tabular(width=1,width=2)", "option width is given twice in 'tabular(width=1,width=2)'"),
        ("mlp(widths=" + "9" * 400 + ")", "is not a list of whole numbers"),
        ("mlp(widths=64-0)", "widths='64-0' is not"),
        ("mlp(widths=64,32)", "unknown option of mlp '32'"),
        ("mlp(widths=)", "widths='' is not"),
        (":", "is not of the form"),
        ("a:", "is not of the form module:function"),
        (":b", "is not of the form module:function"),
        ("..:b", "is not of the form module:function"),
        ("no_such_module_here:b", "no_such_module_here cannot be imported here (ModuleNotFoundError"),
        ("..a:b", "cannot be imported here"),
    ],
)
def test_what_is_misspelt_is_refused_in_one_line(text, said):
    with pytest.raises(UsageError) as refused:
        parse_network(text)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


@given(st.text(max_size=30))
def test_no_text_does_anything_else(text):
    if ":" in text:
        return  # would import
    try:
        name, _ = parse_network(text)
    except UsageError:
        return
    assert name in networks.names()


@pytest.mark.parametrize("name", networks.names())
def test_every_default_is_an_option_that_can_be_written(name):
    for option, value in network_of(name).options.items():
        if value in (0, False):
            continue
        shown = "-".join(map(str, value)) if isinstance(value, tuple) else str(int(value) if value is True else value)
        assert parse_network(f"{name}({option}={shown})") == (name, {option: value})


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("function", ["linear", "flat"])
def test_a_network_of_ones_own_is_found_beside_the_caller(own, function, outputs):
    if function == "flat" and outputs > 1:
        return
    name, options = parse_network(f"own_networks:{function}")
    assert (name, options) == (f"own_networks:{function}", {})
    module = make_network(name, TABLE, outputs, seed=1)
    again = make_network(name, TABLE, outputs, seed=1)
    x = torch.rand(4, 5)
    assert module(x).shape == ((4,) if outputs == 1 else (4, outputs))
    assert torch.equal(module(x), again(x)), "the seed decides"
    assert module.training


def test_ones_own_network_reads_every_kind(own):
    assert network_of("own_networks:linear").kinds == ("table", "sequence", "image")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("own_networks:liner", "own_networks has no function liner. Did you mean 'linear'?"),
        ("own_networks:number", "number is of type int, not a function"),
        ("broken_networks:linear", "broken_networks cannot be imported here (SyntaxError"),
        ("raising_networks:linear", "raising_networks cannot be imported here (RuntimeError: no licence)"),
        ("own_networks:linear(width=2)", "unknown option of own_networks:linear 'width'"),
    ],
)
def test_faults_of_ones_own_module_are_named(own, text, said):
    with pytest.raises(UsageError) as refused:
        parse_network(text)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("function", "outputs", "said"),
    [
        ("wrong", 1, "shape [2, 2], not [n] or [n, 1]"),
        ("wrong", 3, "shape [2, 4], not [n, 3]"),
        ("nothing", 1, "returns a str"),
    ],
)
def test_ones_own_network_must_answer_with_logits(own, function, outputs, said):
    with pytest.raises(UsageError) as refused:
        make_network(f"own_networks:{function}", TABLE, outputs, seed=0)
    assert said in str(refused.value)


def test_making_a_network_leaves_the_global_generator_alone(own):
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    assert isinstance(make_network("own_networks:linear", TABLE, 2, seed=0), nn.Module)
    assert torch.equal(torch.rand(3), expected)


def test_a_network_for_images_refuses_a_table_and_says_which_do_not():
    with pytest.raises(UsageError, match=r"'resnet8' reads image, not table; choose .*mlp"):
        make_network("resnet8", TABLE, seed=0)
    with pytest.raises(UsageError, match=r"unknown option of mlp 'width'\. Did you mean 'widths'"):
        make_network("mlp", TABLE, seed=0, width=2)
