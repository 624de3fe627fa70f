"""The section "Compression": what a compression did to the deployed file, and whom it hurt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from efficienttrust.report._arms import arms_table, cost_sentence, other_metrics, quantisation_table, search_table
from efficienttrust.report._figures import Figure, Table
from efficienttrust.report._harm import HarmPart, change_figure, error_sentences, harm_parts
from efficienttrust.report._read import Document, part, texts

LABELS = {"real": "Real", "simulated": "Simulated"}


@dataclass(frozen=True)
class CompressionSection:
    """What the section shows; the finding comes first, the label is the word for `real` or `simulated`."""

    finding: str
    label: str
    why: str
    chain: Sequence[str]
    arms: Table
    metrics: Table | None
    quantisation: Table | None
    search: Table | None
    figure: Figure | None
    parts: Sequence[HarmPart]
    notes: Sequence[str]


def compression_section(document: Document) -> CompressionSection | None:
    """Read the section of a compressed run; None of any other run."""
    compression = part(document, "compression")
    if not compression:
        return None
    harm, label = part(compression, "harm"), str(compression.get("label") or "")
    sentences = [cost_sentence(document), *error_sentences(harm)]
    return CompressionSection(
        finding=" ".join(filter(None, sentences)) or "Neither cost nor answers were compared.",
        label=LABELS.get(label, label or "Not labelled"),
        why=str(compression.get("why") or ""),
        chain=texts(compression, "chain"),
        arms=arms_table(document),
        metrics=other_metrics(document),
        quantisation=quantisation_table(document),
        search=search_table(document),
        figure=change_figure(harm),
        parts=harm_parts(harm, part(compression, "flip_bound")),
        notes=list(dict.fromkeys(
            [*texts(compression, "notes"), *texts(part(compression, "quantisation"), "notes"), *texts(harm, "notes")]
        )),
    )  # fmt: skip
