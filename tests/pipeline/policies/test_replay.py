"""Replay: the policy of a run decides again as it did; an altered record is noticed; another policy is shown."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from efficienttrust import fit
from efficienttrust.errors import UsageError
from efficienttrust.pipeline.policies import replay
from tests.small_problems import loans

TARGETS = ("dpd <= 0.1", "robust_accuracy(pgd, eps=0.2) >= 0.7")
POLICIES = ("plan", "dual(rho=2)", "rl")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("replayed")
    return {
        text: fit(loans(), budget="time=60 steps", targets=TARGETS, policy=text).save(folder / f"run{index}")
        for index, text in enumerate(POLICIES)
    }


@pytest.fixture
def tampered(runs: dict[str, Path], tmp_path: Path) -> Path:
    return Path(shutil.copytree(runs["plan"], tmp_path / "run"))


def change(folder: Path, **trajectory: Any) -> None:
    document = json.loads((folder / "run.json").read_text())
    document["trajectory"].update(trajectory)
    (folder / "run.json").write_text(json.dumps(document))


@pytest.mark.parametrize("text", POLICIES)
def test_every_policy_decides_again_as_it_did(runs: dict[str, Path], text: str) -> None:
    found = replay(runs[text])
    assert found.agrees, [one for one in found.decisions if not one.agrees]
    assert (found.policy, found.recorded_policy) == (text, text)
    assert found.states >= 3
    recorded = json.loads((runs[text] / "run.json").read_text())["trajectory"]["projected"]
    assert found.projected == recorded
    moved = {one.dial for one in found.decisions if one.step > 0} - {"policy"}
    assert moved & {"lambda_fair", "adversarial_share"}
    for one in found.decisions:
        assert one.dial == "policy" or one.recorded == one.after


@pytest.mark.parametrize("index", [1, 2])
def test_an_altered_state_is_noticed(tampered: Path, index: int) -> None:
    states = json.loads((tampered / "run.json").read_text())["trajectory"]["states"]
    states[index]["dials"]["lambda_fair"] += 0.01
    change(tampered, states=states)
    found = replay(tampered)
    assert not found.agrees
    steps = {one.step for one in found.decisions if not one.agrees}
    assert states[index - 1]["step"] in steps


def test_an_altered_last_decision_is_noticed(tampered: Path) -> None:
    import pandas as pd

    table = pd.read_parquet(tampered / "decisions.parquet")
    last = table[table["knob"] == "lambda_fair"].index[-1]
    table.loc[last, "after"] = "9.9"
    table.to_parquet(tampered / "decisions.parquet", index=False)
    differing = [one for one in replay(tampered).decisions if not one.agrees]
    assert [(one.dial, one.recorded) for one in differing] == [("lambda_fair", "9.9")]


def test_another_policy_decides_on_the_same_states(runs: dict[str, Path]) -> None:
    found = replay(runs["plan"], policy="static(lambda_fair=2)")
    assert (found.policy, found.recorded_policy) == ("static(lambda_fair=2)", "plan")
    assert not found.agrees
    first = next(one for one in found.decisions if one.dial == "lambda_fair")
    assert (first.step, first.after, first.recorded) == (0, "2", "0.25")


def test_what_the_guard_did_is_taken_from_the_record(tampered: Path) -> None:
    import pandas as pd

    document = json.loads((tampered / "run.json").read_text())
    states = document["trajectory"]["states"]
    for state in states[2:]:
        state["dials"].update(attack="pgd", learning_rate_factor=0.5)
    change(tampered, states=states)
    assert not replay(tampered).agrees
    table = pd.read_parquet(tampered / "decisions.parquet")
    row = {**table.iloc[-1].to_dict(), "step": states[2]["step"], "knob": "attack", "after": "pgd",
           "reason": "guard: robustness collapsed; back to the last sound weights"}  # fmt: skip
    pd.concat([table, pd.DataFrame([row])]).to_parquet(tampered / "decisions.parquet", index=False)
    assert replay(tampered).agrees


def test_what_cannot_be_replayed_is_refused(tampered: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a run"):
        replay(tmp_path / "nothing")
    with pytest.raises(UsageError, match="Did you mean 'plan'"):
        replay(tampered, policy="plam")
    change(tampered, state_version=1)
    with pytest.raises(UsageError, match="recorded states of version 1"):
        replay(tampered)
    (tampered / "run.json").write_text("{")
    with pytest.raises(UsageError, match="damaged"):
        replay(tampered)


def test_a_run_without_a_policy_at_work_is_refused(tmp_path: Path) -> None:
    run = fit(loans(), budget="time=2s cpu", targets=TARGETS[:1], trainer="trees")
    with pytest.raises(UsageError, match="recorded no states of a policy"):
        replay(run.save(tmp_path / "trees"))
