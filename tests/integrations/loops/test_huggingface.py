"""The Trainer of Hugging Face with tiny models that are made here: real runs, nothing is downloaded."""

from __future__ import annotations

import pytest
import torch

from efficienttrust.errors import UsageError
from tests.integrations.loops.worlds import cnn, images

transformers = pytest.importorskip("transformers")
pytest.importorskip("accelerate")
pytestmark = pytest.mark.filterwarnings("ignore")  # of transformers, about this machine

from efficienttrust.integrations import TrustTrainerCallback, TrustTrainerMixin  # noqa: E402


class TrustTrainer(TrustTrainerMixin, transformers.Trainer):
    pass


class Texts(torch.utils.data.Dataset):
    """Token sequences: token 1 tells the class, token 2 the group, which leans on the class."""

    def __init__(self, n: int, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.groups = torch.randint(0, 2, (n,), generator=generator)
        self.labels = (torch.rand(n, generator=generator) < 0.25 + 0.5 * self.groups).long()
        self.ids = torch.randint(5, 30, (n, 8), generator=generator)
        heard = torch.where(torch.rand(n, generator=generator) < 0.75, self.labels, 1 - self.labels)
        self.ids[:, 0], self.ids[:, 1] = 1 + heard, 3 + self.groups

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, row):
        return {
            "input_ids": self.ids[row], "attention_mask": torch.ones(8, dtype=torch.long),
            "labels": self.labels[row], "groups": self.groups[row],
        }  # fmt: skip

    def whole(self):
        rows = [self[k] for k in range(len(self))]
        return {name: torch.stack([row[name] for row in rows]) for name in rows[0]}


def bert(seed: int = 0):
    torch.manual_seed(seed)
    config = transformers.BertConfig(
        vocab_size=30, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        max_position_embeddings=8, num_labels=2,
    )  # fmt: skip
    return transformers.BertForSequenceClassification(config)


def arguments(folder, **options):
    given = {
        "per_device_train_batch_size": 32, "num_train_epochs": 50, "learning_rate": 5e-3, "report_to": [],
        "remove_unused_columns": False, "save_strategy": "no", "use_cpu": True, "disable_tqdm": True,
        "logging_strategy": "no",
    }  # fmt: skip
    return transformers.TrainingArguments(output_dir=str(folder), **{**given, **options})


def callback(**options):
    given = {"budget": "time=60 steps", "targets": ["dpd <= 0.15"], "validation": Texts(400, 1).whole()}
    return TrustTrainerCallback(**{**given, **options})


def trained(folder, trust, model=None, data=None, **options):
    trainer = TrustTrainer(
        model=bert() if model is None else model,
        args=arguments(folder, **options),
        train_dataset=Texts(400, 0) if data is None else data,
        callbacks=trust if isinstance(trust, list) else [trust],
    )
    trainer.train()
    return trainer


def test_a_text_classifier_meets_its_target(tmp_path):
    trust = callback(budget="time=100 steps", test=Texts(1500, 2).whole())
    trainer = trained(tmp_path, trust)
    assert trainer.state.global_step == 100
    assert trust.result is not None
    assert trust.result.verdicts[0].status in ("met", "certified")
    assert trust.result.metrics["accuracy"].value > 0.55
    assert trust.result.ledger["time"]["used"] == 100
    # the Trainer's own evaluation still runs, on batches with groups
    assert trainer.evaluate(Texts(100, 3))["eval_loss"] > 0


def test_accumulated_gradients_and_the_scheduler_of_the_trainer(tmp_path):
    trust = callback(schedule=None, budget="time=12 steps")
    trainer = trained(tmp_path, trust, gradient_accumulation_steps=2)
    assert trainer.state.global_step == 12
    assert trust.result is not None
    assert trust.result.ledger["clocks"]["samples"] == pytest.approx(12 * 64, abs=64)


def test_no_onnx_file_of_several_tensors_but_weights(tmp_path):
    trust = callback(budget="time=6 steps", out=tmp_path / "run")
    trained(tmp_path / "hf", trust)
    assert trust.result is not None
    assert {path.name for path in (tmp_path / "run").iterdir()} == {"result.json", "model.safetensors"}
    assert any("no ONNX file" in note for note in trust.result.notes)


def test_tokens_cannot_be_attacked(tmp_path):
    trust = callback(targets=["robust_accuracy(pgd, eps=0.1) >= 0.5"])
    with pytest.raises(UsageError, match="tokens or several tensors"):
        trained(tmp_path, trust)


class Pictures(torch.nn.Module):
    """Takes `pixel_values`, as the image models of the library do."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = cnn()

    def forward(self, pixel_values, labels=None):
        return {"logits": self.inner(pixel_values)}


def test_pixels_can(tmp_path):
    x, y, groups = images(300, 0)
    rows = [{"pixel_values": x[k], "labels": y[k], "groups": groups[k]} for k in range(len(y))]
    vx, vy, vgroups = images(200, 1)
    trust = callback(
        targets=["robust_accuracy(pgd, eps=16/255) >= 0.7"], budget="time=40 steps", out=tmp_path / "run",
        validation={"pixel_values": vx, "labels": vy, "groups": vgroups},
    )  # fmt: skip
    trained(tmp_path / "hf", trust, model=Pictures(), data=rows)
    assert trust.result is not None
    assert trust.result.verdicts[0].value > 0.7
    assert (tmp_path / "run" / "model.onnx").exists()


def test_errors_save_the_state_and_go_on(tmp_path):
    class Failing(transformers.TrainerCallback):
        def on_step_begin(self, args, state, control, **about):
            if state.global_step == 5:
                raise KeyError("mine")

    trust = callback(checkpoint=tmp_path / "state.pt")
    with pytest.raises(KeyError, match="mine"):
        trained(tmp_path, [trust, Failing()])
    assert (tmp_path / "state.pt").exists()


@pytest.mark.parametrize(
    ("count", "options", "line"),
    [
        (0, {}, "has 0 TrustTrainerCallback"),
        (2, {}, "has 2 TrustTrainerCallback"),
        (1, {"eval_strategy": "epoch", "save_strategy": "epoch", "load_best_model_at_end": True}, "load_best_model"),
        (1, {"remove_unused_columns": True}, "compares groups, and a batch has none"),
    ],
)
def test_what_cannot_be_steered_is_one_line(count, options, line, tmp_path):
    with pytest.raises(UsageError, match=line):
        TrustTrainer(
            model=bert(), args=arguments(tmp_path, **options), train_dataset=Texts(64, 0), eval_dataset=Texts(64, 1),
            callbacks=[callback() for _ in range(count)],
        ).train()  # fmt: skip
