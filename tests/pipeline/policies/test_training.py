"""Training of the policy `rl`: reproducible byte for byte, with provenance, never on data kept for evaluation."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from efficienttrust.atats import STATE_VERSION, make_policy
from efficienttrust.atats.learning import READS, load_network
from efficienttrust.data import dataset_names
from efficienttrust.errors import UsageError
from efficienttrust.pipeline.policies import KEPT_FOR_EVALUATION, outcomes_on_tasks, train_policy
from efficienttrust.pipeline.policies._experience import logged, make_experience
from tests.atats.learning.test_logged_runs import logged_run


def written_run(folder: Path, seed: int, *, name: str = "loans", **changes: Any) -> Path:
    """Write what a training reads of a run: its problem's name and the trajectory, NaN as null."""
    states, plan, held = logged_run(seed)
    trajectory = {
        "state_version": STATE_VERSION,
        "plan": dataclasses.asdict(plan),
        "held": held,
        "states": [dataclasses.asdict(state) for state in states],
        "projected": 0,
        **changes,
    }
    folder.mkdir(parents=True)
    text = json.dumps({"problem": {"name": name}, "trajectory": trajectory}).replace("NaN", "null")
    (folder / "run.json").write_text(text)
    return folder


@pytest.mark.parametrize("algorithm", ["es", "ppo"])
def test_the_same_seed_gives_the_same_file_and_another_another(tmp_path: Path, algorithm: str) -> None:
    if algorithm == "ppo":
        pytest.importorskip("stable_baselines3")
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        train_policy(tmp_path / f"{name}.npz", decisions=64, seed=seed, algorithm=algorithm)
    first, again, other = ((tmp_path / f"{name}.npz").read_bytes() for name in "abc")
    assert first == again
    assert first != other
    told = load_network(tmp_path / "a.npz").provenance
    assert (told["algorithm"], told["seed"], told["environment"]) == (algorithm, 1, "AtatsSim-v0")
    assert told["decisions"] >= 64
    assert told["state_version"] == STATE_VERSION
    assert told["curve"][-1][0] == told["decisions"]
    assert told["versions"]["numpy"] == np.__version__
    assert make_policy(f"rl(weights={tmp_path / 'a.npz'})").name == "rl"


@pytest.mark.slow
def test_evolution_learns(tmp_path: Path) -> None:
    train_policy(tmp_path / "rl.npz", decisions=60_000, seed=0, algorithm="es")
    scores = {
        text: np.array(
            [one.score for one in outcomes_on_tasks([make_policy(text) for _ in range(200)], shifted=False, seed=5)]
        )
        for text in ("plan", f"rl(weights={tmp_path / 'rl.npz'})")
    }
    plan, learned = scores.values()
    gain = learned - plan
    assert gain.mean() > 2 * gain.std() / len(gain) ** 0.5


def test_evolution_needs_no_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("gymnasium", "stable_baselines3"):
        monkeypatch.setitem(sys.modules, name, None)
    train_policy(tmp_path / "rl.npz", decisions=1, algorithm="es")
    monkeypatch.delitem(sys.modules, "efficienttrust.pipeline.policies._side_by_side", raising=False)
    with pytest.raises(UsageError, match=r"pip install 'efficienttrust\[rl\]', or train with --algorithm es"):
        train_policy(tmp_path / "ppo.npz", decisions=1)
    assert [file.name for file in tmp_path.iterdir()] == ["rl.npz"]


@pytest.mark.parametrize("algorithm", ["es", "ppo"])
def test_logged_runs_are_half_of_the_experience(tmp_path: Path, algorithm: str) -> None:
    if algorithm == "ppo":
        pytest.importorskip("stable_baselines3")
    folders = [written_run(tmp_path / str(seed), seed) for seed in range(3)]
    with_runs = train_policy(tmp_path / "a.npz", decisions=32, algorithm=algorithm, runs=folders)
    without = train_policy(tmp_path / "b.npz", decisions=32, algorithm=algorithm)
    assert with_runs.provenance["logged_runs"] == [str(folder) for folder in folders]
    assert not np.allclose(with_runs.low, without.low)  # other states were seen


def test_half_of_the_slots_follow_the_logs(tmp_path: Path) -> None:
    from efficienttrust.pipeline.policies._experience import dynamics_of

    dynamics = dynamics_of([written_run(tmp_path / str(seed), seed) for seed in range(3)])
    micro, by_log = make_experience(16, 0, dynamics)
    assert len(micro.states) == len(by_log.states) == 8
    assert len(make_experience(16, 0, None)) == 1


@pytest.mark.parametrize("name", KEPT_FOR_EVALUATION)
def test_runs_on_data_kept_for_evaluation_are_refused(tmp_path: Path, name: str) -> None:
    folder = written_run(tmp_path / "run", 0, name=name)
    with pytest.raises(UsageError, match=f"is a run on {name}, which is kept for evaluation"):
        train_policy(tmp_path / "rl.npz", decisions=1, algorithm="es", runs=[folder])


def test_every_known_data_set_is_kept_for_evaluation() -> None:
    assert set(dataset_names()) <= set(KEPT_FOR_EVALUATION)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"state_version": 1}, f"recorded states of version 1, and this is {STATE_VERSION}"),
        ({"states": []}, "recorded no states of a policy"),
        ({"plan": {"start": 0.0}}, "the recorded trajectory is damaged"),
        ({"states": [{"progress": 0.1}]}, "the recorded trajectory is damaged"),
    ],
)
def test_runs_that_cannot_be_used_are_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    folder = written_run(tmp_path / "run", 0, **changes)
    with pytest.raises(UsageError, match=message) as caught:
        train_policy(tmp_path / "rl.npz", decisions=1, algorithm="es", runs=[folder])
    assert "\n" not in str(caught.value)


def test_an_infinite_end_comes_back_from_null(tmp_path: Path) -> None:
    states, plan, held = logged_run(0)
    recorded = {
        "plan": {**dataclasses.asdict(plan), "end": None}, "held": held,
        "states": [dataclasses.asdict(state) for state in states],
    }  # fmt: skip
    assert logged(recorded)[1].end == float("inf")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"algorithm": "pp"}, "unknown algorithm 'pp'. Did you mean 'ppo'"),
        ({"decisions": 0}, "decisions=0 must be at least 1"),
        ({"seed": -1}, "seed=-1 at least 0"),
    ],
)
def test_wrong_options_are_refused(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        train_policy(tmp_path / "rl.npz", **options)


def test_a_network_reads_what_training_saw(tmp_path: Path) -> None:
    network = train_policy(tmp_path / "rl.npz", decisions=1, algorithm="es")
    assert network.low.shape == (len(READS),)
    assert (network.low < network.high).all()
