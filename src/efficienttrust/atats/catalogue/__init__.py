"""One policy per module; each registers itself in `efficienttrust.atats.policies`."""
