"""Targets, what is measured on which split, certificates and verdicts."""
