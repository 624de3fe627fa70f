"""One theoretical result per module; each registers its `Result` under its code and a name."""
