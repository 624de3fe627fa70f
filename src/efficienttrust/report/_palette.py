"""Colour and marker by name of a method: the same in every figure, interactive or printed, and in every study.

Okabe and Ito's hues (2008), orange and sky blue darker than theirs so that a mark keeps a contrast of 3:1 on white.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from efficienttrust.report._theme import DARK, LIGHT

HUES: Mapping[str, tuple[str, str]] = {
    "grey": (LIGHT["grey"], DARK["grey"]),
    "blue": (LIGHT["blue"], DARK["blue"]),
    "vermillion": (LIGHT["vermillion"], DARK["vermillion"]),
    "green": (LIGHT["green"], DARK["green"]),
    "purple": ("#b8618f", "#d98bb6"),
    "orange": ("#b07800", "#e69f00"),
    "sky": ("#2b8cc4", "#8fd0f5"),
}
"""Light and dark hex of each hue."""
MARKERS: Mapping[str, str] = {
    "circle": "o", "triangle-up": "^", "diamond": "D", "square": "s", "cross": "P", "triangle-down": "v",
    "triangle-right": ">",
}  # fmt: skip
"""Name in Vega, and code in matplotlib."""


@dataclass(frozen=True)
class Style:
    """How a series looks.

    Attributes:
        light: Hex colour on white.
        dark: On the dark page.
        marker: Key of `MARKERS`.
    """

    light: str
    dark: str
    marker: str


def _style(hue: str, marker: str) -> Style:
    return Style(*HUES[hue], marker)


PLAIN = _style("grey", "circle")
_KNOWN: Mapping[str, tuple[str, str]] = {
    "baseline": ("grey", "circle"), "unconstrained": ("grey", "square"), "none": ("grey", "triangle-up"),
    "atats": ("blue", "diamond"), "plan": ("blue", "circle"), "dual": ("blue", "square"), "pid": ("blue", "cross"),
    "rule": ("blue", "triangle-up"), "rl": ("blue", "triangle-down"), "conditional": ("blue", "triangle-right"),
    "static": ("sky", "square"), "static_grid": ("sky", "circle"), "successive_halving": ("sky", "diamond"),
    "early_stop": ("sky", "cross"),
    "exponentiated_gradient": ("green", "square"), "grid_search": ("green", "circle"),
    "trees_eg": ("green", "diamond"), "reweighing": ("green", "triangle-up"), "group_dro": ("green", "cross"),
    "fair_batch": ("green", "triangle-down"), "adversarial_debiasing": ("green", "triangle-right"),
    "threshold": ("orange", "circle"), "threshold_aware": ("orange", "diamond"),
    "trees_threshold": ("orange", "square"), "penalty": ("orange", "triangle-up"),
    "pgd_at": ("vermillion", "triangle-up"), "trades": ("vermillion", "circle"), "free_at": ("vermillion", "square"),
    "fast_at": ("vermillion", "diamond"), "eg_on_robust": ("vermillion", "cross"),
    "prune_only": ("purple", "square"), "quantise_only": ("purple", "circle"), "reduced_width": ("purple", "diamond"),
}  # fmt: skip
_NAME = re.compile(r"[a-z_]+", re.IGNORECASE)


def styles(names: Sequence[str]) -> dict[str, Style]:
    """Return the style of each name: its own if the method is known, else the next that none of the others has.

    Args:
        names: Levels in the order of the study file; variants of a known method, as `dual(2)`, share nothing with it.
    """
    found: dict[str, Style] = {name: _style(*_KNOWN[name]) for name in names if name in _KNOWN}
    for name in names:
        match = _NAME.match(name)
        if name not in found and match is not None and match[0] in _KNOWN:
            own = _style(*_KNOWN[match[0]])
            if own not in found.values():
                found[name] = own
    hues, markers = list(HUES), list(MARKERS)
    free = [_style(hues[i], markers[(i + shift) % len(markers)]) for shift, i in itertools.product(range(7), range(7))]
    colours = {one.light for one in found.values()}
    free = [one for one in free if one not in found.values()]
    free.sort(key=lambda one: one.light in colours)  # a hue of its own first; the sort is stable
    rest = [name for name in dict.fromkeys(names) if name not in found]
    found |= dict(zip(rest, itertools.cycle(free or [PLAIN]), strict=False))
    return {name: found[name] for name in names}
