"""From a table to a `Problem`: data that is ready to learn from, with nothing hidden.

A table (a bundled data set, a CSV or Parquet file, a pandas or polars frame) becomes a `Problem` in one call. The
problem holds five splits (train, monitor, calibrate, certify, test), the group of every row by the sensitive
attributes, an `Encoder` fitted on the train split alone, and a `Domain` that says what a perturbation may change.
Everything legal but odd in the data (missing values, tiny groups, a column that gives the label away) is a readable
line in `Problem.notes`; everything that cannot be learned from is a `UsageError` of one line.

The floor knows no model and no metric: arrays out, decisions elsewhere. The same inputs and the same seed always give
the same splits and the same `Problem.fingerprint`, bit for bit, whether the table came as CSV, Parquet or a frame.

Example:
    >>> from efficienttrust.data import load_problem
    >>> problem = load_problem("german", sensitive="sex")
    >>> problem.splits["train"].x.shape[0], problem.group_names
    (500, ('Female', 'Male'))
"""

from efficienttrust.data._bundled import bundled_names, dataset_card, dataset_names, download, is_card_alone
from efficienttrust.data._cards import DatasetCard, dataset_cards
from efficienttrust.data._columns import Column
from efficienttrust.data._describe import card_summary, describe, describe_card, summary
from efficienttrust.data._domain import Domain
from efficienttrust.data._download import Fetch
from efficienttrust.data._encoder import CategoricalFeature, Encoder, NumericFeature
from efficienttrust.data._groups import Attribute
from efficienttrust.data._image_problem import load_image_problem
from efficienttrust.data._loading import load_problem
from efficienttrust.data._pixels import Pixels
from efficienttrust.data._problem import Problem, Split
from efficienttrust.data._reading import read_table
from efficienttrust.data._relations import LinearRelation, encoded_relations, parse_relation
from efficienttrust.data._splits import FRACTIONS, SPLITS
from efficienttrust.data._text import as_text

__all__ = [
    "FRACTIONS",
    "SPLITS",
    "Attribute",
    "CategoricalFeature",
    "Column",
    "DatasetCard",
    "Domain",
    "Encoder",
    "Fetch",
    "LinearRelation",
    "NumericFeature",
    "Pixels",
    "Problem",
    "Split",
    "as_text",
    "bundled_names",
    "card_summary",
    "dataset_card",
    "dataset_cards",
    "dataset_names",
    "describe",
    "describe_card",
    "download",
    "encoded_relations",
    "is_card_alone",
    "load_image_problem",
    "load_problem",
    "parse_relation",
    "read_table",
    "summary",
]
