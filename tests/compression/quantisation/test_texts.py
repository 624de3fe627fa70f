"""Quantisations are read from text, and what is no such text is refused in one line."""

from __future__ import annotations

import pytest

from efficienttrust.compression.quantisation import parse_quantisation, quantisations
from efficienttrust.errors import UsageError


@pytest.mark.parametrize(
    ("text", "method", "bits", "real"),
    [
        ("int8", "int8", 8, True),
        (" int8_static , per_channel=0", "int8_static", 8, True),
        ("int4", "int4", 4, True),
        ("weights:3", "weights", 3, False),
    ],
)
def test_texts(text, method, bits, real):
    step = parse_quantisation(text)
    assert (step.method, step.bits, step.real) == (method, bits, real)
    assert parse_quantisation(step.text) == step


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("int9", "Did you mean 'int8'"),
        ("int8:8", "leave out :8"),
        ("weights", "say how many bits, 2 to 8"),
        ("weights:1", "not a number of bits from 2 to 8"),
        ("weights:9", "not a number of bits from 2 to 8"),
        ("weights:four", "not a number of bits"),
        ("int8, per_chanel=1", "Did you mean 'per_channel'"),
        ("int8, per_channel=yes", "write per_channel=NUMBER"),
        ("int8, per_channel=1, per_channel=0", "given twice"),
    ],
)
def test_faults(text, says):
    with pytest.raises(UsageError) as caught:
        parse_quantisation(text)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_method_says_what_it_is():
    assert {"int8", "int8_static", "int8_dynamic", "int4", "weights"} <= set(quantisations.names())
    assert all(quantisations.get(name).title.endswith(".") for name in quantisations.names())
