"""FairBatch composes batches as it says: by whole counts, without repetition, towards the smaller gap."""

from __future__ import annotations

import math

import pytest
import torch

from efficienttrust.training._batches import Composition, Shuffler
from efficienttrust.training.interventions import Answers, interventions
from tests.training.interventions.cases import made_groups

EQUAL = ("equalized_odds",)


def shuffler(n=400, size=64):
    return Shuffler(n, size, torch.Generator().manual_seed(3))


def test_counts_are_the_shares_to_a_row_and_exact_in_the_long_run():
    cells = torch.arange(400) % 3
    composition = Composition(cells, (0.5, 0.371, 0.129))
    source, total = shuffler(), torch.zeros(3)
    for batch in range(1, 41):
        rows = source.next(composition)
        assert len(rows) == 64
        counts = torch.bincount(cells[rows], minlength=3)
        total += counts
        assert float((total - 64 * batch * torch.tensor(composition.shares)).abs().max()) < 1.0 + 1e-6
    assert not torch.equal(cells[rows].sort().values, cells[rows]), "an attack takes the first rows: any cell's"


def test_no_row_of_a_cell_returns_before_all_had_their_turn():
    cells = (torch.arange(400) >= 40).long()
    composition, source = Composition(cells, (0.5, 0.5)), shuffler()
    drawn = torch.cat([source.next(composition) for _ in range(40)])
    for cell, size in ((0, 40), (1, 360)):
        own = drawn[cells[drawn] == cell]
        times = torch.bincount(own, minlength=400)[cells == cell]
        assert int(times.max() - times.min()) <= 1
        assert len(own) == 40 * 32 == int(times.sum())
        assert size == len(times)


def test_a_cell_smaller_than_its_count_repeats_and_an_empty_one_stays_empty():
    cells = torch.tensor([0] * 3 + [1] * 97)
    rows = shuffler(100, 50).next(Composition(cells, (0.5, 0.5, 0.0)))
    assert torch.bincount(rows[cells[rows] == 0], minlength=3).tolist() in ([9, 8, 8], [8, 9, 8], [8, 8, 9])


def test_plain_batches_are_those_of_a_stream_that_was_never_composed():
    composition = Composition(torch.arange(400) % 2, (0.7, 0.3))
    plain, mixed = shuffler(), shuffler()
    for turn in range(9):
        if turn % 3 == 1:
            for _ in range(5):
                mixed.next(composition)
        assert torch.equal(plain.next(), mixed.next())


def test_a_resumed_stream_goes_on():
    composition = Composition(torch.arange(400) % 2, (0.7, 0.3))
    one, other = shuffler(), shuffler()
    for source in (one,):
        source.next()
        for _ in range(7):
            source.next(composition)
    other.load_state_dict(one.state_dict())
    for composed in (composition, composition, None, None, composition):
        assert torch.equal(one.next(composed), other.next(composed))


def moved(groups, scores, batches=20, setting=1.0):
    """Composition after so many batches of all rows with these scores."""
    fair_batch = interventions.get("fair_batch")(groups)
    first = fair_batch.composition()
    for _ in range(batches):
        rows = torch.arange(len(groups.codes))
        fair_batch.take(Answers(rows, groups.y, torch.logit(scores), lambda: torch.zeros(0)), setting)
    return torch.tensor(first.shares).view(2, 4), torch.tensor(fair_batch.composition().shares).view(2, 4), fair_batch


def test_it_begins_with_the_shares_of_the_rows():
    groups = made_groups()
    base, same, _ = moved(groups, torch.full((400,), 0.4), batches=9)
    assert torch.equal(base, same)
    for label in (0, 1):
        for g in range(3):
            assert float(base[label, g]) == pytest.approx(
                float(((groups.codes == g) & (groups.y == label)).float().mean())
            )
        assert float(base[label, 3]) == pytest.approx(float((~groups.known & (groups.y == label)).float().mean()))


@pytest.mark.parametrize(
    ("notions", "signs"),
    [
        (("equal_opportunity",), [[0, 0, 0], [1, 0, -1]]),
        (("equalized_odds",), [[-1, 0, 1], [1, 0, -1]]),
        (("demographic_parity",), [[-1, 0, 1], [1, 0, -1]]),
        ((), [[-1, 0, 1], [1, 0, -1]]),
    ],
)
def test_shares_move_by_the_sign_of_the_gap(notions, signs):
    """Group 0 scores below, 2 above the others, 1 in the middle, whatever the label."""
    groups = made_groups(notions=notions)
    scores = torch.tensor([0.2, 0.5, 0.8, 0.5])[groups.codes]
    base, now, fair_batch = moved(groups, scores, batches=10)
    theta = fair_batch.state_dict()["theta"][:, :3] / 0.1
    assert torch.equal(theta[:, [0, 2]], torch.tensor(signs, dtype=torch.float64)[:, [0, 2]])
    for label in (0, 1):
        assert float(now[label].sum()) == pytest.approx(float(base[label].sum())), "labels keep their shares"
    if signs[1][0]:
        assert now[1, 0] > base[1, 0]
        assert now[1, 2] < base[1, 2]


def test_moves_are_in_proportion_to_the_setting_and_bounded():
    groups = made_groups(notions=EQUAL)
    scores = torch.tensor([0.2, 0.5, 0.8, 0.5])[groups.codes]
    half = moved(groups, scores, batches=10, setting=0.5)[2].state_dict()["theta"]
    assert float(half.abs().max()) == pytest.approx(0.05)
    far = moved(groups, scores, batches=600)[2].state_dict()["theta"]
    assert float(far.abs().max()) == pytest.approx(math.log(4.0))


def test_groups_that_no_batch_held_do_not_move():
    groups = made_groups(notions=EQUAL)
    fair_batch = interventions.get("fair_batch")(groups)
    rows = torch.nonzero(groups.codes == 1).squeeze(1)
    for _ in range(20):
        fair_batch.take(Answers(rows, groups.y[rows], torch.zeros(len(rows)), lambda: torch.zeros(0)), 1.0)
    assert torch.equal(fair_batch.state_dict()["theta"], torch.zeros(2, 4, dtype=torch.float64))
    assert all(math.isfinite(share) for share in fair_batch.composition().shares)
