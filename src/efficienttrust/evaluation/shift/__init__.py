"""Natural shift: is the model as good where it was not trained?

A column of the table names the environment of a row: the state, the year, the hospital, the scanner, the age band.
`natural_shift` takes a model's answers on rows of several environments and measures the accuracy in each, its drop
against the environments that the model was trained on (or, where these are unknown, against all the others), the same
per group, and the worst environment; `shift_of_numbers` does the same with the mean absolute error of a regression.
`load_environment_split` is the experiment itself in one call: a `Problem` whose
test split is one set of environments and whose other splits are the rest.

The same row sets serve as out-of-distribution data for a table: a category that was held out, a subgroup cut off by a
condition on a number, or another data set with the same columns.

Example:
    >>> import numpy as np, pandas as pd
    >>> from efficienttrust.evaluation.shift import natural_shift
    >>> from efficienttrust.metrics import Outcome
    >>> rng = np.random.default_rng(0)
    >>> frame = pd.DataFrame({"state": rng.choice(["CA", "NY", "TX"], 900)})
    >>> y = rng.integers(0, 2, 900)
    >>> wrong = rng.random(900) < np.where(frame["state"] == "TX", 0.4, 0.1)
    >>> answers = Outcome(y=y, prediction=np.where(wrong, 1 - y, y), score=np.full(900, 0.5), groups=np.zeros(900, int))
    >>> shift = natural_shift(answers, frame, "state", trained_on=["CA", "NY"])
    >>> shift.worst, shift.environments[2].drop.low > 0.1
    ('TX', True)
"""

from efficienttrust.evaluation.shift._environments import Environments, environments_of
from efficienttrust.evaluation.shift._held_out import HeldOut, held_out_category, same_schema, shifted_subgroup
from efficienttrust.evaluation.shift._numbers import shift_of_numbers
from efficienttrust.evaluation.shift._protocol import (
    EnvironmentSplit,
    environment_split,
    leave_one_environment_out,
    load_environment_split,
)
from efficienttrust.evaluation.shift._shift import EnvironmentResult, GroupResult, Shift, natural_shift

__all__ = [
    "EnvironmentResult",
    "EnvironmentSplit",
    "Environments",
    "GroupResult",
    "HeldOut",
    "Shift",
    "environment_split",
    "environments_of",
    "held_out_category",
    "leave_one_environment_out",
    "load_environment_split",
    "natural_shift",
    "same_schema",
    "shift_of_numbers",
    "shifted_subgroup",
]
