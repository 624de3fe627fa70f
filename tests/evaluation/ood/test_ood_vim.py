"""ViM equals the formulas of its paper, with the last layer known and not only recovered."""

from __future__ import annotations

import numpy as np
import pytest
from ood_worlds import World, make_world
from scipy.special import logsumexp

from efficienttrust.errors import UsageError
from efficienttrust.evaluation.ood.catalogue.vim import VirtualLogitMatching, _origin


def paper(world: World, dimensions: int, rows: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """Section 4 of the paper, step by step, as the logit of not being the virtual class."""
    x, z = world.fit.features, world.fit.logits
    origin = -np.linalg.pinv(world.weight.T) @ world.bias
    values, vectors = np.linalg.eig((x - origin).T @ (x - origin))
    rest = vectors[:, np.argsort(-values)[dimensions:]].real
    alpha = z.max(axis=1).sum() / np.linalg.norm((x - origin) @ rest @ rest.T, axis=1).sum()
    virtual = alpha * np.sqrt(np.einsum("nd,de,ne->n", rows - origin, rest @ rest.T, rows - origin))
    every = np.concatenate([logits, virtual[:, None]], axis=1)
    total = logsumexp(every, axis=1)
    share, others = virtual - total, logsumexp(logits, axis=1) - total  # logs of softmax probabilities
    return others - share


@pytest.mark.parametrize("dimensions", [0, 2, 4, 7])
@pytest.mark.parametrize("seed", range(3))
def test_equal_to_the_paper(seed: int, dimensions: int) -> None:
    world = make_world(seed)
    detector = VirtualLogitMatching(dimensions).fit(world.fit.features, world.fit.logits)
    for rows in (world.inside, world.outside):
        expected = paper(world, dimensions, rows.features, rows.logits)
        assert detector.score(rows.features, rows.logits) == pytest.approx(expected, rel=1e-6, abs=1e-6)
    assert detector.notes == ()


def test_half_of_few_features_are_main() -> None:
    world = make_world()
    rows = world.outside
    default = VirtualLogitMatching().fit(world.fit.features, world.fit.logits).score(rows.features, rows.logits)
    assert default == pytest.approx(paper(world, 4, rows.features, rows.logits), rel=1e-6, abs=1e-6)


@pytest.mark.parametrize(("width", "main"), [(1, 0), (512, 256), (768, 512), (2048, 1000)])
def test_main_dimensions_are_those_of_the_source(width: int, main: int) -> None:
    assert VirtualLogitMatching()._main(width) == main


def test_the_origin_has_no_logits() -> None:
    world = make_world()
    origin, linear = _origin(world.fit.features, world.fit.logits)
    assert linear
    assert origin @ world.weight + world.bias == pytest.approx(0, abs=1e-9)
    assert origin == pytest.approx(-np.linalg.pinv(world.weight.T) @ world.bias)


def test_rotating_the_features_changes_nothing() -> None:
    world = make_world()
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(8, 8)))[0]
    x, z, rows = world.fit.features, world.fit.logits, world.outside
    plain = VirtualLogitMatching().fit(x, z).score(rows.features, rows.logits)
    turned = VirtualLogitMatching().fit(x @ turn, z).score(rows.features @ turn, rows.logits)
    assert turned == pytest.approx(plain, rel=1e-6)


def test_logits_that_are_not_linear_are_said() -> None:
    world = make_world()
    z = world.fit.logits**3
    detector = VirtualLogitMatching().fit(world.fit.features, z)
    assert detector.notes == ("vim: logits are not linear in the features; the origin is the mean of the fit rows",)
    assert detector.score(world.fit.features, z).mean() > detector.score(world.outside.features, z[:300]).mean()


def test_log_probabilities_do_not_turn_the_residual_around() -> None:
    """Their largest logit is below 0; a virtual logit scaled by it would reward rows off the main subspace."""
    world = make_world()
    shifted = world.fit.logits - logsumexp(world.fit.logits, axis=1, keepdims=True)
    detector = VirtualLogitMatching().fit(world.fit.features, shifted)
    off = world.fit.features + 100 * detector._rest[:, 0]
    assert (detector.score(off, shifted) < detector.score(world.fit.features, shifted)).all()


def test_no_residual_leaves_energy() -> None:
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(size=(200, 2)), np.zeros((200, 2))], axis=1)
    z = x[:, :2] @ rng.normal(size=(2, 3))
    detector = VirtualLogitMatching(2).fit(x, z)
    assert detector.score(x, z) == pytest.approx(logsumexp(z, axis=1))
    assert detector.notes == ("vim: fit rows leave no residual, so it equals energy",)


@pytest.mark.parametrize("dimensions", [-1, 8])
def test_impossible_dimensions(dimensions: int) -> None:
    world = make_world()
    with pytest.raises(UsageError, match=f"dimensions of vim must lie between 0 and 7, not {dimensions}"):
        VirtualLogitMatching(dimensions).fit(world.fit.features, world.fit.logits)
