"""Where an attack on a subject may take its gradients from: the module itself, or the float parent of a file."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from efficienttrust.compression import TreeScorer
from efficienttrust.evaluation.parent import victim_of
from efficienttrust.evaluation.subjects import Rows, Subject
from efficienttrust.evaluation.subjects._layouts import Layout
from efficienttrust.threats import ModuleVictim, Victim
from efficienttrust.threats._module import frozen
from efficienttrust.threats._objective import Answer


def gradient_victim(subject: Subject, rows: Rows) -> Victim | None:
    """Return what gradients are taken of, on fixed rows; None where a subject has nothing to differentiate.

    Fake-quantised modules pass their gradient straight through and are followed as they are.
    """
    parent = subject.float_parent
    if parent is None:
        return None
    if isinstance(parent, nn.Module):
        if rows.kind == "image":
            return ModuleVictim(parent)
        layout = getattr(subject.model, "layout", None)
        return TableModuleVictim(parent, rows, layout if isinstance(layout, Layout) else None)
    scorer, decision = parent
    return None if isinstance(scorer, TreeScorer) else victim_of(rows.problem, scorer, rows.x, decision, rows.groups)


class TableModuleVictim:
    """A module on fixed rows of a table as a differentiable function of their encoded numeric columns.

    Args:
        module: From the matrix that it takes to logits [m, K] or margins [m].
        rows: The rows.
        layout: What the module takes; None or `encoded` for the encoded matrix, `numbers` for raw columns.
    """

    differentiable = True

    def __init__(self, module: nn.Module, rows: Rows, layout: Layout | None = None) -> None:
        encoder = rows.problem.encoder
        self._module, self._p = frozen(module), len(encoder.numeric)
        self._x = torch.from_numpy(rows.x)
        self._raw: Tensor | None = None
        if layout is not None and layout.kind == "numbers":
            raw = np.ascontiguousarray(layout.matrix(rows.inputs), dtype=np.float32)
            self._raw = torch.from_numpy(raw)
            known = [
                (place, feature) for place, feature in enumerate(encoder.numeric) if feature.column in layout.columns
            ]
            self._from = [place for place, _ in known]
            self._to = [layout.columns.index(feature.column) for _, feature in known]
            self._scale = torch.tensor([feature.scale for _, feature in known], dtype=torch.float32)
            self._mean = torch.tensor([feature.mean for _, feature in known], dtype=torch.float32)

    def bind(self, rows: Tensor) -> Answer:
        """Return the module's answers to these rows as a function of their encoded numeric columns."""
        x = self._x[rows]
        if self._raw is None:
            return lambda numeric: self._module(torch.cat([numeric, x[:, self._p :]], dim=1))
        raw = self._raw[rows]
        clean = x[:, self._from]

        def answer(numeric: Tensor) -> Tensor:
            chosen, matrix = numeric[:, self._from], raw.clone()
            decoded = chosen * self._scale + self._mean
            # An untouched cell keeps its raw value (a missing one included), and its gradient all the same.
            kept = torch.where(chosen == clean, raw[:, self._to] + (decoded - decoded.detach()), decoded)
            matrix[:, self._to] = kept
            logits: Tensor = self._module(matrix)
            return logits

        return answer
