"""What every detector keeps to, whatever it looks at."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest
from ood_worlds import NAMES, every_detector, make_world

from efficienttrust.errors import UsageError
from efficienttrust.evaluation.ood import Representation, _detector, detectors
from efficienttrust.evaluation.ood.catalogue import knn as knn_module
from efficienttrust.metrics.ood import auroc

FEATURES = [name for name in NAMES if "features" in detectors.get(name).needs]
LOGITS = [name for name in NAMES if "logits" in detectors.get(name).needs]
LABELS = [name for name in NAMES if "labels" in detectors.get(name).needs]


def fitted(name: str, rows: Representation):
    return detectors.get(name)().fit(rows.features, rows.logits, rows.y)


def score(name: str, fit: Representation, rows: Representation) -> np.ndarray:
    return fitted(name, fit).score(rows.features, rows.logits)


def test_the_detectors_of_the_issue_are_there() -> None:
    expected = {"msp", "max_logit", "energy", "entropy", "mahalanobis", "relative_mahalanobis", "knn", "vim"}
    assert set(NAMES) >= expected
    assert set(FEATURES) == {"mahalanobis", "relative_mahalanobis", "knn", "vim"}
    assert all(detectors.get(name).name == name for name in NAMES)
    with pytest.raises(UsageError, match=r"unknown OOD detector 'enrgy'. Did you mean 'energy'\?"):
        detectors.get("enrgy")


def test_the_page_lists_every_detector(root: Path) -> None:
    page = (root / "docs" / "ood.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(\w+)` \|", page, flags=re.MULTILINE)) == set(NAMES)


@every_detector
def test_planted_rows_from_elsewhere_score_lower(name: str) -> None:
    world = make_world()
    area = auroc(score(name, world.fit, world.inside), score(name, world.fit, world.outside))
    assert area.low > 0.8


@every_detector
def test_scores_follow_their_rows_and_do_not_depend_on_blocks(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    world = make_world()
    scores = score(name, world.fit, world.inside)
    order = np.random.default_rng(0).permutation(world.inside.n)
    shuffled = Representation(world.inside.features[order], world.inside.logits[order])
    assert score(name, world.fit, shuffled) == pytest.approx(scores[order])
    monkeypatch.setattr(_detector, "BLOCK", 7)
    monkeypatch.setattr(knn_module, "CELLS", 1)
    assert score(name, world.fit, world.inside) == pytest.approx(scores)


@every_detector
def test_order_of_the_fit_rows_does_not_matter(name: str) -> None:
    world = make_world()
    order = np.random.default_rng(0).permutation(world.fit.n)
    shuffled = Representation(world.fit.features[order], world.fit.logits[order], world.fit.y[order])
    assert score(name, shuffled, world.inside) == pytest.approx(score(name, world.fit, world.inside))


@every_detector
def test_single_precision_gives_nearly_the_same(name: str) -> None:
    double, single = make_world(), make_world(dtype=np.float32)
    expected, got = (score(name, world.fit, world.inside) for world in (double, single))
    assert got == pytest.approx(expected, rel=1e-3, abs=1e-4)


@every_detector
def test_no_rows_have_no_scores(name: str) -> None:
    world = make_world()
    assert score(name, world.fit, Representation(np.zeros((0, 8)), np.zeros((0, 3)))).shape == (0,)


@every_detector
def test_what_is_not_needed_may_be_missing(name: str) -> None:
    world, needs = make_world(), detectors.get(name).needs
    features, logits = (
        part if need in needs else None
        for need, part in (("features", world.fit.features), ("logits", world.fit.logits))
    )
    detector = detectors.get(name)().fit(features, logits, world.fit.y if "labels" in needs else None)
    assert detector.score(features, logits) == pytest.approx(score(name, world.fit, world.fit))


@every_detector
def test_what_is_needed_must_be_there(name: str) -> None:
    world, needs = make_world(), detectors.get(name).needs
    for need, part in (("features", "features"), ("logits", "logits"), ("labels", "y")):
        if need in needs:
            with pytest.raises(UsageError, match=need):
                fitted(name, dataclasses.replace(world.fit, **{part: None}))


@every_detector
def test_nothing_is_scored_before_the_fit(name: str) -> None:
    world = make_world()
    with pytest.raises(UsageError, match=f"{name} scores nothing before it is fitted"):
        detectors.get(name)().score(world.inside.features, world.inside.logits)


@pytest.mark.parametrize(("name", "part"), [(n, "features") for n in FEATURES] + [(n, "logits") for n in LOGITS])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_numbers_that_are_none_are_refused(name: str, part: str, bad: float) -> None:
    world = make_world()
    broken = np.array(getattr(world.fit, part))
    broken[5, 1] = bad
    rows = dataclasses.replace(world.fit, **{part: broken})
    with pytest.raises(UsageError, match=rf"{part} of the fit rows are not finite in 1 rows \(first: row 5, column 1"):
        fitted(name, rows)
    with pytest.raises(UsageError, match=rf"{part} of the rows to score are not finite"):
        score(name, world.fit, rows)


@every_detector
def test_rows_of_another_width_are_refused(name: str) -> None:
    world = make_world()
    narrow = Representation(world.inside.features[:, :7], world.inside.logits[:, :2])
    with pytest.raises(UsageError, match=f"{name}: rows to score have .* the fit rows"):
        score(name, world.fit, narrow)
    with pytest.raises(UsageError, match="have the shape"):
        score(name, world.fit, Representation(np.zeros((4, 2, 2)), np.zeros((4, 2, 2))))


@every_detector
def test_no_fit_rows_are_refused(name: str) -> None:
    nothing = Representation(np.zeros((0, 8)), np.zeros((0, 3)), np.zeros(0, dtype=int))
    with pytest.raises(UsageError, match="no fit rows"):
        fitted(name, nothing)


@pytest.mark.parametrize("name", LABELS)
@pytest.mark.parametrize("labels", [np.full(600, 0.5), np.full(600, np.nan), np.array(["a"] * 600), np.zeros((600, 2))])
def test_labels_are_class_codes(name: str, labels: np.ndarray) -> None:
    with pytest.raises(UsageError, match="one class code a row"):
        fitted(name, dataclasses.replace(make_world().fit, y=labels))


@every_detector
@pytest.mark.parametrize("n", [1, 2, 5])
def test_few_fit_rows_still_give_finite_scores(name: str, n: int) -> None:
    world = make_world(n=n)
    assert np.isfinite(score(name, world.fit, world.inside)).all()


@every_detector
def test_constant_and_duplicate_features_still_give_finite_scores(name: str) -> None:
    world = make_world()

    def with_dead(rows: Representation) -> Representation:
        x = rows.features
        dead, steady = np.zeros((len(x), 2)), np.full((len(x), 1), 3.0)
        return dataclasses.replace(rows, features=np.concatenate([x, x[:, :2], dead, steady], axis=1))

    fit, inside, outside = (with_dead(rows) for rows in (world.fit, world.inside, world.outside))
    scores = score(name, fit, inside), score(name, fit, outside)
    assert np.isfinite(np.concatenate(scores)).all()
    assert auroc(*scores).low > 0.8
    moving = np.array(inside.features)
    moving[:, -2] = 5.0  # a unit that was silent in training fires
    woken = score(name, fit, dataclasses.replace(inside, features=moving))
    assert np.isfinite(woken).all()
    if name in ("mahalanobis", "knn", "vim"):
        assert woken.mean() < scores[0].mean()


def test_fit_rows_and_labels_of_different_length_are_refused() -> None:
    world = make_world()
    with pytest.raises(UsageError, match="differ in length"):
        detectors.get("mahalanobis")().fit(world.fit.features, None, world.fit.y[:-1])
    with pytest.raises(UsageError, match="600 features and 599 logits"):
        detectors.get("vim")().fit(world.fit.features, world.fit.logits[:-1])
