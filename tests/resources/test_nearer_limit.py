"""A part of a run may be given a nearer limit: it plans with that one, the account stays whole."""

from __future__ import annotations

import math

import pytest

from efficienttrust.resources import Budget, Ledger


def test_the_body_sees_the_nearer_limit_and_the_account_stays_whole():
    ledger = Ledger(Budget.parse("steps=100"))
    with ledger.until(30):
        ledger.count(steps=10)
        assert (ledger.limit, ledger.remaining(), ledger.fraction()) == (30, 20, pytest.approx(1 / 3))
    assert (ledger.limit, ledger.remaining(), ledger.used()) == (100, 90, 10)
    assert ledger.to_dict()["time"]["asked"] == 100


def test_the_limit_of_the_budget_holds_in_it():
    ledger = Ledger(Budget.parse("steps=100"))
    with ledger.until(500):
        assert ledger.limit == 100


def test_parts_may_be_nested():
    ledger = Ledger(Budget.parse("steps=100"))
    with ledger.until(50):
        with ledger.until(80):
            assert ledger.limit == 50
        with ledger.until(20):
            assert ledger.limit == 20
        assert ledger.limit == 50


def test_a_part_that_ends_by_an_error_leaves_the_limit_as_it_was():
    ledger = Ledger(Budget.parse("steps=100"))
    with pytest.raises(ValueError, match="stop"), ledger.until(50):
        raise ValueError("stop")
    assert ledger.limit == 100


def test_without_a_limit_a_part_may_have_one():
    ledger = Ledger(Budget.parse("size=1MB"))
    with ledger.until(5.0):
        assert ledger.limit == 5.0
    assert math.isinf(ledger.limit)
