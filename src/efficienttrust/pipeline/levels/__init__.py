"""Constraints at a level: a share of what a baseline used, so that a study can ask what half of it costs.

A `Constraint` is one kind of resource: it reads what a finished run, the baseline, used of it (`Measured`), and states
a training that may use a share of that, by changing the arguments of `fit`: the budget, the data, the network, the
compression. A `Level` is a constraint with its share, written `time=50%`. 100 % is the baseline again; smaller levels
are tighter, for every constraint.

The baseline is measured, never guessed: a level without a finished run of the same data is refused. Several levels act
together, one for each resource. What the baseline used, the level and the limit that came of it are recorded in the
`constraints` of run.json. Adding a constraint is adding one module to `catalogue/`.

Example:
    >>> from efficienttrust.pipeline.levels import parse_level
    >>> level = parse_level("time=50%")
    >>> level.constraint, level.share, str(level)
    ('time', 0.5, 'time=50%')
"""

from efficienttrust.pipeline.levels._constraint import Constraint, Limited, Measured, constraints
from efficienttrust.pipeline.levels._fit_at_levels import constrained, fit_at_levels
from efficienttrust.pipeline.levels._level import Level, parse_level

__all__ = [
    "Constraint",
    "Level",
    "Limited",
    "Measured",
    "constrained",
    "constraints",
    "fit_at_levels",
    "parse_level",
]
