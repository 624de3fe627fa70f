"""Real data that tests use when they are at hand: beside the checkout, or where EFFICIENTTRUST_SHARED says."""

from __future__ import annotations

import os
from pathlib import Path

SHARED = Path(os.environ.get("EFFICIENTTRUST_SHARED", Path(__file__).resolve().parents[2] / "shared" / "data"))
