"""A curve on disk: frontier.json, the network of all settings, the table, and the picture."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from efficienttrust.errors import UsageError
from efficienttrust.pipeline._claim import working_folder
from efficienttrust.pipeline._document import plain
from efficienttrust.pipeline.frontier._document import FRONTIER_SCHEMA
from efficienttrust.pipeline.frontier._readers import frontier_for_readers, with_nan
from efficienttrust.training import Candidates

FILES = {
    "frontier": "frontier.json",
    "network": "network.safetensors",
    "points": "points.csv",
    "report": "report.html",
}

NEEDED = ("problem", "axes", "spec", "model", "ledger", "points")
"""Parts of the document without which nothing can be shown or deployed."""


def check_frontier_folder(out: Path | None, *, overwrite: bool) -> None:
    """Refuse a folder that holds something else, or a curve that is not to be replaced.

    Raises:
        UsageError: It does.
    """
    if out is None or not out.exists():
        return
    if not out.is_dir():
        raise UsageError(f"{out} is a file; --out must name a folder")
    if any(out.iterdir()):
        if not overwrite:
            raise UsageError(f"{out} exists already; add --overwrite to replace it or choose another --out")
        if not (out / FILES["frontier"]).exists():
            raise UsageError(f"{out} exists and holds no curve; --overwrite replaces curves only, choose another --out")


def write_frontier(
    out: Path, document: Mapping[str, Any], candidates: Candidates, *, overwrite: bool, show_small_cells: bool = False
) -> Path:
    """Write a curve, atomically: the folder appears when it is complete, or not at all.

    Of clinical data the page and the table withhold figures about fewer than ten people; frontier.json is whole.

    Raises:
        UsageError: The folder exists (without `overwrite`), or the disk is full or read-only.
    """
    from safetensors.torch import save

    from efficienttrust.report import render_frontier

    check_frontier_folder(out, overwrite=overwrite)
    working, replaced = working_folder(out), out.with_name(out.name + ".replaced")
    weights = save({name: one.detach().cpu().contiguous() for name, one in candidates.network_state.items()})
    complete = {**document, "hashes": {FILES["network"]: hashlib.sha256(weights).hexdigest()}}
    try:
        working.mkdir(parents=True, exist_ok=True)
        (working / FILES["network"]).write_bytes(weights)
        text = json.dumps(plain(complete), indent=1, ensure_ascii=False, allow_nan=False)
        (working / FILES["frontier"]).write_text(text, encoding="utf-8")
        from efficienttrust.pipeline.frontier._frontier import points_table

        shown = frontier_for_readers(complete, show_small_cells=show_small_cells)
        points_table(shown).to_csv(working / FILES["points"], index=False)
        (working / FILES["report"]).write_text(render_frontier(shown, str(out)), encoding="utf-8")
        if out.exists():
            shutil.rmtree(replaced, ignore_errors=True)
            os.replace(out, replaced)
        os.replace(working, out)
        shutil.rmtree(replaced, ignore_errors=True)
    except BaseException as error:
        shutil.rmtree(working, ignore_errors=True)
        if replaced.exists() and not out.exists():
            os.replace(replaced, out)
        if not isinstance(error, OSError):
            raise
        raise UsageError(
            f"cannot write the curve to {out}: {error.strerror or error}; free some space or choose another folder"
        ) from error
    return out


def read_frontier(folder: Path) -> dict[str, Any]:
    """Read the document of a curve.

    Raises:
        UsageError: The folder holds no curve, or it is damaged or of another version.
    """
    path = folder / FILES["frontier"]
    if not path.exists():
        raise UsageError(f"{folder} holds no curve: it has no {path.name}; `efficienttrust frontier` writes one")
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        version = document["frontier_schema"]
    except (ValueError, KeyError, OSError, TypeError) as error:
        raise UsageError(f"{path} is damaged: {type(error).__name__}: {error}") from error
    if version != FRONTIER_SCHEMA:
        raise UsageError(f"{folder} has frontier schema {version}; this version reads {FRONTIER_SCHEMA}")
    if missing := [name for name in NEEDED if name not in document]:
        raise UsageError(f"{path} is damaged: it has no {missing[0]}")
    return with_nan(document)


def read_network(folder: Path, document: Mapping[str, Any]) -> dict[str, Any]:
    """Read the weights of the network of all settings.

    Raises:
        UsageError: The file is missing, or is not the one that was written.
    """
    from safetensors.torch import load

    path = folder / FILES["network"]
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}") from error
    if hashlib.sha256(content).hexdigest() != document.get("hashes", {}).get(path.name):
        raise UsageError(f"{path} is not the file that was written with the curve: its sha256 differs")
    return dict(load(content))
