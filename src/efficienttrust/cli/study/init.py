"""The verb `study init`: a study file from a preset."""

from __future__ import annotations

from pathlib import Path

from efficienttrust.cli._output import print_json


def init(preset: str, file: Path, /, *, overwrite: bool = False, json: bool = False) -> int:
    """Write a study file from a preset, to be changed.

    Args:
        preset: Name of a preset, as tabular-small.
        file: The file to write, as study.yaml.
        overwrite: Replace the file where it exists.
        json: Print one JSON document on stdout.
    """
    from efficienttrust.errors import UsageError
    from efficienttrust.study.presets import preset_text

    text = preset_text(preset)
    if file.exists() and not overwrite:
        raise UsageError(f"{file} exists already; add --overwrite to replace it or choose another name")
    part = file.with_name(f"{file.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(file)
    if json:
        print_json({"preset": preset, "file": str(file)})
    else:
        print(file)
    return 0
