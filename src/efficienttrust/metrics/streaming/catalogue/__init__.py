"""Metrics of what was counted: importing a module registers its metrics."""
