"""Weights of 2 to 8 bits, simulated: rounded, and stored as floats."""

from __future__ import annotations

from efficienttrust.compression.quantisation._quantisation import Quantisation, quantisations

quantisations.register("weights")(
    Quantisation(
        name="weights",
        title="Weights rounded to a number of bits, one scale per output; simulated, without claims of bytes or speed.",
        bits=range(2, 9),
        convert=None,
        options={"per_channel": 1.0},
    )
)
