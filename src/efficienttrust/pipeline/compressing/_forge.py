"""Applies a chain to a network, step by step, and charges what it costs."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from efficienttrust.atats import make_policy
from efficienttrust.compression import (
    ModuleScorer,
    NetworkScorer,
    Scorer,
    Workpiece,
    mlp_of,
    scorer_of,
    workpiece_of,
)
from efficienttrust.compression.pruning import PruneStep, prune
from efficienttrust.compression.quantisation import QuantiseStep, add_rounding, quantise
from efficienttrust.data import Problem
from efficienttrust.evaluation.targets import Target
from efficienttrust.models import make_network, parse_network
from efficienttrust.pipeline._room import activation_sample
from efficienttrust.pipeline.compressing._chain import Chain, RecoverStep
from efficienttrust.resources import Ledger
from efficienttrust.training import Candidate, Candidates, Settings, TrainingTask, described, inputs_of, trainers
from efficienttrust.training._norms import recalibrate_norms
from efficienttrust.training.distillation import Distillation, DistilOptions

TUNING_RATE = 0.5  # of the peak learning rate, for a network that is trained already
TEACHER_SHARE = 0.5  # of the recovery that follows: what further teachers may use together


@dataclass(frozen=True)
class Recipe:
    """What a recovery is told.

    Attributes:
        targets: What has to be met.
        policy: Text of the policy.
        settings: How networks are trained.
        seed: Seed of everything random.
        aware: Whether the true group is used at prediction.
        on_progress: Signs of life, as `TrainingTask.on_progress`.
    """

    targets: tuple[Target, ...]
    policy: str
    settings: Settings
    seed: int
    aware: bool
    on_progress: Callable[[int, Mapping[str, float], str], None] | None = None


@dataclass(eq=False)
class Forge:
    """A network on its way through a chain.

    Attributes:
        problem: The problem.
        ledger: The account.
        recipe: How to recover.
        origin: The scorer whose kind and description the workpiece has.
        network: Name of the network.
        options: Its options.
        piece: The network.
        dense: The network before the first step, which a student learns from.
        dense_network: Its name and its options.
        distillation: What the present training learns from.
        pending: A distillation that was asked for, until a recovery carries it out.
        history: Monitor points of all recoveries.
        decisions: Decisions of all recoveries.
        fallbacks: What recoveries could not do as asked.
        trained: How networks were trained, one sentence each.
        found: What the last recovery left, while nothing has changed the network since.
        new: Whether the network is a student that nobody has trained yet.
    """

    problem: Problem
    ledger: Ledger
    recipe: Recipe
    origin: NetworkScorer | ModuleScorer
    network: str
    options: Mapping[str, Any]
    piece: Workpiece = field(init=False)
    dense: NetworkScorer | ModuleScorer = field(init=False)
    dense_network: tuple[str, Mapping[str, Any]] = field(init=False)
    distillation: Distillation | None = None
    pending: DistilOptions | None = None
    history: list[Mapping[str, Any]] = field(default_factory=list)
    decisions: list[Any] = field(default_factory=list)
    fallbacks: list[str] = field(default_factory=list)
    trained: list[str] = field(default_factory=list)
    found: Candidates | None = None
    new: bool = False

    def __post_init__(self) -> None:
        self.piece = workpiece_of(self.origin)
        if isinstance(self.origin, ModuleScorer):
            self.options = self.origin.options
        self.dense, self.dense_network = self.origin, (self.network, self.options)

    def apply(self, chain: Chain) -> None:
        """Apply all steps of a chain."""
        for step in chain.steps:
            if isinstance(step, PruneStep):
                self._prune(step)
            elif isinstance(step, QuantiseStep):
                with self.ledger.phase("compress"):
                    add_rounding(self.piece, step)
                    self.found = None
            elif isinstance(step, RecoverStep):
                self._recover(step)
            else:
                self._distil(step)

    def members(self, quantisation: QuantiseStep | None) -> Candidates:
        """Return the candidates to choose from, as they will be deployed: norms taken anew, weights rounded.

        Args:
            quantisation: A real one is carried out.
        """
        with self.ledger.phase("compress"):
            scorers = self._float_members()
            if quantisation is not None and quantisation.real:
                rows = activation_sample(self.problem, self.recipe.seed)
                scorers = [
                    replace(one, scorer=quantise(one.scorer, quantisation, rows))  # type: ignore[arg-type]
                    for one in (scorers if isinstance(self.origin, NetworkScorer) else scorers[:1])
                ]
        found = self.found
        return Candidates(
            members=tuple(scorers),
            architecture=self.title(),
            head=None if found is None else found.head,
            history=tuple(self.history),
            decisions=tuple(self.decisions),
            fallbacks=tuple(self.fallbacks),
            trained=tuple(self.trained),
            calibration_cost=0.0 if found is None else found.calibration_cost,
        )

    def title(self) -> str:
        """Return the name of the network for reports."""
        if isinstance(self.origin, NetworkScorer):
            return str(getattr(self.piece.module, "name", self.network))
        options = "".join(f" {key}={value:g}" for key, value in self.options.items() if isinstance(value, float))
        return f"{self.network}{options}"

    def _float_members(self) -> list[Candidate]:
        if self.found is None:
            scorer = scorer_of(self.piece, self.origin)
            if isinstance(scorer, ModuleScorer):
                recalibrate_norms(scorer.module, self.problem, seed=self.recipe.seed)
            return [Candidate("compressed", scorer, "not trained after the last step")]
        members = []
        for member in self.found.members:
            scorer = self._described(member.scorer)
            if isinstance(scorer, ModuleScorer):
                recalibrate_norms(scorer.module, self.problem, seed=self.recipe.seed)
            members.append(replace(member, scorer=scorer))
        return members

    def _described(self, scorer: Scorer) -> NetworkScorer | ModuleScorer:
        """Return a scorer that the trainer gave back, which does not know what was changed of the network."""
        assert isinstance(scorer, NetworkScorer | ModuleScorer)
        if isinstance(scorer, NetworkScorer):
            return scorer
        return replace(scorer, options=dict(self.options), edits=dict(self.piece.edits))

    def _prune(self, step: PruneStep) -> None:
        with self.ledger.phase("compress"):
            prune(self.piece, step, sample=activation_sample(self.problem, self.recipe.seed), seed=self.recipe.seed)
            self.found = None

    def _distil(self, options: DistilOptions) -> None:
        with self.ledger.phase("compress"):
            self.pending = options
            if options.student:
                self._begin(options.student)

    def _begin(self, student: str) -> None:
        """Put a new network in the place of the present one."""
        name, options = parse_network(student)
        problem, seed = self.problem, self.recipe.seed
        inputs = inputs_of(problem, seed)
        module = make_network(name, inputs, problem.outputs, seed=seed, **options).eval()
        self.network, self.options, self.new = name, options, True
        if name == "mlp" and problem.task == "binary":
            self.origin = NetworkScorer(module.layers())  # type: ignore[operator]
        else:
            unit = (self.origin.shift, self.origin.scale) if isinstance(self.origin, ModuleScorer) else (0.0, 1.0)
            self.origin = ModuleScorer(module, inputs.shape, problem.outputs, name, options, described(inputs), *unit)
        self.piece, self.found = Workpiece(module, inputs.shape), None

    def _recover(self, step: RecoverStep) -> None:
        ledger, problem = self.ledger, self.problem
        limit = step.limit
        amount = limit.amount * len(problem.splits["train"]) if limit.clock == "epochs" else limit.amount
        with ledger.until(ledger.used() + amount):
            if self.pending is not None:
                self.distillation = self._teach(self.pending, amount)
                self.pending = None
            piece = self.piece
            task = TrainingTask(
                targets=self.recipe.targets,
                seed=self.recipe.seed,
                aware=self.recipe.aware,
                network=self.network,
                options=self.options,
                settings=self.recipe.settings,
                start=lambda _options: copy.deepcopy(piece),
                rate=1.0 if self.new else TUNING_RATE,
                reserve=False,
                distillation=self.distillation,
                on_progress=self.recipe.on_progress,
            )
            found = trainers.get("network")(task).fit(problem, ledger, make_policy(self.recipe.policy))
        self.new = False
        self._take(found)

    def _take(self, found: Candidates) -> None:
        """Go on from what a training left behind."""
        last = self._described(found.members[0].scorer)
        module = mlp_of(last) if isinstance(last, NetworkScorer) else copy.deepcopy(last.module)
        for parameter in module.parameters():
            parameter.requires_grad_(True)
        assert found.projection is not None
        found.projection.schedules = []  # they have ended
        self.piece.module, self.piece.projection = module.eval(), found.projection
        self.origin = last
        self.found = found
        self.history += found.history
        self.decisions += found.decisions
        self.fallbacks += found.fallbacks
        self.trained += found.trained

    def _teach(self, options: DistilOptions, amount: float) -> Distillation:
        """Return what the student learns from; further teachers are trained within a share of its time."""
        teachers: list[NetworkScorer | ModuleScorer] = [self.dense]
        network, own = self.dense_network
        if options.ensemble:
            each = TEACHER_SHARE * amount / options.ensemble
            for index in range(options.ensemble):
                with self.ledger.phase("teacher"), self.ledger.until(self.ledger.used() + each):
                    task = TrainingTask(
                        targets=self.recipe.targets,
                        seed=self.recipe.seed + 1 + index,
                        aware=self.recipe.aware,
                        network=network,
                        options=own,
                        settings=self.recipe.settings,
                        reserve=False,
                    )
                    made = trainers.get("network")(task).fit(self.problem, self.ledger, make_policy(self.recipe.policy))
                scorer = made.members[0].scorer
                assert isinstance(scorer, NetworkScorer | ModuleScorer)
                teachers.append(scorer)
        return options.taught_by(teachers)
