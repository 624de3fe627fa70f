"""One analysis per module; importing a module registers it."""
