"""One module reads one format of images."""
