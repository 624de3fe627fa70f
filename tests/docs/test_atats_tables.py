"""docs/atats.md names every dial and every field of the state, as they are in the code."""

from __future__ import annotations

from pathlib import Path

from efficienttrust.atats import DIALS, FIELDS, STATE_VERSION

PAGE = (Path(__file__).parents[2] / "docs" / "atats.md").read_text(encoding="utf-8")


def test_every_dial_stands_with_its_range() -> None:
    for dial in DIALS:
        most = f"× {dial.factor:g}, or + {dial.slew:g}" if dial.factor > 1 else f"{dial.slew:g}"
        assert f"| `{dial.name}` | {dial.owner} | {dial.low:g} to {dial.high:g} | {most} | {dial.what} |" in PAGE


def test_every_field_of_the_vector_stands_at_its_position() -> None:
    for position, (name, meaning, _) in enumerate(FIELDS):
        assert f"| {position} | `{name}` | {meaning} |" in PAGE
    assert f"as {len(FIELDS)} numbers" in PAGE
    assert f"The layout has version\n{STATE_VERSION}," in PAGE
