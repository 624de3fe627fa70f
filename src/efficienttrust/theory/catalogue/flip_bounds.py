"""Quantisation and pruning can flip only the rows whose margin is within reach; the code is in `theory.flip_bound`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from efficienttrust.theory._bound import Bound
from efficienttrust.theory._flip_curve import ASSUMPTIONS, SOURCE, flip_curve
from efficienttrust.theory._result import Result, results


def _worked() -> Bound:
    """A fixed network of ten columns and 32 units on 2,000 normal rows, rounded to 8 bits."""
    rng = np.random.default_rng(0)
    layers = [(rng.normal(size=(10, 32)) / np.sqrt(10), np.zeros(32)), (rng.normal(size=(32, 1)) / 6, np.zeros(1))]
    flips = flip_curve(layers, rng.normal(size=(2000, 10)), bits=(8,)).flips
    return replace(flips, value=float(flips.value[0]))


results.register("T9", "flip_bounds")(
    Result(
        code="T9",
        title="What quantisation and pruning can flip at most",
        statement=(
            "With errors of at most E_l and B_l in the weights and biases of layer l, e_0 = 0, f_l = e_{l-1}(|W_l| + "
            "E_l) + |a_{l-1}| E_l + B_l and e_l = f_l where z_l >= 0, else max(0, f_l + z_l), the logit of a row moves "
            "by at most kappa = f_L. Only rows with |z - t| <= kappa flip: |change of accuracy| <= P(|z - t| <= "
            "kappa), and the demographic parity difference by at most the two groups' shares of such rows. A linear "
            "model under attack: the same with the margin s(z - t) - eps|w|_q and the reach kappa + eps|E|_q."
        ),
        assumptions=ASSUMPTIONS,
        source=SOURCE,
        good_for="Guarantee before deployment, without labels and without the rounded weights, whom it cannot hurt.",
        vacuous_when="Few bits or deep networks: the reach multiplies over layers until it exceeds every margin.",
        functions=(
            "flip_curve",
            "perturbation_reach",
            "rounding_errors",
            "weight_errors",
            "pruning_errors",
            "bound_flips",
            "robust_flip_bound",
        ),
        worked=_worked,
        worked_text="Largest share of 2,000 decisions of a network with 32 units that rounding to 8 bits can flip.",
    )
)
