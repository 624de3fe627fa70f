"""Differentiable losses: what a fairness or robustness target adds to the utility loss while training.

A fairness penalty is the soft form of a rate gap: the mean score of each group instead of its share of positive
decisions. It is driven by a smoothed, signed gap, so that a batch that lacks a group, or in which chance reverses the
gap, neither breaks nor misleads a step. Robustness enters as a share of the batch that is attacked before the step
(`efficienttrust.threats`): L = (1 - q) L_clean + q L_adv + lambda_F L_fair; or, as TRADES has it, as the
distance between the answers at those rows before and after.

    >>> from efficienttrust.losses import penalties
    >>> penalties.names()
    ['demographic_parity', 'equal_opportunity', 'equalized_odds']
"""

from efficienttrust.losses._smoothed_gap import FairnessPenalty, SmoothedGap, penalties
from efficienttrust.losses._trades import trades_distances, trades_gradients

__all__ = ["FairnessPenalty", "SmoothedGap", "penalties", "trades_distances", "trades_gradients"]
