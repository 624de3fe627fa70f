"""Robust accuracy at several radii for little more than the price of one.

A witness found at one radius lies inside every larger ball, and a row that stood at a radius is taken to stand at every
smaller one. So each row is bisected over the radii, and before a smaller ball is attacked from scratch the witness at
hand is drawn into it, which costs one forward pass. The curve falls monotonically by construction. What is inherited
from a larger radius is the outcome of an attack on a superset; as any attack's, it is an upper bound.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from efficienttrust.errors import UsageError
from efficienttrust.threats._attack import Victim
from efficienttrust.threats._objective import Objective
from efficienttrust.threats._region import Region
from efficienttrust.threats._robustness import Robustness, Stage, evaluate_robustness
from efficienttrust.threats._selected import Selected


def robustness_curve(
    victim: Victim,
    regions: Callable[[float], Region],
    y: Tensor,
    eps: Sequence[float],
    *,
    attack: str = "standard",
    seed: int = 0,
    restarts: int = 1,
) -> tuple[Robustness, ...]:
    """Attack rows at several radii, sharing what is found.

    Args:
        victim: What is attacked.
        regions: Radius -> region of all rows, e.g. `lambda eps: ball(x, eps)`; regions of larger radii contain those
            of smaller ones.
        y: [n] labels, class numbers.
        eps: Radii above 0, in ascending order.
        attack: An attack, or `standard`.
        seed: Seed of the random starts.
        restarts: How often each randomised attack is run on what stands.

    Returns:
        One `Robustness` per radius. Costs are charged to the radius at which they arose; the margin is infinite where
        a row's outcome was inherited from a larger radius.
    """
    if not eps or any(b <= a for a, b in itertools.pairwise(eps)) or eps[0] <= 0:
        raise UsageError(f"the radii of a curve are above 0 and ascending, not {', '.join(f'{e:g}' for e in eps)}")
    return _Curve(victim, [regions(one) for one in eps], y, attack, seed, restarts).run()


class _Curve:
    """The state of the bisection: per row the radii still open, and the best witness inside each radius."""

    def __init__(self, victim: Victim, regions: list[Region], y: Tensor, attack: str, seed: int, restarts: int) -> None:
        self.victim, self.regions, self.y = victim, regions, y.to(torch.int64)
        self.attack, self.seed, self.restarts = attack, seed, restarts
        n, levels = len(y), len(regions)
        # Per row: the smallest level known to fool it (`levels` if none), and the largest at which it stood (−1).
        self.fooled_at = torch.full((n,), levels)
        self.stood_at = torch.full((n,), -1)
        self.proven_at = torch.full((n,), -1)
        self.fooled_by = torch.full((n, levels), -1)
        self.points = [region.origin.clone() for region in regions]
        self.margin = torch.full((n, levels), torch.inf)
        self.stages: list[dict[str, Stage]] = [{} for _ in regions]
        self.clean_right = torch.ones(n, dtype=torch.bool)

    def run(self) -> tuple[Robustness, ...]:
        levels = len(self.regions)
        begun = False
        while True:
            open_rows = self.stood_at + 1 < self.fooled_at
            if not bool(open_rows.any()):
                break
            middle = (self.stood_at + self.fooled_at) // 2
            for level in sorted(set(middle[open_rows].tolist())):
                rows = torch.nonzero(open_rows & (middle == level)).squeeze(1)
                self._attack_level(level, rows, first=not begun)
            begun = True
        results = []
        for level in range(levels):
            right = self.fooled_at > level
            results.append(
                Robustness(
                    attack=self.attack,
                    rows=torch.arange(len(self.y)),
                    right=right,
                    points=self.points[level],
                    margin=self.margin[:, level],
                    proven=self.proven_at >= level,
                    clean_right=self.clean_right,
                    fooled_by=torch.where(right, -1, self.fooled_by[:, level]),
                    stages=tuple(self.stages[level].values()),
                    complete=True,
                )
            )
        return tuple(results)

    def _attack_level(self, level: int, rows: Tensor, *, first: bool) -> None:
        region = self.regions[level].rows(rows)
        found = evaluate_robustness(
            Selected(self.victim, rows), region, self.y[rows], attack=self.attack, seed=self.seed + level,
            restarts=self.restarts,
        )  # fmt: skip
        for (
            known
        ) in self.stages:  # in this order at every radius, before anything is drawn in: `fooled_by` counts on it
            for stage in found.stages:
                known.setdefault(stage.name, Stage(stage.name))
        for stage in found.stages:
            self._note(level, stage)
        if first:
            self.clean_right[rows] = found.clean_right
        wrong_clean = rows[~found.clean_right]
        self.fooled_at[wrong_clean] = 0
        self.fooled_by[wrong_clean] = 0
        self._record(level, rows, found)
        stood = rows[found.right]
        self.stood_at[stood] = level
        self.proven_at[rows[found.proven]] = level
        fell = found.clean_right & ~found.right
        self.fooled_at[rows[fell]] = torch.minimum(self.fooled_at[rows[fell]], torch.tensor(level))
        self._draw_in(level, rows[fell], found.points[fell] - region.origin[fell], found.fooled_by[fell])

    def _record(self, level: int, rows: Tensor, found: Robustness) -> None:
        """Keep a witness for this radius and, where it is worse, for all larger ones."""
        for higher in range(level, len(self.regions)):
            worse = (found.margin < self.margin[rows, higher]) | ~found.right
            hit = rows[worse]
            self.margin[hit, higher] = found.margin[worse].float()
            self.points[higher][hit] = found.points[worse]
            self.fooled_by[hit, higher] = torch.where(found.right, -1, found.fooled_by)[worse]

    def _draw_in(self, level: int, rows: Tensor, shift: Tensor, by: Tensor) -> None:
        """Try the witnesses, drawn into the smaller balls, from the largest of them downwards."""
        bind = getattr(self.victim, "bind_exact", self.victim.bind)
        for lower in range(level - 1, -1, -1):
            still = self.stood_at[rows] < lower
            rows, shift, by = rows[still], shift[still], by[still]
            if len(rows) == 0:
                return
            region = self.regions[lower].rows(rows)
            points = region.points(region.clip(shift))
            objective = Objective(bind(rows), self.y[rows])
            with torch.no_grad():
                logits = objective.answer(points)
            fooled = ~objective.right(logits)
            if (valid := region.valid(points)) is not None:
                fooled &= valid
            hit = rows[fooled]
            self.fooled_at[hit] = lower
            self.points[lower][hit], self.margin[hit, lower] = points[fooled], objective.margin(logits)[fooled].float()
            self.fooled_by[hit, lower] = by[fooled]
            self._note(lower, Stage("drawn in", len(rows), int(fooled.sum()), len(rows)))
            rows, shift, by = hit, shift[fooled], by[fooled]

    def _note(self, level: int, stage: Stage) -> None:
        known = self.stages[level].setdefault(stage.name, Stage(stage.name))
        for name in ("attacked", "fooled", "forwards", "backwards", "seconds"):
            setattr(known, name, getattr(known, name) + getattr(stage, name))
