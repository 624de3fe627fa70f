"""Studies: factorial experiments on what each kind of constraint does to each kind of trust.

A study is one strict YAML file. It is expanded into trials, each named by the hash of everything that decides its
result; a store owns their state and their outcomes, executors only run them, and the analysis reads one table. So a
study may be killed anywhere and goes on where it stopped, and nothing is done twice.

A cell is a combination of factor levels, a trial one training in it. A trial ends as `done`, `failed` (a row with its
traceback) or `infeasible`, which is a result like any other.
"""

from efficienttrust.study._design import Constraint, Design, Factor, Hypothesis
from efficienttrust.study._trial import Outcome, Trial

__all__ = ["Constraint", "Design", "Factor", "Hypothesis", "Outcome", "Trial"]
