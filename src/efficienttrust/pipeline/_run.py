"""A run: everything that one training left behind, in memory and on disk."""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from efficienttrust.compression import Decision, DeployedImages, DeployedModel, Scorer
from efficienttrust.data import Problem, load_image_problem, load_problem
from efficienttrust.errors import UsageError
from efficienttrust.pipeline._claim import working_folder
from efficienttrust.pipeline._document import ARTIFACTS, SCHEMA_VERSION, plain
from efficienttrust.pipeline._readers import for_readers, trajectory_for_readers
from efficienttrust.pipeline._request import check_destination
from efficienttrust.pipeline._weights import load_weights, save_weights

if TYPE_CHECKING:
    import pandas as pd

HASHED = (ARTIFACTS["model"], ARTIFACTS["weights"], ARTIFACTS["weights_description"])
"""Files whose sha256 run.json holds, so that an edited one is noticed."""


@dataclass(frozen=True, eq=False, repr=False)
class Run:
    """A finished run.

    Attributes:
        document: run.json as plain values; its layout is described in docs/fit.md.
        content: The exported file, byte for byte.
        scorer: The float parent of the exported file.
        decision: Its decision rule.
        predictions: What the file said on the test split.
        history: One row per monitor point.
        decisions: One row per change of a dial.
    """

    document: Mapping[str, Any]
    content: bytes
    scorer: Scorer
    decision: Decision
    predictions: pd.DataFrame
    history: pd.DataFrame
    decisions: pd.DataFrame

    def __repr__(self) -> str:
        name = self.document["problem"]["name"]
        ended = "; ".join(f"{one.target}: {one.status}" for one in self.verdicts) or "no targets"
        return f"Run({name!r}, {self.document['model']['architecture']}; {ended})"

    @property
    def verdicts(self) -> list[SimpleNamespace]:
        """One entry per target with `target`, `status`, `qualifier`, `value`, `low`, `high`, `n` and `reason`."""
        return [SimpleNamespace(**entry) for entry in self.document["verdicts"]]

    @property
    def failed(self) -> tuple[str, ...]:
        """Hard limits that the run broke, with the measured figures; a run with any is a failed one."""
        return tuple(self.document.get("failed", ()))

    @property
    def metrics(self) -> Mapping[str, Any]:
        """Metric name -> value, low, high, n, how, definition and note, on the test split."""
        metrics: Mapping[str, Any] = self.document["metrics"]
        return metrics

    @property
    def ledger(self) -> Mapping[str, Any]:
        """Resource -> asked, used, overrun; for time also the clock and the phases."""
        ledger: Mapping[str, Any] = self.document["ledger"]
        return ledger

    def predict(self, frame: Any) -> pd.DataFrame:
        """Return `score`, `margin` and `decision` of the exported file for every row of a table of raw columns.

        Of a run on images `frame` is an array of them, float32 [n, C, H, W] in [0, 1]; with more than two classes there
        is one score per class.
        """
        import pandas as pd

        if self.document["problem"].get("kind") == "image":
            file = DeployedImages(self.content)
            images = np.asarray(frame, dtype=np.float32)
            if images.size and not (images.min() >= 0 and images.max() <= 1):
                low, high = float(images.min()), float(images.max())
                raise UsageError(
                    f"pixels run from {low:.3g} to {high:.3g}; the model takes [0, 1]: divide levels by 255"
                )
            said = file.run(images)
            scores = said.score if said.score.ndim == 2 else said.score[:, None]
            names = [f"score {name}" for name in file.classes] if said.score.ndim == 2 else ["score"]
            table = pd.DataFrame(scores, columns=names)
            return table.assign(margin=said.margin, decision=said.decision)

        if not isinstance(frame, pd.DataFrame) and hasattr(frame, "to_pandas"):
            frame = frame.to_pandas()  # a polars frame
        said = DeployedModel(self.content).run(frame)
        return pd.DataFrame({"score": said.score, "margin": said.margin, "decision": said.decision}, index=frame.index)

    def save(self, folder: Path | str, *, overwrite: bool = False, show_small_cells: bool = False) -> Path:
        """Write all artefacts, atomically: the folder appears when it is complete, or not at all.

        Of clinical data report and model card withhold figures about fewer than ten people; `run.json` and
        `predictions.parquet` are whole, as `verify` compares them.

        Args:
            folder: Where to.
            overwrite: Replace an earlier run.
            show_small_cells: Withhold nothing.

        Returns:
            The folder.

        Raises:
            UsageError: The folder exists (without `overwrite`), or the disk is full or read-only.
        """
        out = Path(folder)
        check_destination(out, overwrite=overwrite)
        working, replaced = working_folder(out), out.with_name(out.name + ".replaced")
        try:
            self._write(working, out, show_small_cells=show_small_cells)
            (working / "checkpoint.pt").unlink(missing_ok=True)
            if out.exists():
                shutil.rmtree(replaced, ignore_errors=True)  # of an earlier save that was killed between its renames
                os.replace(out, replaced)
            os.replace(working, out)
            shutil.rmtree(replaced, ignore_errors=True)
        except OSError as error:
            _undo(out, working, replaced)
            raise UsageError(
                f"cannot write the run to {out}: {error.strerror or error}; free some space or choose another folder"
            ) from error
        return out

    def _write(self, working: Path, out: Path, *, show_small_cells: bool) -> None:
        from efficienttrust.report import model_card, render_report

        working.mkdir(parents=True, exist_ok=True)
        (working / ARTIFACTS["model"]).write_bytes(self.content)
        save_weights(working, self.scorer, self.decision)
        self.predictions.to_parquet(working / ARTIFACTS["predictions"], index=False)
        self.history.to_parquet(working / ARTIFACTS["history"], index=False)
        self.decisions.to_parquet(working / ARTIFACTS["decisions"], index=False)
        hashes = {name: hashlib.sha256((working / name).read_bytes()).hexdigest() for name in HASHED}
        document = {**self.document, "hashes": hashes}
        shown = for_readers(document, show_small_cells=show_small_cells)
        placed = {**shown, "artifacts": {name: str(out / path) for name, path in ARTIFACTS.items()}}
        history, decisions = self.history, self.decisions
        if not show_small_cells:
            history, decisions = trajectory_for_readers(shown, history, decisions)
        page = render_report(placed, history, decisions)
        (working / ARTIFACTS["report"]).write_text(page, encoding="utf-8")
        (working / ARTIFACTS["card"]).write_text(model_card(placed), encoding="utf-8")
        text = json.dumps(plain(document), indent=1, ensure_ascii=False, allow_nan=False)
        (working / ARTIFACTS["run"]).write_text(text, encoding="utf-8")


def load_run(folder: Path | str) -> Run:
    """Load a run from its folder.

    Raises:
        UsageError: The folder is not a run, or one of its files is missing or damaged.
    """
    import pandas as pd

    path = Path(folder)
    if not (path / ARTIFACTS["run"]).exists():
        raise UsageError(f"{path} is not a run: it has no run.json")
    try:
        document = json.loads((path / ARTIFACTS["run"]).read_text(encoding="utf-8"))
        version = document["schema_version"]
    except (ValueError, KeyError, OSError) as error:
        raise UsageError(f"{path / 'run.json'} is damaged: {error}") from error
    if version != SCHEMA_VERSION:
        raise UsageError(f"{path} has schema version {version}; this version reads {SCHEMA_VERSION}")
    try:
        content = (path / ARTIFACTS["model"]).read_bytes()
        tables = {name: pd.read_parquet(path / ARTIFACTS[name]) for name in ("predictions", "history", "decisions")}
    except Exception as error:  # pyarrow has many kinds of its own
        raise UsageError(f"a file of the run {path} is missing or damaged: {error}") from error
    scorer, decision = load_weights(path)
    return Run(_number_back(document), content, scorer, decision, **tables)


def problem_of(recorded: Mapping[str, Any]) -> Problem:
    """Load the data of a run again, from what its document says of them."""
    load = load_image_problem if recorded.get("kind") == "image" else load_problem
    return load(recorded["source"], **recorded["settings"])


def frame_of(rows: Any, columns: tuple[str, ...]) -> pd.DataFrame:
    """Return records (mappings or dataclasses) as a frame that has these columns even when there are no records."""
    import pandas as pd

    records = [dict(row) if isinstance(row, Mapping) else asdict(row) for row in rows]
    return pd.DataFrame(records) if records else pd.DataFrame({name: [] for name in columns})


def _undo(out: Path, working: Path, replaced: Path) -> None:
    """Remove what was half-written, keep a checkpoint, and put back the run that was to be replaced."""
    for name in ARTIFACTS.values():
        (working / name).unlink(missing_ok=True)
    if working.exists() and not any(working.iterdir()):
        working.rmdir()
    if replaced.exists() and not out.exists():
        os.replace(replaced, out)


def _number_back(document: dict[str, Any]) -> dict[str, Any]:
    """Turn the nulls of measurements back into NaN."""
    cells = [*document["metrics"].values(), *document["verdicts"]]
    cells += [cell for stage in document["stages"] for cell in stage["metrics"].values()]
    cells += [cell for row in document["groups"] for cell in row.values() if isinstance(cell, dict)]
    for cell in cells:
        for key in ("value", "low", "high"):
            if key in cell and cell[key] is None:
                cell[key] = math.nan
    return document
