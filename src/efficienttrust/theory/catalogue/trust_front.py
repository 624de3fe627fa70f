"""Accuracy, fairness, robustness and compute of linear models on Gaussian groups, all four exact.

Letters: a rule (w, b) decides 1 where w.x + b > 0; k steps of gradient descent; g_i the gradients of error, robust
error and demographic parity difference with respect to (w, b), each scaled to length 1.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from efficienttrust.errors import UsageError
from efficienttrust.theory._arguments import not_negative, positive, whole
from efficienttrust.theory._attack_norms import AttackNorm, dual_sizes
from efficienttrust.theory._bound import Bound
from efficienttrust.theory._conflict_test import joint_improvement
from efficienttrust.theory._embedding import Floats
from efficienttrust.theory._gaussian_groups import GaussianGroups, gaussian_groups
from efficienttrust.theory._logistic_path import logistic_path
from efficienttrust.theory._result import Result, results

NO_ROOM = 1e-3
"""Share of their steepest rates at which all three can improve, below which a rule counts as a conflict."""
EVEN = 1e-9
"""Difference of metrics that counts as none: a smaller gap cannot be improved any more."""
MOST_MOVES = 400
FINEST = 1e-12
"""Length of a move at which a rule is left where it is: at a kink."""
ASSUMPTIONS = ("Gaussian classes in every group, all known", "linear rules; full gradients of the logistic loss from 0")
SOURCE = (
    "Closed forms of T5; Désidéri 2012 (test of conflict). Differs in that the number of steps is an axis of the front"
)


@dataclass(frozen=True, eq=False)
class TrustFront:
    """Rules over numbers of steps and settings, with what they are worth and whether that can be improved.

    Attributes:
        steps: [m] numbers of steps; infinity for the rules of the last step, improved in all metrics at once until no
            direction does that or a kink is met.
        settings: [m, 2] fairness penalty and share of the attack in the loss.
        w: [m, d] weights of length 1.
        b: [m] biases.
        accuracy: [m] exact.
        robust_accuracy: [m] exact.
        dpd: Demographic parity difference [m], exact.
        efficient: [m] whether no rule of at most as many steps is as good in all three metrics and better in one.
        room: [m] the largest share of their own steepest rates at which all three metrics can improve at once; may
            overstate at kinks (a weight of 0 under linf, a tie of groups), where it takes one side's slopes.
        improvement: [m, d + 1] the direction of (w, b) that does so.
        conflict: [m] whether there is no such direction: `room` is at most 0.001.
        opposed: [m, 3] whether the pairs accuracy-robustness, accuracy-fairness, robustness-fairness are opposed: the
            steepest improvement of one worsens the other.
    """

    steps: Floats
    settings: Floats
    w: Floats
    b: Floats
    accuracy: Bound
    robust_accuracy: Bound
    dpd: Bound
    efficient: NDArray[np.bool_]
    room: Floats
    improvement: Floats
    conflict: NDArray[np.bool_]
    opposed: NDArray[np.bool_]


def linear_trust_front(
    means: ArrayLike,
    covariance: ArrayLike,
    pi: ArrayLike,
    p: ArrayLike,
    eps: float,
    norm: AttackNorm = "linf",
    *,
    steps: Sequence[int] = (1, 2, 4, 8, 16, 32, 64, 128, 256),
    penalties: Sequence[float] = (0.0, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0),
    shares: Sequence[float] = (0.0, 0.25, 0.5, 0.75, 1.0),
    rate: float = 1.0,
) -> TrustFront:
    """Return what linear models reach in k steps of gradient descent, and where improving one metric worsens another.

    Every setting of fairness penalty and attack share is trained on the population logistic loss; the rules of the last
    step are then improved in all metrics at once as far as that goes (`steps` infinite). The metrics of each
    rule are exact; that no other linear rule beats them is proved to first order only (`conflict`), as the metrics are
    not convex.

    Args:
        means: [G, 2, d], of class 0 and 1 in each group.
        covariance: [d, d], common to all cells, or [G, 2, d, d].
        pi: Shares of the groups [G], two or more.
        p: P(y = 1 | a) [G].
        eps: Size of the attack.
        norm: Norm of the attack.
        steps: Rising numbers of steps.
        penalties: Of the covariance of the groups' mean scores, in units of the loss's largest curvature over theirs.
        shares: Of the attacked loss in the loss, between 0 and 1.
        rate: Step size in units of 1 / L, below 2.

    Raises:
        UsageError: Values out of range, or a single group.
    """
    world = gaussian_groups(means, covariance, pi, p)
    if len(world.means) < 2:
        raise UsageError("there is one group: a gap needs two or more")
    counts = [whole("steps", count) for count in steps]
    if not counts or any(later <= sooner for sooner, later in itertools.pairwise(counts)):
        raise UsageError(f"the steps are {tuple(steps)}: give rising numbers of steps")
    if any(not 0 <= share <= 1 for share in shares) or not 0 < rate < 2:
        raise UsageError(f"the shares are {tuple(shares)} and the rate {rate}: give shares from 0 to 1, a rate below 2")
    positive("eps", eps)
    dual_sizes(world.means[0], norm)  # refuses an unknown norm
    grid = np.array([(not_negative("penalty", lam), share) for lam in penalties for share in shares])
    path_w, path_b, used = logistic_path(world, grid, eps, norm, counts, rate)
    scale = np.linalg.norm(path_w, axis=2, keepdims=True)
    if not (scale > 0).all():
        raise UsageError("gradient descent stays at w = 0: the classes have the same mean, which no linear rule tells")
    path_w, path_b = path_w / scale, path_b / scale[..., 0]
    last_w, last_b = _improved(world, path_w[-1], path_b[-1], eps, norm)
    w, b = np.concatenate([*path_w, last_w]), np.concatenate([*path_b, last_b])
    spent = np.repeat([*map(float, counts), math.inf], len(grid))
    losses, gradients = world.losses(w, b, eps, norm), world.gradients(w, b, eps, norm)
    directions, room = joint_improvement(gradients)
    even = losses[:, 2] <= EVEN
    directions, room = np.where(even[:, None], 0.0, directions), np.where(even, 0.0, room)
    products = gradients @ gradients.swapaxes(1, 2)
    inputs = {"means": world.means, "joint": world.joint, "eps": eps, "norm": norm, "steps": tuple(steps), "rate": rate}

    def exact(values: Floats) -> Bound:
        return Bound(values, "exact", ASSUMPTIONS, SOURCE, inputs)

    return TrustFront(
        steps=spent,
        settings=np.tile(np.stack([used, grid[:, 1]], axis=1), (len(counts) + 1, 1)),
        w=w,
        b=b,
        accuracy=exact(1 - losses[:, 0]),
        robust_accuracy=exact(1 - losses[:, 1]),
        dpd=exact(losses[:, 2]),
        efficient=_efficient(losses, spent),
        room=room,
        improvement=directions,
        conflict=room <= NO_ROOM,
        opposed=np.stack([products[:, 0, 1], products[:, 0, 2], products[:, 1, 2]], axis=1) < 0,
    )


def _improved(world: GaussianGroups, w: Floats, b: Floats, eps: float, norm: str) -> tuple[Floats, Floats]:
    """Return rules moved along directions that improve all three losses, until there are none; none gets worse.

    Each rule has its own step: twice as long after a step that worsened nothing, half as long after one that did.
    """
    rules: Floats = np.concatenate([w, b[:, None]], axis=1)
    size: Floats = np.full(len(w), 0.1)
    losses = world.losses(w, b, eps, norm)
    for _ in range(MOST_MOVES):
        directions, room = joint_improvement(world.gradients(rules[:, :-1], rules[:, -1], eps, norm))
        moving = np.logical_and(room > NO_ROOM / 10, size > FINEST)
        if not moving.any():
            break
        tried = rules + (size * moving)[:, None] * directions
        tried /= np.linalg.norm(tried[:, :-1], axis=1, keepdims=True)
        found = world.losses(tried[:, :-1], tried[:, -1], eps, norm)
        better = moving & np.all(found <= losses, axis=1)
        rules, losses = np.where(better[:, None], tried, rules), np.where(better[:, None], found, losses)
        size = np.where(better, 2 * size, size / 2)
    return rules[:, :-1], rules[:, -1]


def _efficient(losses: Floats, steps: Floats) -> NDArray[np.bool_]:
    """Return which points no other one beats; differences below `EVEN` are rounding."""
    points = np.concatenate([losses, steps[:, None]], axis=1)
    as_good = np.all(points[None] <= points[:, None] + EVEN, axis=2)
    better = np.any(losses[None] < losses[:, None] - EVEN, axis=2)
    efficient: NDArray[np.bool_] = ~np.any(as_good & better, axis=1)
    return efficient


EXAMPLE = (
    (((-1.0, 0.2), (0.6, 0.6)), ((-0.4, -0.5), (1.4, 0.3))),
    ((1.0, 0.2), (0.2, 0.7)),
    (0.4, 0.6),
    (0.3, 0.55),
)
"""Two groups in two columns that differ in means and base rates: the worked example."""


def _worked() -> Bound:
    """The share of rules in conflict among the improved ones of the example."""
    front = linear_trust_front(*EXAMPLE, 0.2, steps=(1, 4, 16))
    converged = np.isinf(front.steps)
    return Bound(float(front.conflict[converged].mean()), "exact", ASSUMPTIONS, SOURCE, front.accuracy.inputs)


results.register("T15", "trust_front")(
    Result(
        code="T15",
        title="The front of accuracy, fairness, robustness and compute in linear models",
        statement=(
            "For groups with Gaussian classes, accuracy, robust accuracy and demographic parity difference of every "
            "linear rule are closed forms, and so are their gradients g_i. Some direction improves all three exactly "
            "if 0 is not in the convex hull of the g_i; the shortest vector v of the hull (g_i scaled to length 1) is "
            "that direction, along -v/|v| each metric improves at |v| times its own steepest rate, and no direction "
            "has a better worst rate. Where v = 0, improving one metric must worsen another. Gradient descent on the "
            "population logistic loss gives the rules of k steps."
        ),
        assumptions=ASSUMPTIONS,
        source=SOURCE,
        good_for="Shows which trade-offs are real and which vanish with more steps, where everything is known.",
        vacuous_when="The metrics are not convex: a conflict is proved to first order, not for rules far away.",
        functions=("linear_trust_front",),
        worked=_worked,
        worked_text="Share of improved rules from which no direction improves all three metrics, in the example.",
    )
)
