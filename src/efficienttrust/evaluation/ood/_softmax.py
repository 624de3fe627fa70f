"""Logarithms of softmax probabilities that neither overflow nor round to 0 where a model is sure."""

from __future__ import annotations

import numpy as np

from efficienttrust.evaluation.ood._detector import Floats


def log_sum_exp(logits: Floats) -> Floats:
    """Return log Σ_k exp(z_k) of each row [n]."""
    largest = logits.max(axis=1)
    total: Floats = largest + np.log1p(_rest(logits, largest))
    return total


def log_probabilities(logits: Floats) -> Floats:
    """Return the log of all softmax probabilities [n, K]; exact also for logits of any size."""
    largest = logits.max(axis=1)
    logs: Floats = (logits - largest[:, None]) - np.log1p(_rest(logits, largest))[:, None]
    return logs


def log_max_probability(logits: Floats) -> Floats:
    """Return the log of the largest softmax probability of each row [n]; exact up to 1 − 1e-300."""
    return -np.log1p(_rest(logits, logits.max(axis=1)))


def _rest(logits: Floats, largest: Floats) -> Floats:
    """Return Σ exp(z_k − z_max) over all k but one that reaches the maximum."""
    shares = np.exp(logits - largest[:, None])
    shares[np.arange(len(logits)), logits.argmax(axis=1)] = 0.0
    rest: Floats = shares.sum(axis=1)
    return rest
