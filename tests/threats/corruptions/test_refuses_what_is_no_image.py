"""Images, names and severities that make no sense are refused with the figure and the remedy."""

from __future__ import annotations

import pytest
import torch

from efficienttrust.errors import UsageError
from efficienttrust.threats.corruptions import corrupt

IMAGES = torch.full((2, 3, 16, 16), 0.5)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (IMAGES * 255, r"largest value is 127.5; divide by 255"),
        (IMAGES - 1.0, r"\[-0.5, -0.5\].*before normalisation"),
        (IMAGES + 0.7, r"\[1.2, 1.2\]"),
        (torch.full((1, 1, 8, 8), float("nan")), "NaN"),
        (torch.full((1, 1, 8, 8), float("inf")), "largest value is inf"),
        ((IMAGES * 255).to(torch.uint8), "divide by 255 as float32"),
        (IMAGES.double(), "torch.float64"),
        (IMAGES[0], r"not \[3, 16, 16\]"),
        (IMAGES.permute(0, 2, 3, 1), r"not \[2, 16, 16, 3\]; move the channels"),
        (IMAGES[:, :2], "C = 1 or 3"),
        (IMAGES[..., :7], "at least 8 x 8 pixels, not 16 x 7"),
    ],
)
def test_images(images: torch.Tensor, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        corrupt(images, "fog", 1)


@pytest.mark.parametrize("severity", [0, 6, -1, 2.5, True])
def test_severity(severity: int) -> None:
    with pytest.raises(UsageError, match=f"severity of fog must be a whole number from 1 to 5, not {severity}"):
        corrupt(IMAGES, "fog", severity)


def test_names() -> None:
    with pytest.raises(UsageError, match=r"unknown image corruption 'gausian_noise'. Did you mean 'gaussian_noise'"):
        corrupt(IMAGES, "gausian_noise", 1)
    with pytest.raises(UsageError, match=r"unknown severity table 'imagnet'. Did you mean 'imagenet'"):
        corrupt(IMAGES, "fog", 1, table="imagnet")


def test_rows() -> None:
    with pytest.raises(UsageError, match="each of the 2 images, not 3"):
        corrupt(IMAGES, "fog", 1, rows=[1, 2, 3])


def test_no_images_are_no_error() -> None:
    assert corrupt(IMAGES[:0], "fog", 1).shape == (0, 3, 16, 16)
