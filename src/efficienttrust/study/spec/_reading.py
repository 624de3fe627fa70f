"""Reading a study file: strict, all faults at once, each at its line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from efficienttrust.errors import UsageError
from efficienttrust.pipeline._strict_yaml import Location, line_of, path_of, read_yaml, text_of_fault
from efficienttrust.study.spec._models import StudySpec, part_at

STATES = "name, question, data, reference and hypotheses; `efficienttrust study init` writes one"


def read_spec(file: Path) -> tuple[StudySpec, Mapping[str, Any]]:
    """Return the study that a file states, and the document with its lines.

    Raises:
        UsageError: It cannot be read, or has faults: one line for each, in the order of the file.
    """
    document = read_yaml(file, states=STATES, keys=StudySpec.model_fields)
    _refuse_anchors(file)
    try:
        spec = StudySpec.model_validate(_plain(document))
    except ValidationError as error:
        found = [
            (path_of(fault["loc"]), text_of_fault(fault, part_at(path_of(fault["loc"])[:-1])))
            for fault in error.errors()
        ]
        raise faults_at(file, document, found) from None
    return spec, document


def faults_at(file: Path, document: Mapping[str, Any], faults: Sequence[tuple[Location, str]]) -> UsageError:
    """Return the error that tells all faults, each at the line of its value, in the order of the file."""
    placed = sorted({(line_of(document, path), ".".join(map(str, path)), what) for path, what in faults})
    return UsageError("\n".join(f"{file}:{line}: {path}{': ' if path else ''}{what}" for line, path, what in placed))


def study_schema() -> dict[str, Any]:
    """Return the JSON schema of the study file, for editors; committed as `docs/study.schema.json`."""
    from efficienttrust.study.constraints import constraint_kinds

    schema = StudySpec.model_json_schema()
    schema["$defs"]["ConstraintSpec"]["properties"]["kind"]["enum"] = constraint_kinds.names()
    for name, short in (("data", True), ("model", True), ("constraint", True), ("mitigation", True)):
        long = schema["properties"][name]
        kept = {key: long.pop(key) for key in ("description", "default", "title") if key in long}
        several = {"type": "array", "items": {"type": "string"}, "minItems": 1, "uniqueItems": short}
        schema["properties"][name] = {"anyOf": [long, several], **kept}
    data = schema["properties"]["data"]["anyOf"][0]
    data["additionalProperties"] = {"anyOf": [data["additionalProperties"], {"type": "string"}]}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _refuse_anchors(file: Path) -> None:
    """Refuse anchors and aliases: what a level is has to stand where the level stands."""
    from ruamel.yaml import YAML

    for event in YAML(typ="safe", pure=True).parse(file.read_text(encoding="utf-8")):
        if getattr(event, "anchor", None) is not None:
            line = event.start_mark.line + 1
            raise UsageError(f"{file}:{line}: anchors and aliases are not understood here; write the value out")


def _plain(node: Any) -> Any:
    """Return a document without its lines, whose keys are texts: a level may be called 4."""
    if isinstance(node, Mapping):
        return {str(key): _plain(value) for key, value in node.items()}
    return [_plain(one) for one in node] if isinstance(node, list) else node
