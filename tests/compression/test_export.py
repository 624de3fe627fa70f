"""The exported file against its float parent: every kind of model, every odd input."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.ensemble import HistGradientBoostingClassifier

from efficienttrust.compression import (
    Decision,
    DeployedModel,
    NetworkScorer,
    Scorer,
    TreeScorer,
    export_onnx,
    margin_encoded,
    score_encoded,
)
from efficienttrust.data import Attribute, CategoricalFeature, Encoder, NumericFeature, load_problem
from efficienttrust.errors import UsageError

from .conftest import adult_like_frame, random_head, random_network

SEX = Attribute("sex", ("Female", "Male"))


def assert_file_agrees(
    encoder: Encoder,
    scorer: Scorer,
    decision: Decision,
    frame: pd.DataFrame,
    groups: np.ndarray | None = None,
    **more: object,
) -> DeployedModel:
    """Export, check the graph, run the file and compare with the parent."""
    content = export_onnx(None, encoder, scorer, decision, **more)
    onnx.checker.check_model(content, full_check=True)
    model = DeployedModel(content)
    said = model.run(frame)
    x = encoder.transform(frame)
    z = score_encoded(scorer, x)
    margin = margin_encoded(scorer, decision, x, groups)
    np.testing.assert_allclose(said.score, expit(z.astype(np.float64)), atol=1e-5)
    np.testing.assert_allclose(said.margin, margin, atol=1e-5, rtol=1e-5)
    np.testing.assert_array_equal(said.decision, said.margin > 0)
    assert (said.score.dtype, said.margin.dtype, said.decision.dtype) == (np.float32, np.float32, np.int64)
    assert said.score.shape == said.margin.shape == said.decision.shape == (len(frame),)
    return model


@pytest.mark.parametrize("rows", [0, 1, 2, 1024, 1025, 3000])
def test_network_with_inferred_group(encoder: Encoder, rows: int) -> None:
    decision = Decision(0.2, np.array([0.4, -0.3]), random_head(encoder.n_features, 2))
    assert_file_agrees(encoder, random_network((encoder.n_features, 32, 16, 1)), decision, adult_like_frame(rows))


@pytest.mark.parametrize("widths", [(1,), (8, 1), (16, 8, 4, 1)])
def test_network_of_any_depth_without_group_term(
    encoder: Encoder, frame: pd.DataFrame, widths: tuple[int, ...]
) -> None:
    assert_file_agrees(encoder, random_network((encoder.n_features, *widths)), Decision(-0.7), frame)


def test_trees(encoder: Encoder, frame: pd.DataFrame) -> None:
    x = encoder.transform(frame)
    y = (x[:, 0] + x[:, 1] * x[:, 2] + x[:, 10]) > 0
    model = HistGradientBoostingClassifier(max_iter=60, random_state=0).fit(x, y)
    trees = TreeScorer.from_sklearn(model)
    decision = Decision(0.1, np.array([0.2, -0.2]), random_head(encoder.n_features, 2))
    deployed = assert_file_agrees(encoder, trees, decision, adult_like_frame(2000, seed=9))
    score = deployed.run(frame).score
    np.testing.assert_allclose(score, model.predict_proba(x)[:, 1], atol=1e-5)
    assert deployed.n_parameters == trees.n_parameters + encoder.n_features * 2 + 2


def test_trees_of_a_single_leaf() -> None:
    encoder = Encoder(numeric=(NumericFeature("a", False, 0, 0, 1, 0, 1, False),), categorical=())
    frame = pd.DataFrame({"a": np.ones(60)})
    model = HistGradientBoostingClassifier(max_iter=2).fit(encoder.transform(frame), np.arange(60) % 3 == 0)
    assert_file_agrees(encoder, TreeScorer.from_sklearn(model), Decision(), frame)


def test_numeric_columns_only() -> None:
    encoder = Encoder(
        numeric=(
            NumericFeature("a", False, 0.5, 0.1, 2.0, -1, 1, True),
            NumericFeature("b", True, 3, 2, 5.0, -1, 1, False),
        ),
        categorical=(),
    )
    frame = pd.DataFrame({"b": [1, 2, 3], "a": [0.1, np.nan, -1e9]})
    assert_file_agrees(encoder, random_network((3, 4, 1)), Decision(), frame)


def test_categorical_columns_only() -> None:
    encoder = Encoder(
        numeric=(),
        categorical=(
            CategoricalFeature("c", ("x", "yé", "1"), True),
            CategoricalFeature("d", ("x",), False),
            CategoricalFeature("only other", (), False),
            CategoricalFeature("missing or other", (), True),
        ),
    )
    frame = pd.DataFrame(
        {
            "c": ["x", " yé ", 1, None, "zzz"],
            "d": ["x", None, "X", "", "x"],
            "only other": ["p", None, "", "q", "(other)"],
            "missing or other": ["p", None, "", "q", "(other)"],
        }
    )
    assert_file_agrees(encoder, random_network((encoder.n_features, 4, 1)), Decision(), frame)


def test_no_columns_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="no columns"):
        export_onnx(
            None, Encoder(numeric=(), categorical=()), NetworkScorer(((np.zeros((0, 1)), np.zeros(1)),)), Decision()
        )


def test_columns_that_are_all_missing_or_all_unseen(encoder: Encoder) -> None:
    frame = adult_like_frame(50, odd=1.0)
    assert_file_agrees(encoder, random_network((encoder.n_features, 8, 1)), Decision(), frame)


def test_huge_integers_such_as_time_stamps() -> None:
    stamps = 1_700_000_000_000_000_000 + 10**9 * np.arange(1000, dtype=np.int64) * 86_400
    encoder = Encoder(
        numeric=(NumericFeature("at", True, float(stamps[0]), float(stamps.mean()), float(stamps.std()), 0, 1, True),),
        categorical=(),
    )
    frame = pd.DataFrame({"at": stamps})
    assert_file_agrees(encoder, random_network((2, 8, 1)), Decision(), frame)


@pytest.mark.parametrize(
    "name", ["score", "margin", "decision", "", "numeric", "encoded", "scorer.0.weight", "a b/ü:\"'"]
)
def test_columns_named_like_parts_of_the_graph(name: str) -> None:
    encoder = Encoder(
        numeric=(NumericFeature(name, False, 0, 1, 2, 0, 1, False),),
        categorical=(CategoricalFeature(f"{name} (input)", ("x", "y"), False),),
    )
    frame = pd.DataFrame({name: [1.0, np.nan, 3.0], f"{name} (input)": ["x", "y", None]})
    model = assert_file_agrees(encoder, random_network((4, 3, 1)), Decision(), frame)
    assert [entry.column for entry in model.inputs] == [name, f"{name} (input)"]
    assert model.n_parameters == 4 * 3 + 3 + 3 + 1


def test_aware_with_one_attribute(encoder: Encoder, frame: pd.DataFrame) -> None:
    sex = np.resize(np.array(["Female", "Male", None, "Unheard of", " Male", "?"], dtype=object), len(frame))
    model = assert_file_agrees(
        encoder,
        random_network((encoder.n_features, 8, 1)),
        Decision(0.1, np.array([0.5, -0.5]), by_group=True),
        frame.assign(sex=sex),
        np.resize([0, 1, -1, -1, 1, -1], len(frame)),
        attributes={"sex": SEX},
        group_names=("Female", "Male"),
    )
    assert [entry.column for entry in model.inputs if not entry.feature] == ["sex"]


def test_aware_with_intersections_of_which_some_do_not_occur(encoder: Encoder) -> None:
    """One attribute of texts, one of numbers cut into bands, one of whole numbers taken as texts."""
    frame = adult_like_frame(9).assign(
        sex=["Female", "Male", "Male", "Female", None, "Female", "Male", "Male", "Male"],
        years=[25, 26.0, 24, 99, 50, np.nan, 50, 51, -1e300],
        third=[1, 1, 1, 1, 1, 1, 1, 1.0, 2],
    )
    assert_file_agrees(
        encoder,
        random_network((encoder.n_features, 8, 1)),
        Decision(0.1, np.array([0.5, -0.5, 1.5, 2.5]), by_group=True),
        frame,
        np.array([0, 1, 2, -1, -1, -1, 1, 3, -1]),
        attributes={
            "sex": SEX,
            "years": Attribute("years", ("18 to 25", "26 to 50", "51 to 90"), edges=(25.0, 50.0)),
            "third": Attribute("third", ("1", "2")),
        },
        group_names=("Female & 18 to 25 & 1", "Male & 26 to 50 & 1", "Male & 18 to 25 & 1", "Male & 51 to 90 & 1"),
    )


def test_aware_when_the_sensitive_columns_are_inputs_too(encoder: Encoder, frame: pd.DataFrame) -> None:
    """An input of the same kind is shared; a number that is grouped by its text is taken a second time."""
    frame = frame.assign(
        race=np.resize(["race value 0", "race value 1"], len(frame)),
        age=np.resize([30.0, 40, np.nan], len(frame)),
        hours=np.resize([10.0, 90.0], len(frame)),
    )
    model = assert_file_agrees(
        encoder,
        random_network((encoder.n_features, 8, 1)),
        Decision(0.1, np.array([0.5, -0.5]), by_group=True),
        frame,
        np.resize([0, -1, -1, -1, 1, -1], len(frame)),
        attributes={
            "race": Attribute("race", ("race value 0", "race value 1", "race value 2")),
            "age": Attribute("age", ("30", "40")),
            "hours": Attribute("hours", ("1 to 40", "41 to 99"), edges=(40.0,)),
        },
        group_names=("race value 0 & 30 & 1 to 40", "race value 0 & 40 & 1 to 40"),
    )
    assert [entry.name for entry in model.inputs if entry.column in {"race", "hours"}] == ["hours", "race"]
    assert [entry.name for entry in model.inputs if entry.column == "age"] == ["age", "age (input)"]


def test_aware_by_bands_without_a_numeric_feature() -> None:
    """The double that tells the group is no numeric feature: an attack on the features leaves it alone."""
    encoder = Encoder(numeric=(), categorical=(CategoricalFeature("c", ("x",), False),))
    frame = pd.DataFrame({"c": ["x", "y", "x"], "age": [20, 50, np.nan]})
    model = assert_file_agrees(
        encoder,
        random_network((2, 1)),
        Decision(0.0, np.array([1.0, 2.0]), by_group=True),
        frame,
        np.array([0, 1, -1]),
        attributes={"age": Attribute("age", ("0 to 30", "31 to 99"), edges=(30.0,))},
        group_names=("0 to 30", "31 to 99"),
    )
    assert model.prepare(frame).numeric.shape == (3, 0)


@pytest.mark.parametrize("as_input", [False, True])
@pytest.mark.parametrize("by_group", [False, True])
def test_a_real_problem(as_input: bool, by_group: bool) -> None:
    """Intersections of a text and a number cut into bands, as the data floor makes them."""
    problem = load_problem("german", sensitive=("sex", "age"), use_sensitive_as_input=as_input)
    d, g = problem.encoder.n_features, len(problem.group_names)
    offsets = np.linspace(-0.5, 0.7, g)
    decision = Decision(0.1, offsets, by_group=True) if by_group else Decision(0.1, offsets, random_head(d, g))
    assert_file_agrees(
        problem.encoder,
        random_network((d, 16, 1)),
        decision,
        problem.raw("test"),
        problem.splits["test"].groups,
        attributes=problem.attributes,
        group_names=problem.group_names,
    )


def test_blind_model_does_not_ask_for_the_sensitive_column(encoder: Encoder) -> None:
    scorer = random_network((encoder.n_features, 1))
    content = export_onnx(None, encoder, scorer, Decision(), attributes={"sex": SEX}, group_names=SEX.groups)
    assert "sex" not in [entry.column for entry in DeployedModel(content).inputs]


def test_bad_arguments(encoder: Encoder) -> None:
    scorer = random_network((encoder.n_features, 1))
    aware = Decision(0.0, np.zeros(2), by_group=True)
    with pytest.raises(ValueError, match="needs the sensitive attributes"):
        export_onnx(None, encoder, scorer, aware)
    with pytest.raises(ValueError, match="1 group names for 2"):
        export_onnx(None, encoder, scorer, aware, attributes={"sex": SEX}, group_names=("Female",))
    both = {"sex": SEX, "band": Attribute("band", ("old & wise", "young"))}
    with pytest.raises(UsageError, match="'old & wise'"):
        export_onnx(None, encoder, scorer, aware, attributes=both, group_names=("a", "b"))
    with pytest.raises(ValueError, match="the encoder gives"):
        export_onnx(None, encoder, random_network((3, 1)), Decision())
    with pytest.raises(ValueError, match="group head takes 3"):
        export_onnx(None, encoder, scorer, Decision(0.0, np.zeros(2), random_head(3, 2)))
    with pytest.raises(ValueError, match="reserved"):
        export_onnx(None, encoder, scorer, Decision(), metadata={"efficienttrust_columns": "x"})


def test_same_arguments_same_bytes(encoder: Encoder, tmp_path: Path) -> None:
    scorer = random_network((encoder.n_features, 8, 1))
    path = tmp_path / "model.onnx"
    said = {"label": "income", "positive": ">50K"}
    first = export_onnx(path, encoder, scorer, Decision(), metadata=said)
    assert path.read_bytes() == first == export_onnx(None, encoder, scorer, Decision(), metadata=said)
    assert [entry.name for entry in tmp_path.iterdir()] == ["model.onnx"]
    metadata = DeployedModel(path).metadata
    assert {key: metadata[key] for key in said} == said


def test_the_file_says_what_its_outputs_are(encoder: Encoder) -> None:
    model = onnx.load_model_from_string(export_onnx(None, encoder, random_network((encoder.n_features, 1)), Decision()))
    assert "NaN = missing" in model.doc_string
    assert all(output.doc_string for output in model.graph.output)


def test_unwritable_path_is_one_line(encoder: Encoder, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot write the model to .*No such file") as caught:
        export_onnx(tmp_path / "absent" / "m.onnx", encoder, random_network((encoder.n_features, 1)), Decision())
    assert "\n" not in str(caught.value)


def test_a_failed_write_leaves_the_old_file(encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(UsageError, match="No space left"):
        export_onnx(path, encoder, random_network((encoder.n_features, 1)), Decision())
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["model.onnx"]


def test_size_is_that_of_the_weights(encoder: Encoder) -> None:
    scorer = random_network((encoder.n_features, 256, 128, 1))
    head = random_head(encoder.n_features, 2)
    model = DeployedModel(export_onnx(None, encoder, scorer, Decision(0.0, np.zeros(2), head)))
    assert model.n_parameters == scorer.n_parameters + head[0].size + head[1].size
    assert 4 * model.n_parameters < model.size_bytes < 4 * model.n_parameters + 10_000
    assert model.size_bytes < 300_000
