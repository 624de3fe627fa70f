"""The state of a run on disk, so that a killed run goes on where it was."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path
from typing import Any

from efficienttrust.errors import UsageError


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write a state atomically: the file is either the old one or the new one, whole."""
    import torch

    content = io.BytesIO()  # torch hides what a disk says
    torch.save(state, content)
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(partial, "wb") as file:
            file.write(content.getbuffer())
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise UsageError(
            f"cannot write the checkpoint {path}: {error.strerror or error}; free some space or choose another --out"
        ) from error


def load_checkpoint(path: Path, identity: str) -> dict[str, Any] | None:
    """Read a state back; None when there is no file.

    Raises:
        UsageError: The file is damaged, or was written by a run with other data, settings or version.
    """
    import torch

    if not path.exists():
        return None
    try:
        with zipfile.ZipFile(path) as records:
            if records.testzip() is not None:  # torch itself does not look at checksums
                raise ValueError("a record does not match its checksum")
        state = torch.load(path, weights_only=True)
    except Exception as error:
        raise UsageError(
            f"the checkpoint {path} is damaged ({type(error).__name__}); delete its folder to start again"
        ) from error
    if not isinstance(state, dict) or state.get("identity") != identity:
        raise UsageError(
            f"{path} belongs to a run with other data or settings; delete its folder or choose another --out"
        )
    return dict(state)
