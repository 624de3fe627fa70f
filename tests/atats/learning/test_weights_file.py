"""Files of weights: what is written is read, what cannot be used is refused in one line, what is shipped is small."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from efficienttrust.atats import STATE_VERSION
from efficienttrust.atats.learning import (
    READS,
    ResidualNetwork,
    load_network,
    save_network,
    shipped_weights,
)
from efficienttrust.errors import UsageError


def network(width: int = 4, seed: int = 0) -> ResidualNetwork:
    rng = np.random.default_rng(seed)
    shapes = [(len(READS), width), (width, 2)]
    layers = [(rng.standard_normal(shape).astype(np.float32), rng.standard_normal(shape[1])) for shape in shapes]
    return ResidualNetwork(layers, -np.ones(len(READS)), np.ones(len(READS)), {"algorithm": "none"})


def rewritten(path: Path, **changes: object) -> Path:
    with np.load(path) as file:
        arrays = dict(file)
    np.savez(path, **{name: value for name, value in {**arrays, **changes}.items() if value is not None})
    return path


def test_what_is_written_is_read(tmp_path: Path) -> None:
    one, path = network(), tmp_path / "new" / "rl.npz"
    save_network(one, path)
    again = load_network(path)
    reading = np.linspace(-1, 1, len(READS))
    np.testing.assert_allclose(again.correction(reading), one.correction(reading), atol=1e-5)
    assert again.provenance == {"algorithm": "none", "state_version": STATE_VERSION}
    assert [file.name for file in path.parent.iterdir()] == ["rl.npz"]


def test_equal_networks_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("a.npz", "b.npz"):
        save_network(network(), tmp_path / name)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_correction_is_a_perceptron_by_hand() -> None:
    one = network()
    reading = np.linspace(0, 1, len(READS))
    (first, bias), (second, last) = one.layers
    expected = np.tanh(reading @ first + bias) @ second + last
    np.testing.assert_allclose(one.correction(reading), expected)
    np.testing.assert_allclose(one.correction(np.stack([reading, -reading]))[0], expected)


def test_another_version_of_the_state_is_refused(tmp_path: Path) -> None:
    save_network(network(), tmp_path / "rl.npz")
    old = json.dumps({"state_version": STATE_VERSION - 1})
    with pytest.raises(UsageError, match=f"was trained on version {STATE_VERSION - 1} of the state"):
        load_network(rewritten(tmp_path / "rl.npz", provenance=np.array(old)))


@pytest.mark.parametrize(
    "changes",
    [
        {"weights1": np.zeros((4, 3))},
        {"biases0": np.zeros(5)},
        {"weights0": np.zeros((3, 4))},
        {"low": np.zeros(2)},
        {"provenance": None},
        {"biases1": None},
        {"provenance": np.array("[1")},
        {"provenance": np.array("3")},
    ],
)
def test_a_damaged_file_is_refused_in_one_line(tmp_path: Path, changes: dict[str, object]) -> None:
    save_network(network(), tmp_path / "rl.npz")
    with pytest.raises(UsageError, match="efficienttrust policy train") as caught:
        load_network(rewritten(tmp_path / "rl.npz", **changes))
    assert "\n" not in str(caught.value)


def test_what_is_no_such_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.npz").write_text("not an archive")
    (tmp_path / "empty.npz").write_bytes(b"")
    np.save(tmp_path / "array.npy", np.zeros(3))
    for name in ("text.npz", "empty.npz", "array.npy", "none.npz", "."):
        with pytest.raises(UsageError, match="efficienttrust policy train"):
            load_network(tmp_path / name)


def test_shipped_weights_are_small_and_say_where_they_come_from() -> None:
    assert shipped_weights().stat().st_size < 100_000
    told = load_network(shipped_weights()).provenance
    assert told["environment"] == "AtatsSim-v0"
    assert told["algorithm"] == "ppo"
    assert told["decisions"] >= 200_000
    assert {"seed", "curve", "versions", "reads", "logged_runs", "state_version"} <= set(told)
    assert {"numpy", "torch", "gymnasium", "stable_baselines3", "efficienttrust"} <= set(told["versions"])
    assert len(told["curve"]) >= 10
