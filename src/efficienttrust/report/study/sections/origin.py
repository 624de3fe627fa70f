"""Where the numbers come from: command, environment and hashes."""

from __future__ import annotations

from efficienttrust.report.study._content import Block, Code, Part, Table, Text
from efficienttrust.report.study._source import Source


def origin_part(source: Source) -> Part:
    """Return the exact command, the environment, and the hashes that pin the study."""
    overview, design, document = source.section("overview"), source.design, source.document
    options = document.get("options", {})
    blocks: list[Block] = []
    if command := overview.get("command"):
        blocks += [Text("The study was run by"), Code(str(command))]
    else:
        blocks.append(Text("The command that ran the study was not recorded."))
    facts = [
        ("study", str(design["name"])),
        ("SHA-256 of the study file", str(design.get("spec_hash") or "not recorded")),
        ("SHA-256 of what was declared", str(design.get("declared_hash") or "not recorded")),
        ("SHA-256 of the table of results", str(document.get("table", ""))),
        ("intervals", source.level),
        ("bootstrap", f"{options.get('resamples', 'unknown')} replicates, seed {options.get('seed', 'unknown')}"),
    ]
    blocks.append(Table("hashes", "What pins the numbers", ("", ""), tuple(facts)))
    if environment := overview.get("environment"):
        rows = tuple((str(name), str(value)) for name, value in environment.items())
        blocks.append(Table("environment", "Environment of the trials", ("", ""), rows))
    else:
        blocks.append(Text("The environment of the trials was not recorded."))
    return Part("origin", "Environment and command", tuple(blocks))
