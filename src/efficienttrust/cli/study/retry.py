"""The verb `study retry`: let trials wait again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from efficienttrust.cli._output import print_json
from efficienttrust.cli.study._store import opened
from efficienttrust.errors import UsageError

if TYPE_CHECKING:
    from efficienttrust.study.store import State


def retry(
    study: str, /, *, failed: bool = False,
    trial: Annotated[list[str] | None, Parameter(consume_multiple=True)] = None,
    store: str | None = None, json: bool = False,
) -> int:  # fmt: skip
    """Let trials that failed, or single trials, wait again; `study run` runs them. Their attempts stay on record.

    Args:
        study: Study file, or the store itself (a path or a postgresql:// address).
        failed: All trials that failed; with --trial only those of them.
        trial: Trials by the first digits of their keys, whatever they came to.
        store: The store, where it is not beside the study file.
        json: Print one JSON document on stdout.
    """
    if not failed and not trial:
        raise UsageError("study retry: say which trials: --failed, or --trial KEY")
    states: tuple[State, ...] = ("failed",) if failed else ()
    with opened(study, store, read_only=False) as one:
        keys = [one.full_key(beginning) for beginning in trial] if trial else None
        count = one.retry(*states, keys=keys)
    if json:
        print_json({"waiting_again": count})
    else:
        print(f"{count} trials wait again; run them: efficienttrust study run {study}")
    return 0
