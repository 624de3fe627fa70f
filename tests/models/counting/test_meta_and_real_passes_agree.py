"""A model that the meta device cannot run is run for real, and costs the same."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from efficienttrust.models.counting import count_flops


class Looks(nn.Module):
    """Reads a value on its way, which the meta device cannot."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: torch.Tensor) -> object:
        x[0].reshape(-1)[0].item()
        return self.inner(x)


MODULES = {
    "lstm": (lambda: nn.LSTM(7, 5, num_layers=2, bidirectional=True, batch_first=True), (3, 11, 7)),
    "gru": (lambda: nn.GRU(7, 5, batch_first=True), (3, 11, 7)),
    "encoder": (lambda: nn.TransformerEncoderLayer(16, 4, 32, batch_first=True), (3, 5, 16)),
    "convolutions": (
        lambda: nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.GELU(), nn.AdaptiveAvgPool2d(1)),
        (3, 3, 9, 9),
    ),
}


@pytest.mark.parametrize("name", MODULES)
@pytest.mark.parametrize("training", [False, True])
def test_the_counts_are_equal(name, training):
    make, shape = MODULES[name]
    module = make().train(training)
    state = {key: value.clone() for key, value in module.state_dict().items()}
    x = torch.randn(shape)
    on_meta, for_real = count_flops(module, [x]), count_flops(Looks(module), [x])
    assert on_meta.note == ""
    assert "real forward pass" in for_real.note
    assert for_real.per_row == pytest.approx(on_meta.per_row)
    assert for_real.multiply_adds == on_meta.multiply_adds
    assert all(part.training == training for part in module.modules())
    assert all(torch.equal(value, state[key]) for key, value in module.state_dict().items())


def test_neither_random_state_nor_flags_are_touched():
    class Noisy(nn.Module):
        def forward(self, x):
            return x + torch.rand_like(x)

    module = Looks(Noisy())
    state, onednn = torch.get_rng_state(), torch.backends.mkldnn.enabled
    assert count_flops(module, [torch.zeros(2, 3)]).per_row == 3
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.backends.mkldnn.enabled == onednn
    assert torch.backends.mha.get_fastpath_enabled()


def test_a_large_model_is_counted_without_its_numbers():
    with torch.device("meta"):
        module = nn.Linear(200_000, 200_000, bias=False)  # 160 GB
    assert count_flops(module, [torch.zeros(1, 200_000, device="meta")]).per_row == 2 * 200_000**2


def test_tied_weights_and_the_batch_do_not_matter_per_row():
    layer = nn.Linear(4, 4)
    tied = nn.Sequential(layer, layer)
    assert count_flops(tied, [torch.zeros(1, 4)]).per_row == count_flops(tied, [torch.zeros(64, 4)]).per_row == 2 * 36


def test_inputs_by_name_and_rows_that_stand_second():
    class Named(nn.Module):
        def forward(self, *, x, scale=1.0):
            return x * scale

    assert count_flops(Named(), [], keywords={"x": torch.zeros(2, 3), "scale": 2.0}).per_row == 3
    steps_first = nn.GRU(7, 5)
    rows_first = nn.GRU(7, 5, batch_first=True)
    assert (
        count_flops(steps_first, [torch.zeros(11, 3, 7)], rows=3).per_row
        == count_flops(rows_first, [torch.zeros(3, 11, 7)]).per_row
    )
