"""All metrics, one per module: a new file that registers a `Metric` is a new metric."""
