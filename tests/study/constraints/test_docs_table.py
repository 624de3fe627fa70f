"""The table of constraints in the docs says what the registry says."""

from __future__ import annotations

import re
from pathlib import Path

from efficienttrust.study.constraints import constraint_kinds

PAGE = Path(__file__).parents[3] / "docs" / "studies.md"


def test_the_table_is_that_of_the_registry():
    _, _, rest = PAGE.read_text(encoding="utf-8").partition("\n## Constraints\n")
    rows = re.findall(r"^\| `(\w+)` \| `([^`]+)` \| (.+) \|$", rest.partition("\n## ")[0], flags=re.MULTILINE)
    kinds = [constraint_kinds.get(name) for name in constraint_kinds.names()]
    assert sorted(rows) == sorted((kind.name, kind.example, kind.definition) for kind in kinds)
