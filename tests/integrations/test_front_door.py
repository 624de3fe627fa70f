"""Opening the front door loads none of the libraries behind it."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("sklearn", "torch", "pandas", "lightning", "transformers")


def test_a_name_is_imported_on_first_use():
    code = f"""
import sys
import efficienttrust.integrations as door
assert "TrustClassifier" in dir(door)
print([name for name in {HEAVY} if name in sys.modules])
print(door.TrustClassifier.__name__)
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.splitlines() == ["[]", "TrustClassifier"]
