"""Harm: whom a compression hurts. The average hides them: the rows that change sides are few, and not drawn by lot.

`compare` takes what exported files said on the same rows: those of the dense models (one, or several that differ in
their seed, whose most frequent decision is the dense ensemble's) and that of the compressed one. It finds the exemplars
that the compression moved (Hooker et al. 2019, "What do compressed deep neural networks forget?"; 2020, "Characterising
bias in compressed models"), the flips and the change in error in each group, class and cell, whether the flips fall on
the groups alike, whether rare cells pay more, whether a small margin foretold the flips (Iofinova et al. 2023, "Bias in
pruned vision models"), and what became of margins and calibration.

Both models answer the same rows, so a change in error has a paired interval (`paired_change`): ten times narrower than
two intervals side by side where few rows flip. A regression has no decision to flip: its rows are those whose number
moved most, and its error is the mean absolute one.

Example:
    >>> import numpy as np
    >>> from efficienttrust.data import load_problem
    >>> problem = load_problem("german", sensitive="sex")
    >>> margin = np.random.default_rng(0).normal(size=len(problem.splits["test"]))
    >>> dense, compressed = (Answers((m > 0).astype(int), m, 1 / (1 + np.exp(-m))) for m in (margin, margin - 0.2))
    >>> harm = compare(problem, "test", [dense], compressed)
    >>> harm.exemplars.n == int(((margin > 0) & (margin <= 0.2)).sum())
    True
"""

from efficienttrust.evaluation.harm._answers import Answers
from efficienttrust.evaluation.harm._harm import Harm, compare
from efficienttrust.evaluation.harm._paired import paired_change

__all__ = ["Answers", "Harm", "compare", "paired_change"]
