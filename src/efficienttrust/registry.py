"""One registry per kind of thing (metric, attack, policy, data set): adding one is adding one file.

A registry is told the package whose modules register into it; the first lookup imports them all, so that
`import efficienttrust` stays fast and nobody keeps a list by hand. Installed packages of others take part through entry
points: `[project.entry-points."efficienttrust.metrics"]` with `my_metric = "my_package.module:METRIC"` registers that
object as `my_metric`; where the value is a module, importing it is enough, as it registers what it holds.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
import sys
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Generic, TypeVar

from efficienttrust.errors import UsageError, unknown_name

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

T = TypeVar("T")


class Registry(Generic[T]):
    """Names, with aliases, of the things of one kind.

    Args:
        kind: What a thing is called in messages, e.g. `"metric"`.
        package: Dotted name of the package whose modules call `register` when imported.
        of: Class that every thing must be an instance of, where there is one.
    """

    def __init__(self, kind: str, package: str, of: type | None = None) -> None:
        self.kind = kind
        self._package = package
        self._of = of
        self._loaded: set[EntryPoint] = set()
        self._things: dict[str, T] = {}
        self._aliases: dict[str, str] = {}
        self._origins: dict[str, str] = {}
        self._discovered = False

    def register(self, name: str, *aliases: str) -> Callable[[T], T]:
        """Decorate a class or function (or call with a value) to make it known under `name` and `aliases`.

        Raises:
            ValueError: A name is taken; the message says which module took it.
        """
        return self._registering(sys._getframe(1).f_globals.get("__name__", "unknown"), name, *aliases)

    def _registering(self, origin: str, name: str, *aliases: str) -> Callable[[T], T]:
        def add(thing: T) -> T:
            if self._of is not None and not isinstance(thing, self._of):
                raise TypeError(f"{self.kind} {name!r} must be a {self._of.__name__}, not a {type(thing).__name__}")
            for key in (name, *aliases):
                if key in self._aliases:
                    raise ValueError(
                        f"{self.kind} {key!r} is registered twice: {self._origins[key]} did first, then {origin}; "
                        "choose another name"
                    )
                self._aliases[key], self._origins[key] = name, origin
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

    @property
    def entry_points(self) -> str:
        """Name of the group of entry points under which other packages register, e.g. `efficienttrust.metrics`."""
        plural = f"{self.kind[:-1]}ies" if self.kind.endswith("y") else f"{self.kind}s"
        return f"efficienttrust.{plural.replace(' ', '_')}"

    def _discover(self) -> None:
        if self._discovered:
            return
        self._discovered = True
        try:
            package = importlib.import_module(self._package)
            for module in pkgutil.iter_modules(package.__path__):
                importlib.import_module(f"{self._package}.{module.name}")
            self._load_entry_points()
        except BaseException:
            self._discovered = False
            raise

    def _load_entry_points(self) -> None:
        for point in _installed(tuple(sys.path)):
            if point.group != self.entry_points or point in self._loaded:
                continue
            try:
                thing = point.load()
                if not isinstance(thing, ModuleType):
                    self._registering(point.value, point.name)(thing)
            except Exception as error:
                package = f"{point.dist.name} {point.dist.version}" if point.dist else "unknown"
                reason = f"{type(error).__name__}: {error}".partition("\n")[0]
                raise UsageError(
                    f"the {self.kind} {point.name!r} of the installed package {package} cannot be loaded "
                    f"from {point.value} ({reason}): repair or uninstall that package"
                ) from error
            self._loaded.add(point)


@functools.lru_cache(maxsize=1)
def _installed(path: tuple[str, ...]) -> tuple[EntryPoint, ...]:
    """Return the entry points meant for us of every package on the path; to read them takes tens of milliseconds."""
    from importlib.metadata import distributions

    packages = {package.name: package for package in reversed([*distributions()])}  # the first on the path counts
    points = (point for package in packages.values() for point in package.entry_points)
    return tuple(point for point in points if point.group.startswith("efficienttrust."))
