"""By what means a step fits into a limit on memory: parts, then checkpointing, then bf16, and it is said."""

from __future__ import annotations

import dataclasses
import math
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from efficienttrust.training import Settings, _memory_limit
from efficienttrust.training._memory_limit import FEWEST_ROWS, Means, cap_allocator, fit_memory
from efficienttrust.training._memory_limit import given as given_means
from tests.small_problems import loans
from tests.training.module_cases import HERE, images, stepper_of, train_module, write_images

USED = 97.0e6


@pytest.fixture(autouse=True)
def bare(monkeypatch):
    """A process that holds 97 MB, and a limit that is all to be had."""
    monkeypatch.setattr(_memory_limit, "_resident", lambda device: USED)
    monkeypatch.setattr(_memory_limit, "HEADROOM", 0.0)
    monkeypatch.setattr(_memory_limit, "COPIES", 0.0)


def vit(tmp_path):
    return stepper_of(images(write_images(tmp_path, 2)), "vit", width=0.1, depth=4, patch=2)


def test_without_a_limit_a_batch_stays_whole():
    stepper = stepper_of(loans(), f"{HERE}:plain")
    means, said = fit_memory(stepper, 64, None)
    assert (means.parts, means.checkpointed, means.precision, said) == (1, False, "fp32", "")
    assert math.isnan(means.predicted)


def test_parts_come_first():
    stepper = stepper_of(loans(), f"{HERE}:plain")
    memory = stepper.measure_memory(64)
    means, said = fit_memory(stepper, 64, USED + memory.of(20), may_round=True)
    assert stepper.parts == means.parts == 4, "64 rows in parts of at most 20"
    assert (means.checkpointed, means.precision) == (False, "fp32")
    assert "in 4 parts" in said
    assert means.predicted == pytest.approx(USED + memory.of(16))
    assert "even one row" in fit_memory(stepper, 64, USED + 0.5 * memory.of(1))[1]


def test_then_blocks_compute_again_then_bf16_then_few_rows(tmp_path):
    stepper = vit(tmp_path)
    plain = stepper.measure_memory(64)
    stepper.checkpoint()
    saving = stepper.measure_memory(64)
    stepper.setup = dataclasses.replace(stepper.setup, precision="bf16")
    rounded = stepper.measure_memory(64)
    assert rounded.of(FEWEST_ROWS) < saving.of(FEWEST_ROWS) < 0.6 * plain.of(FEWEST_ROWS)

    def chosen(room: float, *, may_round: bool = True) -> Means:
        return fit_memory(vit(tmp_path), 64, USED + room, may_round=may_round)[0]

    almost = 1.001
    assert chosen(plain.of(FEWEST_ROWS) * almost) == Means(4, False, "fp32", USED + plain.of(FEWEST_ROWS))
    second = chosen(saving.of(FEWEST_ROWS) * almost)
    assert (second.parts, second.checkpointed, second.precision) == (4, True, "fp32")
    third = chosen(rounded.of(FEWEST_ROWS) * almost)
    assert (third.parts, third.checkpointed, third.precision) == (4, True, "bf16")
    refused = chosen(rounded.of(FEWEST_ROWS) * almost, may_round=False)
    assert refused.precision == "fp32", "never against what the user said"
    assert refused.parts > 4
    assert chosen(rounded.of(2) * almost).parts == 32


def test_a_limit_that_no_step_can_meet_is_not_paid_for_with_single_rows():
    stepper = stepper_of(loans(), "tabular", width=0.1)
    means, said = fit_memory(stepper, 64, USED - 1.0)
    assert means.parts == stepper.parts == math.ceil(64 / FEWEST_ROWS)
    assert means.predicted > USED
    assert "even one row" in said


@settings(max_examples=20, deadline=None)
@given(st.floats(0.0, 1.5))
def test_what_is_chosen_is_predicted_to_fit_or_said_not_to(share):
    stepper = stepper_of(loans(), "tabular", width=0.1)
    whole = stepper.measure_memory(64)
    limit = USED + share * whole.of(64)
    means, said = fit_memory(stepper, 64, limit)
    now = stepper.measure_memory(64)
    assert means.predicted == pytest.approx(USED + now.of(math.ceil(64 / means.parts)))
    assert (means.predicted <= limit) == ("even one row" not in said)


def test_the_precision_that_was_asked_for_stands_and_auto_gives_way():
    problem, limit = loans(), "steps=3, memory=97.00001MB"
    kept = train_module(problem, limit, "tabular", settings=Settings(device="cpu", precision="fp32"), width=0.2)[0]
    assert "in fp32" in kept.trained[0]
    free = train_module(problem, limit, "tabular", settings=Settings(device="cpu"), width=0.2)[0]
    assert "in bf16" in free.trained[0]
    assert any("passes are in bf16" in one for one in free.fallbacks)
    assert free.means is not None
    assert free.means.checkpointed


def test_the_means_are_kept_on_record_and_survive_a_resumption(tmp_path):
    def trained():
        return train_module(
            loans(), "steps=8, memory=97.00001MB", "tabular", checkpoint=tmp_path / "state.pt", width=0.2,
            settings=Settings(device="cpu"),
        )[0]  # fmt: skip

    first = trained()
    said = [one for one in first.fallbacks if one.startswith("memory")]
    assert "parts" in said[0]
    assert "expected now: " in said[0]
    assert any(one.after == "memory" and one.reason == said[0] for one in first.decisions)
    again = trained()
    assert (again.fallbacks, again.means, again.trained) == (first.fallbacks, first.means, first.trained)


def test_means_that_were_chosen_before_are_taken_whatever_fits():
    stepper, before = stepper_of(loans(), "tabular", width=0.2), Means(3, True, "bf16", 1.0)
    with given_means(before):
        assert fit_memory(stepper, 64, None) == (before, "")
    assert (stepper.parts, stepper.recomputed > 0, stepper.setup.precision) == (3, True, "bf16")


def test_the_allocator_of_a_gpu_is_capped_at_the_limit(monkeypatch):
    done = []
    fake = SimpleNamespace(
        mem_get_info=lambda device: (30e9, 40e9),
        set_per_process_memory_fraction=lambda share, device: done.append((share, device)),
        reset_peak_memory_stats=lambda device: done.append("reset"),
    )
    monkeypatch.setattr(torch, "cuda", fake)
    cap_allocator(10e9, torch.device("cuda:0"))
    cap_allocator(90e9, torch.device("cuda:0"))
    assert done == [(0.25, torch.device("cuda:0")), "reset", (1.0, torch.device("cuda:0")), "reset"]
