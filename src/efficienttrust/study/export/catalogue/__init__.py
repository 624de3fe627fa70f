"""One module for each way out of a store."""
