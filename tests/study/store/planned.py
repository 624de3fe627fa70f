"""A small study for tests of stores."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Double, literal

from efficienttrust.study import Trial
from efficienttrust.study._trial import content_address, trial_key
from efficienttrust.study.store import StudyIdentity
from efficienttrust.study.store._clock import Instant

IDENTITY = StudyIdentity(
    name="small",
    spec_text="name: small\nseeds: [0, 1, 2]\n",
    design={"name": "small", "seeds": [0, 1, 2]},
    data={"bundled:adult": "d" * 64},
    code={"training": "c" * 64},
    environment={"torch": "2.13.0"},
    command="efficienttrust study run small.yaml",
)


def changed(**values: Any) -> StudyIdentity:
    return dataclasses.replace(IDENTITY, **values)


def plan(
    count: int, *, code: str = "c" * 64, costs: Sequence[float] = (), exclusive: Sequence[int] = ()
) -> list[Trial]:
    """Trials of three models; each model is a cell, and its trials differ by the seed."""
    trials = []
    for number in range(count):
        model, seed = ("linear", "mlp", "trees")[number % 3], number // 3
        settings = {"model": model, "seed": seed, "budget": "time=60 steps"}
        trials.append(
            Trial(
                key=trial_key(settings, data="d" * 64, code=code), cell=content_address({"model": model}),
                factors={"model": model}, settings=settings, seed=seed, exclusive=number in exclusive,
                cost=costs[number] if costs else 0.0,
            )
        )  # fmt: skip
    return trials


class HandClock:
    """A clock that is set by hand; without a boot it is one on which only the wall clock is known."""

    def __init__(self, *, boot: str = "boot 1") -> None:
        self.wall, self.boot, self.since_boot = 1_800_000_000.0, boot, 1000.0

    def __call__(self) -> Instant:
        return Instant(literal(self.wall, Double), self.boot, self.since_boot if self.boot else 0.0)

    def pass_by(self, seconds: float) -> None:
        self.wall += seconds
        self.since_boot += seconds
