"""Inputs that the tests of image and sequence networks share, and networks whose every part has an effect."""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np
import torch
from torch import nn

from efficienttrust.models import Inputs, make_network


def images(channels: int = 3, height: int = 16, width: int = 16) -> Inputs:
    """Sizes of images, with a sample whose channels differ in mean and spread."""
    rng = np.random.default_rng(1)
    level = np.linspace(0.2, 0.8, channels)[:, None, None]
    sample = np.clip(
        level + 0.1 * (1 + np.arange(channels))[:, None, None] * rng.normal(size=(64, 1, height, width)), 0, 1
    )
    return Inputs("image", (channels, height, width), sample=sample.astype(np.float32))


def sequences(steps: int = 7, channels: int = 3, statics: int = 2) -> Inputs:
    """A wide table: a numeric column beside the grid, the cells channel by channel, indicators, one block.

    The last cell never occurs, so that it has no column; the first one is never missing, so that it has no indicator.
    """
    cells = steps * channels - 1
    grid = 1 + np.arange(steps * channels).reshape(channels, steps).T
    grid[-1, -1] = -1
    n_numeric = 1 + cells
    indicator = n_numeric - 1 + np.arange(n_numeric)
    indicator[:2] = n_numeric, -1
    start = 2 * n_numeric - 1
    d = start + statics
    return Inputs("table", (d,), n_numeric=n_numeric, indicator=indicator, blocks=((start, d),), grid=grid)


def rows(inputs: Inputs, n: int, seed: int = 0, missing: float = 0.5) -> torch.Tensor:
    """Random rows as the encoder would give them: indicators are 0 or 1, one slot of each block is 1."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(n, *inputs.shape, generator=generator)
    if inputs.kind == "image":
        return x
    x = torch.randn(n, *inputs.shape, generator=generator)
    for column in inputs.indicator[inputs.indicator >= 0]:
        x[:, column] = (torch.rand(n, generator=generator) < missing).float()
    for start, stop in inputs.blocks:
        x[:, start:stop] = nn.functional.one_hot(torch.randint(stop - start, (n,), generator=generator), stop - start)
    return x


def network(name: str, inputs: Inputs, outputs: int = 3, seed: int = 0, **options: Any) -> nn.Module:
    """A network in evaluation mode with perturbed weights (no scale is 0) and running statistics that say something."""
    module = make_network(name, inputs, outputs, seed=seed, **options)
    generator = torch.Generator().manual_seed(seed + 1)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=generator))
        for layer in module.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.weight.add_(0.2)
        module.train()(rows(inputs, 8, seed=9))
    return module.eval()


def assert_export_agrees(name: str, inputs: Inputs, outputs: int, **options: Any) -> list[str]:
    """Export a network with an open number of rows, compare it with torch for several; return its operators."""
    import onnxruntime

    module = network(name, inputs, outputs, **options)
    file, open_rows = io.BytesIO(), ({0: torch.export.Dim("rows")},)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's exporter uses what torch itself deprecates
        program = torch.onnx.export(
            module, (rows(inputs, 4),), dynamo=True, input_names=["x"], dynamic_shapes=open_rows, verbose=False
        )
    assert program is not None
    program.save(file)
    session = onnxruntime.InferenceSession(file.getvalue(), providers=["CPUExecutionProvider"])
    for n in (1, 3, 8):
        x = rows(inputs, n, seed=n)
        (found,) = session.run(None, {"x": x.numpy()})
        wanted = module(x).detach().numpy()
        assert found.shape == wanted.shape
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)
    return [node.op_type for node in program.model_proto.graph.node]
