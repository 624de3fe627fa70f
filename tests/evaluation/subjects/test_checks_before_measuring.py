"""What makes every figure wrong is found before anything is measured: NaN, chance, training mode, a softmax inside."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from foreign_models import loan_rows, matrix_graph, pictures, saved
from onnx import helper, numpy_helper
from torch import nn

from efficienttrust.errors import UsageError
from efficienttrust.evaluation.subjects import open_subject


def fired(subject) -> set[str]:
    return {check.name for check in subject.checks if check.fired}


def width() -> int:
    return loan_rows().problem.encoder.n_features


class Noisy(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(width(), 1)

    def forward(self, x):
        return nn.functional.dropout(self.linear(x), 0.5, training=True)


class OfTheBatch(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(width(), 2)

    def forward(self, x):
        z = self.linear(x)
        return z - z.mean(dim=0)


def test_a_sound_model_fires_nothing():
    subject = open_subject(nn.Sequential(nn.Linear(width(), 2)).eval(), loan_rows())
    assert fired(subject) == set()
    assert {check.name for check in subject.checks} == {
        "train_mode_left_on", "probabilities_instead_of_logits", "random_answers", "answers_depend_on_the_batch",
    }  # fmt: skip


def test_random_answers():
    torch.manual_seed(0)
    assert fired(open_subject(Noisy().eval(), loan_rows())) == {"random_answers"}
    rng = np.random.default_rng(0)
    assert "random_answers" in fired(open_subject(lambda frame: rng.random(len(frame)), loan_rows()))


def test_answers_that_depend_on_the_batch():
    assert fired(open_subject(OfTheBatch().eval(), loan_rows())) == {"answers_depend_on_the_batch"}


def test_training_mode_left_on_is_found_and_the_module_handed_back_as_it_was():
    module = nn.Sequential(nn.Linear(width(), 8), nn.BatchNorm1d(8), nn.Dropout(), nn.Linear(8, 2))
    subject = open_subject(module, loan_rows())
    assert fired(subject) == {"train_mode_left_on"}
    assert module.training
    assert "BatchNorm1d, Dropout" in next(check.detail for check in subject.checks if check.fired)
    with torch.no_grad():
        expected = module.eval()(torch.from_numpy(loan_rows().x)).numpy()
    assert np.allclose(subject.answer(loan_rows().inputs).margin, expected[:, 1] - expected[:, 0], atol=1e-5)
    assert fired(open_subject(nn.Sequential(nn.Linear(width(), 2)), loan_rows())) == set()  # nothing that differs


class ForcesTraining(nn.Module):
    """Puts what is inside into training mode each time it answers, and out of it again."""

    def __init__(self, *, back: bool) -> None:
        super().__init__()
        self.net, self.back = nn.Sequential(nn.Linear(width(), 8), nn.BatchNorm1d(8), nn.Linear(8, 2)), back

    def forward(self, x):
        z = self.net.train()(x)
        self.net.train(not self.back)
        return z


@pytest.mark.parametrize("back", [False, True])
def test_training_mode_forced_inside_is_found(back):
    torch.manual_seed(0)
    subject = open_subject(ForcesTraining(back=back).eval(), loan_rows())
    assert fired(subject) == {"train_mode_left_on", "answers_depend_on_the_batch"}
    detail = next(check.detail for check in subject.checks if check.name == "train_mode_left_on")
    assert detail.startswith("1 layers put into training mode by the module's own forward")
    assert "BatchNorm1d" in detail


def test_a_softmax_inside():
    subject = open_subject(nn.Sequential(nn.Linear(width(), 2), nn.Softmax(dim=1)).eval(), loan_rows())
    assert fired(subject) == {"probabilities_instead_of_logits"}
    assert subject.outputs == "probabilities"


@pytest.mark.parametrize("k", [1, 2])
@pytest.mark.parametrize("end", [None, "probabilities"])
def test_the_float_parent_has_the_margins_of_the_subject(k, end):
    torch.manual_seed(1)
    layers = [nn.Linear(width(), k), *([nn.Sigmoid() if k == 1 else nn.Softmax(dim=1)] if end else [])]
    rows = loan_rows()
    subject = open_subject(nn.Sequential(*layers).eval(), rows)
    margin = subject.float_parent(torch.from_numpy(rows.x))
    assert margin.shape == (len(rows),)
    assert np.allclose(margin.detach().numpy(), subject.answer(rows.inputs).margin, atol=1e-4)
    margin.sum().backward()


def test_the_float_parent_of_more_classes_gives_logits(tmp_path):
    rows = pictures(tmp_path)
    module = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 9, 4)).eval()
    subject = open_subject(module, rows)
    logits = subject.float_parent(torch.from_numpy(rows.x)).detach().numpy()
    assert np.allclose(logits, subject.answer(rows.inputs).logits, atol=1e-5)


def test_an_onnx_file_exported_in_training_mode(tmp_path):
    model = matrix_graph(width(), 2)
    gemm = model.graph.node[-1]
    gemm.output[0] = "before"
    model.graph.initializer.append(numpy_helper.from_array(np.float32(0.5), "ratio"))
    model.graph.initializer.append(numpy_helper.from_array(np.array(True), "training"))
    model.graph.node.append(helper.make_node("Dropout", ["before", "ratio", "training"], ["z"]))
    assert fired(open_subject(saved(model, tmp_path), loan_rows())) == {"train_mode_left_on", "random_answers"}


def test_nan_answers_are_refused_with_row_and_count(tmp_path):
    model = matrix_graph(width(), 2)
    model.graph.node[-1].output[0] = "before"
    model.graph.node.append(helper.make_node("Log", ["before"], ["z"]))
    with pytest.raises(UsageError, match=r"answers NaN or infinity for \d+ of \d+ rows, first for row \d+"):
        open_subject(saved(model, tmp_path), loan_rows())


def test_another_number_of_rows_is_refused():
    with pytest.raises(UsageError, match="answers 3 rows for"):
        open_subject(lambda _frame: np.zeros(3), loan_rows())
