"""The least robust error on given rows: brute force over covers, certificates, tables, groups, planted conflicts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from efficienttrust.errors import UsageError
from efficienttrust.theory.catalogue import matching
from efficienttrust.theory.catalogue.linear_robustness import linear_robust_error
from efficienttrust.theory.catalogue.matching import min_robust_error
from tests.threats.worlds import World, draw

ORDER = {"l1": 1, "l2": 2, "linf": np.inf}
NORMS = pytest.mark.parametrize("norm", ["l1", "l2", "linf"])


def smallest_cover(n: int, conflicts: list[tuple[int, int]]) -> int:
    """Return the least number of rows that touch all conflicts, over all 2^n sets: no matching involved."""
    sets = np.arange(1 << n)
    covers = np.ones(len(sets), dtype=bool)
    for i, j in conflicts:
        covers &= ((sets >> i) & 1 | (sets >> j) & 1) == 1
    return int(np.bitwise_count(sets[covers]).min())


def close_pairs(x, y, eps, norm):
    return [
        (i, j)
        for i in range(len(x))
        for j in range(i)
        if y[i] != y[j] and np.linalg.norm(x[i] - x[j], ORDER[norm]) <= 2 * eps
    ]


def test_toy_of_the_catalogue():
    bound = min_robust_error([[0.0], [1.0], [2.0], [2.5], [10.0], [11.0]], [0, 0, 0, 1, 1, 1], 0.3)
    assert bound.value == 1 / 6
    assert bound.kind == "exact"
    assert bound.rigorous


@NORMS
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), eps=st.floats(0.0, 1.2), d=st.integers(1, 4))
def test_it_is_the_smallest_cover(norm, seed, eps, d):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(11, d)), rng.integers(0, 2, 11)
    x[rng.integers(11)] = x[0]  # equal rows too
    bound = min_robust_error(x, y, eps, norm)
    conflicts = close_pairs(x, y, eps, norm)
    given_up = bound.details["given_up"]
    assert bound.details["conflicts"] == len(conflicts)
    assert bound.details["wrong"] == smallest_cover(11, conflicts) == given_up.sum()
    assert all(given_up[i] or given_up[j] for i, j in conflicts)
    assert bound.vacuous == (not conflicts)


@NORMS
def test_tiles_find_the_same_conflicts_as_all_pairs_at_once(norm):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(1500, 6)) * np.array([3.0, 1, 1, 1, 1, 0.1]), rng.integers(0, 2, 1500)
    eps = {"l1": 1.2, "l2": 0.7, "linf": 0.4}[norm]
    bound = min_robust_error(x, y, eps, norm)
    from scipy.spatial.distance import cdist

    metric = {"l1": "cityblock", "l2": "euclidean", "linf": "chebyshev"}[norm]
    near = cdist(x[y == 0], x[y == 1], metric) <= 2 * eps
    assert 1000 < bound.details["conflicts"] == near.sum()
    given_up = bound.details["given_up"]
    assert given_up.sum() == bound.details["wrong"]  # a cover of that size proves that the matching is a largest one
    assert (given_up[y == 0][:, None] | given_up[y == 1][None])[near].all()


@NORMS
def test_rows_at_exactly_twice_eps_conflict(norm):
    """Whole numbers, so that distances are exact: none may be lost to rounding."""
    x = np.random.default_rng(0).integers(0, 4, (60, 1)).astype(float)
    y = np.arange(60) % 2
    conflicts = min_robust_error(x, y, 0.5, norm).details["conflicts"]
    assert conflicts == (np.abs(x[y == 0] - x[y == 1].T) <= 1).sum()


def test_equal_rows_are_not_matched_first():
    """b and c lie on either side of a+ and a-: matching these two leaves b and c alone, but two rows have to go."""
    x, y = [[0.0], [0.0], [-0.5], [0.5]], [1, 0, 0, 1]
    assert min_robust_error(x, y, 0.25).details["wrong"] == 2


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), eps=st.floats(0, 1), more=st.floats(0, 1), norm=st.sampled_from(sorted(ORDER)))
def test_properties(seed, eps, more, norm):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(40, 2)), rng.integers(0, 2, 40)
    value = min_robust_error(x, y, eps, norm).value
    more_wrong = min_robust_error(x, y, eps + more, norm).details["wrong"]
    assert value * 40 <= more_wrong + 1e-9
    assert more_wrong <= min(y.sum(), 40 - y.sum())
    order = rng.permutation(40)
    assert value == min_robust_error(x[order], 1 - y[order], eps, norm).value
    assert value == min_robust_error(2 * x, y, 2 * eps, norm).value  # powers of two scale exactly
    w, b = rng.normal(size=2), float(rng.normal())
    assert value <= float(linear_robust_error(w, b, x, y, eps, norm))  # no model beats it
    seen = min_robust_error(x, y, eps, norm, seen=rng.integers(0, 2, 40)).value
    assert seen <= value  # who sees more errs less


def test_no_attack_leaves_contradictory_rows():
    x = [[1.0, 2.0]] * 5 + [[0.0, 0.0]] * 2
    assert min_robust_error(x, [1, 1, 0, 0, 0, 1, 1], 0.0).details["wrong"] == 2


def small_world(seed: int) -> World:
    """Return a world of 11 rows with nearly the same categories, so that rows can meet."""
    world = draw(seed, n=11, p=4)
    world.x[:, world.domain.blocks[0][0] :] = 0
    world.x[:, 3] = world.x[0, 3]  # the immutable column
    return world


def reachable(world: World, i: int, k: int, eps: float) -> bool:
    """Return whether two rows can be moved to one point, cell by cell in raw units."""
    domain, x = world.domain, world.x.numpy().astype(np.float64)
    if not np.array_equal(x[i, world.p :], x[k, world.p :]):
        return False
    for j in range(world.p):
        frozen = not domain.mutable[j] or world.missing[i, j]
        sides = []
        for row in (i, k):
            down = 0.0 if frozen else min(max(x[row, j] - domain.lower[j], 0), eps)
            up = 0.0 if frozen else min(max(domain.upper[j] - x[row, j], 0), eps)
            value, scale = x[row, j], 1.0
            if domain.step[j] > 0:
                scale = world.scale[j]
                value = np.round(value * scale + world.mean[j])
                down, up = (np.floor(room * scale + 1e-3) for room in (down, up))
            sides.append((value - down, value + up))
        if max(low for low, _ in sides) > min(high for _, high in sides):
            return False
    return True


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), eps=st.floats(0.0, 1.5))
def test_in_a_domain_it_is_the_smallest_cover(seed, eps):
    world = small_world(seed)
    if not ((eps * world.scale) % 1 < 0.998).all():
        return
    x, y = world.x.numpy(), world.y.numpy()
    conflicts = [(i, k) for i in range(11) for k in range(i) if y[i] != y[k] and reachable(world, i, k, eps)]
    bound = min_robust_error(x, y, eps, domain=world.domain)
    assert bound.details["conflicts"] == len(conflicts)
    assert bound.details["wrong"] == smallest_cover(11, conflicts)
    for norm in ("l1", "l2"):
        inside = min_robust_error(x, y, eps, norm, domain=world.domain)
        assert inside.kind == "lower"
        assert inside.value <= bound.value  # their balls lie in the box


@NORMS
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), eps=st.floats(0.05, 1.5))
def test_no_linear_model_beats_it_in_a_domain(norm, seed, eps):
    world, rng = small_world(seed), np.random.default_rng(seed)
    x, y = world.x.numpy(), world.y.numpy()
    floor = min_robust_error(x, y, eps, norm, domain=world.domain).value
    for _ in range(20):
        w, b = rng.normal(size=x.shape[1]), float(rng.normal())
        assert floor <= float(linear_robust_error(w, b, x, y, eps, norm, world.domain))


def test_a_table_without_columns_that_move_conflicts_only_where_rows_are_equal():
    world = draw(0)
    frozen = replace(world.domain, mutable=np.zeros_like(world.domain.mutable))
    x, y = world.x.numpy().copy(), world.y.numpy().copy()
    x[1], y[0], y[1] = x[0], 0, 1
    bound = min_robust_error(x, y, 5.0, domain=frozen)
    assert bound.details["conflicts"] == bound.details["wrong"] == 1


def test_floors_of_groups_are_those_of_their_rows_alone():
    rng = np.random.default_rng(0)
    x, y, groups = rng.normal(size=(90, 2)), rng.integers(0, 2, 90), rng.integers(0, 3, 90)
    details = min_robust_error(x, y, 0.2, groups=groups).details
    for code, floor in details["by_group"].items():
        own = groups == code
        assert floor == min_robust_error(x[own], y[own], 0.2).value
    together = sum((groups == code).sum() * floor for code, floor in details["by_group"].items())
    assert together <= details["wrong"]
    assert details["worst_group"] == max(*details["by_group"].values(), details["wrong"] / 90)


def test_rows_of_no_group_count_in_none():
    x, y = [[0.0], [0.0], [5.0], [5.0]], [0, 1, 0, 1]
    details = min_robust_error(x, y, 0.1, groups=[0, 0, 0, -1]).details
    assert details["by_group"] == {0: 1 / 3}
    assert details["worst_group"] == 1 / 3


def test_too_many_conflicts_leave_a_lower_bound(monkeypatch):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(600, 2)), rng.integers(0, 2, 600)
    whole = min_robust_error(x, y, 0.1)
    monkeypatch.setattr(matching, "MOST_CONFLICTS", whole.details["conflicts"] - 1)
    part = min_robust_error(x, y, 0.1)
    assert part.kind == "lower"
    assert part.value <= whole.value
    assert whole.kind == "exact"


def test_one_label_only_is_vacuous():
    bound = min_robust_error([[0.0], [0.0]], [1, 1], 0.5)
    assert bound.value == 0
    assert bound.vacuous
    assert "no obstruction" in bound.reason


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"y": [0, 3]}, "other labels"),
        ({"eps": -1.0}, "at least 0"),
        ({"norm": "l7"}, "unknown norm"),
        ({"x": [[0.0], [np.nan]]}, "not finite"),
        ({"sample_weight": [1.0, 2.0]}, "unequal weight"),
        ({"groups": [0]}, "one value for each"),
    ],
)
def test_bad_input(change, said):
    with pytest.raises(UsageError, match=said):
        min_robust_error(**{"x": [[0.0], [1.0]], "y": [0, 1], "eps": 0.1, **change})


def test_relations_are_refused():
    world = draw(0)
    relations = (np.ones((1, world.p), dtype=np.float32), np.ones(1, dtype=np.float32), np.array([False]))
    with pytest.raises(UsageError, match="relations"):
        min_robust_error(world.x.numpy(), world.y.numpy(), 0.1, domain=replace(world.domain, relations=relations))


def test_equal_weights_are_no_weights():
    assert min_robust_error([[0.0], [0.0]], [0, 1], 0.1, sample_weight=[2.0, 2.0]).value == 0.5
