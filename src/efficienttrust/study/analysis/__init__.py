"""The analysis of a study from one table: effects with intervals, declared tests, and refusals with their reason.

The unit of inference is a data set with a split seed; trials inside it share rows and are never taken for independent.
Every figure comes in natural units with an interval first, its p second. Statements about *these* data sets rest on
seeds within them, statements about data sets *like* these on the scatter between them, and both are given. What was
declared before the first trial is tested as declared, with Holm's method in each family; all else is exploratory.

A trial that is infeasible is censored, not missing: P(feasible) stands beside every mean. What the table cannot answer
(one seed, one level, empty cells, clocks of a shared machine) is refused with the reason, and never becomes a number.

    >>> from efficienttrust.study.analysis import Options
    >>> Options(margins={"metric.accuracy": 0.01}).level
    0.95
"""

from efficienttrust.study.analysis._analyse import analyse as analyse
from efficienttrust.study.analysis._analyse import analyse_table as analyse_table
from efficienttrust.study.analysis._analyse import read_analysis as read_analysis
from efficienttrust.study.analysis._analyse import write_analysis as write_analysis
from efficienttrust.study.analysis._document import Analysis as Analysis
from efficienttrust.study.analysis._document import Refusal as Refusal
from efficienttrust.study.analysis._document import Section as Section
from efficienttrust.study.analysis._options import Options as Options
from efficienttrust.study.analysis._rows import Estimate as Estimate

__all__ = [
    "Analysis", "Estimate", "Options", "Refusal", "Section", "analyse", "analyse_table", "read_analysis",
    "write_analysis",
]  # fmt: skip
