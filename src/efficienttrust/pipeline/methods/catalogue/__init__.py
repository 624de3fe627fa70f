"""One method per module; importing it registers the method."""
