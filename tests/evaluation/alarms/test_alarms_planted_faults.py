"""A sound network fires no alarm; each planted fault fires the alarm that looks for it."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from alarm_worlds import EPS, Planted, evidence_of, fired, held_out, looked_at, normalised_outside, sound, sound_alarms
from torch import nn

from efficienttrust.evaluation.alarms import alarms, gather, raise_alarms
from efficienttrust.threats import ModuleVictim, ball

SILENT = {"parent_differs", "lost_by_rounding", "success_not_confirmed"}
"""What cannot be looked for where there is no second model, or nothing was fooled."""


def test_a_sound_convolutional_network_fires_none():
    x, y = held_out()
    assert (sound()(x).argmax(1) == y).float().mean() > 0.88
    assert not {name for name, alarm in sound_alarms().items() if alarm.fired}
    assert {name for name, alarm in sound_alarms().items() if alarm.fired is None} <= SILENT


@pytest.mark.parametrize(("eps", "norm"), [(EPS, "linf"), (0.5, "l2")])
def test_a_sound_multilayer_perceptron_fires_none(eps, norm):
    found = looked_at(evidence_of(sound(convolves=False), eps=eps, norm=norm))
    assert not {name for name, alarm in found.items() if alarm.fired}
    assert {name for name, alarm in found.items() if alarm.fired is None} <= SILENT


class Stochastic(nn.Module):
    """Adds noise of its own to every input."""

    calls = 0

    def __init__(self) -> None:
        super().__init__()
        self.body = sound()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        Stochastic.calls += 1
        return self.body(x + 0.05 * torch.randn(x.shape, generator=torch.Generator().manual_seed(Stochastic.calls)))


class ForcesTraining(nn.Module):
    """Answers in training mode, whatever mode it is set to."""

    def __init__(self) -> None:
        super().__init__()
        self.body = copy.deepcopy(sound())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.body.train()(x)


def coarse(x: torch.Tensor) -> torch.Tensor:
    return (8 * x).round() / 8


FAULTS = {
    "a softmax that saturates": (lambda: Planted(after=lambda z: 1e4 * z), {"zero_gradients", "loss_does_not_fall"}),
    "rounded inputs": (
        lambda: Planted(before=coarse),
        {"zero_gradients", "gradient_disagrees", "unbounded_attack_fails"},
    ),
    "rounded inputs with a gradient made up": (
        lambda: Planted(before=lambda x: x + (coarse(x) - x).detach()),
        {"gradient_disagrees"},
    ),
    "the sign of the inputs": (
        lambda: Planted(before=lambda x: 0.5 + 0.5 * (x - 0.5).sign()),
        {"zero_gradients", "gradient_disagrees", "black_box_beats_white_box", "unbounded_attack_fails"},
    ),
    "a gradient turned around": (
        lambda: Planted(before=lambda x: 2 * x.detach() - x),
        {"gradient_disagrees", "loss_does_not_fall", "unbounded_attack_fails"},
    ),
    "a softmax inside": (lambda: Planted(after=lambda z: z.softmax(1)), {"probabilities_instead_of_logits"}),
    "training mode": (lambda: copy.deepcopy(sound()).train(), {"train_mode_left_on"}),
    "training mode forced inside": (ForcesTraining, {"train_mode_left_on"}),
    "inputs cut from the graph": (
        lambda: Planted(before=lambda x: x.detach()),
        {"zero_gradients", "gradient_disagrees", "loss_does_not_fall"},
    ),
    "answers cut from the graph": (
        lambda: Planted(after=lambda z: z.detach()),
        {"zero_gradients", "gradient_disagrees", "loss_does_not_fall"},
    ),
    "noise inside": (Stochastic, {"random_answers", "changed_at_zero"}),
    "normalisation expected outside": (normalised_outside, {"normalisation_missing"}),
    "answers that are not numbers": (
        lambda: Planted(after=lambda z: torch.where(z.amax(1, keepdim=True) > 10, math.nan, z)),
        {"non_finite_outputs"},
    ),
    "a constant": (
        lambda: Planted(after=lambda z: 0 * z + torch.arange(10.0)),
        {"constant_predictor", "unbounded_attack_fails"},
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_fires_its_alarm(fault):
    plant, expected = FAULTS[fault]
    evidence = evidence_of(plant())
    assert all(alarms.get(name)(evidence).fired for name in expected)


@pytest.mark.parametrize("fault", ["a softmax inside", "normalisation expected outside"])
def test_a_fault_of_one_kind_fires_one_alarm(fault):
    plant, expected = FAULTS[fault]
    assert fired(evidence_of(plant())) == expected


@pytest.mark.parametrize("fault", ["inputs cut from the graph", "answers cut from the graph"])
def test_every_alarm_looks_at_a_model_that_cuts_the_graph(fault):
    assert "zero_gradients" in fired(evidence_of(FAULTS[fault][0]()))


def test_a_constant_model_stands_as_often_as_it_is_right():
    found = evidence_of(FAULTS["a constant"][0]())
    assert torch.equal(found.pgd.right, found.right)
    assert torch.equal(found.at_widest.right, found.right)


def test_every_alarm_says_what_was_seen_on_how_many_rows():
    found = sound_alarms()
    assert list(found) == alarms.names()
    for name, alarm in found.items():
        assert alarm.name == name
        assert alarm.meaning.endswith(".")
        assert alarm.detail
        if alarm.fired is not None:
            assert alarm.threshold is not None
            assert math.isfinite(alarm.value)
            assert any(letter.isdigit() for letter in alarm.detail) or name == "train_mode_left_on"


def test_pixels_divided_twice_are_off_scale():
    x, y = held_out()
    dark = x / 255
    evidence = gather(ModuleVictim(sound()), lambda eps: ball(dark, eps), y, EPS, widest=1.0, pixels=True, most=40)
    alarm = alarms.get("inputs_off_scale")(evidence)
    assert alarm.fired
    assert "0.003922" in alarm.detail


def test_a_deployed_model_that_is_another_is_told_from_its_parent():
    class Other(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return sound()(x).roll(1, dims=1)

    pair = ("parent_differs", "success_not_confirmed")
    found = evidence_of(sound(), deployed=ModuleVictim(Other(), fold=False))
    assert alarms.get("parent_differs")(found).fired
    assert alarms.get("changed_at_zero")(found).fired is False  # the attack on the parent is in order
    same = evidence_of(sound(), deployed=ModuleVictim(copy.deepcopy(sound()), fold=False))
    assert [alarms.get(name)(same).fired for name in pair] == [False, False]


def test_a_point_outside_the_ball_is_found():
    evidence = evidence_of(sound())
    evidence.pgd.points[3, 0, 0, 0] = evidence.region.origin[3, 0, 0, 0] + 2 * EPS
    alarm = alarms.get("outside_the_region")(evidence)
    assert alarm.fired
    assert alarm.value == pytest.approx(EPS, abs=1e-6)
    assert alarm.detail.startswith("1 of ")


def test_what_was_looked_for_elsewhere_is_left_out():
    kept = ["random_answers", "zero_gradients"]
    found = raise_alarms(evidence_of(sound()), [name for name in alarms.names() if name not in kept])
    assert [alarm.name for alarm in found] == kept


def test_no_alarm_changes_the_module_it_looks_at():
    model = copy.deepcopy(sound()).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    evidence = evidence_of(model)
    assert alarms.get("train_mode_left_on")(evidence).fired
    assert alarms.get("weaker_than_one_step")(evidence).fired is False
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_drawn_rows_keep_their_labels():
    evidence, (x, y) = evidence_of(sound()), held_out()
    same = (x[:, None] == evidence.region.origin[None]).flatten(2).all(2)
    assert same.any(0).all()
    assert torch.equal(y[same.float().argmax(0)], evidence.y)
