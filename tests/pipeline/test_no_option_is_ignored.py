"""An option that would have no effect ends a `fit` in one line, before anything is spent."""

from __future__ import annotations

import pytest
import torch

from efficienttrust import fit
from efficienttrust.errors import UsageError
from efficienttrust.pipeline._request import make_request
from efficienttrust.training import Settings
from tests.small_problems import loans


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"settings": Settings(precision="bf16")}, "--precision bf16: mlp"),
        ({"settings": Settings(precision="bf16"), "model": "mlp(widths=8)"}, "--precision bf16: mlp"),
        ({"settings": Settings(compile="on"), "trainer": "trees"}, "--compile on: trees"),
        ({"settings": Settings(device="gpu"), "model": "trees"}, "device 'gpu' is unknown"),
        ({"settings": Settings(augmentation={"crop": 1.0})}, "--augment changes images"),
        ({"settings": Settings(augmentation={"crop": 1.0}), "model": "auto"}, "--augment changes images"),
        ({"model": ""}, "--model is empty"),
        ({"model": " ", "trainer": "trees"}, "--model is empty"),
        ({"model": "tabular(width=1,width=2)"}, "width is given twice"),
        ({"model": "tabular(members=1000000)"}, "give at most 64"),
    ],
)
def test_an_option_without_effect_is_refused(options, said):
    with pytest.raises(UsageError) as refused:
        fit(loans(), budget="time=10 steps", targets=[], **options)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_gpu_that_the_mlp_leaves_alone_is_told(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    said = "mlp was trained on the CPU, its only device, in place of --device cuda"
    for model, notes in (("mlp", (said,)), ("tabular", ())):
        request = make_request(
            loans(), budget="time=10 steps", targets=[], policy="plan", trainer="network", model=model,
            settings=Settings(device="cuda"), seed=0, aware=False,
        )  # fmt: skip
        assert request.notes == notes
