"""A ball is what it says: start, steps and points stay inside ball and box, in both norms and any shape."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from efficienttrust.errors import UsageError
from efficienttrust.threats import Ball, ball

SHAPES = [(3, 4, 4), (1, 5, 3), (7,), (2, 3)]


def assert_inside(region: Ball, shift: torch.Tensor) -> None:
    points = region.points(shift)
    moved = (points - region.origin).flatten(1)
    length = moved.abs().amax(1) if region.norm == "linf" else moved.norm(dim=1)
    assert bool((length <= region.eps * (1 + 1e-5) + 1e-6).all())
    assert float(points.min()) >= region.lower
    assert float(points.max()) <= region.upper


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000), eps=st.floats(0, 1.0), norm=st.sampled_from(["linf", "l2"]),
    shape=st.sampled_from(SHAPES), size=st.floats(0.01, 5.0),
)  # fmt: skip
def test_nothing_leaves_ball_or_box(seed: int, eps: float, norm: str, shape: tuple[int, ...], size: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(6, *shape, generator=generator)
    region = ball(x, eps, norm)
    shift = region.start(generator)
    assert_inside(region, shift)
    for _ in range(4):
        shift = region.descend(shift, torch.randn(x.shape, generator=generator), size)
        assert_inside(region, shift)


def test_radii_may_differ_by_row() -> None:
    x, eps = torch.full((3, 2, 2), 0.5), torch.tensor([0.0, 0.1, 0.3])
    shift = ball(x, eps).descend(torch.zeros_like(x), torch.ones_like(x), 1.0)
    torch.testing.assert_close(shift, -eps[:, None, None].expand_as(x))


def test_a_step_of_one_radius_ends_on_the_sphere() -> None:
    x, gradient = torch.full((1, 4), 0.5), torch.tensor([[3.0, 4.0, 0.0, 0.0]])
    shift = ball(x, 0.1, "l2").descend(torch.zeros_like(x), gradient, 1.0)
    torch.testing.assert_close(shift, torch.tensor([[-0.06, -0.08, 0.0, 0.0]]))


def test_a_flat_loss_moves_nothing() -> None:
    x = torch.full((2, 4), 0.5)
    for norm in ("linf", "l2"):
        shift = ball(x, 0.1, norm).descend(torch.zeros_like(x), torch.zeros_like(x), 1.0)
        assert torch.equal(shift, torch.zeros_like(x))


def test_no_radius_leaves_rows_as_they_are() -> None:
    x = torch.rand(4, 3, 2, 2)
    for norm in ("linf", "l2"):
        region = ball(x, 0.0, norm)
        assert torch.equal(region.points(region.start(torch.Generator().manual_seed(0))), x)


@pytest.mark.parametrize(
    ("x", "eps", "norm", "message"),
    [
        (torch.full((1, 3), 200.0), 0.1, "linf", r"span 200 to 200, the declared box is 0 to 1: scale them"),
        (torch.full((1, 3), -0.5), 0.1, "linf", r"span -0.5 to -0.5"),
        (torch.full((1, 3), 0.5), 8, "linf", r"eps = 8 is wider than the box of 0 to 1; .* write 8/255"),
        (torch.full((1, 3), 0.5), -0.1, "linf", r"eps must be 0 or more, not -0.1"),
        (torch.full((1, 3), 0.5), 0.1, "l1", r"unknown norm 'l1'"),
    ],
)
def test_what_cannot_be_meant_is_refused(x: torch.Tensor, eps: float, norm: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ball(x, eps, norm)
