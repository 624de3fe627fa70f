"""Analyses of planted tables."""

from __future__ import annotations

from typing import Any

import pytest

from efficienttrust.study.analysis import Analysis, Options, analyse_table
from efficienttrust.study.analysis._sections import Material, sections
from efficienttrust.study.analysis._table import Table, table_of
from tests.study.synthetic import Planted, design_of, frame_of, metadata_of

CENSORED = Planted(data=("adult", "compas"), models=("mlp",), infeasible={"time=12.5%": 0.3}, failing=0.05, seeds=2)


def table_from(planted: Planted) -> Table:
    design = design_of(planted)
    return table_of(frame_of(planted), design, metadata_of(design))


def section(planted: Planted, name: str, **options: Any) -> Any:
    """Run one analysis of a planted table."""
    return sections.get(name)(Material(table_from(planted), Options(**{"resamples": 200, **options})))


@pytest.fixture(scope="session")
def whole() -> Analysis:
    """The analysis of a table with infeasible and failed trials."""
    return analyse_table(table_from(CENSORED), options=Options(resamples=100))
