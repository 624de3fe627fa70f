"""Every metric is a function of columns, of whatever kind they are."""

from __future__ import annotations

import inspect

import numpy as np
import pandas as pd
import polars as pl
import pytest
from metric_outcomes import ATTACK, CASES, CORRUPTION, DETECTOR, KEY, arguments_of, make_outcome

import efficienttrust.metrics as package
from efficienttrust.errors import UsageError
from efficienttrust.metrics import (
    accuracy,
    auc,
    calibration_error,
    corruption_accuracy,
    demographic_parity_difference,
    log_loss,
    mean_corruption_error,
    mean_squared_error,
    measure,
    metrics,
    outcome_from,
    robust_accuracy,
    worst_group_accuracy,
)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("name", "task"), CASES)
def test_the_function_says_what_measure_says(name: str, task: str, weighted: bool) -> None:
    outcome, metric = make_outcome(task=task, weighted=weighted), metrics.get(name)
    columns = {"score": outcome.score, "weight": outcome.weight, "task": task}
    if "by" in metric.parameters:
        columns["groups"] = np.array(outcome.group_names)[outcome.groups]
    if "robust" in metric.needs:
        everyone = make_outcome(task=task, weighted=weighted)
        right = np.random.default_rng(0).random(1000) < 0.8
        outcome = package.Outcome(**{**vars(everyone), "robust": {KEY: right}, "robust_rows": {}})
        columns["robust"] = right
    if "corrupted" in metric.needs:
        columns["corrupted"] = outcome.corrupted
    if "ood" in metric.needs:
        columns["ood"] = outcome.ood
    asked = arguments_of(metric.parameters)
    found = getattr(package, name)(outcome.y, outcome.prediction, **columns, **asked, level=0.9)
    assert found == measure(name, outcome, asked, level=0.9)


def test_names_and_aliases_are_listed_and_documented() -> None:
    assert {name for name, _ in CASES} <= set(dir(package))
    assert package.dpd.__name__ == "demographic_parity_difference"
    function = package.robust_accuracy
    assert metrics.get("robust_accuracy").definition in function.__doc__
    signature = inspect.signature(function)
    assert signature.parameters["eps"].default is inspect.Parameter.empty
    assert signature.parameters["norm"].default == "linf"
    assert all(f"    {name}: " in function.__doc__ for name in signature.parameters)


def test_a_wrong_name_is_an_attribute_error_with_a_hint() -> None:
    with pytest.raises(AttributeError, match="Did you mean 'accuracy'"):
        _ = package.acuracy
    with pytest.raises(ImportError):
        from efficienttrust.metrics import acuracy  # noqa: F401


KINDS = {
    "list": list,
    "tuple": tuple,
    "array": np.asarray,
    "pandas": pd.Series,
    "polars": pl.Series,
}


@pytest.mark.parametrize("kind", KINDS)
def test_columns_of_any_kind(kind: str) -> None:
    make, outcome = KINDS[kind], make_outcome()
    labels = [["Female", "Male"][code] for code in outcome.groups]
    found = demographic_parity_difference(
        make(outcome.y.tolist()), make(outcome.prediction.tolist()), groups=make(labels)
    )
    assert found.value == measure("dpd", outcome).value
    truth = make([bool(y) for y in outcome.y])
    named = worst_group_accuracy(truth, make(outcome.prediction.tolist()), groups=make(labels))
    assert named.value == measure("worst_group_accuracy", outcome).value


def test_several_attributes_and_their_intersections() -> None:
    outcome = make_outcome(groups=4)
    sex, age = outcome.groups // 2, outcome.groups % 2
    frame = pd.DataFrame({"sex": np.array(["F", "M"])[sex], "age": np.array(["old", "young"])[age]})
    for groups in (frame, dict(frame), pl.DataFrame(frame.to_dict("list"))):
        both = demographic_parity_difference(outcome.y, outcome.prediction, groups=groups)
        assert both.value == measure("dpd", outcome).value
        by_sex = demographic_parity_difference(outcome.y, outcome.prediction, groups=groups, by="sex")
        rates = [outcome.prediction[sex == code].mean() for code in (0, 1)]
        assert by_sex.value == pytest.approx(abs(rates[0] - rates[1]))
    made = outcome_from(outcome.y, outcome.prediction, groups=frame)
    assert made.group_names == ("F & old", "F & young", "M & old", "M & young")


def test_a_gap_among_names_in_a_list_is_no_group() -> None:
    made = outcome_from([0, 1, 1], [0, 1, 0], groups=["a", float("nan"), "b"])
    assert (made.group_names, made.groups.tolist()) == (("a", "b"), [0, -1, 1])


def test_numbers_in_a_column_of_objects_are_numbers() -> None:
    assert outcome_from(np.array([np.int64(0), np.int64(1)], dtype=object), [0, 1]).task == "binary"


def test_intersections_cost_what_occurs() -> None:
    rng = np.random.default_rng(0)
    groups = {f"attribute {i}": rng.permutation(400) for i in range(8)}  # 400^8 combinations, above int64
    made = outcome_from(np.zeros(400, dtype=int), np.ones(400, dtype=int), groups=groups)
    assert sorted(made.groups) == list(range(400))
    row = 17
    assert made.group_names[made.groups[row]] == " & ".join(str(column[row]) for column in groups.values())


def test_missing_group_labels_leave_rows_out() -> None:
    outcome = make_outcome(n=200)
    labels = pd.Series(outcome.groups.astype(object))
    labels[:50] = None
    found = demographic_parity_difference(outcome.y, outcome.prediction, groups=labels)
    assert found.n == 150
    rest = demographic_parity_difference(outcome.y[50:], outcome.prediction[50:], groups=outcome.groups[50:])
    assert found.value == rest.value


@pytest.mark.parametrize(
    ("columns", "task"),
    [
        ({"y": [0, 1, 1], "prediction": [0, 1, 0]}, "binary"),
        ({"y": [True, False], "prediction": [True, True]}, "binary"),
        ({"y": [-1, 1, 1], "prediction": [-1, 1, -1]}, "binary"),
        ({"y": ["no", "yes"], "prediction": ["no", "no"], "classes": ["no", "yes"]}, "binary"),
        ({"y": [0, 1], "score": [[0.4, 0.6], [0.1, 0.9]]}, "binary"),
        ({"y": [0, 1, 2], "prediction": [0, 1, 1]}, "multiclass"),
        ({"y": ["a", "b", "c"], "prediction": ["a", "b", "b"]}, "multiclass"),
        ({"y": [0, 1], "score": [[0.4, 0.3, 0.3], [0.1, 0.8, 0.1]]}, "multiclass"),
        ({"y": [[0, 1], [1, 1]], "prediction": [[0, 1], [0, 1]]}, "multilabel"),
        ({"y": [0.5, 1.25], "prediction": [0.0, 1.0]}, "regression"),
        ({"y": [3, 5], "prediction": [2.5, 5.5]}, "regression"),
        ({"y": [3, 5], "prediction": [3, 5], "task": "regression"}, "regression"),
    ],
)
def test_the_task_is_inferred(columns: dict[str, object], task: str) -> None:
    assert outcome_from(**columns).task == task


def test_labels_become_codes_in_the_order_of_classes() -> None:
    made = outcome_from(["c", "a"], ["a", "a"], classes=["c", "b", "a"])
    assert (made.y.tolist(), made.prediction.tolist(), made.classes) == ([0, 2], [2, 2], ("c", "b", "a"))
    named = outcome_from([0, 2], [1, 2], classes=["c", "b", "a"])
    assert named.y.tolist() == [0, 2]
    assert outcome_from([-1, 1], [1, 1]).y.tolist() == [0, 1]


def test_scores_decide_where_no_decision_is_given() -> None:
    assert outcome_from([0, 1], score=[0.5, 0.51]).prediction.tolist() == [0, 1]
    assert outcome_from([0, 1], score=[[0.9, 0.1], [0.2, 0.8]]).score.tolist() == [0.1, 0.8]
    assert outcome_from([0, 2], score=[[0.5, 0.3, 0.2], [0.1, 0.8, 0.1]]).prediction.tolist() == [0, 1]
    assert auc([0, 0, 1], score=[-3.0, 2.0, 7.0]).value == 1


def test_logits_are_not_cut_at_a_half() -> None:
    with pytest.raises(UsageError, match=r"an outcome needs decisions, and scores outside 0 to 1 cannot be cut"):
        outcome_from([0, 1], score=[-1.0, 0.3])
    with pytest.raises(UsageError, match="pass prediction="):
        outcome_from([[0, 1], [1, 1]], score=[[-1.0, 0.3], [4.0, 2.0]])
    assert outcome_from([0, 1], [0, 1], score=[-1.0, 0.3]).prediction.tolist() == [0, 1]
    assert outcome_from([0, 2], score=[[5.0, 3.0, -2.0], [-1.0, 8.0, 1.0]]).prediction.tolist() == [0, 1]


@pytest.mark.parametrize("name", ["brier", "log_loss", "calibration_error"])
def test_logits_are_not_measured_as_probabilities(name: str) -> None:
    outcome = outcome_from([0, 1, 1], [0, 1, 0], score=[-2.5, 3.0, -0.5])
    with pytest.raises(UsageError, match=rf"{name} needs scores between 0 and 1, .*; these go from -2\.5 to 3"):
        measure(name, outcome)
    assert measure("auc", outcome).value == 1
    unsaid = outcome_from([0, 1, 1], [0, 1, 0])
    assert np.isnan(measure(name, unsaid).value)


def test_a_metric_of_numbers_takes_whole_numbers() -> None:
    assert mean_squared_error([0, 1, 1, 4], [0, 1, 0, 2]).value == pytest.approx(1.25)


def test_what_happens_to_the_features_is_a_column_too() -> None:
    y, prediction, right = [0, 1, 1, 0], [0, 1, 0, 0], [True, False, False, True]
    attacked = robust_accuracy(y, prediction, robust=right, **ATTACK)
    assert (attacked.name, attacked.value) == (KEY, 0.5)
    assert corruption_accuracy(y, prediction, corrupted=right, **CORRUPTION).value == 0.5
    several = {("blur", 1): right, ("blur", 2): [True] * 4}
    assert mean_corruption_error(y, prediction, corrupted=several).value == 0.25
    assert package.ood_auroc(y, prediction, ood={"energy": ([1, 2, 3, 4], [0.5, 0.0])}, **DETECTOR).value == 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: demographic_parity_difference([0, 1], [0, 1]), "compares groups: pass one label per row as groups="),
        (lambda: demographic_parity_difference([0, 1], [0, 1], groups=["a"]), r"groups has the shape \[1\], y has 2"),
        (lambda: demographic_parity_difference([0, 1], [0, 1], groups=["a", "b"], by="sx"), "unknown sensitive"),
        (lambda: accuracy([0, 1, 1], [0, 1]), "prediction has 2 rows, y has 3"),
        (lambda: accuracy([0, 1]), "give prediction= or score="),
        (lambda: accuracy([0, 1], [0.2, 0.8], task="binary"), r"prediction holds 0\.2: .* probabilities as score="),
        (lambda: accuracy([1, 2], [1, 2], task="binary"), "y holds 2: name both classes, the positive one last"),
        (lambda: accuracy(["n", "y"], ["n", "y"]), r"which is positive\? write classes=\('n', 'y'\)"),
        (lambda: accuracy(["a", "b"], ["a", "x"], classes=["a", "b"]), "prediction holds 'x', which is none of"),
        (lambda: accuracy([0, 1], [0, 1], task="binry"), "unknown task 'binry'. Did you mean 'binary'"),
        (lambda: accuracy([0, 1], [0, 1], weight=[1, -1]), "weight must hold numbers of at least 0"),
        (lambda: log_loss([0, 1], [0, 1]), "log_loss needs scores"),
        (lambda: log_loss([0, 1], score=[-2.0, 3.0]), "log_loss needs scores between 0 and 1"),
        (lambda: calibration_error([0.5, 1.5], [0.2, 0.8]), "defined for binary and multiclass outcomes, not for regr"),
        (lambda: mean_squared_error(["a", "b"], [1, 2]), "y holds 'a', which is not a number"),
        (lambda: robust_accuracy([0, 1], [0, 1], **ATTACK), "robust_accuracy needs robust=: Whether each row is right"),
        (lambda: mean_corruption_error([0], [0], corrupted=[True]), "corrupted must be a mapping"),
        (lambda: accuracy([[0, 2]], [[0, 1]]), "y holds 2: several labels are 0 or 1 each"),
        (lambda: accuracy(["1", "2", "3"], [1, 2, 2]), "one holds names and the other numbers: name the classes"),
        (lambda: accuracy(["a", float("nan")], ["a", "b"]), "y has no value in row 1"),
        (lambda: accuracy(pd.Series(["a", None]), ["a", "b"]), "y has no value in row 1"),
        (lambda: accuracy([0, 1, np.nan], [0, 1, 1]), "y has no value in row 2"),
        (lambda: accuracy([0, 1], pd.Series([1, None], dtype="Int64")), "prediction has no value in row 1"),
        (lambda: mean_squared_error([0.5, np.nan], [0.5, 1]), "y has no value in row 1"),
        (lambda: accuracy([0, 1], score=[-1.0, 0.3]), r"scores outside 0 to 1 cannot be cut at 0\.5: pass prediction="),
        (lambda: robust_accuracy([0, 1], [0, 1], robust=[True], **ATTACK), "has 1 rows where 2 were attacked"),
    ],
)
def test_faults_are_one_line_that_helps(call, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_missing_arguments_are_named_as_python_does() -> None:
    with pytest.raises(TypeError, match=r"robust_accuracy\(\) missing a required .*argument: 'attack'"):
        robust_accuracy([0, 1], [0, 1])
