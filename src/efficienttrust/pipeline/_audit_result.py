"""An audit: everything that was found about one model, in memory and on disk."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from efficienttrust.errors import UsageError
from efficienttrust.pipeline._audit_document import ARTIFACTS
from efficienttrust.pipeline._audit_request import check_audit_folder
from efficienttrust.pipeline._claim import working_folder
from efficienttrust.pipeline._document import plain
from efficienttrust.pipeline._readers import for_readers

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, repr=False)
class Audit:
    """A finished audit.

    Attributes:
        document: audit.json as plain values; its layout is described in docs/audit.md.
        predictions: What the model said, one row per row.
    """

    document: Mapping[str, Any]
    predictions: pd.DataFrame

    def __repr__(self) -> str:
        model, data = self.document["model"], self.document["data"]
        fired = sum(bool(alarm["fired"]) for alarm in self.alarms)
        return f"Audit({model['source']!r} on {data['n']} rows of {data['name']!r}, {fired} alarms)"

    @property
    def verdicts(self) -> list[SimpleNamespace]:
        """One entry per target with `target`, `status`, `qualifier`, `value`, `low`, `high`, `n` and `reason`."""
        return [SimpleNamespace(**entry) for entry in self.document["verdicts"]]

    @property
    def metrics(self) -> Mapping[str, Any]:
        """Metric name -> value, low, high, n, how, definition and note."""
        metrics: Mapping[str, Any] = self.document["metrics"]
        return metrics

    @property
    def alarms(self) -> list[Mapping[str, Any]]:
        """One entry per alarm with `name`, `fired`, `value`, `threshold`, `meaning` and `detail`."""
        alarms: list[Mapping[str, Any]] = self.document["alarms"]
        return alarms

    def save(self, folder: Path | str, *, overwrite: bool = False, show_small_cells: bool = False) -> Path:
        """Write audit.json, predictions.parquet and report.html: the folder appears complete, or not at all.

        Of clinical data the report withholds figures about fewer than ten people; the other files are whole.

        Args:
            folder: Where to.
            overwrite: Replace an earlier audit.
            show_small_cells: Withhold nothing.

        Returns:
            The folder.

        Raises:
            UsageError: The folder exists (without `overwrite`), or the disk is full or read-only.
        """
        out = Path(folder)
        check_audit_folder(out, overwrite=overwrite)
        working, replaced = working_folder(out), out.with_name(out.name + ".replaced")
        try:
            shutil.rmtree(working, ignore_errors=True)  # of an earlier save that was killed
            working.mkdir(parents=True)
            self._write(working, out, show_small_cells=show_small_cells)
            if out.exists():
                shutil.rmtree(replaced, ignore_errors=True)
                os.replace(out, replaced)
            os.replace(working, out)
            shutil.rmtree(replaced, ignore_errors=True)
        except OSError as error:
            shutil.rmtree(working, ignore_errors=True)
            if replaced.exists() and not out.exists():
                os.replace(replaced, out)
            raise UsageError(
                f"cannot write the audit to {out}: {error.strerror or error}; free some space or choose another folder"
            ) from error
        return out

    def _write(self, working: Path, out: Path, *, show_small_cells: bool) -> None:
        from efficienttrust.report import render_audit

        self.predictions.to_parquet(working / ARTIFACTS["predictions"], index=False)
        shown = for_readers(self.document, show_small_cells=show_small_cells)
        placed = {**shown, "artifacts": {name: str(out / path) for name, path in ARTIFACTS.items()}}
        (working / ARTIFACTS["report"]).write_text(render_audit(placed), encoding="utf-8")
        text = json.dumps(plain(self.document), indent=1, ensure_ascii=False, allow_nan=False)
        (working / ARTIFACTS["audit"]).write_text(text, encoding="utf-8")
