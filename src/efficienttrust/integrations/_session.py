"""What steers a loop behind `ATATS`: the account, the plan, the looks, and what the policy's dials do to a step."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from efficienttrust.atats import Policy, TrustAction
from efficienttrust.compression import Decision
from efficienttrust.data import Domain, Problem
from efficienttrust.errors import UsageError
from efficienttrust.evaluation.splits import not_steered, steered
from efficienttrust.evaluation.suite import check_measurable
from efficienttrust.evaluation.targets import Target
from efficienttrust.integrations._answers import unmoved
from efficienttrust.integrations._course import COUNTED, Course
from efficienttrust.integrations._embark import adversarial_cost, forward_flops
from efficienttrust.integrations._export import exported
from efficienttrust.integrations._finish import finish, scorer_of
from efficienttrust.integrations._groups import Membership
from efficienttrust.integrations._losses import Kind, TrustLoss
from efficienttrust.integrations._rates import Rate, Sparsity
from efficienttrust.integrations._result import TrustResult
from efficienttrust.integrations._validation import Validation, dense_codes, fixed_domain, gathered, problem_of
from efficienttrust.resources import Budget, CostModel, Ledger

WARM_UP, TIMED = 2, 3  # plain steps taken before a plan is made on a measured clock
CHECK_EVERY = 16  # steps between looks at the loss, where that makes a GPU wait


class Session:
    """Steers one training.

    Args:
        model: The user's model.
        targets: The targets.
        budget: The limits.
        policy: Who decides.
        domain: What an attack may change, as given by the user.
        seed: Seed of attacks and of how validation rows are dealt.
        out: Folder that will be written to, whose export is measured ahead; or None.

    Attributes:
        rate: The learning rate; is set by who owns the session.
        kind: Of model and rows; None before the first batch.
        loss: What a step learns from; None before the first batch.
        course: Plan and looks; None before the plan is made.
        epoch: Steps of a pass over the loader; 0 while unknown.
        notes: What a reader must know.
        spoilt: Whether the weights are not worth saving.
    """

    rate: Rate

    def __init__(
        self,
        model: nn.Module,
        targets: Sequence[Target],
        budget: Budget,
        policy: Policy,
        domain: Domain | str | None,
        seed: int,
        out: Path | None,
    ) -> None:
        self.model, self.targets, self.policy, self.seed = model, tuple(targets), policy, seed
        self.ledger, self.costs, self.sparsity = Ledger(budget), CostModel(), Sparsity(model)
        self.kind: Kind | None = None
        self.loss: TrustLoss | None = None
        self.course: Course | None = None
        self.steps, self.epoch, self.spoilt = 0, 0.0, False
        self.notes: list[str] = []
        self._domain, self._out = domain, out
        self._validation: Any = None
        self._last: tuple[Any, Tensor] | None = None  # until the plan is made
        self._pending_rows, self._pending_flops, self._largest = 0, 0.0, 0
        self._losses: float | Tensor = 0.0  # summed since the last look
        self._since_look, self._forward_flops = 0, 0.0
        self._priced: tuple[TrustAction, float] | None = None  # what a row costs at an action
        self.mark()

    @property
    def action(self) -> TrustAction:
        """Return the setting of every dial; all are neutral before the plan is made."""
        return TrustAction() if self.course is None else self.course.action

    @property
    def pending(self) -> bool:
        """Whether a batch waits for its step."""
        return self._pending_rows > 0

    def mark(self) -> None:
        """Let the cost of the next step begin here."""
        self._used = self.ledger.used()

    def admits(self, rows: int | None = None) -> bool:
        """Return whether another batch fits into the budget: exactly on the counted clocks, by its p90 on the others.

        Args:
            rows: Rows of the batch; None takes the most that a batch had so far.
        """
        course, used, clock = self.course, self.ledger.used(), self.ledger.clock
        end = self.ledger.limit if course is None else course.plan.end
        n = self._largest if rows is None else rows
        if clock == "steps":
            cost = 1.0
        elif clock == "samples":
            cost = float(self._pending_rows + n)
        elif clock == "flops":
            cost = self._pending_flops + self._flops(n)
        else:
            cost = self.costs.predict("step") if course is None else course.next_cost(self.steps)
        return used + cost <= end

    def begin(self, x: Any, y: Tensor, z: Tensor, groups: Any) -> None:
        """Learn from the first batch what model and rows are."""
        if x is None:
            raise UsageError("compute_loss needs the inputs with the first batch: pass x=...")
        kind = Kind.of(x, z)
        check_measurable(self.targets, kind.task)
        loss = TrustLoss(self.targets, kind, self._domain, self.seed)
        loss.check_batch(x, y, groups)
        with self.ledger.phase("prepare"):
            try:
                self._forward_flops = forward_flops(self.model, x)
            except UsageError as error:
                if self.ledger.clock == "flops" or loss.levers.eps > 0:
                    raise
                self.notes.append(str(error))
        self.kind, self.loss, self._priced = kind, loss, None

    def count(self, x: Any, y: Tensor, loss: Tensor) -> None:
        """Count a batch whose loss was computed.

        Raises:
            UsageError: The loss is no number.
        """
        self._check(loss)
        n = len(y)
        self._last = (x, y) if self.course is None else None
        self._pending_rows += n
        self._largest = max(self._largest, n)
        self._pending_flops += self._flops(n)

    def charge(self) -> None:
        """Charge the step just taken."""
        ledger, plain = self.ledger, self.action.adversarial_share == 0
        ledger.count(steps=1, samples=self._pending_rows, flops=self._pending_flops)
        ledger.lap("train")
        self.steps += 1
        self._since_look += 1
        self._pending_rows, self._pending_flops = 0, 0.0
        if self.steps > WARM_UP or ledger.clock in COUNTED:
            cost = ledger.used() - self._used
            self.costs.observe("step", cost)
            if plain and (self.course is None or ledger.clock not in COUNTED):  # counted ones do not change
                self.costs.observe("plain step", cost)

    def steer(self, validation: Any) -> bool:
        """Plan, or look when that is due, and set the dials for the next step; return whether there was a look.

        Args:
            validation: The validation rows.
        """
        self._validation = validation
        course, looked = self.course, False
        if course is None:
            if self.ledger.clock in COUNTED or self.steps >= WARM_UP + TIMED:
                self._embark()
        else:
            if course.problem is None:
                self._see(course)
            progress = course.progress()
            if not course.due(progress):
                self._steer(progress)
                self.mark()
                return False
            self._look()
            looked = True
        self._steer()
        self.mark()
        return looked

    def finish(self, test: Any, *, export: bool, close: Callable[[], None]) -> TrustResult:
        """Take a last look, calibrate, choose, export, certify and judge.

        Args:
            test: Rows for point estimates, or None.
            export: Whether to export.
            close: Lets go of model and optimiser; called before weights are chosen.
        """
        if self.kind is None or self._validation is None:
            raise UsageError(
                "finish without a step: the budget ended, or the loop was left, before atats.step(validation)"
            )
        if self.course is None:
            self._embark(started=False)
        course = self.course
        assert course is not None
        if course.problem is None:
            self._see(course)
        if self.steps > course.state.last_step and course.affords_a_look():
            self._look(final=True)
        close()
        problem = course.problem
        assert problem is not None
        if test is not None:
            problem = self._problem(gathered(test, self.kind.key))
        return finish(
            self.model, self.kind, course, self.targets, problem, tested=test is not None, export=export,
            export_cost=self.costs.predict("export"), seed=self.seed, notes=self.notes,
        )  # fmt: skip

    def state_dict(self) -> dict[str, Any]:
        """Return everything that the loop changes but weights and optimiser, as plain values and tensors."""
        return {
            "sparsity": {"share": self.sparsity.share, "dense": self.sparsity.dense},
            "ledger": self.ledger.state_dict(),
            "costs": self.costs.state_dict(),
            "steps": self.steps,
            "losses": float(self._losses),
            "since_look": self._since_look,
            "largest": self._largest,
            "notes": list(self.notes),
            "kind": None if self.kind is None else vars(self.kind),
            "loss": None if self.loss is None else self.loss.state_dict(),
            "course": None if self.course is None else self.course.state_dict(),
            "forward_flops": self._forward_flops,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take the state of a checkpoint."""
        self.sparsity.share, self.sparsity.dense = state["sparsity"]["share"], dict(state["sparsity"]["dense"])
        self.ledger.load_state_dict(state["ledger"])
        self.costs.load_state_dict(state["costs"])
        self.steps, self.notes, self._largest = int(state["steps"]), list(state["notes"]), int(state["largest"])
        self._losses, self._since_look = float(state["losses"]), int(state["since_look"])
        self._forward_flops = float(state["forward_flops"])
        if state["kind"] is not None:
            self.kind = Kind(**{**state["kind"], "shape": tuple(state["kind"]["shape"])})
            self.loss = TrustLoss(self.targets, self.kind, self._domain, self.seed)
            self.loss.load_state_dict(state["loss"])
        if state["course"] is not None:
            self.course = self._new_course()
            self.course.load_state_dict(state["course"])
        self._steer()
        self.mark()

    def _embark(self, *, started: bool = True) -> None:
        """Plan the rest of the budget."""
        assert self.loss is not None
        course, ledger = self._new_course(), self.ledger
        self._see(course)
        plain = self.costs.mean("plain step", default=ledger.used() / max(self.steps, 1))
        adversarial = adversarial_cost(self.loss, self.model, self._last, ledger, plain, self._forward_flops)
        self.costs.observe("adversarial step", adversarial)
        if self._out is not None and ledger.clock not in COUNTED:
            self._probe_export(course)
        course.embark(
            plain=plain,
            adversarial=adversarial,
            epoch=self.epoch,
            export=self.costs.predict("export"),
            started=started,
        )
        self.course, self._last = course, None
        self.sparsity.set(course.action.sparsity)

    def _new_course(self) -> Course:
        assert self.loss is not None
        return Course(
            self.model, self.targets, self.policy, self.loss, self.ledger, self.costs, self.sparsity,
            self._forward_flops,
        )  # fmt: skip

    def _see(self, course: Course) -> None:
        """Let the run see the validation rows, and penalties the groups there."""
        assert self.kind is not None
        assert self.loss is not None
        with self.ledger.phase("prepare"):
            problem = self._problem()
            course.see(problem, scorer_of(self.model, self.kind), self.seed)
            if self.loss.levers.penalties:
                names = problem.attribute_names
                steerable = {name: steered(problem, name) for name in ("", *names)}
                sizes = {name: len(groups) for name, groups in names.items()}
                self.loss.membership = Membership.of(sizes, dense_codes(problem), steerable)
                self.notes.extend(note for note in not_steered(problem) if note not in self.notes)

    def _problem(self, test: Validation | None = None) -> Problem:
        kind, loss = self.kind, self.loss
        assert kind is not None
        assert loss is not None
        rows = gathered(self._validation, kind.key)
        loss.check_batch(*rows.batch())
        domain = (loss.domain or fixed_domain(kind.shape[0])) if kind.table else None
        return problem_of(rows, task=kind.task, classes=kind.classes, domain=domain, seed=self.seed, test=test)

    def _probe_export(self, course: Course) -> None:
        assert self.kind is not None
        assert course.problem is not None
        if self.kind.numbers:
            before = self.ledger.used()
            with self.ledger.phase("probe"), unmoved(self.model):
                exported(scorer_of(self.model, self.kind), Decision(), course.problem, {})
            self.costs.observe("export", self.ledger.used() - before)

    def _look(self, *, final: bool = False) -> None:
        assert self.course is not None
        mean = float(self._losses) / max(self._since_look, 1)
        if not math.isfinite(mean):
            self._refuse_loss(mean)
        self._losses, self._since_look = 0.0, 0
        self.course.look(self.steps, mean, self.rate.optimizer.param_groups[0]["lr"], final=final)

    def _steer(self, progress: float | None = None) -> None:
        self.rate.factor = self.action.learning_rate_factor
        if self.course is not None:
            self.rate.fall = 1.0 - (self.course.progress() if progress is None else progress)

    def _flops(self, n: int) -> float:
        if self.loss is None:
            return 0.0
        action = self.action
        if self._priced is None or self._priced[0] is not action:  # the same object until the next decision
            self._priced = action, self.loss.flops(self._forward_flops, 1, action)
        return n * self._priced[1]

    def _check(self, loss: Tensor) -> None:
        if loss.device.type != "cpu":
            self._losses = self._losses + loss
            if self.steps % CHECK_EVERY:
                return
        value = loss.item()
        if not math.isfinite(value):
            self._refuse_loss(value)
        if loss.device.type == "cpu":
            self._losses += value

    def _refuse_loss(self, value: float) -> None:
        self.spoilt = True
        raise UsageError(
            f"the loss at step {self.steps + 1} is {value:g}: lower the learning rate, or look for inputs that are not "
            "finite; a checkpoint holds the state of the last look"
        )
