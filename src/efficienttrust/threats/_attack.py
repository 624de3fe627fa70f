"""What an attack is, what it attacks, and the one way to run it on many rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from efficienttrust.registry import Registry
from efficienttrust.threats._descent import Iteration, Tally, descend_all, descend_whole
from efficienttrust.threats._objective import Answer, Objective
from efficienttrust.threats._region import Region

CHUNK = 512  # rows that a search on whole batches takes at once


class Victim(Protocol):
    """What is attacked: logits [m, K], or the margin of the positive class [m], as a function of the points.

    A victim may also offer `bind_exact`, when `bind` is a faster stand-in of lower precision: then no row counts as
    fooled before the exact answer says so. And `lower_margin(rows, region, y)`: a proven lower bound on the margin over
    the whole region; rows where it is above 0 need no attack.
    """

    differentiable: bool

    def bind(self, rows: Tensor) -> Answer:
        """Return the function from points [m, ...] to answers for the rows at these positions."""
        ...


@dataclass(frozen=True, eq=False)
class Attacked:
    """The worst that was found for each row.

    Attributes:
        points: [n, ...] the perturbed rows (of a table: their numeric columns), inside the region.
        margin: [n] margin towards the label there: > 0 is still right.
        right: [n] whether the decision there is still the label.
        proven: [n] whether no point of the region can be wrong, by a bound and not by search.
    """

    points: Tensor
    margin: Tensor
    right: Tensor
    proven: Tensor


Search = Callable[[Objective, Region, torch.Generator], tuple[Tensor, Tensor]]
"""(objective, region, generator) -> (points, margins), for one chunk of rows."""


@dataclass(frozen=True)
class Attack:
    """An attack by name: a step-by-step method, a search on whole batches, or a cascade of other attacks.

    Attributes:
        name: Name in targets and reports.
        definition: One sentence for reports, with the source.
        needs_gradient: Whether the victim must be differentiable.
        iteration: The method of a step-by-step attack; None for others.
        search: The search of a whole-batch attack; None for others.
        stages: Names of the attacks of a cascade, in order, each run on what still stands; empty for others.
        per_class: Whether the iteration is run once per wrong class, the likeliest first (targeted attacks).
        fewest_classes: Classes below which the attack would only repeat another one, and a cascade leaves it out.
        most_cells: Cells of a row beyond which the attack does nothing: it is refused, and a cascade leaves it out.
    """

    name: str
    definition: str
    needs_gradient: bool
    iteration: Iteration | None = None
    search: Search | None = None
    stages: tuple[str, ...] = ()
    per_class: bool = False
    fewest_classes: int = 2
    most_cells: int | None = None

    def takes(self, region: Region) -> bool:
        """Return whether the rows of a region are not too wide for the attack."""
        return self.most_cells is None or region.origin[0:1].numel() <= self.most_cells

    def run(self, objective: Objective, region: Region, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Attack all rows of one batch, right or wrong, to the last step.

        Returns:
            The worst allowed points found and their margins.
        """
        if self.iteration is not None:
            return descend_whole(self.iteration, objective, region, generator)
        assert self.search is not None, f"{self.name} is a cascade: give it to evaluate_robustness"
        return self.search(objective, region, generator)


attacks: Registry[Attack] = Registry("attack", "efficienttrust.threats.catalogue")


def run_attack(
    attack: Attack,
    victim: Victim,
    region: Region,
    y: Tensor,
    generator: torch.Generator,
    *,
    restarts: int = 1,
    tally: Tally | None = None,
) -> Attacked:
    """Attack rows until they fall or the attack ends; every restart goes on with the rows that still stand.

    Args:
        attack: The attack; one that needs a gradient requires a differentiable victim. Cascades: `evaluate_robustness`.
        victim: What is attacked.
        region: Where the n rows may be moved.
        y: [n] labels, class numbers.
        generator: Source of the random starts.
        restarts: How often the attack is run on the survivors; the worst counts.
        tally: Counts the rows that went forward and backward.

    Returns:
        For each row the worst point found, the clean one included.
    """
    labels = y.to(torch.int64)
    tally = tally or Tally()
    found = clean(victim, region, labels, tally)
    for _ in range(restarts):
        standing = torch.nonzero(found.right & ~found.proven).squeeze(1)
        if len(standing) == 0 or region.origin.flatten(1).shape[1] == 0:
            break
        for target in _targets(attack, victim, region, labels, standing, tally):
            alive = torch.nonzero(found.right[standing]).squeeze(1)
            if len(alive) == 0:
                break
            rows = standing[alive]
            aim = None if target is None else target[alive]
            _merge(found, rows, _attack_rows(attack, victim, region, labels, rows, aim, generator, tally))
    return found


def clean(victim: Victim, region: Region, y: Tensor, tally: Tally) -> Attacked:
    """Return the clean answers of all rows as a starting point, with what a bound can prove."""
    n = len(y)
    margin, right = region.origin.new_empty(n, dtype=torch.float32), torch.empty(n, dtype=torch.bool, device=y.device)
    proven = torch.zeros_like(right)
    bind = getattr(victim, "bind_exact", victim.bind)
    bound = getattr(victim, "lower_margin", None)
    with torch.no_grad():
        for start in range(0, n, CHUNK):
            rows = torch.arange(start, min(start + CHUNK, n), device=y.device)
            objective = Objective(bind(rows), y[rows])
            logits = objective.answer(region.origin[rows])
            margin[rows], right[rows] = objective.margin(logits).float(), objective.right(logits)
            tally.forwards += len(rows)
            if bound is not None and len(hopeful := rows[right[rows]]):
                proven[hopeful] = bound(hopeful, region.rows(hopeful), y[hopeful]) > 0
    return Attacked(region.origin.clone(), margin, right, proven)


def _targets(
    attack: Attack, victim: Victim, region: Region, y: Tensor, standing: Tensor, tally: Tally
) -> list[Tensor | None]:
    """Return the wrong class to aim at in each pass over the standing rows: the likeliest first; [None] untargeted."""
    if not attack.per_class:
        return [None]
    with torch.no_grad():
        parts = [victim.bind(part)(region.origin[part]) for part in torch.split(standing, CHUNK)]
    logits = torch.cat(parts)
    tally.forwards += len(standing)
    if logits.ndim == 1 or logits.shape[1] < attack.fewest_classes:
        return [None]
    logits = logits.scatter(1, y[standing][:, None], -torch.inf)
    order = logits.argsort(dim=1, descending=True)
    return [order[:, rank] for rank in range(min(logits.shape[1] - 1, MOST_TARGETS))]


MOST_TARGETS = 9


def _attack_rows(
    attack: Attack,
    victim: Victim,
    region: Region,
    y: Tensor,
    rows: Tensor,
    target: Tensor | None,
    generator: torch.Generator,
    tally: Tally,
) -> tuple[Tensor, Tensor, Tensor]:
    """Run the attack once on a selection of the rows; return (points, margin, right)."""
    if attack.iteration is not None:
        return descend_all(attack.iteration, victim, region, y, rows, generator, tally, target=target)
    assert attack.search is not None
    parts = []
    for part in torch.split(rows, CHUNK):
        objective = Objective(tally.counting(victim.bind(part)), y[part])
        points, margin = attack.search(objective, region.rows(part), generator)
        with torch.no_grad():
            right = objective.right(objective.answer(points))
        parts.append((points, margin, right))
    points, margin, right = (torch.cat(column) for column in zip(*parts, strict=True))
    return points, margin, right


def _merge(found: Attacked, rows: Tensor, new: tuple[Tensor, Tensor, Tensor]) -> None:
    """Take the new points where they are worse."""
    points, margin, right = new
    worse = (margin < found.margin[rows]) | (found.right[rows] & ~right)
    hit = rows[worse]
    found.points[hit], found.margin[hit], found.right[hit] = points[worse], margin[worse], right[worse]
