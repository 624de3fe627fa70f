"""Theory: what can be proved of a model on given rows, instead of measured.

A statement here says its kind: `exact` holds for these rows whatever the data's distribution. The first is a bound on
what a change of weights can do: `perturbation_reach` bounds how far the logit of each row moves, and only rows whose
margin is smaller can flip (`bound_flips`). It needs no labels of the compressed model's, and of a rounding not even its
weights: `rounding_errors` gives the largest error of every weight from the number of bits.

Example:
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> layers = [(rng.normal(size=(4, 8)), np.zeros(8)), (rng.normal(size=(8, 1)), np.zeros(1))]
    >>> x = rng.normal(size=(100, 4))
    >>> reach = [perturbation_reach(layers, rounding_errors(layers, bits), x) for bits in (8, 12)]
    >>> bool((reach[1] < reach[0]).all())
    True
"""

from efficienttrust.theory._bound import Bound, Kind
from efficienttrust.theory._embedding import embedded
from efficienttrust.theory._result import Result, all_results, results
from efficienttrust.theory.flip_bound import (
    FlipBound,
    bound_flips,
    perturbation_reach,
    rounding_errors,
    weight_errors,
)

__all__ = [
    "Bound",
    "FlipBound",
    "Kind",
    "Result",
    "all_results",
    "bound_flips",
    "embedded",
    "perturbation_reach",
    "results",
    "rounding_errors",
    "weight_errors",
]
