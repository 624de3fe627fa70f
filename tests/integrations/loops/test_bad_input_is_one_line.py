"""Whatever is wrong with model, loader, validation or the order of calls is said in one line."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from efficienttrust import ATATS
from efficienttrust.errors import UsageError
from efficienttrust.integrations import table_domain
from tests.integrations.loops.worlds import cnn, images, loader, mlp, run, started, table

TRAIN, VALIDATION = table(320, 0), table(150, 1)
ROBUST = "robust_accuracy(pgd, eps=0.1) >= 0.5"


def says(match: str) -> pytest.RaisesExc[UsageError]:
    return pytest.raises(UsageError, match=match)


def stepped(batches=None, validation=VALIDATION, **options):
    atats, optimizer = started(**options)
    try:
        run(atats, optimizer, loader(TRAIN) if batches is None else batches, validation)
    finally:
        atats.close()
    return atats


def without(what, batches):
    return [tuple(part for k, part in enumerate(batch) if k != what) for batch in batches]


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"budget": "size=3kB"}, "give one, e.g. time=10min"),
        ({"budget": "time=3 epochs"}, "write time=N samples"),
        ({"budget": "time=5 steps, latency=2ms"}, "latency is a matter of the model"),
        ({"policy": "plann"}, "Did you mean 'plan'"),
        ({"targets": ["dpdd <= 0.1"]}, "unknown metric"),
        ({"schedule": "cosine"}, "give 'linear', or None"),
        ({"domain": "pictures", "targets": [ROBUST]}, "domain 'pictures' is unknown"),
        ({"targets": [ROBUST]}, r"domain=Domain\(...\)"),
        ({"targets": ["corruption_accuracy(name=contrast, severity=1) >= 0.5"]}, "does not steer by"),
        ({"domain": table_domain(torch.zeros(2, 5))}, "of 5 features, the loader yields 6"),
    ],
)
def test_settings(options, line):
    with says(line):
        stepped(**options)


@pytest.mark.parametrize(
    ("batches", "line"),
    [
        (without(2, loader(TRAIN)), "compares groups, and a batch has none"),
        ([(1,)], "holds 1 things"),
        ([torch.zeros(3)], "a Tensor"),
        ([{"input_ids": torch.zeros(3, 2)}], "has no 'labels'"),
        ([(TRAIN[0], TRAIN[1] + 1, TRAIN[2])], "run from 1 to 2"),
        ([(TRAIN[0], TRAIN[1], TRAIN[2][:5])] * 3, "index|shape|size"),
    ],
)
def test_batches(batches, line):
    with pytest.raises((UsageError, RuntimeError), match=line):
        stepped(batches)


@pytest.mark.parametrize(
    ("validation", "line"),
    [
        (table(20, 0), "give 30 or more"),
        ([], "validation loader is empty"),
        (7, "validation is a int"),
        ((TRAIN[0], TRAIN[1]), "compares groups, and a batch has none"),
        ((TRAIN[0], TRAIN[1], TRAIN[2] + 0.5), "whole codes"),
        ((TRAIN[0], TRAIN[1], TRAIN[2][:9]), "give one code a row"),
        ((TRAIN[0], TRAIN[1] + 0.5, TRAIN[2]), "whole class numbers"),
        ((TRAIN[0], TRAIN[1] + 3, TRAIN[2]), "run from 3 to 4"),
    ],
)
def test_validation(validation, line):
    with says(line):
        stepped(validation=validation)


def test_groups_may_be_missing_without_a_fairness_target():
    atats = stepped(without(2, loader(TRAIN)), (VALIDATION[0], VALIDATION[1]), targets=["accuracy >= 0.5"])
    assert atats.steps == 60


def test_a_model_without_gradients():
    model = mlp().requires_grad_(False)
    with says("nothing to train"):
        started(model)


def test_an_answer_without_gradient():
    atats, _ = started()
    with torch.no_grad(), says("carries no gradient"):
        atats.loss(atats.model, *TRAIN)


def test_inputs_without_gradient():
    class Rounded(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = mlp()

        def forward(self, x):
            return self.inner(x.detach())

    domain = table_domain(TRAIN[0])
    with says("no gradient reaches the model's inputs"):
        stepped(model=Rounded(), targets=[ROBUST], domain=domain, policy="static(adversarial_share=1)")


def test_an_optimizer_of_another_model():
    with says("holds no parameter of this model"):
        ATATS(mlp(), torch.optim.Adam(mlp().parameters()), budget="time=3 steps", targets=[])


def test_an_optimizer_that_is_steered_already():
    first, optimizer = started()
    with says("steered already by another ATATS"):
        ATATS(first.model, optimizer, budget="time=3 steps", targets=[])
    first.close()
    ATATS(first.model, optimizer, budget="time=3 steps", targets=[]).close()


def test_the_order_of_calls():
    atats, optimizer = started(budget="time=5 steps")
    with says("step without loss"):
        atats.step(VALIDATION)
    with says("finish without a step"):
        atats.finish()
    run(atats, optimizer, loader(TRAIN), VALIDATION)
    with says("step without loss"):
        atats.step(VALIDATION)
    atats.finish()
    with says("finish after finish"):
        atats.finish()
    with says("loss after finish"):
        atats.loss(atats.model, *TRAIN)


def test_a_loss_that_is_no_number_spoils_no_checkpoint(tmp_path):
    atats, optimizer = started(checkpoint=tmp_path / "state.pt")
    spoilt = [*loader(TRAIN), (TRAIN[0] * torch.nan, TRAIN[1], TRAIN[2])]
    with says(r"the loss at step 6 is nan: lower the learning rate"), atats:
        run(atats, optimizer, spoilt, VALIDATION)
    saved = torch.load(tmp_path / "state.pt", weights_only=True)  # of the last look
    assert all(bool(value.isfinite().all()) for value in saved["model"].values())


def test_pixels_outside_of_the_unit_interval():
    x, y, groups = images(100, 0)
    with says(r"pixels run from .* let the model normalise them"):
        stepped([(x * 2 - 1, y, groups)], model=cnn(), targets=[ROBUST])


def test_tokens_cannot_be_attacked():
    model = nn.Sequential(nn.Embedding(9, 4), nn.Flatten(), nn.Linear(20, 1))
    tokens = torch.randint(0, 9, (80, 5))
    with says("tokens or several tensors"):
        stepped([(tokens, TRAIN[1][:80], TRAIN[2][:80])], model=model, targets=[ROBUST])


def test_a_folder_that_exists_is_not_replaced(tmp_path):
    with says("exists: choose another folder"):
        started(out=tmp_path)
