"""A chain is read in order, and one that makes no sense is refused before anything is spent."""

from __future__ import annotations

import pytest

from efficienttrust.compression.pruning import PruneStep
from efficienttrust.compression.quantisation import QuantiseStep
from efficienttrust.errors import UsageError
from efficienttrust.pipeline.compressing._chain import RecoverStep, parse_chain

PRUNE, INT8, RECOVER = ("prune", "structured:0.5"), ("quantize", "int8"), ("recover", "5s cpu")


def test_steps_keep_their_order():
    words = [PRUNE, RECOVER, ("prune", "magnitude:50%"), INT8, ("recover", "2s cpu")]
    chain = parse_chain(words)
    assert [type(step) for step in chain.steps] == [PruneStep, RecoverStep, PruneStep, QuantiseStep, RecoverStep]
    assert chain.texts == [
        "prune structured:0.5",
        "recover 5s cpu",
        "prune magnitude:50%",
        "quantize int8",
        "recover 2s cpu",
    ]
    assert chain.quantisation is not None
    assert chain.quantisation.bits == 8


def test_recoveries_add_up_on_their_clock():
    time = parse_chain([RECOVER, PRUNE, ("recover", "2s cpu")]).time()
    assert (time.amount, time.clock) == (7.0, "cpu")
    assert parse_chain([PRUNE]).time() is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([INT8, PRUNE], "quantize last"),
        ([INT8, INT8], "quantised once"),
        ([INT8, ("distil", "alpha=0.5"), RECOVER], "quantize last"),
        ([("prune", "gradual:0.5")], "add --recover 5s"),
        ([RECOVER, ("prune", "iterative:0.5")], "add --recover 5s"),
        ([("distil", "mlp(widths=8)")], "nobody trains the student"),
        ([PRUNE, ("distil", "mlp(widths=8)"), RECOVER], "put it first"),
        ([RECOVER, ("recover", "10 steps")], "one clock"),
        ([("prun", "magnitude:0.5")], "Did you mean 'prune'"),
        ([("prune", "magnitud:0.5")], "Did you mean 'magnitude'"),
        ([("prune", "magnitude")], "say how much goes"),
        ([("prune", "magnitude:0")], "no share above 0"),
        ([("quantize", "weights:1")], "bits"),
        ([("recover", "soon")], "soon"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(words, said):
    with pytest.raises(UsageError) as caught:
        parse_chain(words)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
