"""What readers of a run or an audit get to see: of clinical data, nothing about fewer than ten people."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from efficienttrust.data import Problem, summary
from efficienttrust.pipeline._document import plain

if TYPE_CHECKING:
    import pandas as pd

_FIGURES = ("value", "low", "high", "bound")


def for_readers(document: Mapping[str, Any], *, show_small_cells: bool = False) -> Mapping[str, Any]:
    """Return a document as pages, cards and printed output show it.

    Of clinical data (`problem.clinical` or `data.clinical`) small cells are withheld, see
    `efficienttrust.report.suppress_small_cells` and, of whom a compression hurt, `withhold_harm`; all other documents
    are returned as they are.

    Args:
        document: The content of `run.json` or `audit.json`, or a part of it with `problem` or `data`.
        show_small_cells: Withhold nothing.
    """
    rows = document.get("problem") or document.get("data") or {}
    if show_small_cells or not rows.get("clinical"):
        return document
    from efficienttrust.report import suppress_small_cells, withhold_harm

    given = plain(document)
    compression = given.get("compression") or {}
    compared = {key: compression.pop(key) for key in ("harm", "flip_bound") if key in compression}
    shown: dict[str, Any] = suppress_small_cells(given)
    if compression:
        shown["compression"] = withhold_harm({**shown["compression"], **compared}, shown)
    found: dict[str, Any] = _with_nan(shown)
    return found


def notes_for_readers(problem: Problem, *, show_small_cells: bool = False) -> Sequence[str]:
    """Return the notes of a problem, of clinical data without counts below ten."""
    if problem.card is None or not problem.card.clinical:
        return problem.notes
    told = for_readers({"problem": summary(problem)}, show_small_cells=show_small_cells)["problem"]["notes"]
    return tuple(map(str, told))


def trajectory_for_readers(
    shown: Mapping[str, Any], history: pd.DataFrame, decisions: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return history and decisions without the metrics that a document of clinical data withholds.

    Where it withholds a group, all metrics that compare groups go: on monitor rows others may decide them. So do points
    of accuracy that count 1 to 9 rows of monitor.

    Args:
        shown: From `for_readers`.
        history: One row per monitor point.
        decisions: One row per change of a dial.
    """
    if not (shown.get("problem") or {}).get("clinical"):
        return history, decisions
    import pandas as pd

    from efficienttrust.report import LEAST, compares_groups, is_few

    metrics: Mapping[str, Any] = shown.get("metrics") or {}
    hidden = {key for key, one in metrics.items() if str(one.get("note") or "").startswith("withheld")}
    rows = [*(shown.get("groups") or []), *(shown["problem"].get("groups") or [])]
    if any(isinstance(row.get("n"), str) for row in rows):
        hidden |= {key for key in (str(name).removesuffix(" (calibrated)") for name in history) if compares_groups(key)}
    kept = [name for name in history if str(name).removesuffix(" (calibrated)") not in hidden]
    history = history[kept].copy()
    for name in sorted({"accuracy", "accuracy (calibrated)"} & set(kept)):
        counted = history.get("monitor_rows", pd.Series(math.nan, history.index))
        few = [is_few(value, n, LEAST) for value, n in zip(history[name], counted, strict=True)]
        history[name] = history[name].mask(pd.Series(few, history.index, dtype=bool))
    if "reason" in decisions:  # it repeats the figures of a metric
        told = ["withheld" if any(key in str(one) for key in hidden) else one for one in decisions["reason"]]
        decisions = decisions.assign(reason=told)
    return history, decisions


def _with_nan(node: Any) -> Any:
    """Turn the nulls of measurements and bounds into NaN, as they are in a document in memory."""
    if isinstance(node, list):
        return [_with_nan(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: math.nan if item is None and key in _FIGURES and "n" in node else _with_nan(item)
        for key, item in node.items()
    }
