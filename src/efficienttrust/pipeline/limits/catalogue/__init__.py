"""One result put to use per module; each registers an `Assessor`."""
