"""What a policy is, the registry of policies, and how one is made from text."""

from __future__ import annotations

import inspect
import math
import re
from typing import Any, Protocol

from efficienttrust.atats._action import TrustAction
from efficienttrust.atats._planner import Plan
from efficienttrust.atats._state import TrustState
from efficienttrust.errors import UsageError, did_you_mean
from efficienttrust.registry import Registry


class Policy(Protocol):
    """Decides the dials. It sees plain numbers and returns plain numbers; the projector has the last word."""

    name: str

    def reset(self, plan: Plan) -> TrustAction:
        """Take the plan of a run and return the setting to start from."""
        ...

    def act(self, state: TrustState) -> TrustAction:
        """Return the setting until the next monitor point."""
        ...

    def state_dict(self) -> dict[str, float]:
        """Return what must outlast a kill."""
        ...

    def load_state_dict(self, state: dict[str, float]) -> None:
        """Take the state of a checkpoint."""
        ...


policies: Registry[type[Policy]] = Registry("policy", "efficienttrust.atats.catalogue")


def make_policy(text: str) -> Policy:
    """Make a policy from its name, with options in parentheses: `static(lambda_fair=0.5, adversarial_share=1)`.

    Raises:
        UsageError: Unknown policy or option, or an option that is not a number.
    """
    match = re.fullmatch(r"\s*(\w+)\s*(?:\((.*)\))?\s*", text)
    if match is None:
        raise UsageError(f"policy {text!r} is not of the form name or name(option=number, …)")
    cls = policies.get(match[1])
    known = {
        name: one.annotation
        for name, one in inspect.signature(cls).parameters.items()
        if name not in ("args", "kwargs")
    }
    options: dict[str, Any] = {}
    for part in filter(None, (piece.strip() for piece in (match[2] or "").split(","))):
        name, _, value = (piece.strip() for piece in part.partition("="))
        if name not in known:
            raise UsageError(f"policy {match[1]!r} has no option {name!r}.{did_you_mean(name, tuple(known))}")
        if known[name] in (str, "str"):
            options[name] = value
            continue
        try:
            options[name] = float(value)
        except ValueError:
            raise UsageError(f"policy option {name}={value!r} is not a number") from None
        if not math.isfinite(options[name]):
            raise UsageError(f"policy option {name}={value!r} is not a finite number")
    return cls(**options)
