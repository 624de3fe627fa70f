"""Tables with too few rows for five splits: all rows serve as every split, and the run claims no figures.

With fewer than 20 rows of a class some split would lack it. A plain classifier may still be wanted (of a fold, of a
demonstration): then every row is trained on, thresholds are fitted on the same rows, and what would be measured on them
is said not to be known. Targets are refused: nothing is left to judge them on.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from efficienttrust.data import SPLITS, Problem, load_problem
from efficienttrust.data._splits import LEAST_PER_CLASS
from efficienttrust.errors import UsageError
from efficienttrust.integrations._tables import Table
from efficienttrust.pipeline import Run

SAID = "too few rows for five splits ({found}): all rows serve as every split, and nothing is measured on new rows"
UNKNOWN = "not estimable: the rows were trained on"


def too_few(table: Table) -> str | None:
    """Return which class has fewer rows than five splits need, as a text; None where each has enough."""
    counts = table.frame[table.label].value_counts().reindex(list(table.texts))
    least = int(counts.to_numpy().argmin())
    if counts.iloc[least] >= LEAST_PER_CLASS:
        return None
    return f"label {table.texts[least]!r} in {counts.iloc[least]} rows, {LEAST_PER_CLASS} needed"


def refuse_targets(found: str) -> None:
    """Raise `UsageError`: targets were given, and no row is left to judge them on."""
    raise UsageError(f"too few rows to judge a target on rows not trained on ({found}): give more, or no targets")


def load_shared(table: Table, found: str, **settings: Any) -> Problem:
    """Load a table whose rows all belong to every split.

    `load_problem` deals each row to one split and wants 20 of a class, so it is given copies of them all; one copy is
    kept, so that training sees each row once a pass.

    Args:
        table: The table.
        found: From `too_few`.
        settings: For `load_problem`.
    """
    import pandas as pd

    n, fewest = len(table.frame), int(table.frame[table.label].value_counts().min())
    copies = max(len(SPLITS), math.ceil(LEAST_PER_CLASS / max(fewest, 1)))
    names = ["test", *(name for name in SPLITS if name not in ("test", "train"))]  # so that the rows kept come first
    names += ["train"] * (copies - len(names))
    column = "split"
    while column in table.frame.columns:
        column += " (split)"
    copied = pd.concat([table.frame] * copies, ignore_index=True)
    copied[column] = np.repeat(names, n)
    problem = load_problem(copied, split_column=column, **settings)
    shared = problem.splits["test"]
    return replace(
        problem,
        splits=dict.fromkeys(SPLITS, shared),
        inputs=problem.inputs.loc[shared.rows],
        columns=tuple(replace(one, missing=one.missing // copies) for one in problem.columns),
        notes=(SAID.format(found=found),),  # the other notes count copies
    )


def without_figures(run: Run, found: str) -> Run:
    """Return a run that claims nothing about rows that it was trained on.

    Args:
        run: Of a problem from `load_shared`.
        found: From `too_few`.
    """
    document = dict(run.document)
    for part in ("metrics", "groups", "stages"):
        document[part] = _blanked(document[part])
    document["candidates"] = [{**one, "metrics": {}} for one in document["candidates"]]
    document["fallbacks"] = [SAID.format(found=found), *document["fallbacks"]]
    return replace(run, document=document)


def _blanked(node: Any) -> Any:
    """Return a part of the document with its measurements unknown."""
    if isinstance(node, Mapping):
        if "value" in node:
            return {**node, "value": math.nan, "low": math.nan, "high": math.nan, "n": 0, "note": UNKNOWN}
        return {key: _blanked(value) for key, value in node.items()}
    return [_blanked(item) for item in node] if isinstance(node, list) else node
