"""A policy is made from text; what is wrong with the text is said in one line with a remedy."""

from __future__ import annotations

import re

import pytest

from efficienttrust.atats import make_policy
from efficienttrust.errors import UsageError
from tests.atats.runs import every_policy, plan_of


@every_policy
@pytest.mark.parametrize("form", ["{}", " {} ", "{}()", "{}( )"])
def test_name_alone(name: str, form: str) -> None:
    assert make_policy(form.format(name)).name == name


@pytest.mark.parametrize(
    "text",
    [
        "static(lambda_fair=0.5,adversarial_share=1)",
        "static( adversarial_share = 1.0 , lambda_fair = 5e-1 )",
        " static (lambda_fair=.5, adversarial_share=1,)",
    ],
)
def test_options_in_any_spelling(text: str) -> None:
    action = make_policy(text).reset(plan_of())
    assert (action.lambda_fair, action.adversarial_share) == (0.5, 1.0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("plann", "unknown policy 'plann'. Did you mean 'plan'?"),
        ("", "policy '' is not of the form name or name(option=number, …)"),
        ("plan(gain=1", "policy 'plan(gain=1' is not of the form name or name(option=number, …)"),
        ("static(lambda_fare=1)", "policy 'static' has no option 'lambda_fare'. Did you mean 'lambda_fair'?"),
        ("static(0.5)", "policy 'static' has no option '0.5'. Known: adversarial_share, attack, attack_steps,"),
        ("rule(gain=1)", "policy 'rule' has no option 'gain'."),
        ("plan(gain=low)", "policy option gain='low' is not a number"),
        ("plan(gain)", "policy option gain='' is not a number"),
        ("static(lambda_fair=nan)", "policy option lambda_fair='nan' is not a finite number"),
        ("static(lambda_fair=inf)", "policy option lambda_fair='inf' is not a finite number"),
        ("static(lambda_fair=-1)", "static policy: lambda_fair=-1.0 must be in [0, 10]"),
        ("static(lambda_fair=11)", "static policy: lambda_fair=11.0 must be in [0, 10]"),
        ("static(adversarial_share=1.5)", "adversarial_share=1.5 must be in [0, 1]"),
        ("pid(gain=-1)", "pid policy: gain=-1.0 must be >= 0 and nu=0.5 between -1 and 1"),
        ("plan(nu=1)", "plan policy: gain=1.0 must be >= 0 and nu=1.0 between -1 and 1"),
    ],
)
def test_errors_say_what_and_what_to_do(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)) as caught:
        make_policy(text)
    assert "\n" not in str(caught.value)
