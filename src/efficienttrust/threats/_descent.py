"""The engine of step-by-step attacks: rows leave when they fall, and others take their place.

A batch holds rows at different steps of their attack, each with its own state. A fooled or finished row is dead weight;
once a quarter of the batch is, those rows are retired and the batch is filled up from those still waiting, because
small batches waste a CPU and a GPU alike. Gradients are taken with respect to the points alone. Where the victim
answers through a faster stand-in of lower precision, a row is only retired as fooled after the exact model confirmed it
at that very point; otherwise its attack goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor

from efficienttrust.threats._objective import Answer, Objective
from efficienttrust.threats._region import Region

if TYPE_CHECKING:
    from efficienttrust.threats._attack import Victim

State = dict[str, Tensor]

CELLS = 2**20  # of a batch: large enough that no small batch of leftovers remains, small enough for any memory
MOST_ROWS = 1024  # of a batch: enough to pay for the overhead of a step, few enough for a table to stay in the cache
COMPACT_AT = 4  # a batch is compacted when one in four of its rows is done


@dataclass
class Tally:
    """What an attack has cost: rows that went through the model, forward and backward."""

    forwards: int = 0
    backwards: int = 0

    def counting(self, answer: Answer) -> Answer:
        """Return the same answers, counted."""

        def counted(points: Tensor) -> Tensor:
            self.forwards += len(points)
            return answer(points)

        return counted


@dataclass(frozen=True, eq=False)
class Seen:
    """What the model said at the present points of m rows.

    Attributes:
        loss: [m] the loss to descend.
        margin: [m] the margin.
        gradient: [m, ...] gradient of the loss at the points; zeros for a method that needs none.
        index: [m] how many points of the row were seen before this one.
    """

    loss: Tensor
    margin: Tensor
    gradient: Tensor
    index: Tensor


class Iteration(Protocol):
    """A step-by-step method as state per row, so that rows at different steps share a batch.

    A row sees `steps + 1` points; `loss` is one of `LOSSES`.
    """

    @property
    def steps(self) -> int:
        """Return the number of steps."""
        ...

    @property
    def loss(self) -> str:
        """Return what is descended."""
        ...

    @property
    def needs_gradient(self) -> bool:
        """Return whether gradients are needed."""
        ...

    def begin(self, region: Region, generator: torch.Generator) -> State:
        """Return the state of rows before their first point: tensors [m, ...], `shift` among them."""
        ...

    def advance(self, state: State, region: Region, seen: Seen, generator: torch.Generator) -> None:
        """Move every row to its next point: write `shift` and whatever else changes into the state."""
        ...


def descend_whole(
    iteration: Iteration, objective: Objective, region: Region, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Run a method on all rows to its last step, right or wrong; return the worst allowed points and their margins.

    This is what serves all thresholds at once: a row that is wrong at one of them is still pushed on.
    """
    state = iteration.begin(region, generator)
    worst, worst_margin = region.origin, region.origin.new_full((len(region.origin),), torch.inf)
    for index in range(iteration.steps + 1):
        last = index == iteration.steps
        points, _, seen = _look(
            iteration, objective, region, state, torch.full_like(objective.y, index), gradient=not last
        )
        lower = seen.margin < worst_margin
        valid = region.valid(points)
        lower = lower if valid is None else lower & valid
        worst_margin = torch.where(lower, seen.margin, worst_margin)
        worst = torch.where(_wide(lower, points), points, worst)
        if not last:
            iteration.advance(state, region, seen, generator)
    return worst, worst_margin


def descend_all(
    iteration: Iteration,
    victim: Victim,
    region: Region,
    y: Tensor,
    rows: Tensor,
    generator: torch.Generator,
    tally: Tally,
    *,
    target: Tensor | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Run a method on many rows, each until it falls or its steps are done.

    Args:
        iteration: The method.
        victim: What is attacked.
        region: Region of all rows of the victim.
        y: Labels of all rows.
        rows: [m] positions of the rows to attack, all of them right when clean.
        generator: Source of randomness.
        tally: Counts what it costs.
        target: [m] classes to aim at, for targeted losses.

    Returns:
        (points, margin, right) of the m rows: the worst allowed point found, infinite margin where none was allowed.
    """
    return _Batch(iteration, victim, region, y, rows, generator, tally, target).run()


class _Batch:
    """The rows under attack at one time; see the module."""

    def __init__(
        self,
        iteration: Iteration,
        victim: Victim,
        region: Region,
        y: Tensor,
        rows: Tensor,
        generator: torch.Generator,
        tally: Tally,
        target: Tensor | None,
    ) -> None:
        self.iteration, self.victim, self.region, self.y, self.rows = iteration, victim, region, y, rows
        self.generator, self.tally, self.target = generator, tally, target
        self.exact: Callable[[Tensor], Answer] | None = getattr(victim, "bind_exact", None)
        m, origin = len(rows), region.origin
        self.points, self.margin = origin[rows].clone(), origin.new_full((m,), torch.inf, dtype=torch.float32)
        self.right = torch.ones(m, dtype=torch.bool, device=y.device)
        cells = max(1, origin[:1].numel())
        self.size = max(8, min(MOST_ROWS, CELLS // cells))
        self.waiting = 0  # the first row that has not been admitted
        self.slots = torch.empty(0, dtype=torch.int64, device=y.device)  # positions in `rows` of the rows in the batch
        self.index = torch.empty_like(self.slots)
        self.bar = self.margin[:0]  # margin below which a row is held to be fooled: 0, lower once disproved
        self.state: State = {}

    def run(self) -> tuple[Tensor, Tensor, Tensor]:
        """Attack until no row is left; return (points, margin, right)."""
        self._refill(torch.empty(0, dtype=torch.bool, device=self.y.device))
        while len(self.slots):
            last = self.index == self.iteration.steps
            points, logits, seen = _look(
                self.iteration, self.objective, self.here, self.state, self.index, gradient=not bool(last.all())
            )
            self.tally.forwards += len(points)
            self.tally.backwards += len(points) if self.iteration.needs_gradient and not bool(last.all()) else 0
            fallen = self._keep_worst(points, logits, seen)
            done = fallen | last
            self.index = self.index + 1
            if bool(done.all()) or int(done.sum()) * COMPACT_AT >= len(done):
                back = self._retire(done, fallen, last)
                done = done & ~back
                if not bool(done.all()):
                    self.iteration.advance(self.state, self.here, seen, self.generator)
                self._refill(~done)
            else:
                self.iteration.advance(self.state, self.here, seen, self.generator)
                # A finished row stays at its last step until it is retired.
                self.index = torch.where(done, self.index - 1, self.index)
        return self.points, self.margin, self.right

    def _keep_worst(self, points: Tensor, logits: Tensor, seen: Seen) -> Tensor:
        """Remember the worst allowed points; return which rows have fallen, as far as this model can say."""
        valid = self.here.valid(points)
        margin = seen.margin.float()
        if self.exact is None:
            wrong = ~self.objective.right(logits)
        else:  # a stand-in that overflows has nothing to say
            margin = torch.where(margin.isneginf(), torch.inf, margin)
            wrong = margin < self.bar
        lower = margin < self.margin[self.slots]
        if valid is not None:
            lower, wrong = lower & valid, wrong & valid
        better = lower | (wrong & self.right[self.slots])
        if bool(better.any()):
            hit = self.slots[better]
            self.points[hit], self.margin[hit] = points[better], margin[better]
        self.right[self.slots] = self.right[self.slots] & ~wrong
        return ~self.right[self.slots]

    def _retire(self, done: Tensor, fallen: Tensor, last: Tensor) -> Tensor:
        """Let the exact model judge the worst points of the rows that leave; return which must go on after all."""
        back = torch.zeros_like(done)
        if self.exact is None or not bool(done.any()):
            return back
        leaving = self.slots[done]
        known = leaving[self.margin[leaving].isfinite()]
        if len(known) == 0:
            return back
        rows = self.rows[known]
        objective = Objective(self.exact(rows), self.y[rows])
        with torch.no_grad():
            logits = objective.answer(self.points[known])
        self.tally.forwards += len(rows)
        held = self.margin[known].clone()
        self.margin[known], self.right[known] = objective.margin(logits).float(), objective.right(logits)
        disproved = torch.zeros(len(self.rows), dtype=torch.bool, device=self.y.device)
        disproved[known] = self.right[known]
        back = fallen & ~last & done & disproved[self.slots]
        if bool(back.any()):
            stand_in = torch.full_like(self.margin, torch.inf)
            stand_in[known] = held
            self.bar = torch.where(back, torch.minimum(self.bar, stand_in[self.slots]), self.bar)
            self.margin[self.slots[back]] = stand_in[self.slots[back]]  # the scale on which the search goes on
        return back

    def _refill(self, keep: Tensor) -> None:
        """Drop the rows that are done, admit waiting ones, and bind the model to the new batch."""
        kept = torch.nonzero(keep).squeeze(1)
        slots = self.slots[kept]
        room = self.size - len(slots)
        new = torch.arange(self.waiting, min(self.waiting + room, len(self.rows)), device=self.y.device)
        self.waiting += len(new)
        fresh = self.iteration.begin(self.region.rows(self.rows[new]), self.generator) if len(new) else {}
        if not len(slots):
            self.state = fresh
        else:
            state = {name: value[kept] for name, value in self.state.items()}
            self.state = {name: torch.cat([value, fresh[name]]) if fresh else value for name, value in state.items()}
        self.slots = torch.cat([slots, new])
        self.index = torch.cat([self.index[kept], torch.zeros_like(new)])
        self.bar = torch.cat([self.bar[kept], self.margin.new_zeros(len(new))])
        if len(self.slots):
            rows = self.rows[self.slots]
            self.here = self.region.rows(rows)
            aim = None if self.target is None else self.target[self.slots]
            self.objective = Objective(self.victim.bind(rows), self.y[rows], aim)


def _look(
    iteration: Iteration, objective: Objective, region: Region, state: State, index: Tensor, *, gradient: bool
) -> tuple[Tensor, Tensor, Seen]:
    """Ask the model at the present points; return (points, logits, what was seen)."""
    points = region.points(state["shift"])
    if not (gradient and iteration.needs_gradient):
        with torch.no_grad():
            logits = objective.answer(points)
            loss = objective.loss(logits, iteration.loss)
            return points, logits, Seen(loss, objective.margin(logits), torch.zeros_like(points), index)
    points = points.detach().requires_grad_(True)
    with torch.enable_grad():
        logits = objective.answer(points)
        loss = objective.loss(logits, iteration.loss)
    # A model that cuts the graph has no gradient, which is told by zeros; alarms look for them.
    slope = torch.autograd.grad(loss.sum(), points, allow_unused=True)[0] if loss.requires_grad else None
    if slope is None:
        slope = torch.zeros_like(points)
    logits, points = logits.detach(), points.detach()
    return points, logits, Seen(loss.detach(), objective.margin(logits), slope, index)


def _wide(flags: Tensor, like: Tensor) -> Tensor:
    return flags.reshape(-1, *[1] * (like.ndim - 1))
