"""Doses, paths, trade-offs and comparisons: planted curves are recovered, and figures agree with brute force."""

from __future__ import annotations

import moocore
import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression

from efficienttrust.study.analysis._monotone import monotone
from efficienttrust.study.analysis._paths import moments, paths
from efficienttrust.study.analysis.catalogue.comparisons import interquartile_mean
from efficienttrust.study.analysis.catalogue.pareto import hypervolumes
from tests.study.analysis.conftest import section
from tests.study.synthetic import ACCURACY, GAP, ROBUST, Planted, frame_of


def test_monotone_curves_are_isotonic_regressions():
    y = np.random.default_rng(0).normal(size=(50, 7)) + 0.3 * np.arange(7)
    theirs = [IsotonicRegression().fit_transform(np.arange(7), one) for one in y]
    assert monotone(y) == pytest.approx(np.array(theirs))


def test_slope_per_halving_is_the_planted_one():
    trends = [one for one in section(Planted(), "dose").trends if one.metric == ACCURACY and one.data == ""]
    time = next(one for one in trends if one.kind == "time")
    assert time.per == "halving"
    assert time.slope.low < -0.01 < time.slope.high
    assert next(one for one in trends if one.kind == "prune").per == "doubling"


def test_the_margin_is_left_where_it_was_planted():
    """−0.01 per halving against a margin of 0.015: inside at one halving, outside at two."""
    exact = Planted(noise_sd=1e-4, hypotheses=())
    found = section(exact, "dose", margins={ACCURACY: 0.015}).thresholds
    one = next(one for one in found if one.kind == "time" and one.data == "")
    assert (one.level, one.dose, one.within, one.source) == ("time=25%", 0.25, "time=50%", "options")


@pytest.mark.parametrize(("direct", "through"), [(0.0, -0.5), (0.04, 0.0), (0.03, -0.8), (0.02, 0.8)])
def test_planted_paths_are_recovered(direct, through):
    found = section(Planted(direct=direct, through=through, seeds=8, seed=4), "mediation").paths
    one = next(one for one in found if one.kind == "time")
    indirect = through * -0.03
    assert one.direct.low - 0.003 < direct < one.direct.high + 0.003
    assert one.indirect.low - 0.003 < indirect < one.indirect.high + 0.003
    assert one.total.value == pytest.approx(one.direct.value + one.indirect.value)
    assert (one.indirect.low <= 0 <= one.indirect.high) == (through == 0)


def test_the_indirect_effect_vanishes_at_rho():
    """Confounding of exactly that correlation: M and Y share an error, and nothing goes through M."""
    rng = np.random.default_rng(0)
    t = np.linspace(0, 1, 5)
    shared = rng.normal(size=(200, 5, 50))
    m = t[None, :, None] + 0.6 * shared + 0.8 * rng.normal(size=shared.shape)
    y = 0.5 * t[None, :, None] + 0.6 * shared + 0.8 * rng.normal(size=shared.shape)
    found = paths(moments(t, m, y).total(np.ones((1, 200))))
    assert found.rho[0] == pytest.approx(0.36, abs=0.01)
    assert found.total[0] == pytest.approx(0.5, abs=0.02)
    assert found.indirect[0] == pytest.approx(0.36, abs=0.02)  # what ignoring the confounder would claim


def test_natural_effects_with_an_interaction():
    """Y = 0.2 T + 0.5 M + 0.4 T M with M = 1 + 2 T: direct 0.2 + 0.4 · 1, indirect 2 · (0.5 + 0.4)."""
    rng = np.random.default_rng(1)
    t = np.linspace(0, 1, 5)
    m = 1 + 2 * t[None, :, None] + 0.5 * rng.normal(size=(100, 5, 40))
    y = 0.2 * t[None, :, None] + 0.5 * m + 0.4 * t[None, :, None] * m + 0.01 * rng.normal(size=m.shape)
    found = paths(moments(t, m, y).total(np.ones((1, 100))))
    assert found.direct_interacting[0] == pytest.approx(0.6, abs=0.01)
    assert found.indirect_interacting[0] == pytest.approx(1.8, abs=0.02)
    assert found.interaction[0] == pytest.approx(0.4, abs=0.01)


def test_fronts_hold_what_nothing_beats():
    points = [
        one for one in section(Planted(), "pareto").points if one.x_column == "cost.flops" and one.y_column == GAP
    ]
    assert points
    for one in points:
        rivals = [other for other in points if other.data == one.data]
        beaten = any(other.x <= one.x and other.y <= one.y and (other.x < one.x or other.y < one.y) for other in rivals)
        assert one.on_front == (not beaten)


def test_hypervolumes_are_areas_between_the_stated_points():
    """With one other factor's level each unit has one point, whose area is a rectangle."""
    one_model = Planted(models=("mlp",), data=("adult",), seeds=2)
    found = section(one_model, "pareto")
    row = next(
        one for one in found.hypervolumes
        if (one.columns, one.data, one.mitigation, one.constraint) == ((ACCURACY, GAP), "adult", "atats", "none")
    )  # fmt: skip
    frame = frame_of(one_model)
    own = frame[(frame["factor.mitigation"] == "atats") & (frame["factor.constraint"] == "none")]
    assert row.reference == pytest.approx((frame[ACCURACY].min(), frame[GAP].max()))
    assert row.ideal == pytest.approx((frame[ACCURACY].max(), frame[GAP].min()))
    sides = [(own[c] - worst).abs() / abs(best - worst) for c, worst, best in
             zip((ACCURACY, GAP), row.reference, row.ideal, strict=True)]  # fmt: skip
    assert row.hypervolume.value == pytest.approx(float((sides[0] * sides[1]).mean()))


def test_hypervolumes_are_those_of_moocore():
    rng = np.random.default_rng(0)
    points = np.round(rng.random((40, 12, 2)), 1)  # with ties
    points[rng.random((40, 12)) < 0.3] = np.nan
    points[0] = np.nan
    found = hypervolumes(points)
    assert np.isnan(found[0])
    theirs = [moocore.hypervolume(one[np.isfinite(one).all(1)], ref=[1.0, 1.0]) for one in points[1:]]
    assert found[1:] == pytest.approx(np.array(theirs))


def test_attained_corners_are_attained_by_that_share():
    planted = Planted(data=("adult",), seeds=4)
    frame = frame_of(planted)
    rows = [one for one in section(planted, "pareto").attainment if one.columns == (ACCURACY, GAP)]
    assert {one.share for one in rows} == {0.25, 0.5, 0.75}
    for one in rows:
        own = frame[(frame["factor.mitigation"] == one.mitigation) & (frame["factor.constraint"] == one.constraint)]
        for x, y in one.points:
            reached = own[(own[ACCURACY] >= x - 1e-12) & (own[GAP] <= y + 1e-12)]["seed"].nunique()
            assert reached / 4 >= one.share


def test_the_interquartile_mean_is_the_trimmed_mean():
    from scipy import stats

    rng = np.random.default_rng(0)
    values, each = rng.normal(size=40), np.arange(40)
    assert interquartile_mean(values, each, np.ones((1, 40)))[0] == pytest.approx(stats.trim_mean(values, 0.25))
    unit, counts = rng.integers(0, 7, 40), rng.integers(0, 4, (50, 7)).astype(float)
    found = interquartile_mean(values, unit, counts)
    for one, weights in zip(found, counts, strict=True):
        drawn = np.repeat(values, 4 * weights[unit].astype(int))  # four of each, so that quarters have whole numbers
        assert one == pytest.approx(stats.trim_mean(drawn, 0.25))


def test_improvement_is_the_share_of_matched_trials_that_are_better():
    found = section(Planted(), "comparisons").improvement
    value = {(one.metric, one.level): one.probability.value for one in found}
    assert value[GAP, "atats"] > 0.99
    assert value[ACCURACY, "time=12.5%"] < 0.01
    assert value[ROBUST, "trees"] == pytest.approx(0.5, abs=0.1)


def test_ranks_come_with_eight_data_sets():
    many = Planted(data=tuple(f"d{i}" for i in range(9)), seeds=2, models=("mlp",))
    ranks = {one.level: one for one in section(many, "comparisons").ranks if one.metric == GAP}
    assert ranks["atats"].rank == 1
    assert ranks["baseline"].rank == 3
    assert ranks["atats"].friedman_p < 0.001
    assert ranks["atats"].indistinct == ()
