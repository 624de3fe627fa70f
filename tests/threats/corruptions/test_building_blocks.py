"""The parts that corruptions are built from agree with OpenCV, scipy and plain matrix products."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import distance_transform_edt

from efficienttrust.threats.corruptions.images._linear_map import gaussian_map, linear_map, zoom_map
from efficienttrust.threats.corruptions.images._padding import mirror
from efficienttrust.threats.corruptions.images._relief import _emboss, box_mean, distance_to, equalised, outlines


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 90),
    st.integers(1, 90),
    st.integers(1, 20),
    st.floats(0.0, 1.0),
    st.integers(1, 3),
    st.integers(0, 99),
)
def test_a_linear_map_is_its_matrix(
    outputs: int, inputs: int, band: int, slope: float, channels: int, seed: int
) -> None:
    generator = np.random.default_rng(seed)
    matrix = generator.normal(size=(outputs, inputs))
    matrix[np.abs(np.arange(outputs)[:, None] * slope - np.arange(inputs)) > band] = 0.0
    prepared = linear_map(matrix)
    dense = torch.from_numpy(matrix.astype(np.float32))
    rows = torch.from_numpy(generator.normal(size=(2, channels, inputs, 5)).astype(np.float32))
    torch.testing.assert_close(prepared.along_rows(rows), dense @ rows, rtol=1e-4, atol=1e-4)
    columns = rows.transpose(2, 3).contiguous()
    torch.testing.assert_close(prepared.along_columns(columns), columns @ dense.t(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("size", [8, 33, 100])
def test_blurs_and_zooms_keep_a_plain_line_plain(size: int) -> None:
    for prepared in (gaussian_map(size, 2.5), gaussian_map(size, 40.0, "reflect", 3.0), zoom_map(size, 1.3)):
        torch.testing.assert_close(prepared.matrix.sum(1), torch.ones(size))


@pytest.mark.parametrize("margin", [1, 5, 12, 30])
def test_mirror_is_opencvs_default_border(margin: int) -> None:
    cv2 = pytest.importorskip("cv2")
    image = np.random.default_rng(0).random((9, 13)).astype(np.float32)
    expected = cv2.copyMakeBorder(image, *(margin,) * 4, cv2.BORDER_REFLECT_101)
    np.testing.assert_array_equal(mirror(torch.from_numpy(image)[None, None], margin)[0, 0].numpy(), expected)


@settings(max_examples=30, deadline=None)
@given(st.integers(8, 60), st.integers(8, 60), st.floats(0.001, 0.2), st.integers(0, 99))
def test_distances_are_euclidean_up_to_20(height: int, width: int, share: float, seed: int) -> None:
    edge = np.random.default_rng(seed).random((height, width)) < share
    ours = distance_to(torch.from_numpy(edge).float()[None, None])[0, 0].numpy()
    expected = distance_transform_edt(~edge) if edge.any() else np.full(edge.shape, 20.0)
    np.testing.assert_allclose(ours, np.minimum(expected, 20.0), atol=1e-5)


def test_outlines_are_wet_pixels_beside_dry_ones() -> None:
    grey = torch.zeros(1, 1, 7, 7)
    grey[..., 2:5, 2:6] = 200.0
    expected = torch.zeros(7, 7)
    expected[2:5, 2:6] = 1.0
    expected[3, 3:5] = 0.0
    assert torch.equal(outlines(grey)[0, 0], expected)


@pytest.mark.parametrize("seed", range(4))
def test_relief_is_made_as_opencv_does(seed: int) -> None:
    cv2 = pytest.importorskip("cv2")
    levels = np.random.default_rng(seed).integers(seed * 3, 21, (17, 23), dtype=np.uint8)
    given_levels = torch.from_numpy(levels)[None, None]
    expected = cv2.equalizeHist(levels)
    ours = equalised(given_levels.long())
    assert np.abs(ours[0, 0].numpy() - expected).max() <= 1  # halves are rounded either way
    kernel = np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]])
    embossed = cv2.filter2D(expected, cv2.CV_8U, kernel)
    same = torch.from_numpy(expected).float()[None, None]
    np.testing.assert_array_equal(_emboss(same)[0, 0].numpy(), embossed)
    np.testing.assert_allclose(box_mean(same)[0, 0].numpy(), cv2.blur(expected.astype(np.float32), (3, 3)), atol=1e-3)


def test_one_level_is_equalised_to_itself() -> None:
    assert bool((equalised(torch.full((2, 1, 8, 8), 20)) == 20).all())
