"""What alarms look at: a model, the regions around some rows, and attacks that are run once for all of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from efficienttrust.threats import (
    Attack,
    Attacked,
    Objective,
    Reach,
    Region,
    Selected,
    Victim,
    attacks,
    run_attack,
)
from efficienttrust.threats.catalogue.pgd import PGD, STEPS
from efficienttrust.threats.catalogue.square import Square

MOST_ROWS = 200
"""Rows that alarms look at: with 200 a share of 1 % is two rows, and every attack is cheap."""
RESTARTS = 5
SQUARE_QUERIES = 200
"""The black box need not be strong here: it only has to find what a misled gradient overlooks."""
WHITE_BOX = ("apgd_ce", "apgd_t")
"""What, after PGD with restarts, must stand behind a row before a black box may surprise."""
SEARCHES = ("coordinate", "random_points")
"""What replaces PGD where there is no gradient."""
WIDE_SEARCHES = ("square", "random_points")
"""The same on rows that are too wide for the coordinate search."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """A model under attack on n rows; attacks are run when an alarm first asks for them.

    Attributes:
        victim: What is attacked; by gradient where it has one.
        regions: Radius -> region of all n rows.
        y: [n] labels, class numbers.
        eps: The radius in question.
        widest: A radius at which a region is everything that a row may be.
        deployed: What is shipped, where that is another than `victim` (a file whose float parent is attacked).
        module: The module as it was handed over, where there is one.
        pixels: Whether rows are images [n, C, H, W] in [0, 1], stored in 8 bits.
        seed: Seed of the attacks.
    """

    victim: Victim
    regions: Callable[[float], Region]
    y: Tensor
    eps: float
    widest: float
    deployed: Victim | None = None
    module: nn.Module | None = None
    pixels: bool = False
    seed: int = 0

    @property
    def asked(self) -> Victim:
        """What is shipped: its answers count."""
        return self.deployed or self.victim

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.y)

    @cached_property
    def region(self) -> Region:
        """The region in question."""
        return self.regions(self.eps)

    @cached_property
    def rows(self) -> Tensor:
        """[n] positions of all rows."""
        return torch.arange(self.n)

    @cached_property
    def objective(self) -> Objective:
        """The victim on all rows, in its own precision."""
        return objective_of(self.victim, self.y)

    @cached_property
    def shipped(self) -> Objective:
        """What is shipped, on all rows."""
        return objective_of(self.asked, self.y)

    @cached_property
    def clean(self) -> Tensor:
        """Answers of what is shipped to the clean rows."""
        return answers(self.shipped, self.region.origin)

    @cached_property
    def right(self) -> Tensor:
        """[n] whether what is shipped is right on the clean rows."""
        return self.shipped.right(self.clean)

    @cached_property
    def victim_right(self) -> Tensor:
        """[n] whether the victim itself, which may be another than what is shipped, is right on the clean rows."""
        return self.objective.right(answers(self.objective, self.region.origin))

    @cached_property
    def correct(self) -> Tensor:
        """[m] positions of the rows that the victim gets right."""
        return torch.nonzero(self.victim_right).squeeze(1)

    @cached_property
    def free(self) -> Tensor:
        """[n, ...] whether a cell may change at all, at some radius."""
        region = self.regions(self.widest)
        return region.radius > 0 if isinstance(region, Reach) else torch.ones_like(region.origin, dtype=torch.bool)

    @cached_property
    def movable(self) -> Tensor:
        """[n, ...] whether a cell may change continuously within the region: of a table, not what counts things."""
        region = self.region
        return (region.radius > 0) & (region.step == 0) if isinstance(region, Reach) else self.free

    @cached_property
    def pgd(self) -> Attacked:
        """PGD with one start; a search where there is no gradient."""
        return self.attacked(self.region)

    @cached_property
    def fgsm(self) -> Attacked:
        """One step."""
        return self._run(attacks.get("fgsm"), self.region)

    @cached_property
    def at_zero(self) -> Attacked:
        """The attack with nothing to gain."""
        return self.attacked(self.regions(0.0))

    @cached_property
    def at_widest(self) -> Attacked:
        """The attack with everything to gain.

        One start must do on images, where many random ones fool by themselves; a wide table has many valleys.
        """
        region = self.regions(self.widest)
        if self.pixels or not self.victim.differentiable:
            return self.attacked(region)
        return self._run(attacks.get("pgd"), region, RESTARTS)

    @cached_property
    def searched_widest(self) -> Tensor:
        """[n] which rows stand under a search with everything to gain."""
        return self._searched(self.regions(self.widest)).right

    @cached_property
    def after_restarts(self) -> Tensor:
        """[n] which rows stand after PGD with `RESTARTS` starts."""
        return self._still(self.pgd.right, attacks.get("pgd"), restarts=RESTARTS - 1)

    @cached_property
    def after_twice_the_steps(self) -> Tensor:
        """[n] which rows stand after PGD and after PGD with twice its steps."""
        longer = dataclasses.replace(attacks.get("pgd"), iteration=PGD(steps=2 * STEPS))
        return self._still(self.pgd.right, longer)

    @cached_property
    def after_white_box(self) -> Tensor:
        """[n] which rows stand after PGD with restarts and `WHITE_BOX`."""
        stood = self.after_restarts & self.right
        for name in WHITE_BOX:
            stood = self._still(stood, attacks.get(name))
        return stood

    @cached_property
    def after_black_box(self) -> Tensor:
        """[n] which of those rows stand after a black box on what is shipped."""
        square = dataclasses.replace(attacks.get("square"), iteration=Square(steps=SQUARE_QUERIES))
        stood = self._still(self.after_white_box, attacks.get("random_points"), victim=self.asked)
        return self._still(stood, square, victim=self.asked)

    @cached_property
    def path(self) -> tuple[Tensor, Tensor]:
        """Margins [steps + 1, n] along a PGD path that no row leaves, and the worst [n] that the attack kept."""
        seen: list[Tensor] = []

        def recorded(points: Tensor) -> Tensor:
            logits = self.objective.answer(points)
            seen.append(self.objective.margin(logits.detach()))
            return logits

        _, worst = attacks.get("pgd").run(Objective(recorded, self.y), self.region, self._generator())
        return torch.stack(seen), worst

    def attacked(self, region: Region) -> Attacked:
        """Run PGD, or the searches where there is no gradient, on all rows in a region."""
        return self._run(attacks.get("pgd"), region) if self.victim.differentiable else self._searched(region)

    def slope(self, points: Tensor, value: Callable[[Tensor], Tensor]) -> Tensor:
        """Return the gradient of a value [n] of the answers with respect to the points."""
        points = points.detach().requires_grad_(True)
        with torch.enable_grad():
            worth = value(self.objective.answer(points)).sum()
        if not worth.requires_grad:  # the model cuts the graph: autograd has nothing to say
            return torch.zeros_like(points)
        (gradient,) = torch.autograd.grad(worth, points, allow_unused=True)
        return torch.zeros_like(points) if gradient is None else gradient.detach()

    def _searched(self, region: Region) -> Attacked:
        names = SEARCHES if attacks.get(SEARCHES[0]).takes(region) else WIDE_SEARCHES
        first, second = (self._run(attacks.get(name), region) for name in names)
        worse = (second.margin < first.margin) | (first.right & ~second.right)
        wide = worse.reshape(-1, *[1] * (first.points.ndim - 1))
        return Attacked(
            torch.where(wide, second.points, first.points),
            torch.where(worse, second.margin, first.margin),
            first.right & second.right,
            first.proven,
        )

    def _run(self, attack: Attack, region: Region, restarts: int = 1) -> Attacked:
        return run_attack(attack, self.victim, region, self.y, self._generator(), restarts=restarts)

    def _still(self, stood: Tensor, attack: Attack, *, victim: Victim | None = None, restarts: int = 1) -> Tensor:
        """Return which rows stand after a further attack on those that stood."""
        rows = torch.nonzero(stood).squeeze(1)
        if not len(rows):
            return stood
        seen = Selected(victim or self.victim, rows)
        found = run_attack(
            attack, seen, self.region.rows(rows), self.y[rows], self._generator(1), restarts=restarts
        )  # fmt: skip
        still = stood.clone()
        still[rows] = found.right
        return still

    def _generator(self, more: int = 0) -> torch.Generator:
        return torch.Generator().manual_seed(self.seed + more)


def gather(
    victim: Victim,
    regions: Callable[[float], Region],
    y: Tensor,
    eps: float,
    *,
    widest: float,
    deployed: Victim | None = None,
    module: nn.Module | None = None,
    pixels: bool = False,
    seed: int = 0,
    most: int = MOST_ROWS,
) -> Evidence:
    """Return the evidence on at most `most` of the rows, drawn by the seed; for the arguments see `Evidence`."""
    n = len(y)
    chosen = torch.randperm(n, generator=torch.Generator().manual_seed(seed))[:most].sort().values
    return Evidence(
        victim=Selected(victim, chosen),
        regions=lambda radius: regions(radius).rows(chosen),
        y=y[chosen].to(torch.int64),
        eps=eps,
        widest=widest,
        deployed=None if deployed is None else Selected(deployed, chosen),
        module=module,
        pixels=pixels,
        seed=seed,
    )


def objective_of(victim: Any, y: Tensor) -> Objective:
    """Return a victim on all of its rows, in its own precision."""
    bind = getattr(victim, "bind_exact", victim.bind)
    return Objective(bind(torch.arange(len(y))), y)


def answers(objective: Objective, points: Tensor) -> Tensor:
    """Return what a model says to points, without a gradient."""
    with torch.no_grad():
        return objective.answer(points).detach()
