"""An outcome whose columns do not fit each other or its task cannot be made."""

from __future__ import annotations

import numpy as np
import pytest

from efficienttrust.metrics import Outcome, corruption_key
from efficienttrust.metrics.metric import read_corruption_key

ROWS = {"y": np.zeros(3), "prediction": np.zeros(3), "score": np.zeros(3), "groups": np.zeros(3, dtype=int)}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"score": np.zeros(2)}, "score has 2 rows, y has 3"),
        ({"weight": np.zeros(4)}, "weight has 4 rows, y has 3"),
        ({"corrupted": {"corruption_accuracy(blur, severity=1)": np.zeros(2)}}, "has 2 rows, y has 3"),
        ({"ood": {"energy": (np.zeros(2), np.zeros(9))}}, r"ood\['energy'\] has 2 rows, y has 3"),
        ({"robust": {"attack": np.ones(2)}}, "attack has 2 rows where 3 were attacked"),
        ({"robust": {"attack": np.ones(3)}, "robust_rows": {"attack": np.arange(2)}}, "where 2 were attacked"),
        ({"task": "ranking"}, "unknown task 'ranking'"),
        ({"score": np.zeros((3, 2))}, r"score of a binary outcome has the shape \[n\], not \[3, 2\]"),
        ({"task": "multiclass"}, r"score of a multiclass outcome has the shape \[n, K\], not \[3\]"),
        ({"task": "multilabel", "score": np.zeros((3, 2))}, r"y of a multilabel outcome has the shape \[n, K\]"),
        ({"task": "multiclass", "score": np.zeros((3, 2)), "classes": ("a", "b", "c")}, r"speak of \[2, 3\] classes"),
    ],
)
def test_what_does_not_fit_is_said(changed: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Outcome(**ROWS | changed)


def test_class_names_are_numbers_without_names() -> None:
    assert Outcome(**ROWS).class_names == ("0", "1")
    assert Outcome(**ROWS, classes=("no", "yes")).class_names == ("no", "yes")
    assert Outcome(**ROWS | {"score": np.zeros((3, 4))}, task="multiclass").class_names == ("0", "1", "2", "3")
    assert Outcome(**ROWS, task="regression").class_names == ()


def test_several_labels_are_right_together() -> None:
    y, prediction = np.array([[0, 1], [1, 1]]), np.array([[0, 1], [1, 0]])
    outcome = Outcome(y=y, prediction=prediction, score=y, groups=np.zeros(2), task="multilabel")
    assert outcome.right.tolist() == [True, False]


def test_a_corruption_key_is_read_back() -> None:
    key = corruption_key("gaussian_noise", 3)
    assert key == "corruption_accuracy(gaussian_noise, severity=3)"
    assert read_corruption_key(key) == ("gaussian_noise", 3)
    with pytest.raises(ValueError, match="make it with corruption_key"):
        read_corruption_key("gaussian_noise")
