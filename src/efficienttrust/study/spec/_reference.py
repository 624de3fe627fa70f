"""References that a pilot measured, kept beside the study file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from efficienttrust.errors import UsageError

PILOT = "pilot"
FILE = "reference.json"


def reference_file(study: Path) -> Path:
    """Return where the measured references of a study lie: in the folder of its outputs."""
    return study.with_suffix("") / FILE


def read_references(study: Path) -> dict[str, str]:
    """Return the measured amounts by level of data, as texts of a budget; empty where nothing was measured.

    Raises:
        UsageError: The file is damaged.
    """
    path = reference_file(study)
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return {str(name): str(text) for name, text in found.items()}
    except FileNotFoundError:
        return {}
    except (ValueError, AttributeError):
        raise UsageError(f"{path} is damaged: delete it and measure again by study plan --pilot") from None


def write_references(study: Path, amounts: Mapping[str, str]) -> None:
    """Write measured amounts, those known before kept; a half-written file never remains."""
    path = reference_file(study)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.write_text(json.dumps({**read_references(study), **amounts}, indent=2), encoding="utf-8")
    part.replace(path)
