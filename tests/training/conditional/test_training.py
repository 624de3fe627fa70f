"""Training one network for all settings: its settings differ, its candidates are plain networks, its state is whole."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from efficienttrust.atats import TrustAction
from efficienttrust.compression import NetworkScorer, score_encoded
from efficienttrust.errors import UsageError
from efficienttrust.evaluation.targets import parse_target
from efficienttrust.training import TrainingTask
from efficienttrust.training._batches import Shuffler
from efficienttrust.training._bench import Bench
from efficienttrust.training._levers import levers_of
from efficienttrust.training.conditional import ConditionalStepper, DialRange, Setting
from tests.small_problems import FAIR, ROBUST, loans, train
from tests.training.module_cases import HERE, PLAIN

BOTH = DialRange(fairness=True, robustness=True)
OPTIONS = {"mlp": {"widths": (16,)}}
WIDE = TrustAction(spread=1.0)


def stepper_of(network: str, seed: int = 0) -> ConditionalStepper:
    targets = (parse_target(FAIR), parse_target(ROBUST))
    task = TrainingTask(targets=targets, seed=seed, network=network, options=OPTIONS.get(network, {}), settings=PLAIN)
    bench = Bench(loans(), task, levers_of(targets))
    return ConditionalStepper(bench.stepper(), BOTH, seed)


def steps(stepper: ConditionalStepper, n: int, seed: int = 0, action: TrustAction = WIDE) -> list[float]:
    shuffler = Shuffler(stepper.n_rows, 64, torch.Generator().manual_seed(seed))
    losses = []
    for _ in range(n):
        rows = shuffler.next()
        drawn = stepper.drawn(action)
        x = stepper.attack(stepper.batch(rows, drawn), rows, drawn)
        losses.append(float(stepper.step(x, rows, drawn, 1e-2)))
    return losses


def gap(stepper: ConditionalStepper, setting: Setting) -> float:
    test = loans().splits["test"]
    p = 1 / (1 + np.exp(-score_encoded(stepper.scorer_at(setting), test.x)))
    return float(abs(p[test.groups == 0].mean() - p[test.groups == 1].mean()))


@pytest.mark.parametrize("network", ["mlp", f"{HERE}:plain"])
def test_a_heavier_penalty_is_a_smaller_gap_in_the_same_network(network: str) -> None:
    stepper = stepper_of(network)
    losses = steps(stepper, 300)
    assert np.mean(losses[-30:]) < np.mean(losses[:30])
    assert gap(stepper, BOTH.at(1.0, 0.0)) < 0.7 * gap(stepper, BOTH.at(0.0, 0.0))


def test_a_setting_is_a_plain_network_of_the_base_architecture() -> None:
    stepper = stepper_of("mlp")
    steps(stepper, 20)
    scorer = stepper.scorer_at(BOTH.at(0.4, 0.6))
    assert isinstance(scorer, NetworkScorer)
    plain = stepper.inner.network
    assert scorer.n_parameters == sum(one.numel() for one in plain.parameters())
    x = loans().splits["test"].x
    stepper.modulation.tell(BOTH.told(BOTH.at(0.4, 0.6)))
    with torch.no_grad():
        np.testing.assert_allclose(score_encoded(scorer, x), plain(torch.from_numpy(x)).numpy(), atol=1e-6)


def test_the_network_that_the_loop_sees_answers_at_the_centre() -> None:
    stepper = stepper_of("mlp")
    steps(stepper, 20, action=TrustAction(lambda_fair=0.5, adversarial_share=0.5, spread=1.0))
    x = torch.from_numpy(loans().splits["test"].x)
    with torch.no_grad():
        np.testing.assert_allclose(stepper.network(x).numpy(), score_encoded(stepper.scorer(), x.numpy()), atol=1e-6)
    assert stepper.centre == Setting(0.5, 0.5)


@pytest.mark.parametrize("network", ["mlp", f"{HERE}:normed", f"{HERE}:dropping"])
def test_a_state_taken_over_goes_on_bit_for_bit(network: str) -> None:
    whole, first, second = (stepper_of(network) for _ in range(3))
    steps(whole, 12)
    steps(first, 12)
    second.load_state_dict(first.state_dict())
    assert steps(second, 8, seed=1) == steps(whole, 8, seed=1)
    for name, one in whole.network.state_dict().items():
        assert torch.equal(one, second.network.state_dict()[name]), name


def test_weights_kept_and_taken_back_are_the_same_network() -> None:
    stepper = stepper_of(f"{HERE}:normed")
    steps(stepper, 10)
    kept = stepper.network.state_dict()
    before = score_encoded(stepper.scorer_at(BOTH.at(0.3, 0.3)), loans().splits["test"].x)
    steps(stepper, 10, seed=1)
    stepper.network.load_state_dict(kept)
    np.testing.assert_array_equal(score_encoded(stepper.scorer_at(BOTH.at(0.3, 0.3)), loans().splits["test"].x), before)


def test_batch_norms_take_their_means_at_the_setting() -> None:
    stepper = stepper_of(f"{HERE}:normed")
    steps(stepper, 60)
    train_rows = torch.from_numpy(loans().splits["train"].x)
    scorer = stepper.scorer_at(BOTH.at(1.0, 1.0))
    modules = list(scorer.module.modules())  # type: ignore[attr-defined]
    norm = next(one for one in modules if isinstance(one, torch.nn.BatchNorm1d))
    before_norm = next(one for one in modules if isinstance(one, torch.nn.Linear))(train_rows)
    torch.testing.assert_close(norm.running_mean, before_norm.mean(0), rtol=0.05, atol=0.02)


def test_the_policy_delivers_settings_of_one_network() -> None:
    candidates, ledger = train(loans(), "steps=120", [FAIR, ROBUST], policy="conditional")
    assert ledger.used() <= 120
    assert 1 <= len(candidates.members) == len(candidates.settings) <= 4
    assert len({member.name for member in candidates.members}) == len(candidates.members)
    assert any(record.knob == "spread" for record in candidates.decisions)
    assert set(candidates.network_state) >= {"side.last", "linears.0.weight"}


def test_the_same_seed_is_the_same_network() -> None:
    one, two, other = (train(loans(), "steps=60", policy="conditional", seed=seed)[0] for seed in (0, 0, 1))
    for name, value in one.network_state.items():
        assert torch.equal(value, two.network_state[name]), name
    assert not torch.equal(one.network_state["side.last"], other.network_state["side.last"])


def test_without_a_lever_there_is_nothing_to_set() -> None:
    with pytest.raises(UsageError, match="policy conditional: no target has a lever in training"):
        train(loans(), "steps=60", ["accuracy >= 0.5"], policy="conditional")
