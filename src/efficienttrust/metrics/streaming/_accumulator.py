"""The accumulator: counts that grow by chunks of rows, merge with others, travel, and answer for the rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NotRequired, Self, TypedDict

import numpy as np
from numpy.typing import ArrayLike

from efficienttrust.errors import UsageError
from efficienttrust.metrics.metric import Metric, measurement_of, metrics
from efficienttrust.metrics.streaming._counting import Tables, blank, count
from efficienttrust.metrics.streaming._moments import recentred
from efficienttrust.metrics.streaming._resampling import resampled_values
from efficienttrust.metrics.streaming._schema import Schema
from efficienttrust.metrics.streaming._streamed import Streamed, streamed_metrics
from efficienttrust.metrics.streaming._tally import Tally
from efficienttrust.metrics.values import Measurement

FORMAT = 1
"""Version of the state that accumulators exchange."""


class Chunk(TypedDict):
    """Some rows: the arguments of `Accumulator.update`."""

    y: ArrayLike
    prediction: ArrayLike
    groups: ArrayLike | Mapping[str, ArrayLike]
    score: NotRequired[ArrayLike | None]
    weight: NotRequired[ArrayLike | None]


class Accumulator:
    """Counts of any number of rows in constant memory, from which metrics are measured.

    Args:
        attributes: Sensitive attribute -> names of its groups, by code. Intersections are counted as well.
        task: `binary`, `multiclass`, `multilabel` or `regression`; labels, decisions and scores are as in `Outcome`.
        classes: Names of the classes or labels, by code; needed for `multiclass` and `multilabel`.
        weighted: Whether every row has a weight.
        bins: Bins of the score histograms; 0 keeps no scores, `BINS` = 4096 moves an area under the ROC curve by
            about 0.0001 and a calibration error by at most 0.002 where scores are spread evenly. Memory is 32 bytes per
            group, class and bin (3 MB for 20 groups), 64 with weights.

    Raises:
        UsageError: The attributes, classes or bins are impossible, or need too many cells.
    """

    def __init__(
        self,
        attributes: Mapping[str, tuple[str, ...]],
        task: str = "binary",
        classes: tuple[str, ...] = (),
        *,
        weighted: bool = False,
        bins: int = 0,
    ) -> None:
        self.schema = Schema(attributes, task, classes, weighted, bins)
        self._tables: Tables = blank(self.schema)
        self._centre: float | None = None

    @property
    def n(self) -> int:
        """Rows counted so far."""
        return self._tally.n

    def update(
        self,
        y: ArrayLike,
        prediction: ArrayLike,
        *,
        groups: ArrayLike | Mapping[str, ArrayLike],
        score: ArrayLike | None = None,
        weight: ArrayLike | None = None,
    ) -> Self:
        """Count a chunk of rows, of any size, in one pass; a refused chunk leaves the counts as they were.

        Args:
            y: Labels.
            prediction: Decisions.
            groups: Attribute -> code of each row's group, -1 = unknown; or the codes alone of a single attribute.
            score: Probabilities; rows where they are not numbers leave metrics of scores without an estimate.
            weight: Weight of each row, 0 or more.

        Raises:
            UsageError: A value is not allowed (its row is named), columns differ in length, or a column is missing.
        """
        columns = {"y": y, "prediction": prediction, "groups": groups, "score": score, "weight": weight}
        centre = self._centre
        if centre is None and self.schema.task == "regression" and np.size(y):
            centre = _middle(np.asarray(y))
        count(self.schema, columns, centre or 0.0, self._tables)
        self._centre = centre
        return self

    def update_from(self, chunks: Iterable[Chunk]) -> Self:
        """Count all chunks, one after the other."""
        for chunk in chunks:
            self.update(**chunk)
        return self

    def merge(self, other: Accumulator) -> Accumulator:
        """Return the counts of both; neither changes. The order of merging does not matter.

        Raises:
            UsageError: The schemas differ.
        """
        if unlike := self.schema.difference(other.schema):
            raise UsageError(f"cannot merge accumulators of different schemas: {unlike}")
        both = self._empty()
        tables = other._tables
        both._centre = self._centre if self._centre is not None else other._centre
        if other._centre is not None and self._centre is not None and self._centre != other._centre:
            moved = recentred(tables["moments"], tables["products"], self._centre - other._centre)
            tables = {**tables, "moments": moved[0], "products": moved[1]}
        both._tables = {name: table + tables[name] for name, table in self._tables.items()}
        return both

    def state(self) -> dict[str, Any]:
        """Return everything as values that JSON can hold, exact to the last bit."""
        tables = {name: table.tolist() for name, table in self._tables.items()}
        return {"format": FORMAT, "schema": self.schema.state(), "centre": self._centre, "tables": tables}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Accumulator:
        """Return the accumulator of a state, e.g. one that another process sent.

        Raises:
            UsageError: The state is not one of an accumulator of this version, or it was damaged.
        """
        try:
            if state["format"] != FORMAT:
                raise UsageError(f"state has format {state['format']}, this version reads {FORMAT}")
            made = cls(**state["schema"])
            made._centre = None if state["centre"] is None else float(state["centre"])
            for name, table in made._tables.items():
                table[...] = np.asarray(state["tables"][name], dtype=table.dtype).reshape(table.shape)
                if not np.isfinite(table).all() or (name.endswith("rows") and (table < 0).any()):
                    raise ValueError(f"table {name!r} holds numbers that no count can be")
        except (KeyError, TypeError, ValueError) as error:
            raise UsageError(f"not the state of an accumulator: {error}") from None
        return made

    def measure(self, name: str, level: float = 0.95, **arguments: Any) -> Measurement:
        """Measure a metric on all rows counted, as `metrics.measure` would on the rows themselves.

        Args:
            name: Name or alias of the metric.
            level: Level of the two-sided interval.
            arguments: Arguments of the metric, e.g. `by="sex"`; without `by`, groups are the intersections that occur.

        Returns:
            The same measurement as on the rows where the metric is a function of counts or means (up to rounding where
            rows are weighted). Metrics of ranks and of bins of scores come from the histogram: `how` says how far the
            value may be from that of the rows at most, and the interval is that much wider on both sides.

        Raises:
            UsageError: The metric is unknown, not defined for the task, or cannot be had from what was counted.
        """
        metric, streamed = self._find(name)
        resolved = metric.resolve(arguments)
        estimate = streamed.compute(self._tally, resolved, level)
        return measurement_of(metric, resolved, estimate)

    def bootstrap_interval(
        self,
        name: str,
        repeats: int = 2000,
        level: float = 0.95,
        seed: int = 0,
        *,
        by: str | None = None,
        within_groups: bool = False,
    ) -> tuple[float, float]:
        """Return the percentile interval that resampling all rows gives in distribution, without the rows.

        Resampling n rows with replacement draws the counts of cells from a multinomial law, so that a resample costs as
        much as there are cells, whatever n is. Where rows are weighted, the weight of a cell is drawn as normal with
        the mean and spread of the weights of its rows.

        Args:
            name: Name or alias of a metric of counts.
            repeats: Resamples.
            level: Level of the two-sided interval.
            seed: Seed of the resamples.
            by: Sensitive attribute, as for `measure`.
            within_groups: Whether the rows of each group are resampled by themselves, which keeps the group sizes.

        Returns:
            Its ends; NaN where no resample has a value. Resamples without one (a group without positives) are left out.

        Raises:
            UsageError: As for `measure`; or the metric is not one of counts.
        """
        draws = self.bootstrap_values(name, repeats, seed, by=by, within_groups=within_groups)
        finite = draws[np.isfinite(draws)]
        if len(finite) == 0:
            return float("nan"), float("nan")
        low, high = np.quantile(finite, [(1 - level) / 2, (1 + level) / 2])
        return float(low), float(high)

    def bootstrap_values(
        self, name: str, repeats: int = 2000, seed: int = 0, *, by: str | None = None, within_groups: bool = False
    ) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Return the metric on each of `repeats` resamples; see `bootstrap_interval`."""
        metric, streamed = self._find(name)
        metric.resolve({} if by is None else {"by": by})
        if streamed.value is None:
            raise UsageError(f"{metric.name} is no metric of counts: measure() gives its interval in closed form")
        return resampled_values(self._tally, streamed.value, repeats, np.random.default_rng(seed), by, within_groups)

    @property
    def _tally(self) -> Tally:
        return Tally(self.schema, self._tables, self._centre or 0.0)

    def _empty(self) -> Accumulator:
        schema = self.schema
        return Accumulator(schema.attributes, schema.task, schema.classes, weighted=schema.weighted, bins=schema.bins)

    def _find(self, name: str) -> tuple[Metric, Streamed]:
        metric = metrics.get(name)
        if metric.name not in (known := streamed_metrics.names()):
            raise UsageError(
                f"{metric.name} cannot be had from counts, only from rows. From counts: {', '.join(known)}"
            )
        streamed = streamed_metrics.get(metric.name)
        if self.schema.task not in metric.tasks:
            raise UsageError(f"{metric.name} is defined for {', '.join(sorted(metric.tasks))}, not {self.schema.task}")
        if streamed.scores and not self.schema.bins:
            raise UsageError(f"{metric.name} needs scores: make the accumulator with bins=4096 and give it scores")
        return metric, streamed


def _middle(y: np.ndarray[Any, np.dtype[Any]]) -> float:
    """Return a number among the labels: sums of squares about it do not cancel."""
    values = y[:1000].astype(np.float64) if y.dtype.kind in "biuf" else np.zeros(1)
    return float(np.median(values)) if np.isfinite(values).all() else 0.0
