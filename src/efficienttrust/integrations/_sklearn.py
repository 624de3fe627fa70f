"""`TrustClassifier`: `fit` under a budget and targets, as a scikit-learn classifier.

A classifier of scikit-learn has rows and labels; groups come beside them as `sensitive_features`, as fairlearn calls
them, and through metadata routing into `GridSearchCV` and `Pipeline`. They are no inputs unless they stand in X too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _check_sample_weight,
    assert_all_finite,
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
    validate_data,
)

from efficienttrust.atats import Policy
from efficienttrust.compression import DeployedModel
from efficienttrust.compression._runtime import DeployedOutput
from efficienttrust.data import Problem, load_problem
from efficienttrust.data._roles import names_of
from efficienttrust.errors import UsageError
from efficienttrust.evaluation.targets import Target, parse_target
from efficienttrust.integrations._few_rows import load_shared, refuse_targets, too_few, without_figures
from efficienttrust.integrations._tables import Table, inputs_frame, is_frame, join, sensitive_frame
from efficienttrust.metrics import metrics
from efficienttrust.pipeline import fit
from efficienttrust.resources import Budget
from efficienttrust.training import Settings

COUNTED = ("steps", "samples", "flops", "epochs")  # clocks on which a seed determines a run


class EstimatorError(UsageError, ValueError):
    """A `UsageError` that scikit-learn's tools know as well, as the `ValueError` that an estimator raises."""


class TrustClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A classifier trained under a budget, towards targets of fairness, robustness and utility.

    Two classes or more. X is a pandas or polars frame, of which texts and categories are encoded, or an array; missing
    cells are allowed. With `budget` on a counted clock (`steps=500`) and an integer `random_state` it is deterministic.

    Where a class has fewer than 20 rows, there are no splits: see `run_.document["fallbacks"]`.

    Args:
        budget: Limits, as `"time=20s cpu, size=300kB"`.
        targets: As `["dpd <= 0.05", "robust_accuracy(pgd, eps=0.25) >= 0.80"]`; none makes a plain classifier. Those
            that compare groups need `sensitive_features`.
        policy: Who steers the training: a policy's name with options, or a policy.
        model: A network with options, or the name of another trainer, as `auto`.
        trainer: `network`, `trees`, `lightgbm` or `auto`.
        use_groups_at_prediction: Let the model read the groups: `predict` then needs `sensitive_features` as well.
        random_state: Seed of splits and training; an integer is the seed of `load_problem` and `fit`.
        positive: Of two classes the one that targets call the positive decision; by default `classes_[1]`.
        immutable: Columns that no perturbation may change.
        settings: Device, precision and augmentation of networks, pruning, quantisation.

    Attributes:
        classes_: [K] the classes, sorted, in their own type.
        n_features_in_: Number of columns of X.
        feature_names_in_: [d] names of the columns, where X was a frame.
        run_: The run: verdicts, metrics on rows not trained on, ledger, report (`save`).
    """

    def __init__(
        self,
        budget: Budget | str = "time=20s",
        targets: Sequence[Target | str] = (),
        policy: Policy | str = "plan",
        model: str | None = None,
        trainer: str = "network",
        use_groups_at_prediction: bool = False,
        random_state: Any = None,
        positive: Any = None,
        immutable: Sequence[str] = (),
        settings: Settings | None = None,
    ) -> None:
        self.budget = budget
        self.targets = targets
        self.policy = policy
        self.model = model
        self.trainer = trainer
        self.use_groups_at_prediction = use_groups_at_prediction
        self.random_state = random_state
        self.positive = positive
        self.immutable = immutable
        self.settings = settings

    def fit(self, X: Any, y: Any, sensitive_features: Any = None, sample_weight: Any = None) -> TrustClassifier:
        """Train, calibrate, export and prove, within the budget.

        Args:
            X: [n, d] inputs, frame or array.
            y: [n] classes.
            sensitive_features: [n] or [n, k] what the groups are, as an array, a named column or a frame of several
                columns, whose intersections are the groups.
            sample_weight: [n] weights of 0 or more; rows of weight 0 are left out.

        Raises:
            EstimatorError: The arguments cannot be used; it is a `UsageError` and a `ValueError`.
            InfeasibleError: The arithmetic of the budget excludes what was asked.
        """
        table = self._read(X, y, sensitive_features, sample_weight)
        targets = [self.targets] if isinstance(self.targets, str) else list(self.targets)
        seed = self._seed()
        with _as_value_error():
            found = too_few(table)
            if found and targets:
                refuse_targets(found)
            _refuse_without_groups(targets, table)
            problem = self._problem(table, found, seed)
            run = fit(
                problem,
                budget=self.budget,
                targets=targets,
                policy=self.policy,
                trainer=self.trainer,
                model=self.model,
                settings=self.settings,
                seed=seed,
                use_groups_at_prediction=self.use_groups_at_prediction,
            )
        self.classes_ = table.classes
        self.run_ = without_figures(run, found) if found else run
        self._inputs, self._sensitive = tuple(table.inputs.values()), table.sensitive
        self._places = tuple(table.texts.index(text) for text in _class_texts(problem, table))
        self._file = _File(run.content)
        return self

    def predict(self, X: Any, sensitive_features: Any = None) -> NDArray[Any]:
        """Return the decision of the exported file for every row, in the type of y.

        Of two classes it follows the calibrated threshold, which need not be where `predict_proba` says 0.5.

        Args:
            X: [n, d].
            sensitive_features: [n] or [n, k] as given to `fit`; read with `use_groups_at_prediction` only.

        Returns:
            [n] classes.
        """
        said = self._answer(X, sensitive_features)
        found: NDArray[Any] = self.classes_[np.array(self._places)[said.decision]]
        return found

    def predict_proba(self, X: Any, sensitive_features: Any = None) -> NDArray[np.float64]:
        """Return the model's probability of each class, before threshold and group offsets.

        Args:
            X: [n, d].
            sensitive_features: As for `predict`.

        Returns:
            [n, K] in the order of `classes_`, rows summing to one.
        """
        score = self._answer(X, sensitive_features).score.astype(np.float64)
        by_code = np.stack([1.0 - score, score], axis=1) if score.ndim == 1 else score / score.sum(axis=1)[:, None]
        return by_code[:, np.argsort(self._places)]

    def decision_function(self, X: Any, sensitive_features: Any = None) -> NDArray[np.float64]:
        """Return how far each row is on the side of `classes_[1]`, or of more classes their log probabilities.

        Args:
            X: [n, d].
            sensitive_features: As for `predict`.

        Returns:
            [n] logits beyond threshold and group offset, or [n, K].
        """
        said = self._answer(X, sensitive_features)
        if said.score.ndim == 1:
            return said.margin.astype(np.float64) * (1.0 if self._places[1] == 1 else -1.0)
        tiny = np.finfo(np.float32).tiny
        return np.log(np.maximum(said.score.astype(np.float64), tiny))[:, np.argsort(self._places)]

    def save(self, folder: Path | str, *, overwrite: bool = False) -> Path:
        """Write the run, with `model.onnx` and the report, as `efficienttrust fit --out` does.

        Args:
            folder: Where to.
            overwrite: Replace an earlier run.
        """
        check_is_fitted(self, "run_")
        return self.run_.save(folder, overwrite=overwrite)

    def __sklearn_tags__(self) -> Any:
        """Say to scikit-learn what is taken: missing cells, texts and categories."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        tags.non_deterministic = not _is_counted(self.budget)
        return tags

    def _read(self, X: Any, y: Any, sensitive: Any, weight: Any) -> Table:
        """Check the arguments as scikit-learn does, and put them into one table."""
        if y is None:
            raise EstimatorError("TrustClassifier requires y to be passed, but the target y is None")
        X = self._inputs_of(X, reset=True)
        label = getattr(y, "name", None)
        y = column_or_1d(y, warn=True)
        assert_all_finite(y, estimator_name="TrustClassifier", input_name="y")
        check_consistent_length(X, y, *(() if sensitive is None else (sensitive,)))
        check_classification_targets(y)
        with _as_value_error():
            inputs = inputs_frame(X)
            groups = None if sensitive is None else sensitive_frame(sensitive)
        if weight is not None:
            weight = _check_sample_weight(weight, inputs, dtype=np.float64, ensure_non_negative=True)
            kept = weight > 0
            inputs, y, weight = inputs[kept].reset_index(drop=True), y[kept], weight[kept]
            groups = None if groups is None else groups[kept].reset_index(drop=True)
        classes, codes = np.unique(y, return_inverse=True)
        if len(classes) < 2:
            held = f"{len(classes)} class {classes.tolist()}"
            raise EstimatorError(f"y has {held} in the rows of positive weight; two are needed to learn from")
        return join(inputs, groups, codes, classes, weight, str(label or "label"))

    def _inputs_of(self, X: Any, *, reset: bool) -> Any:
        """Check inputs; a frame is left as it is, as its cells are read once only, later."""
        if is_frame(X):
            validate_data(self, X, reset=reset, skip_check_array=True)
            return X
        return validate_data(self, X, reset=reset, dtype=None, ensure_all_finite="allow-nan")

    def _seed(self) -> int:
        if isinstance(self.random_state, int | np.integer):
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))

    def _problem(self, table: Table, found: str | None, seed: int) -> Problem:
        """Return the problem; with too few rows its splits share them."""
        settings: dict[str, Any] = {
            "label": table.label,
            "positive": self._positive(table),
            "task": "binary" if len(table.texts) == 2 else "multiclass",
            "sensitive": table.sensitive,
            "weight": table.weight,
            "immutable": [table.inputs.get(name, name) for name in names_of(self.immutable, tuple(table.inputs))],
            "seed": seed,
        }
        return load_shared(table, found, **settings) if found else load_problem(table.frame, **settings)

    def _positive(self, table: Table) -> str | None:
        if self.positive is None:
            return table.texts[1] if len(table.texts) == 2 else None
        places = [place for place, one in enumerate(table.classes.tolist()) if one == self.positive]
        if not places or len(table.texts) > 2:
            raise UsageError(
                f"positive={self.positive!r} has to be one of two classes, these are {table.classes.tolist()}"
            )
        return table.texts[places[0]]

    def _answer(self, X: Any, sensitive: Any) -> DeployedOutput:
        """Ask the exported file."""
        check_is_fitted(self, "run_")
        X = self._inputs_of(X, reset=False)
        with _as_value_error():
            frame = inputs_frame(X, self._inputs)
            if self.run_.document["spec"]["use_groups_at_prediction"]:
                if sensitive is None:
                    raise UsageError("this model reads the groups: give sensitive_features as at fit")
                check_consistent_length(X, sensitive)
                groups = sensitive_frame(sensitive)
                if groups.shape[1] != len(self._sensitive):
                    raise UsageError(f"sensitive_features has {groups.shape[1]} columns, at fit {len(self._sensitive)}")
                for name, given in zip(self._sensitive, groups, strict=True):
                    frame[name] = groups[given]
            return self._file.model.run(frame)


class _File:
    """The exported file, opened; a copy or a pickle of it carries the content alone, as sessions cannot be copied."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.model = DeployedModel(content)

    def __reduce__(self) -> tuple[type[_File], tuple[bytes]]:
        return _File, (self.content,)


@contextmanager
def _as_value_error() -> Iterator[None]:
    """Raise a `UsageError` of the pipeline as one that is a `ValueError` too."""
    try:
        yield
    except UsageError as error:
        raise EstimatorError(str(error)) from error


def _refuse_without_groups(targets: Sequence[Target | str], table: Table) -> None:
    """Raise `UsageError` for a target that compares groups where none were given."""
    for target in targets:
        parsed = parse_target(target) if isinstance(target, str) else target
        if not table.sensitive and "by" in metrics.get(parsed.metric).parameters:
            raise UsageError(f"target {parsed.text} compares groups: give fit(X, y, sensitive_features=...)")


def _class_texts(problem: Problem, table: Table) -> tuple[str, ...]:
    """Return the text of each class by its code in the file."""
    if problem.task == "multiclass":
        return problem.classes
    return tuple(sorted(table.texts, key=lambda text: text == problem.positive))


def _is_counted(budget: Budget | str) -> bool:
    """Return whether a budget runs on a clock on which a seed determines the run."""
    try:
        limits = Budget.parse(budget) if isinstance(budget, str) else budget
    except UsageError:
        return False
    return limits.time is not None and limits.time.clock in COUNTED
