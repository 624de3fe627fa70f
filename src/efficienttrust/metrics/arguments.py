"""The arguments that metrics take: how each is read and checked, from Python or from the text of a target."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from efficienttrust.errors import UsageError, unknown_name

Arguments = Mapping[str, Any]

REQUIRED: Final = "required"
"""Marks a parameter that has no default."""

BY: Final[Arguments] = {"by": None}
"""Parameters of a group metric: `by` names one sensitive attribute; None takes the intersection of all."""

GAP: Final[Arguments] = {"by": None, "corrected": None}
"""Parameters of a gap of rates: with `corrected` its upward bias in small groups is taken off (see `chance`)."""

NORMS: Final = ("linf", "l2")
"""Norms in which a perturbation is measured."""

ATTACK: Final[Arguments] = {"attack": REQUIRED, "eps": REQUIRED, "norm": "linf"}
"""Parameters of a metric under attack."""

CORRUPTION: Final[Arguments] = {"name": REQUIRED, "severity": REQUIRED}
"""Parameters of a metric under a corruption of the features; severity 1 (mild) to 5."""

EXAMPLES: Final[Mapping[str, str]] = {
    "attack": "pgd",
    "eps": "eps=0.25",
    "name": "gaussian_noise",
    "severity": "severity=3",
    "detector": "energy",
}
"""How an argument may look in a target, for messages."""


def read_argument(metric: str, name: str, value: object, default: object) -> Any:
    """Return the checked value of an argument; raises `UsageError` for an impossible one.

    Arguments without a check of their own take the type of their default: `5` from text becomes a number where the
    default is one.
    """
    if name in _CHECKS:
        return _CHECKS[name](metric, value)
    if value is None or default is None or default is REQUIRED:
        return _text(metric, value)
    try:
        return type(default)(value)  # type: ignore[call-arg]
    except (TypeError, ValueError):
        kind = type(default).__name__
        raise UsageError(f"{name} of {metric} must be of the kind {kind}, like {default!r}, not {value!r}") from None


def _text(metric: str, value: object) -> str | None:
    return None if value is None else str(value)


def _radius(metric: str, value: object) -> float:
    """Read a perturbation radius: a number above 0, or a fraction such as 8/255; kept to six digits, as in the key."""
    try:
        above, _, below = str(value).partition("/")
        radius = float(above) / (float(below) if below else 1.0)
    except (ValueError, ZeroDivisionError):
        raise UsageError(f"eps of {metric} must be a number above 0, e.g. 0.25 or 8/255, not {value!r}") from None
    if not 0 < radius < float("inf"):
        raise UsageError(f"eps of {metric} must be above 0 and finite, not {value}")
    return float(f"{radius:.6g}")


def _norm(metric: str, value: object) -> str:
    text = {"inf": "linf", "2": "l2"}.get(str(value).lower(), str(value).lower())
    if text not in NORMS:
        raise unknown_name(f"norm of {metric}", str(value), NORMS)
    return text


def _severity(metric: str, value: object) -> int:
    text = str(value)
    if text not in {"1", "2", "3", "4", "5"}:
        raise UsageError(f"severity of {metric} must be 1, 2, 3, 4 or 5, not {value!r}")
    return int(text)


def _flag(metric: str, value: object) -> bool | None:
    """Read a switch; off is None, so that it does not show in the name of a measurement."""
    switches = {"true": True, "1": True, "yes": True, "none": None, "false": None, "0": None, "no": None}
    if str(value).lower() not in switches:
        raise UsageError(f"corrected of {metric} is true or false, not {value!r}")
    return switches[str(value).lower()]


_CHECKS: Mapping[str, Callable[[str, object], Any]] = {
    "by": _text,
    "attack": _text,
    "eps": _radius,
    "norm": _norm,
    "name": _text,
    "severity": _severity,
    "corrected": _flag,
}
