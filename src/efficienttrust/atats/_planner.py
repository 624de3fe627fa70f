"""The planner: what is decided before training, from measured costs and the budget.

How long to train (the budget is a cap, not a target: past `ENOUGH_EPOCHS` passes over the data, and `ENOUGH_STEPS`
steps, more training buys nothing on tables), what to keep back for calibration, selection and export, how far apart to
look, and when adversarial training starts so that it fits what is left. As the budget shrinks, adversarial training
falls back to whole batches from the start, to free adversarial training where not even a look is affordable, then to
random noise, and every fall-back is declared. Without a look fairness is left to calibration where that can finish it:
a weight that nobody corrects costs more than it brings.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from efficienttrust.atats._augmentation import starting_augmentation

ENOUGH_EPOCHS = 20.0
ENOUGH_STEPS = 400  # at least (more when the attack starts late), so that few rows do not look like a small budget
FREE_COST_RATIO = 2.0  # an adversarial step up to this many plain ones: attack from the start; dearer ones start later
ADVERSARIAL_PART_LEAST = 0.3  # of training
START_SHARE, START_LAMBDA = 0.5, 0.25
MOST_SLACK = 0.8  # fairness in training may miss its target by this share of it, where calibration can finish the job
ADVERSARIAL_STEPS_WANTED = 150
ADVERSARIAL_STEPS_LEAST = 40
FREE_STEP = 1.1  # cost of a step of free adversarial training, in plain steps
FINISHED_BY_CALIBRATION = 0.25  # how well it has to infer the group for fairness to be left to it without a look
MONITOR_SPACING = 8.0  # the next look comes no sooner than this many times the cost of a look (unless few are left)
DECISIONS_WANTED = 20
DECISIONS_LEAST = 3  # as long as they take no more than one part in SPARSE_SPACING of the horizon
SPARSE_SPACING = 5.0
FIRST_SPACING = 8.0  # where a single look costs more than one part in so many of what is left, steps do more


@dataclass(frozen=True)
class Lever:
    """What the targets call for in training.

    Attributes:
        fairness: A target has a differentiable penalty.
        robustness: A target is about adversarial accuracy.
        calibration: How well calibration can finish fairness, in [0, 1]: 1 when it is given the group, less when it has
            to infer it. The better, the looser fairness may be in training.
    """

    fairness: bool
    robustness: bool
    calibration: float


@dataclass(frozen=True)
class Plan:
    """What training starts from. Amounts are on the declared clock, in its unit, counted from the start of the run.

    Attributes:
        start: Used when training starts.
        end: Used at which training ends, at the latest.
        reserve: Kept back from the budget for everything after training.
        interval: Share of the horizon between monitor points.
        adversarial_start: Progress at which adversarial training starts; 1 when it never does.
        start_share: Adversarial share of the batch then.
        start_lambda: Weight of the fairness penalty from the start.
        attack: Attack used in training.
        fairness_slack: The in-training fairness target is this factor looser than the target, as calibration follows.
        decisions: Monitor points that the horizon affords.
        fallbacks: Dial -> what its planned setting does not buy, for want of budget, in one sentence.
        augmentation: Strength of augmentation to start from.
        looks: Whether looks are worth their cost; without, the dials stay where the policy starts them.
        left_to_calibration: Whether calibration had better see to fairness alone, as no look would correct a weight.
    """

    start: float
    end: float
    reserve: float
    interval: float
    adversarial_start: float
    start_share: float
    start_lambda: float
    attack: str
    fairness_slack: float
    decisions: int
    fallbacks: Mapping[str, str]
    augmentation: float = 1.0
    looks: bool = True
    left_to_calibration: bool = False

    @property
    def horizon(self) -> float:
        """What training may use, from its start to its end."""
        return self.end - self.start

    def progress(self, used: float) -> float:
        """Return the share of the horizon that is used, in [0, 1]."""
        if not math.isfinite(self.horizon) or self.horizon <= 0:
            return 1.0 if self.horizon <= 0 else 0.0
        return min(max((used - self.start) / self.horizon, 0.0), 1.0)


def make_plan(
    lever: Lever,
    *,
    used: float,
    limit: float,
    reserve: float,
    plain_step: float,
    adversarial_step: float,
    monitor: float,
    steps_per_epoch: float,
    enough_epochs: float = ENOUGH_EPOCHS,
) -> Plan:
    """Plan a run from measured costs.

    Args:
        lever: What the targets call for.
        used: Already used.
        limit: The budget, infinite when there is none.
        reserve: To keep back for everything after training.
        plain_step: Cost of a plain training step, > 0.
        adversarial_step: Cost of a step whose whole batch is attacked.
        monitor: Cost of one monitor point.
        steps_per_epoch: Steps of one pass over the training data.
        enough_epochs: Passes after which more training buys nothing.
    """
    share = START_SHARE if lever.robustness else 0.0
    part = min(max(FREE_COST_RATIO * plain_step / adversarial_step, ADVERSARIAL_PART_LEAST), 1.0)
    attacked_step = plain_step + share * max(adversarial_step - plain_step, 0.0)
    mean_step = plain_step + part * (attacked_step - plain_step)
    overhead = 1.0 + 1.0 / MONITOR_SPACING
    enough = used + max(enough_epochs * steps_per_epoch, ENOUGH_STEPS / part) * mean_step * overhead
    end = max(min(limit - reserve, enough), used)
    horizon = end - used
    affordable = horizon / (MONITOR_SPACING * monitor) if monitor > 0 else math.inf
    least = min(DECISIONS_LEAST, affordable * MONITOR_SPACING / SPARSE_SPACING)
    decisions = int(max(min(max(affordable, least), DECISIONS_WANTED), 1))
    looks = FIRST_SPACING * monitor <= limit - reserve - used  # of what there is, not of what is worth while
    start, attack = 1.0, "n_fgsm"
    fallbacks: dict[str, str] = {}
    if lever.robustness:
        start = 1.0 - part
        steps = part * horizon / (attacked_step * overhead)
        if steps < ADVERSARIAL_STEPS_WANTED:
            start, share = 0.0, 1.0
            steps = horizon / (adversarial_step * overhead)
            fallbacks["adversarial_share"] = (
                f"the budget buys about {steps:.0f} adversarial steps: adversarial training runs from the start "
                "on whole batches"
            )
        if steps < ADVERSARIAL_STEPS_WANTED and not looks:
            attack, steps = "free", horizon / (FREE_STEP * plain_step)
            fallbacks["attack"] = (
                f"the budget buys about {steps:.0f} steps and no look: free adversarial training, in which the "
                "gradient of a replayed batch moves it too, in place of fewer steps with an attack of their own"
            )
        if steps < ADVERSARIAL_STEPS_LEAST:
            attack = "noise"
            fallbacks["attack"] = (
                f"about {steps:.0f} adversarial steps are fewer than {ADVERSARIAL_STEPS_LEAST}: robustness is trained "
                "with random perturbations only (not bought by adversarial training)"
            )
    return Plan(
        start=used,
        end=end,
        reserve=reserve,
        interval=1.0 / (decisions + 1),
        adversarial_start=start,
        start_share=share,
        start_lambda=START_LAMBDA if lever.fairness else 0.0,
        attack=attack,
        fairness_slack=1.0 + MOST_SLACK * min(2.0 * lever.calibration, 1.0),
        decisions=decisions,
        fallbacks=fallbacks,
        augmentation=starting_augmentation(horizon / (mean_step * overhead * steps_per_epoch)),
        looks=looks,
        left_to_calibration=lever.fairness and not looks and lever.calibration >= FINISHED_BY_CALIBRATION,
    )
