"""Clinical records: a MIMIC-IV release to a table with one row a stay in intensive care.

A *sequence* is a wide table: the column `heart_rate@07` is the mean heart rate in the eighth hour after entry, missing
where nothing was recorded; columns without `@` describe the whole stay. What a row may know ends with the window: no
value charted later is read, and the labels (death in hospital, length of stay, readmission) come from the tables of
admissions and stays alone.

The tables of events are streamed, so that 20 million rows take seconds and some hundred megabytes. Credentialed data
stays where it is: nothing is copied beside it, and neither errors nor notes show a cell or a count below ten.

Example:
    >>> from efficienttrust.data.clinical import VARIABLES
    >>> [variable.name for variable in VARIABLES][:3]
    ['heart_rate', 'systolic_pressure', 'diastolic_pressure']
"""

from efficienttrust.data.clinical._mimic_iv import WINDOWS, read_mimic_iv
from efficienttrust.data.clinical._variables import VARIABLES, Variable

__all__ = ["VARIABLES", "WINDOWS", "Variable", "read_mimic_iv"]
