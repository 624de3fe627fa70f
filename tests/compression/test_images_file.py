"""The exported file of images says what its parent says, and refuses what it cannot read."""

from __future__ import annotations

import functools

import numpy as np
import onnx
import pytest
import torch
from scipy.special import expit, softmax
from torch import nn

from efficienttrust.compression import Decision, DeployedImages, DeployedModel, ModuleScorer, export_images, export_onnx
from efficienttrust.compression import _images as images_file
from efficienttrust.compression import _module_graph as module_graph
from efficienttrust.errors import UsageError

from .conftest import adult_like_encoder, random_network

SHAPE = (3, 8, 6)
IMAGES = np.random.default_rng(0).random((40, *SHAPE)).astype(np.float32)
ATOL = 1e-4
CLASSES = ("ant", "bee", "cow")


class Small(nn.Module):
    """A convolution, a batch norm with statistics of its own, pooling."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.convolution, self.norm = nn.Conv2d(3, 5, 3, padding=1, bias=False), nn.BatchNorm2d(5)
        self.last, self.outputs = nn.Linear(5, outputs), outputs

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = torch.relu(self.norm(self.convolution((x - 0.5) / 0.25)))
        z = self.last(h.mean(dim=(2, 3)))
        return z.squeeze(1) if self.outputs == 1 else z


def small(outputs: int) -> ModuleScorer:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(outputs)
        module = Small(outputs)
        module.norm.running_mean.normal_()
        module.norm.running_var.uniform_(0.5, 2.0)
    return ModuleScorer(module.eval(), SHAPE, outputs, "small")


ONE, THREE = small(1), small(3)


@pytest.fixture(scope="module", autouse=True)
def exported_once():
    """Let torch trace each module once: that takes seconds."""
    patched = pytest.MonkeyPatch()
    patched.setattr(module_graph, "_exported", functools.cache(module_graph._exported))
    yield
    patched.undo()


@pytest.fixture
def two() -> DeployedImages:
    return DeployedImages(export_images(ONE, Decision(0.2), ("no", "yes"), metadata={"targets": "none"}))


@pytest.fixture
def three() -> DeployedImages:
    return DeployedImages(export_images(THREE, Decision(), CLASSES))


def test_two_classes_are_decided_by_the_threshold(two):
    z = ONE.score(IMAGES)
    assert z.std() > 0.01, "the module answers"
    said = two.run(IMAGES)
    np.testing.assert_allclose(said.score, expit(z.astype(np.float64)), atol=ATOL)
    np.testing.assert_allclose(said.margin, z - 0.2, atol=ATOL)
    np.testing.assert_array_equal(said.decision, said.margin > 0)
    assert two.classes == ("no", "yes")
    assert two.metadata["targets"] == "none"
    assert two.shape == SHAPE


def test_the_largest_logit_decides_among_more(three):
    z = THREE.score(IMAGES)
    ordered = np.sort(z, axis=1)
    said = three.run(IMAGES)
    np.testing.assert_allclose(said.score, softmax(z.astype(np.float64), axis=1), atol=ATOL)
    np.testing.assert_allclose(said.margin, ordered[:, -1] - ordered[:, -2], atol=ATOL)
    clear = ordered[:, -1] - ordered[:, -2] > ATOL
    np.testing.assert_array_equal(said.decision[clear], z.argmax(axis=1)[clear])
    assert len(np.unique(said.decision)) > 1 or clear.all()


@pytest.mark.parametrize("name", ["two", "three"])
def test_the_graph_is_valid_and_gives_two_columns_of_two_classes(request, name):
    file = request.getfixturevalue(name)
    onnx.checker.check_model(file._content, full_check=True)
    score, margin, decision = file._session.run(["score", "margin", "decision"], {"image": IMAGES})
    assert score.shape == (40, len(file.classes))
    np.testing.assert_allclose(score.sum(axis=1), 1, atol=1e-6)
    assert (margin.shape, decision.shape) == ((40,), (40,))
    if name == "three":
        np.testing.assert_array_equal(score.argmax(axis=1), decision)


def test_no_images_have_no_answers(two, three):
    nothing = np.zeros((0, *SHAPE), np.float32)
    for file, shape in ((two, (0,)), (three, (0, 3))):
        said = file.run(nothing)
        assert said.score.shape == shape
        assert said.margin.shape == said.decision.shape == (0,)
        assert said.decision.dtype == np.int64


def test_many_images_are_answered_in_parts(two, monkeypatch):
    whole = two.run(IMAGES)
    monkeypatch.setattr(images_file, "_CELLS", 7 * int(np.prod(SHAPE)))
    parts = two.run(IMAGES)
    for one, other in zip(vars(parts).values(), vars(whole).values(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_arrays_of_any_layout_and_type_are_taken(two):
    expected = two.run(IMAGES).margin
    np.testing.assert_allclose(two.run(np.asfortranarray(IMAGES)).margin, expected, atol=1e-6)
    np.testing.assert_allclose(two.run(IMAGES.astype(np.float64)).margin, expected, atol=1e-6)


def test_one_image_can_be_timed(two):
    score, margin, decision = two.single_row_call(IMAGES[:1])()
    np.testing.assert_allclose(margin, two.run(IMAGES[:1]).margin, atol=1e-6)
    assert (score.shape, decision.shape) == ((1, 2), (1,))


def test_the_floating_point_weights_are_counted(two, three):
    folded = 3 * 5 * 9 + 5  # a batch norm becomes part of the filter before it, with a bias
    scaling = 2  # mean and deviation of the pixels
    assert two.n_parameters - folded - (5 + 1) in range(scaling + 1)
    assert three.n_parameters - folded - (15 + 3) in range(scaling + 1)


def test_the_same_arguments_give_the_same_bytes():
    made = [export_images(ONE, Decision(0.2), ("no", "yes")) for _ in range(2)]
    assert made[0] == made[1]
    assert export_images(ONE, Decision(0.3), ("no", "yes")) != made[0]


def test_other_files_are_refused(tmp_path):
    table = export_onnx(None, adult_like_encoder(), random_network((adult_like_encoder().n_features, 1)), Decision())
    with pytest.raises(UsageError, match="the model is no model of images"):
        DeployedImages(table)
    with pytest.raises(UsageError, match="EfficientTrust did not write"):
        DeployedModel(export_images(ONE, Decision(), ("no", "yes")))
    with pytest.raises(UsageError, match="not an ONNX file"):
        DeployedImages(b"no file")
    path = tmp_path / "model.onnx"
    with pytest.raises(UsageError, match=r"cannot read the model .*model\.onnx"):
        DeployedImages(path)
    content = export_images(ONE, Decision(), ("no", "yes"))
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(UsageError, match=r"model\.onnx is not an ONNX file.*damaged"):
        DeployedImages(path)
    path.write_bytes(content)
    assert DeployedImages(path).size_bytes == len(content)


@pytest.mark.parametrize("shape", [(2, 1, 8, 6), (2, 3, 6, 8), (3, 8, 6), (2, 8, 6, 3)], ids=str)
def test_images_of_another_shape_are_refused(two, shape):
    with pytest.raises(UsageError, match="8"):
        two.run(np.zeros(shape, np.float32))
