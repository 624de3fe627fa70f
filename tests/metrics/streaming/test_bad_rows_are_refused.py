"""Bad input is refused with the row and the remedy, and a refused chunk leaves no trace."""

from __future__ import annotations

import numpy as np
import pytest
from streams import counted, make

from efficienttrust.errors import UsageError
from efficienttrust.metrics.streaming import Accumulator

GOOD = {"y": [0, 1, 1], "prediction": [0, 1, 0], "groups": {"sex": [0, 1, -1]}}


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"y": [0, 1, 2]}, "y of row 2 is 2: it must be a whole number from 0 to 1"),
        ({"y": [0, -1, 1]}, "y of row 1 is -1"),
        ({"y": [0, 0.5, 1]}, "y of row 1 is 0.5"),
        ({"y": [0, np.nan, 1]}, "y of row 1 is nan"),
        ({"y": ["no", "yes", "no"]}, "y of row 0 is no"),
        ({"prediction": [0, 1, 7]}, "prediction of row 2 is 7"),
        ({"groups": {"sex": [0, 1, 2]}}, "group code of 'sex' of row 2 is 2: it must be a whole number from -1 to 1"),
        ({"groups": {"sex": [0, 1, -2]}}, "group code of 'sex' of row 2 is -2"),
        ({"groups": {"sx": [0, 1, 1]}}, "unknown sensitive attribute 'sx'. Did you mean 'sex'?"),
        ({"groups": {}}, "groups lack the codes of 'sex'"),
        ({"groups": {"sex": [0, 1]}}, r"group 0 has the shape \[2\] where \[3\] is needed"),
        ({"y": [0, 1]}, "has the shape"),
        ({"weight": [1, 1, 1]}, "weight was given to an accumulator made without weighted=True"),
        ({"score": [0.1, 0.2, 0.3]}, "score was given to an accumulator made without bins="),
    ],
)
def test_bad_values(bad: dict, message: str) -> None:
    accumulator = Accumulator({"sex": ("F", "M")}).update(**GOOD)
    before = accumulator.state()
    with pytest.raises(UsageError, match=message.replace("?", r"\?")):
        accumulator.update(**(GOOD | bad))
    assert accumulator.state() == before


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"weight": [1, -1, 1]}, "weight of row 1 is -1.0: it must be 0 or more"),
        ({"weight": [1, 1, np.nan]}, "weight of row 2 is nan"),
        ({"weight": [1, 1, np.inf]}, "weight of row 2 is inf"),
        ({"weight": None}, "no weight was given to an accumulator made with weighted=True"),
        ({"score": [0.5, 1.5, 0.5]}, "score of row 1 is 1.5: it must be between 0 and 1"),
        ({"score": ["a", "b", "c"]}, "score of row 0 is a"),
        ({"score": None}, "no score was given to an accumulator made with bins="),
    ],
)
def test_bad_weights_and_scores(bad: dict, message: str) -> None:
    accumulator = Accumulator({"sex": ("F", "M")}, weighted=True, bins=8)
    good = GOOD | {"weight": [1, 2, 3], "score": [0.1, 0.9, 0.4]}
    accumulator.update(**good)
    before = accumulator.state()
    with pytest.raises(UsageError, match=message):
        accumulator.update(**(good | bad))
    assert accumulator.state() == before


def test_the_row_is_named_in_a_later_block_and_earlier_blocks_do_not_stay() -> None:
    y = np.zeros(200_000, dtype=np.int8)
    y[150_000] = 3
    accumulator = Accumulator({"g": ("a",)})
    with pytest.raises(UsageError, match="y of row 150000 is 3"):
        accumulator.update(y, 0 * y, groups=0 * y)
    assert accumulator.n == 0


def test_an_empty_chunk_changes_nothing() -> None:
    accumulator = Accumulator({"sex": ("F", "M")}).update(**GOOD)
    before = accumulator.state()
    assert accumulator.update([], [], groups={"sex": []}).state() == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"attributes": {"sex": ()}}, "attribute 'sex' needs the names of its groups"),
        ({"attributes": {"sex": ("F", "F")}}, "each once"),
        ({"attributes": {}, "task": "binry"}, "unknown task 'binry'. Did you mean 'binary'"),
        ({"attributes": {}, "task": "multiclass"}, "needs the names of at least 2 classes"),
        ({"attributes": {}, "task": "regression", "bins": 8}, "bins=8"),
        ({"attributes": {str(a): tuple("abcdefghi") for a in range(9)}}, "fewer attributes"),
    ],
)
def test_impossible_schemas(arguments: dict, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Accumulator(**arguments)


def test_metrics_that_counts_do_not_give() -> None:
    accumulator = counted(make(), bins=0)
    for name, message in (
        ("dpdd", "Did you mean 'dpd'"),
        ("average_precision", "average_precision cannot be had from counts, only from rows"),
        ("auc", "auc needs scores: make the accumulator with bins="),
        ("r2", "r2 is defined for regression, not binary"),
    ):
        with pytest.raises(UsageError, match=message):
            accumulator.measure(name)
    with pytest.raises(UsageError, match=r"sensitive attribute 'sx'\. Did you mean 'sex'"):
        accumulator.measure("dpd", by="sx")
