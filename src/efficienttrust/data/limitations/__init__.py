"""Statistical limitations: what training data lack, as transforms of a `Problem` with a level.

Data in practice are few, wrongly labelled, drawn from one group more than from another, full of holes, or silent about
who belongs to which group. A limitation puts one such fault into a problem that has none, at a level from 0 (nothing
happens, the problem comes back as it is) to just below 1, so that a study can say what the fault costs. It acts on what
a team collects and learns from, the splits train, monitor and calibrate. No label, group or row of the splits certify
and test is ever touched, so that what is measured there stays true.

Everything random about a row comes from the seed and the row's number in the source. So the rows hit at a low level are
among those hit at a higher one, a row keeps its draw when other limitations come before, and two settings that are
compared share their random numbers. Several limitations act in the order in which they are given.

Example:
    >>> from efficienttrust.data import load_problem
    >>> from efficienttrust.data.limitations import limit
    >>> problem = load_problem("german", sensitive="sex")
    >>> limited = limit(problem, ["fewer_rows(0.5)", "label_noise(0.2, by=sex, group=Female)"])
    >>> len(problem.splits["train"]), len(limited.splits["train"]), len(limited.splits["test"])
    (500, 250, 200)
"""

from efficienttrust.data.limitations._limit import limit
from efficienttrust.data.limitations._limitation import Limitation, LimitationKind, limitations, parse_limitation
from efficienttrust.data.limitations._loaded import limit_loaded
from efficienttrust.data.limitations._rows import LIMITED

__all__ = ["LIMITED", "Limitation", "LimitationKind", "limit", "limit_loaded", "limitations", "parse_limitation"]
