"""One module per kind of constraint."""
