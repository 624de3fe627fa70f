"""A victim says what its subject says: decisions, ties and untouched cells included."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import torch
from hypothesis import given
from hypothesis import strategies as st
from shipped_worlds import all_rows, images, labelled, linear, table
from sklearn.linear_model import LogisticRegression
from torch import nn

from efficienttrust.evaluation.artefacts import TableModuleVictim, assault, subject_victim
from efficienttrust.evaluation.artefacts._victim import logits, margins
from efficienttrust.evaluation.subjects import open_subject
from efficienttrust.evaluation.subjects._layouts import Layout
from efficienttrust.evaluation.subjects._outputs import Answer

shares = st.lists(st.floats(0, 1), min_size=1, max_size=20)


@given(shares, st.randoms(use_true_random=False))
def test_a_binary_margin_has_the_sign_of_the_decision_and_grows_with_the_score(score, random):
    scores = np.array(score)
    decided = np.array([random.randint(0, 1) for _ in score])
    found = margins(Answer(decided, scores))
    assert np.array_equal(found > 0, decided == 1)
    for side in (0, 1):
        mine = decided == side
        order = np.argsort(scores[mine], kind="stable")
        assert (np.diff(found[mine][order]) >= 0).all()


@given(st.lists(st.lists(st.floats(0, 1), min_size=3, max_size=3), min_size=1, max_size=10), st.integers(0, 2))
def test_the_largest_logit_is_the_decision(score, decided):
    scores = np.array(score)
    prediction = np.full(len(scores), decided)
    assert np.array_equal(logits(Answer(prediction, scores)).argmax(1), prediction)
    assert np.array_equal(logits(Answer(prediction, np.full_like(scores, np.nan))).argmax(1), prediction)


def seen(frame: pd.DataFrame) -> np.ndarray:
    """A score that shows every cell it is given."""
    age = frame["age"].fillna(-1000.0)
    return (0.01 * frame["income"] + frame["debt"] + 0.1 * age + 7.0 * frame["children"]).to_numpy(dtype=float) - 20.0


def test_untouched_cells_keep_their_raw_value_and_moved_ones_are_decoded():
    problem = table()
    rows = all_rows(problem)
    assert rows.inputs["age"].isna().any()
    subject = open_subject(seen, rows)
    index = torch.tensor([0, 5, 13, 26, 100])
    victim = subject_victim(subject, rows).bind(index)
    clean = torch.from_numpy(rows.x)[index, :4]
    assert np.allclose(victim(clean), seen(rows.inputs.iloc[index.numpy()]), atol=1e-4)
    names = [feature.column for feature in problem.encoder.numeric]
    moved = clean.clone()
    child = names.index("children")
    moved[:, child] += float(problem.domain.step[child])
    assert np.allclose(victim(moved) - victim(clean), 7.0, atol=1e-3)


def test_whole_columns_stay_whole():
    problem = table()
    rows = all_rows(problem)
    kinds = set()

    def watch(frame: pd.DataFrame) -> np.ndarray:
        kinds.add(frame["children"].dtype.kind)
        return seen(frame)

    found = assault(open_subject(watch, rows.take(np.arange(60))), rows.take(np.arange(60)), [0.8], attack="pgd")
    assert found.right[0].sum() < found.clean_right.sum()
    assert kinds == {"i"}


def test_the_rows_themselves_are_not_changed():
    problem = table()
    rows = all_rows(problem)
    before = rows.inputs.copy()
    assault(open_subject(seen, rows), rows, [0.5], attack="pgd")
    pd.testing.assert_frame_equal(rows.inputs, before)


def test_a_module_on_raw_numbers_is_followed_through_the_decoding():
    problem = table()
    rows = all_rows(problem)
    columns = ("children", "income", "debt")
    layer = nn.Linear(3, 1)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[0.5, 0.1, -0.3]]))
        layer.bias.zero_()
    victim = TableModuleVictim(nn.Sequential(layer, nn.Flatten(0)), rows, Layout("numbers", columns))
    index = torch.arange(20)
    clean = torch.from_numpy(rows.x)[index, :4].requires_grad_(True)
    said = victim.bind(index)(clean)
    raw = rows.inputs[list(columns)].iloc[:20].to_numpy(dtype=float)
    assert np.allclose(said.detach(), raw @ np.array([0.5, 0.1, -0.3]), atol=1e-4)
    (gradient,) = torch.autograd.grad(said.sum(), clean)
    scale = {feature.column: feature.scale for feature in problem.encoder.numeric}
    wanted = {"children": 0.5, "income": 0.1, "debt": -0.3, "age": 0.0}
    for place, feature in enumerate(problem.encoder.numeric):
        assert np.allclose(gradient[:, place], wanted[feature.column] * scale[feature.column], atol=1e-5)


def test_an_answer_that_is_not_a_number_counts_as_fooled_and_stops_nothing():
    problem = table()
    rows = all_rows(problem)
    rows = rows.take(np.flatnonzero(rows.inputs["income"] < 38)[-60:])
    rows = dataclasses.replace(rows, y=(rows.inputs["income"] > 10).to_numpy().astype(np.int64))

    def breaks(frame: pd.DataFrame) -> np.ndarray:
        income = frame["income"].to_numpy()
        return np.where(income > 38, np.nan, income - 10.0)  # a bug on high incomes

    subject = open_subject(breaks, rows)
    scale = next(feature.scale for feature in problem.encoder.numeric if feature.column == "income")
    found = assault(subject, rows, [0.5], attack="square")
    assert found.clean_right.all()
    near = rows.inputs["income"].to_numpy() > 38.01 - 0.5 * scale
    assert near.sum() > 3
    assert not found.right[0][near].any()


def test_the_subject_of_an_estimator_stands_where_nothing_may_move():
    problem = table(immutable=["income", "debt", "age", "children"])
    rows, train = all_rows(problem), problem.splits["train"]
    found = assault(open_subject(LogisticRegression().fit(train.x, train.y), rows), rows, [0.5], attack="standard")
    assert np.array_equal(found.right[0], found.clean_right)


def test_an_answer_that_is_no_number_is_wrong_and_changes_no_other_row():
    rows = images(30)
    model = linear()

    def broken(x):
        with torch.no_grad():
            z = model(torch.from_numpy(x)).numpy()
        z[x.reshape(len(x), -1)[:, 0] > 0.9] = np.nan
        return z

    subject = open_subject(broken, labelled(rows, model, 0))
    points = torch.from_numpy(rows.x).clone()
    points[0, 0, 0, 0] = 1.0
    said = subject_victim(subject, rows).bind(torch.arange(30))(points)
    assert bool(said[0].isnan().any())
    assert torch.allclose(said[1:], model(points[1:]).detach(), atol=1e-5)
