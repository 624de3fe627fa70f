"""An executor without processes, whose trials end when it is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from efficienttrust.study import Outcome
from efficienttrust.study.running import Ended
from efficienttrust.study.running.executors._executor import Closing

DONE = Outcome("done", {"metric.x": 1.0})


class FakeExecutor(Closing):
    """Each `wait` ends all trials; first it calls `meanwhile`, and where that returns true, none ends yet."""

    def __init__(self, slots: int, meanwhile: Callable[[], object] = lambda: None, outcome: Outcome = DONE) -> None:
        self.slots, self._meanwhile, self._outcome = slots, meanwhile, outcome
        self.running: list[str] = []
        self.together: list[int] = []
        self.cancelled: list[str] = []

    def submit(self, name: str, settings: Mapping[str, Any], *, exclusive: bool = False) -> None:
        self.running.append(name)

    def wait(self, seconds: float) -> list[Ended]:
        self.together.append(len(self.running))
        if self._meanwhile():
            return []
        over, self.running = self.running, []
        return [Ended(name, self._outcome) for name in over]

    def cancel(self, name: str) -> None:
        if name in self.running:
            self.running.remove(name)
            self.cancelled.append(name)

    def close(self) -> None:
        self.running.clear()
