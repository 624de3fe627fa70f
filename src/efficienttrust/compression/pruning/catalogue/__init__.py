"""One method of pruning per module; each registers itself in `efficienttrust.compression.pruning.prunings`."""
