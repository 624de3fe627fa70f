"""One executor per module; importing it registers the executor."""
