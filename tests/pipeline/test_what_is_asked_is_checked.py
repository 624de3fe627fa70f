"""What cannot be had is refused before anything is spent, with one line that says why and what to do."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pandas as pd
import pytest

from efficienttrust import fit, load_problem
from efficienttrust.errors import InfeasibleError, UsageError
from efficienttrust.evaluation.targets import parse_target
from efficienttrust.pipeline import load_data
from efficienttrust.pipeline.limits import assess, question_of, refuse_impossible
from tests.small_problems import FAIR, ROBUST, german, loans


def refusal(kind, budget="time=30 steps", targets=(FAIR,), problem=None, **options) -> str:
    with pytest.raises(kind) as refused:
        fit(problem or german(), budget=budget, targets=targets, **options)
    message = str(refused.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("trainer", ["network", "trees"])
@pytest.mark.parametrize("budget", ["time=1ms", "time=1ms cpu", "flops=10", "samples=8"])
def test_a_time_that_buys_no_step(budget, trainer):
    message = refusal(InfeasibleError, budget, trainer=trainer)
    assert message.startswith("budget: ")
    assert "is less than" in message or "are used already" in message


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        ("size=1kB", r"linear in int8: size \d+ of 1000 bytes"),
        ("parameters=3", "linear: 210 of 3 parameters"),
        ("latency=0.0001ms", r"linear in int8: latency [\d.]+ of 0.0001 ms"),
        ("time=60 steps, size=1kB, parameters=3", r"linear in int8: size \d+ of 1000 bytes, 210 of 3 parameters"),
    ],
)
def test_a_model_smaller_than_the_smallest(budget, said):
    assert re.search(rf"not even the smallest model fits \({said}\)", refusal(InfeasibleError, budget))


def test_a_tight_size_gets_a_smaller_network_and_holds_to_the_byte():
    sizes = []
    for limit in (14_000, 12_000, 8_800, 8_200, 8_000, 7_000):
        try:
            run = fit(german(), budget=f"time=20 steps, size={limit}B", targets=[FAIR])
        except InfeasibleError:
            sizes.append(None)
            continue
        assert len(run.content) <= limit, "metadata and group head count too"
        assert "refused: mlp" in run.document["model"]["width_reason"]
        sizes.append(len(run.content))
    assert sizes[0] is not None
    assert sizes[-1] is None


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"budget": "time=-3s"}, "-3"),
        ({"budget": "tme=3s"}, "Did you mean 'time'"),
        ({"targets": ["dpp <= 0.1"]}, "Did you mean 'dpd'"),
        ({"targets": ["robust_accuracy(pgdd, eps=0.1) >= 0.5"]}, "Did you mean 'pgd'"),
        ({"targets": ["dpd(by=sexx) <= 0.1"]}, "Did you mean 'sex'"),
        ({"policy": "plann"}, "Did you mean 'plan'"),
        ({"policy": "static(lambda=1)"}, "lambda_fair"),
        ({"policy": "static(lambda_fair=nan)"}, "nan"),
        ({"trainer": "tree"}, "Did you mean 'trees'"),
        ({"seed": -1}, "seed -1"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_wrong_words(options, said):
    assert said in refusal(UsageError, **options)


def test_group_targets_need_groups():
    alone = load_problem(pd.DataFrame(loans().inputs).assign(y=np.arange(600) % 2), label="y", sensitive=())
    assert "--sensitive" in refusal(UsageError, problem=alone)


def unequal(weight: str | None = None):
    """Base rates .8 and .2; the weights make them equal."""
    n = 400
    sex = np.arange(n) % 2
    y = np.random.default_rng(0).random(n) < np.where(sex == 1, 0.8, 0.2)
    table = pd.DataFrame({"x": np.random.default_rng(1).normal(size=n) + y, "sex": sex, "y": y.astype(int)})
    table["w"] = np.where(y == (sex == 1), 1.0, 4.0)
    return load_problem(table, label="y", sensitive="sex", weight=weight, drop=() if weight else ("w",))


def test_parity_and_accuracy_that_exclude_each_other():
    for target in ("accuracy >= 0.95", "worst_group_accuracy >= 0.9"):
        message = refusal(InfeasibleError, targets=["dpd <= 0.01", target], problem=unequal())
        assert "exclude each other" in message
        assert "base rates differ by" in message
        assert "loosen it" in message


def refuse_contradictions(problem, targets):
    refuse_impossible(assess(question_of(problem, targets), cheap=True))


def test_only_identities_refuse():
    problem = unequal()
    test = problem.splits["test"]
    rates = [test.y[test.groups == group].mean() for group in (0, 1)]
    share = min(np.bincount(test.groups)) / len(test.y)
    best = 1 - share * (abs(rates[0] - rates[1]) - 0.1)
    refuse_contradictions(problem, [parse_target("dpd <= 0.1"), parse_target(f"accuracy >= {best - 1e-6:.9f}")])
    with pytest.raises(InfeasibleError):
        refuse_contradictions(problem, [parse_target("dpd <= 0.1"), parse_target(f"accuracy >= {best + 1e-6:.9f}")])


def test_the_bound_counts_rows_as_the_metrics_do():
    targets = [parse_target("dpd <= 0.05"), parse_target("accuracy >= 0.9")]
    with pytest.raises(InfeasibleError):
        refuse_contradictions(unequal(), targets)
    refuse_contradictions(unequal(weight="w"), targets)


def test_rows_of_unknown_group_do_not_break_the_check():
    problem = unequal()
    test = dataclasses.replace(problem.splits["test"], groups=np.full(len(problem.splits["test"].y), -1))
    blank = dataclasses.replace(problem, splits={**problem.splits, "test": test})
    refuse_contradictions(blank, [parse_target("dpd <= 0.01"), parse_target("accuracy >= 0.99")])


def test_targets_that_contradict_themselves():
    refusal(UsageError, targets=["dpd <= 0.05", "dpd >= 0.1"])
    refusal(UsageError, targets=["accuracy >= 1.2"])


def test_a_repeated_target_is_judged_once_and_the_stricter_one_counts():
    run = fit(german(), budget="time=30 steps", targets=["dpd <= 0.2", "demographic_parity_difference <= 0.1"])
    assert [one.target for one in run.verdicts] == ["demographic_parity_difference <= 0.1"]
    assert run.document["fallbacks"], "what was dropped is told"


def test_every_fallback_is_in_the_document():
    run = fit(german(), budget="time=30 steps", targets=[FAIR, ROBUST])
    assert any("adversarial" in text for text in run.document["fallbacks"])


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("corruption_accuracy(gaussian_noise, severity=3) >= 0.7", "a fit does not steer by corruption_accuracy"),
        ("ood_auroc(energy) >= 0.7", "a fit does not steer by ood_auroc; train first, then `efficienttrust audit"),
        ("r2 >= 0.7", "r2 is for regression tasks"),
    ],
)
def test_what_only_an_audit_measures_is_refused(target, message):
    with pytest.raises(UsageError, match=message):
        fit(loans(), budget="time=10 steps", targets=[target])


def test_a_gap_under_attack_can_be_a_target():
    target = "robust_accuracy_gap(pgd, eps=0.1) <= 0.9"
    run = fit(loans(), budget="time=30 steps", targets=[target])
    assert run.verdicts[0].status in ("met", "certified")
    assert run.document["metrics"]["robust_accuracy_gap(pgd, eps=0.1, norm=linf)"]["n"] > 0


def test_zero_is_an_option_that_was_given(tmp_path):
    with pytest.raises(UsageError, match="--limit is for images"):
        load_data("german", {"limit": 0}, seed=0)
    assert load_data("german", {"limit": None, "drop": (), "weight": "", "use_sensitive_as_input": False}, seed=0)
    path = tmp_path / "set.npz"
    np.savez(path, x=np.zeros((8, 4, 4), np.uint8), y=[0, 1] * 4)
    with pytest.raises(UsageError, match="limit 0 leaves too few images"):
        load_data(path, {"limit": 0}, seed=0)
