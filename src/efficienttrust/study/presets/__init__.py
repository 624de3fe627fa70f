"""Study files to begin with, by name.

A preset is a complete study that validates as it is; `efficienttrust study init NAME FILE` writes it, to be changed.
Adding one is adding one `.yaml` file here.

    >>> preset_names()
    ['clinical', 'images-small', 'tabular-full', 'tabular-small']
"""

from __future__ import annotations

from importlib.resources import files

from efficienttrust.errors import unknown_name


def preset_names() -> list[str]:
    """Return the names of all presets, sorted."""
    found = (one.name for one in files(__name__).iterdir())
    return sorted(name.removesuffix(".yaml") for name in found if name.endswith(".yaml"))


def preset_text(name: str) -> str:
    """Return the text of a preset; raises `UsageError` with a did-you-mean."""
    if name not in preset_names():
        raise unknown_name("preset", name, preset_names())
    return (files(__name__) / f"{name}.yaml").read_text(encoding="utf-8")
