"""Exponentiated gradient (Agarwal et al. 2018) by fairlearn, over boosted trees."""

from __future__ import annotations

from efficienttrust.atats import Policy
from efficienttrust.data import Problem
from efficienttrust.resources import Ledger
from efficienttrust.training._trainer import trainers
from efficienttrust.training.catalogue.exponentiated_gradient import ExponentiatedGradientTrainer
from efficienttrust.training.reductions import TreesLearner


@trainers.register("exponentiated_gradient_trees")
class ExponentiatedGradientTreesTrainer(ExponentiatedGradientTrainer):
    """Grows forests as fairlearn's game asks; the policy is not asked, as trees have no dial."""

    def learner(self, problem: Problem, ledger: Ledger, policy: Policy) -> TreesLearner:
        """Return what grows one forest."""
        del problem, policy
        return TreesLearner(self.task, ledger)
