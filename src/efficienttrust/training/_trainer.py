"""What a trainer is, what it is told and what it returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from efficienttrust.atats import DecisionRecord, Policy
from efficienttrust.compression import Projection, Scorer, Workpiece
from efficienttrust.data import Problem
from efficienttrust.evaluation.targets import Target
from efficienttrust.registry import Registry
from efficienttrust.resources import Ledger
from efficienttrust.training._settings import Settings
from efficienttrust.training.distillation import Distillation

if TYPE_CHECKING:
    from torch import Tensor

    from efficienttrust.training._memory_limit import Means
    from efficienttrust.training.conditional import Setting

AUTO_NETWORKS = ("mlp", "tabular")
"""Networks that the trainer `auto` tries, the strong one last."""


@dataclass(frozen=True)
class TrainingTask:
    """What a trainer is told besides the problem, the ledger and the policy.

    Attributes:
        targets: What has to be met.
        seed: Seed of everything random.
        aware: Whether the true group is used at prediction.
        network: Name of the network that is trained.
        options: Its options; `widths` are the hidden layers of an mlp.
        settings: How a network that is not an mlp is trained.
        exceeded: Says which limits of the budget the exported file of a scorer would exceed; None where the trainer
            need not ask, as the limits were met before it began.
        export_cost: Measured cost of one export, on the declared clock; kept back.
        checkpoint: File to save the state to and resume from, or None.
        identity: What a checkpoint must have been made by to be resumed.
        start: Makes the network to begin with, given the options, and what its weights will be as deployed; None makes
            it by name, and deploys the weights as they are.
        distillation: Teachers to learn from beside the labels.
        rate: Factor on the peak learning rate; a trained network is tuned at a lower one.
        settings_kept: Settings of a conditional network that become candidates as they are, spread evenly; 0 surveys
            them and keeps the best.
        reserve: Whether calibration and export have to fit into what is left of the budget.
        on_progress: Called at monitor points with (step, metrics by key, text of the current action).
    """

    targets: tuple[Target, ...]
    seed: int
    aware: bool = False
    network: str = "mlp"
    options: Mapping[str, Any] = field(default_factory=dict)
    settings: Settings = field(default_factory=Settings)
    exceeded: Callable[[Scorer], Sequence[str]] | None = None
    export_cost: float = 0.0
    checkpoint: Path | None = None
    identity: str = ""
    start: Callable[[Mapping[str, Any]], Workpiece] | None = None
    distillation: Distillation | None = None
    rate: float = 1.0
    settings_kept: int = 0
    reserve: bool = True
    on_progress: Callable[[int, Mapping[str, float], str], None] | None = None


@dataclass(frozen=True, eq=False)
class Candidate:
    """One model that could be delivered.

    Attributes:
        name: Short name, e.g. `last` or `step 1200`.
        scorer: From encoded rows to logits.
        note: What it is, for the report.
        architecture: Text for reports where it is not that of all candidates.
        calibration_cost: Predicted cost of calibrating it where it is not that of all, on the declared clock.
    """

    name: str
    scorer: Scorer
    note: str = ""
    architecture: str = ""
    calibration_cost: float | None = None


@dataclass(frozen=True, eq=False)
class Candidates:
    """What a training left behind.

    Attributes:
        members: The candidates; the first is preferred unless another is clearly better.
        architecture: Text for reports, e.g. `mlp 256-128`.
        head: Group head of blind calibration, or None.
        history: One mapping per monitor point.
        decisions: Every change of a dial.
        fallbacks: What the budget did not buy, one sentence each.
        trajectory: What a replay of the decisions needs; empty without a policy at work.
        trained: How it was trained, one sentence each.
        calibration_cost: Predicted cost of calibrating one candidate, on the declared clock.
        export_cost: Measured cost of an export where the trainer knows more than it was told.
        settings: What each member was told, of a conditional network; empty otherwise.
        network_state: The weights of that network, from which any setting can be made again.
        projection: What the weights of the members are as deployed, at the end of the training.
        means: By what means a step was made to fit into the memory.
    """

    members: tuple[Candidate, ...]
    architecture: str
    head: Any
    history: tuple[Mapping[str, Any], ...]
    decisions: tuple[DecisionRecord, ...]
    fallbacks: tuple[str, ...]
    trained: tuple[str, ...] = ()
    trajectory: Mapping[str, Any] = field(default_factory=dict)
    calibration_cost: float = field(default=0.0)
    export_cost: float = 0.0
    settings: tuple[Setting, ...] = ()
    network_state: Mapping[str, Tensor] = field(default_factory=dict)
    projection: Projection | None = None
    means: Means | None = None


class Trainer(Protocol):
    """Makes candidates. A trainer is built from a `TrainingTask`."""

    def __init__(self, task: TrainingTask) -> None: ...

    def fit(self, problem: Problem, ledger: Ledger, policy: Policy) -> Candidates:
        """Train inside the ledger's budget.

        Raises:
            RunInterrupted: A stop was requested; the state is in the checkpoint file.
            InfeasibleError: The budget is less than one step.
        """
        ...


trainers: Registry[type[Trainer]] = Registry("trainer", "efficienttrust.training.catalogue")
