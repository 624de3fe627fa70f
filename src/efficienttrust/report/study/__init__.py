r"""The report of a study: one page that needs no network, a PDF for print, and each figure as SVG, PNG and CSV.

A report is content first (`_build` and `sections/`: paragraphs, tables and figures made from the plain analysis and the
table of results), and then drawn twice: by Altair on the page, by matplotlib for print. A method has one colour and one
marker in all of them (`report/_palette.py`), levels keep the order of the study file, and each figure has a sentence
that states its finding, computed from its numbers, which stand behind it as a table.

Nothing on the page says more than the analysis does: planned tests and exploratory figures are told apart, notes and
refusals are shown with their reasons, and threats to validity are generated from the facts of the design.

    >>> from efficienttrust.report.study import as_csv
    >>> from efficienttrust.report.study._content import Interval, Table
    >>> as_csv(Table("effects", "", ("level", "difference"), (("dual", Interval(0.5, 0.25, 0.75)),))).decode()
    'level,difference,"difference, low","difference, high"\ndual,0.5,0.25,0.75\n'
"""

from efficienttrust.report.study._build import build
from efficienttrust.report.study._content import Content
from efficienttrust.report.study._files import Report, as_csv, render_study
from efficienttrust.report.study._source import Source

__all__ = ["Content", "Report", "Source", "as_csv", "build", "render_study"]
