"""Parameters are counted once, and their size is that of the file torch writes."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from efficienttrust.models.counting import count_parameters, state_size


def test_shared_parameters_count_once_and_buffers_do_not():
    layer = nn.Linear(4, 4)
    count = count_parameters(nn.Sequential(layer, layer, nn.BatchNorm1d(4)))
    assert (count.total, count.note) == (20 + 8, "")


def test_zeros_are_told_apart():
    layer = nn.Linear(10, 10)
    with torch.no_grad():
        layer.weight.zero_()
        layer.weight[0, :3] = 1.0
        layer.bias.fill_(2.0)
    count = count_parameters(layer)
    assert (count.total, count.nonzero) == (110, 13)


def test_what_is_unknown_is_said():
    lazy = count_parameters(nn.LazyLinear(3))
    assert lazy.nonzero is None
    assert "lazy" in lazy.note
    meta = count_parameters(nn.Linear(3, 2, device="meta"))
    assert (meta.total, meta.nonzero) == (8, None)
    assert "meta" in meta.note


@pytest.mark.parametrize("width", [1, 300])
def test_the_size_is_that_of_the_file(workdir, width):
    module = nn.Sequential(nn.Linear(width, width), nn.BatchNorm1d(width))
    torch.save(module.state_dict(), "model.pt")
    written = (workdir / "model.pt").stat().st_size
    assert state_size(module) == pytest.approx(written, abs=200)  # the archive holds its own name
    assert written > 4 * (width * width + 5 * width)
