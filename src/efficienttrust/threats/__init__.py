"""Threats: what an adversary may do to a row, and the attacks that look for the worst of it.

A *region* says where a row may be moved. `ball` is a norm ball inside a box: images. `reach` is that of an encoded
table: numeric columns may move by at most `eps` training-set standard deviations (L∞: each; L2: together), inside the
range seen in training, in whole units where a column counts things, along the declared relations between columns, and
not at all where a column is immutable or its value was missing. Categories do not move.

A *victim* answers with logits [m, K] or, if binary, with one margin [m]. An *attack* looks for the worst point of the
region; rows leave as soon as they fall, and waiting ones take their place. `evaluate_robustness` runs one attack or the
`standard` cascade under a budget and says what it cost; `robustness_curve` shares the work between several radii. What
they return is an upper bound of the true robust accuracy, and where a bound can prove rows, a lower one too.

Adding an attack is adding one module to `catalogue`: an `Iteration` (state per row, one step at a time) or a search.

    >>> import torch
    >>> from efficienttrust.threats import ModuleVictim, attacks, ball, evaluate_robustness
    >>> attacks.names()
    ['apgd_ce', 'apgd_dlr', 'apgd_t', 'coordinate', 'fgsm', 'n_fgsm', 'pgd', 'random_points', 'square', 'standard']
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 3))
    >>> images, y = torch.rand(5, 3, 2, 2), torch.tensor([0, 1, 2, 0, 1])
    >>> found = evaluate_robustness(ModuleVictim(model), ball(images, 8 / 255), y, attack="pgd")
    >>> bool((found.points - images).abs().max() <= 8 / 255 + 1e-6)
    True
"""

from efficienttrust.threats._attack import Attack as Attack
from efficienttrust.threats._attack import Attacked as Attacked
from efficienttrust.threats._attack import Victim as Victim
from efficienttrust.threats._attack import attacks as attacks
from efficienttrust.threats._attack import run_attack as run_attack
from efficienttrust.threats._blocks import next_block as next_block
from efficienttrust.threats._bounds import lower_margins as lower_margins
from efficienttrust.threats._curve import robustness_curve as robustness_curve
from efficienttrust.threats._descent import Iteration as Iteration
from efficienttrust.threats._descent import Tally as Tally
from efficienttrust.threats._module import ModuleVictim as ModuleVictim
from efficienttrust.threats._objective import Objective as Objective
from efficienttrust.threats._reach import Reach as Reach
from efficienttrust.threats._reach import reach as reach
from efficienttrust.threats._region import Ball as Ball
from efficienttrust.threats._region import Region as Region
from efficienttrust.threats._region import ball as ball
from efficienttrust.threats._robustness import Robustness as Robustness
from efficienttrust.threats._robustness import Stage as Stage
from efficienttrust.threats._robustness import evaluate_robustness as evaluate_robustness
from efficienttrust.threats._selected import Selected as Selected

__all__ = [
    "Attack",
    "Attacked",
    "Ball",
    "Iteration",
    "ModuleVictim",
    "Objective",
    "Reach",
    "Region",
    "Robustness",
    "Selected",
    "Stage",
    "Tally",
    "Victim",
    "attacks",
    "ball",
    "evaluate_robustness",
    "lower_margins",
    "next_block",
    "reach",
    "robustness_curve",
    "run_attack",
]
