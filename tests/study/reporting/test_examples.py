"""Which rows a constraint turns wrong is counted from the bits that trials keep; small groups are withheld."""

from __future__ import annotations

import base64
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

from efficienttrust.report.study import Source
from efficienttrust.report.study._content import Folded, Table
from efficienttrust.report.study.sections.failures import failures_part
from efficienttrust.study.reporting._examples import examples_of
from tests.study.reporting.conftest import Made

ROWS = 200


def trial(level: str, wrong: np.ndarray, seed: int = 0, **details: Any) -> Any:
    rows = {"n": len(wrong), "wrong": base64.b64encode(np.packbits(wrong).tobytes()).decode(), "worst": []}
    return SimpleNamespace(
        trial=SimpleNamespace(
            factors={"data": "adult", "constraint": level, "model": "mlp"},
            seed=seed,
            settings={"seed": seed, "data": {"source": "nowhere.csv"}},
        ),
        outcome=SimpleNamespace(details={"rows": rows, **details}),
    )


def bits(*places: int) -> np.ndarray:
    found = np.zeros(ROWS, dtype=bool)
    found[list(places)] = True
    return found


@pytest.fixture
def trials() -> list[Any]:
    free = bits(*range(10))
    return [
        trial("none", free),
        trial("prune=0.8", bits(*range(5), *range(50, 70))),  # 20 newly wrong, 5 newly right
        trial("none", free, seed=1),
        trial("prune=0.8", bits(*range(10), *range(50, 60)), seed=1),  # 10 newly wrong
        trial("prune=0.8", bits(3), seed=2),  # no partner
    ]


def test_flips_are_counted_against_the_partner(trials: list[Any]) -> None:
    found = examples_of(lambda: trials)
    assert found["flips"] == [
        {"data": "adult", "constraint": "prune=0.8", "pairs": 2, "rows": ROWS, "newly_wrong": 15.0, "newly_right": 2.5}
    ]
    assert found["traits"] == []
    assert any("cannot be read again" in note for note in found["notes"])


def test_rows_that_are_withheld_are_said_to_be(trials: list[Any]) -> None:
    clinical = trial("none", bits())
    clinical.outcome.details["rows"] = {"withheld": "single rows of clinical data are not kept"}
    assert examples_of(lambda: [clinical]) == {
        "few": [], "flips": [], "traits": [], "notes": ["adult: single rows of clinical data are not kept."],
    }  # fmt: skip


def test_counts_below_ten_rows_are_not_printed(made: Made) -> None:
    flips = [{"data": "adult <i>", "constraint": "prune=0.8", "pairs": 2, "rows": 200, "newly_wrong": 9.0,
              "newly_right": 0.0}]  # fmt: skip
    part = failures_part(Source(made.document, made.source.table, {"flips": flips, "few": [], "traits": []}))
    table = next(one for one in part.blocks if isinstance(one, Table) and one.name == "flips")
    assert table.rows[0][-2:] == ("fewer than 10", "0.0")


def test_small_groups_are_taken_out_of_every_table(made: Made) -> None:
    few = [{"data": "adult <i>", "group": "sex=F"}]
    whole = failures_part(Source(made.document, made.source.table))
    part = failures_part(Source(made.document, made.source.table, {"few": few}))

    def groups(blocks: tuple[Any, ...]) -> set[tuple[Any, ...]]:
        tables = [one.table if not isinstance(one, Table) else one for one in blocks
                  if isinstance(one, Table | Folded) or hasattr(one, "panels")]  # fmt: skip
        return {row[:2] for table in tables if table.name.startswith("groups") for row in table.rows}

    assert ("adult <i>", "sex=F") in groups(whole.blocks)
    assert groups(whole.blocks) - groups(part.blocks) == {("adult <i>", "sex=F")}


def test_a_change_of_a_group_is_paired_with_the_unconstrained_trial(made: Made) -> None:
    from efficienttrust.report.study.sections.failures import _changes

    found = {(one["data"], one["level"], one["group"]): one for one in _changes(made.source)
             if one["rate"] == "accuracy"}  # fmt: skip
    table = made.source.table.filter(pl.col("factor.data") == "bank & co")
    differences = []
    for mitigation in made.source.levels["mitigation"]:
        for seed in range(3):
            own = table.filter((pl.col("factor.mitigation") == mitigation) & (pl.col("seed") == seed))
            pair = [own.filter(pl.col("factor.constraint") == level)["group.accuracy.sex=F"][0]
                    for level in ("prune=0.8", "none")]  # fmt: skip
            differences.append(pair[0] - pair[1])
    one = found["bank & co", "prune=0.8", "sex=F"]
    assert one["n"] == 9
    assert one["mean"] == pytest.approx(np.mean(differences))
