"""Limitations given while loading are those of `limit`; a run remembers them, and is verified and audited on them."""

from __future__ import annotations

import shlex

import numpy as np
import pytest

from efficienttrust import audit, fit, verify
from efficienttrust.data import load_image_problem, load_problem
from efficienttrust.data.limitations import limit
from efficienttrust.errors import UsageError
from efficienttrust.pipeline import _audit_resources, load_data
from efficienttrust.pipeline.spec import fit_spec

TEXTS = ("fewer_rows(0.50)", "label_noise(0.2, by=sex, group=Female)", "missing_features(0.3)")
CANONICAL = ["fewer_rows(0.5)", *TEXTS[1:]]


@pytest.fixture(scope="module")
def limited():
    return load_problem("german", sensitive="sex", limitations=TEXTS, seed=3)


def test_loading_with_limitations_is_limiting_what_was_loaded(limited):
    by_hand = limit(load_problem("german", sensitive="sex", seed=3), TEXTS, seed=3)
    assert limited.fingerprint == by_hand.fingerprint
    assert limited.notes == by_hand.notes
    for name, split in limited.splits.items():
        assert np.array_equal(split.x, by_hand.splits[name].x)
        assert np.array_equal(split.y, by_hand.splits[name].y)


def test_settings_give_the_limited_problem_again(limited):
    assert limited.settings["limitations"] == CANONICAL
    again = load_problem(limited.source, **limited.settings)
    assert (again.fingerprint, again.settings) == (limited.fingerprint, limited.settings)


def test_without_limitations_settings_and_identity_are_as_before():
    plain = load_problem("german", sensitive="sex")
    assert "limitations" not in plain.settings
    assert load_problem("german", sensitive="sex", limitations=()).fingerprint == plain.fingerprint
    assert load_problem("german", sensitive="sex", limitations="fewer_rows(0.5)").fingerprint != plain.fingerprint


def test_what_limiting_takes_is_charged(limited):
    plain = load_problem("german", sensitive="sex", seed=3)
    assert limited.preparation.keys() == plain.preparation.keys()
    assert all(seconds > 0 for seconds in limited.preparation.values())


def test_a_limited_run_is_verified_audited_and_made_again_by_its_command(limited, tmp_path, monkeypatch):
    monkeypatch.setattr(_audit_resources, "SECONDS", 0.02)
    run = fit(limited, budget="time=30 steps", targets=["dpd <= 0.9"], out=tmp_path / "run")
    assert [one.confirmed for one in verify(tmp_path / "run")] == [True]
    found = audit(tmp_path / "run", suite="quick").document
    assert found["data"]["n"] == len(limited.splits["test"])
    assert found["metrics"]["accuracy"]["value"] == pytest.approx(run.metrics["accuracy"]["value"])

    words = shlex.split(run.document["command"])
    given = [words[place + 1] for place, word in enumerate(words) if word == "--limitation"]
    assert given == CANONICAL
    again = load_data("german", {"sensitive": "sex", "limitations": tuple(given)}, seed=3)
    assert again.fingerprint == run.document["problem"]["fingerprint"]


def test_images_too(tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "set.npz"
    np.savez(path, x=rng.integers(0, 256, (200, 8, 8), dtype=np.uint8), y=rng.integers(0, 2, 200))
    limited = load_image_problem(path, limitations="fewer_rows(0.5)", seed=1)
    plain = load_image_problem(path, seed=1)
    assert len(limited.splits["train"]) == len(plain.splits["train"]) // 2
    assert len(limited.splits["test"]) == len(plain.splits["test"])
    assert load_image_problem(limited.source, **limited.settings).fingerprint == limited.fingerprint


def test_a_misspelt_limitation_is_told_before_data_are_read(tmp_path):
    path = tmp_path / "spec.yaml"
    path.write_text("data:\n  source: nowhere.csv\n  limitations:\n    - fewer_row(0.5)\nbudget: steps=5\n")
    with pytest.raises(UsageError, match=r"spec.yaml:4: data.limitations.0: .*Did you mean 'fewer_rows'"):
        fit_spec({}, file=path)
    with pytest.raises(UsageError, match=r"--limitation: .*'fewer_rows\(2\)': the level '2'"):
        fit_spec({"source": "adult", "budget": "steps=5", "limitations": ["fewer_rows(2)"]})
