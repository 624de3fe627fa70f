"""The dials: what ATATS can set, who carries each out, in which range, how fast it may move, and what it changes.

Every dial has one owner, which reads it from the action at every step. A dial at its neutral setting costs nothing and
leaves nothing behind: a step is then bit for bit the step of a training that never knew it. What a setting costs is
measured (`CostModel`), and predicted from counted operations until it has been.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Owner = Literal[
    "penalty", "weights", "sampler", "adversary", "attack", "augmentation", "optimiser", "projection", "loop"
]


@dataclass(frozen=True)
class Dial:
    """One dial.

    Attributes:
        name: Field of `TrustAction`.
        owner: What carries it out.
        lever: Which targets call for it: `fairness`, `robustness`, or `none`.
        low: Least setting.
        high: Largest setting.
        slew: Largest change per decision; for a dial that moves by factors, the rise that is always allowed.
        factor: Largest factor (and its inverse) per decision of a dial that moves by factors; 1 of one that does not.
        what: What it does, for tables and reports.
    """

    name: str
    owner: Owner
    lever: Literal["fairness", "robustness", "none"]
    low: float
    high: float
    slew: float
    what: str
    factor: float = 1.0

    def reachable(self, present: float) -> tuple[float, float]:
        """Return the least and the largest setting that one decision may reach from a present one."""
        if self.factor == 1.0:
            return max(self.low, present - self.slew), min(self.high, present + self.slew)
        top = max(present * self.factor, present + self.slew)
        bottom = present / self.factor if present > self.slew / 4 else self.low  # a factor would never reach zero
        return bottom, min(top, self.high)


DIALS = (
    Dial("lambda_fair", "penalty", "fairness", 0.0, 10.0, 0.1, "weight of the fairness penalty", factor=1.5),
    Dial("reweighing", "weights", "fairness", 0.0, 1.0, 0.5, "how far rows are weighted so that group and label are "
         "independent"),
    Dial("fair_batch", "sampler", "fairness", 0.0, 1.0, 0.5, "how far batches are composed by the gaps seen last "
         "(FairBatch)"),
    Dial("group_dro", "weights", "fairness", 0.0, 1.0, 0.5, "step of the weights of groups that lose most (GroupDRO)"),
    Dial("debias", "adversary", "fairness", 0.0, 10.0, 0.5, "weight of an adversary that reads the group off the score",
         factor=1.5),
    Dial("adversarial_share", "attack", "robustness", 0.0, 1.0, 0.25, "share of the batch that is attacked"),
    Dial("attack_steps", "attack", "robustness", 1.0, 20.0, 5.0, "steps of PGD; of `free`, replays of a batch"),
    Dial("trades", "attack", "robustness", 0.0, 12.0, 3.0, "weight of the distance between clean and attacked answers "
         "(TRADES); 0 learns the label at attacked points"),
    Dial("augmentation", "augmentation", "none", 0.0, 1.0, 0.25, "factor on the strength of augmentations"),
    Dial("learning_rate_factor", "optimiser", "none", 0.1, 2.0, 1.9, "factor on the scheduled learning rate"),
    Dial("sparsity", "projection", "none", 0.0, 0.95, 0.2, "share of weights that are zero, the smallest of each "
         "moment: pruned weights go on learning and may come back"),
    Dial("spread", "loop", "none", 0.0, 1.0, 1.0, "share of batches whose lambda_F and q are drawn anywhere in their "
         "range, the rest near their setting (conditional networks)"),
    Dial("next_monitor_in", "loop", "none", 0.02, 0.5, 0.5, "share of the training until the next look"),
)  # fmt: skip
"""All dials with a number; beside them stand `attack` (by name) and `stop`."""

ATTACKS = ("n_fgsm", "pgd", "noise", "free")
OF_NAME = {dial.name: dial for dial in DIALS}
