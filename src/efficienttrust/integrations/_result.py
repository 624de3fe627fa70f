"""What is left of a training in somebody else's loop."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from efficienttrust.atats import DecisionRecord
from efficienttrust.errors import UsageError
from efficienttrust.evaluation.certification import Verdict
from efficienttrust.metrics import Measurement
from efficienttrust.pipeline._document import plain


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class TrustResult:
    """A finished training.

    Attributes:
        verdicts: One per target.
        metrics: Metric key -> measurement, on `measured_on`.
        measured_on: `test`, or `certify` where no test rows were given.
        threshold: Logit above which a row is decided positive (of a pair of logits: their difference); None with more
            than two classes, where the largest logit decides.
        model: The user's model with the chosen weights, in evaluation mode.
        chosen: Which candidate was chosen: `last`, or `step N`.
        ledger: Resource -> asked, used, overrun; for time also clock and phases.
        decisions: Every change of a dial.
        history: One mapping per look.
        fallbacks: What the budget did not buy, one sentence each.
        notes: What a reader must know.
        trajectory: What a replay of the decisions needs.
        content: The exported file; None where none was asked for.
    """

    verdicts: tuple[Verdict, ...]
    metrics: Mapping[str, Measurement]
    measured_on: str
    threshold: float | None
    model: nn.Module
    chosen: str
    ledger: Mapping[str, Any]
    decisions: tuple[DecisionRecord, ...]
    history: tuple[Mapping[str, Any], ...]
    fallbacks: tuple[str, ...]
    notes: tuple[str, ...]
    trajectory: Mapping[str, Any]
    content: bytes | None = None

    def __repr__(self) -> str:
        ended = "; ".join(f"{one.target}: {one.status}" for one in self.verdicts) or "no targets"
        return f"TrustResult({ended})"

    def save(self, folder: Path | str, *, overwrite: bool = False) -> Path:
        """Write `result.json`, `model.safetensors` and, where there is one, `model.onnx`: all of them or none.

        Args:
            folder: Where to.
            overwrite: Replace an earlier one.

        Returns:
            The folder.

        Raises:
            UsageError: The folder exists (without `overwrite`), or cannot be written.
        """
        out = Path(folder)
        check_folder(out, overwrite=overwrite)
        from safetensors.torch import save_model

        working = out.with_name(f"{out.name}.partial")
        try:
            shutil.rmtree(working, ignore_errors=True)
            working.mkdir(parents=True)
            text = json.dumps(plain(self._document()), indent=1, ensure_ascii=False)
            (working / "result.json").write_text(text, encoding="utf-8")
            save_model(self.model, str(working / "model.safetensors"))
            if self.content is not None:
                (working / "model.onnx").write_bytes(self.content)
            shutil.rmtree(out, ignore_errors=True)
            os.replace(working, out)
        except OSError as error:
            shutil.rmtree(working, ignore_errors=True)
            raise UsageError(
                f"cannot write the result to {out}: {error.strerror or error}; free some space or choose another folder"
            ) from error
        return out

    def _document(self) -> dict[str, Any]:
        return {
            "verdicts": [{**dataclasses.asdict(one), "target": one.target.text, "certificate": _proven(one)}
                         for one in self.verdicts],
            "metrics": {key: dataclasses.asdict(one) for key, one in self.metrics.items()},
            "measured_on": self.measured_on,
            "threshold": self.threshold,
            "chosen": self.chosen,
            "ledger": self.ledger,
            "decisions": [dataclasses.asdict(one) for one in self.decisions],
            "history": self.history,
            "fallbacks": self.fallbacks,
            "notes": self.notes,
            "trajectory": self.trajectory,
        }  # fmt: skip


def check_folder(out: Path, *, overwrite: bool = False) -> None:
    """Refuse a folder that a result would replace without being told to."""
    if out.exists() and not overwrite:
        raise UsageError(f"{out} exists: choose another folder, or save(..., overwrite=True)")


def _proven(one: Verdict) -> dict[str, Any] | None:
    if one.certificate is None:
        return None
    return {**dataclasses.asdict(one.certificate), "target": one.target.text}
