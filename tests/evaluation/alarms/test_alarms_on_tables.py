"""Alarms on rows of a table: a sound network fires none, a masked one is caught, trees have no gradient."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from efficienttrust.compression import NetworkScorer
from efficienttrust.data import Domain
from efficienttrust.evaluation.alarms import alarms, gather, raise_alarms
from efficienttrust.evaluation.parent import NetworkVictim
from efficienttrust.threats import reach

N, P, D = 150, 5, 8


def world(*, whole: bool):
    """Return (domain, x, y, scorer): five numeric columns, one of them immutable, three indicator cells."""
    rng = np.random.default_rng(3)
    step = np.where(np.arange(P) < (2 if whole else 0), 0.2, 0.0).astype(np.float32)
    numeric = rng.normal(size=(N, P)).astype(np.float32)
    numeric = np.where(step > 0, np.round(numeric / np.maximum(step, 1e-9)) * step, numeric).astype(np.float32)
    x = np.concatenate([numeric, np.eye(3, dtype=np.float32)[rng.integers(0, 3, N)]], axis=1)
    domain = Domain(
        lower=numeric.min(0), upper=numeric.max(0), step=step, mutable=np.arange(P) != 4,
        indicator=np.full(P, -1, dtype=np.int64), blocks=((P, D),), n_features=D,
    )  # fmt: skip
    first = rng.normal(0, 0.7, (D, 16)).astype(np.float32), rng.normal(0, 0.3, 16).astype(np.float32)
    last = rng.normal(0, 0.7, (16, 1)).astype(np.float32), np.zeros(1, dtype=np.float32)
    scorer = NetworkScorer((first, last))
    logit = NetworkVictim(scorer, x, P).bind(torch.arange(N))(torch.from_numpy(numeric))
    return domain, x, (logit > 0).to(torch.int64), scorer


def evidence_on(victim, domain, x, y, **more):
    rows = torch.from_numpy(x)
    width = np.linalg.norm(domain.upper - domain.lower)
    return gather(victim, lambda eps: reach(domain, rows, eps, **more), y, 0.3, widest=float(width))


@pytest.mark.parametrize("whole", [False, True], ids=["continuous", "whole numbers"])
@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_a_sound_network_fires_none(whole, norm):
    domain, x, y, scorer = world(whole=whole)
    found = {
        alarm.name: alarm for alarm in raise_alarms(evidence_on(NetworkVictim(scorer, x, P), domain, x, y, norm=norm))
    }
    assert not {name for name, alarm in found.items() if alarm.fired}
    assert found["zero_gradients"].value == 0
    assert found["gradient_disagrees"].value < 0.02
    assert found["inputs_off_scale"].fired is None


class Stepwise:
    """A network that reads its numeric columns rounded: constant in steps, its gradient zero."""

    differentiable = True

    def __init__(self, inner: NetworkVictim) -> None:
        self.inner = inner

    def bind(self, rows):
        answer = self.inner.bind(rows)
        return lambda numeric: answer((numeric / 0.1).round() * 0.1)


def test_a_network_behind_rounding_is_caught():
    domain, x, y, scorer = world(whole=False)
    evidence = evidence_on(Stepwise(NetworkVictim(scorer, x, P)), domain, x, y)
    for name in ("zero_gradients", "gradient_disagrees", "black_box_beats_white_box", "loss_does_not_fall"):
        assert alarms.get(name)(evidence).fired, name


class WithoutGradient:
    differentiable = False

    def __init__(self, inner: NetworkVictim) -> None:
        self.bind = inner.bind


def test_without_a_gradient_alarms_say_what_they_could_not_look_for():
    domain, x, y, scorer = world(whole=True)
    found = raise_alarms(evidence_on(WithoutGradient(NetworkVictim(scorer, x, P)), domain, x, y))
    assert not [alarm.name for alarm in found if alarm.fired]
    silent = {alarm.name: alarm for alarm in found if alarm.fired is None}
    assert {"zero_gradients", "black_box_beats_white_box", "restarts_still_gain"} <= set(silent)
    assert "no gradient" in silent["zero_gradients"].detail
    looked = {alarm.name for alarm in found if alarm.fired is False}
    assert {"changed_at_zero", "outside_the_region", "not_monotone", "constant_predictor"} <= looked


def test_rows_too_wide_for_the_coordinate_search_are_searched_otherwise():
    n, wide = 40, 300
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(n, wide, generator=generator)
    weight = torch.randn(wide, generator=generator)

    class Wide:
        differentiable = False

        def bind(self, rows):
            return lambda points: points.flatten(1) @ weight

    domain = Domain(
        lower=x.min(0).values.numpy(), upper=x.max(0).values.numpy(), step=np.zeros(wide, dtype=np.float32),
        mutable=np.ones(wide, dtype=bool), indicator=np.full(wide, -1, dtype=np.int64), blocks=(), n_features=wide,
    )  # fmt: skip
    y = (x @ weight > 0).to(torch.int64)
    evidence = gather(Wide(), lambda eps: reach(domain, x, eps), y, 0.3, widest=10.0)
    least = (2 * y - 1) * (x @ weight) - 0.3 * weight.abs().sum()  # of a linear model; the box may cut it short
    assert evidence.pgd.right.float().mean() < 0.3
    assert bool((evidence.pgd.margin >= least - 1e-3).all())


def test_a_half_unit_is_outside_the_region():
    domain, x, y, scorer = world(whole=True)
    evidence = evidence_on(NetworkVictim(scorer, x, P), domain, x, y)
    assert alarms.get("outside_the_region")(evidence).fired is False
    evidence.pgd.points[0, 0] = evidence.region.origin[0, 0] + 0.1
    assert alarms.get("outside_the_region")(evidence).fired
