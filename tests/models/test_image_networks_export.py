"""Image networks exported to ONNX say the same for any number of rows."""

from __future__ import annotations

import pytest

from tests.models.network_cases import assert_export_agrees, images

NETWORKS = {
    "linear": {},
    "resnet20": {"width": 0.25},
    "resnet18": {"width": 0.1},
    "resnet50": {"width": 0.1},
    "vit": {"width": 0.25, "depth": 2},
}


def test_resnet8_of_odd_size():
    assert_export_agrees("resnet8", images(3, 17, 19), 3)


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("outputs", [1, 3])
def test_every_kind_of_image_network(name, outputs):
    assert_export_agrees(name, images(), outputs, **NETWORKS[name])


@pytest.mark.slow
def test_stem_for_large_images():
    assert_export_agrees("resnet18", images(1, 64, 70), 2, width=0.1)
