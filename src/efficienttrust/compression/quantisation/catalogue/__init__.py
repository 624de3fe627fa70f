"""One quantisation per module."""
