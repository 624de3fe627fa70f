"""Reductions: fairness by training models again and again on relabelled, reweighted rows (Agarwal et al. 2018).

fairlearn runs the outer game: it states the constraint, and asks a base learner for its best answer to labels and
weights. The base learner is ours: a network trained by our loop under the policy of the run, or boosted trees. All
answers share one budget. When it ends, the best randomised mixture of the models in hand is found by a linear program.

A deployed file decides the same for the same row, so a mixture is not deployed as such. Delivered are, as candidates:
*one scorer whose logit is the mean of its members' by their weights*, then its members alone. Calibration and the
choice among them are the same code as for any trainer.
"""

from efficienttrust.training.reductions._constraint import Constraint, constraint_of, is_installed
from efficienttrust.training.reductions._learners import Learner, NetworkLearner, TreesLearner
from efficienttrust.training.reductions._mixture import best_mixture, blended
from efficienttrust.training.reductions._reduce import Search, reduce
from efficienttrust.training.reductions._trainer import ReductionTrainer

__all__ = [
    "Constraint",
    "Learner",
    "NetworkLearner",
    "ReductionTrainer",
    "Search",
    "TreesLearner",
    "best_mixture",
    "blended",
    "constraint_of",
    "is_installed",
    "reduce",
]
