"""The scheduler: lets a policy act inside what is allowed, and keeps the record of every decision.

It is the part of ATATS that any loop shares: ours, and the loops of other people (`efficienttrust.ATATS`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Mapping
from typing import Any

from efficienttrust.atats._action import DecisionRecord, TrustAction
from efficienttrust.atats._dials import DIALS
from efficienttrust.atats._planner import Plan
from efficienttrust.atats._policy import Policy
from efficienttrust.atats._projector import project
from efficienttrust.atats._state import TrustState

KNOBS = (*(dial.name for dial in DIALS if dial.name != "next_monitor_in"), "attack", "stop")
FALLBACK_DIALS = ("adversarial_share", "attack")
CAREFUL_RATE = 0.5  # factor on the learning rate after the guard has acted


class Scheduler:
    """Holds the action in force.

    Args:
        policy: Who decides.
        plan: What training starts from.
        cost: Returns what a step at an action is predicted to cost, on the declared clock.
        held: Dials that nothing in this run carries out.

    Attributes:
        action: The setting of every dial.
        decisions: Every change of a dial.
        fallbacks: What the budget did not buy, as far as the policy followed the plan.
        guarded: Whether the guard has taken over the attack and the learning rate.
        projected: How often an action of the policy had to be changed.
    """

    def __init__(
        self, policy: Policy, plan: Plan, cost: Callable[[TrustAction], float], held: Collection[str] = ()
    ) -> None:
        self.policy, self.plan, self._cost, self._held = policy, plan, cost, frozenset(held)
        self.action = TrustAction()
        self.decisions: list[DecisionRecord] = []
        self.fallbacks: list[str] = []
        self.guarded, self.projected = False, 0

    def start(self) -> None:
        """Ask the policy for the setting to start from; what the plan says it does not buy is declared."""
        allowed, clipped = project(self.policy.reset(self.plan), TrustAction(), start=True, held=self._held)
        self.action = allowed
        self.projected += bool(clipped)
        planned = {"adversarial_share": self.plan.start_share, "attack": self.plan.attack}
        for knob, text in self.plan.fallbacks.items():
            if getattr(self.action, knob) == planned[knob]:  # a policy may have plans of its own
                self.fallbacks.append(text)
                self.note("plan", "fall-back", text)
        notes = {note.partition(":")[0]: note for note in clipped}
        neutral = TrustAction()
        for knob in KNOBS:
            value = getattr(self.action, knob)
            if knob in ("lambda_fair", *FALLBACK_DIALS) or value != getattr(neutral, knob) or knob in notes:
                said = "; ".join(filter(None, (f"start of policy {self.policy.name}", notes.get(knob, ""))))
                self.decisions.append(DecisionRecord(0, 0.0, knob, "", _text(value), said, self._cost(self.action)))

    def decide(self, state: TrustState) -> None:
        """Let the policy act, projected; with the guard in charge attack and learning rate stay its own."""
        wanted = self.policy.act(state)
        if said := wanted.reasons.get("policy"):  # a learned policy that had to fall back
            self.projected += 1
            self.note("policy", "plan", said, step=state.step, progress=state.progress)
        if self.guarded:
            wanted = dataclasses.replace(wanted, attack="pgd", learning_rate_factor=self.action.learning_rate_factor)
        allowed, notes = project(wanted, self.action, held=self._held)
        self.projected += bool(notes)
        self._change(state.step, state.progress, allowed, allowed.reasons, notes)

    def guard(self, step: int, progress: float, reason: str) -> None:
        """Go on carefully after a collapse of robustness: PGD, and half the learning rate."""
        self.guarded = True
        factor = max(CAREFUL_RATE * self.action.learning_rate_factor, 0.1)
        careful = dataclasses.replace(self.action, attack="pgd", learning_rate_factor=factor)
        text = f"guard: {reason}; back to the last sound weights"
        self._change(step, progress, careful, {"attack": text, "learning_rate_factor": text}, ())

    def note(self, knob: str, after: str, reason: str, *, step: int = 0, progress: float = 0.0) -> None:
        """Put on record what was decided by no policy."""
        cost = self._cost(self.action)
        self.decisions.append(DecisionRecord(step, progress, knob, "", after, reason, cost))

    def stop(self, *, now: bool) -> None:
        """End training now, or take back that it should."""
        self.action = dataclasses.replace(self.action, stop=now)

    def state_dict(self) -> dict[str, Any]:
        """Return everything that a decision changes, as plain values."""
        return {
            "action": {**dataclasses.asdict(self.action), "reasons": dict(self.action.reasons)},
            "decisions": [dataclasses.asdict(record) for record in self.decisions],
            "fallbacks": list(self.fallbacks),
            "guarded": self.guarded,
            "projected": self.projected,
            "policy": self.policy.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take the state of a checkpoint."""
        self.action = TrustAction(**state["action"])
        self.decisions = [DecisionRecord(**record) for record in state["decisions"]]
        self.fallbacks, self.guarded = list(state["fallbacks"]), bool(state["guarded"])
        self.projected = int(state["projected"])
        self.policy.load_state_dict(state["policy"])

    def _change(
        self, step: int, progress: float, action: TrustAction, reasons: Mapping[str, str], notes: tuple[str, ...]
    ) -> None:
        clipped = {note.partition(":")[0]: note for note in notes}
        cost = self._cost(action)
        for knob in KNOBS:
            before, after = _text(getattr(self.action, knob)), _text(getattr(action, knob))
            if before != after or knob in clipped:
                reason = "; ".join(filter(None, (reasons.get(knob, ""), clipped.get(knob, ""))))
                self.decisions.append(DecisionRecord(step, progress, knob, before, after, reason, cost))
        self.action = action


def _text(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
