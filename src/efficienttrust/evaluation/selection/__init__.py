"""Selection: which candidate is delivered, when all its targets have to be proven on rows that are looked at once.

Calibration picks a candidate on the calibrate split, and the certify split then proves or does not prove its targets.
A more cautious candidate may have been provable; trying several on certify and keeping the best would lose the level
(`certified` would be wrong more often than 5 % of the time). Here candidates are put into an order on calibrate alone
(`plan_order`: the most surely feasible first, dominated ones left out; Pareto testing, Laufer-Goldshtein et al. 2023)
and are tested on certify in that order, all targets at once, up to the first failure (`run_sequence`: fixed-sequence
testing, Learn then Test, Angelopoulos et al. 2021). All that passed are valid together, however many were tested.

`select` joins both with the individual certificates of a candidate that was picked without certify, and says at which
level what counts (`Guarantee`). Why all claims of a run together are wrong with a chance of at most alpha is proven in
the docstring of `select`.

Example:
    >>> from efficienttrust.evaluation.selection import Guarantee
    >>> [round(Guarantee(kind, 3, 0.05).alpha, 4) for kind in ("individual", "joint", "fallback")]
    [0.0167, 0.025, 0.0083]
"""

from efficienttrust.evaluation.selection._guarantee import Guarantee, Kind
from efficienttrust.evaluation.selection._order import MOST_TESTED, Entrant, Errors, plan_order
from efficienttrust.evaluation.selection._selection import Selection, calibrate_alone, select
from efficienttrust.evaluation.selection._sequence import Tested, run_sequence

__all__ = [
    "MOST_TESTED",
    "Entrant",
    "Errors",
    "Guarantee",
    "Kind",
    "Selection",
    "Tested",
    "calibrate_alone",
    "plan_order",
    "run_sequence",
    "select",
]
