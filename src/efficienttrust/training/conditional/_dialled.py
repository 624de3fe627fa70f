"""The settings that a conditional network is told, and how they are drawn while it trains."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import torch
from torch import Tensor

from efficienttrust.atats import TrustAction

LAMBDA_TOP = 2.0  # lambda_F at the end of the range; the network is told its root, as small weights differ most
FAINT = 1e-12  # weight of a penalty that is drawn as zero: at zero it would forget what it knows of the groups
NEAR = 0.15  # standard deviation of a draw around the centre, of each coordinate in [0, 1]


@dataclass(frozen=True)
class Setting:
    """One setting of the dials that a conditional network is told.

    Attributes:
        lambda_fair: Weight of the fairness penalty.
        adversarial_share: Adversarial share of the batch, in [0, 1].
    """

    lambda_fair: float
    adversarial_share: float

    def on(self, action: TrustAction) -> TrustAction:
        """Return the action with these two dials; a penalty whose range reaches zero keeps its running means."""
        weight = max(self.lambda_fair, FAINT)
        return dataclasses.replace(action, lambda_fair=weight, adversarial_share=self.adversarial_share, spread=0.0)

    @property
    def text(self) -> str:
        """Short text for reports and names."""
        return f"λ_F {self.lambda_fair:.3g}, q {self.adversarial_share:.3g}"


@dataclass(frozen=True)
class DialRange:
    """Which dials there are to tell: one without a target that calls for it stays at zero.

    Attributes:
        fairness: Whether lambda_F is drawn.
        robustness: Whether q is drawn.
    """

    fairness: bool
    robustness: bool

    def told(self, setting: Setting) -> Tensor:
        """Return what the network is told: [2] in [-1, 1]."""
        level = math.sqrt(min(max(setting.lambda_fair, 0.0), LAMBDA_TOP) / LAMBDA_TOP)
        return torch.tensor([2.0 * level - 1.0, 2.0 * setting.adversarial_share - 1.0])

    def at(self, level: float, share: float) -> Setting:
        """Return the setting at coordinates in [0, 1]; they are clipped, and dials without a target are zero."""
        level, share = min(max(level, 0.0), 1.0), min(max(share, 0.0), 1.0)
        return Setting(LAMBDA_TOP * level**2 if self.fairness else 0.0, share if self.robustness else 0.0)

    def draw(self, centre: Setting, spread: float, generator: torch.Generator) -> Setting:
        """Draw a setting: anywhere in the range with chance `spread`, else near the centre."""
        wide, level, share = torch.rand(3, generator=generator).tolist()
        if wide < spread:
            return self.at(level, share)
        near = torch.randn(2, generator=generator).mul_(NEAR).tolist()
        told = self.told(centre).add(1.0).div(2.0).tolist()
        return self.at(told[0] + near[0], told[1] + near[1])

    def grid(self, levels: int, shares: int) -> tuple[Setting, ...]:
        """Return settings spread evenly over the range, each once."""
        made = [self.at(i / max(levels - 1, 1), j / max(shares - 1, 1)) for i in range(levels) for j in range(shares)]
        return tuple(dict.fromkeys(made))
