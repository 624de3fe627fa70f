"""What follows the logits of more than two classes in an exported graph, on tables and on images alike."""

from __future__ import annotations

import numpy as np

from efficienttrust.compression._graph import Graph


def add_classes(graph: Graph, logits: str) -> None:
    """Add score, margin and decision of logits [N, K]: the largest decides, its lead over the next is the margin."""
    graph.add("Softmax", logits, name="score", out="score", axis=1)
    graph.add("ArgMax", logits, name="decision", out="decision", axis=1, keepdims=0)
    two = graph.constant("two", np.array([2], dtype=np.int64))
    best, _places = graph.add_pair("TopK", logits, two, names=("best", "places"), axis=1)
    sizes = graph.constant("halves", np.array([1, 1], dtype=np.int64))
    first, second = graph.add_pair("Split", best, sizes, names=("first", "second"), axis=1)
    lead = graph.add("Sub", first, second, name="lead")
    column = graph.constant("column", np.array([1], dtype=np.int64))
    graph.add("Squeeze", lead, column, name="margin", out="margin")
