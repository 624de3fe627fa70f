"""One module per table corruption; each registers itself when imported."""
