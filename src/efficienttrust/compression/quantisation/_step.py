"""A quantisation as a step of a chain: what was asked for, read from text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from efficienttrust.compression._method_text import parse_method
from efficienttrust.compression.quantisation._quantisation import quantisations
from efficienttrust.errors import UsageError


@dataclass(frozen=True)
class QuantiseStep:
    """A quantisation that was asked for.

    Attributes:
        method: Name of the quantisation.
        bits: Bits of a weight.
        options: Options by name, defaults included.
        text: As `--quantize` takes it.
    """

    method: str
    bits: int
    text: str
    options: Mapping[str, float] = field(default_factory=dict)

    @property
    def real(self) -> bool:
        """Whether the deployed file holds whole numbers."""
        return quantisations.get(self.method).real


def parse_quantisation(text: str) -> QuantiseStep:
    """Read `int8`, `int8_static, per_channel=0` or `weights:4`.

    Raises:
        UsageError: An unknown method or option, or bits that the method does not have.
    """
    what = f"--quantize {text.strip()}"
    known = {name: quantisations.get(name).options for name in quantisations.names()}
    said = parse_method(text, what, known)
    method = quantisations.get(said.name)
    bits = method.bits
    if isinstance(bits, range):
        shown = f"{bits.start} to {bits.stop - 1}"
        if not said.amount:
            raise UsageError(f"{what}: say how many bits, {shown}, as {said.name}:4")
        if not said.amount.isdigit() or int(said.amount) not in bits:
            raise UsageError(f"{what}: {said.amount!r} is not a number of bits from {shown}")
        bits = int(said.amount)
    elif said.amount:
        raise UsageError(f"{what}: {said.name} has {bits} bits; leave out :{said.amount}, or give weights:BITS")
    return QuantiseStep(method.name, bits, text.strip(), {**method.options, **said.options})
