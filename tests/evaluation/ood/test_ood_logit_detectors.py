"""Detectors on logits equal their formulas, also where floats overflow or round to 1."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special, stats

from efficienttrust.errors import UsageError
from efficienttrust.evaluation.ood import detectors
from efficienttrust.evaluation.ood.catalogue.energy import Energy

LOGITS = np.random.default_rng(0).normal(0, 4, (200, 5))


def score(name: str, logits: np.ndarray) -> np.ndarray:
    return detectors.get(name)().fit(None, logits).score(None, logits)


def test_formulas() -> None:
    probabilities = special.softmax(LOGITS, axis=1)
    assert score("msp", LOGITS) == pytest.approx(np.log(probabilities.max(axis=1)))
    assert score("max_logit", LOGITS) == pytest.approx(LOGITS.max(axis=1))
    assert score("energy", LOGITS) == pytest.approx(special.logsumexp(LOGITS, axis=1))
    assert score("entropy", LOGITS) == pytest.approx(-stats.entropy(probabilities, axis=1))


@pytest.mark.parametrize("temperature", [0.1, 1.0, 1000.0])
def test_temperature_of_energy(temperature: float) -> None:
    got = Energy(temperature).fit(None, LOGITS).score(None, LOGITS)
    assert got == pytest.approx(temperature * special.logsumexp(LOGITS / temperature, axis=1))


@pytest.mark.parametrize("temperature", [0.0, -1.0, np.nan, np.inf])
def test_impossible_temperatures(temperature: float) -> None:
    with pytest.raises(UsageError, match="temperature of energy must be above 0"):
        Energy(temperature)


@pytest.mark.parametrize("name", ["msp", "entropy"])
def test_adding_a_constant_to_a_row_changes_no_probability(name: str) -> None:
    shift = np.random.default_rng(1).normal(0, 100, (200, 1))
    assert score(name, LOGITS + shift) == pytest.approx(score(name, LOGITS))


@pytest.mark.parametrize("name", ["msp", "max_logit", "energy", "entropy"])
def test_the_order_of_classes_does_not_matter(name: str) -> None:
    assert score(name, LOGITS[:, ::-1]) == pytest.approx(score(name, LOGITS))


def test_large_single_precision_logits_do_not_overflow() -> None:
    huge = np.array([[3e38, -3e38, 0], [1e4, 1e4, 1e4], [-3e38, -3e38, -3e38]], dtype=np.float32)
    assert score("energy", huge) == pytest.approx([3e38, 1e4 + np.log(3), -3e38])
    assert score("entropy", huge) == pytest.approx([0, -np.log(3), -np.log(3)])
    assert np.isfinite(score("msp", huge)).all()


def test_sure_rows_are_not_tied() -> None:
    margins = np.linspace(
        20, 600, 50
    )  # from 17 on, the probability itself rounds to 1 in float32, from 37 on in float64
    scores = score("msp", np.stack([margins, np.zeros(50)], axis=1))
    assert (np.diff(scores) > 0).all()


@pytest.mark.parametrize("name", ["msp", "max_logit", "energy", "entropy"])
def test_one_logit_is_two(name: str) -> None:
    z = LOGITS[:, 0]
    two = np.stack([-z / 2, z / 2], axis=1)
    assert score(name, z) == pytest.approx(score(name, two))
    assert score(name, z[:, None]) == pytest.approx(score(name, two))
    assert score(name, -z) == pytest.approx(score(name, z))  # neither class is preferred
