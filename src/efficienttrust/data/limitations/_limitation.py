"""What a limitation is, the registry of limitations, and how one is read from text."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from efficienttrust.data._problem import Problem
from efficienttrust.errors import UsageError, did_you_mean
from efficienttrust.registry import Registry


@dataclass(frozen=True)
class LimitationKind:
    """One kind of limitation, as registered.

    Attributes:
        name: Its name.
        definition: What it does to a problem, in one sentence.
        level: What the level is a share of.
        run: Returns the limited problem and the account of what was done. The level is above 0; third argument is what
            random numbers are keyed by.
        kinds: Permitted values of `kind`, the default first; empty where there is one only.
        groups: Whether it `may` or `must` act on one group, named by `by` and `group`; `attribute`: `by` may name a
            sensitive attribute; `no`: it knows no groups.
    """

    name: str
    definition: str
    level: str
    run: Callable[[Problem, Limitation, tuple[object, ...]], tuple[Problem, str]]
    kinds: tuple[str, ...] = ()
    groups: Literal["no", "may", "must", "attribute"] = "no"

    @property
    def options(self) -> tuple[str, ...]:
        """Names of its options."""
        by = {"no": (), "attribute": ("by",), "may": ("by", "group"), "must": ("by", "group")}[self.groups]
        return (*(("kind",) if self.kinds else ()), *by)


@dataclass(frozen=True)
class Limitation:
    """A limitation at a level.

    Attributes:
        name: Name of its kind.
        level: How strong it is, in [0, 1); 0 does nothing.
        options: Option to its value; without those left at their default.
    """

    name: str
    level: float
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """Value of `kind`, the default where none was given; empty where there is one only."""
        kinds = limitations.get(self.name).kinds
        return self.options.get("kind", kinds[0]) if kinds else ""

    @property
    def text(self) -> str:
        """The canonical text, which parses to an equal limitation."""
        return f"{self.name}({', '.join([repr(self.level), *(f'{k}={v}' for k, v in self.options.items())])})"

    def __str__(self) -> str:
        return self.text


limitations: Registry[LimitationKind] = Registry(
    "limitation", "efficienttrust.data.limitations.catalogue", of=LimitationKind
)

_FORM = re.compile(r"\s*(\w+)\s*\((.*)\)\s*", re.DOTALL)
_NEXT_OPTION = re.compile(r",\s*(?=\w+\s*=)")


def parse_limitation(text: str) -> Limitation:
    """Read one limitation, e.g. `label_noise(0.2)` or `biased_sampling(0.8, by=sex, group=Female)`.

    Raises:
        UsageError: Unknown limitation or option, a level outside [0, 1), an option without its value or its partner.
    """
    match = _FORM.fullmatch(text)
    if match is None:
        raise UsageError(f"limitation {text!r} is not of the form name(level, option=value, …), e.g. label_noise(0.2)")
    name = limitations.canonical(match[1])
    kind = limitations.get(name)
    first, *rest = _NEXT_OPTION.split(match[2])
    level, given = _level(first, text), _options(rest, kind, text)
    if kind.kinds and "kind" in given:
        if given["kind"] not in kind.kinds:
            raise UsageError(
                f"limitation {text!r}: no kind {given['kind']!r}.{did_you_mean(given['kind'], kind.kinds)}"
            )
        if given["kind"] == kind.kinds[0]:
            del given["kind"]
    if "group" in kind.options and (kind.groups == "must" or given.keys() & {"by", "group"}):
        for option in ("by", "group"):
            if option not in given:
                example = f"{name}({level}, by=sex, group=Female)"
                raise UsageError(f"limitation {text!r} acts on one group and lacks {option}=…: write e.g. {example}")
    return Limitation(name, level, {option: given[option] for option in kind.options if option in given})


def _level(text: str, whole: str) -> float:
    try:
        level = float(text)
    except ValueError:
        level = -1.0
    if not 0.0 <= level < 1.0:
        raise UsageError(f"limitation {whole!r}: the level {text.strip()!r} is no number from 0 to just below 1")
    return level + 0.0  # no -0.0


def _options(parts: list[str], kind: LimitationKind, text: str) -> dict[str, str]:
    given: dict[str, str] = {}
    for part in parts:
        option, _, value = (piece.strip() for piece in part.partition("="))
        if option not in kind.options:
            hint = did_you_mean(option, kind.options) or " It has none."
            raise UsageError(f"limitation {text!r}: {kind.name} has no option {option!r}.{hint}")
        if option in given:
            raise UsageError(f"limitation {text!r}: option {option!r} is given twice; keep one")
        if not value:
            raise UsageError(f"limitation {text!r}: option {option!r} has no value; write {option}=…")
        given[option] = value
    return given
