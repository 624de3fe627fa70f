"""Accuracy and its drop per environment and group: the counts by hand, and intervals of another library."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from efficienttrust.errors import UsageError
from efficienttrust.evaluation.shift import natural_shift
from efficienttrust.metrics import Outcome

STATES = ("CA", "NY", "TX", "WY")


def answers(n: int = 1200, seed: int = 0, weight: bool = False) -> tuple[Outcome, pd.DataFrame]:
    """A model that is right in 90 % of the rows, and in 60 % of those of TX."""
    rng = np.random.default_rng(seed)
    state = rng.choice(STATES, n, p=[0.4, 0.3, 0.29, 0.01])
    y = rng.integers(0, 2, n)
    right = rng.random(n) < np.where(state == "TX", 0.6, 0.9)
    groups = rng.integers(0, 2, n)
    outcome = Outcome(
        y=y,
        prediction=np.where(right, y, 1 - y),
        score=np.full(n, 0.5),
        groups=groups,
        group_names=("F", "M"),
        attributes={"sex": (groups, ("F", "M")), "age": (rng.integers(-1, 3, n), ("young", "middle", "old"))},
        weight=rng.choice([0.5, 1.0, 4.0], n) if weight else None,
    )
    return outcome, pd.DataFrame({"state": state, "year": rng.integers(1999, 2003, n)})


def rows_of(outcome: Outcome, frame: pd.DataFrame, names: list[str]) -> np.ndarray:
    return (outcome.y == outcome.prediction)[frame["state"].isin(names).to_numpy()]


@pytest.mark.parametrize("trained_on", [None, ("CA", "NY")])
def test_drops_are_those_of_the_counts_by_hand(trained_on):
    outcome, frame = answers()
    shift = natural_shift(outcome, frame, "state", trained_on=trained_on)
    assert [result.name for result in shift.environments] == list(STATES)
    for result in shift.environments:
        here = rows_of(outcome, frame, [result.name])
        reference = rows_of(outcome, frame, [s for s in (trained_on or STATES) if s != result.name])
        assert result.n == result.accuracy.n == len(here)
        assert result.accuracy.value == pytest.approx(here.mean())
        wilson = proportion_confint(here.sum(), len(here), method="wilson")
        assert (result.accuracy.low, result.accuracy.high) == pytest.approx(wilson)
        assert result.drop.value == pytest.approx(reference.mean() - here.mean())
        assert result.drop.n == len(here) + len(reference)
        newcombe = confint_proportions_2indep(
            reference.sum(), len(reference), here.sum(), len(here), method="newcomb", compare="diff"
        )
        assert (result.drop.low, result.drop.high) == pytest.approx(newcombe)
        assert result.trained_on is (None if trained_on is None else result.name in trained_on)
    assert shift.worst == "TX"
    assert shift.worst_accuracy.value == pytest.approx(rows_of(outcome, frame, ["TX"]).mean())


def test_groups_are_compared_with_themselves():
    outcome, frame = answers()
    shift = natural_shift(outcome, frame, "state", trained_on=["CA", "NY"])
    right = outcome.y == outcome.prediction
    state = frame["state"].to_numpy()
    for result in shift.environments:
        per_group = []
        for code, group in enumerate(result.groups):
            here = right[(state == result.name) & (outcome.groups == code)]
            others = [name for name in ("CA", "NY") if name != result.name]
            reference = right[np.isin(state, others) & (outcome.groups == code)]
            assert group.group == ("F", "M")[code]
            assert (group.n, group.accuracy.value) == (len(here), pytest.approx(here.mean()))
            assert group.drop.value == pytest.approx(reference.mean() - here.mean())
            per_group.append(here.mean())
        assert result.worst_group.value == pytest.approx(min(per_group))
        assert result.worst_group.low <= result.worst_group.value <= result.worst_group.high


def test_groups_of_one_attribute_with_unknown_rows():
    outcome, frame = answers()
    shift = natural_shift(outcome, frame, "state", by="age")
    first = shift.environments[0]
    assert [group.group for group in first.groups] == ["young", "middle", "old"]
    known = (outcome.attributes["age"][0] >= 0) & (frame["state"] == "CA")
    assert sum(group.n for group in first.groups) == known.sum() < first.n
    with pytest.raises(UsageError, match="unknown sensitive attribute 'ages'"):
        natural_shift(outcome, frame, "state", by="ages")


def test_weights_count():
    outcome, frame = answers(weight=True)
    shift = natural_shift(outcome, frame, "state", trained_on=["CA"])
    right, state = outcome.y == outcome.prediction, frame["state"]
    texas = shift.environments[2]
    expected = [np.average(right[state == name], weights=outcome.weight[state == name]) for name in ("CA", "TX")]
    assert texas.accuracy.value == pytest.approx(expected[1])
    assert texas.drop.value == pytest.approx(expected[0] - expected[1])
    w = outcome.weight[state == "TX"]
    size = w.sum() ** 2 / (w**2).sum()
    wilson = proportion_confint(expected[1] * size, size, method="wilson")
    assert (texas.accuracy.low, texas.accuracy.high) == pytest.approx(wilson)
    assert "effective size" in texas.drop.how
    assert texas.n == (state == "TX").sum()


def test_equal_weights_are_no_weights():
    outcome, frame = answers()
    plain = natural_shift(outcome, frame, "state")
    doubled = Outcome(outcome.y, outcome.prediction, outcome.score, outcome.groups, weight=np.full(len(frame), 2.0))
    for one, other in zip(plain.environments, natural_shift(doubled, frame, "state").environments, strict=True):
        assert (one.drop.value, one.drop.low, one.drop.high) == pytest.approx(
            (other.drop.value, other.drop.low, other.drop.high)
        )


def test_small_environments_are_flagged():
    outcome, frame = answers()
    shift = natural_shift(outcome, frame, "state")
    wyoming = shift.environments[3]
    assert wyoming.n < 30
    assert f"fewer than 30 rows ({wyoming.n})" in wyoming.accuracy.note
    assert "fewer than 30 rows" in wyoming.drop.note
    assert any("'WY'" in note for note in shift.notes)
    assert shift.environments[0].accuracy.note == ""


def test_one_environment_has_no_drop():
    outcome, frame = answers()
    frame["state"] = "CA"
    shift = natural_shift(outcome, frame, "state")
    (only,) = shift.environments
    assert np.isnan(only.drop.value)
    assert "no rows in all other environments" in only.drop.note
    assert only.accuracy.value == pytest.approx((outcome.y == outcome.prediction).mean())
    assert any("one environment only" in note for note in shift.notes)


def test_the_only_training_environment_is_the_reference_and_has_no_drop():
    outcome, frame = answers()
    shift = natural_shift(outcome, frame, "state", trained_on="CA")
    assert np.isnan(shift.environments[0].drop.value)
    assert shift.environments[1].drop.value == pytest.approx(
        shift.environments[0].accuracy.value - shift.environments[1].accuracy.value
    )


def test_rows_without_an_environment_are_left_out():
    outcome, frame = answers()
    frame.loc[frame.index % 10 == 0, "state"] = None
    shift = natural_shift(outcome, frame, "state")
    assert sum(result.n for result in shift.environments) == frame["state"].notna().sum()
    assert any(note.startswith("120 rows have no 'state'") for note in shift.notes)


def test_a_group_that_is_absent_is_not_zero():
    outcome, frame = answers()
    groups = np.where(frame["state"] == "NY", 0, outcome.groups)
    outcome = Outcome(outcome.y, outcome.prediction, outcome.score, groups, ("F", "M"))
    york = natural_shift(outcome, frame, "state").environments[1]
    assert np.isnan(york.groups[1].accuracy.value)
    assert np.isnan(york.groups[1].drop.value)
    assert york.groups[1].n == 0
    assert york.worst_group.value == york.groups[0].accuracy.value
    assert "no rows of 'M' here" in york.worst_group.note


def test_rows_without_weight_are_no_rows():
    outcome, frame = answers()
    weight = np.where(frame["state"] == "NY", 0.0, 1.0)
    outcome = Outcome(outcome.y, outcome.prediction, outcome.score, outcome.groups, weight=weight)
    york = natural_shift(outcome, frame, "state").environments[1]
    assert (york.n, york.accuracy.note) == (0, "no rows here")
    assert np.isnan(york.drop.value)


def test_years_are_environments_in_their_order():
    outcome, frame = answers()
    frame["year"] = frame["year"].astype(float)
    shift = natural_shift(outcome, frame, "year", trained_on=[1999, 2000])
    assert [result.name for result in shift.environments] == ["1999", "2000", "2001", "2002"]
    assert [result.trained_on for result in shift.environments] == [True, True, False, False]


def test_a_multiclass_model():
    rng = np.random.default_rng(0)
    y, prediction = rng.integers(0, 3, 300), rng.integers(0, 3, 300)
    outcome = Outcome(y, prediction, np.full((300, 3), 1 / 3), np.zeros(300, dtype=int), task="multiclass")
    frame = pd.DataFrame({"site": rng.choice(["a", "b"], 300)})
    shift = natural_shift(outcome, frame, "site")
    assert shift.environments[0].accuracy.value == pytest.approx((y == prediction)[frame["site"] == "a"].mean())
    assert shift.environments[0].worst_group is None
    values = Outcome(y * 1.0, prediction * 1.0, prediction * 1.0, np.zeros(300, dtype=int), task="regression")
    with pytest.raises(UsageError, match="a regression task has none"):
        natural_shift(values, frame, "site")


def test_the_document_is_plain():
    outcome, frame = answers()
    document = natural_shift(outcome, frame, "state", trained_on=["CA"]).document()
    assert set(document) == {"column", "environments", "worst", "worst_accuracy", "notes"}
    texas = json.loads(json.dumps(document))["environments"][2]
    assert set(texas) == {"name", "n", "trained_on", "accuracy", "drop", "worst_group", "groups"}
    assert set(texas["drop"]) == {"name", "value", "low", "high", "n", "how", "definition", "note"}
    assert texas["drop"]["name"] == "accuracy_drop(state=TX)"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda frame: (frame, "stat", None), r"no column 'stat'\. Did you mean 'state'"),
        (lambda frame: (frame.head(5), "state", None), "5 rows, the answers 1200"),
        (lambda frame: (frame.assign(state=None), "state", None), "has no values"),
        (lambda frame: (frame.assign(state=range(1200)), "state", None), "1200 different values, more than 100"),
        (lambda frame: (frame, "state", ["CAA"]), r"training environment \(CAA\)\. Did you mean 'CA'"),
        (lambda frame: (frame, "state", []), "none named"),
    ],
)
def test_faults_are_one_line(change, message):
    outcome, frame = answers()
    frame, column, trained_on = change(frame)
    with pytest.raises(UsageError, match=message) as caught:
        natural_shift(outcome, frame, column, trained_on=trained_on)
    assert "\n" not in str(caught.value)


def test_no_rows():
    nothing = np.zeros(0)
    with pytest.raises(UsageError, match="no values in 0 rows"):
        natural_shift(Outcome(nothing, nothing, nothing, nothing), pd.DataFrame({"state": []}), "state")


def test_one_row():
    outcome = Outcome(np.array([1]), np.array([1]), np.array([0.9]), np.array([0]))
    shift = natural_shift(outcome, pd.DataFrame({"state": ["CA"]}), "state")
    assert (shift.worst, shift.environments[0].accuracy.value) == ("CA", 1.0)
    assert "fewer than 30 rows (1)" in shift.environments[0].accuracy.note


def test_a_training_environment_without_rows_is_noted():
    outcome, frame = answers()
    shift = natural_shift(outcome, frame, "state", trained_on=["CA", "OH"])
    assert any("training environments 'OH'" in note for note in shift.notes)


def test_the_interval_of_a_drop_covers_the_truth():
    """300 draws of two environments with a true drop of 0.3; the share covered is 95 % but for Monte Carlo error."""
    covered = 0
    for seed in range(300):
        outcome, frame = answers(300, seed)
        drop = natural_shift(outcome, frame, "state", trained_on=["CA", "NY"]).environments[2].drop
        covered += drop.low <= 0.3 <= drop.high
    assert 0.91 < covered / 300 < 0.99
