"""What a run may cost: limits by resource, parsed from text such as `time=20s cpu, size=300kB, latency=2ms`."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace

from efficienttrust.errors import UsageError, did_you_mean, unknown_name
from efficienttrust.resources._units import (
    AMOUNT,
    BYTES,
    COUNT,
    MILLISECONDS,
    RATE,
    SECONDS,
    Kind,
    bytes_text,
    plain,
    positive,
    quantity,
    split_amount,
    whole,
)
from efficienttrust.resources.clocks import COUNTED_CLOCKS, MEASURED_CLOCKS

_COUNTED = (*COUNTED_CLOCKS, "epochs")
_KINDS = {"memory": BYTES, "parameters": COUNT, "size": BYTES, "latency": MILLISECONDS, "throughput": RATE}

RESOURCES = ("time", *_KINDS)
"""Everything a budget can limit."""


@dataclass(frozen=True)
class TimeLimit:
    """How long a run may take, on which clock.

    Attributes:
        amount: Seconds for `wall` and `cpu`; a count for the others.
        clock: `wall`, `cpu`, `steps`, `samples`, `flops` or `epochs`.
    """

    amount: float
    clock: str = "wall"

    def __post_init__(self) -> None:
        if self.clock not in (*MEASURED_CLOCKS, *_COUNTED):
            raise unknown_name("clock", self.clock, (*MEASURED_CLOCKS, *_COUNTED))
        positive(self.amount, f"time={self.amount} {self.clock}")
        if self.clock in ("steps", "samples"):
            whole(self.amount, f"time={plain(self.amount)} {self.clock}")

    @classmethod
    def parse(cls, text: str, where: str | None = None) -> TimeLimit:
        """Read `20s`, `2min cpu`, `500 steps`, `1e6 samples`, `2e12 flops` or `5 epochs`.

        Args:
            text: The amount, its unit, and for seconds optionally the clock (default: wall).
            where: How to name it in errors; default `time=<text>`.
        """
        where = where or f"time={text.strip()}"
        number, rest = split_amount(text, where, SECONDS.example)
        unit, _, last = f" {rest}".rpartition(" ")
        clock = last.lower() if last.lower() in (*MEASURED_CLOCKS, *_COUNTED) else f"{last.lower()}s"
        if clock in _COUNTED:
            return cls(quantity(number, unit, _count_kind(clock), where), clock)
        if clock in MEASURED_CLOCKS:
            return cls(quantity(number, unit, SECONDS, where), clock)
        if unit.strip():
            raise UsageError(f"{where}: unknown clock {last!r}.{did_you_mean(last, (*MEASURED_CLOCKS, *_COUNTED))}")
        return cls(quantity(number, rest, SECONDS, where), "wall")

    def __str__(self) -> str:
        unit = "s" if self.clock in MEASURED_CLOCKS else ""
        return f"{plain(self.amount)}{unit} {self.clock}"


@dataclass(frozen=True, init=False)
class Budget:
    """Limits by resource; a resource without a limit is None.

    Every argument may be text with a unit (`"20s cpu"`, `"300kB"`) or a number in the unit given below.

    Attributes:
        time: How long, on which clock; a bare number means seconds on the wall clock.
        memory: Peak bytes of the process while training.
        parameters: Number of parameters of the model.
        size: Bytes of the artefact on disk.
        latency: Milliseconds for one row, 95th percentile.
        throughput: Rows per second, at least.
    """

    time: TimeLimit | None
    memory: int | None
    parameters: int | None
    size: int | None
    latency: float | None
    throughput: float | None

    def __init__(
        self,
        *,
        time: TimeLimit | str | float | None = None,
        memory: str | float | None = None,
        parameters: str | float | None = None,
        size: str | float | None = None,
        latency: str | float | None = None,
        throughput: str | float | None = None,
    ) -> None:
        given = {"memory": memory, "parameters": parameters, "size": size, "latency": latency, "throughput": throughput}
        object.__setattr__(self, "time", _time_limit(time))
        for resource, value in given.items():
            object.__setattr__(self, resource, None if value is None else _limit(resource, value))

    @classmethod
    def parse(cls, text: str) -> Budget:
        """Read `resource=amount` items separated by commas, e.g. `"time=20s cpu, size=300kB, latency=2ms"`.

        `steps=500`, `samples=1e6`, `flops=2e12` and `epochs=5` are short for `time=500 steps` and so on.
        """
        given: dict[str, str] = {}
        for item in text.split(",") if text.strip() else ():
            name, equals, amount = (part.strip() for part in item.partition("="))
            if not (equals and amount):
                raise UsageError(f"budget item {item.strip()!r}: write resource=amount, for example time=20s")
            resource = "time" if name in _COUNTED else name
            if resource not in RESOURCES:
                raise unknown_name("resource", name, (*RESOURCES, *_COUNTED))
            if resource in given:
                raise UsageError(f"budget: {resource} is limited twice (second time by {item.strip()!r}); give it once")
            given[resource] = f"{amount} {name}" if name in _COUNTED else amount
        return cls(**given)

    def in_samples(self, n_train: int) -> Budget:
        """Return this budget with epochs turned into samples.

        Args:
            n_train: Rows in one epoch.
        """
        if self.time is None or self.time.clock != "epochs":
            return self
        return replace(self, time=TimeLimit(float(math.ceil(self.time.amount * n_train)), "samples"))

    def __str__(self) -> str:
        return ", ".join(
            f"{field.name}={_text(field.name, getattr(self, field.name))}"
            for field in fields(self)
            if getattr(self, field.name) is not None
        )


def overrun(resource: str, asked: float | None, used: float) -> float:
    """Return by how much `used` is beyond the limit `asked`, never below 0; for throughput, what is lacking."""
    if asked is None:
        return 0.0
    return max(0.0, asked - used if resource == "throughput" else used - asked)


def _time_limit(value: TimeLimit | str | float | None) -> TimeLimit | None:
    if value is None or isinstance(value, TimeLimit):
        return value
    return TimeLimit.parse(value) if isinstance(value, str) else TimeLimit(float(value))


def _limit(resource: str, value: str | float) -> float:
    kind = _KINDS[resource]
    if isinstance(value, str):
        where = f"{resource}={value.strip()}"
        amount = quantity(*split_amount(value, where, kind.example), kind, where)
    else:
        where, amount = f"{resource}={value}", float(value)
        positive(amount, where)
    return whole(amount, where) if kind.whole else amount


def _count_kind(clock: str) -> Kind:
    return replace(COUNT if clock in ("steps", "samples") else AMOUNT, example=f"500 {clock}")


def _text(resource: str, value: TimeLimit | float) -> str:
    if isinstance(value, TimeLimit):
        return str(value)
    if _KINDS[resource] is BYTES:
        return bytes_text(int(value))
    return plain(value) + {"latency": "ms", "throughput": " rows/s"}.get(resource, "")
