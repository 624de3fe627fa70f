"""The verb `study diff`: what differs between two stores."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from efficienttrust.cli._output import print_json
from efficienttrust.cli._tables import print_table
from efficienttrust.cli.study._store import KEY, levels, opened

if TYPE_CHECKING:
    from efficienttrust.study.export import StoreDifference

SHOWN = 20  # differing trials without --all


def diff(first: str, second: str, /, *, tolerance: float = 1e-6, all: bool = False, json: bool = False) -> int:
    """Compare two studies: spec, trials that only one has, and trials that came to other figures.

    Trials are matched by their settings. Seconds, memory, latency and circumstances are summed up, but differ anyway.
    Exit codes: 0 both have the same trials with the same figures, bit for bit; 1 something differs; 2 wrong usage.

    Args:
        first: Study file, or a store (a path or a postgresql:// address).
        second: The other one.
        tolerance: Figures are close where they differ by at most this, absolutely or relatively.
        all: Show all trials that differ, and not the first 20.
        json: Print one JSON document on stdout.
    """
    from efficienttrust.study.export import compare

    with opened(first, None) as one, opened(second, None) as other:
        found = compare(one, other, tolerance=tolerance)
    if json:
        columns = {name: dataclasses.asdict(column) for name, column in found.columns.items()}
        print_json({**dataclasses.asdict(found), "columns": columns, "same": found.same})
    else:
        _show(found, tolerance, all)
    return 0 if found.same else 1


def _show(found: StoreDifference, tolerance: float, everything: bool) -> None:
    for line in found.study:
        print(line)
    for name, keys in (("first", found.only_first), ("second", found.only_second)):
        if keys:
            shown = ", ".join(key[:KEY] for key in keys[: len(keys) if everything else SHOWN])
            print(
                f"{len(keys)} trials only in the {name}: {shown}{'' if everything or len(keys) <= SHOWN else ', ...'}"
            )
    if found.unfinished:
        print(f"{found.unfinished} trials have not ended in both")
    most = len(found.trials) if everything else SHOWN
    for one in found.trials[:most]:
        print(f"{one.key[:KEY]} ({levels(one.factors)}, seed {one.seed})")
        for line in one.what:
            print(f"  {line}")
    if len(found.trials) > most:
        print(f"... and {len(found.trials) - most} more trials: --all shows them")
    rows = [
        (name, column.compared, column.identical, column.close, column.largest, column.mean)
        for name, column in found.columns.items()
        if column.identical < column.compared
    ]
    if rows:
        close = f"within {tolerance:g}"
        print_table(["column", "trials", "identical", close, "largest difference", "second - first"], rows)
    other = f", {found.other_keys} of them under other data or code" if found.other_keys else ""
    print(
        f"{found.compared} trials compared{other}: {found.compared - len(found.trials)} identical, "
        f"{len(found.trials) - found.apart} within the tolerance, {found.apart} apart"
    )
