"""`policy replay`: a policy decides again on the states that a run recorded, through the scheduler of the run."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from efficienttrust.atats import DIALS, Scheduler, TrustAction, TrustState, make_policy
from efficienttrust.pipeline.policies._experience import logged, read_trajectory

if TYPE_CHECKING:
    import pandas as pd

SETTINGS = (*(dial.name for dial in DIALS), "attack", "stop")
OF_THE_GUARD = ("attack", "learning_rate_factor")
TOLERANCE = 1e-6  # relative: networks are multiplied in another order elsewhere


@dataclasses.dataclass(frozen=True)
class ReplayedDecision:
    """One setting of one dial that was decided, or that the record says was.

    Attributes:
        step: Optimiser steps before.
        dial: Its name.
        before: Its setting before; empty at the start.
        after: Its setting as replayed.
        reason: Why, by the policy and the projector.
        recorded: Its setting as recorded; empty where the record does not say.
        agrees: Whether both are the same; True where the record does not say.
    """

    step: int
    dial: str
    before: str
    after: str
    reason: str
    recorded: str
    agrees: bool


@dataclasses.dataclass(frozen=True)
class Replay:
    """The decisions of a policy on the states of a run.

    Attributes:
        policy: The policy that decided, as text.
        recorded_policy: That of the run.
        decisions: What it moved, and where it would not do as the record says.
        states: Number of states it decided on.
        projected: How many of its actions had to be changed by the projector.
    """

    policy: str
    recorded_policy: str
    decisions: tuple[ReplayedDecision, ...]
    states: int
    projected: int

    @property
    def agrees(self) -> bool:
        """Whether every decision is as recorded."""
        return all(one.agrees for one in self.decisions)


def replay(folder: Path, *, policy: str | None = None, show_small_cells: bool = False) -> Replay:
    """Let the policy of a run, or another, decide again on every state that the run recorded.

    Every decision starts from the dials that were in force, so that one that differs does not change the later ones.
    What the guard did in between is taken from the record. Of clinical data, reasons that tell a withheld metric are
    withheld.

    Args:
        folder: Folder of the run.
        policy: Another policy, with options in parentheses; by default that of the run.
        show_small_cells: Withhold nothing.

    Raises:
        UsageError: Not a run, no recorded states, states of another version, or an unknown policy.
    """
    from efficienttrust.pipeline._readers import for_readers, trajectory_for_readers
    from efficienttrust.pipeline._run import load_run

    document, trajectory = read_trajectory(folder)
    states, plan, held = logged(trajectory)
    recorded_policy = str(document["spec"]["policy"])
    text = policy or recorded_policy
    scheduler = Scheduler(make_policy(text), plan, lambda action: math.nan, held)
    run = load_run(folder)
    record = _Record(run.decisions, states)
    scheduler.start()
    decisions = _compared(0, None, scheduler, record.settings_after(-1))
    for index, state in enumerate(states):
        scheduler.action, scheduler.guarded, scheduler.decisions = state.dials, record.guarded(state.step), []
        scheduler.decide(state)
        if said := scheduler.action.reasons.get("policy"):
            decisions.append(ReplayedDecision(state.step, "policy", "", "", said, "", agrees=True))
        decisions += _compared(state.step, state.dials, scheduler, record.settings_after(index))
    if not show_small_cells:
        import pandas as pd

        reasons = pd.DataFrame({"reason": [one.reason for one in decisions]})
        _, told = trajectory_for_readers(for_readers(run.document), run.history, reasons)
        decisions = [
            dataclasses.replace(one, reason=str(reason)) for one, reason in zip(decisions, told["reason"], strict=True)
        ]
    return Replay(text, recorded_policy, tuple(decisions), len(states), scheduler.projected)


class _Record:
    """What a run says of its decisions: the dials that each state found, and the table of changes."""

    def __init__(self, table: pd.DataFrame, states: list[TrustState]) -> None:
        self._states = states
        rows = table.to_dict("records")
        self._moved = {
            (int(row["step"]), str(row["knob"])): str(row["after"])
            for row in rows
            if row["knob"] not in ("plan", "policy") and not str(row["reason"]).startswith("guard: ")
        }
        self._guard = [int(row["step"]) for row in rows if str(row["reason"]).startswith("guard: ")]
        self._back = [int(row["step"]) for row in rows if row["knob"] == "plan" and row["after"] == "go back"]

    def guarded(self, step: int) -> bool:
        """Return whether the guard had taken over before a step."""
        return any(fired <= step for fired in self._guard)

    def settings_after(self, index: int) -> dict[str, Any]:
        """Return what the decision on a state (-1: the start) led to, by dial, as far as the record says."""
        step = self._states[index].step if index >= 0 else -1
        if index + 1 < len(self._states):
            following = self._states[index + 1]
            settings = {name: getattr(following.dials, name) for name in SETTINGS}
            between = range(step + 1, following.step + 1)
            if any(fired in between for fired in self._guard):
                settings = {name: value for name, value in settings.items() if name not in OF_THE_GUARD}
            if any(fired in between for fired in self._back):
                del settings["stop"]
            return settings
        last = self._states[-1].dials
        settings = {name: _text(getattr(last, name)) for name in SETTINGS if name != "next_monitor_in"}
        return {**settings, **{name: self._moved[step, name] for name in settings if (step, name) in self._moved}}


def _compared(
    step: int, before: TrustAction | None, scheduler: Scheduler, recorded: Mapping[str, Any]
) -> list[ReplayedDecision]:
    """Return the dials that a decision moved, or that the record holds at another setting."""
    after, reasons = scheduler.action, {record.knob: record.reason for record in scheduler.decisions}
    found = []
    for name in SETTINGS:
        value = getattr(after, name)
        present = None if before is None else getattr(before, name)
        known = recorded.get(name)
        agrees = known is None or _same(value, known)
        moved = value != (getattr(TrustAction(), name) if before is None else present)
        if agrees and (not moved or name == "next_monitor_in"):
            continue
        shown = "" if known is None else _text(known)
        found.append(
            ReplayedDecision(
                step, name, "" if before is None else _text(present), _text(value), reasons.get(name, ""), shown, agrees
            )
        )
    return found


def _same(value: object, recorded: object) -> bool:
    if isinstance(recorded, str) or isinstance(value, str | bool):
        return _text(value) == _text(recorded)
    return math.isclose(float(str(value)), float(str(recorded)), rel_tol=TOLERANCE, abs_tol=1e-9)


def _text(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
