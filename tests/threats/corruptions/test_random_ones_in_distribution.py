"""Corruptions by chance have the distribution that their definition states, or that imagecorruptions shows."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from efficienttrust.threats.corruptions import SEVERITIES, TABLES, RowStreams, corrupt
from efficienttrust.threats.corruptions.images.catalogue.frost import SCENE_AND_FROST
from efficienttrust.threats.corruptions.images.catalogue.gaussian_noise import SCALE as GAUSSIAN
from efficienttrust.threats.corruptions.images.catalogue.impulse_noise import AMOUNT
from efficienttrust.threats.corruptions.images.catalogue.shot_noise import LEVELS, PHOTONS, _alias_table
from efficienttrust.threats.corruptions.images.catalogue.speckle_noise import SCALE as SPECKLE
from tests.threats.corruptions.references import as_tensor, peer, pictures, quietly

ALPHA = 1e-4
"""A test that is right fails once in ten thousand seeds; the seeds are fixed."""


def plain(value: float, n: int = 8, channels: int = 3) -> torch.Tensor:
    return torch.full((n, channels, 32, 32), value)


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize(("name", "scales"), [("gaussian_noise", GAUSSIAN), ("speckle_noise", SPECKLE)])
def test_noise_is_normal_with_its_deviation(name: str, scales: dict, table: str) -> None:
    for severity in SEVERITIES:
        scale = scales[table][severity - 1] * (0.5 if name == "speckle_noise" else 1.0)
        noise = corrupt(plain(0.5), name, severity, table=table).double().numpy().ravel() - 0.5
        inside = noise[np.abs(noise) < 0.5]  # what is beyond 0 or 1 is cut
        expected = stats.truncnorm(-0.5 / scale, 0.5 / scale, scale=scale)
        assert stats.kstest(inside, expected.cdf).pvalue > ALPHA
        cut = len(noise) - len(inside)
        assert stats.binomtest(cut, len(noise), 2 * stats.norm.sf(0.5 / scale)).pvalue > ALPHA


@pytest.mark.parametrize("table", TABLES)
def test_alias_tables_hold_the_poisson_distribution(table: str) -> None:
    for photons in PHOTONS[table]:
        share, values = (part.double().numpy() for part in _alias_table(photons))
        share, values = share.reshape(LEVELS, -1), np.rint(values.reshape(LEVELS, -1, 2) * photons).astype(int)
        chance = np.zeros_like(share)
        for level in range(LEVELS):
            np.add.at(chance[level], values[level, :, 0], share[level] / (photons + 1))
            np.add.at(chance[level], values[level, :, 1], (1 - share[level]) / (photons + 1))
        mean = np.arange(LEVELS)[:, None] * photons / 255
        expected = stats.poisson.pmf(np.arange(photons + 1)[None], mean)
        expected[:, -1] = stats.poisson.sf(photons - 1, mean[:, 0])
        np.testing.assert_allclose(chance, expected, atol=1e-6)


def test_shot_noise_draws_from_them() -> None:
    for severity, photons in zip(SEVERITIES, PHOTONS["imagenet"], strict=True):
        counts = (
            corrupt(plain(102 / 255, 4), "shot_noise", severity, table="imagenet").double().numpy().ravel() * photons
        )
        np.testing.assert_allclose(counts, np.rint(counts), atol=1e-4)
        expected = stats.poisson.pmf(np.arange(photons), 0.4 * photons)
        expected = np.append(expected, 1 - expected.sum()) * counts.size
        seen = np.bincount(np.rint(counts).astype(int), minlength=photons + 1)
        frequent = expected > 5
        rest = [(~frequent * part).sum() for part in (seen, expected)]
        observed, wanted = np.append(seen[frequent], rest[0]), np.append(expected[frequent], rest[1])
        keep = wanted > 1e-9
        assert stats.chisquare(observed[keep], wanted[keep] * observed[keep].sum() / wanted[keep].sum()).pvalue > ALPHA


@pytest.mark.parametrize("table", TABLES)
def test_impulses_are_as_many_as_stated_half_salt_half_pepper(table: str) -> None:
    images = plain(0.4)
    for severity, amount in zip(SEVERITIES, AMOUNT[table], strict=True):
        result = corrupt(images, "impulse_noise", severity, table=table)
        salt, pepper = int((result == 1).sum()), int((result == 0).sum())
        assert bool(((result == images) | (result == 1) | (result == 0)).all())
        for count in (salt, pepper):
            assert stats.binomtest(count, images.numel(), amount / 2).pvalue > ALPHA


@pytest.mark.parametrize("name", ["frost", "snow", "motion_blur", "spatter", "impulse_noise", "shot_noise"])
def test_brightness_and_contrast_are_those_of_imagecorruptions(name: str) -> None:
    """Mean and deviation of 24 pictures, within four standard errors of the draws and a level for the texture."""
    theirs = getattr(peer(), name)
    from PIL import Image

    levels = np.concatenate([pictures(2, 32, 32, seed=seed) for seed in range(12)])
    images = as_tensor(np.concatenate([levels, levels, levels]))  # more draws on our side cost little
    np.random.seed(0)  # noqa: NPY002 - the peer draws from the global stream
    for severity in (1, 3, 5):
        expected = np.stack([quietly(theirs, Image.fromarray(picture), severity) for picture in levels])
        ours = corrupt(images, name, severity, table="imagenet").permute(0, 2, 3, 1).double().numpy() * 255
        for statistic in (np.mean, np.std):
            a, b = (statistic(part, axis=(1, 2, 3)) for part in (np.floor(ours), np.floor(expected)))
            paired = a.reshape(3, -1).mean(0) - b  # the same pictures: their own differences cancel
            error = paired.std(ddof=1) / np.sqrt(len(paired))
            assert abs(paired.mean()) < 4 * error + 1.0, (severity, statistic.__name__)


def test_frost_has_the_colours_of_the_photographs() -> None:
    """On black, frost shows itself: the mean of each channel over windows, as in the originals."""
    cv2, pil = pytest.importorskip("cv2"), peer()
    from pathlib import Path

    folder = Path(pil.__file__).parent / "frost"
    files = ("frost1.png", "frost2.png", "frost3.png", "frost4.jpg", "frost5.jpg")
    photographs = [cv2.imread(str(folder / file))[..., ::-1] / 255.0 for file in files]
    ice = SCENE_AND_FROST["imagenet"][0][1]
    shown = corrupt(torch.zeros(400, 3, 16, 16), "frost", 1, table="imagenet").double() / ice
    means = np.mean([photograph.mean((0, 1)) for photograph in photographs], axis=0)
    np.testing.assert_allclose(shown.mean((0, 2, 3)).numpy(), means, atol=0.03)
    deviation = np.mean([photograph.mean(2).std() for photograph in photographs])
    large = corrupt(torch.zeros(40, 3, 128, 128), "frost", 1, table="imagenet").double().mean(1) / ice
    assert large.std((1, 2)).mean() == pytest.approx(deviation, rel=0.25)


def test_streams_are_uniform_and_independent() -> None:
    streams = RowStreams("key", range(64))
    first, second = streams.uniform(0.0, 1.0, 256).double().numpy(), streams.uniform(0.0, 1.0, 256).double().numpy()
    assert stats.kstest(first.ravel(), "uniform").pvalue > ALPHA
    limit = stats.norm.isf(ALPHA / first.shape[0] ** 2) / np.sqrt(256)
    rows = np.corrcoef(first)
    assert np.abs(rows[~np.eye(64, dtype=bool)]).max() < limit
    assert np.abs([np.corrcoef(a, b)[0, 1] for a, b in zip(first, second, strict=True)]).max() < limit
