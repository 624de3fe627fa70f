"""What each row contributes to a loss: of probabilities, for one score (binary) or one per class, and of numbers."""

from __future__ import annotations

import numpy as np

from efficienttrust.metrics.values import Floats, Outcome

CLIP = float(np.finfo(np.float64).eps)
"""Scores are kept this far from 0 and 1, as in scikit-learn."""


def log_losses(outcome: Outcome) -> Floats:
    """Return the negative log-likelihood of each row's label [n], in nats."""
    losses: Floats = -np.log(np.clip(_probability_of_label(outcome), CLIP, 1 - CLIP))
    return losses


def brier_losses(outcome: Outcome) -> Floats:
    """Return half the squared distance of each row's probabilities from the label [n], between 0 and 1.

    Binary: (score - y)^2, as both classes miss by the same.
    """
    score = np.asarray(outcome.score, dtype=np.float64)
    if outcome.task == "binary":
        losses: Floats = (score - outcome.y) ** 2
    else:
        losses = (np.einsum("ij,ij->i", score, score) - 2 * _probability_of_label(outcome) + 1) / 2
    return losses


def absolute_errors(outcome: Outcome) -> Floats:
    """Return the distance of prediction and label of each row [n], in units of the label."""
    distances: Floats = np.abs(outcome.prediction - outcome.y)
    return distances


def squared_errors(outcome: Outcome) -> Floats:
    """Return the squared distance of prediction and label of each row [n]."""
    squares: Floats = (outcome.prediction - outcome.y) ** 2
    return squares


def _probability_of_label(outcome: Outcome) -> Floats:
    score = np.asarray(outcome.score, dtype=np.float64)
    if outcome.task == "binary":
        return np.where(outcome.y == 1, score, 1 - score)
    chosen: Floats = score[np.arange(len(score)), np.asarray(outcome.y, dtype=np.int64)]
    return chosen
