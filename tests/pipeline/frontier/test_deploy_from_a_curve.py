"""A model from a curve: the plain network of one of its settings, proved as any other, on the same data alone."""

from __future__ import annotations

import json

import numpy as np
import pytest
from safetensors.numpy import load_file

from efficienttrust import deploy, frontier, verify
from efficienttrust.compression import parent_of
from efficienttrust.data import load_problem
from efficienttrust.errors import UsageError
from efficienttrust.pipeline.frontier import FILES
from efficienttrust.training.conditional import DialRange, Setting, spread_settings
from tests.small_problems import german, loans, make_table

TARGETS = ["dpd <= 0.2", "robust_accuracy(pgd, eps=0.25) >= 0.5"]
LAMBDA_TOP = 2.0


def folded(weights: dict[str, np.ndarray], setting: Setting) -> list[tuple[np.ndarray, np.ndarray]]:
    """Fold the side network into the layers by its formula: (1 + γ) W and (1 + γ) b + β, the last layer as it is."""
    told = np.array([2 * np.sqrt(setting.lambda_fair / LAMBDA_TOP) - 1, 2 * setting.adversarial_share - 1])
    hidden = np.tanh(weights["side.first"] @ told + weights["side.bias"])
    effects = weights["side.last"] @ hidden + weights["side.shift"]
    count = sum(name.endswith(".weight") for name in weights)
    layers, start = [], 0
    for k in range(count):
        weight, bias = weights[f"linears.{k}.weight"], weights[f"linears.{k}.bias"]
        if k < count - 1:
            gamma, beta = effects[start : start + len(bias)], effects[start + len(bias) : start + 2 * len(bias)]
            start += 2 * len(bias)
            weight, bias = (1 + gamma)[:, None] * weight, (1 + gamma) * bias + beta
        layers.append((weight.T, bias))
    return layers


def answers(layers, x: np.ndarray) -> np.ndarray:
    for k, (weight, bias) in enumerate(layers):
        x = x @ weight + bias
        if k < len(layers) - 1:
            x = np.maximum(x, 0)
    return x[:, 0]


@pytest.fixture(scope="module")
def deployed(made, tmp_path_factory):
    out = tmp_path_factory.mktemp("deployed") / "run"
    return deploy(made[1], targets=TARGETS, out=out), out


def test_verify_confirms_what_was_deployed(deployed):
    verified = verify(deployed[1])
    assert [one.target.split(" ")[0] for one in verified] == [
        "demographic_parity_difference",
        "robust_accuracy(pgd,",
    ]
    assert all(one.confirmed for one in verified)


def test_the_deployed_network_is_that_of_a_setting_folded(made, deployed):
    run, _ = deployed
    chosen = next(one["name"] for one in run.document["candidates"] if one["chosen"])
    settings = {one.text: one for one in (Setting(0.0, 0.0), *DialRange(True, True).grid(6, 4))}
    weights = load_file(made[1] / FILES["network"])
    x = german().splits["test"].inputs(np.arange(50))
    said = answers(parent_of(run.scorer).layers, x)
    np.testing.assert_allclose(said, answers(folded(weights, settings[chosen]), x), atol=1e-6, rtol=1e-5)


def test_the_models_of_the_curve_are_settings_of_its_network(made):
    weights = load_file(made[1] / FILES["network"])
    x = german().splits["test"].inputs(np.arange(50))
    settings = spread_settings(DialRange(True, True), 4)
    for member, setting in zip(made[0].candidates.members, settings, strict=True):
        assert member.name == setting.text
        said = answers(member.scorer.layers, x)
        np.testing.assert_allclose(said, answers(folded(weights, setting), x), atol=1e-6, rtol=1e-5)


def test_nothing_is_trained_and_the_run_says_where_it_comes_from(deployed):
    document = deployed[0].document
    time = document["ledger"]["time"]
    assert document["ledger"]["clocks"]["steps"] == 0
    assert "survey" in time["phases"]
    assert "train" not in time["phases"]
    assert document["model"]["trained"] == ["one network for all settings, trained for a curve"]
    assert sum(time["phases"].values()) == pytest.approx(time["used"])


def test_a_target_beyond_the_axes_is_declared(made):
    run = deploy(made[1], targets=["eod <= 0.3"])
    assert any(
        line.startswith("equalized_odds_difference <= 0.3") and "was not trained for it" in line
        for line in run.document["fallbacks"]
    )


def test_other_data_are_refused(folder):
    path = folder / FILES["frontier"]
    document = json.loads(path.read_text(encoding="utf-8"))
    with pytest.raises(UsageError, match="are not those of the curve"):
        deploy(folder, targets=TARGETS, problem=loans())
    document["problem"]["fingerprint"] = "0" * 64
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(UsageError, match="are not those of the curve"):
        deploy(folder, targets=TARGETS)


def test_a_table_that_changed_is_refused(tmp_path):
    table = tmp_path / "loans.csv"
    make_table(400).to_csv(table, index=False)
    problem = load_problem(str(table), label="approved", sensitive="sex")
    frontier(problem, budget="time=20 steps", axes=["dpd"], points=2, out=tmp_path / "f")
    assert deploy(tmp_path / "f", targets=["dpd <= 0.3"]).verdicts
    make_table(400, seed=1).to_csv(table, index=False)
    with pytest.raises(UsageError, match="are not those of the curve"):
        deploy(tmp_path / "f", targets=["dpd <= 0.3"])


def test_data_in_memory_have_to_be_given(tmp_path):
    frontier(loans(), budget="time=20 steps", axes=["dpd"], points=2, out=tmp_path / "f")
    with pytest.raises(UsageError, match="made from data in memory"):
        deploy(tmp_path / "f", targets=["dpd <= 0.3"])
    assert deploy(tmp_path / "f", targets=["dpd <= 0.3"], problem=loans()).verdicts


def test_a_curve_without_a_network_of_all_settings_is_refused(tmp_path):
    frontier(loans(), budget="time=20 steps", policy="plan", axes=["dpd"], points=2, out=tmp_path / "f")
    with pytest.raises(UsageError, match="policy plan, which leaves no network"):
        deploy(tmp_path / "f", targets=["dpd <= 0.3"], problem=loans())


def test_the_same_targets_give_the_same_file(made, deployed):
    assert deploy(made[1], targets=TARGETS).content == deployed[0].content
