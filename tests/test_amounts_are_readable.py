"""Amounts of bytes in messages are in a unit that fits."""

from __future__ import annotations

import pytest

from efficienttrust.errors import in_bytes

AMOUNTS = {
    0: "0 bytes", 1: "1 bytes", 999: "999 bytes", 1000: "1 kB", 25.3e9: "25.3 GB", 16e12: "16 TB", 4e18: "4e+03 PB",
}  # fmt: skip


@pytest.mark.parametrize(("amount", "text"), AMOUNTS.items())
def test_bytes(amount, text):
    assert in_bytes(amount) == text
