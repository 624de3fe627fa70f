"""A compressed run is a run like any other, and says what the compression did to the deployed file."""

from __future__ import annotations

import json

import numpy as np
import pytest

from efficienttrust import compress, load_run, verify
from efficienttrust.compression import DeployedModel, QuantisedScorer, score_encoded
from efficienttrust.errors import InfeasibleError, UsageError
from tests.small_problems import loans

RECOVER = ("recover", "60 steps")
CHAINS = {
    "structured": [("prune", "structured:0.5"), RECOVER],
    "masked": [("prune", "gradual:0.8"), RECOVER],
    "after training": [("prune", "structured:0.5"), RECOVER, ("quantize", "int8")],
    "aware of rounding": [("quantize", "int8"), RECOVER],
    "student": [("distil", "mlp(widths=8), alpha=0.7"), RECOVER],
    "few bits": [("quantize", "weights:4")],
}


@pytest.fixture(scope="module")
def made(dense_run):
    return {name: compress(dense_run[0], chain, problem=loans()) for name, chain in CHAINS.items()}


@pytest.mark.parametrize("name", CHAINS)
def test_the_file_answers_as_its_scorer(made, name):
    run, problem = made[name], loans()
    said = DeployedModel(run.content).run(problem.raw("test")).score
    scores = score_encoded(run.scorer, problem.splits["test"].x)
    near = 1 / (1 + np.exp(-scores.astype(np.float64)))
    assert np.abs(said - near).max() < 1e-4
    assert run.document["compression"]["chain"] == [" ".join(word) for word in CHAINS[name]]


def test_half_of_the_units_are_gone(made):
    assert made["structured"].scorer.layers[0][0].shape[1] == 32
    assert made["structured"].scorer.layers[1][0].shape == (32, 16)
    before, after = (made["structured"].document["compression"][side] for side in ("before", "after"))
    assert after["parameters"] < 0.5 * before["parameters"]
    assert after["size_bytes"] < before["size_bytes"]


def test_a_mask_is_kept_through_the_recovery_and_called_simulated(made):
    weights = [weight for weight, _ in made["masked"].scorer.layers]
    zeros = sum(int((weight == 0).sum()) for weight in weights)
    assert zeros == round(0.8 * sum(weight.size for weight in weights))
    entry = made["masked"].document["compression"]
    assert entry["label"] == "simulated"
    assert entry["after"]["nonzero_parameters"] < 0.3 * entry["after"]["parameters"]
    assert entry["after"]["parameters"] == entry["before"]["parameters"]
    assert entry["after"]["size_bytes"] < entry["before"]["size_bytes"], "zeros are not stored"


def test_int8_is_verified_and_the_parent_stays(made):
    for name in ("after training", "aware of rounding"):
        scorer = made[name].scorer
        assert isinstance(scorer, QuantisedScorer)
        entry = made[name].document["compression"]
        assert entry["quantisation"]["bits"] == 8
        assert entry["after"]["size_bytes"] < entry["before"]["size_bytes"]


def test_a_student_replaces_the_network(made):
    assert [weight.shape[1] for weight, _ in made["student"].scorer.layers] == [8, 1]
    trained = " ".join(made["student"].document["model"]["trained"])
    assert "the network before compression" in trained
    assert "outside the budget" in trained


def test_four_bits_leave_sixteen_levels_a_neuron(made):
    for weight, _ in made["few bits"].scorer.layers:
        assert max(len(np.unique(column)) for column in weight.T) <= 16
    assert made["few bits"].document["compression"]["label"] == "simulated"


def test_both_sides_have_every_figure(made):
    for run in made.values():
        entry = run.document["compression"]
        for side in ("before", "after"):
            figures = entry[side]
            assert figures["size_bytes"] > 0
            assert set(figures["latency"]) >= {"1"}
            assert figures["throughput_rows_per_s"] > 0
            assert figures["peak_memory_bytes"] > 2**20
            assert 0 <= figures["metrics"]["accuracy"]["value"] <= 1
            assert any(key.startswith("robust_accuracy") for key in figures["metrics"])
        assert entry["after"]["size_bytes"] == len(run.content)


@pytest.mark.slow
def test_the_same_chain_makes_the_same_file(dense_run):
    chain = CHAINS["after training"]
    first, second = (compress(dense_run[0], chain, problem=loans(), seed=3) for _ in range(2))
    assert first.content == second.content


def test_a_saved_run_loads_verifies_and_is_compressed_again(german_folder, tmp_path):
    out = tmp_path / "small"
    compress(german_folder, [("prune", "structured:0.5"), ("recover", "30 steps"), ("quantize", "int8")], out=out)
    assert all(one.confirmed for one in verify(out))
    again = load_run(out)
    assert again.document["compression"]["source"]["sha256"]
    assert (out / "report.html").read_text().count("structured:0.5") > 0
    twice = compress(out, [("prune", "structured:0.5")])
    assert twice.document["model"]["parameters"] < again.document["model"]["parameters"]


@pytest.mark.parametrize("name", ["model.onnx", "model.safetensors", "run.json"])
def test_an_edited_run_is_refused(german_folder, tmp_path, name):
    import shutil

    folder = tmp_path / "edited"
    shutil.copytree(german_folder, folder)
    if name == "run.json":
        document = json.loads((folder / name).read_text())
        document["hashes"]["model.onnx"] = "0" * 64
        (folder / name).write_text(json.dumps(document))
    else:
        content = bytearray((folder / name).read_bytes())
        content[len(content) // 2] ^= 1
        (folder / name).write_bytes(content)
    out = tmp_path / "out"
    with pytest.raises(UsageError):
        compress(folder, [("prune", "magnitude:0.5")], out=out)
    assert not out.exists()


def test_a_quantised_run_in_memory_is_compressed_from_its_float_network(made):
    again = compress(made["after training"], [("prune", "structured:0.5")], problem=loans())
    assert again.scorer.layers[0][0].shape[1] == 16
    assert "quantised" in again.document["compression"]["flip_bound"]["reason"]


def test_the_bound_holds_and_is_beside_what_was_seen(made):
    for name in ("structured", "masked", "few bits"):
        bound = made[name].document["compression"]["flip_bound"]
        assert bound["kind"] == "exact"
        assert bound["observed"] <= bound["undecided"]
        harm = made[name].document["compression"]["harm"]
        assert harm["overall"]["flips"]["value"] == pytest.approx(bound["observed"])
        change = harm["overall"]["error_change"]["value"]
        assert bound["error_change_low"] - 1e-9 <= change <= bound["error_change_high"] + 1e-9


def test_a_recovery_beyond_the_budget_is_infeasible(dense_run):
    with pytest.raises(InfeasibleError, match="shorten"):
        compress(dense_run[0], [RECOVER], budget="time=10 steps", problem=loans())


def test_trees_are_refused(tmp_path):
    from efficienttrust import fit

    trees = fit(loans(), budget="time=5s cpu", targets=(), trainer="trees")
    with pytest.raises(UsageError, match="holds trees"):
        compress(trees, [("prune", "magnitude:0.5")], problem=loans())
