"""Robust accuracy of a set of rows under one attack or a cascade, within a budget, and what it cost.

Rows are taken in blocks, in an order drawn by the seed, and each block goes through the whole cascade before the next
begins: whenever the clock runs out, or the question is decided, the rows done so far are a random sample under the full
attack, from which an interval follows. A decision looks at the sample after every block; the k-th look spends
alpha / (k (k + 1)), so that all looks together err with probability alpha at most.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import torch
from torch import Tensor

from efficienttrust.errors import UsageError
from efficienttrust.threats._attack import Attack, Attacked, Victim, attacks, clean, run_attack
from efficienttrust.threats._blocks import next_block
from efficienttrust.threats._descent import Tally
from efficienttrust.threats._region import Region
from efficienttrust.threats._selected import Selected

FEWEST_ROWS = 50  # of the first block of a budgeted or deciding evaluation; each later one doubles what is done
DECIDE_ALPHA = 0.05


@dataclass
class Stage:
    """What one attack of a cascade did.

    Attributes:
        name: The attack; `clean` for the answers without one.
        attacked: Rows that it started on.
        fooled: Rows that fell to it.
        forwards: Rows that went through the model.
        backwards: Rows that went back through it.
        seconds: Wall time.
    """

    name: str
    attacked: int = 0
    fooled: int = 0
    forwards: int = 0
    backwards: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, eq=False)
class Robustness:
    """Which rows stood, under which attack, at what price.

    Attributes:
        attack: Name of the attack or cascade.
        rows: [m] positions of the rows that were evaluated to the end, ascending; all of them without a budget.
        right: [m] whether each is still right after every stage. Rows that are wrong when clean are not.
        points: [m, ...] the worst points found.
        margin: [m] the margins there.
        proven: [m] whether a bound proves that no point of the region is wrong.
        clean_right: [m] whether each is right without an attack.
        fooled_by: [m] number of the stage that fooled it, in the order of `stages`; −1 where it stands.
        stages: What each stage did, `clean` first.
        complete: Whether every row asked about was evaluated.
        decided: `above` or `below` once `decide` was settled, else an empty text.
    """

    attack: str
    rows: Tensor
    right: Tensor
    points: Tensor
    margin: Tensor
    proven: Tensor
    clean_right: Tensor
    fooled_by: Tensor
    stages: tuple[Stage, ...]
    complete: bool
    decided: str = ""

    @property
    def accuracy(self) -> float:
        """Share of the evaluated rows that stood: an upper bound, as a better attack may find more."""
        return float(self.right.float().mean()) if len(self.right) else math.nan

    @property
    def proven_accuracy(self) -> float:
        """Share of the evaluated rows that are proven to stand: a lower bound."""
        return float(self.proven.float().mean()) if len(self.right) else math.nan


def evaluate_robustness(
    victim: Victim,
    region: Region,
    y: Tensor,
    *,
    attack: str = "standard",
    seed: int = 0,
    restarts: int = 1,
    seconds: float | None = None,
    decide: float | None = None,
) -> Robustness:
    """Attack rows and say which stand.

    Args:
        victim: What is attacked. Without a gradient, the stages of a cascade that need one are left out.
        region: Where the n rows may be moved.
        y: [n] labels, class numbers.
        attack: An attack, or `standard`.
        seed: Seed of random starts and of the order of the rows.
        restarts: How often each randomised attack is run on what stands.
        seconds: Wall time: no block of rows is begun that it should not suffice for. The first block is always run.
        decide: Stop once robust accuracy is known to be above or below this value.

    Raises:
        UsageError: An attack that needs a gradient on a victim without one, or that does nothing on rows this wide.
    """
    method = attacks.get(attack)
    chosen = _stages(method, victim, region)
    n = len(y)
    whole = seconds is None and decide is None
    order = torch.arange(n) if whole else torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    generator = torch.Generator(device=y.device).manual_seed(seed)
    stages = [Stage("clean"), *(Stage(one.name) for one in chosen)]
    begin, decided = time.perf_counter(), ""
    done: list[tuple[Tensor, Attacked, Tensor, Tensor]] = []
    finished, look = 0, 0
    while finished < n:
        size = next_block(
            finished, n, n if whole else FEWEST_ROWS, elapsed=time.perf_counter() - begin, seconds=seconds
        )
        if size == 0:
            break
        rows = order[finished : finished + size].sort().values.to(y.device)
        finished, look = finished + size, look + 1
        done.append(
            (rows, *_cascade(chosen, Selected(victim, rows), region.rows(rows), y[rows], generator, restarts, stages))
        )
        if decide is not None:
            stood = torch.cat([found.right for _, found, _, _ in done])
            decided = _settled(int(stood.sum()), len(stood), decide, DECIDE_ALPHA / (look * (look + 1)))
            if decided:
                break
    rows = torch.cat([part for part, *_ in done]) if done else order
    place = rows.argsort()

    def joined(parts: list[Tensor], empty: Tensor) -> Tensor:
        return torch.cat(parts)[place] if parts else empty

    return Robustness(
        attack=method.name,
        rows=rows[place],
        right=joined([found.right for _, found, _, _ in done], torch.zeros(0, dtype=torch.bool)),
        points=joined([found.points for _, found, _, _ in done], region.origin[:0]),
        margin=joined([found.margin for _, found, _, _ in done], torch.zeros(0)),
        proven=joined([found.proven for _, found, _, _ in done], torch.zeros(0, dtype=torch.bool)),
        clean_right=joined([right for _, _, right, _ in done], torch.zeros(0, dtype=torch.bool)),
        fooled_by=joined([by for _, _, _, by in done], torch.zeros(0, dtype=torch.int64)),
        stages=tuple(stages),
        complete=len(rows) == n,
        decided=decided,
    )


def _stages(method: Attack, victim: Victim, region: Region) -> list[Attack]:
    """Return the attacks to run, in order: a cascade without the stages that this victim cannot take or that repeat."""
    if not method.stages:
        if method.needs_gradient and not victim.differentiable:
            raise UsageError(
                f"{method.name} needs a gradient and this model gives none: use one of "
                f"{', '.join(name for name in attacks.names() if not attacks.get(name).needs_gradient)}, or standard"
            )
        if not method.takes(region):
            raise UsageError(
                f"{method.name} takes rows of up to {method.most_cells} cells, these have {region.origin[0].numel()}: "
                "use square or standard"
            )
        return [method]
    stages = [attacks.get(name) for name in method.stages]
    able = [stage for stage in stages if stage.takes(region) and (victim.differentiable or not stage.needs_gradient)]
    classes = 2
    if len(region.origin):
        with torch.no_grad():
            answer = victim.bind(torch.zeros(1, dtype=torch.int64))(region.origin[:1])
        classes = 2 if answer.ndim == 1 else answer.shape[1]
    # A model that is constant in steps has no gradient to follow: random points look where corners do not.
    extra = [] if victim.differentiable else [attacks.get("random_points")]
    return [stage for stage in able if classes >= stage.fewest_classes] + extra


def _cascade(
    chosen: list[Attack],
    victim: Victim,
    region: Region,
    y: Tensor,
    generator: torch.Generator,
    restarts: int,
    stages: list[Stage],
) -> tuple[Attacked, Tensor, Tensor]:
    """Run the stages on what stands; return (worst found, right when clean, number of the stage that fooled)."""
    labels = y.to(torch.int64)
    begin, tally = time.perf_counter(), Tally()
    found = clean(victim, region, labels, tally)
    clean_right = found.right.clone()
    fooled_by = torch.where(clean_right, -1, 0)
    _charge(stages[0], len(y), int((~clean_right).sum()), tally, begin)
    for number, attack in enumerate(chosen, start=1):
        rows = torch.nonzero(found.right & ~found.proven).squeeze(1)
        begin, tally = time.perf_counter(), Tally()
        if len(rows):
            part = Selected(victim, rows, proving=False)  # a bound could not prove them
            new = run_attack(attack, part, region.rows(rows), labels[rows], generator, restarts=restarts, tally=tally)
            worse = (new.margin < found.margin[rows]) | ~new.right
            hit = rows[worse]
            found.points[hit], found.margin[hit], found.right[hit] = (
                new.points[worse],
                new.margin[worse],
                new.right[worse],
            )
            fooled_by[rows[~new.right]] = number
        _charge(stages[number], len(rows), int((fooled_by == number).sum()), tally, begin)
    return found, clean_right, fooled_by


def _charge(stage: Stage, attacked: int, fooled: int, tally: Tally, begin: float) -> None:
    stage.attacked += attacked
    stage.fooled += fooled
    stage.forwards += tally.forwards
    stage.backwards += tally.backwards
    stage.seconds += time.perf_counter() - begin


def _settled(stood: int, n: int, bound: float, alpha: float) -> str:
    """Return `above` or `below` where an exact two-sided limit at level 1 - alpha excludes the other side."""
    from efficienttrust.metrics.intervals import clopper_pearson

    low, high = (float(end) for end in clopper_pearson(float(stood), float(n), alpha / 2))
    return "above" if low >= bound else "below" if high < bound else ""
