"""Colour and marker by name of a method: the same in every figure, interactive or printed, and in every study.

Okabe and Ito's hues (2008), orange and sky blue darker than theirs so that a mark keeps a contrast of 3:1 on white.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
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


def styles(names: Sequence[str], taken: Collection[Style] = ()) -> dict[str, Style]:
    """Return the style of each name: its own if the method is known, else a free one, in a hue of its own if possible.

    Args:
        names: Levels in the order of the study file; the second variant of a known method, as `dual(2)`, is no known
            one.
        taken: Styles of other levels that may stand in the same picture.
    """
    found: dict[str, Style] = {name: _style(*_KNOWN[name]) for name in names if name in _KNOWN}
    for name in dict.fromkeys(names):
        match = _NAME.match(name)
        own = _style(*_KNOWN[match[0]]) if match is not None and match[0] in _KNOWN else None
        if name not in found and own is not None and own not in found.values():
            found[name] = own
    for name in dict.fromkeys(names):
        if name not in found:
            free = [one for one in _ALL if one not in found.values() and one not in taken]
            hues = {one.light for one in found.values()}
            fresh = [one for one in free if one.light not in hues]
            found[name] = (fresh or free or [_ALL[len(found) % len(_ALL)]])[0]
    return {name: found[name] for name in names}


_ALL = tuple(
    _style(hue, list(MARKERS)[(place + shift) % len(MARKERS)])
    for shift in range(len(MARKERS)) for place, hue in enumerate(HUES)
)  # fmt: skip
