"""The trainer `auto`: tries what the budget allows, and leaves the choice to the targets.

Boosted trees and a plain network come first, each with a share of what is left, then the strong network with all the
rest. What they leave behind stands side by side as candidates: the choice among them, on the calibrate split, is the
same as among the snapshots of one network.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from efficienttrust.atats import DecisionRecord, Policy
from efficienttrust.data import Problem
from efficienttrust.errors import InfeasibleError, UsageError
from efficienttrust.resources import Ledger
from efficienttrust.training._distributed import present_team
from efficienttrust.training._levers import levers_of
from efficienttrust.training._trainer import AUTO_NETWORKS, Candidate, Candidates, TrainingTask, trainers
from efficienttrust.training.catalogue.lightgbm import LightGBMTrainer, is_installed
from efficienttrust.training.catalogue.network import NetworkTrainer
from efficienttrust.training.catalogue.trees import TreeTrainer

SHARE = 0.25  # of what is left: the most that a model uses which is not the last
SHARE_WITHOUT_LEVER = 0.1  # trees under a robustness target
LEFT_OUT = "before training it was found that the budget has no room or no time for it"
RESERVE_FACTOR = 1.5  # on the predicted cost of calibrating what was trained before


@dataclass(frozen=True, eq=False)
class _Part:
    name: str
    found: Candidates


@trainers.register("auto")
class AutoTrainer:
    """Trains several models of a table inside one budget.

    Args:
        task: What to train for; its options are those of each network by name, and a network that is not there does
            not fit the limits of the budget. Without options all are tried, as they are.
    """

    def __init__(self, task: TrainingTask) -> None:
        self.task = task

    def fit(self, problem: Problem, ledger: Ledger, policy: Policy) -> Candidates:
        """Train each model in its share and return all candidates, the most promising first.

        Raises:
            UsageError: The rows are images, or several processes train together.
            InfeasibleError: The budget buys none of the models.
            RunInterrupted: A stop was requested.
        """
        if problem.kind == "image":
            raise UsageError("auto chooses among models of tables; name a network with --model")
        if present_team() is not None:
            raise UsageError("auto trains several models in one process; name one with --model, or leave out torchrun")
        robust = levers_of(self.task.targets).eps > 0
        networks = [name for name in AUTO_NETWORKS if not self.task.options or name in self.task.options]
        names = ["trees", *networks]
        parts: list[_Part] = []
        said = [f"{name} was not tried: {LEFT_OUT}" for name in AUTO_NETWORKS if name not in networks]
        decisions: list[DecisionRecord] = []
        for name in names:
            spared = RESERVE_FACTOR * sum(part.found.calibration_cost for part in parts)
            start = ledger.used()
            share = 1.0 if name == names[-1] else SHARE_WITHOUT_LEVER if robust and name == "trees" else SHARE
            end = start + share * max(ledger.limit - start - spared, 0.0)
            try:
                with ledger.until(end):
                    found = self._trainer(name, last=name == names[-1]).fit(problem, ledger, policy)
            except InfeasibleError as error:
                if ledger.used() > ledger.limit or (not parts and name == names[-1]):
                    raise
                said.append(f"{name} was not tried: {error}")
                continue
            reason = f"share {share:.0%} of what was left" if math.isfinite(ledger.limit) else "no time limit"
            before, cost = parts[-1].name if parts else "", ledger.used() - start
            decisions += [DecisionRecord(0, 0.0, "model", before, name, reason, cost), *found.decisions]
            parts.append(_Part(name, found))
        return _together(parts, said, decisions, ledger, robust=robust)

    def _trainer(self, name: str, *, last: bool) -> NetworkTrainer | TreeTrainer | LightGBMTrainer:
        """Return the trainer of a model; there is no checkpoint, as a killed run could not tell what is done."""
        own: Mapping[str, Any] = self.task.options.get(name, {})
        tell = self.task.on_progress
        told = None if tell is None else lambda step, metrics, action: tell(step, metrics, f"{name}: {action}")
        task = dataclasses.replace(
            self.task, network=name, options=own, checkpoint=None, on_progress=told,
            export_cost=self.task.export_cost if last else 0.0,  # one model is exported, after the last one's training
        )  # fmt: skip
        if name != "trees":
            return NetworkTrainer(task)
        return (LightGBMTrainer if is_installed() else TreeTrainer)(task)


def _together(
    parts: list[_Part], said: list[str], decisions: list[DecisionRecord], ledger: Ledger, *, robust: bool
) -> Candidates:
    """Return the candidates of all parts: the last model of each first, then snapshots."""
    # Trees are hard to beat where nothing is attacked; where something is, only networks have learned to resist.
    order = sorted(parts, key=lambda part: (part.name == "trees") == robust)
    members = [_member(part, 0) for part in order]
    for part in order:
        members += [_member(part, index) for index in range(1, len(part.found.members))]
    history = []
    for part in parts:
        for row in part.found.history:
            progress = row["used"] / ledger.limit if math.isfinite(ledger.limit) else row["progress"]
            history.append({"model": part.name, **row, "progress": progress})
    return Candidates(
        members=tuple(members),
        architecture="; ".join(part.found.architecture for part in parts),
        head=next((part.found.head for part in parts if part.found.head is not None), None),
        history=tuple(history),
        decisions=tuple(decisions),
        trained=tuple(f"{part.name}: {text}" for part in parts for text in part.found.trained),
        fallbacks=(*said, *(f"{part.name}: {text}" for part in parts for text in part.found.fallbacks)),
        calibration_cost=order[0].found.calibration_cost,
        export_cost=max(part.found.export_cost for part in parts),
    )


def _member(part: _Part, index: int) -> Candidate:
    member = part.found.members[index]
    return dataclasses.replace(
        member,
        name=f"{part.name}: {member.name}",
        architecture=part.found.architecture,
        calibration_cost=part.found.calibration_cost if index == 0 else None,  # later ones: as those measured by then
    )
