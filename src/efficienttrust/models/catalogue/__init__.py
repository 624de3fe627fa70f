"""One network, or family of one design, per module; each registers itself in `efficienttrust.models.networks`."""
