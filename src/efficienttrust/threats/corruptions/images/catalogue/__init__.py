"""One image corruption per module; each registers itself in `efficienttrust.threats.corruptions.image_corruptions`."""
