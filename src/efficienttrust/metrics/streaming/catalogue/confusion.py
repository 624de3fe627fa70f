"""Metrics of the confusion table of all rows: balanced accuracy, F1 of two classes and of many, MCC."""

from __future__ import annotations

import numpy as np

from efficienttrust.metrics.arguments import Arguments
from efficienttrust.metrics.catalogue.balanced_accuracy import balanced_accuracy_of
from efficienttrust.metrics.catalogue.f1 import f1_of
from efficienttrust.metrics.catalogue.f1_macro import f1_macro_of
from efficienttrust.metrics.catalogue.mcc import mcc_of
from efficienttrust.metrics.confusion import ConfusionTable, Statistic, absent_classes, table_estimate
from efficienttrust.metrics.streaming._streamed import Streamed, streamed_metrics
from efficienttrust.metrics.streaming._tally import Tally
from efficienttrust.metrics.values import Estimate, Floats


def _of_table(statistic: Statistic) -> Streamed:
    def compute(tally: Tally, arguments: Arguments, level: float) -> Estimate:
        if tally.schema.task == "multilabel":
            return Estimate.missing(tally.n, "needs rows: labels of one row are counted by themselves")
        names = tally.schema.classes or ("0", "1")
        mass = tally.cells("cells", tally.everyone).mass[0, 0].sum(axis=1)
        if obstacle := absent_classes(mass, names):
            return Estimate.missing(tally.n, obstacle)
        return table_estimate(statistic, _table(tally), level)

    def value(groups: Floats, everyone: Floats, many: bool) -> Floats:
        tables = everyone[:, 0]
        found = statistic(np.diagonal(tables, axis1=1, axis2=2), tables.sum(axis=2), tables.sum(axis=1))
        # a resample without a class has no value on rows either
        return np.where((tables.sum(axis=2) > 0).all(axis=1), found, np.nan)

    return Streamed(compute, value)


def _table(tally: Tally) -> ConfusionTable:
    cells = tally.cells("cells", tally.everyone).take((0, 0))
    rows, filled = cells.rows.ravel().astype(np.float64), np.maximum(cells.rows.ravel(), 1)
    mean = np.where(rows > 0, cells.mass.ravel() / filled, cells.mass.sum() / rows.sum())
    variance = np.where(rows > 0, cells.squares.ravel() / filled - mean**2, 0.0)
    spread = np.sqrt(np.maximum(variance, 0.0)) if cells.weighted else np.zeros(len(rows))
    return ConfusionTable.of_cells(rows, mean, spread, len(cells.rows))


streamed_metrics.register("balanced_accuracy")(_of_table(balanced_accuracy_of))
streamed_metrics.register("f1")(_of_table(f1_of))
streamed_metrics.register("f1_macro")(_of_table(f1_macro_of))
streamed_metrics.register("mcc")(_of_table(mcc_of))
