"""Threats: what an adversary may do to a row, and the attacks that look for the worst of it.

The numeric columns of an encoded row may move by at most `eps` training-set standard deviations each (L-infinity),
inside the range seen in training, in whole units where a column counts things, and not at all where it is declared
immutable or its value was missing. Categories do not move. `Reach` is that set for a batch of rows; `Victim` is what
is attacked: anything that returns margins, with or without a gradient. An attack is a function from both to the
perturbed numeric columns and the worst margin that it found.

    >>> from efficienttrust.threats import attacks
    >>> attacks.names()
    ['coordinate', 'fgsm', 'n_fgsm', 'pgd', 'random_points']
"""

from efficienttrust.threats._attack import Attack, Attacked, Victim, attacks, run_attack, signed
from efficienttrust.threats._reach import Reach, reach

__all__ = ["Attack", "Attacked", "Reach", "Victim", "attacks", "reach", "run_attack", "signed"]
