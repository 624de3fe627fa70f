"""The reach of a row, at its edges: whole units, the range seen in training, frozen cells."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from efficienttrust.data import Domain
from efficienttrust.threats import reach
from tests.threats.worlds import draw


def one_column(scale: float, *, width: float = 1e6, counts: bool = True) -> Domain:
    return Domain(
        lower=np.array([-width], dtype=np.float32),
        upper=np.array([width], dtype=np.float32),
        step=np.array([1 / scale if counts else 0.0], dtype=np.float32),
        mutable=np.array([True]),
        indicator=np.array([-1]),
        blocks=(),
        n_features=1,
    )


@settings(max_examples=200, deadline=None)
@given(scale=st.floats(0.3, 300.0), k=st.integers(0, 200), sign=st.sampled_from([-1.0, 1.0]))
def test_eps_of_exactly_k_units_reaches_k_units(scale: float, k: int, sign: float) -> None:
    domain, x = one_column(scale), torch.tensor([[sign * 3.0 / scale]], dtype=torch.float32)
    where = reach(domain, x, k / scale)
    assert round(float(where.up[0, 0]) * scale) == k
    assert round(float(where.down[0, 0]) * scale) == k
    if k > 0:
        less = reach(domain, x, (k - 0.01) / scale)
        assert round(float(less.up[0, 0]) * scale) == k - 1


def test_range_seen_in_training_ends_the_reach() -> None:
    domain = one_column(4.0, width=0.5)  # two units to either side of the mean
    x = torch.tensor([[0.0], [0.5], [-0.25], [0.75]])
    where = reach(domain, x, 1.0)
    np.testing.assert_allclose(where.up[:, 0], [0.5, 0.0, 0.75, 0.0])
    np.testing.assert_allclose(where.down[:, 0], [0.5, 1.0, 0.25, 1.0])


def test_eps_below_one_unit_freezes_columns_that_count() -> None:
    x = torch.tensor([[0.0]])
    assert float(reach(one_column(4.0), x, 0.24).radius) == 0.0
    assert float(reach(one_column(4.0), x, 0.26).radius) == 0.25
    assert float(reach(one_column(4.0, counts=False), x, 0.24).radius) == pytest.approx(0.24)
    assert float(reach(one_column(4.0), x, 0.24, whole_units=False).radius) == pytest.approx(0.24)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1000), eps=st.floats(0.0, 2.0), whole_units=st.booleans())
def test_reach_grows_with_eps_and_frozen_cells_have_none(seed: int, eps: float, whole_units: bool) -> None:
    world = draw(seed)
    near = reach(world.domain, world.x, eps, whole_units=whole_units)
    far = reach(world.domain, world.x, eps + 0.5, whole_units=whole_units)
    frozen = torch.from_numpy(world.missing | ~world.domain.mutable[None, :])
    for way, farther in ((near.up, far.up), (near.down, far.down)):
        assert bool((way >= 0).all())
        assert bool((way <= eps + 1e-4).all())
        assert bool((farther >= way - 1e-6).all())
        assert bool((way[frozen] == 0).all())


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1000), eps=st.floats(0.0, 2.0))
def test_snap_gives_an_allowed_shift_and_keeps_those_that_are(seed: int, eps: float) -> None:
    world = draw(seed)
    where = world.reach(eps)
    wild = torch.randn(where.origin.shape, generator=torch.Generator().manual_seed(seed)) * 3
    snapped = where.snap(wild)
    assert bool((snapped <= where.up).all())
    assert bool((snapped >= -where.down).all())
    torch.testing.assert_close(where.snap(snapped), snapped)
    counting = world.domain.step > 0
    units = snapped[:, counting].numpy() * world.scale[counting]
    np.testing.assert_allclose(units, np.round(units), atol=1e-3)


def test_reach_of_a_selection_is_the_selection_of_the_reach() -> None:
    world, index = draw(0), torch.tensor([5, 0, 17])
    part, direct = world.reach(0.5).rows(index), reach(world.domain, world.x[index], 0.5)
    for name in ("origin", "down", "up", "step"):
        assert torch.equal(getattr(part, name), getattr(direct, name))
