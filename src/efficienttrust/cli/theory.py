"""The verb `theory`: the results that limits rest on, with what they assume and when they say nothing."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from cyclopts import App

from efficienttrust.cli._output import print_json
from efficienttrust.cli._tables import print_table, text

if TYPE_CHECKING:
    from efficienttrust.theory import Bound, Result

theory = App(name="theory", help="Show the theoretical results that limits rest on.")
WIDTH = 80  # columns of running text


@theory.command(name="list")
def list_results(*, json: bool = False) -> int:
    """List all results.

    Args:
        json: Print one JSON document on stdout.
    """
    from efficienttrust.theory import all_results

    found = all_results()
    if json:
        print_json({"results": [_plain(one) for one in found]})
    else:
        print_table(["", "result", "good for"], [(one.code, one.title, one.good_for) for one in found])
    return 0


@theory.command
def show(code: str, /, *, json: bool = False) -> int:
    """Show one result: statement, assumptions, source, what it is good for, when it is vacuous, a worked number.

    Args:
        code: Its code as `T4`, or its name.
        json: Print one JSON document on stdout.
    """
    from efficienttrust.theory import results

    found = results.get(code.upper() if code[1:].isdigit() else code)
    worked = found.worked()
    if json:
        print_json({**_plain(found), "worked": _number(worked)})
        return 0
    print(f"{found.code}: {found.title}{' (a result of this project)' if found.own else ''}\n")
    for name, said in (
        ("Statement", found.statement),
        ("Assumptions", "\n".join(f"- {one}" for one in found.assumptions)),
        ("Source", found.source),
        ("Good for", found.good_for),
        ("Vacuous when", found.vacuous_when),
        ("Functions", ", ".join(f"efficienttrust.theory.{one}" for one in found.functions)),
        ("Worked number", f"{found.worked_text.rstrip('.')}: {text(float(worked))} ({worked.kind})"),
    ):
        print(f"{name}\n{_indented(said)}\n")
    return 0


def _plain(result: Result) -> dict[str, Any]:
    kept = ("code", "title", "statement", "assumptions", "source", "good_for", "vacuous_when", "functions", "own")
    return {name: getattr(result, name) for name in (*kept, "worked_text")}


def _number(bound: Bound) -> dict[str, Any]:
    return {"value": float(bound), "kind": bound.kind, "vacuous": bound.vacuous, "reason": bound.reason}


def _indented(said: str) -> str:
    return "\n".join(
        textwrap.fill(line, WIDTH, initial_indent="  ", subsequent_indent="    " if line.startswith("- ") else "  ")
        for line in said.splitlines()
    )
