"""Threats to validity follow from the facts of the design, and only from them."""

from __future__ import annotations

import copy

import polars as pl

from efficienttrust.report.study import Source
from efficienttrust.report.study._content import Lines
from efficienttrust.report.study.sections.threats import threats_part
from tests.study.reporting.conftest import Made


def threats(document: dict[str, object], table: pl.DataFrame) -> str:
    part = threats_part(Source(document, table))
    return "\n".join(line for block in part.blocks if isinstance(block, Lines) for line in block.items)


def test_facts_become_threats(made: Made) -> None:
    document = copy.deepcopy(dict(made.document))
    before = threats(document, made.source.table)
    assert "2 data sets" in before
    assert "3 seeds" in before
    assert "infeasible" in before
    assert "No hypothesis was declared" in before
    for words in ("fraction", "shared the machine", "One data set", "One seed", "failed and say nothing"):
        assert words not in before
    document["design"]["fraction"] = "half of it; A × B is aliased with C × D"
    document["design"]["seeds"] = [0]
    document["overview"]["data_sets"] = ["adult <i>"]
    document["overview"]["counts"]["failed"] = 3
    document["diagnostics"]["circumstances"]["contended"] = 7
    after = threats(document, made.source.table)
    for words in ("A × B is aliased with C × D", "One seed", "One data set", "3 of ", "7 trials shared the machine"):
        assert words in after


def test_one_version_of_the_code_is_no_threat_and_two_are(made: Made) -> None:
    table = made.source.table
    one = table.with_columns(pl.lit(1.0).alias("run.identity"))
    two = table.with_columns((pl.int_range(pl.len()) % 2).cast(pl.Float64).alias("run.identity"))
    assert "more than one version" not in threats(dict(made.document), one)
    assert "more than one version" in threats(dict(made.document), two)
