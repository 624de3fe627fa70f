"""Targets are read from text as a user writes them, and refused with the remedy."""

from __future__ import annotations

import math

import pytest

from efficienttrust.errors import UsageError
from efficienttrust.evaluation.targets import Target, check_targets, parse_target
from efficienttrust.metrics import REQUIRED, metrics, robust_key
from efficienttrust.metrics.arguments import EXAMPLES


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("demographic_parity_difference <= 0.05", "demographic_parity_difference <= 0.05"),
        ("dpd<=.05", "demographic_parity_difference <= 0.05"),
        ("mae<=1.5", "mean_absolute_error <= 1.5"),
        ("mse <= 4", "mean_squared_error <= 4.0"),
        ("rmse<=100", "root_mean_squared_error <= 100.0"),
        ("  dpd  ≤  5 % ", "demographic_parity_difference <= 0.05"),
        ("DPD <= 5e-2", "demographic_parity_difference <= 0.05"),
        ("dpd(by=sex) <= 5%", "demographic_parity_difference(by=sex) <= 0.05"),
        ("dpd ( by = age band ) <= 5%", "demographic_parity_difference(by=age band) <= 0.05"),
        ("eopp() <= .1", "equal_opportunity_difference <= 0.1"),
        ("eod <= 7%", "equalized_odds_difference <= 0.07"),
        ("accuracy≥83%", "accuracy >= 0.83"),
        ("log_loss <= 1.5", "log_loss <= 1.5"),
        ("mcc >= -0.5", "mcc >= -0.5"),
        ("robust_accuracy(pgd, eps=0.25) >= 0.80", "robust_accuracy(pgd, eps=0.25, norm=linf) >= 0.8"),
        ("robust_accuracy(eps=.25,attack=pgd) >= 0.80", "robust_accuracy(pgd, eps=0.25, norm=linf) >= 0.8"),
        ("robust_accuracy(pgd, eps=1/4, norm=Linf) >= 80%", "robust_accuracy(pgd, eps=0.25, norm=linf) >= 0.8"),
        (
            "worst_group_robust_accuracy(pgd, eps=8/255, by=race) >= 0.5",
            "worst_group_robust_accuracy(pgd, eps=0.0313725, norm=linf, by=race) >= 0.5",
        ),
    ],
)
def test_reads_and_writes_back(text: str, canonical: str) -> None:
    target = parse_target(text)
    assert str(target) == target.text == canonical
    assert parse_target(target.text) == target
    assert target.key == canonical.rpartition(" ")[0].rpartition(" ")[0]


def test_arguments_are_sorted_and_complete() -> None:
    target = parse_target("robust_accuracy(pgd, eps=8/255) >= 0.80")
    assert target.arguments == (("attack", "pgd"), ("eps", 0.0313725), ("norm", "linf"))
    assert target.key == robust_key("pgd", 8 / 255)


@pytest.mark.parametrize("name", metrics.names())
def test_every_metric_can_be_a_target(name: str) -> None:
    metric = metrics.get(name)
    required = [EXAMPLES[name] for name, default in metric.parameters.items() if default is REQUIRED]
    arguments = f"({', '.join(required)})" if required else ""
    relation = ">=" if metric.better == "higher" else "<="
    target = parse_target(f"{name}{arguments} {relation} 0.5")
    assert (target.gap(0.7) > 0) == (metric.better == "lower")
    assert target.gap(0.5) == 0
    assert math.isnan(target.gap(math.nan))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not `metric <= number`"),
        ("dpd", "is not `metric <= number`"),
        ("dpd <= .05, accuracy >= .8", "is not `metric <= number`"),
        ("dpp <= .05", "unknown metric 'dpp'. Did you mean 'dpd'?"),
        ("demografic_parity_difference <= .05", "Did you mean 'demographic_parity_difference'?"),
        ("dpd(bye=sex) <= .05", "unknown argument of demographic_parity_difference 'bye'. Did you mean 'by'?"),
        ("dpd(sex) <= .05", "argument 'sex' of target 'dpd(sex) <= .05' needs a name; arguments: by=…"),
        ("accuracy(x) >= .05", "needs a name; arguments: none"),
        ("dpd(by=) <= .05", "has no value: write by=…"),
        ("dpd(by=a, by=b) <= .05", "argument 'by' of target 'dpd(by=a, by=b) <= .05' is given twice"),
        ("accuracy <= .8", "higher is better for accuracy, so bound it from below: accuracy >= .8"),
        ("dpd >= .1", "lower is better for demographic_parity_difference, so bound it from above"),
        ("accuracy > .8", "uses '>': write accuracy >= .8"),
        ("dpd = .1", "uses '=': write demographic_parity_difference <= .1"),
        ("accuracy >= 1.2", "is impossible: accuracy lies between 0 and 1"),
        ("accuracy >= 83", "is impossible: accuracy lies between 0 and 1 (did you mean 83%?)"),
        ("dpd <= -0.1", "is impossible: demographic_parity_difference lies between 0 and 1"),
        ("dpd <= 0,05", "bound '0,05' of target 'dpd <= 0,05' is not a number: write 0.05"),
        ("dpd <= nan", "bound 'nan' of target 'dpd <= nan' is not a number"),
        ("log_loss <= inf", "bound 'inf' of target 'log_loss <= inf' is not a number"),
        ("robust_accuracy >= .8", "robust_accuracy needs attack and eps: write robust_accuracy(pgd, eps=0.25)"),
        ("robust_accuracy(pgd) >= .8", "robust_accuracy needs eps: write robust_accuracy(pgd, eps=0.25)"),
        ("robust_accuracy(pgd, 0.1) >= .8", "argument '0.1' of target"),
        ("robust_accuracy(pgd, epsilon=1) >= .8", "Did you mean 'eps'?"),
        ("robust_accuracy(pgd, eps=0) >= .8", "eps of robust_accuracy must be above 0 and finite, not 0"),
        ("robust_accuracy(pgd, eps=-1) >= .8", "eps of robust_accuracy must be above 0 and finite, not -1"),
        ("robust_accuracy(pgd, eps=nan) >= .8", "must be above 0 and finite, not nan"),
        ("robust_accuracy(pgd, eps=big) >= .8", "must be a number above 0, e.g. 0.25 or 8/255, not 'big'"),
        ("robust_accuracy(pgd, eps=1/0) >= .8", "must be a number above 0"),
        ("robust_accuracy(pgd, eps=1, norm=l1) >= .8", "unknown norm of robust_accuracy 'l1'"),
    ],
)
def test_refuses_with_the_remedy(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_target(text)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def targets(*texts: str) -> list[Target]:
    return [parse_target(text) for text in texts]


def test_the_strictest_of_each_key_is_kept() -> None:
    given = targets("dpd <= .05", "accuracy >= .8", "dpd <= .03", "dpd(by=sex) <= .1", "accuracy >= 80%", "dpd <= .2")
    kept, notes = check_targets(given)
    assert [target.text for target in kept] == [
        "demographic_parity_difference <= 0.03",
        "accuracy >= 0.8",
        "demographic_parity_difference(by=sex) <= 0.1",
    ]
    assert notes == (
        "target demographic_parity_difference <= 0.05 was dropped: demographic_parity_difference <= 0.03 implies it",
        "target accuracy >= 0.8 was dropped: it was given twice",
        "target demographic_parity_difference <= 0.2 was dropped: demographic_parity_difference <= 0.03 implies it",
    )


def test_group_targets_need_groups() -> None:
    assert check_targets(targets("dpd(by=sex) <= .1", "accuracy >= .5"), ["sex", "race"])[1] == ()
    with pytest.raises(UsageError, match="compares groups: name the column that holds them with --sensitive"):
        check_targets(targets("dpd <= .1"), [])
    with pytest.raises(UsageError, match=r"'sx'. Did you mean 'sex'\?"):
        check_targets(targets("dpd(by=sx) <= .1"), ["sex"])
