"""The ablations as tables: parts of ATATS, single dials, single fields of the state."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any

from _atats_statistics import interval

Row = dict[str, Any]
PARTS = """\
`plan` with one part taken out, one dial held or hidden, against `plan` whole, pair by pair: the same data, budget, seed
and state of the code. Below 0: the part helps. The guard never fired here, so its row shows what the noise of the CPU
clock alone does.
"""
ADDED = """\
`plan` with one dial switched on that it leaves alone, at the strength of the baselines (never tuned), against `plan`.
Above 0: the dial helps.
"""
FIELDS = """\
The learned policy with one field of what it reads fixed at the middle of its range in training, against `rl` whole.
(`plan` beneath it reads everything.) Below 0: the field helps.
"""


def ablation_tables(done: list[Row], score: Callable[[Row], float]) -> list[str]:
    """Return the tables.

    Args:
        done: Rows of the ablations.
        score: Of a row, by which it is paired.
    """
    names = list(dict.fromkeys(row["method"] for row in done if row["method"] not in ("plan", "rl")))
    lines: list[str] = []
    for title, said, whole, prefix in (
        ("What each part is worth", PARTS, "plan", "without "),
        ("What further dials would add", ADDED, "plan", "with "),
        ("What the learned policy reads", FIELDS, "rl", "rl without "),
    ):
        table = [_line(name, prefix, whole, done, score) for name in names if name.startswith(prefix)]
        if any(table):
            head = ["| | pairs | score | 95 % | hits | violation | utility |", "|---|---|---|---|---|---|---|"]
            lines += [f"## {title}", "", said, *head, *filter(None, table), ""]
    return lines


def _line(name: str, prefix: str, whole: str, done: list[Row], score: Callable[[Row], float]) -> str:
    full = {_key(row): row for row in done if row["method"] == whole}
    pairs = [(row, full[_key(row)]) for row in done if row["method"] == name and _key(row) in full]
    if not pairs:
        return ""
    mean, low, high = interval([score(one) - score(other) for one, other in pairs])
    gaps = {key: statistics.mean(float(one[key]) - float(other[key]) for one, other in pairs)
            for key in ("hit", "violation", "utility")}  # fmt: skip
    return (
        f"| {name.removeprefix(prefix)} | {len(pairs)} | {mean:+.4f} | {low:+.4f} to {high:+.4f} | "
        f"{gaps['hit']:+.2f} | {gaps['violation']:+.4f} | {gaps['utility']:+.4f} |"
    )


def _key(row: Row) -> tuple[Any, ...]:
    return tuple(row.get(name) for name in ("case", "share", "seed", "code"))
