"""Options of a release as they stand behind its path: `window=24&variables=heart_rate,lactate`."""

from __future__ import annotations

from typing import TypedDict

from efficienttrust.errors import UsageError, unknown_name


class Options(TypedDict, total=False):
    """Keyword arguments of `read_mimic_iv`."""

    window: int
    variables: list[str]


def parse_options(text: str) -> Options:
    """Return the options that a text names; none of an empty text.

    Raises:
        UsageError: An option is unknown, given twice or has no value, or the window is no number.
    """
    options = Options()
    for part in filter(None, text.split("&")):
        name, _, value = part.partition("=")
        if name not in Options.__annotations__:
            raise unknown_name("option of mimic_iv", name, Options.__annotations__)
        if name in options or not value:
            raise UsageError(f"{part!r}: give the option {name} once, as in ?window=24&variables=heart_rate,lactate.")
        if name == "variables":
            options["variables"] = value.split(",")
        elif value.isdecimal():
            options["window"] = int(value)
        else:
            raise UsageError(f"window={value!r} must be a number of hours, 24 or 48.")
    return options
