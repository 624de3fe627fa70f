"""All out-of-distribution detectors, one per module: a new file that registers a `Detector` is a new detector."""
