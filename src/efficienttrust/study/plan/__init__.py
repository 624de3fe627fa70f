"""Plans: which trials a study has, how many are left, what they will cost, and what they could find.

Seconds and bytes are those that a store has observed, by cell, else by cost class (data, model and mitigation); without
any they are not known, and said to be so. A pilot runs a few trials of each class through the same door as the study
and keeps them in its store: as trials are known by content, none of it is lost.

    >>> from efficienttrust.study.plan import regular_fraction
    >>> half = regular_fraction({"pruned": 2, "quantised": 2, "penalty": 2, "noise": 2}, resolution=4)
    >>> half.share, half.resolution, half.holds({"pruned": 1, "quantised": 1, "penalty": 0, "noise": 0})
    (0.5, 4, True)
"""

from efficienttrust.study.plan._fraction import RegularFraction, regular_fraction
from efficienttrust.study.plan._pilot import pilot_trials, run_pilot
from efficienttrust.study.plan._plan import Plan, make_plan
from efficienttrust.study.plan._power import Power, power_of

__all__ = [
    "Plan",
    "Power",
    "RegularFraction",
    "make_plan",
    "pilot_trials",
    "power_of",
    "regular_fraction",
    "run_pilot",
]
