"""All interventions of a stepper: which are active at an action, and what they do together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from efficienttrust.atats import TrustAction
from efficienttrust.losses import FairnessPenalty
from efficienttrust.training._batches import Composition
from efficienttrust.training.interventions._groups import Groups
from efficienttrust.training.interventions._intervention import Answers, Effect, Intervention, interventions
from efficienttrust.training.interventions._penalties import Penalties
from efficienttrust.training.interventions.catalogue.fair_batch import FairBatch

Active = tuple[tuple[Any, float], ...]
"""(intervention, setting above zero), in the order in which they take effect."""

NOTHING = Effect()


class Interventions:
    """Holds the penalties and the interventions of the registry, and wakes those whose dial is above zero.

    Args:
        penalties: (penalty, attribute) pairs that share lambda_F.
        members: Membership [n, G] per attribute that a penalty needs.
        groups: What the other interventions level out; None leaves them out.

    Attributes:
        held: Dials that are not carried out: no two groups have rows, or the task is not one for them.
    """

    def __init__(
        self,
        penalties: Sequence[tuple[FairnessPenalty, str]],
        members: Mapping[str, Tensor],
        groups: Groups | None,
    ) -> None:
        self._all: dict[str, Any] = {"lambda_fair": Penalties(penalties, members)} if penalties else {}
        held = set()
        for name in interventions.names():
            kind = interventions.get(name)
            if groups is None or groups.task not in kind.tasks or not groups.comparable:
                held.add(name)
            else:
                self._all[name] = kind(groups)
        self.held = frozenset(held)
        self._action: TrustAction | None = None
        self._active: Active = ()
        self._awake: set[str] = set()  # those that remember something

    def at(self, action: TrustAction) -> Active:
        """Return what is active at an action; what is not forgets what it knew."""
        if action is not self._action:  # the same object until the next decision
            found: list[tuple[Intervention, float]] = []
            for name, intervention in self._all.items():
                setting = float(getattr(action, name))
                if setting > 0:
                    found.append((intervention, setting))
                    self._awake.add(name)
                elif name in self._awake:
                    intervention.forget()
                    self._awake.remove(name)
            self._action, self._active = action, tuple(found)
        return self._active

    def composition(self, action: TrustAction) -> Composition | None:
        """Return how the next batch is to be composed; None draws it from all rows alike."""
        fair_batch = self._all.get("fair_batch")
        if action.fair_batch <= 0 or not isinstance(fair_batch, FairBatch):
            return None
        return fair_batch.composition()

    def ask(self, action: TrustAction) -> bool:
        """Return whether anything that an action wakes must know what the network says of the whole batch."""
        return any(one.needs_answers for name, one in self._all.items() if getattr(action, name) > 0)

    def row_flops(self, action: TrustAction) -> float:
        """Return the floating-point operations that an action adds for each row of a batch."""
        return sum(float(one.row_flops) for name, one in self._all.items() if getattr(action, name) > 0)

    def state_dict(self) -> dict[str, Any]:
        """Return what changes from batch to batch, by the name of the dial."""
        return {name: one.state_dict() for name, one in self._all.items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take the state of a checkpoint."""
        for name, one in self._all.items():
            one.load_state_dict(state[name])
        self._awake = set(self._all)
        self._action, self._active = None, ()


def needs_answers(active: Active) -> bool:
    """Return whether anything active must know what the network says of the whole batch."""
    return any(one.needs_answers for one, _ in active)


def effect_of(active: Active, answers: Answers) -> Effect:
    """Return what all that is active does to a batch."""
    (first, setting), *others = active
    effect: Effect = first.take(answers, setting)
    for one, setting in others:
        effect = effect + one.take(answers, setting)
    return effect


def weighed(factor: Tensor | None, weight: Tensor | None) -> Tensor | None:
    """Return factors on rows times their weights; None where there is neither."""
    if factor is None or weight is None:
        return weight if factor is None else factor
    return torch.mul(factor, weight)
