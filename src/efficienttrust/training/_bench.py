"""Everything that a network is trained with: data laid out, the network itself, and what is watched."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from efficienttrust.data import Problem
from efficienttrust.evaluation.splits import one_hot, steering_codes
from efficienttrust.losses import FairnessPenalty, penalties
from efficienttrust.metrics import metrics
from efficienttrust.models import MLP, build_mlp, make_network, network_of
from efficienttrust.resources import CostModel, Ledger
from efficienttrust.threats._module import bfloat16_is_native
from efficienttrust.training._batches import TrainingData, batch_size_for
from efficienttrust.training._distributed import present_team
from efficienttrust.training._fitted import Fitted
from efficienttrust.training._inputs import inputs_of
from efficienttrust.training._labels import as_labels, unit_of
from efficienttrust.training._landscape import LossLandscape
from efficienttrust.training._levers import Levers
from efficienttrust.training._memory import MemoryWatch
from efficienttrust.training._memory_limit import Means, fit_memory
from efficienttrust.training._module_setup import ModuleSetup
from efficienttrust.training._module_step import ModuleStepper
from efficienttrust.training._monitor import Monitor
from efficienttrust.training._probe import compile_where_it_pays
from efficienttrust.training._settings import device_of
from efficienttrust.training._step import Stepper
from efficienttrust.training._stepping import Adoptable, Stepping
from efficienttrust.training._team_step import LeadingStepper
from efficienttrust.training._trainer import TrainingTask
from efficienttrust.training.augmentation import anatomical_strengths, natural_strengths
from efficienttrust.training.distillation._teaching import teaching_of
from efficienttrust.training.interventions import groups_of

MLP_RATE, MLP_DECAY = 1e-3, 1e-2
IMAGE_BATCH = 128
ENOUGH_EPOCHS = {"table": 20.0, "image": 200.0}
ROBUST_BINS = 8  # of numerical embeddings under a robustness target: narrow bins hide the gradient from an attack


class Bench:
    """Lays out a problem for a task.

    Args:
        problem: The problem.
        task: The task.
        levers: What its targets call for.
        soft: [n] training labels mixed with a teacher's probabilities; None learns the labels as they are.

    Attributes:
        batch_size: Rows of a batch.
        robust: Whether there is something to attack.
        enough_epochs: Passes after which more training buys nothing.
        said: What the reader of a report must know of how it is trained, beside device and precision.
    """

    def __init__(self, problem: Problem, task: TrainingTask, levers: Levers, soft: Tensor | None = None) -> None:
        self._problem, self._task, self._levers, self._soft = problem, task, levers, soft
        self._options = dict(task.options)
        if task.network == "tabular" and levers.eps > 0:
            self._options.setdefault("bins", ROBUST_BINS)
        n = len(problem.splits["train"])
        alone = present_team() is None
        self._by_hand = (
            alone
            and task.start is None
            and task.distillation is None
            and task.network == "mlp"
            and problem.kind == "table"
            and problem.task == "binary"
        )
        self.batch_size = batch_size_for(n) if problem.kind == "table" else min(IMAGE_BATCH, batch_size_for(n))
        self.robust = levers.eps > 0
        self.enough_epochs = ENOUGH_EPOCHS[problem.kind]
        self.said: tuple[str, ...] = ()
        attributes = [name for _, name in levers.penalties]
        if self._by_hand:
            self._data = TrainingData.of(problem, problem.splits["train"], attributes, levers.eps, soft)
        else:
            self._setup = self._module_setup(attributes)
            self.enough_epochs = max(self.enough_epochs, network_of(task.network).epochs)

    def stepper(self) -> Adoptable:
        """Return a new network with its optimiser; every call returns the same."""
        task, problem = self._task, self._problem
        if self._by_hand:
            widths = tuple(task.options.get("widths", ()))
            return Stepper(
                build_mlp(n_features=problem.encoder.n_features, widths=widths, seed=task.seed),
                self._data,
                self._penalties(),
                learning_rate=MLP_RATE,
                weight_decay=MLP_DECAY,
                generator=torch.Generator().manual_seed(task.seed + 1),
                groups=groups_of(problem, self._levers.penalties),
            )
        kind, setup, team = network_of(task.network), self._setup, present_team()
        made = None if task.start is None else task.start(self._options)
        network = (
            make_network(task.network, setup.inputs, setup.outputs, seed=task.seed, **self._options)
            if made is None
            else made.module
        )
        leads = team is not None and team.share.rank == 0
        return (LeadingStepper if leads else ModuleStepper)(
            setup,
            network,
            self._penalties() if problem.task == "binary" else (),
            learning_rate=task.rate * kind.learning_rate,
            weight_decay=kind.weight_decay,
            seed=task.seed + 1,
            team=team,
            projection=None if made is None else made.projection,
            groups=groups_of(problem, self._levers.penalties),
        )

    def ask_teachers(self, ledger: Ledger) -> None:
        """Let teachers answer on the rows of a table, charged as `teacher`; nothing without a distillation."""
        if not self._by_hand and self._setup.teaching is not None:
            self._setup.teaching.prepare(ledger)

    def fit_memory(self, stepper: Stepping, another: Callable[[], Stepping], ledger: Ledger) -> list[str]:
        """Choose by what means steps fit into the limit on memory; return what a report should say.

        Args:
            stepper: The stepper of the run.
            another: Makes another new one, which is spoilt.
            ledger: The account, with the limit; measuring is charged to it.
        """
        if not isinstance(stepper, ModuleStepper):
            return []
        spoilt = another()
        assert isinstance(spoilt, ModuleStepper)
        team = present_team()
        rows = min(self.batch_size, stepper.n_rows)
        with ledger.phase("probe"):
            means, said = fit_memory(
                spoilt,
                rows if team is None else -(-rows // team.share.size),
                ledger.budget.memory,
                alone=team is None,
                may_round=self._task.settings.precision == "auto",
            )
            means.apply(stepper)
        return [said] if said else []

    def compiled(self, stepper: Stepping, ledger: Ledger, costs: CostModel) -> tuple[Stepping, list[str]]:
        """Return the stepper to train with, compiled where that pays, and what a report should say of it."""
        choice, distillation = self._task.settings.compile, self._task.distillation
        if not isinstance(stepper, ModuleStepper) or choice == "off":
            return stepper, []
        if distillation is not None and distillation.feature > 0:  # features are read from outside of the pass
            return stepper, ["compile: not while features are distilled; trained without"] if choice == "on" else []
        if stepper.recomputed > 0:  # what computes again is put in place anew for each step
            return stepper, ["compile: not with a memory limit this near; trained without"] if choice == "on" else []
        steps = self.enough_epochs * stepper.n_rows / self.batch_size
        made, said = compile_where_it_pays(
            stepper, self.stepper, ledger, costs, batch_size=self.batch_size, choice=choice, enough_steps=steps
        )
        return made, [said] if said else []

    def memory(self, monitor: Monitor) -> MemoryWatch | None:
        """Return what notices that rows of a table are learned by heart."""
        train = self._problem.splits["train"]
        if train.pixels is not None:
            return None
        unit = unit_of(self._problem)
        y, y_monitor = (as_labels(labels, unit) for labels in (train.y, monitor.y))
        return MemoryWatch(torch.from_numpy(train.x), y, y_monitor, unit)

    def fitted(self) -> Fitted | None:
        """Return what measures the accuracy on some training images, for the augmentation dial."""
        train = self._problem.splits["train"]
        return None if train.pixels is None or not self._setup.strengths else Fitted(train)

    def landscape(self, stepper: Stepping) -> LossLandscape:
        """Return what measures the losses of a stepper's network and their gradients, on rows that fit into memory."""
        parts = stepper.parts if isinstance(stepper, ModuleStepper) else 1
        most = -(-self.batch_size // parts) if parts > 1 else None
        return LossLandscape(stepper, self._problem, self._levers, seed=self._task.seed, most_rows=most)

    def trained(self, stepper: Stepping) -> tuple[str, ...]:
        """Return how it is trained, one sentence each."""
        if not isinstance(stepper, ModuleStepper):
            return self.said
        precision = stepper.setup.precision
        where = f"trained on {stepper.setup.device.type} in {precision}"
        measured = "" if precision == "fp32" else " (weights and all measurements in fp32)"
        return (f"{where}{measured}{self.said[0]}", *self.said[1:])

    def means(self, stepper: Stepping) -> Means | None:
        """Return by what means its steps fit into the memory; None where there are none."""
        if not isinstance(stepper, ModuleStepper):
            return None
        return Means(stepper.parts, stepper.recomputed > 0, stepper.setup.precision)

    def title(self, stepper: Stepping) -> str:
        """Return the name of the network for reports, e.g. `mlp 256-128` or `resnet8 (74,216 parameters)`."""
        if isinstance(stepper.network, MLP):
            return stepper.network.name
        named = "".join(f" {key}={value:g}" for key, value in self._options.items() if isinstance(value, float))
        return f"{self._task.network}{named}"

    def _penalties(self) -> list[tuple[FairnessPenalty, str]]:
        return [(penalties.get(name)(), attribute) for name, attribute in self._levers.penalties]

    def _module_setup(self, attributes: list[str]) -> ModuleSetup:
        problem, task = self._problem, self._task
        train, settings = problem.splits["train"], task.settings
        team = present_team()
        device = device_of(settings.device, 0 if team is None else team.local_rank)
        image = problem.kind == "image"
        bf16 = settings.precision == "bf16" or (settings.precision == "auto" and image and bfloat16_is_native())
        precision = "bf16" if bf16 else settings.precision.replace("auto", "fp32")
        strengths: dict[str, float] = {}
        if image:
            assert train.pixels is not None
            suited = natural_strengths() if train.pixels.shape[0] == 3 else anatomical_strengths()
            strengths = suited if settings.augmentation is None else dict(settings.augmentation)
        members: dict[str, Tensor] = {}
        if problem.task == "binary":
            members = {
                name: torch.from_numpy(one_hot(*steering_codes(problem, train, name)))
                for name in dict.fromkeys(attributes)
            }
            if train.weight is not None:
                weight = torch.from_numpy(train.weight / train.weight.mean())
                members = {name: one * weight[:, None] for name, one in members.items()}
        shown = ", ".join(f"{name} {strength:g}" for name, strength in strengths.items()) or "none"
        self.said = (
            ("" if team is None else f" by {team.share.size} processes, which share every batch")
            + (f"; augmentation: {shown}" if image else ""),
        )
        if "bins" in self._options and "bins" not in task.options:
            why = "there is a robustness target, and narrow bins hide the gradient from an attack"
            self.said += (f"{ROBUST_BINS} bins a column in place of 256: {why}",)
        if problem.task != "binary" and any("by" in metrics.get(target.metric).parameters for target in task.targets):
            what = "more than two classes" if problem.task == "multiclass" else "a number"
            self.said += (f"gaps between groups of {what} are measured; training has no lever for them",)
        unit = unit_of(problem)
        teaching = teaching_of(task.distillation, problem, unit, device, attacked=self._levers.eps > 0)
        if teaching is not None:
            self.said += (teaching.said,)
        return ModuleSetup(
            problem=problem,
            inputs=inputs_of(problem, task.seed),
            outputs=problem.outputs,
            network=network_of(task.network).name,
            options=self._options,
            eps=self._levers.eps,
            members=members,
            strengths=strengths,
            device=device,
            precision=precision,
            soft=self._soft,
            unit=unit,
            teaching=teaching,
        )
