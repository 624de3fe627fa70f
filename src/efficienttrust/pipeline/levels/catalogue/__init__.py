"""One constraint per module, registered when imported."""
