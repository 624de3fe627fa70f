"""One registry per kind of thing (metric, attack, policy, data set): adding one is adding one file.

A registry is told the package whose modules register into it; the first lookup imports them all, so that
`import efficienttrust` stays fast and nobody keeps a list by hand.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from typing import Generic, TypeVar

from efficienttrust.errors import unknown_name

T = TypeVar("T")


class Registry(Generic[T]):
    """Names, with aliases, of the things of one kind.

    Args:
        kind: What a thing is called in messages, e.g. `"metric"`.
        package: Dotted name of the package whose modules call `register` when imported.
    """

    def __init__(self, kind: str, package: str) -> None:
        self.kind = kind
        self._package = package
        self._things: dict[str, T] = {}
        self._aliases: dict[str, str] = {}
        self._discovered = False

    def register(self, name: str, *aliases: str) -> Callable[[T], T]:
        """Decorate a class or function (or call with a value) to make it known under `name` and `aliases`."""

        def add(thing: T) -> T:
            for key in (name, *aliases):
                if key in self._aliases:
                    raise ValueError(f"{self.kind} {key!r} is registered twice")
                self._aliases[key] = name
            self._things[name] = thing
            return thing

        return add

    def canonical(self, name: str) -> str:
        """Return the full name behind a name or alias; raises `UsageError` with a did-you-mean."""
        self._discover()
        if name not in self._aliases:
            raise unknown_name(self.kind, name, self._aliases)
        return self._aliases[name]

    def get(self, name: str) -> T:
        """Return the thing registered under a name or alias; raises `UsageError` with a did-you-mean."""
        return self._things[self.canonical(name)]

    def names(self) -> list[str]:
        """Return all full names, sorted."""
        self._discover()
        return sorted(self._things)

    def _discover(self) -> None:
        if self._discovered:
            return
        self._discovered = True
        package = importlib.import_module(self._package)
        for module in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"{self._package}.{module.name}")
