"""Targets are met on rows that nobody has seen, where the same loop without ATATS misses them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from efficienttrust.evaluation.attacked import accuracy_under_attack
from tests.integrations.loops.worlds import cnn, images, loader, mlp, run, started, table


def gap(model: torch.nn.Module, threshold: float) -> float:
    x, _, groups = table(20_000, seed=9)
    with torch.no_grad():
        z = model(x)
    chosen = (z.squeeze(1) if z.shape[1] == 1 else z[:, 1] - z[:, 0]) > threshold
    return abs(float(chosen[groups == 1].float().mean() - chosen[groups == 0].float().mean()))


@pytest.mark.parametrize("outputs", [1, 2])
def test_a_table_reaches_demographic_parity(outputs):
    plain = mlp(outputs)
    optimizer = torch.optim.Adam(plain.parameters(), lr=5e-3)
    for _ in range(4):
        for x, y, _ in loader(table(2000, 0)):
            z = plain(x)
            z = z.squeeze(1) if outputs == 1 else z[:, 1] - z[:, 0]
            optimizer.zero_grad()
            functional.binary_cross_entropy_with_logits(z, y.float()).backward()
            optimizer.step()
    assert gap(plain, 0.0) > 0.25

    atats, optimizer = started(mlp(outputs), budget="time=300 steps", targets=["dpd <= 0.1"])
    run(atats, optimizer, loader(table(2000, 0)), table(3000, 1))
    result = atats.finish(table(3000, 2))
    assert result.verdicts[0].status in ("met", "certified")
    assert result.threshold is not None
    assert gap(result.model, result.threshold) < 0.14
    assert result.metrics["accuracy"].value > 0.57
    assert result.measured_on == "test"
    assert any(decision.knob == "lambda_fair" for decision in result.decisions)


def test_images_become_robust():
    data, test, attack = images(600, 0), images(200, 2), {"eps": 16 / 255, "attack": "pgd"}
    plain = cnn()
    optimizer = torch.optim.Adam(plain.parameters(), lr=1e-2)
    for _ in range(8):
        for x, y, _ in loader(data, 50):
            optimizer.zero_grad()
            functional.cross_entropy(plain(x), y).backward()
            optimizer.step()
    assert accuracy_under_attack(plain.eval(), test[0], test[1], **attack).value < 0.6

    target = "robust_accuracy(pgd, eps=16/255) >= 0.85"
    atats, optimizer = started(cnn(), budget="time=60 steps", targets=[target], lr=1e-2)
    run(atats, optimizer, loader(data, 50), images(400, 1))
    result = atats.finish(test)
    assert result.verdicts[0].status in ("met", "certified")
    stands = accuracy_under_attack(result.model, test[0], test[1], **attack).value
    assert stands == pytest.approx(result.verdicts[0].value, abs=0.03)  # the verdict's cascade has a search on top
    assert result.ledger["time"]["phases"].keys() >= {"train", "attack", "monitor", "calibrate"}


def test_more_than_two_classes_are_judged_by_the_largest_logit():
    atats, optimizer = started(
        cnn(3), budget="time=60 steps", targets=["robust_accuracy(pgd, eps=4/255) >= 0.3", "accuracy_gap <= 0.5"]
    )
    run(atats, optimizer, loader(images(600, 0, 3), 50), images(300, 1, 3))
    result = atats.finish(images(300, 2, 3))
    assert result.threshold is None
    assert [one.status in ("met", "certified") for one in result.verdicts] == [True, True]
    x, y, _ = images(300, 2, 3)
    with torch.no_grad():
        right = (result.model(x).argmax(1) == y).numpy()
    assert result.metrics["accuracy"].value == pytest.approx(np.mean(right))


def test_without_test_rows_the_certify_rows_are_named():
    atats, optimizer = started()
    run(atats, optimizer, loader(table(640, 0)), table(600, 1))
    result = atats.finish()
    assert result.measured_on == "certify"
    assert "on certify (n = 180)" in result.verdicts[0].reason
    assert "on test" not in result.verdicts[0].reason
    assert any("no test rows" in note for note in result.notes)
