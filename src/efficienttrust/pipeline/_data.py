"""The data of a request, whatever they are: a table or images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from efficienttrust.data import Problem, load_image_problem, load_problem
from efficienttrust.data.images import is_image_source
from efficienttrust.errors import UsageError

FOR_IMAGES = ("label", "sensitive", "limit", "resolution", "limitations")


def load_data(source: object, settings: Mapping[str, Any], *, seed: int) -> Problem:
    """Load a table or images to learn from.

    Args:
        source: What `load_problem` or `load_image_problem` takes.
        settings: Options of either; None, False and empty ones are not given.
        seed: Seed of the splits.

    Raises:
        UsageError: The data cannot be used, or an option does not fit them.
    """
    given = {name: value for name, value in settings.items() if is_given(value)}
    if not is_image_source(source):
        if "limit" in given:
            raise UsageError("--limit is for images; give a table with fewer rows instead")
        if "resolution" in given:
            raise UsageError("--resolution is for images: tables have no pixels; leave it out")
        return load_problem(source, **given, seed=seed)
    for name in given:
        if name not in FOR_IMAGES:
            raise UsageError(f"--{name.replace('_', '-')} is for tables; images have no columns: leave it out")
    return load_image_problem(source, **given, seed=seed)


def is_given(value: object) -> bool:
    """Return whether an option was given: it is not None, False or empty; 0 was given."""
    return not (value is None or value is False or (isinstance(value, str | list | tuple) and not value))
