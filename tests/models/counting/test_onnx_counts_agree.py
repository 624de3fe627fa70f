"""The two counters share no code but the conventions: a module and the file exported from it cost the same."""

from __future__ import annotations

import io

import pytest
import torch
from torch import Tensor, nn

from efficienttrust.models.counting import count_flops, count_parameters
from efficienttrust.resources.onnx_counting import count_onnx_flops, count_onnx_parameters


class Attention(nn.Module):
    """Multi-head attention written out, as exporters need it, with what surrounds it in a transformer."""

    def __init__(self) -> None:
        super().__init__()
        self.project, self.out, self.norm = nn.Linear(16, 48), nn.Linear(16, 16), nn.LayerNorm(16)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (part.reshape(-1, 5, 4, 4).transpose(1, 2) for part in self.project(x).chunk(3, dim=-1))
        mixed = torch.softmax(q @ k.transpose(-1, -2) * 0.5, dim=-1) @ v
        return self.norm(x + nn.functional.gelu(self.out(mixed.transpose(1, 2).reshape(-1, 5, 16))))


MODULES = {
    "mlp": (
        lambda: nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 3), nn.Sigmoid()),
        (1, 10),
    ),
    "cnn": (
        lambda: nn.Sequential(
            *(nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.ReLU6(), nn.Conv2d(8, 8, 3, groups=4, dilation=2)),
            *(nn.LeakyReLU(), nn.ConvTranspose2d(8, 4, 2, stride=2), nn.MaxPool2d(2), nn.Hardswish()),
            *(nn.AvgPool2d(2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2), nn.Softmax(1)),
        ),
        (1, 3, 24, 24),
    ),
    "lstm": (lambda: nn.LSTM(8, 16, 2, bidirectional=True, batch_first=True), (1, 5, 8)),
    "gru": (lambda: nn.GRU(8, 16, batch_first=True), (1, 5, 8)),
    "rnn": (lambda: nn.RNN(8, 16, batch_first=True), (1, 5, 8)),
    "attention": (Attention, (1, 5, 16)),
}


def exported(module: nn.Module, x: Tensor) -> bytes:
    """Export by the exporter that needs no further package; it warns that it is the older one."""
    file = io.BytesIO()
    open_rows = {"x": {0: "rows"}}  # or an initial state of zeros is stored as if it were learned
    torch.onnx.export(
        module.eval(), (x,), file, dynamo=False, opset_version=18, input_names=["x"], dynamic_axes=open_rows
    )
    return file.getvalue()


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning", "ignore::torch.jit.TracerWarning")
@pytest.mark.parametrize("name", MODULES)
def test_flops_and_parameters(name):
    make, shape = MODULES[name]
    module, x = make(), torch.zeros(shape)
    file = exported(module, x)
    ours, theirs = count_flops(module, [x]), count_onnx_flops(file, shapes={"x": shape}, rows=1)
    assert theirs.multiply_adds == ours.multiply_adds > 0
    assert theirs.per_row == ours.per_row
    assert count_onnx_parameters(file) == count_parameters(module)
