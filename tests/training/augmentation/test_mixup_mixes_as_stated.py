"""Mixup's images are the stated mixtures, partners a permutation, weights from the stated distribution."""

from __future__ import annotations

import pytest
import torch
from scipy import stats

from efficienttrust.training.augmentation import augment
from efficienttrust.training.augmentation.catalogue.mixup import symmetric_beta


def test_images_are_mixed_with_their_partners_by_their_weights():
    source = torch.Generator().manual_seed(0)
    x = torch.rand(50, 3, 6, 6, generator=source)
    batch = augment(x, {"mixup": 0.7}, source)
    assert sorted(batch.partners.tolist()) == list(range(50))
    for i in range(50):
        w = batch.weights[i]
        torch.testing.assert_close(batch.images[i], w * x[i] + (1 - w) * x[batch.partners[i]])


@pytest.mark.parametrize("alpha", [0.01, 0.2, 0.5, 1.0])
def test_weights_follow_the_symmetric_beta_distribution(alpha):
    uniforms = torch.rand(2, 20_000, generator=torch.Generator().manual_seed(5))
    draws = symmetric_beta(uniforms, alpha)
    assert draws.isfinite().all()
    # Within a float's distance of 0 or 1 the draws of a small alpha collapse: compare where they do not.
    inner = draws[(draws > 1e-6) & (draws < 1 - 1e-6)].numpy()
    law = stats.beta(alpha, alpha)
    low, high = law.cdf(1e-6), law.cdf(1 - 1e-6)
    assert abs(len(inner) / 20_000 - (high - low)) < 0.02
    assert stats.kstest(inner, lambda w: (law.cdf(w) - low) / (high - low)).pvalue > 0.001
    assert float(draws.mean()) == pytest.approx(0.5, abs=0.015)


def test_the_ends_of_the_uniform_numbers_give_weights():
    ends = torch.tensor([[0.0, 0.0, 1 - 2**-24, 1 - 2**-24, 0.5], [0.0, 0.25, 0.0, 0.25, 0.25]])
    for alpha in (1e-6, 0.5, 1.0):
        draws = symmetric_beta(ends, alpha)
        assert ((draws >= 0) & (draws <= 1)).all()
