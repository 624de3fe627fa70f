"""The report of a run: a page for people who must judge a model, and a model card for those who receive it.

`render_report` turns what a run left on disk (`run.json`, the history, the decisions) into one HTML file: verdicts
first, then what was traded, the trajectory, the ledger, the groups, and everything needed to check it. The page loads
nothing, needs no JavaScript, follows the reader's light or dark scheme and fits a telephone. Every figure has a
sentence that states its finding, computed from the numbers, and the numbers themselves as a table.

`model_card` writes the same outcome as Markdown with the YAML front matter of the Hugging Face hub. `render_audit`
makes the page of an audit (`audit.json`) by the same rules, with the alarms right after the verdicts; `render_frontier`
that of a curve (`frontier.json`), with the table to pick a point from. All of them say
which metric, which groups and which interval, and never more than was measured. `suppress_small_cells` takes out of a
document what tells of fewer than ten people, before it becomes a page.

    >>> import pandas as pd
    >>> from efficienttrust.report import render_report
    >>> page = render_report({"problem": {"name": "loans"}}, pd.DataFrame(), pd.DataFrame())
    >>> page.startswith("<!DOCTYPE html>")
    True
"""

from efficienttrust.report._audit import render_audit
from efficienttrust.report._audit_numbers import NOT_OF_NUMBERS
from efficienttrust.report._card import model_card
from efficienttrust.report._comparisons import compares_groups
from efficienttrust.report._decision_cells import is_few
from efficienttrust.report._frontier import render_frontier, suggested_command
from efficienttrust.report._page import render_report
from efficienttrust.report._small_cells import LEAST, suppress_small_cells
from efficienttrust.report._small_frontier import withhold_points
from efficienttrust.report._small_harm import withhold_harm

__all__ = [
    "LEAST",
    "NOT_OF_NUMBERS",
    "compares_groups",
    "is_few",
    "model_card",
    "render_audit",
    "render_frontier",
    "render_report",
    "suggested_command",
    "suppress_small_cells",
    "withhold_harm",
    "withhold_points",
]
