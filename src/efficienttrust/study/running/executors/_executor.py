"""What an executor is: it runs trials and decides nothing."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol, Self

from efficienttrust.registry import Registry
from efficienttrust.study._trial import Outcome


@dataclass(frozen=True)
class Limits:
    """When a trial is killed from outside.

    Attributes:
        memory: Most bytes resident in all processes of a trial together, libraries included; None: no limit.
        seconds: Most wall-clock seconds; None: no limit.
    """

    memory: float | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class ExecutorOptions:
    """How trials are to be run.

    Attributes:
        workers: Trials at a time; None: as many as there are cores, or as the executor sees fit.
        address: Of the cluster, for executors that have one.
        limits: When a trial is killed.
    """

    workers: int | None = None
    address: str | None = None
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, eq=False)
class Ended:
    """A trial that is over.

    Attributes:
        name: As it was submitted.
        outcome: What it came to; None where it is *lost*: its process, or the machine under it, was killed by somebody
            else, which says nothing about the trial.
        reason: Why it is lost.
    """

    name: str
    outcome: Outcome | None
    reason: str = ""


class Executor(Protocol):
    """Runs trials, each in a fresh process; a context manager that leaves nothing running.

    Attributes:
        slots: How many trials it runs at a time; more are not submitted.
    """

    slots: int

    def submit(self, name: str, settings: Mapping[str, Any], *, exclusive: bool = False) -> None:
        """Start a trial; `exclusive`: nothing of ours may run beside it on its machine."""
        ...

    def wait(self, seconds: float) -> list[Ended]:
        """Wait until a trial is over, at most so many seconds, and return those that are."""
        ...

    def cancel(self, name: str) -> None:
        """Kill a trial, should it run; nothing more is heard of it."""
        ...

    def close(self) -> None:
        """Kill all trials."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...


executors: Registry[Callable[[ExecutorOptions], Executor]] = Registry(
    "executor", "efficienttrust.study.running.executors.catalogue"
)


class Closing(ABC):
    """A context manager that closes; base of the executors."""

    @abstractmethod
    def close(self) -> None:
        """Kill all trials."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
