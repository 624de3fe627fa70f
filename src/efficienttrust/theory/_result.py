"""What `theory list` and `theory show` say of a result, and the registry of all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from efficienttrust.registry import Registry
from efficienttrust.theory._bound import Bound


@dataclass(frozen=True)
class Result:
    """One result of the theory.

    Attributes:
        code: Its number, as `T4`.
        title: What it is, in a few words.
        statement: The statement, in plain text with the usual letters.
        assumptions: What has to hold, one clause each.
        source: Papers, with "differs in ..." where ours does.
        good_for: What to use it for, in one or two sentences.
        vacuous_when: When it says nothing.
        functions: The public functions of `efficienttrust.theory` that compute it.
        worked: Computes the worked number that the docs print; a few milliseconds.
        worked_text: What that number is of, in one sentence.
        own: A new result of this project, with its proof in docs/theory.md.
    """

    code: str
    title: str
    statement: str
    assumptions: tuple[str, ...]
    source: str
    good_for: str
    vacuous_when: str
    functions: tuple[str, ...]
    worked: Callable[[], Bound]
    worked_text: str
    own: bool = False


results: Registry[Result] = Registry("theoretical result", "efficienttrust.theory.catalogue", of=Result)


def all_results() -> list[Result]:
    """Return all results by their number."""
    return sorted((results.get(name) for name in results.names()), key=lambda one: int(one.code[1:]))
