"""The worst of every way to attack what is shipped: by its own gradient, by transfer from a parent, by search."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from efficienttrust.evaluation.artefacts._gradient import gradient_victim
from efficienttrust.evaluation.artefacts._victim import subject_victim
from efficienttrust.evaluation.subjects import Rows, Subject
from efficienttrust.threats import (
    Objective,
    Region,
    Robustness,
    Selected,
    Stage,
    Victim,
    attacks,
    ball,
    next_block,
    reach,
    robustness_curve,
)

FEWEST_ROWS = 16
"""Of the first block under a budget of seconds: attacked to the end, whatever it takes."""
DRAWS_AGAIN = 5
"""How often random points are drawn on a model without a gradient: on trees the search misses one row in thirty that
brute force finds with one draw, one in a hundred with five; and decisions do not say which way to go."""
PUSHED_AT_ONCE = 256


@dataclass(frozen=True, eq=False)
class Assault:
    """Which rows of what is shipped stood at each radius.

    Attributes:
        attack: What was asked for.
        norm: Norm of the radii.
        eps: L radii, ascending.
        rows: [m] positions of the rows that were attacked to the end, ascending.
        clean_right: [m] whether each is right without an attack.
        right: [L, m] whether each stands at each radius; a row that fell at one counts as fallen at all larger ones.
        proven: [L, m] whether a bound proves that the float model stands, where the shipped one was not fooled either.
        stages: What was done, over all radii.
        complete: Whether all rows asked about were attacked.
        seconds: Wall time.
        how: In words, what was attacked and on what success was verified.
    """

    attack: str
    norm: str
    eps: tuple[float, ...]
    rows: NDArray[np.int64]
    clean_right: NDArray[np.bool_]
    right: NDArray[np.bool_]
    proven: NDArray[np.bool_]
    stages: tuple[Stage, ...]
    complete: bool
    seconds: float
    how: str


def region_of(rows: Rows, norm: str) -> Callable[[float], Region]:
    """Return radius -> region: balls around images, reaches of the numeric columns of a table."""
    x = torch.from_numpy(rows.x)
    if rows.kind == "image":
        return lambda eps: ball(x, eps, norm)
    return lambda eps: reach(rows.problem.domain, x, eps, norm)


def searches_of(attack: str, *, gradient: bool, cells: int) -> dict[str, int]:
    """Return the searches run on what is shipped, each with its restarts, beside an attack by gradient.

    A model without a gradient may be constant in steps: then its worst point need not be a corner. Rows of too many
    cells for a coordinate search are searched by Square.
    """
    method = attacks.get(attack)
    names = ["coordinate", "square", "random_points"] if method.stages else ["coordinate"]
    if not method.stages and not gradient:
        names.append("random_points")
    if not method.needs_gradient:
        names = list(dict.fromkeys([method.name, *names]))
    widest = attacks.get("coordinate").most_cells
    if widest is not None and cells > widest:
        names = list(dict.fromkeys("square" if name == "coordinate" else name for name in names))
    return {name: DRAWS_AGAIN if name == "random_points" and not gradient else 1 for name in names}


def assault(
    subject: Subject,
    rows: Rows,
    eps: Sequence[float],
    *,
    attack: str,
    norm: str = "linf",
    seed: int = 0,
    restarts: int = 1,
    seconds: float | None = None,
    parent: Victim | None = None,
) -> Assault:
    """Attack a subject at several radii; success counts only where the subject itself, as shipped, is fooled.

    Three ways are taken, and a row stands if it survives all of them: the attack by gradient on the module or on the
    float parent, with every success asked of the subject, and pushed on with where it does not transfer; then searches
    on the subject itself, unless the module that was followed *is* the subject.

    Args:
        subject: The model.
        rows: The rows to attack.
        eps: Radii above 0, ascending.
        attack: An attack, or `standard`.
        norm: `linf` or `l2`.
        seed: Seed of random starts and, under a budget, of the order of the rows.
        restarts: How often each randomised attack by gradient is run on what stands.
        seconds: Wall time: no block of rows is begun that it should not suffice for. The first block is always run.
        parent: A differentiable twin of the subject on these rows; by default what the subject brings.
    """
    shipped = subject_victim(subject, rows)
    leader = parent or gradient_victim(subject, rows)
    itself = parent is None and subject.kind == "torch"
    ways = _Ways(
        shipped=shipped,
        leader=leader if attacks.get(attack).needs_gradient or itself else None,
        searches={} if itself else searches_of(attack, gradient=leader is not None, cells=_cells(rows)),
        regions=region_of(rows, norm),
        y=torch.from_numpy(rows.y),
        eps=tuple(eps),
        attack=attack,
        seed=seed,
        restarts=restarts,
    )
    n = len(rows)
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed)) if seconds is not None else torch.arange(n)
    parts: list[tuple[Tensor, Tensor, Tensor, Tensor]] = []
    begin = time.perf_counter()
    finished, first = 0, n if seconds is None else FEWEST_ROWS
    while finished < n:
        size = next_block(finished, n, first, elapsed=time.perf_counter() - begin, seconds=seconds)
        if size == 0:
            break
        chosen = order[finished : finished + size].sort().values
        parts.append((chosen, *ways.run(chosen)))
        finished += size
    done = torch.cat([part[0] for part in parts]) if parts else order
    place = done.argsort()

    def joined(which: int) -> NDArray[np.bool_]:
        return np.asarray(torch.cat([part[which] for part in parts], dim=-1)[..., place])

    return Assault(
        attack=attack,
        norm=norm,
        eps=tuple(eps),
        rows=done[place].numpy(),
        clean_right=joined(1),
        right=joined(2),
        proven=joined(3),
        stages=tuple(ways.stages.values()),
        complete=len(done) == n,
        seconds=time.perf_counter() - begin,
        how=_how(ways, subject, itself=itself),
    )


def _cells(rows: Rows) -> int:
    """Return how many cells of a row may move: pixels, or numeric columns."""
    return int(np.prod(rows.inputs.shape[1:])) if rows.kind == "image" else len(rows.problem.encoder.numeric)


@dataclass(eq=False)
class _Ways:
    """The ways of attacking, with what they share and what they have cost."""

    shipped: Victim
    leader: Victim | None
    searches: dict[str, int]
    regions: Callable[[float], Region]
    y: Tensor
    eps: tuple[float, ...]
    attack: str
    seed: int
    restarts: int
    stages: dict[str, Stage] = field(default_factory=dict)

    def run(self, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Attack a block of rows; return (clean right [m], right [L, m], proven [L, m])."""
        begin = time.perf_counter()
        everywhere = [self.regions(one).rows(rows) for one in self.eps]
        clean = self._right(rows, everywhere[0].origin)
        self._note(Stage("clean", len(rows), int((~clean).sum()), len(rows), 0, time.perf_counter() - begin))
        right = clean.expand(len(self.eps), -1).clone()
        proven = torch.zeros_like(right)
        if self.leader is not None:
            proven = self._follow(rows, right, everywhere)
        for name, restarts in self.searches.items():
            # A row that fell at the smallest radius fell at all of them.
            open_rows = torch.nonzero(right[0]).squeeze(1)
            if len(open_rows):
                found = self._curve(self.shipped, rows[open_rows], name, restarts)
                right[:, open_rows] &= torch.stack([one.right for one in found])
        right = right.cummin(dim=0).values
        return clean, right, proven & right

    def _follow(self, rows: Tensor, right: Tensor, regions: list[Region]) -> Tensor:
        """Attack by gradient, ask what is shipped at every success, and write what fell into `right`."""
        assert self.leader is not None
        found = self._curve(self.leader, rows, self.attack, self.restarts)
        begin, asked, fell = time.perf_counter(), 0, 0
        for level, one in enumerate(found):
            fooled = torch.nonzero(right[level] & ~one.right).squeeze(1)
            if not len(fooled):
                continue
            stood = self._right(rows[fooled], one.points[fooled])
            asked += len(fooled)
            if bool(stood.any()):
                lost = fooled[stood]
                stood[stood.clone()] = self._right(rows[lost], self._pushed(rows[lost], regions[level].rows(lost)))
                asked += len(lost)
            right[level, fooled] = stood
            fell += int((~stood).sum())
        self._note(Stage("asked as shipped", asked, fell, asked, 0, time.perf_counter() - begin))
        return torch.stack([one.proven for one in found])

    def _pushed(self, rows: Tensor, region: Region) -> Tensor:
        """Return points far beyond the leader's border: the nearest ones do not transfer."""
        assert self.leader is not None
        if not self.leader.differentiable:
            return region.origin
        generator, pushed = torch.Generator().manual_seed(self.seed), []
        for part in torch.split(torch.arange(len(rows)), PUSHED_AT_ONCE):
            objective = Objective(self.leader.bind(rows[part]), self.y[rows[part]])
            pushed.append(attacks.get("pgd").run(objective, region.rows(part), generator)[0])
        return torch.cat(pushed)

    def _curve(self, victim: Victim, rows: Tensor, attack: str, restarts: int) -> tuple[Robustness, ...]:
        found = robustness_curve(
            Selected(victim, rows), lambda eps: self.regions(eps).rows(rows), self.y[rows], self.eps,
            attack=attack, seed=self.seed, restarts=restarts,
        )  # fmt: skip
        for one in found:
            for stage in one.stages:
                if stage.name != "clean":
                    self._note(stage)
        return found

    def _right(self, rows: Tensor, points: Tensor) -> Tensor:
        objective = Objective(self.shipped.bind(rows), self.y[rows])
        with torch.no_grad():
            return objective.right(objective.answer(points))

    def _note(self, stage: Stage) -> None:
        known = self.stages.setdefault(stage.name, Stage(stage.name))
        for name in ("attacked", "fooled", "forwards", "backwards", "seconds"):
            setattr(known, name, getattr(known, name) + getattr(stage, name))


def _how(ways: _Ways, subject: Subject, *, itself: bool) -> str:
    searched = ", ".join(ways.searches).replace("_", " ")
    seen = "decisions" if subject.outputs == "decisions" else "scores"
    if itself:
        by = "by the gradient of" if attacks.get(ways.attack).needs_gradient else "on"
        return f"{ways.attack} {by} the module itself; every success was asked of the module as deployed"
    if ways.leader is None:
        return f"searches on the model as shipped, without a gradient, which see its {seen} only ({searched})"
    return (
        f"{ways.attack} crafted on the float parent and asked of the model as shipped, then searches on that itself "
        f"({searched}); the lowest counts"
    )
