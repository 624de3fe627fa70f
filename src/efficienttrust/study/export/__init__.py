"""What leaves a store: the table of results, as Parquet (which the analysis reads), CSV, or runs of MLflow.

The table has a row for each trial that has ended and the columns of `study/_columns.py`. Its metadata hold the design,
the environment, the command and all identities under which trials ran. `compare` says what differs between two stores.

    >>> import tempfile
    >>> from efficienttrust.study import Outcome, Trial
    >>> from efficienttrust.study.store import StudyIdentity, open_store
    >>> trial = Trial("ab12", "cell", {"model": "mlp"}, {"model": "mlp", "seed": 0}, seed=0)
    >>> folder = tempfile.TemporaryDirectory()
    >>> with open_store(f"{folder.name}/study.db") as store:
    ...     store.begin(StudyIdentity("small", "name: small", design={}, data={}, code={}), [trial])
    ...     lease = store.claim("me", seconds=60)[0]
    ...     written = store.finish(lease, Outcome("done", {"metric.accuracy": 0.83}))
    ...     frame = results(store).frame
    >>> frame["factor.model"].to_list(), frame["metric.accuracy"].to_list()
    (['mlp'], [0.83])
    >>> folder.cleanup()
"""

from efficienttrust.study.export._compare import ColumnDifference, Difference, StoreDifference, compare
from efficienttrust.study.export._registry import Exporter, exporters
from efficienttrust.study.export._results import Results, results
from efficienttrust.study.export.catalogue.csv import write_csv
from efficienttrust.study.export.catalogue.mlflow import write_mlflow
from efficienttrust.study.export.catalogue.parquet import write_parquet

__all__ = [
    "ColumnDifference",
    "Difference",
    "Exporter",
    "Results",
    "StoreDifference",
    "compare",
    "exporters",
    "results",
    "write_csv",
    "write_mlflow",
    "write_parquet",
]
