"""The Lightning callback on an unchanged module: real runs."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from efficienttrust.errors import UsageError
from tests.integrations.loops.worlds import cnn, images, loader, mlp, table

lightning = pytest.importorskip("lightning.pytorch")
pytestmark = pytest.mark.filterwarnings("ignore")  # of Lightning, about this machine

from efficienttrust.integrations import TrustCallback  # noqa: E402

TRAIN, VALIDATION = table(640, 0), table(600, 1)


class Module(lightning.LightningModule):
    """Knows nothing of trust."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.net = network
        self.rates: list[float] = []

    def forward(self, x):
        return self.net(x)

    def training_step(self, batch, batch_idx):
        x, y, _groups = batch
        z = self.net(x)
        if z.shape[1] == 1:
            return functional.binary_cross_entropy_with_logits(z.squeeze(1), y.float())
        return {"loss": functional.cross_entropy(z, y)}

    def on_train_batch_end(self, outputs, batch, batch_idx):
        self.rates.append(self.trainer.optimizers[0].param_groups[0]["lr"])

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=5e-3)


def trainer(callbacks, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return lightning.Trainer(
            accelerator="cpu", devices=1, max_epochs=50, logger=False, enable_checkpointing=False,
            enable_progress_bar=False, enable_model_summary=False, callbacks=callbacks, **options,
        )  # fmt: skip


def callback(**options):
    given = {"budget": "time=60 steps", "targets": ["dpd <= 0.1"], "validation": VALIDATION, "network": "net"}
    return TrustCallback(**{**given, **options})


def test_a_module_meets_its_target_and_the_trainer_stops():
    trust, module = callback(budget="time=200 steps", test=table(3000, 2)), Module(mlp())
    fit = trainer([trust])
    fit.fit(module, loader(TRAIN))
    assert fit.global_step == 200
    result = trust.result
    assert result is not None
    assert result.verdicts[0].status in ("met", "certified")
    assert result.ledger["time"]["used"] == 200
    assert result.history[-1]["lambda_fair"] > 0
    assert result.model is module.net
    assert module.rates[-1] == pytest.approx(5e-3 / 199)  # linear, to zero
    assert "training_step" not in vars(module)  # as it was


def test_the_attack_reaches_the_module_and_its_own_loss_is_kept():
    target = "robust_accuracy(pgd, eps=16/255) >= 0.7"
    trust = callback(
        targets=[target], validation=images(200, 1), policy="static(adversarial_share=1)", budget="time=30 steps"
    )
    module, seen = Module(cnn()), []
    module.net.register_forward_pre_hook(lambda net, given: seen.append(given[0]) if net.training else None)
    batches = loader(images(200, 0), 50)
    trainer([trust]).fit(module, batches)
    levels = torch.cat([x for x in seen if len(x) == 50])
    assert float(levels.min()) >= 0
    assert float(levels.max()) <= 1
    assert trust.result is not None
    assert trust.result.ledger["time"]["phases"].keys() >= {"attack"}
    assert trust.result.verdicts[0].value > 0.7


def test_sparsity_and_accumulated_gradients():
    trust = callback(policy="static(sparsity=0.5, lambda_fair=0)", budget="time=20 steps")
    module = Module(mlp())
    before = [one.weight.detach().clone() for one in module.net if isinstance(one, nn.Linear)]
    fit = trainer([trust], accumulate_grad_batches=3)
    fit.fit(module, loader(TRAIN, 32))
    assert fit.global_step == 20
    weights = [one.weight.detach() for one in module.net if isinstance(one, nn.Linear)]
    flat = torch.cat([one.reshape(-1) for one in weights])
    assert float((flat == 0).float().mean()) == pytest.approx(0.5, abs=0.01)
    assert all(not torch.equal(one, other) for one, other in zip(before, weights, strict=True))


def test_errors_of_the_module_save_the_state_and_go_on(tmp_path):
    class Failing(Module):
        def training_step(self, batch, batch_idx):
            if self.global_step == 7:
                raise KeyError("mine")
            return super().training_step(batch, batch_idx)

    trust, module = callback(checkpoint=tmp_path / "state.pt"), Failing(mlp())
    with pytest.raises(KeyError, match="mine"):
        trainer([trust]).fit(module, loader(TRAIN))
    assert (tmp_path / "state.pt").exists()
    assert "training_step" not in vars(module)

    again, module = callback(checkpoint=tmp_path / "state.pt"), Module(mlp())
    fit = trainer([again])
    fit.fit(module, loader(TRAIN))
    assert fit.global_step == 60 - 7
    assert again.result is not None
    assert again.result.ledger["time"]["used"] == 60


def test_a_checkpoint_of_lightning_carries_the_state(tmp_path):
    first = callback(budget="time=100 steps")
    fit = trainer([first], max_steps=20)
    fit.fit(Module(mlp()), loader(TRAIN))
    fit.save_checkpoint(tmp_path / "last.ckpt")
    second = callback(budget="time=100 steps")
    trainer([second]).fit(Module(mlp()), loader(TRAIN), ckpt_path=tmp_path / "last.ckpt", weights_only=True)
    assert second.result is not None
    assert second.result.ledger["time"]["used"] == 100
    assert np.all(np.diff([row["step"] for row in second.result.history]) > 0)


@pytest.mark.parametrize(
    ("options", "asked", "line"),
    [
        ({"network": None}, {}, "did not call the network"),
        ({"network": "nothing"}, {}, "is no network of Module"),
        ({}, {"min_steps": 500}, "contradict the budget"),
    ],
)
def test_what_cannot_be_steered_is_one_line(options, asked, line):
    with pytest.raises(UsageError, match=line):
        trainer([callback(**options)], **asked).fit(Module(mlp()), loader(TRAIN))


def test_two_callbacks_are_refused():
    with pytest.raises((UsageError, RuntimeError), match=r"more than one stateful callback|steered already"):
        trainer([callback(), callback()]).fit(Module(mlp()), loader(TRAIN))
