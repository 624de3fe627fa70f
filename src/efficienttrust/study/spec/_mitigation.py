"""What a level of `mitigation` names: a method of `pipeline.methods`, or a policy for `fit`."""

from __future__ import annotations

from efficienttrust.errors import UsageError, unknown_name

FIT = "fit"


def parse_mitigation(text: str) -> tuple[str, str | None]:
    """Return the method and the policy: `("fit", "plan")` of `plan`, `("threshold", None)` of `threshold`.

    Raises:
        UsageError: It is neither, with a did-you-mean, or options do not fit the policy.
    """
    from efficienttrust.atats import make_policy, policies
    from efficienttrust.pipeline.methods import methods

    name = text.partition("(")[0].strip()
    if name in policies.names():
        make_policy(text)
        return FIT, text
    if name not in methods.names():
        raise unknown_name("method or policy", name, [*methods.names(), *policies.names()])
    if name != text.strip():
        raise UsageError(f"{text!r}: the method {name} takes no options; give its name alone")
    return methods.canonical(name), None
