"""What is counted equals what the definition of each layer says, written out here by hand."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from efficienttrust.models import build_mlp
from efficienttrust.models.counting import FlopCount, count_flops, count_parameters

_sizes = st.integers(1, 6)


def counted(module: nn.Module, *inputs: Tensor) -> FlopCount:
    count = count_flops(module, inputs)
    assert count.note == "", "the meta device should do"
    assert count.per_row == pytest.approx(sum(count.by_operator.values()))
    return count


@settings(deadline=None, max_examples=20)
@given(rows=_sizes, positions=_sizes, inputs=_sizes, outputs=_sizes, bias=st.booleans(), deep=st.booleans())
def test_linear(rows, positions, inputs, outputs, bias, deep):
    x = torch.zeros(rows, positions, inputs) if deep else torch.zeros(rows, inputs)
    count = counted(nn.Linear(inputs, outputs, bias=bias), x)
    per_position = 2 * inputs * outputs + bias * outputs
    assert count.per_row == (positions if deep else 1) * per_position
    assert count.multiply_adds == (positions if deep else 1) * inputs * outputs


@settings(deadline=None, max_examples=30)
@given(
    rows=_sizes,
    groups=st.integers(1, 3),
    wide=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    stride=st.integers(1, 3),
    dilation=st.integers(1, 2),
    padding=st.integers(0, 2),
    bias=st.booleans(),
)
def test_convolution(rows, groups, wide, kernel, stride, dilation, padding, bias):
    inputs, outputs = groups * wide[0], groups * wide[1]
    layer = nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation, groups, bias)
    height, width = ((11 + 2 * padding - dilation * (k - 1) - 1) // stride + 1 for k in kernel)
    count = counted(layer, torch.zeros(rows, inputs, 11, 11))
    values = outputs * height * width
    assert count.multiply_adds == values * (inputs // groups) * kernel[0] * kernel[1]
    assert count.per_row == 2 * count.multiply_adds + bias * values


def test_transposed_convolution_scatters_every_input():
    count = counted(nn.ConvTranspose2d(4, 6, 3, stride=2, groups=2), torch.zeros(2, 4, 5, 5))
    assert count.multiply_adds == 4 * 5 * 5 * 3 * 3 * 3
    assert count.per_row == 2 * count.multiply_adds + 6 * 11 * 11


def test_one_and_three_dimensions():
    assert counted(nn.Conv1d(2, 3, 4), torch.zeros(5, 2, 9)).multiply_adds == 3 * 6 * 2 * 4
    assert counted(nn.Conv3d(2, 3, 2), torch.zeros(5, 2, 4, 4, 4)).multiply_adds == 3 * 27 * 2 * 8


def lstm(inputs: int, hidden: int) -> int:
    """Four gates of two products with two biases and a sum; σ σ σ tanh; f·c + i·g; o·tanh(c)."""
    return 2 * 4 * hidden * (inputs + hidden) + (8 + 4) * hidden + 4 * hidden + 3 * hidden + 2 * hidden


def gru(inputs: int, hidden: int) -> int:
    """Three gates of two products with two biases; σ(i + h) twice; tanh(i + r·h); (h − n)·z + n."""
    return 2 * 3 * hidden * (inputs + hidden) + 6 * hidden + 4 * hidden + 3 * hidden + 3 * hidden


def rnn(inputs: int, hidden: int) -> int:
    return 2 * hidden * (inputs + hidden) + 2 * hidden + hidden + hidden


@pytest.mark.parametrize(("layer", "step"), [(nn.LSTM, lstm), (nn.GRU, gru), (nn.RNN, rnn)])
@pytest.mark.parametrize("both_ways", [False, True])
def test_recurrent_layers(layer, step, both_ways):
    directions = 2 if both_ways else 1
    module = layer(7, 5, num_layers=2, bidirectional=both_ways, batch_first=True)
    first, second = step(7, 5), step(5 * directions, 5)
    assert counted(module, torch.zeros(3, 11, 7)).per_row == 11 * directions * (first + second)


@pytest.mark.parametrize(("cell", "step"), [(nn.LSTMCell, lstm), (nn.GRUCell, gru), (nn.RNNCell, rnn)])
def test_cells(cell, step):
    assert counted(cell(7, 5), torch.zeros(3, 7)).per_row == step(7, 5)


def attention(heads: int, queries: int, keys: int, width: int) -> int:
    """Q·Kᵀ and ·V; both scaled by d^¼; softmax: max, −, exp, +, ÷."""
    return heads * (queries * keys * (4 * width + 5) + (queries + keys) * width)


class Attend(nn.Module):
    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return functional.scaled_dot_product_attention(q, k, v)


def test_scaled_dot_product_attention():
    q, k, v = torch.zeros(2, 4, 5, 8), torch.zeros(2, 4, 7, 8), torch.zeros(2, 4, 7, 8)
    assert counted(Attend(), q, k, v).per_row == attention(4, 5, 7, 8)


def test_fused_attention_costs_what_its_parts_cost():
    class Fused(nn.Module):
        def forward(self, q, k, v):
            return torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(q, k, v)[0]

    tensors = [torch.zeros(2, 4, 6, 8)] * 3
    count = count_flops(Fused(), tensors)
    assert "aten._scaled_dot_product_flash_attention_for_cpu" in count.by_operator
    assert count.per_row == attention(4, 6, 6, 8)
    assert count.multiply_adds == counted(Attend(), *tensors).multiply_adds


def projections(positions: int, width: int) -> int:
    return 4 * positions * (2 * width * width + width)


@pytest.mark.parametrize("weights", [True, False])
def test_multihead_attention(weights):
    class Itself(nn.MultiheadAttention):
        def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
            return super().forward(x, x, x, need_weights=weights)[0]

    count = counted(Itself(16, 4, batch_first=True), torch.zeros(3, 5, 16))
    if weights:  # only Q is scaled then, by √d; the weights are averaged over the heads
        expected = projections(5, 16) + 4 * (5 * 5 * (4 * 4 + 5) + 5 * 4) + 4 * 5 * 5
    else:
        expected = projections(5, 16) + attention(4, 5, 5, 4)
    assert count.per_row == pytest.approx(expected)


def encoder_layer(positions: int, width: int, heads: int, hidden: int) -> int:
    feed_forward = positions * (4 * width * hidden + hidden + width + hidden)  # two products, biases, ReLU
    residuals_and_norms = 2 * positions * width * (1 + 7)
    return (
        projections(positions, width)
        + attention(heads, positions, positions, width // heads)
        + (feed_forward + residuals_and_norms)
    )


@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("training", [False, True])
def test_transformer_encoder_despite_its_fast_path(layers, training):
    layer = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True)
    module = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False).train(training)
    assert counted(module, torch.zeros(3, 5, 16)).per_row == layers * encoder_layer(5, 16, 4, 32)
    assert module.training == training
    assert torch.backends.mha.get_fastpath_enabled()


@pytest.mark.parametrize(
    ("module", "shape", "per_row"),
    [
        (nn.BatchNorm2d(3), (2, 3, 4, 4), 2 * 48),
        (nn.BatchNorm1d(3), (2, 3), 2 * 3),
        (nn.LayerNorm(6), (2, 5, 6), 7 * 30),
        (nn.LayerNorm(6, elementwise_affine=False), (2, 5, 6), 5 * 30),
        (nn.LayerNorm(6, bias=False), (2, 5, 6), 6 * 30),
        (nn.GroupNorm(2, 4), (2, 4, 3, 3), 7 * 36),
        (nn.InstanceNorm2d(4), (2, 4, 3, 3), 6 * 36),
        (nn.MaxPool2d(2), (2, 3, 8, 8), 4 * 48),
        (nn.MaxPool2d((2, 4), stride=2), (2, 3, 8, 8), 8 * 3 * 4 * 3),
        (nn.AvgPool2d(2), (2, 3, 8, 8), 4 * 48),
        (nn.AdaptiveAvgPool2d(1), (2, 3, 8, 8), 3 * 64),
        (nn.AdaptiveAvgPool2d(2), (2, 3, 8, 8), 3 * 64),
        (nn.AdaptiveAvgPool2d(2), (2, 3, 7, 7), 3 * 64),  # windows of 4, which overlap
        (nn.AdaptiveMaxPool2d(2), (2, 3, 8, 8), 3 * 64),
        (nn.Upsample(scale_factor=2), (2, 3, 4, 4), 0),
        (nn.Upsample(scale_factor=2, mode="bilinear"), (2, 3, 4, 4), 9 * 192),
        (nn.ReLU(), (2, 7), 7),
        (nn.ReLU(inplace=True), (2, 7), 7),
        (nn.ReLU6(), (2, 7), 14),
        (nn.GELU(), (2, 7), 5 * 7),
        (nn.GELU(approximate="tanh"), (2, 7), 9 * 7),
        (nn.SiLU(), (2, 7), 14),
        (nn.Sigmoid(), (2, 7), 7),
        (nn.GLU(), (2, 6), 2 * 3),
        (nn.Softmax(1), (2, 7), 5 * 7),
        (nn.LogSoftmax(1), (2, 7), 5 * 7),
        (nn.Dropout(0.5), (2, 7), 0),
        (nn.Flatten(), (2, 3, 4), 0),
        (nn.ZeroPad2d(1), (2, 3, 4, 4), 0),
        (nn.PixelShuffle(2), (2, 4, 3, 3), 0),
        (nn.Unfold(3), (2, 3, 5, 5), 0),
    ],
    ids=lambda value: repr(value) if isinstance(value, nn.Module) else "",
)
def test_layers_without_products(module, shape, per_row):
    count = counted(module, torch.zeros(shape))
    assert count.per_row == per_row
    assert count.multiply_adds == 0


def test_bilinear_layer():
    assert counted(nn.Bilinear(3, 4, 5), torch.zeros(2, 3), torch.zeros(2, 4)).per_row == 3 * 5 * 3 * 4 + 5


def test_embeddings_are_looked_up_and_bags_are_added_up():
    indices = torch.zeros(2, 6, dtype=torch.long)
    assert counted(nn.Embedding(9, 4), indices).per_row == 0
    assert counted(nn.EmbeddingBag(9, 4, mode="sum"), indices).per_row == 6 * 4


def test_arithmetic_on_indices_is_free_and_on_numbers_is_not():
    class Positions(nn.Module):
        def forward(self, x):
            positions = torch.arange(x.shape[1]) * 2 + 1
            return x * positions.to(x.dtype) + x.gt(0)

    class Elsewhere(nn.Module):
        def forward(self, x):
            return torch.where(x > 0, x, 0).cumsum(1).sort(1).values

    assert count_flops(Positions(), [torch.zeros(2, 8)]).per_row == 8 + 8 + 8
    assert counted(Elsewhere(), torch.zeros(2, 8)).per_row == 8 + 8 + 8 * 3


def test_scaled_sums_and_products():
    class Scaled(nn.Module):
        def forward(self, x):
            return torch.add(x, x, alpha=3), torch.addmm(x, x, x.t(), beta=2)

    assert counted(Scaled(), torch.zeros(4, 4)).per_row == 2 * 4 + 2 * 4 * 4 + 2 * 4


def test_the_networks_of_this_package():
    network = build_mlp(n_features=10, widths=(8, 4), seed=0)
    biases, units = 8 + 4 + 1, 8 + 4
    assert counted(network, torch.zeros(3, 10)).per_row == network.flops_per_row() + biases + units


class Block(nn.Module):
    """Two convolutions and a shortcut, as in a ResNet for 32 × 32 images."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            *(nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()),
            *(nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs)),
        )
        projection = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
        self.shortcut = nn.Identity() if stride == 1 else projection

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.convolutions(x) + self.shortcut(x))


def test_resnet_20_has_the_published_multiply_adds():
    """40.8 million, and 272,474 parameters with projections as shortcuts."""
    widths = [(16, 16, 1)] * 3 + [(16, 32, 2)] + [(32, 32, 1)] * 2 + [(32, 64, 2)] + [(64, 64, 1)] * 2
    network = nn.Sequential(
        *(nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()),
        *(Block(*sizes) for sizes in widths),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10)),
    )
    assert counted(network, torch.zeros(2, 3, 32, 32)).multiply_adds == 40_813_184
    assert count_parameters(network).total == 272_474


def test_products_agree_with_the_counter_of_torch():
    """Which knows products and convolutions only, and counts no bias; on the meta device, where nothing is fused."""
    block = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(2), nn.Linear(16, 12)
    ).eval()
    x = torch.zeros(5, 3, 8, 8)
    with torch.no_grad(), FlopCounterMode(display=False) as theirs:
        block.to("meta")(x.to("meta"))
    assert 2 * counted(block, x).multiply_adds * len(x) == theirs.get_total_flops()


def test_stacked_copies_cost_their_number():
    """Under vmap over four models, everything is counted four times."""
    layer, stack = nn.Linear(6, 3), torch.zeros(4, 3, 6)

    class Stacked(nn.Module):
        def __init__(self):
            super().__init__()
            self.weights = nn.Parameter(stack)

        def forward(self, x):
            return torch.vmap(lambda weight: functional.linear(x, weight))(self.weights)

    one = counted(nn.Linear(6, 3, bias=False), torch.zeros(5, 6))
    assert counted(Stacked(), torch.zeros(5, 6)).multiply_adds == 4 * one.multiply_adds
    assert layer.weight.shape == stack.shape[1:]
