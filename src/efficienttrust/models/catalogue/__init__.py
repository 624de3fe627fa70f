"""One architecture per module; each registers itself in `efficienttrust.models.architectures`."""
