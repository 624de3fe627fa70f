"""What is too large to be made is refused in one line with a figure, before anything is allocated."""

from __future__ import annotations

import dataclasses
import time

import psutil
import pytest
import torch
from torch import nn

from efficienttrust.errors import UsageError, in_bytes
from efficienttrust.models import make_network, network_of, networks, parse_network, refuse_beyond_memory
from efficienttrust.models._size import count_unmade
from tests.models import table_cases
from tests.models.network_cases import images, sequences

SEQUENCES = ("gru", "lstm", "time_transformer")


def inputs_for(name: str):
    """Rows that a network reads; without a sample, as what follows from one is not counted beforehand."""
    if "image" in network_of(name).kinds:
        return images()
    return dataclasses.replace(sequences() if name in SEQUENCES else table_cases.table(), sample=None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tabular(width=1e9)", "width=1e+09 of tabular: give at most 1000"),
        ("tabular(members=1e6)", "members=1e+06 of tabular: give at most 64"),
        ("ft_transformer(depth=100000)", "depth=100000 of ft_transformer: give at most 64"),
        ("lstm(layers=1e300)", "layers=1e+300 of lstm: give at most 64"),
        ("resnet8(width=1e5)", "width=100000 of resnet8: give at most 1000"),
        ("vit(patch=5000)", "patch=5000 of vit: give at most 1024"),
        ("mlp(widths=99999999-99999999)", "widths=1e+08 of mlp: give at most 1e+06"),
        ("mlp(widths=" + "1-" * 64 + "1)", "widths of mlp has 65 numbers; give at most 64"),
    ],
)
def test_an_option_beyond_its_largest_value(text, said):
    with pytest.raises(UsageError) as refused:
        parse_network(text)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", networks.names())
def test_largest_values_are_those_of_options_and_above_their_defaults(name):
    network = network_of(name)
    assert network.most.keys() <= network.options.keys()
    for option, most in network.most.items():
        default = network.options[option]
        assert max(default if isinstance(default, tuple) else (default,)) < most
        beyond = (most + 1,) if isinstance(default, tuple) else most + 1
        with pytest.raises(UsageError, match=f"option {option}="):
            make_network(name, inputs_for(name), seed=0, **{option: beyond})


@pytest.mark.parametrize(
    ("name", "options", "parameters"),
    [
        ("mlp", {"widths": (1_000_000, 1_000_000)}, 1e12),
        ("mlp", {"widths": [8, 1_000_000, 1_000_000]}, 1e12),  # a list, as options are read from a file
        ("mlp", {"widths": (200, 1_000_000, 100_000)}, 1e11),
        ("tabular", {"width": 1000.0}, 2 * 128_000**2),
        ("ft_transformer", {"width": 1000.0}, None),
        ("lstm", {"width": 900.0}, None),
        ("time_transformer", {"width": 1000.0}, None),
        ("resnet8", {"width": 1000.0}, None),
        ("resnet50", {"width": 900.0}, None),
        ("vit", {"width": 1000.0, "patch": 1024}, None),
    ],
)
def test_weights_that_no_file_holds_are_refused_at_once(name, options, parameters):
    before, begin = psutil.Process().memory_info().rss, time.process_time()
    with pytest.raises(UsageError) as refused:
        make_network(name, inputs_for(name), seed=0, **options)
    assert time.process_time() - begin < 5
    assert psutil.Process().memory_info().rss - before < 5e8
    message = str(refused.value)
    assert f"this machine has {in_bytes(psutil.virtual_memory().total)}" in message
    assert "\n" not in message
    if parameters is not None:
        assert float(message.split("would have ")[1].split()[0]) == pytest.approx(parameters, rel=0.05)


@pytest.mark.parametrize("name", networks.names())
def test_what_would_be_made_is_counted_to_the_parameter(name):
    network, inputs = network_of(name), inputs_for(name)
    wider = {"width": 1.5} if "width" in network.options else {}
    made = make_network(name, inputs, 3, seed=0, **wider)
    torch.manual_seed(5)
    assert count_unmade(network, inputs, 3, {**network.options, **wider}) == sum(
        one.numel() for one in made.parameters()
    )
    drawn = torch.rand(3)
    torch.manual_seed(5)
    assert torch.equal(torch.rand(3), drawn), "counting draws nothing"


def test_a_training_that_no_memory_holds_is_refused():
    with torch.device("meta"):
        module = nn.Linear(10_000_000, 1_000_000, bias=False)
    with pytest.raises(
        UsageError, match=r"wide has 1e\+13 parameters: its training holds at least 160 TB, this machine"
    ):
        refuse_beyond_memory("wide", module, torch.device("cpu"))
    refuse_beyond_memory("small", nn.Linear(10, 10), torch.device("cpu"))
