"""The result: the file answers as the model, the verdicts can be recomputed, and what is saved can be read."""

from __future__ import annotations

import json

import numpy as np
import onnxruntime
import pytest
import torch
from safetensors.torch import load_model

from efficienttrust.errors import UsageError
from tests.integrations.loops.worlds import cnn, images, loader, mlp, run, started, table


def session(path):
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


@pytest.fixture(scope="module")
def table_run(tmp_path_factory):
    out = tmp_path_factory.mktemp("results") / "run"
    atats, optimizer = started(mlp(2), budget="time=60 steps", targets=["dpd <= 0.2"])
    run(atats, optimizer, loader(table(640, 0)), table(600, 1))
    return atats.finish(table(500, 2), out=out), out


def test_the_file_answers_as_the_model_with_its_threshold(table_run):
    result, out = table_run
    x = table(400, 5)[0]
    score, margin, decision = session(out / "model.onnx").run(["score", "margin", "decision"], {"rows": x.numpy()})
    with torch.no_grad():
        z = result.model(x)
        z = z[:, 1] - z[:, 0]
    assert np.allclose(score, torch.sigmoid(z), atol=1e-5)
    assert np.allclose(margin, z - result.threshold, atol=1e-5)
    clear = (z - result.threshold).abs() > 1e-5
    assert np.array_equal(decision[clear], (z > result.threshold).long()[clear])


def test_the_verdict_is_recomputed_from_the_file(table_run):
    result, out = table_run
    x, y, groups = table(500, 2)
    (decision,) = session(out / "model.onnx").run(["decision"], {"rows": x.numpy()})
    gap = abs(decision[groups == 1].mean() - decision[groups == 0].mean())
    assert result.verdicts[0].value == pytest.approx(gap)
    assert result.metrics["accuracy"].value == pytest.approx((decision == y.numpy()).mean())


def test_what_is_saved_is_read_again(table_run):
    result, out = table_run
    document = json.loads((out / "result.json").read_text())
    assert document["verdicts"][0]["target"] == result.verdicts[0].target.text
    assert document["ledger"]["size"]["used"] == (out / "model.onnx").stat().st_size
    assert document["ledger"]["parameters"]["used"] == 6 * 32 + 32 + 32 * 2 + 2
    assert len(document["history"]) == len(result.history)
    assert document["trajectory"]["states"][0]["constraints"]
    again = mlp(2, seed=5)
    load_model(again, str(out / "model.safetensors"))
    x = table(50, 5)[0]
    assert torch.equal(again.eval()(x), result.model(x))
    with pytest.raises(UsageError, match="exists"):
        result.save(out)
    result.save(out, overwrite=True)
    assert {path.name for path in out.iterdir()} == {"model.onnx", "model.safetensors", "result.json"}


def test_a_folder_that_cannot_be_written_leaves_nothing(table_run, tmp_path):
    result, _ = table_run
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot write the result"):
        result.save(tmp_path / "file" / "run")


def test_images_of_more_than_two_classes_as_a_file(tmp_path):
    atats, optimizer = started(cnn(3), budget="time=12 steps", targets=["accuracy >= 0.2"])
    run(atats, optimizer, loader(images(200, 0, 3), 50), images(120, 1, 3))
    result = atats.finish(out=tmp_path / "run")
    x = images(40, 5, 3)[0]
    score, decision = session(tmp_path / "run" / "model.onnx").run(["score", "decision"], {"image": x.numpy()})
    with torch.no_grad():
        z = result.model(x)
    assert np.allclose(score, torch.softmax(z, 1), atol=1e-5)
    assert np.array_equal(decision, z.argmax(1))


def test_the_best_candidate_is_in_the_model():
    atats, optimizer = started(budget="time=60 steps", targets=["dpd <= 0.2"])
    run(atats, optimizer, loader(table(640, 0)), table(600, 1))
    result = atats.finish()
    ring = {f"step {step}": weights for _, step, weights in atats._session.course.state.ring}
    if result.chosen != "last":
        for key, value in result.model.state_dict().items():
            assert torch.equal(value, ring[result.chosen][key])
    assert not result.model.training
    assert [row["step"] for row in result.history] == sorted(row["step"] for row in result.history)
    assert result.history[-1]["step"] == 60  # a last look
