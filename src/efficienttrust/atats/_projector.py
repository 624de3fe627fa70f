"""The projector: what any policy wants is clipped to what is allowed, and slowed to what is sane."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection
from typing import Any

from efficienttrust.atats._action import TrustAction
from efficienttrust.atats._dials import ATTACKS, DIALS


def project(
    wanted: TrustAction, present: TrustAction, *, start: bool = False, held: Collection[str] = ()
) -> tuple[TrustAction, tuple[str, ...]]:
    """Return the nearest allowed action and what had to be changed, one text per dial.

    A value that is not a finite number keeps the present setting. The budget itself is enforced by the loop, which
    stops before the reserve whatever the action says.

    Args:
        wanted: What the policy asked for.
        present: The setting in force.
        start: There is no present setting yet: ranges hold, rates do not.
        held: Dials that stay as they are, and attacks that are not there, as nothing in this run carries them out; a
            wish for one is noted.
    """
    notes: list[str] = []
    allowed: dict[str, Any] = {}
    for dial in DIALS:
        value, kept = getattr(wanted, dial.name), float(getattr(present, dial.name))
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            notes.append(f"{dial.name}: {value} is not a number, kept {kept:.4g}")
            value = kept
        low, high = (dial.low, dial.high) if start else dial.reachable(kept)
        clipped = kept if dial.name in held else min(max(float(value), low), high)
        if clipped != value:
            why = "held, as nothing here carries it out" if dial.name in held else f"clipped to {clipped:.4g}"
            notes.append(f"{dial.name}: {value:.4g} {why}")
        allowed[dial.name] = clipped
    attack = wanted.attack
    if attack not in ATTACKS:
        notes.append(f"attack: {attack!r} is unknown, kept {present.attack}")
        attack = present.attack
    elif attack in held:
        notes.append(f"attack: {attack} held, as nothing here carries it out; kept {present.attack}")
        attack = present.attack
    return dataclasses.replace(wanted, attack=attack, stop=bool(wanted.stop), **allowed), tuple(notes)
