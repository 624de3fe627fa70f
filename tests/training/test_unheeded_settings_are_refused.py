"""A setting that what is trained does not follow is refused, or said to have no effect; none is passed over."""

from __future__ import annotations

import pytest
import torch

from efficienttrust.errors import UsageError
from efficienttrust.training import Settings
from efficienttrust.training._settings import device_of, refuse_ignored

BY_HAND = ["mlp", "trees", "lightgbm"]


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


@pytest.fixture
def two_gpus(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)


def refusal(settings: Settings, by_hand: str | None, *, images: bool = False) -> str:
    with pytest.raises(UsageError) as refused:
        refuse_ignored(settings, by_hand=by_hand, images=images)
    assert "\n" not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize("by_hand", BY_HAND)
def test_what_trains_without_autograd_has_no_precision_and_is_not_compiled(by_hand):
    assert f"--precision bf16: {by_hand} is trained in fp32 alone" in refusal(Settings(precision="bf16"), by_hand)
    assert f"--compile on: {by_hand} is trained without" in refusal(Settings(compile="on"), by_hand)
    for said in (Settings(), Settings(device="cpu", precision="fp32", compile="off", augmentation={}, distil=0.5)):
        assert refuse_ignored(said, by_hand=by_hand, images=False) == ()


@pytest.mark.parametrize("by_hand", [*BY_HAND, None])
@pytest.mark.parametrize("device", ["cuda", "cuda:1"])
def test_a_gpu_that_is_not_there_is_refused_whatever_is_trained(no_gpu, device, by_hand):
    assert f"device '{device}': torch sees no GPU here" in refusal(Settings(device=device), by_hand)


@pytest.mark.parametrize("device", ["gpu", "meta", "mps", "cuda:x", "", "cpu:0:0"])
def test_a_device_that_is_none_is_refused(device):
    assert f"device {device!r} is unknown: choose auto, cpu, cuda" in refusal(Settings(device=device), "trees")


@pytest.mark.parametrize("by_hand", BY_HAND)
def test_a_gpu_that_is_not_used_is_told(two_gpus, by_hand):
    (said,) = refuse_ignored(Settings(device="cuda"), by_hand=by_hand, images=False)
    assert said == f"{by_hand} was trained on the CPU, its only device, in place of --device cuda"
    assert refuse_ignored(Settings(device="auto"), by_hand=by_hand, images=False) == ()
    assert refuse_ignored(Settings(device="cuda"), by_hand=None, images=False) == ()


def test_devices_are_counted(two_gpus):
    assert device_of("cuda:1") == torch.device("cuda", 1)
    assert device_of("cuda", 1) == device_of("auto", 1) == torch.device("cuda", 1)
    with pytest.raises(UsageError, match=r"'cuda:2': torch sees 2 GPU here, the first is cuda:0"):
        device_of("cuda:2")


@pytest.mark.parametrize("by_hand", ["mlp", None])
def test_augmentations_are_of_images(by_hand):
    assert "--augment changes images, and these are rows of a table" in refusal(
        Settings(augmentation={"crop": 1.0}), by_hand
    )
    assert refuse_ignored(Settings(augmentation={}), by_hand=by_hand, images=False) == ()
    assert refuse_ignored(Settings(augmentation={"crop": 1.0}), by_hand=None, images=True) == ()
