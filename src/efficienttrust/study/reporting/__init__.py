"""From a study on disk to its report: export, analysis, report, each made again only where it is stale.

`make_report` takes a study file, its store, or the folder of a study that has been exported. The analysis is made again
where the table of results is another one than it was made from; the report itself is always made again. Files are whole
or not there.

    >>> from efficienttrust.study.reporting import folder_of
    >>> str(folder_of("studies/small.yaml"))
    'studies/small'
"""

from efficienttrust.study.reporting._make import MadeReport as MadeReport
from efficienttrust.study.reporting._make import folder_of as folder_of
from efficienttrust.study.reporting._make import make_report as make_report

__all__ = ["MadeReport", "folder_of", "make_report"]
