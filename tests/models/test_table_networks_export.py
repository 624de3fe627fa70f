"""Networks for tables exported to ONNX say the same for any number of rows."""

from __future__ import annotations

import pytest

from tests.models.network_cases import assert_export_agrees
from tests.models.table_cases import table


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "options"),
    [("tabular", {}), ("tabular", {"members": 1, "width": 0.5}), ("ft_transformer", {"width": 1 / 3, "depth": 2})],
)
@pytest.mark.parametrize("outputs", [1, 3])
def test_file_and_module_agree(name: str, options: dict[str, float], outputs: int) -> None:
    assert_export_agrees(name, table(), outputs, **options)
