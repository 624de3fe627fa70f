"""What each kind of constraint changes in the settings, what dose it is, and which amounts it refuses."""

from __future__ import annotations

import pytest

from efficienttrust.errors import UsageError
from efficienttrust.resources import Budget
from efficienttrust.study.constraints import Reference, Situation, constraint_kinds, parse_constraint

REFERENCE = Reference.parse("time=400 steps, memory=1GB, parameters=1000, size=60kB, latency=2ms")
SETTINGS = {
    "data": {"source": "adult", "limitations": ["label_noise(0.05)"]},
    "model": "mlp(widths=128-64)",
    "budget": "time=400 steps, size=90kB",
    "quantize": "auto",
    "prune": None,
    "distil": 0.0,
}
NETWORK = Situation(
    image=False, task="binary", sensitive=True, trainer="network", network="mlp", options={"widths": (8,)}, method="fit"
)


def limitations(*texts):
    return {"data": {**SETTINGS["data"], "limitations": ["label_noise(0.05)", *texts]}}


def budget(**limits):
    text = ", ".join(f"{name}={value}" for name, value in {"time": "400 steps", "size": "90kB", **limits}.items())
    return {"budget": str(Budget.parse(text))}


@pytest.mark.parametrize(
    ("text", "changes", "dose", "tighter"),
    [
        ("none", {}, None, "down"),
        ("time=30%", budget(time="120 steps"), 0.3, "down"),
        ("time=0.01%", budget(time="1 steps"), 0.0001, "down"),
        ("time=20s cpu", budget(time="20s cpu"), 20.0, "down"),
        ("steps=25%", budget(time="100 steps"), 0.25, "down"),
        ("steps=77", budget(time="77 steps"), 77.0, "down"),
        ("epochs=3", budget(time="3 epochs"), 3.0, "down"),
        ("memory=50%", budget(memory="500MB"), 0.5, "down"),
        ("parameters=33.3%", budget(parameters="333"), 0.333, "down"),
        ("size=25%", budget(size="15kB"), 0.25, "down"),
        ("size=20kB", budget(size="20kB"), 20_000.0, "down"),
        ("latency=50%", budget(latency="1ms"), 0.5, "down"),
        ("width=50%", {"model": "mlp(widths=64-32)"}, 0.5, "down"),
        ("prune=0.8", {"prune": "gradual:0.8"}, 0.8, "up"),
        ("prune=structured:0.5", {"prune": "structured:0.5"}, 0.5, "up"),
        ("prune=0.5, how=structured", {"prune": "structured:0.5"}, 0.5, "up"),
        ("bits=4", {"quantize": "weights:4"}, 4.0, "down"),
        ("bits=int8", {"quantize": "int8"}, 8.0, "down"),
        ("distil=0.5", {"distil": 0.5}, 0.5, "up"),
        ("data_fraction=25%", limitations("fewer_rows(0.75)"), 0.25, "down"),
        ("label_noise=0.2", limitations("label_noise(0.2)"), 0.2, "up"),
        (
            "label_noise=20%, by=sex, group=Female",
            limitations("label_noise(0.2, by=sex, group=Female)"),
            0.2,
            "up",
        ),
        (
            "biased_sampling=0.8, by=sex, group=Female",
            limitations("biased_sampling(0.8, by=sex, group=Female)"),
            0.8,
            "up",
        ),
        ("missing=0.3", limitations("missing_features(0.3)"), 0.3, "up"),
        ("missing=0.3, how=cells", limitations("missing_features(0.3, kind=cells)"), 0.3, "up"),
    ],
)
def test_it_sets_this_and_nothing_else(text, changes, dose, tighter):
    level = parse_constraint(text)
    kind = constraint_kinds.get(level.kind)
    assert kind.apply(SETTINGS, level, REFERENCE) == {**SETTINGS, **changes}
    said = kind.dose(level)
    assert (said.kind, said.dose, said.tighter) == (kind.name, dose, tighter)
    assert kind.unfit(NETWORK, level) is None
    assert bool(said.unit) == (dose is not None)


def test_every_kind_is_tested_and_its_example_is_a_level():
    """The table above names all of them, so that a new kind is noticed here."""
    [marks] = [one for one in test_it_sets_this_and_nothing_else.pytestmark if one.name == "parametrize"]
    assert {parse_constraint(row[0]).kind for row in marks.args[1]} == set(constraint_kinds.names())
    for name in constraint_kinds.names():
        kind = constraint_kinds.get(name)
        assert parse_constraint(kind.example).kind == name
        assert kind.definition.endswith(".")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("none=3", "none has no level"),
        ("time=0%", "not above 0% and at most 100%"),
        ("time=130%", "not above 0% and at most 100%"),
        ("time=nan%", "not above 0% and at most 100%"),
        ("time=", "time has no level: write for example time=30%"),
        ("time=30%, by=sex", "time takes no option 'by'"),
        ("steps=20s", "is not in steps; use the kind time"),
        ("epochs=5 steps", "is not in epochs; use the kind time"),
        ("size=small", "size"),
        ("width=0", "no number between 0 and 1"),
        ("width=150%", "no number between 0 and 1"),
        ("prune=1.5", "prune"),
        ("prune=magic:0.5", "'magic'. Known: gradual,"),
        ("bits=9999", "bits"),
        ("distil=-1", "no number between 0 and 1"),
        ("data_fraction=100%", "no number between 0 and 1"),
        ("label_noise=1", "no number between 0 and 1"),
        ("biased_sampling=0.5", "biased_sampling lacks by: write for example"),
        ("biased_sampling=0.5, by=, group=a", "option 'by' has no value"),
        ("missing=0.3, hwo=cells", "takes no option 'hwo'. Did you mean 'how'?"),
        ("tiem=30%", "Did you mean 'time'?"),
    ],
)
def test_amounts_that_cannot_be(text, says):
    with pytest.raises(UsageError) as caught:
        parse_constraint(text)
    assert says in str(caught.value)


@pytest.mark.parametrize("text", ["memory=50%", "parameters=50%", "size=50%", "latency=50%", "steps=50%", "epochs=50%"])
def test_a_share_of_what_the_reference_does_not_state_is_refused(text):
    level = parse_constraint(text)
    with pytest.raises(UsageError, match=r"under\s+reference"):
        constraint_kinds.get(level.kind).apply(SETTINGS, level, Reference.parse("time=20s cpu"))


@pytest.mark.parametrize(
    ("text", "changes", "factors"),
    [
        ("prune=0.5", {"trainer": "trees", "network": ""}, ("model",)),
        ("bits=4", {"trainer": "trees", "network": ""}, ("model",)),
        ("width=50%", {"trainer": "trees", "network": ""}, ("model",)),
        ("width=50%", {"network": "linear"}, ("model",)),
        ("width=50%", {"options": {}}, ("model",)),
        ("epochs=2", {"trainer": "trees", "network": ""}, ("model",)),
        ("distil=0.5", {"task": "regression"}, ("data",)),
        ("distil=0.5", {"image": True}, ("data",)),
        ("distil=0.5", {"trainer": "trees"}, ("model",)),
        ("missing=0.5", {"image": True}, ("data",)),
        ("label_noise=0.5, by=sex, group=a", {"sensitive": False}, ("data",)),
        ("biased_sampling=0.5, by=sex, group=a", {"sensitive": False}, ("data",)),
        ("time=30%", {"method": "unconstrained"}, ("mitigation",)),
        ("steps=3", {"method": "unconstrained"}, ("mitigation",)),
        ("epochs=3", {"method": "unconstrained"}, ("mitigation",)),
    ],
)
def test_what_it_does_not_go_with_and_which_factors_are_to_blame(text, changes, factors):
    level = parse_constraint(text)
    situation = Situation(**{**vars(NETWORK), **changes})
    assert constraint_kinds.get(level.kind).unfit(situation, level).factors == factors
