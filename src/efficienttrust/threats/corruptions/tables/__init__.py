"""Table corruptions: what happens to a table on its way to a model, without an adversary.

A sensor is noisy, a form comes back half empty, one site writes milligrams where another writes centigrams, a clerk
ticks the wrong box, a supplier drops a column. A corruption changes a raw table (the columns that a model takes, before
any encoding) and returns a table with the same rows and columns. Each has five severities; what a severity means stands
in its definition. Scales come from the training rows (`TableScale`): noise is measured in training standard deviations,
missingness is calibrated there. Immutable columns, columns that are no inputs, and cells that are already missing are
never touched; whole-number columns stay whole.

Everything that is random about a row comes from the seed and the row's index label alone. So a row gets the same
corruption whatever other rows stand beside it, and the cells hit at a low severity are among those hit at a higher one.

Example:
    >>> from efficienttrust.data import load_problem
    >>> from efficienttrust.threats.corruptions.tables import corrupt_table, table_scale
    >>> problem = load_problem("german", sensitive="sex")
    >>> test = problem.raw("test")
    >>> worse = corrupt_table(test, "mcar", 5, columns=table_scale(problem), seed=0)
    >>> int(test.isna().sum().sum()), worse.shape == test.shape
    (0, True)
"""

from efficienttrust.threats.corruptions.tables._answers import corrupted_answers
from efficienttrust.threats.corruptions.tables._batch import Batch
from efficienttrust.threats.corruptions.tables._corruption import (
    SEVERITIES,
    TableCorruption,
    corrupt_table,
    corruption_note,
    table_corruptions,
)
from efficienttrust.threats.corruptions.tables._scale import (
    CategoricalScale,
    NumericScale,
    TableScale,
    table_scale,
)

__all__ = [
    "SEVERITIES",
    "Batch",
    "CategoricalScale",
    "NumericScale",
    "TableCorruption",
    "TableScale",
    "corrupt_table",
    "corrupted_answers",
    "corruption_note",
    "table_corruptions",
    "table_scale",
]
